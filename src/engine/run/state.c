/* The state of one run: memory, threads, times. */
#include "base/clock.h"
#include "base/platform.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/program.h"
#include "engine/run/pool.h"

#include <stdlib.h>
#include <string.h>

struct dmx_engine_state {
    const dmx_engine *engine;
    float *arena, *scratch; /* scratch of all threads, one after another */
    size_t arena_bytes, scratch_bytes;
    int64_t scratch_floats; /* of one thread */
    dmx_pool *pool;
    double *seconds; /* of each step of the last run */
};

void dmx_engine_state_close(dmx_engine_state *s)
{
    if (s == NULL)
        return;
    dmx_pool_close(s->pool);
    dmx_pages_free(s->arena, s->arena_bytes);
    dmx_pages_free(s->scratch, s->scratch_bytes);
    free(s->seconds);
    free(s);
}

dmx_status dmx_engine_state_open(dmx_engine_state **out,
                                 const dmx_engine *engine, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, engine);
    dmx_engine_state *s = calloc(1, sizeof *s);
    DMX_RETURN_IF(s == NULL, err, DMX_ERROR_MEMORY, "no memory for a run");
    s->engine = engine;
    s->scratch_floats = dmx_round_up(engine->scratch_floats + 64, 16);
    s->arena_bytes = (size_t)(engine->arena_floats + 64) * sizeof(float);
    s->scratch_bytes =
        (size_t)(s->scratch_floats * engine->threads) * sizeof(float);
    s->arena = dmx_pages_alloc(s->arena_bytes);
    s->scratch = dmx_pages_alloc(s->scratch_bytes);
    s->seconds = calloc(engine->n_step + 1, sizeof *s->seconds);
    s->pool = dmx_pool_open(engine->threads);
    if (s->arena == NULL || s->scratch == NULL || s->seconds == NULL ||
        s->pool == NULL) {
        dmx_engine_state_close(s);
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY,
                         "no memory for a run of %lld MiB",
                         (long long)(dmx_engine_state_bytes(engine) >> 20));
    }
    *out = s;
    return DMX_OK;
}

typedef struct step_run {
    const dmx_step *step;
    dmx_frame frame;
    const dmx_engine_state *state;
} step_run;

static void run_task(void *context, int64_t task, int worker)
{
    const step_run *r = context;
    r->step->run(r->step, &r->frame, task,
                 r->state->scratch + worker * r->state->scratch_floats);
}

/* One row through all steps of a chain. */
static void run_row(void *context, int64_t row, int worker)
{
    step_run r = *(const step_run *)context;
    const dmx_step *head = r.step;
    r.frame.row = row;
    r.frame.worker = worker;
    for (; r.step < head + head->chain; r.step++)
        for (int64_t i = 0; i < r.step->row_tasks; i++)
            run_task(&r, row * r.step->row_tasks + i, worker);
}

static void copy_in(const dmx_frame *f)
{
    const dmx_buf input = f->engine->input;
    for (int64_t c = 0; c < dmx_plane_of(f, input)->channels; c++)
        dmx_copy_input(f, input, c);
}

/* The result does not lie in its own memory, where buffers were until now. */
static void copy_out(const dmx_frame *f, float *stems)
{
    const dmx_plane *p = dmx_plane_of(f, f->engine->output);
    const float *from = dmx_read(f, f->engine->output);
    for (int64_t c = 0; c < p->channels; c++)
        memcpy(stems + c * p->cols, from + c * p->stride,
               (size_t)p->cols * sizeof *stems);
}

static float *aligned(float *p)
{
    const uintptr_t line = DMX_LINE * sizeof *p;
    return (float *)(((uintptr_t)p + line - 1) / line * line);
}

dmx_status dmx_engine_run(dmx_engine_state *s, float *stems, const float *mix,
                          const dmx_hooks *hooks, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_RETURN_IF(s == NULL, err, DMX_ERROR_ARGUMENT, "%s: state is NULL",
                  __func__);
    DMX_NEED(err, stems);
    DMX_NEED(err, mix);
    const dmx_engine *e = s->engine;
    step_run run = {.frame = {.engine = e,
                              .mix = mix,
                              .arena = s->arena,
                              .lent = aligned(stems)},
                    .state = s};
    double before = dmx_seconds();
    copy_in(&run.frame);
    for (size_t i = 0; i < e->n_step; i += (size_t)run.step->chain) {
        DMX_FORWARD(dmx_progress(hooks, "separate",
                                 (double)i / (double)e->n_step, err));
        run.step = &e->step[i];
        const bool rows = run.step->chain > 1;
        const int64_t count =
            rows ? run.step->tasks / run.step->row_tasks : run.step->tasks;
        if (run.step->alone)
            for (int64_t task = 0; task < count; task++)
                (rows ? run_row : run_task)(&run, task, 0);
        else
            dmx_pool_run(s->pool, count, rows ? run_row : run_task, &run);
        const double after = dmx_seconds();
        s->seconds[i] = after - before;
        before = after;
    }
    copy_out(&run.frame, stems);
    return dmx_progress(hooks, "separate", 1.0, err);
}

bool dmx_engine_profile_next(dmx_step_profile *out, size_t *at,
                             const dmx_engine_state *s)
{
    if (*at >= s->engine->n_step)
        return false;
    const dmx_step *step = &s->engine->step[*at];
    *out = (dmx_step_profile){
        .kind = step->chain > 1 ? "rows" : step->kind,
        .path = step->path,
        .seconds = s->seconds[*at],
    };
    for (int32_t i = 0; i < step->chain; i++)
        out->flops += step[i].flops;
    *at += (size_t)step->chain;
    return true;
}

int dmx_engine_state_threads(const dmx_engine_state *s)
{
    return dmx_pool_threads(s->pool);
}

const dmx_engine *dmx_engine_of_state(const dmx_engine_state *s)
{
    return s->engine;
}
