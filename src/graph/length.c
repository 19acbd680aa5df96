#include "graph/length.h"

#include <stdio.h>

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return floor_div(a, b) + (a % b != 0 ? 1 : 0);
}

/* The product of two numbers, or false beyond the limit. */
static bool product(int64_t *out, int64_t a, int64_t b)
{
    return !__builtin_mul_overflow(a, b, out) && *out <= DMX_LENGTH_LIMIT &&
           *out >= -DMX_LENGTH_LIMIT;
}

static bool within(int64_t n)
{
    return n <= DMX_LENGTH_LIMIT && n >= -DMX_LENGTH_LIMIT;
}

bool dmx_length_same(dmx_length a, dmx_length b)
{
    return a.times == b.times && a.over == b.over && a.shift == b.shift &&
           a.least == b.least && a.plus == b.plus;
}

/* times * count + plus, which is positive for every relevant count. */
static int64_t value_at(dmx_length a, int64_t count)
{
    int64_t n;
    return __builtin_mul_overflow(a.times, count, &n) || n > DMX_LENGTH_MOST
               ? DMX_LENGTH_MOST
               : n + a.plus;
}

int64_t dmx_length_at(dmx_length a, int64_t samples)
{
    if (dmx_length_is_fixed(a))
        return a.plus;
    const int64_t count = ceil_div(samples + a.shift, a.over);
    return value_at(a, count > a.least ? count : a.least);
}

bool dmx_length_add(dmx_length *out, dmx_length a, int64_t plus)
{
    if (!within(plus) || !within(a.plus + plus))
        return false;
    *out = a;
    out->plus += plus;
    return true;
}

bool dmx_length_sum(dmx_length *out, dmx_length a, dmx_length b)
{
    if (dmx_length_is_fixed(b))
        return dmx_length_add(out, a, b.plus);
    if (dmx_length_is_fixed(a))
        return dmx_length_add(out, b, a.plus);
    if (a.over != b.over || a.shift != b.shift || a.least != b.least ||
        !within(a.times + b.times))
        return false;
    a.times += b.times;
    return dmx_length_add(out, a, b.plus);
}

bool dmx_length_multiply(dmx_length *out, dmx_length a, int64_t times)
{
    dmx_length y = a;
    if (times < 0 || !product(&y.times, a.times, times) ||
        !product(&y.plus, a.plus, times))
        return false;
    *out = y.times == 0 ? dmx_length_fixed(y.plus) : y;
    return true;
}

/* ceil((Q + r) / m) for Q = max(least, ceil((N + shift) / over)): nested
 * ceilings combine, so that it is max(ceil((least + r) / m), ceil((N + shift +
 * r over) / (over m))), and whole multiples of the divisor leave the shift. */
static bool nest(dmx_length *out, dmx_length a, int64_t r, int64_t m)
{
    int64_t over, extra;
    if (!within(r) || !product(&over, a.over, m) ||
        !product(&extra, a.over, r) || !within(a.least + r))
        return false;
    const int64_t whole = floor_div(a.shift + extra, over);
    const int64_t least = ceil_div(a.least + r, m) - whole;
    *out = (dmx_length){.times = 1,
                        .over = over,
                        .shift = a.shift + extra - whole * over,
                        .least = least > 1 ? least : 1,
                        .plus = whole};
    return true;
}

/* Q is an integer, so the fraction of p / t can be rounded up: ceil((t Q + p) /
 * (t m)) is ceil((Q + ceil(p / t)) / m). */
bool dmx_length_ceil(dmx_length *out, dmx_length a, int64_t over)
{
    if (over < 1)
        return false;
    if (a.times % over == 0) {
        a.times /= over;
        a.plus = ceil_div(a.plus, over);
        *out = a;
        return true;
    }
    return over % a.times == 0 &&
           nest(out, a, ceil_div(a.plus, a.times), over / a.times);
}

bool dmx_length_floor(dmx_length *out, dmx_length a, int64_t over)
{
    return over >= 1 && dmx_length_add(&a, a, 1 - over) &&
           dmx_length_ceil(out, a, over);
}

bool dmx_length_divide(dmx_length *out, dmx_length a, int64_t by)
{
    if (by < 1 || a.times % by != 0 || a.plus % by != 0)
        return false;
    return dmx_length_ceil(out, a, by);
}

bool dmx_length_at_least(dmx_length *out, dmx_length a, int64_t n)
{
    *out = a;
    if (value_at(a, a.least) >= n)
        return true;
    if (dmx_length_is_fixed(a)) {
        out->plus = n;
        return within(n);
    }
    if (!within(n) || (n - a.plus) % a.times != 0)
        return false;
    out->least = (n - a.plus) / a.times;
    return true;
}

/* ---- text ---------------------------------------------------------------- */

static void count_text(dmx_length a, char *text, size_t size)
{
    char n[48] = "N", count[80], least[112];
    if (a.shift != 0)
        snprintf(n, sizeof n, "(N+%lld)", (long long)a.shift);
    if (a.over == 1)
        snprintf(count, sizeof count, "%s", n);
    else
        snprintf(count, sizeof count, "ceil(%s/%lld)", n, (long long)a.over);
    snprintf(least, sizeof least, "max(%lld,%s)", (long long)a.least, count);
    snprintf(text, size, "%s", a.least > 1 ? least : count);
}

char *dmx_length_text(dmx_length a, char *text, size_t size)
{
    char count[128], times[32] = "", plus[32] = "";
    if (dmx_length_is_fixed(a)) {
        snprintf(text, size, "%lld", (long long)a.plus);
        return text;
    }
    count_text(a, count, sizeof count);
    if (a.times != 1)
        snprintf(times, sizeof times, "%lld*", (long long)a.times);
    if (a.plus != 0)
        snprintf(plus, sizeof plus, "%+lld", (long long)a.plus);
    snprintf(text, size, "%s%s%s", times, count, plus);
    return text;
}

int64_t dmx_amount_at(dmx_amount a, int64_t samples)
{
    const int64_t n =
        dmx_length_at(a.to, samples) - dmx_length_at(a.from, samples);
    return n > 0 ? n : 0;
}
