/* Thresholds of rises from the configuration; the contract is in rises_rule.h. */
#include "cmd/rises_rule.h"

#include "cmd/command.h"

struct rise_rule rises_rule(void)
{
	const struct config *c = command_configuration();
	struct rise_rule rule = rise_rule_default();

	rule.baseline_days = (unsigned)c->detect.rise_baseline_days;
	rule.z_sources = (double)c->detect.rise_z_sources;
	rule.z_packets = (double)c->detect.rise_z_packets;
	rule.false_rate = c->detect.rise_false_rate / 100;
	rule.ratio = c->detect.rise_ratio / 100;
	rule.ratio_slow = c->detect.rise_ratio_slow / 100;
	rule.ratio_fall = 100 / c->detect.rise_ratio_fall;
	rule.quiet_days = (unsigned)c->detect.rise_quiet_days;
	rule.coverage_least = c->detect.rise_coverage / 100;
	rule.novel_sources = (unsigned)c->detect.rise_novel_sources;
	rule.novel_sensors = (unsigned)c->detect.rise_novel_sensors;
	return rule;
}
