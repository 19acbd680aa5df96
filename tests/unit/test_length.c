/* Lengths as rules of the input's length against the numbers themselves. */
#include "test_support.h"

#include "graph/length.h"

#include <string.h>

static const dmx_length samples = {.times = 1, .over = 1, .least = 1};

static int64_t ceil_div(int64_t a, int64_t b)
{
    return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return -ceil_div(-a, b);
}

/* Numbers of a test are random but always the same. */
static int64_t next(uint64_t *state, int64_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((*state >> 33) % (uint64_t)below);
}

/* What a step of a network does to a length. */
typedef enum change_kind {
    ADD,
    MULTIPLY,
    CEIL,
    FLOOR,
    AT_LEAST,
    KINDS
} change_kind;

typedef struct change {
    change_kind kind;
    int64_t number;
} change;

static bool apply_rule(dmx_length *a, change c)
{
    switch (c.kind) {
    case ADD:
        return dmx_length_add(a, *a, c.number);
    case MULTIPLY:
        return dmx_length_multiply(a, *a, c.number);
    case CEIL:
        return dmx_length_ceil(a, *a, c.number);
    case FLOOR:
        return dmx_length_floor(a, *a, c.number);
    default:
        return dmx_length_at_least(a, *a, c.number);
    }
}

static int64_t apply_number(int64_t n, change c)
{
    switch (c.kind) {
    case ADD:
        return n + c.number;
    case MULTIPLY:
        return n * c.number;
    case CEIL:
        return ceil_div(n, c.number);
    case FLOOR:
        return floor_div(n, c.number);
    default:
        return n > c.number ? n : c.number;
    }
}

static change random_change(uint64_t *state)
{
    const change c = {.kind = (change_kind)next(state, KINDS)};
    const int64_t number = c.kind == ADD        ? next(state, 41) - 20
                           : c.kind == AT_LEAST ? next(state, 40)
                                                : 1 + next(state, 8);
    return (change){c.kind, number};
}

#define CHAIN 12

static int64_t number_after(const change *chain, int count, int64_t n)
{
    for (int i = 0; i < count; i++)
        n = apply_number(n, chain[i]);
    return n;
}

static void assert_canonical(dmx_length a)
{
    assert_true(a.over >= 1 && a.shift >= 0 && a.shift < a.over);
    assert_true(a.least >= 1 && a.times >= 0);
    if (a.times == 0)
        assert_true(dmx_length_same(a, dmx_length_fixed(a.plus)));
}

/* Every length up to 5000, and those around powers of two. */
static void compare(dmx_length a, const change *chain, int count)
{
    assert_canonical(a);
    for (int64_t n = 1; n <= 5000; n++)
        assert_int_equal(dmx_length_at(a, n), number_after(chain, count, n));
    for (int k = 13; k < 33; k++)
        for (int64_t d = -3; d <= 3; d++) {
            const int64_t n = ((int64_t)1 << k) + d;
            assert_int_equal(dmx_length_at(a, n),
                             number_after(chain, count, n));
        }
}

/* Random chains: a rule that is given holds for every length. */
static void test_chains(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int given = 0, refused = 0;
    for (int round = 0; round < 400; round++) {
        change chain[CHAIN];
        dmx_length a = samples;
        int count = 0;
        for (int i = 0; i < CHAIN; i++) {
            dmx_length b = a;
            chain[count] = random_change(&seed);
            if (!apply_rule(&b, chain[count])) {
                refused++;
                continue;
            }
            a = b;
            count++;
            given++;
        }
        compare(a, chain, count);
    }
    assert_true(given > 3000);
    assert_true(refused > 100);
}

/* Equal numbers for every length, reached in different ways: the same rule. */
static void test_equality(void **state)
{
    (void)state;
    uint64_t seed = 7;
    dmx_length rule[300];
    for (int i = 0; i < 300; i++) {
        rule[i] = samples;
        for (int k = 0; k < 4; k++) {
            dmx_length b = rule[i];
            if (apply_rule(&b, random_change(&seed)))
                rule[i] = b;
        }
    }
    for (int i = 0; i < 300; i++)
        for (int k = 0; k < i; k++) {
            bool equal = true;
            for (int64_t n = 1; equal && n <= 6000; n++)
                equal = dmx_length_at(rule[i], n) == dmx_length_at(rule[k], n);
            assert_int_equal(equal, dmx_length_same(rule[i], rule[k]));
        }
}

/* Padding to a multiple of the stride, the convolution and the transposed
 * convolution of each of the layers of HTDemucs. */
