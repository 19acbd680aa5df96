/* Every recipe, with and without its pattern, against the float64 reference:
 * small graphs of odd shapes, run by ONNX Runtime. */
#include "random_tensor.h"
#include "runtimes.h"
#include "test_support.h"

#include "onnx/onnx_export.h"
#include "graph/builders.h"
#include "reference/reference.h"
#include "runtime/runtime.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static dmx_runtime *runtime; /* NULL: none is installed */
static dmx_arena tensors;
static uint64_t seed;

#define WEIGHT(...)                                                            \
    random_tensor(&tensors, &seed, "w", 0.0, 0.4,                              \
                  sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),          \
                  (const int64_t[]){__VA_ARGS__})
#define VECTOR(n)                                                              \
    random_tensor(&tensors, &seed, "v", 0.7, 0.3, 1, (const int64_t[]){n})

static dmx_graph *begin(int64_t channels, int64_t samples, dmx_value *x)
{
    seed = 7;
    dmx_graph *g = dmx_graph_open();
    *x = dmx_graph_input(g, channels, samples);
    return g;
}

static float *run_model(const dmx_graph *g, const float *mix, size_t count,
                        bool fp16)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_blob model;
    const dmx_onnx_options options = {
        .precision = fp16 ? DMX_PRECISION_FP16_WEIGHTS : DMX_PRECISION_FP32};
    assert_ok(dmx_onnx_pack(&model, g, NULL, &options, &err), &err);
    const dmx_shape s = dmx_graph_shape(g, g->input);
    const int64_t dim[] = {1, s.dim[0], s.dim[2]};
    float *out = calloc(count, sizeof *out);
    test_run_onnx(out, count, runtime, model.data, model.size, mix, dim);
    dmx_blob_free(&model);
    return out;
}

/* Folds any value into an output (1, S, C, N) and compares. */
static void check_to(dmx_graph *g, dmx_value y, double tolerance)
{
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_graph_status(g, &err), &err);
    dmx_shape s = dmx_graph_shape(g, y), in = dmx_graph_shape(g, g->input);
    if (s.rank == 2) {
        y = dmx_graph_untokens(g, "out", y, 1);
        s = dmx_graph_shape(g, y);
    }
    while (dmx_shape_count(&s) % in.dim[0] != 0) {
        y = dmx_graph_pad(g, "whole", y, 2, 0, 1);
        s = dmx_graph_shape(g, y);
    }
    const int64_t count = dmx_shape_count(&s);
    const dmx_shape flat = {3, {in.dim[0], 1, count / in.dim[0]}};
    dmx_graph_output(g, dmx_graph_reshape(g, "out", y, flat));
    assert_ok(dmx_graph_status(g, &err), &err);
    const size_t n_in = (size_t)dmx_shape_count(&in);
    double *mix = calloc(n_in, sizeof *mix);
    float *mix32 = calloc(n_in, sizeof *mix32);
    for (size_t i = 0; i < n_in; i++)
        mix[i] = mix32[i] = (float)test_normal(&seed);
    double *expected = calloc((size_t)count, sizeof *expected);
    assert_ok(dmx_reference_run(expected, g, mix, NULL, &err), &err);
    for (int fp16 = 0; fp16 < 2; fp16++) {
        float *got = run_model(g, mix32, (size_t)count, fp16 != 0);
        double peak = 0.0, worst = 0.0;
        for (int64_t i = 0; i < count; i++) {
            peak = fmax(peak, fabs(expected[i]));
            worst = fmax(worst, fabs(expected[i] - (double)got[i]));
            assert_true(isfinite(got[i]));
        }
        if (worst > tolerance * peak)
            fail_msg("error %g of peak, seed 7", worst / peak);
        free(got);
    }
    free(expected);
    free(mix);
    free(mix32);
    dmx_graph_close(g);
    dmx_arena_free(&tensors);
}

static void check(dmx_graph *g, dmx_value y)
{
    check_to(g, y, 2e-6);
}

#define NEEDS_RUNTIME                                                          \
    (void)state;                                                               \
    if (runtime == NULL)                                                       \
    skip()

