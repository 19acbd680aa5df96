/* Networks of random arguments in int16 and int8: what is proved for one on the
 * two test signals must hold there, and on signals that the proof has not seen.
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
    NOISE, /* the test signals */
    MUSIC,
    OTHER_NOISE,
    FIRST_HALF, /* of music of twice the length */
    LAST_HALF,
    SIGNALS
};

static dmx_error err = DMX_ERROR_INIT;

/* Music of twice the length: silence, then full; or quiet, one-sided, clipped,
 * silence. */
static void half_of_music(float *mix, const dmx_shape *s, bool last)
{
    const int64_t n = s->dim[2];
    float *whole = malloc((size_t)(s->dim[0] * 2 * n) * sizeof *whole);
    assert_non_null(whole);
    dmx_signal_music(whole, s->dim[0], 2 * n);
    for (int64_t c = 0; c < s->dim[0]; c++)
        memcpy(mix + c * n, whole + (2 * c + (last ? 1 : 0)) * n,
               (size_t)n * sizeof *mix);
    free(whole);
}

static void fill_signal(float *mix, int which, const dmx_shape *s,
                        uint64_t seed)
{
    if (which == NOISE)
        dmx_signal_noise(mix, s->dim[0], s->dim[2]);
    else if (which == MUSIC)
        dmx_signal_music(mix, s->dim[0], s->dim[2]);
    else if (which == OTHER_NOISE)
        for (int64_t i = 0; i < dmx_shape_count(s); i++)
            mix[i] = (float)(0.1 * test_normal(&seed));
    else
        half_of_music(mix, s, which == LAST_HALF);
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

/* SNR of the worst source on every signal; NaN where the exact output is. */
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

/* Every class of layers in a letter: f, s, b(yte). */
static void print_plan(const dmx_precision_plan *plan)
{
    for (int i = 0; i < DMX_LAYERS_COUNT; i++)
        putchar("fsb"[plan->of[i]]);
}

typedef struct tally {
    int failed, refused;
    double worst[DMX_ENGINE_INT8 + 1][SIGNALS];
} tally;

static void attempt(tally *t, const char *klass, uint64_t seed)
{
    random_network n;
    if (!random_network_open(&n, klass, seed)) {
        random_network_close(&n);
        t->refused++;
        return;
    }
    for (int p = DMX_ENGINE_INT16; p <= DMX_ENGINE_INT8; p++) {
        static const char *const isa[] = {NULL, NULL, "avx2"};
        dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
        dmx_choice c;
        double snr[SIGNALS];
        o.precision = (dmx_engine_precision)p;
        o.isa = isa[seed % 3];
        o.threads = 1 + (int)(seed % 2);
        assert_ok(dmx_precision_prove(&c, n.graph, &o, &err), &err);
        measure(snr, &n, &o, &c.plan, seed);
        printf("%s %llu %lld %s %s ", klass, (unsigned long long)seed,
               (long long)n.input.dim[2],
               dmx_engine_precision_name((dmx_engine_precision)p),
               o.isa != NULL ? o.isa : "best");
        print_plan(&c.plan);
        printf(" %.1f:", c.decibels);
        for (int i = 0; i < SIGNALS; i++)
            printf(" %.1f", snr[i]);
        printf("\n");
    }
    random_network_close(&n);
}

int main(int argc, char **argv)
{
    tally t = {0};
    if (argc == 4)
        for (uint64_t s = 0; s < strtoull(argv[3], NULL, 10); s++)
            attempt(&t, argv[1], strtoull(argv[2], NULL, 10) + s);
    return 0;
}
