/* One arena for all buffers: each gets the lowest offset that is free during
 * its lifetime. Large buffers are placed first. */
#include "engine/plan/planner.h"

#include <stdlib.h>

#define SLACK 64 /* floats that kernels may read past the end of a row */

static void use(struct dmx_engine *e, dmx_buf b, int32_t step)
{
    if (b == DMX_NO_BUFFER || e->buffer[b].constant != NULL)
        return;
    dmx_buffer *buffer = &e->buffer[b];
    if (buffer->first < 0)
        buffer->first = step;
    buffer->last = step;
}

static void find_lifetimes(struct dmx_engine *e)
{
    use(e, e->input, 0);
    for (size_t i = 0; i < e->n_step; i++) {
        const dmx_step *s = &e->step[i];
        for (int k = 0; k < DMX_STEP_IN; k++)
            use(e, s->in[k], s->phase);
        for (int k = 0; k < DMX_STEP_OUT; k++)
            use(e, s->out[k], s->phase);
    }
    use(e, e->output, (int32_t)e->n_step);
}

/* A buffer used only within one chain is needed one row at a time: a row per
 * thread, which stays in the cache, is allocated instead of the whole. */
static void find_rows(struct dmx_engine *e)
{
    for (size_t i = 0; i < e->n_buffer; i++) {
        dmx_buffer *b = &e->buffer[i];
        if (b->first < 0 || b->first != b->last || (dmx_buf)i == e->input ||
            b->first >= (int32_t)e->n_step)
            continue;
        const dmx_step *head = &e->step[b->first];
        if (head->chain <= 1 || b->plane.rows != head->tasks / head->row_tasks)
            continue;
        b->row_floats = b->plane.channels * b->plane.stride;
        b->floats = e->threads * b->row_floats;
    }
}

static int larger_first(const void *a, const void *b)
{
    const dmx_buffer *x = *(dmx_buffer *const *)a;
    const dmx_buffer *y = *(dmx_buffer *const *)b;
    if (x->floats != y->floats)
        return x->floats < y->floats ? 1 : -1;
    return x < y ? -1 : x > y;
}

static int lower_first(const void *a, const void *b)
{
    const dmx_buffer *x = *(dmx_buffer *const *)a;
    const dmx_buffer *y = *(dmx_buffer *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool lifetimes_overlap(const dmx_buffer *a, const dmx_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static int64_t room(const dmx_buffer *b)
{
    return dmx_round_up(b->floats + SLACK, 16);
}

/* placed[0, n) are sorted by offset. */
static void choose_offset(dmx_buffer *b, dmx_buffer *const *placed, size_t n)
{
    int64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (!lifetimes_overlap(b, placed[i]))
            continue;
        if (at + room(b) <= placed[i]->offset)
            break;
        at = dmx_max(at, placed[i]->offset + room(placed[i]));
    }
    b->offset = at;
}

dmx_status dmx_plan_memory(struct dmx_engine *e, dmx_error *err)
{
    dmx_buffer **order = calloc(e->n_buffer + 1, sizeof(void *));
    DMX_RETURN_IF(order == NULL, err, DMX_ERROR_MEMORY,
                  "out of memory while planning memory");
    find_lifetimes(e);
    find_rows(e);
    size_t n = 0;
    for (size_t i = 0; i < e->n_buffer; i++)
        if (e->buffer[i].first >= 0)
            order[n++] = &e->buffer[i];
    qsort(order, n, sizeof(void *), larger_first);
    e->arena_floats = 0;
    for (size_t i = 0; i < n; i++) {
        qsort(order, i, sizeof(void *), lower_first);
        choose_offset(order[i], order, i);
        e->arena_floats =
            dmx_max(e->arena_floats, order[i]->offset + room(order[i]));
    }
    free(order);
    for (size_t i = 0; i < e->n_step; i++)
        e->scratch_floats = dmx_max(e->scratch_floats, e->step[i].scratch);
    return DMX_OK;
}