/* ---- Fourier ------------------------------------------------------------- */
static void test_transform_sizes(void **state)
{
    NEEDS_RUNTIME;
    /* powers of two, small, with odd and with prime factors */
    static const int64_t nfft[] = {16, 24, 40, 64, 1000, 1016, 2048, 4096};
    static const int64_t length[] = {37,   101,  59,   1021,
                                     4999, 3001, 9973, 12289};
    for (size_t i = 0; i < sizeof nfft / sizeof nfft[0]; i++) {
        dmx_value x;
        dmx_graph *g = begin(1 + (int64_t)i % 2, length[i], &x);
        check(g, dmx_graph_stft(g, "stft", x, nfft[i], DMX_FRAMES_HYBRID));
        g = begin(1 + (int64_t)i % 3, length[i], &x);
        dmx_value z = dmx_graph_stft(g, "stft", x, nfft[i], DMX_FRAMES_HYBRID);
        check(g, dmx_graph_istft(g, "istft", z, nfft[i], DMX_FRAMES_HYBRID,
                                 dmx_length_fixed(length[i])));
    }
}

/* Shorter than the reflection: zeros first, as the original's pad1d. */
static void test_short_transform(void **state)
{
    NEEDS_RUNTIME;
    for (int64_t length = 1; length < 40; length += 3) {
        dmx_value x;
        dmx_graph *g = begin(2, length, &x);
        check(g, dmx_graph_stft(g, "stft", x, 64, DMX_FRAMES_HYBRID));
    }
}

static void test_standardised_round_trip(void **state)
{
    NEEDS_RUNTIME;
    dmx_value x, mean, std;
    dmx_graph *g = begin(2, 2003, &x);
    const dmx_value z = dmx_graph_stft(g, "stft", x, 128, DMX_FRAMES_HYBRID);
    dmx_graph_statistics(g, "statistics", z, &mean, &std);
    dmx_value y = dmx_graph_standardize(g, "s", z, mean, std, 1e-5);
    y = dmx_graph_activation(g, "gelu", DMX_OP_GELU, y);
    y = dmx_graph_unstandardize(g, "u", y, mean, std);
    check(g, dmx_graph_istft(g, "istft", y, 128, DMX_FRAMES_HYBRID,
                             dmx_length_fixed(2003)));
}

/* ---- statistics of any length ------------------------------------------- */
static void test_long_statistics(void **state)
{
    NEEDS_RUNTIME;
    /* composite, prime, twice a prime, a prime's square */
    static const int64_t length[] = {343980, 100003, 2 * 50021, 317 * 317, 2};
    for (size_t i = 0; i < sizeof length / sizeof length[0]; i++) {
        dmx_value x, mean, std;
        dmx_graph *g = begin(1 + (int64_t)i % 2, length[i], &x);
        x = dmx_graph_bias(g, "offset", x, VECTOR(1 + (int64_t)i % 2), 5.0);
        dmx_graph_statistics(g, "statistics", x, &mean, &std);
        check(g, dmx_graph_standardize(g, "s", x, mean, std, 1e-5));
    }
}

/* ---- convolutions -------------------------------------------------------- */
/* [channels][rows][frames] out of the input. */
static dmx_graph *begin_rows(int64_t c, int64_t f, int64_t t, dmx_value *x)
{
    dmx_graph *g = begin(c, f * t, x);
    const dmx_shape shape = {3, {c, f, t}};
    *x = dmx_graph_reshape(g, "rows", *x, shape);
    return g;
}

