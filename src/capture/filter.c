/*
 * libpcap's compiler and interpreter; nothing here opens a device or a file of packets.
 *
 * Link types of files and the DLT_ numbers that the compiler takes are the same but for the few
 * in the table below (pcap-common.c of libpcap).
 */
#include "capture/filter.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SNAP_LEN 262144
#define LINKTYPE_ETHERNET 1

/*
 * Compiled before the first file is opened, as well as Ethernet: names in an expression ("port
 * ssh") are looked up in files that a sandbox may have closed by the time a packet is seen.
 */
static const uint16_t common_linktypes[] = {
    0,   /* NULL */
    101, /* RAW */
    113, /* LINUX_SLL */
    228, /* IPV4 */
    229, /* IPV6 */
    276, /* LINUX_SLL2 */
};

struct filter_program {
	uint16_t linktype;
	bool is_compiled;
	struct bpf_program program;
	char text[128]; /* why it is not compiled */
};

struct filter {
	char *expression;
	const struct filter_program *selected;
	size_t count;
	struct filter_program programs[FILTER_LINKTYPE_MAX];
	char text[128];
};

static int dlt_of(uint16_t linktype)
{
	static const struct {
		uint16_t linktype;
		uint16_t dlt;
	} table[] = {
	    {12, DLT_RAW}, /* written by systems whose DLT_RAW is 12 … */
	    {14, DLT_RAW}, /* … or 14 (OpenBSD) */
	    {100, DLT_ATM_RFC1483},
	    {101, DLT_RAW},
	    {102, DLT_SLIP_BSDOS},
	    {103, DLT_PPP_BSDOS},
	    {104, DLT_C_HDLC},
	    {106, DLT_ATM_CLIP},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].linktype == linktype)
			return table[i].dlt;
	return linktype;
}

static void compile(const char *expression, struct filter_program *program)
{
	pcap_t *dead = pcap_open_dead(dlt_of(program->linktype), SNAP_LEN);

	if (!dead) {
		(void)snprintf(program->text, sizeof(program->text), "out of memory");
		return;
	}
	program->is_compiled =
	    pcap_compile(dead, &program->program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!program->is_compiled)
		(void)snprintf(program->text, sizeof(program->text), "%s", pcap_geterr(dead));
	pcap_close(dead);
}

/* The program for a link type, compiled now when it is new; NULL when there are too many. */
static const struct filter_program *program_for(struct filter *filter, uint16_t linktype)
{
	struct filter_program *program;

	for (size_t i = 0; i < filter->count; i++)
		if (filter->programs[i].linktype == linktype)
			return &filter->programs[i];
	if (filter->count == FILTER_LINKTYPE_MAX)
		return NULL;
	program = &filter->programs[filter->count++];
	program->linktype = linktype;
	compile(filter->expression, program);
	return program;
}

int filter_select(struct filter *filter, uint16_t linktype)
{
	const struct filter_program *program = filter->selected;

	if (program && program->linktype == linktype)
		return ST_OK;
	program = program_for(filter, linktype);
	if (!program) {
		(void)snprintf(filter->text, sizeof(filter->text), "more than %d link types",
		    FILTER_LINKTYPE_MAX);
		return ST_LIMIT;
	}
	if (!program->is_compiled) {
		(void)snprintf(filter->text, sizeof(filter->text), "%s", program->text);
		return ST_UNSUPPORTED;
	}
	filter->selected = program;
	return ST_OK;
}

int filter_new(const char *expression, struct filter **ret_filter, struct err *err)
{
	struct filter *filter = calloc(1, sizeof(*filter));
	int rc;

	if (!filter)
		return err_set(err, -ENOMEM, "out of memory");
	filter->expression = strdup(expression);
	if (!filter->expression) {
		rc = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	if (filter_select(filter, LINKTYPE_ETHERNET) != ST_OK) {
		rc = err_set(err, ST_USAGE, "filter '%.200s': %s", expression, filter->text);
		goto out;
	}
	/* One that cannot be compiled is remembered, and an error when a packet needs it. */
	for (size_t i = 0; i < sizeof(common_linktypes) / sizeof(common_linktypes[0]); i++)
		(void)program_for(filter, common_linktypes[i]);
	*ret_filter = filter;
	return ST_OK;
out:
	filter_free(filter);
	return rc;
}

const char *filter_text(const struct filter *filter)
{
	return filter->text;
}

bool filter_match(const struct filter *filter, const uint8_t *data, uint32_t len, uint32_t wire_len)
{
	return bpf_filter(filter->selected->program.bf_insns, data, wire_len, len) != 0;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++)
		if (filter->programs[i].is_compiled)
			pcap_freecode(&filter->programs[i].program);
	free(filter->expression);
	free(filter);
}
