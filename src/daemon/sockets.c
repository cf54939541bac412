/* The sockets of a configuration; the contract is in sockets.h. */
#include "daemon/sockets.h"

#include "os/clock.h"
#include "os/listen.h"
#include "protocol/protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES_EACH 16 /* up to so many get sockets of their own, more share one for all */
#define PATIENCE_US 5000000 /* for ports of a predecessor that is still being taken down */
#define PATIENCE_STEP_MS 50

struct opening {
	const struct config *config;
	void (*say)(const char *line);
	struct sockets *sockets;
	struct sockets *old;
	struct ip addresses[ADDRESSES_EACH];
	size_t address_count;
	bool routed;           /* sockets_routed */
	int64_t patient_until; /* monotonic: one patience for all ports together */
};

static const struct config_nets *answering(const struct config *config)
{
	return config->respond.addresses.count > 0 ? &config->respond.addresses
	                                           : &config->sensor.addresses;
}

bool sockets_routed(const struct config *config)
{
	const struct config_nets *nets = answering(config);

	for (size_t i = 0; i < nets->count; i++)
		if (!ip_is_v4(nets->items[i].base) && ip_net_size(nets->items[i]) > ADDRESSES_EACH)
			return true;
	return false;
}

/* The answering addresses one by one; one that means all when they are many. */
static void list_addresses(struct opening *o)
{
	const struct config_nets *nets = answering(o->config);
	uint64_t total = 0;

	for (size_t i = 0; i < nets->count && total <= ADDRESSES_EACH; i++) {
		uint64_t size = ip_net_size(nets->items[i]);

		/* A sum of IPv6 networks would come round. */
		total += size <= ADDRESSES_EACH ? size : ADDRESSES_EACH + 1;
	}
	if (total == 0 || total > ADDRESSES_EACH) {
		o->addresses[0] = (struct ip){0, 0};
		o->address_count = 1;
		return;
	}
	for (size_t i = 0; i < nets->count; i++)
		for (uint64_t j = 0; j < ip_net_size(nets->items[i]); j++) {
			o->addresses[o->address_count] = nets->items[i].base;
			o->addresses[o->address_count++].lo += j;
		}
}

static bool is_open(const struct sockets *s, size_t from, enum os_transport transport,
    uint16_t port)
{
	for (size_t i = from; i < s->count; i++)
		if (s->list[i].transport == transport && s->list[i].port == port)
			return true;
	return false;
}

/* Moves the same socket over from the old ones. */
static bool take_old(struct opening *o, const struct os_listen_options *options, int *ret_fd)
{
	for (size_t i = 0; o->old && i < o->old->count; i++) {
		const struct start_socket *s = &o->old->list[i];

		if (o->old->fds[i] >= 0 && s->transport == options->transport
		    && s->port == options->port && s->transparent == options->transparent
		    && ip_equal(o->old->addresses[i], options->address)) {
			*ret_fd = o->old->fds[i];
			o->old->fds[i] = -1;
			return true;
		}
	}
	return false;
}

/* After a crash the kernel may take seconds to close thousands of sockets of the one before us. */
static int listen_patiently(const struct opening *o, const struct os_listen_options *options,
    int *ret_fd, struct err *err)
{
	int rc = os_listen(options, ret_fd, err);

	while (rc == -EADDRINUSE && os_clock_monotonic_us() < o->patient_until) {
		(void)poll(NULL, 0, PATIENCE_STEP_MS);
		rc = os_listen(options, ret_fd, err);
	}
	return rc;
}

static void add(struct opening *o, const struct os_listen_options *options, enum start_owner owner)
{
	struct sockets *s = o->sockets;
	struct err err = {0};
	int *fd = &s->fds[s->count];

	if (!take_old(o, options, fd) && listen_patiently(o, options, fd, &err)) {
		s->failed++;
		o->say(err.text);
		return;
	}
	/* The courier does not send with it. */
	if (options->transport == OS_UDP && owner != START_COURIER && o->routed)
		(void)os_send_routed(*fd);
	s->addresses[s->count] = options->address;
	s->list[s->count++] = (struct start_socket){
		.transport = (uint8_t)options->transport,
		.owner = (uint8_t)owner,
		.port = options->port,
		.transparent = options->transparent,
	};
}

