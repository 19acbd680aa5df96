/* Chains of steps that run row by row: convolution, residual branches and
 * rewrite of one frequency row run one after another while the row is in the
 * cache, and one barrier replaces many. A step may join a chain if it reads
 * only its own row of what earlier steps of the chain write, and writes nothing
 * that an earlier step reads from other rows. */
#include "engine/plan/planner.h"

/* Whether s writes b, of which the other step uses only its own row if `local`,
 * so that the two must not be in one chain. The rows of views of one buffer are
 * not the same rows. */
static bool disturbs(const struct dmx_engine *e, const dmx_step *s, dmx_buf b,
                     bool local)
{
    for (int k = 0; k < DMX_STEP_OUT; k++)
        if (dmx_program_overlap(e, s->out[k], b) && (s->out[k] != b || !local))
            return true;
    return false;
}

static bool fits(const struct dmx_engine *e, const dmx_step *chain, int32_t n,
                 const dmx_step *s)
{
    for (int32_t i = 0; i < n; i++) {
        const dmx_step *before = &chain[i];
        for (int k = 0; k < DMX_STEP_IN; k++)
            if (disturbs(e, before, s->in[k], s->local >> k & 1) ||
                disturbs(e, s, before->in[k], before->local >> k & 1))
                return false;
        for (int k = 0; k < DMX_STEP_OUT; k++)
            if (disturbs(e, s, before->out[k], true))
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
               fits(e, head, head->chain, &head[head->chain]))
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
