/* Alerts as rows; the contract is in alert_row.h. */
#include "detect/alert_row.h"

#include "tally/scrub.h"

#include <string.h>

static struct record_text clean(struct ip observed, const char *text, char out[ALERT_TEXT_MAX])
{
	size_t n = scrub_text(observed, text, strlen(text), out, ALERT_TEXT_MAX);

	return (struct record_text){out, (uint32_t)n};
}

bool alert_row(const struct alert_row_of *of, const struct signatures_alert *alert,
    struct alert_row_texts *texts, struct record_alert *ret_row)
{
	bool to_us = destinations_observed(of->destinations, alert->dst);
	struct ip visitor = to_us ? alert->src : alert->dst;
	struct ip observed = to_us ? alert->dst : alert->src;
	bool ports = alert->proto == DECODE_PROTO_TCP || alert->proto == DECODE_PROTO_UDP;
	struct geo_place place;

	if (!to_us && !destinations_observed(of->destinations, alert->src))
		return false;
	place = geo_lookup(of->geo, visitor);
	*ret_row = (struct record_alert){
		.time = alert->time_us,
		.sensor = of->sensor,
		.src_hi = visitor.hi,
		.src_lo = visitor.lo,
		.dst_index = destinations_index(of->destinations, observed),
		.proto = alert->proto,
		.dport = !to_us && ports ? alert->sport : alert->dport,
		.asn = place.asn,
		.session = alert->session,
		.gid = alert->gid,
		.sid = alert->sid,
		.rev = alert->rev,
		.class = clean(observed, alert->classtype, texts->class),
		.msg = clean(observed, alert->msg, texts->msg),
		.severity = alert->severity,
		.suppressed = alert->suppressed,
	};
	memcpy(ret_row->country, place.country, 2);
	return true;
}
