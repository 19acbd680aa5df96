/* Networks of random arguments in int16 and int8: what is proved for one on its
 * signals holds there, and the promise on signals that the proof has not seen.
 * More networks: test_random_precision CLASS FIRST COUNT */
#include "api/precision.h"
#include "base/test_signal.h"
#include "random_network.h"
#include "test_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NOISE, /* of the proof, as the next three */
    MUSIC,
    FIRST_HALF, /* of music of twice the length */
    SECOND_HALF,
    OTHER_NOISE,
    OPENING, /* thirds of music of thrice the length */
    MIDDLE,
    END,
    SIGNALS
};

static const char *const signal_name[SIGNALS] = {
    "noise",       "music",   "first half", "second half",
    "other noise", "opening", "middle",     "end"};

static dmx_error err = DMX_ERROR_INIT;

/* Part `part` of `parts` of music. */
static void part_of_music(float *mix, const dmx_shape *s, int64_t part,
                          int64_t parts)
{
    const int64_t n = s->dim[2];
    float *whole = malloc((size_t)(s->dim[0] * parts * n) * sizeof *whole);
    assert_non_null(whole);
    dmx_signal_music(whole, s->dim[0], parts * n);
    for (int64_t c = 0; c < s->dim[0]; c++)
        memcpy(mix + c * n, whole + (parts * c + part) * n,
               (size_t)n * sizeof *mix);
    free(whole);
}

static void fill_signal(float *mix, int which, const dmx_shape *s,
                        uint64_t seed)
{
    static const int64_t part[SIGNALS][2] = {
        [MUSIC] = {0, 1},   [FIRST_HALF] = {0, 2}, [SECOND_HALF] = {1, 2},
        [OPENING] = {0, 3}, [MIDDLE] = {1, 3},     [END] = {2, 3}};
    if (which == NOISE)
        dmx_signal_noise(mix, s->dim[0], s->dim[2]);
    else if (which == OTHER_NOISE)
        for (int64_t i = 0; i < dmx_shape_count(s); i++)
            mix[i] = (float)(0.1 * test_normal(&seed));
    else
        part_of_music(mix, s, part[which][0], part[which][1]);
}

static double worst_source(const random_network *n, const float *exact,
                           const float *got)
{
    const int64_t size = dmx_shape_count(&n->input);
    double worst = INFINITY;
    for (int64_t from = 0; from < dmx_shape_count(&n->output); from += size) {
        double signal = 0.0, noise = 0.0;
        for (int64_t i = from; i < from + size; i++) {
            signal += (double)exact[i] * (double)exact[i];
            noise += pow((double)exact[i] - (double)got[i], 2);
        }
        const double snr =
            noise == 0.0 ? INFINITY : 10.0 * log10(signal / noise);
        worst = snr >= worst ? worst : snr;
    }
    return worst;
}

static void open_engine(dmx_engine **e, dmx_engine_state **s,
                        const random_network *n, const dmx_engine_options *o,
                        const dmx_precision_plan *plan)
{
    assert_ok(dmx_engine_open_planned(e, n->graph, o, plan, &err), &err);
    assert_ok(dmx_engine_state_open(s, *e, &err), &err);
}

/* SNR of the worst source on every signal; NaN where the exact output is, as
 * that of one sample. */
static void measure(double snr[SIGNALS], const random_network *n,
                    const dmx_engine_options *o, const dmx_precision_plan *plan,
                    uint64_t seed)
{
    const dmx_precision_plan float32 = {{DMX_FLOAT32}};
    const size_t outputs = (size_t)dmx_shape_count(&n->output);
    float *mix = malloc((size_t)dmx_shape_count(&n->input) * sizeof *mix);
    float *want = malloc(outputs * sizeof *want);
    float *got = malloc(outputs * sizeof *got);
    dmx_engine *exact, *reduced;
    dmx_engine_state *a, *b;
    assert_true(mix != NULL && want != NULL && got != NULL);
    open_engine(&exact, &a, n, o, &float32);
    open_engine(&reduced, &b, n, o, plan);
    for (int i = 0; i < SIGNALS; i++) {
        fill_signal(mix, i, &n->input, seed);
        assert_ok(dmx_engine_run(a, want, mix, NULL, &err), &err);
        assert_ok(dmx_engine_run(b, got, mix, NULL, &err), &err);
        snr[i] = worst_source(n, want, got);
    }
    dmx_engine_state_close(a);
    dmx_engine_state_close(b);
    dmx_engine_close(exact);
    dmx_engine_close(reduced);
    free(mix);
    free(want);
    free(got);
}