static void test_conv_glu(void **state)
{
    NEEDS_RUNTIME;
    dmx_value x;
    dmx_graph *g = begin_rows(3, 8, 17, &x);
    const dmx_conv_geometry around = {.padding = {{1, 1}, {2, 0}},
                                      .dilation = {1, 2}};
    x = dmx_graph_pad(g, "pad", x, 2, 0, 3);
    x = dmx_graph_conv(g, "conv", x, WEIGHT(10, 3, 3, 2), VECTOR(10), around);
    check(g, dmx_graph_activation(g, "glu", DMX_OP_GLU, x));
    g = begin_rows(4, 1, 31, &x); /* GLU with no convolution before it */
    check(g, dmx_graph_activation(g, "glu", DMX_OP_GLU, x));
    g = begin_rows(2, 5, 7, &x); /* a pad that nothing absorbs */
    x = dmx_graph_pad(g, "pad", x, 1, 2, 1);
    check(g, dmx_graph_conv(g, "conv", x, WEIGHT(4, 2, 1), NULL,
                            (dmx_conv_geometry){.stride = {1, 1}}));
}

static void transposed(int64_t kernel, int64_t stride, bool time)
{
    dmx_value x;
    dmx_graph *g = begin_rows(3, 5, 6, &x);
    dmx_conv_geometry geometry = {.stride = {1, 1}};
    geometry.stride[time ? 1 : 0] = stride;
    const dmx_tensor *w =
        time ? WEIGHT(3, 2, 1, kernel) : WEIGHT(3, 2, kernel, 1);
    x = dmx_graph_conv_transpose(g, "tr", x, w, VECTOR(2), geometry);
    const int axis = time ? 2 : 1;
    const int64_t length = dmx_graph_shape(g, x).dim[axis];
    x = dmx_graph_crop(g, "crop", x, axis, 1, length - 3);
    x = dmx_graph_activation(g, "gelu", DMX_OP_GELU, x);
    check(g, x);
}

static void test_conv_transpose(void **state)
{
    NEEDS_RUNTIME;
    static const int64_t form[][2] = {{8, 4}, {12, 4}, {4, 4}, {6, 3},
                                      {7, 3}, {5, 1},  {3, 4}};
    for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
        transposed(form[i][0], form[i][1], false);
        transposed(form[i][0], form[i][1], true);
    }
}

/* ---- norms --------------------------------------------------------------- */
static void test_group_norms(void **state)
{
    NEEDS_RUNTIME;
    static const int64_t groups[] = {1, 2, 3, 6};
    for (int i = 0; i < 8; i++) {
        dmx_value x;
        dmx_graph *g = begin_rows(6, 4, 9, &x);
        check(g, dmx_graph_group_norm(g, "norm", x, VECTOR(6), VECTOR(6),
                                      groups[i % 4], i >= 4, 1e-5));
        g = begin_rows(6, 4, 9, &x);
        x = dmx_graph_tokens(g, "tokens", x);
        x = dmx_graph_group_norm(g, "norm", x, VECTOR(6), VECTOR(6),
                                 groups[i % 4], false, 1e-5);
        check(g, dmx_graph_untokens(g, "untokens", x, 4));
    }
}

/* conv 1x1 -> norm -> GLU [-> scale], wide enough to fold and not. */
static void test_folded_norm(void **state)
{
    NEEDS_RUNTIME;
    static const int64_t hidden[] = {1, 2, 6, 12, 40};
    for (int i = 0; i < 10; i++) {
        dmx_value x;
        const int64_t h = hidden[i % 5], rows = i < 5 ? 1 : 7;
        dmx_graph *g = begin_rows(h, rows, rows == 1 ? 5003 : 11, &x);
        dmx_value y = dmx_graph_bias(g, "off", x, VECTOR(h), 3.0);
        y = dmx_graph_conv(g, "conv", y, WEIGHT(16, h, 1),
                           i % 3 == 0 ? NULL : VECTOR(16),
                           (dmx_conv_geometry){.stride = {1, 1}});
        y = dmx_graph_group_norm(g, "norm", y, VECTOR(16), VECTOR(16), 1, true,
                                 1e-5);
        y = dmx_graph_activation(g, "glu", DMX_OP_GLU, y);
        if (i % 2 == 0)
            y = dmx_graph_scale(g, "scale", y, VECTOR(8));
        y = dmx_graph_conv(g, "back", y, WEIGHT(h, 8, 1), NULL,
                           (dmx_conv_geometry){.stride = {1, 1}});
        check_to(g, dmx_graph_add(g, "sum", x, y, 1.0), 4e-6);
    }
}

