/* Coverage of several observers as one; the contract is in overlap.h. */
#include "tally/overlap.h"

#include <errno.h>
#include <stdlib.h>

struct span {
	struct record_coverage row;
	int64_t clock_us;
};

struct line { /* of one observer: a ring of spans */
	struct span spans[OVERLAP_WAITING_MAX];
	unsigned first;
	unsigned count;
};

struct overlap {
	unsigned observers;
	struct record_coverage uncovered; /* counts without an interval of their own */
	struct record_coverage last;      /* the newest that somebody left */
	struct line lines[];
};

int overlap_new(unsigned observers, struct overlap **ret_overlap)
{
	struct overlap *o;

	if (observers == 0 || observers > OVERLAP_OBSERVERS_MAX)
		return ST_LIMIT;
	o = calloc(1, sizeof(*o) + observers * sizeof(o->lines[0]));
	if (!o)
		return -ENOMEM;
	o->observers = observers;
	*ret_overlap = o;
	return ST_OK;
}

void overlap_free(struct overlap *o)
{
	free(o);
}

static struct span *head(struct overlap *o, unsigned observer)
{
	return &o->lines[observer].spans[o->lines[observer].first];
}

/* Moves what was counted; it belongs to one interval only. */
static void move_counts(struct record_coverage *to, struct record_coverage *from)
{
	to->packets_read += from->packets_read;
	to->packets_counted += from->packets_counted;
	to->kernel_drops += from->kernel_drops;
	from->packets_read = from->packets_counted = from->kernel_drops = 0;
}

static void leave(struct overlap *o, unsigned observer)
{
	struct line *line = &o->lines[observer];

	move_counts(&o->uncovered, &head(o, observer)->row);
	o->last = head(o, observer)->row;
	line->first = (line->first + 1) % OVERLAP_WAITING_MAX;
	line->count--;
}

void overlap_add(struct overlap *o, unsigned observer, int64_t wall_minus_monotonic_us,
    const struct record_coverage *row)
{
	struct line *line;
	struct span *span;

	if (observer >= o->observers)
		return;
	line = &o->lines[observer];
	if (line->count == OVERLAP_WAITING_MAX)
		leave(o, observer);
	span = &line->spans[(line->first + line->count++) % OVERLAP_WAITING_MAX];
	*span = (struct span){*row, wall_minus_monotonic_us};
	span->row.drops = (struct record_text){"", 0};
}

/* Whose head ends first by the monotonic clock, which nobody sets. */
static unsigned first_to_end(struct overlap *o)
{
	unsigned found = 0;

	for (unsigned i = 1; i < o->observers; i++) {
		const struct span *a = head(o, i);
		const struct span *b = head(o, found);

		if (a->row.end - a->clock_us < b->row.end - b->clock_us)
			found = i;
	}
	return found;
}

static bool clocks_agree(struct overlap *o)
{
	int64_t least = head(o, 0)->clock_us;
	int64_t most = least;

	for (unsigned i = 1; i < o->observers; i++) {
		int64_t clock_us = head(o, i)->clock_us;

		least = clock_us < least ? clock_us : least;
		most = clock_us > most ? clock_us : most;
	}
	return most - least <= OVERLAP_STEP_US;
}

/* What all heads have in common, and takes it off them. */
static bool take_common(struct overlap *o, struct record_coverage *ret_row)
{
	struct record_coverage row = head(o, 0)->row;

	for (unsigned i = 1; i < o->observers; i++) {
		const struct record_coverage *h = &head(o, i)->row;

		row.time = h->time > row.time ? h->time : row.time;
		row.end = h->end < row.end ? h->end : row.end;
	}
	if (row.time >= row.end)
		return false;
	row.packets_read = row.packets_counted = row.kernel_drops = 0;
	row.clock_offset_us = 0;
	move_counts(&row, &o->uncovered);
	for (unsigned i = 0; i < o->observers; i++) {
		struct record_coverage *h = &head(o, i)->row;

		move_counts(&row, h);
		if (h->end > row.end) {
			h->time = row.end;
			continue;
		}
		if (h->clock_offset_us)
			row.clock_offset_us = h->clock_offset_us;
		leave(o, i);
	}
	*ret_row = row;
	return true;
}

bool overlap_next(struct overlap *o, struct record_coverage *ret_row)
{
	for (;;) {
		for (unsigned i = 0; i < o->observers; i++)
			if (o->lines[i].count == 0)
				return false;
		if (clocks_agree(o) && take_common(o, ret_row))
			return true;
		leave(o, first_to_end(o));
	}
}

bool overlap_rest(struct overlap *o, struct record_coverage *ret_row)
{
	struct record_coverage row;

	for (unsigned i = 0; i < o->observers; i++)
		while (o->lines[i].count > 0)
			leave(o, i);
	row = o->last;
	row.time = row.end;
	row.clock_offset_us = 0;
	row.packets_read = row.packets_counted = row.kernel_drops = 0;
	move_counts(&row, &o->uncovered);
	*ret_row = row;
	return row.end > 0 && row.packets_read + row.kernel_drops > 0;
}
