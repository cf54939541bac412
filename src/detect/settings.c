/* Thresholds from the configuration; the contract is in settings.h. */
#include "detect/settings.h"

#include "base/civil.h"

const struct detect_settings detect_settings_default = {
	.backscatter_packets = 25,
	.backscatter_packets_min = 5,
	.backscatter_addresses = 2,
	.backscatter_ppm = 30,
	.backscatter_us = 60 * CIVIL_US_PER_SECOND,
	.backscatter_gap_us = 300 * CIVIL_US_PER_SECOND,
	.reflection_packets = 100,
	.reflection_packets_asked = 20,
	.reflection_ppm = 5,
	.reflection_repeats = 5,
	.reflection_gap_us = 900 * CIVIL_US_PER_SECOND,
	.carpet_networks = 50,
	.carpet_packets = 20,
	.misconfigured_packets = 10,
	.misconfigured_hours = 3,
};

/* The configuration's bounds (config.def) keep each of them positive. */
struct detect_settings detect_settings_of(const struct config *config)
{
	return (struct detect_settings){
		.backscatter_packets = (uint64_t)config->detect.backscatter_packets,
		.backscatter_packets_min = (uint64_t)config->detect.backscatter_packets_min,
		.backscatter_addresses = (uint32_t)config->detect.backscatter_addresses,
		.backscatter_ppm = (uint64_t)config->detect.backscatter_ppm,
		.backscatter_us = config->detect.backscatter_seconds * CIVIL_US_PER_SECOND,
		.backscatter_gap_us = config->detect.backscatter_gap * CIVIL_US_PER_SECOND,
		.reflection_packets = (uint64_t)config->detect.reflection_packets,
		.reflection_packets_asked = (uint64_t)config->detect.reflection_packets_asked,
		.reflection_ppm = (uint64_t)config->detect.reflection_ppm,
		.reflection_repeats = (uint32_t)config->detect.reflection_repeats,
		.reflection_gap_us = config->detect.reflection_gap * CIVIL_US_PER_SECOND,
		.carpet_networks = (uint32_t)config->detect.carpet_networks,
		.carpet_packets = (uint64_t)config->detect.carpet_packets,
		.misconfigured_packets = (uint64_t)config->detect.misconfigured_packets,
		.misconfigured_hours = (uint32_t)config->detect.misconfigured_hours,
	};
}
