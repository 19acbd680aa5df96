#include "graph/select.h"
#include "graph/builders.h"
#include "graph/graph_build.h"

#include <stdlib.h>
#include <string.h>

/* Which channels of a value are wanted: all, or a rising list. */
typedef struct wish {
    enum { UNSEEN, LISTED, ALL } kind;
    int64_t *row;
    size_t count;
} wish;

typedef struct selection {
    const dmx_graph *g;
    dmx_graph *to;
    wish *wish;     /* per value of g */
    dmx_value *map; /* values of g to values of `to` */
    dmx_arena arena;
} selection;

static bool same_list(const wish *w, const int64_t *row, size_t count)
{
    return w->count == count && memcmp(w->row, row, count * sizeof *row) == 0;
}

static void want_all(selection *s, dmx_value v)
{
    s->wish[v].kind = ALL;
}

/* Two different wishes for one value: it is made whole. */
static void want(selection *s, dmx_value v, const int64_t *row, size_t count)
{
    wish *w = &s->wish[v];
    if (w->kind == LISTED && !same_list(w, row, count))
        w->kind = ALL;
    if (w->kind != UNSEEN)
        return;
    w->row = dmx_arena_alloc(&s->arena, count, sizeof *row);
    if (w->row == NULL) {
        dmx_graph_fail(s->to, DMX_ERROR_MEMORY, "no memory for the graph");
        return;
    }
    memcpy(w->row, row, count * sizeof *row);
    w->count = count;
    w->kind = LISTED;
}

/* Channel 2c and 2c + 1 of a spectrogram for each channel c of its signal. */
static void want_pairs(selection *s, dmx_value v, const wish *w)
{
    int64_t *row = dmx_arena_alloc(&s->arena, 2 * w->count, sizeof *row);
    if (row == NULL) {
        dmx_graph_fail(s->to, DMX_ERROR_MEMORY, "no memory for the graph");
        return;
    }
    for (size_t i = 0; i < 2 * w->count; i++)
        row[i] = 2 * w->row[i / 2] + (int64_t)(i % 2);
    want(s, v, row, 2 * w->count);
}

static dmx_channel_rule channels_rule(const dmx_node *n)
{
    return dmx_operation_of(n->op)->channels;
}

/* Operations whose channels depend on the same channels of their signals. */
static bool keeps_channels(const dmx_node *n)
{
    return channels_rule(n) == DMX_CHANNELS_KEPT ||
           channels_rule(n) == DMX_CHANNELS_KEPT_SIGNAL ||
           (channels_rule(n) == DMX_CHANNELS_KEPT_OFF_AXIS && n->at.axis != 0);
}

static bool makes_channels(const dmx_node *n)
{
    return channels_rule(n) == DMX_CHANNELS_MADE_BY_ROWS ||
           channels_rule(n) == DMX_CHANNELS_MADE_BY_COLUMNS;
}

static bool pairs_channels(const dmx_node *n)
{
    return channels_rule(n) == DMX_CHANNELS_PAIRED;
}

static int64_t channels(const dmx_graph *g, dmx_value v)
{
    const dmx_shape *s = &g->value[v].shape;
    return s->rank == 3 ? s->dim[0] : 0;
}

/* From what is wanted of a node to what it wants of its inputs. */
static void pass_back(selection *s, const dmx_node *n)
{
    const wish *w = &s->wish[n->out[0]];
    const int64_t c = channels(s->g, n->out[0]);
    const bool listed = w->kind == LISTED && n->n_out == 1;
    const bool keeps = listed && keeps_channels(n);
    if (listed && !keeps && !makes_channels(n) && !pairs_channels(n))
        want_all(s, n->out[0]);
    for (int k = 0; k < n->n_in; k++) {
        if (keeps && channels(s->g, n->in[k]) == c)
            want(s, n->in[k], w->row, w->count);
        else if (listed && pairs_channels(n))
            want_pairs(s, n->in[k], w);
        else
            want_all(s, n->in[k]);
    }
}

