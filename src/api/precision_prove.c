/* The proof: an integer engine and the exact one separate the two test signals,
 * and both halves of the music at twice its length, of which the first has a
 * long quiet part and the second is one-sided, clipped or silent. The SNR of
 * the worst source is compared with the guarantee. While it is too low, the
 * class of layers with the largest error of its own is raised by one precision.
 */
#include "api/precision.h"
#include "base/test_signal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum signal { NOISE, MUSIC, FIRST_HALF, SECOND_HALF, SIGNALS };

/* In dB. Other signals than these are worse by nearly as much: 3.3 dB in the
 * recordings of tests/unit/test_engine_precision.c. */
#define MARGIN 4.0

typedef struct proof {
    const dmx_graph *graph;
    dmx_engine_options options;
    dmx_hooks hooks; /* the caller's; `options` carries those of this file */
    double done;     /* runs */
    int64_t inputs, outputs, samples;
    float *mix, *exact[SIGNALS], *out;
} proof;

/* Reports loading and separating as one stage to the caller. The number of runs
 * is not known in advance, so each one covers half of the remaining progress.
 */
static int pass_on(void *user, const char *stage, double fraction)
{
    const proof *p = user;
    (void)stage;
    (void)fraction;
    if (p->hooks.progress == NULL)
        return 0;
    return p->hooks.progress(p->hooks.user, "prove", p->done / (p->done + 4.0));
}

static void close_proof(proof *p)
{
    for (int i = 0; i < SIGNALS; i++)
        free(p->exact[i]);
    free(p->mix);
    free(p->out);
}

static dmx_status open_proof(proof *p, const dmx_engine *e, dmx_error *err)
{
    p->inputs = dmx_engine_inputs(e);
    p->outputs = dmx_engine_outputs(e);
    p->samples = dmx_engine_samples(e);
    const size_t out = (size_t)(p->outputs * p->samples);
    p->out = malloc(out * sizeof *p->out);
    /* music of twice the length is made here */
    p->mix = malloc((size_t)(2 * p->inputs * p->samples) * sizeof *p->mix);
    bool good = p->out != NULL && p->mix != NULL;
    for (int i = 0; i < SIGNALS; i++) {
        p->exact[i] = malloc(out * sizeof *p->out);
        good = good && p->exact[i] != NULL;
    }
    DMX_RETURN_IF(!good, err, DMX_ERROR_MEMORY,
                  "no memory to prove the precision");
    return DMX_OK;
}

/* Signals are made again for each run: they are quick, and long. */
static void make_signal(const proof *p, enum signal which)
{
    const int64_t n = p->samples;
    if (which == NOISE)
        dmx_signal_noise(p->mix, p->inputs, n);
    else if (which == MUSIC)
        dmx_signal_music(p->mix, p->inputs, n);
    else {
        dmx_signal_music(p->mix, p->inputs, 2 * n);
        for (int64_t c = 0; c < p->inputs; c++)
            memmove(p->mix + c * n,
                    p->mix + (2 * c + (which == SECOND_HALF)) * n,
                    (size_t)n * sizeof *p->mix);
    }
}

/* ---- runs --------------------------------------------------------------- */

/* The number of sources is that of output channels divided by input channels.
 */
static double worst_source(const proof *p, const float *exact, const float *got)
{
    const int64_t size = p->inputs * p->samples;
    double worst = INFINITY;
    for (int64_t s = 0; s < p->outputs / p->inputs; s++) {
        double signal = 0.0, noise = 0.0;
        for (int64_t i = s * size; i < (s + 1) * size; i++) {
            const double d = (double)got[i] - (double)exact[i];
            signal += (double)exact[i] * (double)exact[i];
            noise += d * d;
        }
        const double snr =
            noise == 0.0 ? INFINITY : 10.0 * log10(signal / noise);
        worst = snr >= worst ? worst : snr; /* NaN is worst of all */
    }
    return worst;
}

/* Runs the signals through an engine: keeps the exact outputs, compares the
 * others. */
static dmx_status run_signals(proof *p, dmx_engine_state *state, bool exact,
                              double *worst, dmx_error *err)
{
    *worst = INFINITY;
    for (int i = 0; i < SIGNALS; i++) {
        float *out = exact ? p->exact[i] : p->out;
        make_signal(p, (enum signal)i);
        DMX_FORWARD(dmx_engine_run(state, out, p->mix, p->options.hooks, err));
        p->done += 1.0;
        if (exact)
            continue;
        const double snr = worst_source(p, p->exact[i], out);
        *worst = snr >= *worst ? *worst : snr;
    }
    return DMX_OK;
}

