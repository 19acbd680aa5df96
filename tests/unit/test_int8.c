/* Weights in 8 bits: their bounds and errors, and that no ONNX Runtime can
 * saturate on them: exact integer arithmetic against what it computes, with
 * activations of 255 and the largest weights.
 *
 *   test_int8 [saturates]
 *
 * "saturates": this processor has no VNNI (or is emulated without), so that
 * weights without our bound must come out wrong; else nothing would be shown.
 */
#include "random_tensor.h"
#include "runtimes.h"
#include "test_support.h"

#include "graph/builders.h"
#include "onnx/int8.h"
#include "onnx/onnx_export.h"
#include "runtime/runtime.h"

#include <onnx.pb-c.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool saturates;

/* ---- weights ------------------------------------------------------------- */
/* vpmaddubsw: two products of a byte and a signed byte, added in 16 bits. */
static int add_in_16_bits(int a0, int w0, int a1, int w1)
{
    const int sum = a0 * w0 + a1 * w1;
    return sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum;
}

static void check_pairs(const int8_t *q, int64_t count)
{
    static const int a[] = {0, 1, 128, 254, 255};
    for (int64_t i = 0; i < count; i++)
        assert_in_range(q[i] + 127, 0, 254);
    for (int64_t i = 0; i + 1 < count; i += 2)
        for (int k = 0; k < 25; k++)
            assert_int_equal(add_in_16_bits(a[k / 5], q[i], a[k % 5], q[i + 1]),
                             a[k / 5] * q[i] + a[k % 5] * q[i + 1]);
}

static double error_of(const int8_t *q, const float *w, int64_t count,
                       double step)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        const double d = (double)w[i] - q[i] * step;
        sum += d * d;
    }
    return sum;
}

/* With 7 bits for every weight, which needs no check of pairs: the error for
 * these weights, and its bound. */
static double error_of_7_bits(double *most, const float *w, int64_t count)
{
    double largest = 0, sum = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)w[i]));
    const double step = largest / 64;
    for (int64_t i = 0; i < count && step > 0; i++) {
        const double d = (double)w[i] - rint((double)w[i] / step) * step;
        sum += d * d;
    }
    *most = (double)count * step * step / 4;
    return sum;
}

enum { MOST = 2048 };

static void random_weights(float *w, int64_t count, int kind, uint64_t *seed)
{
    const double scale = pow(10, (double)(test_random(seed) % 60) - 30);
    for (int64_t i = 0; i < count; i++) {
        const double x = test_normal(seed);
        w[i] = (float)(scale * (kind == 0   ? x
                                : kind == 1 ? (x < 0 ? -1 : 1)
                                : kind == 2 ? fabs(x)
                                            : x * x * x));
    }
}

static void pairs_never_saturate(void **state)
{
    (void)state;
    static float w[MOST];
    static int8_t q[MOST];
    uint64_t seed = 3;
    double gain = 0, least = INFINITY;
    int n = 0;
    for (int i = 0; i < 2000; i++) {
        const int64_t count = 1 + (int64_t)(test_random(&seed) % MOST);
        random_weights(w, count, i % 4, &seed);
        const double step = dmx_int8_quantise(q, w, count);
        check_pairs(q, count);
        double most;
        const double e = error_of(q, w, count, step);
        const double e7 = error_of_7_bits(&most, w, count);
        assert_true(e <= most * (1 + 1e-6));
        if (i % 4 == 0 && count > 256) {
            const double better = 10 * log10(e7 / e);
            least = fmin(least, better);
            gain += better;
            n++;
        }
    }
    printf("normal weights: %.1f dB less noise than with 7 bits, at least "
           "%.1f\n",
           gain / n, least);
    assert_true(gain / n > 3 && least > 0);
}

