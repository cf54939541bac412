/*
 * Random numbers that are the same on every machine: xoshiro256** seeded by splitmix64.
 *
 * Integers only, no libm and no floating point, so a seed names one sequence of bytes for ever.
 * Not for secrets.  After Blackman and Vigna, "Scrambled linear pseudorandom number generators"
 * (2019), and Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* splitmix64's output function: a fixed bijection that turns a counter or a key into noise. */
static inline uint64_t rng_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* Noise for a pair: independent streams and stable properties of things are keyed by it. */
static inline uint64_t rng_mix2(uint64_t a, uint64_t b)
{
	return rng_mix(rng_mix(a) ^ (b * 0xd6e8feb86659fd93ull));
}

static inline struct rng rng_new(uint64_t seed, uint64_t stream)
{
	struct rng r;
	uint64_t x = rng_mix2(seed, stream);

	for (int i = 0; i < 4; i++)
		r.s[i] = rng_mix(x + (uint64_t)i);
	return r;
}

static inline uint64_t rng_rotate(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t rng_u64(struct rng *r)
{
	const uint64_t result = rng_rotate(r->s[1] * 5, 7) * 9;
	const uint64_t t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rng_rotate(r->s[3], 45);
	return result;
}

static inline uint32_t rng_u32(struct rng *r)
{
	return (uint32_t)(rng_u64(r) >> 32);
}

/* 0 … n-1 (n > 0); the bias of a multiplication instead of a division is below 2^-32. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((rng_u64(r) >> 32) * n) >> 32);
}

/* The same from noise that is at hand already (its upper 32 bits). */
static inline uint32_t rng_scale(uint64_t noise, uint32_t n)
{
	return (uint32_t)(((noise >> 32) * n) >> 32);
}

static inline bool rng_permille(struct rng *r, uint32_t permille)
{
	return rng_below(r, 1000) < permille;
}
