/* What the planner fuses, and what it must not: small graphs of odd shapes on
 * every instruction set, fused, unfused and with half weights, against the
 * float64 reference. The profile shows what was fused. */
#include "engine_case.h"
#include "random_tensor.h"
#include "test_support.h"

#include "engine/engine.h"
#include "graph/builders.h"
#include "engine/kernels/kernels.h"
#include "reference/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dmx_arena tensors;
static uint64_t seed;

#define WEIGHT(...)                                                            \
    random_tensor(&tensors, &seed, "w", 0.0, 0.3,                              \
                  sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),          \
                  (const int64_t[]){__VA_ARGS__})
#define VECTOR(n)                                                              \
    random_tensor(&tensors, &seed, "v", 0.6, 0.3, 1, (const int64_t[]){n})

/* tokens [L][channels] of a new graph */
static dmx_graph *begin(int64_t channels, int64_t length, dmx_value *x)
{
    seed = 11;
    dmx_graph *g = dmx_graph_open();
    assert_non_null(g);
    *x = dmx_graph_tokens(g, "tokens", dmx_graph_input(g, channels, length));
    return g;
}

static void end(dmx_graph *g, dmx_value y)
{
    dmx_error err = DMX_ERROR_INIT;
    const int64_t channels = dmx_graph_shape(g, g->input).dim[0];
    dmx_value out = dmx_graph_untokens(g, "out", y, 1);
    dmx_shape s = dmx_graph_shape(g, out);
    while (dmx_shape_count(&s) % channels != 0) {
        out = dmx_graph_pad(g, "whole", out, 2, 0, 1);
        s = dmx_graph_shape(g, out);
    }
    const dmx_shape flat = {3, {channels, 1, dmx_shape_count(&s) / channels}};
    dmx_graph_output(g, dmx_graph_reshape(g, "out", out, flat));
    assert_ok(dmx_graph_status(g, &err), &err);
}

/* `kind` must appear `expected` times in the profile of a fused engine; with
 * half weights too, unless it needs transformed ones. */
static void check_to(dmx_graph *g, dmx_value y, double growth, double tolerance,
                     const char *kind, int expected)
{
    end(g, y);
    engine_case s = engine_case_make(g, growth, &seed);
    const bool stays = strcmp(kind, "two taps") != 0;
    for (int i = 0; dmx_kernels_name(i) != NULL; i++)
        for (int way = 0; way < 4; way++) {
            dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
            options.isa = dmx_kernels_name(i);
            options.threads = way == 3 ? 3 : 1;
            options.unfused = way == 1;
            options.low_memory = way == 2;
            const double error = engine_case_error(
                g, &s, &options, kind,
                options.low_memory != 0 && !stays ? ANY_STEPS : expected);
            if (!(error < tolerance))
                fail_msg("%s, way %d: error %g of peak", options.isa, way,
                         error);
        }
    engine_case_free(&s);
    dmx_graph_close(g);
    dmx_arena_free(&tensors);
}

static void check(dmx_graph *g, dmx_value y, const char *kind, int expected)
{
    check_to(g, y, 0.0, 3e-6, kind, expected);
}

static dmx_value linear(dmx_graph *g, dmx_value x, int64_t out, int64_t in)
{
    return dmx_graph_linear(g, "map", x, WEIGHT(out, in), VECTOR(out));
}

/* norm, linear, gelu, linear, scale, add: with channels that fill no tile, and
 * with several stretches of hidden channels. */
static void test_pair(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {
        {8, 17, 5}, {13, 130, 50}, {32, 300, 97}, {48, 520, 7}, {5, 3, 200}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const int64_t d = sizes[i][0], hidden = sizes[i][1];
        dmx_value x;
        dmx_graph *g = begin(d, sizes[i][2], &x);
        dmx_value y =
            dmx_graph_layer_norm(g, "norm", x, VECTOR(d), VECTOR(d), 1e-5);
        y = dmx_graph_activation(g, "gelu", DMX_OP_GELU,
                                 linear(g, y, hidden, d));
        y = dmx_graph_scale(g, "scale", linear(g, y, d, hidden), VECTOR(d));
        check(g, dmx_graph_add(g, "add", x, y, 1.0), "linear pair", 1);
    }
}

/* Without norm, activation or anything after. */
static void test_plain_pair(void **state)
{
    (void)state;
    dmx_value x;
    dmx_graph *g = begin(20, 60, &x);
    check(g, linear(g, linear(g, x, 150, 20), 33, 150), "linear pair", 1);
}