/* Weights without energy: the Gram matrix does not have full rank. */
static void test_folded_norm_of_silence(void **state)
{
    NEEDS_RUNTIME;
    dmx_value x;
    dmx_graph *g = begin_rows(3, 2, 50, &x);
    const dmx_tensor *w = WEIGHT(12, 3, 1);
    float *data = (float *)w->data;
    for (int i = 0; i < 12; i++) {
        data[3 * i + 1] = 0.0f;               /* a dead channel */
        data[3 * i + 2] = 2.0f * data[3 * i]; /* a dependent one */
    }
    x = dmx_graph_conv(g, "conv", x, w, VECTOR(12),
                       (dmx_conv_geometry){.stride = {1, 1}});
    x = dmx_graph_group_norm(g, "norm", x, VECTOR(12), VECTOR(12), 1, true,
                             1e-5);
    check_to(g, dmx_graph_activation(g, "glu", DMX_OP_GLU, x), 4e-6);
}

/* ---- tokens -------------------------------------------------------------- */
static dmx_value project(dmx_graph *g, dmx_value x, int64_t in, int64_t out)
{
    return dmx_graph_linear(g, "linear", x, WEIGHT(out, in), VECTOR(out));
}

/* heads of any size; q by a linear layer and not; two token orders. */
static void test_attention(void **state)
{
    NEEDS_RUNTIME;
    static const int64_t heads[] = {1, 2, 3, 6, 12};
    for (int i = 0; i < 10; i++) {
        dmx_value x;
        dmx_graph *g = begin_rows(12, 4, 10, &x);
        const dmx_value a = dmx_graph_tokens(g, "a", x);
        const dmx_shape flat = {3, {12, 1, 40}};
        const dmx_value b =
            dmx_graph_tokens(g, "b", dmx_graph_reshape(g, "flat", x, flat));
        const dmx_value q = i < 5 ? project(g, a, 12, 12) : a;
        const dmx_value k = project(g, b, 12, 12);
        /* rows by rows here, frames by frames there: put in one order */
        const dmx_value v = i % 2 == 0 ? project(g, b, 12, 12) : b;
        dmx_value y =
            dmx_graph_attention(g, "attention", q, k, v, heads[i % 5]);
        y = dmx_graph_scale(g, "gamma", project(g, y, 12, 12), VECTOR(12));
        y = dmx_graph_add(g, "sum", a, y, 1.0);
        check_to(g, dmx_graph_untokens(g, "untokens", y, 4), 4e-6);
    }
}

/* Whole blocks of channels: linear layers on tokens in channels-first order,
 * next to others that are not. Lengths with rows of their own, cut into rows,
 * short and prime. */
static void test_linear_layers(void **state)
{
    NEEDS_RUNTIME;
    static const int64_t shape[][2] = {{5, 9}, {1, 768}, {1, 31}, {1, 509}};
    for (int i = 0; i < 16; i++) {
        dmx_value x;
        const int64_t d = i % 2 == 0 ? 32 : 20, f = shape[i / 4][0];
        dmx_graph *g = begin_rows(d, f, shape[i / 4][1], &x);
        const dmx_value a = dmx_graph_tokens(g, "a", x);
        dmx_value y =
            dmx_graph_layer_norm(g, "norm", a, VECTOR(d), VECTOR(d), 1e-5);
        y = project(g, y, d, 48);
        y = dmx_graph_activation(g, "act",
                                 i % 4 < 2 ? DMX_OP_GELU : DMX_OP_RELU, y);
        y = dmx_graph_linear(g, "linear", y, WEIGHT(d, 48),
                             i % 3 == 0 ? NULL : VECTOR(d));
        if (i % 4 != 3)
            y = dmx_graph_scale(g, "gamma", y, VECTOR(d));
        y = dmx_graph_add(g, "sum", a, y, 1.0);
        y = dmx_graph_group_norm(g, "out", y, VECTOR(d), VECTOR(d),
                                 i % 4 == 1 ? 4 : 1, false, 1e-5);
        check_to(g, dmx_graph_untokens(g, "untokens", y, f), 4e-6);
    }
}

