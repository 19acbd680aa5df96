#include "engine_trial.h"
#include "test_support.h"

#include "base/test_signal.h"

#include <stdlib.h>
#include <string.h>

static dmx_error err = DMX_ERROR_INIT;

/* Nothing shares memory, nothing is done in turns. */
static const dmx_engine_limits plain = {.waiting = INT64_MAX / 2,
                                        .spectrogram = INT64_MAX,
                                        .result = INT64_MAX,
                                        .placing = DMX_PLACE_APART,
                                        .copies = true};
const dmx_engine_limits engine_trial_usual = DMX_ENGINE_LIMITS;

/* ---- running ------------------------------------------------------------ */

void engine_trial_open(engine_trial *t, const dmx_graph *g)
{
    const dmx_shape in = dmx_graph_shape(g, g->input);
    const dmx_shape out = dmx_graph_shape(g, g->output);
    *t = (engine_trial){.graph = g,
                        .count = (size_t)dmx_shape_count(&out),
                        .options = DMX_ENGINE_OPTIONS_INIT};
    t->options.threads = 2;
    t->mix = calloc((size_t)dmx_shape_count(&in), sizeof *t->mix);
    t->wanted = calloc(t->count, sizeof *t->wanted);
    t->got = calloc(t->count, sizeof *t->got);
    assert_true(t->mix != NULL && t->wanted != NULL && t->got != NULL);
    dmx_signal_noise(t->mix, in.dim[0], in.dim[2]);
}

void engine_trial_close(engine_trial *t)
{
    free(t->mix);
    free(t->wanted);
    free(t->got);
}

dmx_engine *engine_trial_engine(const engine_trial *t,
                                const dmx_engine_limits *limits)
{
    dmx_engine *e;
    assert_ok(dmx_engine_open_limited(&e, t->graph, &t->options, &t->plan,
                                      limits, &err),
              &err);
    return e;
}

/* Two runs in one memory, which begins anywhere and holds NaN; the second
 * counts. */
static void run_twice(float *out, const engine_trial *t, const dmx_engine *e)
{
    dmx_engine_state *s;
    assert_ok(dmx_engine_state_open(&s, e, &err), &err);
    float *room = malloc((t->count + 1) * sizeof *out);
    assert_non_null(room);
    for (int i = 0; i < 2; i++) {
        memset(room, 0xff, (t->count + 1) * sizeof *out);
        assert_ok(dmx_engine_run(s, room + 1, t->mix, NULL, &err), &err);
    }
    memcpy(out, room + 1, t->count * sizeof *out);
    free(room);
    dmx_engine_state_close(s);
}

bool engine_trial_plain(engine_trial *t)
{
    dmx_engine *e = engine_trial_engine(t, &plain);
    run_twice(t->wanted, t, e);
    dmx_engine_close(e);
    float peak = 0.0f;
    for (size_t i = 0; i < t->count; i++)
        peak = t->wanted[i] > peak ? t->wanted[i] : peak;
    return peak > 0.0f;
}

bool engine_trial_same(engine_trial *t, const dmx_engine *e)
{
    run_twice(t->got, t, e);
    return memcmp(t->got, t->wanted, t->count * sizeof *t->got) == 0;
}

int engine_trial_steps(const dmx_engine *e, const char *kind)
{
    int count = 0;
    for (size_t i = 0; i < e->n_step; i++)
        count += strcmp(e->step[i].kind, kind) == 0;
    return count;
}

int engine_trial_views(const dmx_engine *e)
{
    int count = 0;
    for (size_t i = 0; i < e->n_buffer; i++)
        count += e->buffer[i].base != DMX_NO_BUFFER;
    return count;
}