/* The entries `w->row` of t's axis into `data`, for a tensor of dimensions
 * `dim`. */
static void copy_entries(unsigned char *data, const dmx_tensor *t,
                         const int64_t *dim, size_t count, int axis,
                         const wish *w)
{
    const size_t item = dmx_dtype_size(t->dtype);
    for (size_t i = 0; i < count; i++) {
        int64_t from = 0;
        size_t rest = i;
        for (int k = t->rank; k-- > 0;) {
            const int64_t at = (int64_t)(rest % (size_t)dim[k]);
            rest /= (size_t)dim[k];
            from += (k == axis ? w->row[at] : at) * t->stride[k];
        }
        memcpy(data + i * item, (const char *)t->data + from * (int64_t)item,
               item);
    }
}

/* The same as a tensor of the new graph. */
static const dmx_tensor *gather(selection *s, const dmx_tensor *t, int axis,
                                const wish *w)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_tensor whole;
    void *bytes;
    if (t == NULL)
        return NULL;
    dmx_tensor out = *t;
    out.dim[axis] = (int64_t)w->count;
    const size_t count = dmx_tensor_count(&out);
    unsigned char *data =
        dmx_arena_alloc(&s->to->arena, count, dmx_dtype_size(t->dtype));
    if (data == NULL) {
        dmx_graph_fail(s->to, DMX_ERROR_MEMORY, "no memory for the graph");
        return t;
    }
    if (dmx_tensor_fetch(&whole, &bytes, t, &err) != DMX_OK) {
        dmx_graph_fail(s->to, err.code, "%s", err.message);
        return t;
    }
    copy_entries(data, &whole, out.dim, count, axis, w);
    free(bytes);
    int64_t stride = 1;
    for (int k = t->rank; k-- > 0; stride *= out.dim[k])
        out.stride[k] = stride;
    out.data = data;
    out.source = NULL;
    return dmx_graph_tensor(s->to, out);
}

/* The wanted channels of a value that was made whole. */
static dmx_value pick(selection *s, const char *path, dmx_value whole,
                      const wish *w)
{
    dmx_value *part = dmx_arena_alloc(&s->arena, w->count, sizeof *part);
    size_t n = 0;
    for (size_t i = 0; part != NULL && i < w->count;) {
        size_t run = 1;
        while (i + run < w->count &&
               w->row[i + run] == w->row[i] + (int64_t)run)
            run++;
        part[n++] =
            dmx_graph_crop(s->to, path, whole, 0, w->row[i], (int64_t)run);
        i += run;
    }
    return n == 1 ? part[0] : dmx_graph_concat(s->to, path, part, (int)n, 0);
}

/* An input of a node whose own result is `w`. */
static dmx_value take_input(selection *s, const dmx_node *n, int k,
                            const wish *w)
{
    const dmx_value v = n->in[k];
    const bool partly = w->kind == LISTED && keeps_channels(n) &&
                        channels(s->g, v) == channels(s->g, n->out[0]);
    if (partly && s->wish[v].kind == ALL)
        return pick(s, n->path, s->map[v], w);
    if (pairs_channels(n) && w->kind == LISTED && s->wish[v].kind == ALL) {
        wish pairs = {LISTED, NULL, 2 * w->count};
        pairs.row = dmx_arena_alloc(&s->arena, pairs.count, sizeof *pairs.row);
        for (size_t i = 0; pairs.row != NULL && i < pairs.count; i++)
            pairs.row[i] = 2 * w->row[i / 2] + (int64_t)(i % 2);
        return pairs.row != NULL ? pick(s, n->path, s->map[v], &pairs)
                                 : DMX_NO_VALUE;
    }
    return s->map[v];
}

