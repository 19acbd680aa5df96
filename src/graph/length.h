/* Lengths that depend on the input's length N >= 1:
 *   times * max(least, ceil((N + shift) / over)) + plus.
 *
 * Every length in these networks has this form: strided and transposed
 * convolutions, frames of a Fourier transform, rows of tokens, padding, crops
 * and resampling preserve it. The numbers are kept in one form, over >= 1, 0 <=
 * shift < over, least >= 1 and times >= 0, where two lengths are equal for
 * every N only if all five are; times 0 is a constant (over 1, shift 0, least
 * 1). Most lengths have shift 0 (floors and unpadded convolutions lead to
 * others) and least 1 (an input padded to a minimum length leads to others). */
#ifndef DMX_GRAPH_LENGTH_H
#define DMX_GRAPH_LENGTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dmx_length {
    int64_t times, over, shift, least, plus;
} dmx_length;

/* The limit of every number of a length; operations whose result would exceed
 * it return false. */
#define DMX_LENGTH_LIMIT ((int64_t)1 << 40)
#define DMX_LENGTH_MOST  ((int64_t)1 << 60)

/* A constant; n within the limit. */
static inline dmx_length dmx_length_fixed(int64_t n)
{
    return (dmx_length){.over = 1, .least = 1, .plus = n};
}

/* N itself. */
static inline dmx_length dmx_length_samples(void)
{
    return (dmx_length){.times = 1, .over = 1, .least = 1};
}

static inline bool dmx_length_is_fixed(dmx_length a)
{
    return a.times == 0;
}

/* Whether the lengths are equal for every N. */
bool dmx_length_same(dmx_length a, dmx_length b);

/* The length for N samples, 1 <= samples <= DMX_LENGTH_LIMIT; at most
 * DMX_LENGTH_MOST. */
int64_t dmx_length_at(dmx_length a, int64_t samples);

/* Each writes a length to *out and returns true, or returns false when no rule
 * of this form (within the limit) holds for every N. */
bool dmx_length_add(dmx_length *out, dmx_length a, int64_t plus);
bool dmx_length_sum(dmx_length *out, dmx_length a, dmx_length b);
bool dmx_length_multiply(dmx_length *out, dmx_length a, int64_t times);
bool dmx_length_ceil(dmx_length *out, dmx_length a, int64_t over);
bool dmx_length_floor(dmx_length *out, dmx_length a, int64_t over);
/* a / by, which must be an integer for every N. */
bool dmx_length_divide(dmx_length *out, dmx_length a, int64_t by);
/* The larger of a and n. */
bool dmx_length_at_least(dmx_length *out, dmx_length a, int64_t n);

/* "343980", "N", "4*ceil((N+3)/1024)-2", "max(5,ceil(N/4))" into text; returns
 * text. */
char *dmx_length_text(dmx_length a, char *text, size_t size);

/* An amount of padding: the difference of two lengths, or 0 where that is
 * negative. */
typedef struct dmx_amount {
    dmx_length to, from;
} dmx_amount;

static inline dmx_amount dmx_amount_fixed(int64_t n)
{
    return (dmx_amount){dmx_length_fixed(n), dmx_length_fixed(0)};
}

int64_t dmx_amount_at(dmx_amount a, int64_t samples);

#endif