/* Every class of layers in a letter: float32, short, byte. */
static void print_plan(const dmx_precision_plan *plan)
{
    for (int i = 0; i < DMX_LAYERS_COUNT; i++)
        putchar("fsb"[plan->of[i]]);
}

typedef struct tally {
    int failed, refused, exact;
    double worst[DMX_ENGINE_INT8 + 1][SIGNALS];
} tally;

static void compare(tally *t, const dmx_choice *c, const double snr[SIGNALS],
                    int precision)
{
    const double promise =
        dmx_precision_promise((dmx_engine_precision)precision);
    double proved = INFINITY;
    bool good = true;
    for (int i = 0; i < SIGNALS; i++) {
        printf(" %.1f", snr[i]);
        good = good && (snr[i] >= promise || isinf(c->decibels));
        t->worst[precision][i] = fmin(t->worst[precision][i], snr[i]);
        if (i <= SECOND_HALF)
            proved = snr[i] >= proved ? proved : snr[i];
    }
    /* what is proved is what is measured again */
    good = good && (isinf(c->decibels) || proved == c->decibels);
    printf("%s\n", good ? "" : " FAILED");
    t->failed += !good;
    t->exact += isinf(c->decibels) != 0;
}

static void prove(tally *t, const random_network *n, const char *klass,
                  uint64_t seed, int precision)
{
    static const char *const isa[] = {NULL, NULL, "avx2"};
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    dmx_choice c;
    double snr[SIGNALS];
    bool pays[DMX_NUMBERS];
    o.precision = (dmx_engine_precision)precision;
    o.isa =
        dmx_engine_integers(pays, isa[seed % 3]) != NULL ? isa[seed % 3] : NULL;
    o.threads = 1 + (int)(seed % 2);
    o.low_memory = seed % 5 == 4;
    assert_ok(dmx_precision_prove(&c, n->graph, &o, &err), &err);
    measure(snr, n, &o, &c.plan, seed);
    printf("%s %llu %lld %s %s%s ", klass, (unsigned long long)seed,
           (long long)n->input.dim[2],
           dmx_engine_precision_name((dmx_engine_precision)precision),
           o.isa != NULL ? o.isa : "best",
           o.low_memory != 0 ? " low memory" : "");
    print_plan(&c.plan);
    printf(" %.1f:", c.decibels);
    compare(t, &c, snr, precision);
}

static void attempt(tally *t, const char *klass, uint64_t seed)
{
    random_network n;
    const bool there = random_network_open(&n, klass, seed);
    for (int p = DMX_ENGINE_INT16; there && p <= DMX_ENGINE_INT8; p++)
        prove(t, &n, klass, seed, p);
    t->refused += !there;
    random_network_close(&n);
}

static random_seeds given;

static void hold(const char *klass)
{
    const random_seeds seeds = random_seeds_of(&given, klass, 5);
    tally t = {0};
    for (int i = 0; i < SIGNALS; i++)
        t.worst[DMX_ENGINE_INT16][i] = t.worst[DMX_ENGINE_INT8][i] = INFINITY;
    for (uint64_t i = 0; i < seeds.count; i++)
        attempt(&t, klass, seeds.first + i);
    for (int i = 0; i < SIGNALS; i++)
        printf("%s: %s: int16 %.1f, int8 %.1f dB at worst\n", klass,
               signal_name[i], t.worst[DMX_ENGINE_INT16][i],
               t.worst[DMX_ENGINE_INT8][i]);
    printf("%s: %d exact, %d refused\n", klass, t.exact, t.refused);
    assert_int_equal(t.failed, 0);
    assert_true(t.refused <= (int)seeds.count / 2);
}

static void random_htdemucs(void **state)
{
    (void)state;
    hold("HTDemucs");
}

static void random_hdemucs(void **state)
{
    (void)state;
    hold("HDemucs");
}

static void random_demucs(void **state)
{
    (void)state;
    hold("Demucs");
}

int main(int argc, char **argv)
{
    bool pays[DMX_NUMBERS];
    (void)dmx_engine_integers(pays, NULL);
    if (!pays[DMX_INT16] && !pays[DMX_INT8]) {
        printf("skipped: integers gain nothing here\n");
        return 0;
    }
    given = random_seeds_parse(argc, argv);
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_htdemucs),
                                       cmocka_unit_test(random_hdemucs),
                                       cmocka_unit_test(random_demucs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