/* Projections channels first: keys need no transposition when the orders
 * agree. */
static void test_attention_of_blocks(void **state)
{
    NEEDS_RUNTIME;
    for (int i = 0; i < 6; i++) {
        dmx_value x;
        dmx_graph *g = begin_rows(32, 4, 10, &x);
        const dmx_value a = dmx_graph_tokens(g, "a", x);
        const dmx_shape flat = {3, {32, 1, 40}};
        const dmx_value b =
            dmx_graph_tokens(g, "b", dmx_graph_reshape(g, "flat", x, flat));
        const dmx_value q = i % 2 == 0 ? project(g, a, 32, 32) : a;
        const dmx_value k = project(g, i < 3 ? a : b, 32, 32);
        const dmx_value v = project(g, i % 3 == 0 ? a : b, 32, 32);
        dmx_value y = dmx_graph_attention(g, "attention", q, k, v, 4);
        y = dmx_graph_scale(g, "gamma", project(g, y, 32, 32), VECTOR(32));
        y = dmx_graph_add(g, "sum", a, y, 1.0);
        check_to(g, dmx_graph_untokens(g, "untokens", y, 4), 4e-6);
    }
}

/* Scores that are divided by heads, by queries, by both, and evenly not. */
static void test_attention_in_pieces(void **state)
{
    NEEDS_RUNTIME;
    static const int64_t form[][3] = {/* heads, queries, keys */
                                      {6, 1100, 1009},
                                      {4, 500, 2200},
                                      {2, 2003, 2203},
                                      {1, 1601, 3001},
                                      {64, 300, 301}};
    for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
        dmx_value x;
        const int64_t h = form[i][0], d = 2 * h;
        const int64_t most = form[i][1] > form[i][2] ? form[i][1] : form[i][2];
        dmx_graph *g = begin_rows(d, 1, most, &x);
        const dmx_value b = dmx_graph_tokens(
            g, "b", dmx_graph_crop(g, "keys", x, 2, 0, form[i][2]));
        const dmx_value a = dmx_graph_tokens(
            g, "a", dmx_graph_crop(g, "queries", x, 2, 0, form[i][1]));
        const dmx_value y = dmx_graph_attention(g, "attention", a, b, b, h);
        check_to(g, dmx_graph_untokens(g, "untokens", y, 1), 4e-6);
    }
}

/* Above a million elements, squares are a node of their own. */
static void test_large_norms(void **state)
{
    NEEDS_RUNTIME;
    dmx_value x;
    dmx_graph *g = begin_rows(6, 500, 340, &x);
    dmx_value y =
        dmx_graph_group_norm(g, "norm", x, VECTOR(6), VECTOR(6), 1, true, 1e-5);
    check(g, y);
    g = begin_rows(6, 500, 340, &x);
    y = dmx_graph_conv(g, "conv", x, WEIGHT(16, 6, 1), VECTOR(16),
                       (dmx_conv_geometry){.stride = {1, 1}});
    y = dmx_graph_group_norm(g, "norm", y, VECTOR(16), VECTOR(16), 1, true,
                             1e-5);
    check_to(g, dmx_graph_activation(g, "glu", DMX_OP_GLU, y), 4e-6);
    g = begin_rows(64, 1, 16000, &x);
    y = dmx_graph_tokens(g, "tokens", x);
    y = dmx_graph_group_norm(g, "norm", y, VECTOR(64), VECTOR(64), 2, false,
                             1e-5);
    check(g, dmx_graph_untokens(g, "untokens", y, 1));
}

