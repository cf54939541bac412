/*
 * Prints docs/protocols.md from the modules and patterns (a test compares it with the file), or with
 * --man the same as sections of a manual page.
 */
#include "protocol/patterns.h"
#include "protocol/protocol.h"

#include <stdio.h>
#include <string.h>

static void print_ports(const char *transport, const uint16_t *ports, const char **separator)
{
	for (unsigned i = 0; i < PROTOCOL_PORTS_MAX && ports[i]; i++) {
		(void)printf("%s%u/%s", *separator, ports[i], transport);
		*separator = ", ";
	}
}

/* scdoc gives _ and * a meaning. */
static void print_man_text(const char *text)
{
	for (; *text; text++) {
		if (strchr("_*\\<#", *text))
			(void)putchar('\\');
		(void)putchar(*text);
	}
}

static void print_module_md(const struct protocol_module *m)
{
	const char *separator = "";

	(void)printf("\n## %s: %s\n\n%s\n\n%s.  Ports: ", m->name, m->title, m->doc, m->spec);
	print_ports("tcp", m->tcp_ports, &separator);
	print_ports("udp", m->udp_ports, &separator);
	(void)printf("%s.  %s%u bytes of memory for a connection.\n", *separator ? "" : "none of its own",
	    m->identify_only ? "Identified only.  " : "",
	    (unsigned)m->state_size + m->client_inbox + m->server_inbox);
	if (m->event_count > 0)
		(void)printf("\n| event | |\n|---|---|\n");
	for (unsigned i = 0; i < m->event_count; i++)
		(void)printf("| `%s.%s` | %s |\n", m->name, m->events[i].name, m->events[i].doc);
}

static void print_module_man(const struct protocol_module *m)
{
	const char *separator = "";

	(void)printf("\n## %s\n\n", m->name);
	print_man_text(m->title);
	(void)printf(" (");
	print_man_text(m->spec);
	(void)printf("), ");
	print_ports("tcp", m->tcp_ports, &separator);
	print_ports("udp", m->udp_ports, &separator);
	(void)printf("%s.%s\n\n", *separator ? "" : "no port of its own",
	    m->identify_only ? " Identified only." : "");
	print_man_text(m->doc);
	(void)printf("\n\n");
	for (unsigned i = 0; i < m->event_count; i++) {
		(void)printf("*%s.%s*\n\t", m->name, m->events[i].name);
		print_man_text(m->events[i].doc);
		(void)printf("\n\n");
	}
}

static void print_patterns(const struct patterns *patterns)
{
	unsigned count = patterns_count(patterns);

	for (unsigned i = 0; i < count; i++)
		(void)printf("%s%s", patterns_name(patterns, i), i + 1 < count ? ", " : ".\n");
}

int main(int argc, char **argv)
{
	struct patterns *patterns;
	bool man = argc > 1 && strcmp(argv[1], "--man") == 0;

	if (patterns_new(&patterns))
		return 1;
	if (!man)
		(void)printf("# Protocols\n\n"
		    "Made from the modules in `src/protocol/` by `build/protocol-docs`; change it there.\n"
		    "What is recorded of each protocol, what answers, and the names of its events\n"
		    "(`teiten top events`, `events` of `teiten analyze --json`).\n");
	for (unsigned i = 0; i < protocol_module_count; i++)
		if (man)
			print_module_man(protocol_modules[i]);
		else
			print_module_md(protocol_modules[i]);
	if (!man) {
		(void)printf("\n## Identified by a pattern\n\n"
		    "Named from their first bytes (`data/protocols.patterns`) and not parsed:\n");
		print_patterns(patterns);
	}
	patterns_free(patterns);
	return 0;
}