static void odd_weights_are_harmless(void **state)
{
    (void)state;
    int8_t q[4];
    const float zero[4] = {0}, one[1] = {-3};
    assert_true(dmx_int8_quantise(q, zero, 4) == 0);
    assert_true(q[0] == 0 && q[3] == 0);
    assert_true(fabs(dmx_int8_quantise(q, one, 1) * q[0] + 3) < 1e-6);
    const float tiny[2] = {FLT_TRUE_MIN, -FLT_TRUE_MIN};
    dmx_int8_quantise(q, tiny, 2);
    assert_true(q[0] == 127 && q[1] == -127);
    const float huge[3] = {FLT_MAX, FLT_MAX, -FLT_MAX};
    const double step = dmx_int8_quantise(q, huge, 3);
    assert_true(isfinite(step) && q[0] == 64 && q[1] == 64);
    const float broken[4] = {INFINITY, NAN, 1, -INFINITY};
    dmx_int8_quantise(q, broken, 4);
    assert_true(q[0] == 0 && q[1] == 0 && q[2] == 127 && q[3] == 0);
}

/* ---- a layer in ONNX Runtime --------------------------------------------- */
enum { IN = 512, OUT = 48, TOKENS = 64 };

typedef struct layer {
    float weight[OUT * IN], bias[OUT], mix[IN * TOKENS], out[OUT * TOKENS];
    Onnx__ModelProto *model;
    const int8_t *q;    /* [IN][OUT] */
    const float *scale; /* [OUT] */
} layer;

static const void *initializer(const layer *l, int type, size_t bytes)
{
    const Onnx__GraphProto *g = l->model->graph;
    for (size_t i = 0; i < g->n_initializer; i++)
        if (g->initializer[i]->data_type == type &&
            g->initializer[i]->raw_data.len == bytes &&
            strcmp(g->initializer[i]->name, "bias") != 0)
            return g->initializer[i]->raw_data.data;
    fail_msg("no initializer of type %d and %zu bytes", type, bytes);
    return NULL;
}

static void write_layer(layer *l)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_blob blob;
    dmx_graph *g = dmx_graph_open();
    const dmx_tensor *w =
        dmx_graph_tensor(g, float_tensor("weight", l->weight, 2, OUT, IN));
    const dmx_tensor *b =
        dmx_graph_tensor(g, float_tensor("bias", l->bias, 1, OUT, 1));
    dmx_value x = dmx_graph_input(g, IN, TOKENS);
    x = dmx_graph_tokens(g, "tokens", x);
    x = dmx_graph_linear(g, "linear", x, w, b);
    x = dmx_graph_untokens(g, "back", x, 1);
    dmx_graph_output(
        g, dmx_graph_reshape(g, "out", x,
                             (dmx_shape){3, {IN, 1, OUT * TOKENS / IN}}));
    const dmx_onnx_options options = {.precision = DMX_PRECISION_INT8};
    assert_ok(dmx_graph_status(g, &err), &err);
    assert_ok(dmx_onnx_pack(&blob, g, NULL, &options, &err), &err);
    l->model = onnx__model_proto__unpack(NULL, blob.size, blob.data);
    assert_non_null(l->model);
    l->q = initializer(l, ONNX__TENSOR_PROTO__DATA_TYPE__INT8, OUT * IN);
    l->scale = initializer(l, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
                           OUT * sizeof(float));
    dmx_blob_free(&blob);
    dmx_graph_close(g);
}

static void run_layer(layer *l, dmx_runtime *runtime)
{
    const size_t size = onnx__model_proto__get_packed_size(l->model);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    onnx__model_proto__pack(l->model, bytes);
    const int64_t dim[] = {1, IN, TOKENS};
    test_run_onnx(l->out, OUT * TOKENS, runtime, bytes, size, l->mix, dim);
    free(bytes);
}

typedef int adder(int a0, int w0, int a1, int w1);

static int add_exactly(int a0, int w0, int a1, int w1)
{
    return a0 * w0 + a1 * w1;
}

