/* Attention in 8 bits: its results without what all values share. */
#include "random_tensor.h"
#include "runtimes.h"
#include "test_support.h"

#include "graph/builders.h"
#include "onnx/int8.h"
#include "onnx/onnx_export.h"
#include "reference/reference.h"
#include "runtime/runtime.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 64, HEADS = 4, FRAMES = 96 };

typedef struct attention {
    float in[WIDTH * 3 * WIDTH], in_bias[3 * WIDTH];
    float out[WIDTH * WIDTH], out_bias[WIDTH], scale[WIDTH];
    float mix[WIDTH * FRAMES], got[WIDTH * FRAMES];
    double x[WIDTH * FRAMES], expected[WIDTH * FRAMES];
    bool with_scale, with_bias;
} attention;

static const dmx_tensor *vector_of(const attention *a, dmx_graph *g,
                                   const char *name, const float *data)
{
    return a->with_bias
               ? dmx_graph_tensor(g, float_tensor(name, data, 1, WIDTH, 1))
               : NULL;
}

static dmx_value projection(const attention *a, dmx_graph *g, dmx_value x,
                            const char *name, int part)
{
    const float *w = a->in + part * WIDTH * WIDTH;
    return dmx_graph_linear(
        g, name, x, dmx_graph_tensor(g, float_tensor(name, w, 2, WIDTH, WIDTH)),
        vector_of(a, g, "bias", a->in_bias + part * WIDTH));
}

static dmx_graph *attention_graph(const attention *a)
{
    dmx_graph *g = dmx_graph_open();
    const dmx_value x =
        dmx_graph_tokens(g, "tokens", dmx_graph_input(g, WIDTH, FRAMES));
    const dmx_value q = projection(a, g, x, "q", 0);
    const dmx_value k = projection(a, g, x, "k", 1);
    const dmx_value v = projection(a, g, x, "v", 2);
    dmx_value y = dmx_graph_attention(g, "attention", q, k, v, HEADS);
    y = dmx_graph_linear(
        g, "out", y,
        dmx_graph_tensor(g, float_tensor("out", a->out, 2, WIDTH, WIDTH)),
        vector_of(a, g, "out_bias", a->out_bias));
    if (a->with_scale)
        y = dmx_graph_scale(
            g, "scale", y,
            dmx_graph_tensor(g, float_tensor("scale", a->scale, 1, WIDTH, 1)));
    y = dmx_graph_untokens(g, "back", y, 1);
    dmx_graph_output(g, dmx_graph_reshape(g, "result", y,
                                          (dmx_shape){3, {WIDTH, 1, FRAMES}}));
    return g;
}

/* Decibels of the result with these layers in 8 bits. */
static double attention_snr(attention *a, dmx_runtime *runtime, unsigned int8)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_blob blob;
    dmx_graph *g = attention_graph(a);
    const dmx_onnx_options options = {.precision = DMX_PRECISION_INT8,
                                      .int8 = int8};
    assert_ok(dmx_graph_status(g, &err), &err);
    assert_ok(dmx_reference_run(a->expected, g, a->x, NULL, &err), &err);
    assert_ok(dmx_onnx_pack(&blob, g, NULL, &options, &err), &err);
    const int64_t dim[] = {1, WIDTH, FRAMES};
    test_run_onnx(a->got, WIDTH * FRAMES, runtime, blob.data, blob.size, a->mix,
                  dim);
    double signal = 0, noise = 0;
    for (int i = 0; i < WIDTH * FRAMES; i++) {
        const double d = (double)a->got[i] - a->expected[i];
        signal += a->expected[i] * a->expected[i];
        noise += d * d;
    }
    dmx_blob_free(&blob);
    dmx_graph_close(g);
    return 10 * log10(signal / noise);
}

static void fill(float *x, int count, double spread, uint64_t *seed)
{
    for (int i = 0; i < count; i++)
        x[i] = (float)(spread * test_normal(seed));
}

static attention *open_attention(bool with_scale, bool with_bias)
{
    attention *a = calloc(1, sizeof *a);
    uint64_t seed = 5;
    assert_non_null(a);
    a->with_scale = with_scale;
    a->with_bias = with_bias;
    fill(a->in, WIDTH * 3 * WIDTH, 0.125, &seed);
    fill(a->out, WIDTH * WIDTH, 0.125, &seed);
    fill(a->in_bias, 3 * WIDTH, 1, &seed);
    fill(a->out_bias, WIDTH, 1, &seed);
    fill(a->scale, WIDTH, 1, &seed);
    fill(a->mix, WIDTH * FRAMES, 0.5, &seed);
    for (int c = 0; c < WIDTH; c++) {
        const float shared = (float)test_normal(&seed);
        for (int t = 0; t < FRAMES; t++)
            a->mix[c * FRAMES + t] += shared;
    }
    for (int i = 0; i < WIDTH * FRAMES; i++)
        a->x[i] = (double)a->mix[i];
    return a;
}

/* What all values share costs results in 8 bits nothing: they are as near as
 * in float32. */
static void attention_is_without_what_values_share(void **state)
{
    (void)state;
    int runs = 0;
    for (int r = 0; r < TEST_RUNTIMES; r++) {
        dmx_runtime *runtime = test_runtime(r);
        if (runtime == NULL)
            continue;
        for (int i = 0; i < 4; i++, runs++) {
            attention *a = open_attention(i % 2 == 1, i >= 2);
            const double all = attention_snr(a, runtime, DMX_INT8_ALL);
            const double heads = attention_snr(a, runtime, DMX_INT8_HEADS);
            printf("scale %d, biases %d: %.1f dB; results in float32: %.1f\n",
                   i % 2, i / 2, all, heads);
            assert_true(all > heads - 0.5);
            free(a);
        }
        dmx_runtime_close(runtime);
    }
    if (runs == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_is_without_what_values_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