static void test_layers(void **state)
{
    (void)state;
    dmx_length a = samples;
    char text[64];
    for (int level = 0; level < 5; level++) {
        assert_true(dmx_length_ceil(&a, a, 4));
        assert_true(dmx_length_multiply(&a, a, 4)); /* padded */
        assert_true(dmx_length_add(&a, a, 2 * 2 - 8 + 1));
        assert_true(dmx_length_ceil(&a, a, 4)); /* kernel 8, stride 4 */
    }
    assert_string_equal(dmx_length_text(a, text, sizeof text), "ceil(N/1024)");
    dmx_length frames;
    assert_true(dmx_length_ceil(&frames, samples, 1024));
    assert_true(dmx_length_same(a, frames));
    assert_true(dmx_length_multiply(&a, a, 8)); /* rows of tokens */
    assert_true(dmx_length_divide(&a, a, 8));
    assert_true(dmx_length_same(a, frames));
}

/* Demucs.valid_length (demucs/demucs.py) in its released shape: doubled,
 * kernel 8, stride 4, six layers, one frame at least. */
static int64_t valid_length(int64_t n)
{
    n *= 2;
    for (int i = 0; i < 6; i++) {
        n = ceil_div(n - 8, 4) + 1;
        n = n > 1 ? n : 1;
    }
    for (int i = 0; i < 6; i++)
        n = (n - 1) * 4 + 8;
    return ceil_div(n, 2);
}

static void test_valid_length(void **state)
{
    (void)state;
    dmx_length a;
    assert_true(dmx_length_multiply(&a, samples, 2));
    for (int i = 0; i < 6; i++)
        assert_true(dmx_length_add(&a, a, -8) && dmx_length_ceil(&a, a, 4) &&
                    dmx_length_add(&a, a, 1) && dmx_length_at_least(&a, a, 1));
    for (int i = 0; i < 6; i++)
        assert_true(dmx_length_multiply(&a, a, 4) && dmx_length_add(&a, a, 4));
    assert_true(dmx_length_ceil(&a, a, 2));
    for (int64_t n = 1; n < 60000; n++)
        assert_int_equal(dmx_length_at(a, n), valid_length(n));
    assert_int_equal(dmx_length_at(a, 1), 4778);
    assert_int_equal(dmx_length_at(a, 1940400), 1942186);
}

static void test_sums_and_amounts(void **state)
{
    (void)state;
    dmx_length q, sum, other;
    assert_true(dmx_length_ceil(&q, samples, 4));
    assert_true(dmx_length_sum(&sum, q, q));
    assert_true(dmx_length_multiply(&other, q, 2));
    assert_true(dmx_length_same(sum, other));
    assert_false(dmx_length_sum(&sum, q, samples));
    assert_true(dmx_length_sum(&sum, q, dmx_length_fixed(3)));
    assert_int_equal(dmx_length_at(sum, 9), 6);
    assert_true(dmx_length_multiply(&other, q, 4));
    for (int64_t n = 1; n < 100; n++)
        assert_int_equal(dmx_amount_at((dmx_amount){other, samples}, n),
                         (4 - n % 4) % 4);
    assert_int_equal(dmx_amount_at((dmx_amount){samples, other}, 3), 0);
}

/* Numbers beyond the limit are refused, not wrapped round. */
static void test_limits(void **state)
{
    (void)state;
    dmx_length a = samples, b;
    assert_false(dmx_length_add(&b, a, INT64_MAX));
    assert_false(dmx_length_add(&b, a, INT64_MIN));
    assert_false(dmx_length_multiply(&b, a, INT64_MAX));
    assert_false(dmx_length_multiply(&b, a, -1));
    assert_false(dmx_length_ceil(&b, a, 0));
    assert_false(dmx_length_ceil(&b, a, INT64_MAX));
    assert_false(dmx_length_floor(&b, a, INT64_MIN));
    assert_false(dmx_length_at_least(&b, a, INT64_MAX));
    assert_false(dmx_length_divide(&b, a, 2));
    while (dmx_length_multiply(&a, a, 3) && dmx_length_add(&a, a, 5))
        assert_canonical(a);
    assert_int_equal(dmx_length_at(a, DMX_LENGTH_LIMIT), DMX_LENGTH_MOST);
    a = samples;
    while (dmx_length_ceil(&a, a, 7) && dmx_length_add(&a, a, 6))
        assert_canonical(a);
    assert_true(a.over > DMX_LENGTH_LIMIT / 49);
}

static void test_text(void **state)
{
    (void)state;
    char text[64];
    const dmx_length a = {.times = 4, .over = 16, .shift = 3, .least = 2, -5};
    assert_string_equal(dmx_length_text(a, text, sizeof text),
                        "4*max(2,ceil((N+3)/16))-5");
    assert_string_equal(dmx_length_text(samples, text, sizeof text), "N");
    assert_string_equal(
        dmx_length_text(dmx_length_fixed(-7), text, sizeof text), "-7");
    assert_string_equal(dmx_length_text(a, text, 6), "4*max");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_valid_length),
        cmocka_unit_test(test_sums_and_amounts),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
