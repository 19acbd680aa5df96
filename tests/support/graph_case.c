#include "graph_case.h"

#include <math.h>
#include <stdlib.h>

void graph_case_open(graph_case *c, uint64_t seed, int64_t channels,
                     int64_t rows, int64_t frames)
{
    *c = (graph_case){.seed = seed * 2654435761u + 1};
    const int64_t count = channels * rows * frames;
    c->mix = malloc((size_t)count * sizeof *c->mix);
    assert_non_null(c->mix);
    for (int64_t i = 0; i < count; i++)
        c->mix[i] = test_normal(&c->seed);
    c->graph = dmx_graph_open();
    assert_non_null(c->graph);
    c->x = dmx_graph_input(c->graph, channels, rows * frames);
    if (rows > 1)
        c->x = dmx_graph_reshape(c->graph, "shape", c->x,
                                 (dmx_shape){3, {channels, rows, frames}});
}

void graph_case_close(graph_case *c)
{
    dmx_graph_close(c->graph);
    free(c->mix);
    free(c->out);
    while (c->n_owned > 0)
        free(c->owned[--c->n_owned]);
}

int64_t graph_case_between(graph_case *c, int64_t low, int64_t high)
{
    return low + (int64_t)(test_random(&c->seed) % (uint64_t)(high - low + 1));
}

const dmx_tensor *graph_case_tensor(graph_case *c, int rank, int64_t a,
                                    int64_t b, int64_t d, int64_t e)
{
    const int64_t dim[] = {a, b, d, e};
    dmx_tensor t = {.name = "w", .dtype = DMX_F64, .rank = rank};
    int64_t count = 1;
    for (int k = rank - 1; k >= 0; k--) {
        t.dim[k] = dim[k];
        t.stride[k] = count;
        count *= dim[k];
    }
    double *data = malloc((size_t)count * sizeof *data);
    assert_non_null(data);
    assert_true(c->n_owned < 64);
    c->owned[c->n_owned++] = data;
    for (int64_t i = 0; i < count; i++)
        data[i] = test_normal(&c->seed);
    t.data = data;
    return dmx_graph_tensor(c->graph, t);
}

const double *graph_case_data(const dmx_tensor *t)
{
    return t->data;
}

void graph_case_run(graph_case *c, dmx_value y)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_graph_output(c->graph, y);
    assert_ok(dmx_graph_status(c->graph, &err), &err);
    const dmx_shape shape = dmx_graph_shape(c->graph, c->graph->output);
    c->n_out = dmx_shape_count(&shape);
    c->out = malloc((size_t)c->n_out * sizeof *c->out);
    assert_non_null(c->out);
    assert_ok(dmx_reference_run(c->out, c->graph, c->mix, NULL, &err), &err);
}

void graph_case_check(graph_case *c, const double *expected, int64_t count)
{
    double peak = 1.0;
    assert_int_equal(c->n_out, count);
    for (int64_t i = 0; i < count; i++)
        peak = fmax(peak, fabs(expected[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(c->out[i] - expected[i]) <= 1e-12 * peak))
            fail_msg("seed state %llu: element %lld is %.17g, not %.17g",
                     (unsigned long long)c->seed, (long long)i, c->out[i],
                     expected[i]);
}