/* A hidden value that another node needs remains a step's result. */
static void test_shared_hidden(void **state)
{
    (void)state;
    dmx_value x;
    dmx_graph *g = begin(20, 60, &x);
    const dmx_value h = linear(g, x, 20, 20);
    const dmx_value y = linear(g, h, 20, 20);
    check(g, dmx_graph_add(g, "add", h, y, 1.0), "linear pair", 0);
}

static dmx_value attend(dmx_graph *g, dmx_value x, int64_t d, int64_t heads)
{
    const dmx_value q = linear(g, x, d, d), k = linear(g, x, d, d);
    return dmx_graph_attention(g, "attention", q, k, linear(g, x, d, d), heads);
}

/* Three linear maps of one input are one step. */
static void test_siblings(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{8, 2, 5}, {40, 4, 190}, {66, 6, 99}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const int64_t d = sizes[i][0];
        dmx_value x;
        dmx_graph *g = begin(d, sizes[i][2], &x);
        const dmx_value y =
            dmx_graph_layer_norm(g, "norm", x, VECTOR(d), VECTOR(d), 1e-5);
        check(g, attend(g, y, d, sizes[i][1]), "linear", 1);
    }
}

/* More than a step's number of outputs. */
static void test_five_siblings(void **state)
{
    (void)state;
    dmx_value x;
    dmx_graph *g = begin(16, 70, &x);
    dmx_value sum = linear(g, x, 16, 16);
    for (int i = 0; i < 4; i++)
        sum = dmx_graph_add(g, "sum", linear(g, x, 16, 16), sum, 1.0);
    check(g, sum, "linear pair", 0);
}

/* Scores that grow from block to block of keys: the running maximum must
 * follow, whatever the first block said. A score of 100 has an error of 1e-5
 * in float32, and so does its exponential. */
static void test_growing_scores(void **state)
{
    (void)state;
    static const double growth[] = {0.0, 1.0, 1.5, 2.0};
    static const double tolerance[] = {3e-6, 3e-6, 1e-5, 3e-5};
    for (size_t i = 0; i < sizeof growth / sizeof growth[0]; i++) {
        dmx_value x;
        dmx_graph *g = begin(24, 500, &x);
        const dmx_value y = dmx_graph_attention(g, "attend", x, x, x, 3);
        check_to(g, y, growth[i], tolerance[i], "attention", 1);
    }
}

/* The same for every instruction set on one and three threads, where the number
 * of steps depends on its tiles. */
static void check_each(dmx_graph *g, dmx_value y, const char *kind,
                       int (*expected)(const dmx_kernels *, int64_t),
                       int64_t width)
{
    end(g, y);
    engine_case s = engine_case_make(g, 0.0, &seed);
    for (int n = 0; dmx_kernels_name(n) != NULL; n++)
        for (int threads = 1; threads <= 3; threads += 2) {
            dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
            options.isa = dmx_kernels_name(n);
            options.threads = threads;
            const dmx_kernels *k = dmx_kernels_find(options.isa);
            const double error =
                engine_case_error(g, &s, &options, kind, expected(k, width));
            if (!(error < 3e-6))
                fail_msg("%s, %d threads: error %g of peak", options.isa,
                         threads, error);
        }
    engine_case_free(&s);
    dmx_graph_close(g);
    dmx_arena_free(&tensors);
}

static int sums_of(const dmx_kernels *k, int64_t width)
{
    (void)width;
    return 64 % k->mr == 0 ? 1 : 0;
}

static bool tiles_fit(const dmx_kernels *k, int64_t width)
{
    return width % k->mr == 0 && k->nr % k->mr == 0;
}

static int packs_alone(const dmx_kernels *k, int64_t width)
{
    return tiles_fit(k, width) ? 0 : 2;
}

static int packs_shared(const dmx_kernels *k, int64_t width)
{
    return tiles_fit(k, width) ? 1 : 2;
}

/* Wide pairs by Strassen's method: an odd number of panels, the last one not
 * full; with and without norm and sum. */
static void test_wide_pair(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {
        {128, 256, 530}, {128, 512, 576}, {256, 256, 700}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const int64_t d = sizes[i][0], hidden = sizes[i][1];
        dmx_value x;
        dmx_graph *g = begin(d, sizes[i][2], &x);
        dmx_value y = x;
        if (i > 0)
            y = dmx_graph_layer_norm(g, "norm", x, VECTOR(d), VECTOR(d), 1e-5);
        y = dmx_graph_activation(g, "gelu", DMX_OP_GELU,
                                 linear(g, y, hidden, d));
        y = linear(g, y, d, hidden);
        if (i > 0)
            y = dmx_graph_add(g, "add", x,
                              dmx_graph_scale(g, "scale", y, VECTOR(d)), 1.0);
        check_each(g, y, "linear sums", sums_of, 0);
    }
}

