/* Detection: signatures today; attacks, scans, rises and roles later. */
#pragma once

/* Version of the judgements made here; stored beside them so that they can be recomputed. */
unsigned detect_version(void);
