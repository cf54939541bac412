/* A row of a closed minute as the record that is kept of it; the contract is in tally.h. */
#include "tally/tally.h"

struct ip tally_row_source(const struct tally_rows *rows, uint32_t i)
{
	const struct minute_row *row = tally_row(rows, i);

	return rows->table->has_tail ? minute_table_tail(rows->table, rows->first + i)->src
	                             : ip_from_v4(minute_key_src(&row->key));
}

void tally_row_flow(const struct tally_rows *rows, uint32_t i, struct record_flow *ret_flow)
{
	const struct minute_row *row = tally_row(rows, i);
	struct ip src = tally_row_source(rows, i);
	struct ip victim = {0, 0};

	if (minute_key_class(&row->key) == RECORD_CLASS_BACKSCATTER)
		victim = rows->table->has_tail ? minute_table_tail(rows->table, rows->first + i)->victim
		                               : ip_from_v4(minute_key_victim(&row->key));
	*ret_flow = (struct record_flow){
		.time = rows->minute_us,
		.sensor = rows->sensor,
		.src_hi = src.hi,
		.src_lo = src.lo,
		.proto = minute_key_proto(&row->key),
		.port = minute_key_port(&row->key),
		.class = minute_key_class(&row->key),
		.tcp_flags = minute_key_tcp_flags(&row->key),
		.marks = minute_key_marks(&row->key),
		.packets = row->packets,
		.bytes = row->bytes,
		.dsts = row->dsts_above
		    + (row->dst_bits ? (uint32_t)__builtin_popcountll(row->dst_bits) : 0),
		.dst_bits = rows->has_dst_bits ? row->dst_bits : 0,
		.first_second = row->first_second,
		.last_second = row->last_second,
		.ttl = row->ttl,
		.syn_signature = row->signature,
		.country = {'Z', 'Z'},
		.victim_hi = victim.hi,
		.victim_lo = victim.lo,
		.victim_proto = minute_key_attack_proto(&row->key),
	};
}
