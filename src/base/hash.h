/*
 * Integer mixing for hash tables, FNV-1a for stable identifiers, CRC-32C for stored frames.
 *
 * The mixers are for tables whose keys are compared in full; their values are never stored.
 * hash_fnv32 values are stored (SYN signature ids) and never change.
 * Sources: Stafford's mix13 of MurmurHash3's finaliser; FNV-1a (Fowler, Noll, Vo;
 * draft-eastlake-fnv); CRC-32C (RFC 3720 appendix B.4).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* Mixes two words with one wide multiplication: enough for tables, far from cryptographic. */
static inline uint64_t hash_pair(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15ull)
	    * (b ^ 0xe7037ed1a0b428dbull);
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint32_t hash_fnv32(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

/* CRC-32C of len bytes, continuing from crc (0 to start). */
uint32_t hash_crc32c(uint32_t crc, const void *data, size_t len);
