/* Chains of steps that run row by row: convolution, residual branches and
 * rewrite of one frequency row run one after another while the row is in the
 * cache, and one barrier replaces many. A step may join a chain if it reads
 * only its own row of what earlier steps of the chain write, and writes nothing
 * that an earlier step reads from other rows. */
#include "engine/plan/planner.h"

static bool writes(const dmx_step *s, dmx_buf b)
{
    bool found = false;
    for (int k = 0; k < DMX_STEP_OUT; k++)
        found = found || s->out[k] == b;
    return b != DMX_NO_BUFFER && found;
}

static bool fits(const dmx_step *chain, int32_t n, const dmx_step *s)
{
    for (int32_t i = 0; i < n; i++)
        for (int k = 0; k < DMX_STEP_IN; k++) {
            if (writes(&chain[i], s->in[k]) && (s->local >> k & 1) == 0)
                return false;
            if (writes(s, chain[i].in[k]) && (chain[i].local >> k & 1) == 0)
                return false;
        }
    return true;
}

static int64_t rows_of(const dmx_step *s)
{
    return s->row_tasks > 0 ? s->tasks / s->row_tasks : 0;
}

/* A rough estimate for one thread, in nanoseconds: 60 GFLOP/s and 10 GB/s. */
static double estimate(const struct dmx_engine *e, const dmx_step *s)
{
    double floats = 0.0;
    for (int k = 0; k < DMX_STEP_IN; k++)
        if (s->in[k] != DMX_NO_BUFFER)
            floats += (double)e->buffer[s->in[k]].floats;
    for (int k = 0; k < DMX_STEP_OUT; k++)
        if (s->out[k] != DMX_NO_BUFFER)
            floats += (double)e->buffer[s->out[k]].floats;
    return s->flops / 60.0 + floats * 0.4;
}

/* Dispatching work to threads and waiting for it costs a few microseconds. */
#define WORTH_WAKING 12000.0 /* ns */

void dmx_plan_chains(struct dmx_engine *e)
{
    const int64_t least = e->threads > 1 ? 2 * e->threads : 2;
    for (size_t i = 0; i < e->n_step;) {
        dmx_step *head = &e->step[i];
        const int64_t rows = rows_of(head);
        head->chain = 1;
        while (rows >= least && i + (size_t)head->chain < e->n_step &&
               rows_of(&head[head->chain]) == rows &&
               fits(head, head->chain, &head[head->chain]))
            head->chain++;
        double work = 0.0;
        for (int32_t k = 0; k < head->chain; k++) {
            head[k].phase = (int32_t)i;
            work += estimate(e, &head[k]);
        }
        head->alone = work < WORTH_WAKING;
        i += (size_t)head->chain;
    }
}