static void open_one(struct opening *o, size_t from, enum os_transport transport,
    struct ip address, uint16_t port, enum start_owner owner)
{
	struct sockets *s = o->sockets;
	struct os_listen_options options = {
		.transport = transport,
		.address = address,
		.port = (uint16_t)(port + o->config->respond.port_offset),
	};

	if (port + o->config->respond.port_offset > UINT16_MAX || s->count == SOCKETS_MAX
	    || is_open(s, from, transport, options.port))
		return;
	add(o, &options, owner);
}

static void open_module(struct opening *o, size_t from, const struct protocol_module *m,
    struct ip address)
{
	const struct config_ports *ports = &o->config->respond.protocols;
	enum start_owner owner = strcmp(m->name, "ssh") == 0 ? START_SSH : START_RESPOND;

	if (m->identify_only)
		return;
	for (size_t i = 0; i < ports->count; i++) {
		if (strcmp(ports->items[i].protocol, m->name) != 0)
			continue;
		for (size_t j = 0; j < ports->items[i].count; j++) {
			if (m->transports & PROTOCOL_TCP)
				open_one(o, from, OS_TCP, address, ports->items[i].ports[j], owner);
			if (m->transports & PROTOCOL_UDP)
				open_one(o, from, OS_UDP, address, ports->items[i].ports[j], owner);
		}
	}
	for (size_t i = 0; ports->count == 0 && i < PROTOCOL_PORTS_MAX && m->tcp_ports[i]; i++)
		open_one(o, from, OS_TCP, address, m->tcp_ports[i], owner);
	for (size_t i = 0; ports->count == 0 && i < PROTOCOL_PORTS_MAX && m->udp_ports[i]; i++)
		open_one(o, from, OS_UDP, address, m->udp_ports[i], owner);
}

/* Every port of the answering addresses, by the rules that `teiten sensor rules` prints. */
static void open_any_port(struct opening *o)
{
	static const enum os_transport transports[] = {OS_TCP, OS_UDP};
	struct sockets *s = o->sockets;

	for (unsigned i = 0; i < 2 && s->count < SOCKETS_MAX; i++) {
		struct os_listen_options options = {
			.transport = transports[i],
			.port = (uint16_t)o->config->respond.any_port_listen,
			.transparent = true,
		};

		/* Answering a datagram from the port that was asked is a program's of its own. */
		add(o, &options, transports[i] == OS_UDP ? START_COURIER : START_RESPOND);
	}
}

int sockets_check(const struct config *config, struct err *err)
{
	for (size_t i = 0; i < config->respond.protocols.count; i++)
		if (!protocol_module_find(config->respond.protocols.items[i].protocol))
			return err_set(err, ST_USAGE, "respond.protocols: there is no protocol %s",
			    config->respond.protocols.items[i].protocol);
	return ST_OK;
}

int sockets_open(const struct config *config, void (*say)(const char *line), struct sockets *old,
    struct sockets *ret_sockets, struct err *err)
{
	struct opening o = {
		.config = config,
		.say = say,
		.sockets = ret_sockets,
		.old = old,
		.routed = sockets_routed(config),
		.patient_until = old ? 0 : os_clock_monotonic_us() + PATIENCE_US,
	};

	ret_sockets->count = 0;
	ret_sockets->failed = 0;
	if (!config->respond.enabled)
		return ST_OK;
	list_addresses(&o);
	for (size_t a = 0; a < o.address_count; a++) {
		size_t from = ret_sockets->count;

		for (unsigned i = 0; i < protocol_module_count; i++)
			open_module(&o, from, protocol_modules[i], o.addresses[a]);
	}
	if (config->respond.any_port)
		open_any_port(&o);
	if (ret_sockets->count == 0 && ret_sockets->failed > 0)
		return err_set(err, ST_USAGE, "none of the ports could be opened: choose others with "
		    "respond.protocols, or respond.port_offset to try it without root");
	return ST_OK;
}

void sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->fds[i] >= 0)
			(void)close(s->fds[i]);
	s->count = 0;
}
