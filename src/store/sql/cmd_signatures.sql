SELECT id, text FROM signature ORDER BY id