/* SNR of the worst source with a plan; NULL: the exact engine. */
static dmx_status measure(double *worst, proof *p,
                          const dmx_precision_plan *plan, dmx_error *err)
{
    const dmx_precision_plan exact = {{DMX_FLOAT32}};
    dmx_engine *engine;
    dmx_engine_state *state;
    DMX_FORWARD(dmx_engine_open_planned(&engine, p->graph, &p->options,
                                        plan != NULL ? plan : &exact, err));
    dmx_status status = p->out == NULL ? open_proof(p, engine, err) : DMX_OK;
    if (status == DMX_OK)
        status = dmx_engine_state_open(&state, engine, err);
    if (status == DMX_OK) {
        status = run_signals(p, state, plan == NULL, worst, err);
        dmx_engine_state_close(state);
    }
    dmx_engine_close(engine);
    return status;
}

/* ---- the way back ------------------------------------------------------- */

/* Measures the SNR of every class by itself at the plan's precision, unless
 * already known. */
static dmx_status measure_classes(double snr[DMX_LAYERS_COUNT], proof *p,
                                  const dmx_precision_plan *plan,
                                  dmx_error *err)
{
    for (int i = 0; i < DMX_LAYERS_COUNT; i++) {
        dmx_precision_plan alone = {{DMX_FLOAT32}};
        alone.of[i] = plan->of[i];
        if (plan->of[i] == DMX_FLOAT32)
            snr[i] = INFINITY;
        else if (isnan(snr[i]))
            DMX_FORWARD(measure(&snr[i], p, &alone, err));
    }
    return DMX_OK;
}

/* Raises the worst class by one precision. False: all are float32. */
static bool raise_worst(dmx_precision_plan *plan, double snr[DMX_LAYERS_COUNT],
                        const bool pays[DMX_NUMBERS])
{
    int worst = -1;
    for (int i = 0; i < DMX_LAYERS_COUNT; i++)
        if (plan->of[i] != DMX_FLOAT32 &&
            (worst < 0 || !(snr[i] >= snr[worst])))
            worst = i;
    if (worst < 0)
        return false;
    do
        plan->of[worst]--;
    while (plan->of[worst] != DMX_FLOAT32 && !pays[plan->of[worst]]);
    snr[worst] = NAN;
    return true;
}

static bool all_float32(const dmx_precision_plan *plan)
{
    for (int i = 0; i < DMX_LAYERS_COUNT; i++)
        if (plan->of[i] != DMX_FLOAT32)
            return false;
    return true;
}

static dmx_status search(dmx_choice *c, proof *p, dmx_error *err)
{
    bool pays[DMX_NUMBERS];
    double snr[DMX_LAYERS_COUNT];
    const double promise = dmx_precision_promise(p->options.precision);
    for (int i = 0; i < DMX_LAYERS_COUNT; i++)
        snr[i] = NAN;
    (void)dmx_engine_integers(pays, p->options.isa);
    (void)dmx_precision_first(&c->plan, p->options.precision, pays);
    DMX_FORWARD(measure(&c->decibels, p, NULL, err));
    c->samples = p->samples;
    for (;;) {
        DMX_FORWARD(measure(&c->decibels, p, &c->plan, err));
        if (c->decibels >= promise + MARGIN)
            return DMX_OK;
        DMX_FORWARD(measure_classes(snr, p, &c->plan, err));
        (void)raise_worst(&c->plan, snr, pays);
        if (all_float32(&c->plan)) {
            c->decibels = INFINITY;
            return DMX_OK;
        }
    }
}

dmx_status dmx_precision_prove(dmx_choice *out, const dmx_graph *graph,
                               const dmx_engine_options *options,
                               dmx_error *err)
{
    proof p = {.graph = graph, .options = *options};
    p.hooks = dmx_hooks_of(options->hooks);
    dmx_hooks hooks = DMX_HOOKS_INIT;
    hooks.user = &p;
    hooks.progress = pass_on;
    p.options.hooks = &hooks;
    const dmx_status status = search(out, &p, err);
    close_proof(&p);
    return status;
}