/* Keys and values leave their linear maps packed where the tiles of the
 * instruction set fit the heads, and where no other node needs them. */
static void test_packed_heads(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {
        {8, 2, 5}, {64, 4, 190}, {48, 2, 96}, {128, 2, 97}, {66, 6, 99}};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        const int64_t *size = sizes[i / 2];
        const bool alone = i % 2 == 0;
        dmx_value x;
        dmx_graph *g = begin(size[0], size[2], &x);
        const dmx_value k = linear(g, x, size[0], size[0]);
        const dmx_value v = linear(g, x, size[0], size[0]);
        dmx_value y = dmx_graph_attention(g, "attention", x, k, v, size[1]);
        if (!alone)
            y = dmx_graph_add(g, "add", y, k, 1.0);
        check_each(g, y, "pack", alone ? packs_alone : packs_shared,
                   size[0] / size[1]);
    }
}

/* A signal [channels][rows][cols] of a new graph. */
static dmx_graph *begin_rows(int64_t channels, int64_t rows, int64_t cols,
                             dmx_value *x)
{
    seed = 12;
    return engine_case_graph(x, channels, rows, cols);
}

static dmx_value tokens(dmx_graph *g, dmx_value x)
{
    return dmx_graph_tokens(g, "tokens", x);
}

/* Kernels of twice the step over rows, strided and transposed, with what may
 * follow, at sizes that fill no tile, unit or task. */
static void test_two_taps(void **state)
{
    (void)state;
    static const int64_t sizes[][5] = {{32, 24, 7, 5, 2},
                                       {40, 33, 25, 50, 4},
                                       {33, 70, 12, 97, 3},
                                       {64, 8, 48, 20, 4}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const int64_t in = sizes[i][0], out = sizes[i][1], step = sizes[i][4];
        dmx_value x;
        dmx_graph *g = begin_rows(in, sizes[i][2] * step, sizes[i][3], &x);
        const dmx_conv_geometry strided = {
            .stride = {step, 1},
            .padding = {{step / 2, step - step / 2}, {0, 0}}};
        dmx_value y = dmx_graph_conv(g, "conv", x, WEIGHT(out, in, 2 * step, 1),
                                     VECTOR(out), strided);
        y = dmx_graph_activation(g, "gelu", DMX_OP_GELU, y);
        check(g, tokens(g, y), "two taps", 1);

        g = begin_rows(in, sizes[i][2], sizes[i][3], &x);
        y = dmx_graph_conv_transpose(g, "conv_tr", x,
                                     WEIGHT(in, out, 2 * step, 1), VECTOR(out),
                                     (dmx_conv_geometry){.stride = {step, 1}});
        y = dmx_graph_crop(g, "crop", y, 1, step / 2, sizes[i][2] * step);
        y = dmx_graph_activation(g, "gelu", DMX_OP_GELU, y);
        check(g, tokens(g, y), "two taps", 1);
    }
}

/* Two convolutions of one input, and their sum in place. */
static void test_two_taps_add(void **state)
{
    (void)state;
    dmx_value x;
    dmx_graph *g = begin_rows(32, 36, 61, &x);
    const dmx_conv_geometry strided = {.stride = {2, 1},
                                       .padding = {{1, 1}, {0, 0}}};
    const dmx_value a =
        dmx_graph_conv(g, "a", x, WEIGHT(16, 32, 4, 1), VECTOR(16), strided);
    const dmx_value b =
        dmx_graph_conv(g, "b", x, WEIGHT(16, 32, 4, 1), VECTOR(16), strided);
    check(g, tokens(g, dmx_graph_add(g, "add", a, b, 1.0)), "two taps", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair),
        cmocka_unit_test(test_plain_pair),
        cmocka_unit_test(test_shared_hidden),
        cmocka_unit_test(test_siblings),
        cmocka_unit_test(test_five_siblings),
        cmocka_unit_test(test_growing_scores),
        cmocka_unit_test(test_wide_pair),
        cmocka_unit_test(test_packed_heads),
        cmocka_unit_test(test_two_taps),
        cmocka_unit_test(test_two_taps_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
