/* Runs a graph node by node; a value lives until its last use. The memory of
 * dead values is reused: fresh pages would cost a tenth of the total time. */
#include "reference/reference.h"

#include "graph/analysis.h"
#include "graph/work.h"
#include "reference/reference_ops.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_SPARES = 16 };

typedef struct spare {
    double *data;
    size_t bytes;
} spare;

typedef struct runner {
    const dmx_graph *g;
    const dmx_reference_options *options;
    const double *mix;
    dmx_array *value;         /* [g->n_value] */
    dmx_analysis uses;        /* of g */
    dmx_array *in;            /* the current node's inputs */
    size_t bytes, peak_bytes; /* of values alive */
    size_t *room;             /* [g->n_value] bytes allocated for it */
    spare spare[MAX_SPARES];  /* free for reuse, oldest first */
    size_t n_spare, spare_bytes;
    int threads;
    dmx_error *err;
} runner;

static dmx_reference_op *const operations[DMX_OP_COUNT] = {
#define DMX_OPERATION(NAME, name, ...) [DMX_OP_##NAME] = dmx_reference_##name,
#include "graph/operations.def"
#undef DMX_OPERATION
};

static size_t value_bytes(const dmx_shape *shape)
{
    return (size_t)dmx_shape_count(shape) * sizeof(double);
}

static void remove_spare(runner *r, size_t index)
{
    r->spare_bytes -= r->spare[index].bytes;
    r->n_spare--;
    memmove(&r->spare[index], &r->spare[index + 1],
            (r->n_spare - index) * sizeof *r->spare);
}

static void drop_oldest_spare(runner *r)
{
    dmx_aligned_free(r->spare[0].data);
    remove_spare(r, 0);
}

/* Keeps the total with spares below the peak of the values alone. */
static void drop_spares_over_peak(runner *r)
{
    while (r->n_spare > 0 && r->bytes + r->spare_bytes > r->peak_bytes)
        drop_oldest_spare(r);
}

/* The smallest spare that holds `size` bytes and is at most eight times as
 * large. */
static double *take_spare(runner *r, size_t size, size_t *room)
{
    size_t best = r->n_spare;
    for (size_t i = 0; i < r->n_spare; i++)
        if (r->spare[i].bytes >= size && r->spare[i].bytes / 8 <= size &&
            (best == r->n_spare || r->spare[i].bytes < r->spare[best].bytes))
            best = i;
    if (best == r->n_spare)
        return NULL;
    double *data = r->spare[best].data;
    *room = r->spare[best].bytes;
    remove_spare(r, best);
    return data;
}

static void free_value(runner *r, dmx_value v)
{
    if (r->value[v].data == NULL)
        return;
    if (r->n_spare == MAX_SPARES)
        drop_oldest_spare(r);
    r->bytes -= value_bytes(&r->value[v].shape);
    r->spare[r->n_spare++] = (spare){r->value[v].data, r->room[v]};
    r->spare_bytes += r->room[v];
    r->value[v].data = NULL;
    drop_spares_over_peak(r);
}

/* Values are large; the fewer pages, the less time the kernel takes. */
static void prefer_huge_pages(void *data, size_t size)
{
#ifdef MADV_HUGEPAGE
    const size_t huge = (size_t)2 << 20;
    const size_t skip = (huge - (uintptr_t)data % huge) % huge;
    if (size >= skip + huge)
        (void)madvise((char *)data + skip, (size - skip) / huge * huge,
                      MADV_HUGEPAGE);
#else
    (void)data;
    (void)size;
#endif
}

static dmx_status allocate_value(runner *r, const dmx_node *node, dmx_value v)
{
    const size_t size = value_bytes(&r->value[v].shape);
    r->bytes += size;
    if (r->bytes > r->peak_bytes)
        r->peak_bytes = r->bytes;
    DMX_RETURN_IF(r->options->max_bytes > 0 && r->bytes > r->options->max_bytes,
                  r->err, DMX_ERROR_LIMIT,
                  "%s: the float64 reference needs more than %zu MB",
                  node->path, r->options->max_bytes >> 20);
    r->value[v].data = take_spare(r, size, &r->room[v]);
    drop_spares_over_peak(r);
    if (r->value[v].data != NULL)
        return DMX_OK;
    r->room[v] = size;
    r->value[v].data = dmx_aligned_alloc(size, 1);
    DMX_RETURN_IF(r->value[v].data == NULL, r->err, DMX_ERROR_MEMORY,
                  "%s: no memory for %zu MB", node->path, size >> 20);
    prefer_huge_pages(r->value[v].data, size);
    return DMX_OK;
}

static int32_t node_index(const runner *r, const dmx_node *node)
{
    return (int32_t)(node - r->g->node);
}

