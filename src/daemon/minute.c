/* Coverage minute by minute; the contract is in minute.h. */
#include "daemon/minute.h"

#include "base/civil.h"

void minute_begin(struct minute *m, int64_t wall_us, int64_t monotonic_us)
{
	m->first = true;
	m->from_us = wall_us;
	m->wall_minus_monotonic_us = wall_us - monotonic_us;
	m->before = (struct minute_counts){0, 0, 0};
}

void minute_resume(struct minute *m, int64_t wall_us, int64_t monotonic_us)
{
	struct minute_counts before = m->before;

	minute_begin(m, wall_us, monotonic_us);
	m->before = before;
}

bool minute_turn(struct minute *m, int64_t wall_us, int64_t monotonic_us, bool last,
    const struct minute_counts *now, uint16_t sensor, uint32_t addresses,
    struct record_coverage *ret_row)
{
	int64_t step = wall_us - monotonic_us - m->wall_minus_monotonic_us;
	bool was_set = step > MINUTE_STEP_US || step < -MINUTE_STEP_US;
	int64_t true_us = was_set ? wall_us - step : wall_us; /* on the clock the minute began with */
	int64_t end = m->from_us - m->from_us % CIVIL_US_PER_MINUTE + CIVIL_US_PER_MINUTE;

	if (true_us < end && !last && !was_set
	    && !(m->first && true_us - m->from_us >= MINUTE_FIRST_US))
		return false;
	m->first = false;
	if (true_us < end)
		end = true_us;
	*ret_row = (struct record_coverage){
		.time = m->from_us,
		.end = end,
		.sensor = sensor,
		.addresses = addresses,
		.packets_read = now->read - m->before.read,
		.packets_counted = now->counted - m->before.counted,
		.kernel_drops = now->kernel_drops - m->before.kernel_drops,
		.clock_offset_us = was_set ? step : 0,
		.drops = {"", 0},
	};
	m->before = *now;
	m->from_us = was_set ? wall_us : end;
	m->wall_minus_monotonic_us = wall_us - monotonic_us;
	return ret_row->end > ret_row->time;
}