/* DynamicQuantizeLinear of the mix: bytes, scale and zero point. */
static float bytes_of(uint8_t *a, int *zero, const float *x, size_t count)
{
    float low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    const float scale = (high - low) / 255;
    *zero = (int)rintf(-low / scale);
    for (size_t i = 0; i < count; i++) {
        const float v = rintf(x[i] / scale) + (float)*zero;
        a[i] = (uint8_t)fminf(fmaxf(v, 0), 255);
    }
    return scale;
}

/* The largest difference from integer arithmetic, relative to the largest
 * value. */
static double distance(const layer *l, adder *add)
{
    static uint8_t a[IN * TOKENS];
    int zero;
    double most = 0, peak = 0;
    const double scale = (double)bytes_of(a, &zero, l->mix, IN * TOKENS);
    for (int o = 0; o < OUT; o++)
        for (int t = 0; t < TOKENS; t++) {
            int64_t sum = 0;
            for (int i = 0; i < IN; i += 2) {
                const int w0 = l->q[i * OUT + o], w1 = l->q[(i + 1) * OUT + o];
                sum += add(a[i * TOKENS + t], w0, a[(i + 1) * TOKENS + t], w1) -
                       zero * (w0 + w1);
            }
            const double y =
                (double)sum * scale * (double)l->scale[o] + (double)l->bias[o];
            peak = fmax(peak, fabs(y));
            most = fmax(most, fabs(y - (double)l->out[o * TOKENS + t]));
        }
    return most / peak;
}

static layer *open_layer(int weights, int activations)
{
    layer *l = calloc(1, sizeof *l);
    uint64_t seed = 11;
    assert_non_null(l);
    for (int i = 0; i < OUT * IN; i++) {
        const double x = test_normal(&seed);
        l->weight[i] = (float)(weights == 0            ? x
                               : x < 0 && weights == 2 ? -1
                                                       : 1);
    }
    for (int i = 0; i < OUT; i++)
        l->bias[i] = (float)test_normal(&seed);
    for (int i = 0; i < IN * TOKENS; i++) {
        const double x = test_normal(&seed);
        l->mix[i] = (float)(activations == 0   ? x
                            : activations == 1 ? 1
                                               : x < 0);
    }
    write_layer(l);
    return l;
}

static void close_layer(layer *l)
{
    onnx__model_proto__free_unpacked(l->model, NULL);
    free(l);
}

/* Weights: normal, all 1, 1 and -1; activations: normal, all 1, 0 and 1. */
static void layers_are_exact(void **state)
{
    (void)state;
    int runs = 0;
    for (int r = 0; r < TEST_RUNTIMES; r++) {
        dmx_runtime *runtime = test_runtime(r);
        if (runtime == NULL)
            continue;
        for (int i = 0; i < 9; i++, runs++) {
            layer *l = open_layer(i / 3, i % 3);
            run_layer(l, runtime);
            assert_true(distance(l, add_exactly) < 1e-5);
            close_layer(l);
        }
        dmx_runtime_close(runtime);
    }
    if (runs == 0)
        skip();
}

/* All weights 127: wrong where pairs saturate. */
static void without_the_bound_pairs_do_saturate(void **state)
{
    (void)state;
    dmx_runtime *runtime;
    if (dmx_runtime_open(&runtime, NULL, NULL) != DMX_OK)
        skip();
    layer *l = open_layer(1, 1);
    memset((void *)l->q, 127, OUT * IN);
    run_layer(l, runtime);
    const bool exact = distance(l, add_exactly) < 1e-5;
    const bool wrong = distance(l, add_in_16_bits) < 1e-5;
    printf("weights of 127, activations of 255: %s\n",
           exact ? "exact" : "saturated");
    assert_true(saturates ? wrong && !exact : exact != wrong);
    close_layer(l);
    dmx_runtime_close(runtime);
}

int main(int argc, char **argv)
{
    saturates = argc > 1 && strcmp(argv[1], "saturates") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_never_saturate),
        cmocka_unit_test(odd_weights_are_harmless),
        cmocka_unit_test(layers_are_exact),
        cmocka_unit_test(without_the_bound_pairs_do_saturate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