/* Allocates the outputs; an operation that works in place takes over its first
 * input if that is not needed any more. */
static dmx_status prepare_outputs(runner *r, const dmx_node *node)
{
    const dmx_value x = node->n_in > 0 ? node->in[0] : DMX_NO_VALUE;
    if (dmx_operation_of(node->op)->in_place && x != r->g->output &&
        dmx_last_consumer(&r->uses, x) == node_index(r, node)) {
        r->value[node->out[0]].data = r->value[x].data;
        r->room[node->out[0]] = r->room[x];
        r->value[x].data = NULL;
        return DMX_OK;
    }
    for (int i = 0; i < node->n_out; i++)
        DMX_FORWARD(allocate_value(r, node, node->out[i]));
    return DMX_OK;
}

static dmx_status run_node(runner *r, const dmx_node *node)
{
    dmx_array out[2] = {{{0}, NULL}, {{0}, NULL}};
    for (int i = 0; i < node->n_in; i++)
        r->in[i] = r->value[node->in[i]];
    DMX_FORWARD(prepare_outputs(r, node));
    for (int i = 0; i < node->n_out; i++)
        out[i] = r->value[node->out[i]];
    return operations[node->op](
        &(dmx_reference_step){node, r->in, out, r->mix, r->threads, r->err});
}

static void observe(const runner *r, const dmx_node *node)
{
    for (int i = 0; r->options->observe != NULL && i < node->n_out; i++) {
        const dmx_value v = node->out[i];
        r->options->observe(r->options->user, node, v, &r->value[v].shape,
                            r->value[v].data);
    }
}

/* Frees the values that this node used last, and its own unused outputs. */
static void release(runner *r, const dmx_node *node)
{
    const int32_t index = node_index(r, node);
    for (int i = 0; i < node->n_in + node->n_out; i++) {
        const dmx_value v =
            i < node->n_in ? node->in[i] : node->out[i - node->n_in];
        if (v != r->g->output && dmx_last_consumer(&r->uses, v) <= index)
            free_value(r, v);
    }
}

static dmx_status run_all(runner *r)
{
    const double total = dmx_graph_work(r->g);
    double done = 0.0;
    for (size_t n = 0; n < r->g->n_node; n++) {
        const dmx_node *node = &r->g->node[n];
        DMX_FORWARD(
            dmx_progress(r->options->hooks, "reference", done / total, r->err));
        DMX_FORWARD(run_node(r, node));
        observe(r, node);
        release(r, node);
        done += dmx_node_work(r->g, node);
    }
    return dmx_progress(r->options->hooks, "reference", 1.0, r->err);
}

static dmx_status open_runner(runner *r)
{
    const dmx_graph *g = r->g;
    int widest = 1;
    r->value = calloc(g->n_value, sizeof *r->value);
    r->room = calloc(g->n_value, sizeof *r->room);
    for (size_t n = 0; n < g->n_node; n++)
        if (g->node[n].n_in > widest)
            widest = g->node[n].n_in;
    r->in = calloc((size_t)widest, sizeof *r->in);
    DMX_RETURN_IF(r->value == NULL || r->room == NULL || r->in == NULL ||
                      !dmx_analysis_open(&r->uses, g),
                  r->err, DMX_ERROR_MEMORY, "no memory for the reference");
    for (size_t v = 0; v < g->n_value; v++)
        r->value[v].shape = g->value[v].shape;
    return DMX_OK;
}

static void close_runner(runner *r)
{
    for (size_t v = 0; r->value != NULL && v < r->g->n_value; v++)
        dmx_aligned_free(r->value[v].data);
    while (r->n_spare > 0)
        drop_oldest_spare(r);
    free(r->value);
    free(r->room);
    dmx_analysis_close(&r->uses);
    free(r->in);
}

dmx_status dmx_reference_run(double *out, const dmx_graph *g, const double *mix,
                             const dmx_reference_options *options,
                             dmx_error *err)
{
    const dmx_reference_options defaults = {0};
    runner r = {.g = g, .mix = mix, .err = err};
    r.options = options != NULL ? options : &defaults;
    r.threads = r.options->threads > 0 ? r.options->threads : dmx_cpu_count();
    DMX_FORWARD(dmx_graph_ready(g, err));
    dmx_status status = open_runner(&r);
    if (status == DMX_OK)
        status = run_all(&r);
    if (status == DMX_OK)
        memcpy(out, r.value[g->output].data,
               value_bytes(&r.value[g->output].shape));
    if (r.options->peak_bytes != NULL)
        *r.options->peak_bytes = r.peak_bytes;
    close_runner(&r);
    return status;
}
