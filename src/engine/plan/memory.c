/* One arena for all buffers: each gets the lowest offset that is free during
 * its lifetime; views lie in the buffer that they are rows of. Which order of
 * placing them leaves the fewest gaps depends on the network and its length: of
 * a few orders the best is kept. The memory of the result, which a run writes
 * last, is the first part of the arena. */
#include "engine/plan/planner.h"

#include <stdlib.h>

#define SLACK 64 /* floats that kernels may read past the end of a row */

static void use(struct dmx_engine *e, dmx_buf b, int32_t step)
{
    if (b == DMX_NO_BUFFER || e->buffer[b].constant != NULL)
        return;
    const dmx_buf base = e->buffer[b].base;
    dmx_buffer *buffer = &e->buffer[base != DMX_NO_BUFFER ? base : b];
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
        if (b->first < 0 || b->first != b->last || b->viewed ||
            (dmx_buf)i == e->input || b->first >= (int32_t)e->n_step)
            continue;
        const dmx_step *head = &e->step[b->first];
        if (head->chain <= 1 || b->plane.rows != head->tasks / head->row_tasks)
            continue;
        b->row_floats = b->plane.channels * b->plane.stride;
        b->floats = e->threads * b->row_floats;
    }
}

static int32_t lifetime(const dmx_buffer *b)
{
    return b->last - b->first + 1;
}

static int by_index(const dmx_buffer *x, const dmx_buffer *y)
{
    return x < y ? -1 : x > y;
}

static int larger_first(const void *a, const void *b)
{
    const dmx_buffer *x = *(dmx_buffer *const *)a;
    const dmx_buffer *y = *(dmx_buffer *const *)b;
    if (x->floats != y->floats)
        return x->floats < y->floats ? 1 : -1;
    return by_index(x, y);
}

static int longer_first(const void *a, const void *b)
{
    const dmx_buffer *x = *(dmx_buffer *const *)a;
    const dmx_buffer *y = *(dmx_buffer *const *)b;
    if (lifetime(x) != lifetime(y))
        return lifetime(x) < lifetime(y) ? 1 : -1;
    return larger_first(a, b);
}

/* By size times lifetime. */
static int heavier_first(const void *a, const void *b)
{
    const dmx_buffer *x = *(dmx_buffer *const *)a;
    const dmx_buffer *y = *(dmx_buffer *const *)b;
    const double p = (double)x->floats * lifetime(x);
    const double q = (double)y->floats * lifetime(y);
    return p != q ? (p < q ? 1 : -1) : by_index(x, y);
}

static int earlier_first(const void *a, const void *b)
{
    const dmx_buffer *x = *(dmx_buffer *const *)a;
    const dmx_buffer *y = *(dmx_buffer *const *)b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return longer_first(a, b);
}

static bool lifetimes_overlap(const dmx_buffer *a, const dmx_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static int64_t room(const dmx_buffer *b)
{
    return dmx_round_up(b->floats + SLACK, 16);
}

/* How many floats of a result's memory buffers may lie in: it may begin
 * anywhere within a line. The result itself does not fit. */
static int64_t lent_floats(const struct dmx_engine *e)
{
    const dmx_plane *p = &e->buffer[e->output].plane;
    const int64_t result = p->channels * p->cols;
    return result < e->limits.result || e->limits.placing == DMX_PLACE_APART
               ? 0
               : result / DMX_LINE * DMX_LINE - DMX_LINE;
}

/* The lowest offset from `at` on where b lies on one side of the end of what is
 * lent. */
static int64_t on_one_side(const dmx_buffer *b, int64_t at, int64_t lent)
{
    return at < lent && at + room(b) > lent ? lent : at;
}

/* Gives b, which is order[n], its offset. order[0, n) are placed already and
 * sorted by offset; b joins them. */
static void place(dmx_buffer **order, size_t n, int64_t lent)
{
    dmx_buffer *b = order[n];
    int64_t at = on_one_side(b, 0, lent);
    for (size_t i = 0; i < n; i++) {
        if (!lifetimes_overlap(b, order[i]))
            continue;
        if (at + room(b) <= order[i]->offset)
            break;
        at = dmx_max(at, order[i]->offset + room(order[i]));
        at = on_one_side(b, at, lent);
    }
    b->offset = at;
    size_t to = n;
    for (; to > 0 && order[to - 1]->offset > at; to--)
        order[to] = order[to - 1];
    order[to] = b;
}

/* The end of all buffers, placed in that order. */
static int64_t place_all(dmx_buffer **order, size_t n, int64_t lent,
                         int (*compare)(const void *, const void *))
{
    int64_t size = lent;
    qsort(order, n, sizeof(void *), compare);
    for (size_t i = 0; i < n; i++) {
        dmx_buffer *const next = order[i];
        place(order, i, lent);
        size = dmx_max(size, next->offset + room(next));
    }
    return size;
}

/* Every buffer after the one before it. */
static int64_t place_apart(dmx_buffer **order, size_t n)
{
    int64_t size = 0;
    for (size_t i = 0; i < n; i++) {
        order[i]->offset = size;
        size += room(order[i]);
    }
    return size;
}

static int64_t place_as(dmx_buffer **order, size_t n, int64_t lent,
                        dmx_placing placing)
{
    static int (*const all[])(const void *, const void *) = {
        [DMX_PLACE_LARGER] = larger_first,
        [DMX_PLACE_LONGER] = longer_first,
        [DMX_PLACE_HEAVIER] = heavier_first,
        [DMX_PLACE_EARLIER] = earlier_first};
    if (placing == DMX_PLACE_APART)
        return place_apart(order, n);
    if (placing != DMX_PLACE_BEST)
        return place_all(order, n, lent, all[placing]);
    int64_t least = INT64_MAX;
    dmx_placing best = DMX_PLACE_LARGER;
    for (dmx_placing i = DMX_PLACE_LARGER; i <= DMX_PLACE_EARLIER; i++) {
        const int64_t size = place_all(order, n, lent, all[i]);
        if (size < least) {
            least = size;
            best = i;
        }
    }
    return place_all(order, n, lent, all[best]);
}

static void place_views(struct dmx_engine *e)
{
    for (size_t i = 0; i < e->n_buffer; i++) {
        dmx_buffer *b = &e->buffer[i];
        if (b->base != DMX_NO_BUFFER)
            b->offset = e->buffer[b->base].offset +
                        b->base_row * b->plane.channels * b->plane.stride;
    }
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
    e->lent = lent_floats(e);
    e->arena_floats = place_as(order, n, e->lent, e->limits.placing) - e->lent;
    free(order);
    place_views(e);
    for (size_t i = 0; i < e->n_step; i++)
        e->scratch_floats = dmx_max(e->scratch_floats, e->step[i].scratch);
    return DMX_OK;
}
