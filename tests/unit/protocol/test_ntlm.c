/*
 * NTLM against the worked example of MS-NLMP 4.2, broken messages, and what is written for clients
 * read back.
 */
#include "base/rd.h"
#include "protocol/encoding.h"
#include "protocol/ntlm.h"
#include "protocol/vncauth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* MS-NLMP 4.2.4.3: the AUTHENTICATE_MESSAGE of NTLMv2 authentication, user "User" of "Domain" on
 * "COMPUTER", server challenge 0123456789abcdef. */
static const char example[] =
    "4e544c4d5353500003000000180018006c00000054005400840000000c000c004800000008000800540000001000"
    "10005c00000010001000d8000000358288e20501280a0000000f44006f006d00610069006e005500730065007200"
    "43004f004d0050005500540045005200"
    "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"
    "68cd0ab851e51c96aabc927bebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"
    "02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000"
    "c5dad2544fc9799094ce1ce90bc9d03e";

static const uint8_t challenge[NTLM_CHALLENGE_LEN] = {
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

static size_t example_bytes(uint8_t out[512])
{
	return encoding_unhex(example, sizeof(example) - 1, out, 512);
}

static void test_authenticate(void **state)
{
	uint8_t data[512];
	size_t len = example_bytes(data);
	struct ntlm_message message;
	char text[NTLM_NAME_MAX];
	char hash[NTLM_HASH_MAX];

	(void)state;
	assert_int_equal(ntlm_parse(data, len, &message), ST_OK);
	assert_int_equal(message.type, NTLM_AUTHENTICATE);
	assert_false(ntlm_is_anonymous(&message));
	assert_int_equal(ntlm_text(&message, message.user, text), 4);
	assert_string_equal(text, "User");
	(void)ntlm_text(&message, message.domain, text);
	assert_string_equal(text, "Domain");
	(void)ntlm_text(&message, message.workstation, text);
	assert_string_equal(text, "COMPUTER");
	len = ntlm_hash(&message, challenge, hash);
	assert_int_equal(len, strlen(hash));
	assert_string_equal(hash,
	    "User::Domain:0123456789abcdef:68cd0ab851e51c96aabc927bebef6a1c:"
	    "01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"
	    "02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000");
	(void)ntlm_hash(&message, NULL, hash);
	assert_memory_equal(hash, "User::Domain::68cd", 18);
}

static void test_every_truncation(void **state)
{
	uint8_t data[512];
	size_t len = example_bytes(data);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		struct ntlm_message message;
		char hash[NTLM_HASH_MAX];
		char text[NTLM_NAME_MAX];

		if (ntlm_parse(data, n, &message) != ST_OK) {
			assert_true(n < 60); /* the header */
			continue;
		}
		/* A field that ends outside is empty. */
		assert_int_equal(message.nt.len, n >= 0x84 + 0x54 ? 0x54 : 0);
		(void)ntlm_hash(&message, challenge, hash);
		(void)ntlm_text(&message, message.user, text);
	}
}

static void test_not_ntlm(void **state)
{
	struct ntlm_message message = {.type = NTLM_CHALLENGE};

	(void)state;
	assert_int_equal(ntlm_parse("NTLMSSP\0\x09\0\0\0", 12, &message), ST_MALFORMED);
	assert_int_equal(ntlm_parse("NTLMSSQ\0\1\0\0\0\0\0\0\0", 16, &message), ST_MALFORMED);
	assert_int_equal(message.type, NTLM_CHALLENGE);
	assert_null(ntlm_find("", 0));
	assert_null(ntlm_find("NTLMSSP", 7));
	assert_non_null(ntlm_find("..NTLMSSP\0", 10));
}

static void test_challenge_is_read_back(void **state)
{
	const struct ntlm_server server = {"files-01.example", "example", "files-01.example.net",
		10, 0, 17763};
	uint8_t data[NTLM_CHALLENGE_MESSAGE_MAX];
	uint8_t token[NTLM_CHALLENGE_MESSAGE_MAX + 64];
	struct wr w = wr_init(data, sizeof(data));
	struct wr t = wr_init(token, sizeof(token));
	struct ntlm_message message;
	char text[NTLM_NAME_MAX];
	const uint8_t *at;

	(void)state;
	ntlm_write_challenge(&w, &server, challenge, 1700000000000000);
	assert_false(w.bad);
	spnego_write_challenge(&t, data, wr_len(&w));
	assert_false(t.bad);
	/* The outermost length counts the rest. */
	assert_int_equal(token[0], 0xa1);
	assert_int_equal(token[1], 0x81);
	assert_int_equal(token[2], wr_len(&t) - 3);
	at = ntlm_find(token, wr_len(&t));
	assert_non_null(at);
	assert_int_equal(ntlm_parse(at, (size_t)(t.pos - at), &message), ST_OK);
	assert_int_equal(message.type, NTLM_CHALLENGE);
	assert_memory_equal(message.challenge, challenge, NTLM_CHALLENGE_LEN);
	(void)ntlm_text(&message, message.target, text);
	assert_string_equal(text, "EXAMPLE");
	/* Too small a place makes the writer bad and nothing else. */
	w = wr_init(data, 100);
	ntlm_write_challenge(&w, &server, challenge, 0);
	assert_true(w.bad);
}

static void test_filetime(void **state)
{
	(void)state;
	assert_int_equal(ntlm_filetime(0), 116444736000000000ull);
	assert_int_equal(ntlm_filetime(1000000), 116444736010000000ull);
}

/* The key is the password with each byte's bits reversed: NIST's vector, key 10316e028c8f3b4a,
 * plaintext zeros, gives 82dcbafbdeab6602. */
static void test_vnc_response(void **state)
{
	static const char password[] = "\x08\x8c\x76\x40\x31\xf1\xdc\x52";
	static const uint8_t zeros[VNCAUTH_LEN] = {0};
	uint8_t response[VNCAUTH_LEN];
	char found[VNCAUTH_PASSWORD_MAX + 1];
	char hash[VNCAUTH_HASH_TEXT];

	(void)state;
	assert_true(vncauth_response(password, 8, zeros, response));
	assert_memory_equal(response, "\x82\xdc\xba\xfb\xde\xab\x66\x02", 8);
	assert_memory_equal(response + 8, response, 8);
	assert_false(vncauth_crack(zeros, response, found));
	assert_int_equal(vncauth_hash(zeros, response, hash), VNCAUTH_HASH_TEXT - 1);
	assert_string_equal(hash, "$vnc$*00000000000000000000000000000000*"
	                          "82DCBAFBDEAB660282DCBAFBDEAB6602");
	(void)vncauth_hash(NULL, response, hash);
	assert_string_equal(hash, "$vnc$**82DCBAFBDEAB660282DCBAFBDEAB6602");
	/* Nine characters are as eight; the first and the last word of the list are tried. */
	assert_true(vncauth_response("password9", 9, zeros, response));
	assert_true(vncauth_crack(zeros, response, found));
	assert_string_equal(found, "password");
	assert_true(vncauth_response("", 0, zeros, response));
	assert_true(vncauth_crack(zeros, response, found));
	assert_string_equal(found, "");
	assert_true(vncauth_response("blank", 5, zeros, response));
	assert_true(vncauth_crack(zeros, response, found));
	assert_string_equal(found, "blank");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authenticate),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_not_ntlm),
		cmocka_unit_test(test_challenge_is_read_back),
		cmocka_unit_test(test_filetime),
		cmocka_unit_test(test_vnc_response),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
