/* Options that look at bytes: positions, order, numbers, expressions. */
#include "feed.h"

static void contents(void **state)
{
	(void)state;
	MATCHES("content:\"abc\";", "xxabcxx");
	DOES_NOT("content:\"abc\";", "xxaBcxx");
	MATCHES("content:\"aBc\"; nocase;", "xxAbCxx");
	MATCHES("content:\"|61 62|c|3b|\";", "abc;");
	MATCHES("content:\"a\\;b\\\"\";", "xa;b\"");
	MATCHES("content:!\"zzz\"; content:\"x\";", "xx");
	DOES_NOT("content:!\"xx\";", "xx");
	MATCHES("content:\"|00 00|\";", "a\0\0b");
}

static void positions(void **state)
{
	(void)state;
	MATCHES("content:\"abc\"; offset:2; depth:3;", "xxabcxx");
	DOES_NOT("content:\"abc\"; offset:2; depth:3;", "xxxabcxx");
	DOES_NOT("content:\"abc\"; offset:3;", "xxabcxx");
	MATCHES("content:\"ab\"; startswith;", "abx");
	DOES_NOT("content:\"ab\"; startswith;", "xab");
	MATCHES("content:\"ab\"; endswith;", "abxab");
	DOES_NOT("content:\"ab\"; endswith;", "abx");
	MATCHES("content:\"a\"; content:\"b\"; distance:0;", "ab");
	DOES_NOT("content:\"a\"; content:\"b\"; distance:0;", "ba");
	MATCHES("content:\"a\"; content:\"b\"; distance:2; within:1;", "axxb");
	DOES_NOT("content:\"a\"; content:\"b\"; distance:2; within:1;", "axxxb");
	MATCHES("content:\"b\"; content:\"a\"; distance:-2; within:1;", "xab");
	DOES_NOT("content:\"a\"; content:!\"b\"; within:1;", "ab");
	MATCHES("content:\"a\"; content:!\"b\"; within:1;", "axb");
}

/* A first occurrence that leads nowhere must not hide a later one. */
static void tries_again(void **state)
{
	(void)state;
	MATCHES("content:\"ab\"; content:\"cd\"; distance:0; within:2;", "abxxabcd");
	MATCHES("content:\"a\"; content:\"b\"; distance:0; content:\"c\"; distance:0; within:1;",
	    "axbxbc");
	MATCHES("pcre:\"/a./\"; content:\"z\"; distance:0; within:1;", "abxaez");
}

static void expressions(void **state)
{
	(void)state;
	MATCHES("pcre:\"/^ab+c$/\";", "abbc");
	DOES_NOT("pcre:\"/^ab+c$/\";", "xabbc");
	MATCHES("pcre:\"/AB/i\";", "xab");
	MATCHES("pcre:!\"/z/\";", "ab");
	MATCHES("content:\"x\"; pcre:\"/^\\d+/R\";", "abx12");
	DOES_NOT("content:\"x\"; pcre:\"/^\\d+/R\";", "12xab");
}

static void numbers(void **state)
{
	(void)state;
	MATCHES("byte_test:2,=,258,0;", "\x01\x02");
	MATCHES("byte_test:2,=,513,0,little;", "\x01\x02");
	MATCHES("byte_test:1,&,0x80,1;", "a\x80");
	DOES_NOT("byte_test:1,!&,0x80,1;", "a\x80");
	MATCHES("byte_test:3,>,99,0,string,dec;", "123");
	DOES_NOT("byte_test:4,>,0,0;", "abc");
	MATCHES("byte_jump:1,0; content:\"z\"; within:1;", "\x02xxz");
	DOES_NOT("byte_jump:1,0; content:\"z\"; within:1;", "\x01xxz");
	MATCHES("byte_jump:1,0,from_beginning; content:\"z\"; within:1;", "\x02xz");
	MATCHES("byte_extract:1,0,n; content:\"z\"; offset:n;", "\x03xxz");
	DOES_NOT("byte_extract:1,0,n; content:\"z\"; offset:n;", "\x04xxz");
	MATCHES("byte_extract:1,0,n; byte_test:1,=,n,1;", "\x05\x05");
	MATCHES("byte_math:bytes 1, offset 0, oper +, rvalue 2, result r; byte_test:1,=,r,1;",
	    "\x03\x05");
}

static void sizes(void **state)
{
	(void)state;
	MATCHES("dsize:3;", "abc");
	DOES_NOT("dsize:3;", "abcd");
	MATCHES("dsize:2<>5;", "abc");
	MATCHES("dsize:>2;", "abc");
	MATCHES("isdataat:2;", "abc");
	DOES_NOT("isdataat:3;", "abc");
	MATCHES("content:\"c\"; isdataat:!1,relative;", "abc");
	DOES_NOT("content:\"b\"; isdataat:!1,relative;", "abc");
}

static void base64(void **state)
{
	(void)state;
	MATCHES("content:\"x=\"; base64_decode:relative; base64_data; content:\"hello\";",
	    "x=aGVsbG8=");
	DOES_NOT("content:\"x=\"; base64_decode:relative; base64_data; content:\"world\";",
	    "x=aGVsbG8=");
}

static void hopeless_rules_end(void **state)
{
	char text[1401];

	(void)state;
	memset(text, 'a', 1400);
	text[1400] = '\0';
	assert_false(feed_matches("content:\"a\"; content:\"a\"; distance:0; content:\"a\"; distance:0; "
	    "content:\"a\"; distance:0; content:\"a\"; distance:0; content:\"b\"; distance:0;", text,
	    1400));
	assert_false(feed_matches("pcre:\"/(a+)+$b/\";", text, 1400));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents), cmocka_unit_test(positions), cmocka_unit_test(tries_again),
		cmocka_unit_test(expressions), cmocka_unit_test(numbers), cmocka_unit_test(sizes),
		cmocka_unit_test(base64), cmocka_unit_test(hopeless_rules_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("signatures: matching", tests, NULL, NULL);
}