/* Tokens in different orders meet in a sum and in an attention. */
static void test_mixed_orders(void **state)
{
    NEEDS_RUNTIME;
    dmx_value x;
    dmx_graph *g = begin_rows(8, 3, 4, &x);
    const dmx_value by_row = dmx_graph_tokens(g, "a", x);
    const dmx_shape flat = {3, {8, 2, 6}}, line = {3, {8, 1, 12}};
    const dmx_value by_two =
        dmx_graph_tokens(g, "b", dmx_graph_reshape(g, "two", x, flat));
    const dmx_value plain =
        dmx_graph_tokens(g, "c", dmx_graph_reshape(g, "one", x, line));
    dmx_value y = dmx_graph_attention(g, "att", plain, by_row, by_two, 2);
    y = dmx_graph_add(g, "sum", y, by_row, 0.5);
    y = dmx_graph_layer_norm(g, "norm", y, VECTOR(8), VECTOR(8), 1e-5);
    check(g, dmx_graph_untokens(g, "untokens", y, 2));
}

static void test_positions(void **state)
{
    NEEDS_RUNTIME;
    for (int i = 0; i < 3; i++) {
        dmx_value x;
        dmx_graph *g = begin_rows(8, i == 2 ? 1 : 3, 5, &x);
        dmx_value y = dmx_graph_tokens(g, "tokens", x);
        if (i == 0)
            y = dmx_graph_add(g, "add", y,
                              dmx_graph_position_2d(
                                  g, "pos", 3, dmx_length_fixed(5), 8, 10000.0),
                              0.7);
        if (i == 1)
            y = dmx_graph_attention(g, "att", y,
                                    dmx_graph_position_2d(g, "pos", 3,
                                                          dmx_length_fixed(5),
                                                          8, 10000.0),
                                    y, 2);
        if (i == 2)
            y = dmx_graph_add(g, "add", y,
                              dmx_graph_position_1d(g, "pos", DMX_POSITION_CAPE,
                                                    dmx_length_fixed(5), 8,
                                                    5000.0, true),
                              1.0);
        check(g, dmx_graph_untokens(g, "untokens", y, i == 2 ? 1 : 3));
    }
}

/* 1x1 convolutions around tokens, which are those tokens channels first. */
static void test_channel_samplers(void **state)
{
    NEEDS_RUNTIME;
    dmx_value x;
    dmx_graph *g = begin_rows(6, 4, 5, &x);
    const dmx_conv_geometry point = {.stride = {1, 1}};
    x = dmx_graph_conv(g, "up", x, WEIGHT(8, 6, 1), VECTOR(8), point);
    x = dmx_graph_tokens(g, "tokens", x);
    x = dmx_graph_activation(g, "relu", DMX_OP_RELU, x);
    x = dmx_graph_untokens(g, "untokens", x, 4);
    check(g, dmx_graph_conv(g, "down", x, WEIGHT(6, 8, 1), VECTOR(6), point));
}

static void test_freq_embedding(void **state)
{
    NEEDS_RUNTIME;
    dmx_value x;
    dmx_graph *g = begin_rows(3, 4, 5, &x);
    const dmx_value table =
        dmx_graph_freq_embedding(g, "emb", WEIGHT(4, 3), 10.0);
    x = dmx_graph_add(g, "add", x, table, 0.2);
    check(g, dmx_graph_concat(g, "cat", (const dmx_value[]){x, x}, 2, 1));
}

static int open_runtime(void **state)
{
    dmx_error err = DMX_ERROR_INIT;
    (void)state;
    if (dmx_runtime_open(&runtime, NULL, &err) != DMX_OK)
        runtime = NULL;
    return 0;
}

static int close_runtime(void **state)
{
    (void)state;
    dmx_runtime_close(runtime);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transform_sizes),
        cmocka_unit_test(test_short_transform),
        cmocka_unit_test(test_standardised_round_trip),
        cmocka_unit_test(test_long_statistics),
        cmocka_unit_test(test_conv_glu),
        cmocka_unit_test(test_conv_transpose),
        cmocka_unit_test(test_group_norms),
        cmocka_unit_test(test_folded_norm),
        cmocka_unit_test(test_folded_norm_of_silence),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_linear_layers),
        cmocka_unit_test(test_attention_of_blocks),
        cmocka_unit_test(test_attention_in_pieces),
        cmocka_unit_test(test_large_norms),
        cmocka_unit_test(test_mixed_orders),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_channel_samplers),
        cmocka_unit_test(test_freq_embedding),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
