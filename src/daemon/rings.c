/* The packet rings; the contract is in rings.h. */
#include "daemon/rings.h"

#include "capture/ring.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

unsigned rings_wanted(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long count = config->capture.rings > 0 ? config->capture.rings : cores;

	if (!config->capture.interface[0])
		return 0;
	return count < 1 ? 1 : count > FANOUT_RINGS_MAX ? FANOUT_RINGS_MAX : (unsigned)count;
}

static struct ring_options options_of(const struct rings *r, const struct config *config)
{
	return (struct ring_options){
		.interface = config->capture.interface,
		.filter = config->capture.filter,
		.fanout = {
			.nets = config->sensor.addresses.items,
			.net_count = config->sensor.addresses.count,
			.excluded = config->sensor.exclude.items,
			.excluded_count = config->sensor.exclude.count,
			.seed = r->seed,
			.rings = r->count,
		},
	};
}

/* Dealing begins when the interface is up for the first time. */
static int share(struct rings *r, const struct config *config, struct err *err)
{
	struct ring_options options = options_of(r, config);
	int rc = ST_OK;

	if (r->shared || r->state != OS_LINK_UP)
		return ST_OK;
	rc = ring_share(&options, r->fds, err);
	r->shared = rc == ST_OK;
	return rc;
}

int rings_open(struct rings *r, const struct config *config, uint32_t seed, struct err *err)
{
	struct ring_options options;
	int rc;

	*r = (struct rings){.link = -1, .count = rings_wanted(config), .seed = seed};
	if (r->count == 0)
		return ST_OK;
	r->shared = r->count == 1;
	options = options_of(r, config);
	rc = ring_open(&options, r->fds, err);
	if (!rc)
		rc = os_link_watch(&r->link, err);
	r->state = os_link_look(options.interface, &r->index);
	return rc ? rc : share(r, config, err);
}

bool rings_hear(const struct rings *r)
{
	return r->state == OS_LINK_UP && r->shared;
}

int rings_reconfigure(const struct rings *r, const struct config *config, struct err *err)
{
	struct ring_options options = options_of(r, config);

	return r->count > 1 && r->shared ? ring_deal(&options, r->fds[0], err) : ST_OK;
}

/* An interface that was made anew needs rings of its own. */
static bool renew(struct rings *r, const struct config *config, void (*say)(const char *line))
{
	struct ring_options options = options_of(r, config);
	int fds[FANOUT_RINGS_MAX];
	struct err err = {0};

	if (ring_open(&options, fds, &err)) {
		say(err.text);
		return false;
	}
	for (unsigned i = 0; i < r->count; i++)
		(void)close(r->fds[i]);
	memcpy(r->fds, fds, r->count * sizeof(fds[0]));
	r->shared = r->count == 1;
	return true;
}

enum rings_change rings_look(struct rings *r, const struct config *config,
    void (*say)(const char *line))
{
	static const char *const names[] = {"gone", "down", "up"};
	enum os_link_state before = r->state;
	bool heard = rings_hear(r);
	bool renewed = false;
	struct err err = {0};
	unsigned index;
	char line[200];

	os_link_seen(r->link);
	r->state = os_link_look(config->capture.interface, &index);
	if (index != 0 && index != r->index) {
		r->index = index;
		renewed = renew(r, config, say);
	}
	/* What went wrong half-way (it may be down again) is tried again with other sockets: at once, and
	 * when the interface has changed the next time. */
	if (share(r, config, &err)) {
		renewed = renew(r, config, say) || renewed;
		if (share(r, config, &err)) {
			say(err.text);
			(void)renew(r, config, say);
		}
	}
	if (r->state != before) {
		(void)snprintf(line, sizeof(line), "capture.interface: %s is %s",
		    config->capture.interface, names[r->state]);
		say(line);
	}
	return renewed ? RINGS_NEW : rings_hear(r) != heard ? RINGS_LINK : RINGS_SAME;
}