static void copy_weights(selection *s, dmx_node *to, const dmx_node *n,
                         const wish *w)
{
    const bool part = w->kind == LISTED &&
                      channels_rule(n) != DMX_CHANNELS_KEPT_SIGNAL &&
                      (makes_channels(n) || keeps_channels(n));
    const int axis = channels_rule(n) == DMX_CHANNELS_MADE_BY_COLUMNS ? 1 : 0;
    const dmx_tensor **list =
        dmx_arena_alloc(&s->arena, (size_t)n->n_operand + 1, sizeof *list);
    if (list == NULL) {
        dmx_graph_fail(s->to, DMX_ERROR_MEMORY, "no memory for the graph");
        return;
    }
    for (int i = 0; i < n->n_operand; i++)
        list[i] = part ? gather(s, n->operand[i], i == 0 ? axis : 0, w)
                       : n->operand[i];
    dmx_graph_operands(s->to, to, list, n->n_operand);
}

static void copy_node(selection *s, const dmx_node *n)
{
    const wish *w = &s->wish[n->out[0]];
    dmx_value *in = dmx_arena_alloc(&s->arena, (size_t)n->n_in + 1, sizeof *in);
    for (int k = 0; in != NULL && k < n->n_in; k++)
        in[k] = take_input(s, n, k, w);
    dmx_node *to = in != NULL
                       ? dmx_graph_append(s->to, n->op, n->path, in, n->n_in)
                       : NULL;
    if (to == NULL)
        return;
    to->at = n->at;
    copy_weights(s, to, n, w);
    if (dmx_graph_finish(s->to, to) == DMX_NO_VALUE)
        return;
    for (int k = 0; k < n->n_out; k++)
        s->map[n->out[k]] = to->out[k];
}

static void copy_graph(selection *s, const int64_t *row, size_t count)
{
    const dmx_graph *g = s->g;
    want(s, g->output, row, count);
    for (size_t i = g->n_node; i-- > 0;)
        pass_back(s, &g->node[i]);
    want_all(s, g->input);
    for (size_t i = 0; i < g->n_node; i++)
        copy_node(s, &g->node[i]);
    const wish whole = {LISTED, (int64_t *)row, count};
    dmx_value out = s->map[g->output];
    if (s->wish[g->output].kind == ALL)
        out = pick(s, "stems", out, &whole);
    s->to->input = s->map[g->input];
    s->to->any_length = g->any_length;
    dmx_graph_output(s->to, out);
    dmx_graph_prune(s->to);
}

static dmx_status check_rows(const dmx_graph *g, const int64_t *row,
                             size_t count, dmx_error *err)
{
    const int64_t all = channels(g, g->output);
    DMX_RETURN_IF(count == 0, err, DMX_ERROR_ARGUMENT, "no channels chosen");
    for (size_t i = 0; i < count; i++)
        DMX_RETURN_IF(row[i] < 0 || row[i] >= all ||
                          (i > 0 && row[i] <= row[i - 1]),
                      err, DMX_ERROR_ARGUMENT,
                      "channels must rise and stay below %lld", (long long)all);
    return DMX_OK;
}

dmx_status dmx_graph_select(dmx_graph **out, const dmx_graph *g,
                            const int64_t *row, size_t count, dmx_error *err)
{
    *out = NULL;
    DMX_FORWARD(dmx_graph_status(g, err));
    DMX_FORWARD(check_rows(g, row, count, err));
    selection s = {.g = g, .to = dmx_graph_open()};
    s.wish = calloc(g->n_value, sizeof *s.wish);
    s.map = calloc(g->n_value, sizeof *s.map);
    dmx_status status = DMX_OK;
    if (s.to == NULL || s.wish == NULL || s.map == NULL) {
        status = dmx_fail(err, DMX_ERROR_MEMORY, "no memory for the graph");
    } else {
        copy_graph(&s, row, count);
        status = dmx_graph_status(s.to, err);
    }
    free(s.wish);
    free(s.map);
    dmx_arena_free(&s.arena);
    if (status == DMX_OK)
        *out = s.to;
    else
        dmx_graph_close(s.to);
    return status;
}
