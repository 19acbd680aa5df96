/* The reference's operations on signals against formulas written out element
 * by element. */
#include "graph_case.h"

#include "reference/exp64.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 12

static double *zeros(int64_t count)
{
    double *p = calloc((size_t)count, sizeof *p);
    assert_non_null(p);
    return p;
}

/* Element [c][f][t], zero outside. */
static double pick(const double *x, const int64_t dim[3], int64_t c, int64_t f,
                   int64_t t)
{
    if (f < 0 || f >= dim[1] || t < 0 || t >= dim[2])
        return 0.0;
    return x[(c * dim[1] + f) * dim[2] + t];
}

static void test_conv(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3 * SEEDS; seed++) {
        graph_case c;
        graph_case_open(&c, seed, 1 + (int64_t)(seed % 5), 11, 13);
        const int64_t in[3] = {1 + (int64_t)(seed % 5), 11, 13};
        const int64_t co = graph_case_between(&c, 1, 9);
        dmx_conv_geometry g = {.stride = {0, 0}};
        int64_t kernel[2];
        for (int k = 0; k < 2; k++) {
            kernel[k] = graph_case_between(&c, 1, 4);
            g.stride[k] = graph_case_between(&c, 1, 3);
            g.dilation[k] = graph_case_between(&c, 1, 3);
            g.padding[k][0] = graph_case_between(&c, 0, 3);
            g.padding[k][1] = graph_case_between(&c, 0, 3);
        }
        const dmx_tensor *w =
            graph_case_tensor(&c, 4, co, in[0], kernel[0], kernel[1]);
        const dmx_tensor *b =
            seed % 3 == 0 ? NULL : graph_case_tensor(&c, 1, co, 0, 0, 0);
        graph_case_run(&c, dmx_graph_conv(c.graph, "conv", c.x, w, b, g));
        const dmx_shape s = dmx_graph_shape(c.graph, c.graph->output);
        double *y = zeros(c.n_out), *to = y;
        for (int64_t o = 0; o < co; o++)
            for (int64_t f = 0; f < s.dim[1]; f++)
                for (int64_t t = 0; t < s.dim[2]; t++, to++) {
                    const double *from =
                        graph_case_data(w) + o * in[0] * kernel[0] * kernel[1];
                    *to = b != NULL ? graph_case_data(b)[o] : 0.0;
                    for (int64_t i = 0; i < in[0]; i++)
                        for (int64_t p = 0; p < kernel[0]; p++)
                            for (int64_t q = 0; q < kernel[1]; q++)
                                *to +=
                                    *from++ *
                                    pick(c.mix, in, i,
                                         f * g.stride[0] + p * g.dilation[0] -
                                             g.padding[0][0],
                                         t * g.stride[1] + q * g.dilation[1] -
                                             g.padding[1][0]);
                }
        graph_case_check(&c, y, to - y);
        free(y);
        graph_case_close(&c);
    }
}

static void test_conv_transpose(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3 * SEEDS; seed++) {
        graph_case c;
        graph_case_open(&c, seed, 1 + (int64_t)(seed % 5), 7, 9);
        const int64_t in[3] = {1 + (int64_t)(seed % 5), 7, 9};
        const int64_t co = graph_case_between(&c, 1, 9);
        const int64_t kf = graph_case_between(&c, 1, 8);
        const int64_t kt = graph_case_between(&c, 1, 8);
        const dmx_conv_geometry g = {.stride = {graph_case_between(&c, 1, 4),
                                                graph_case_between(&c, 1, 4)}};
        const dmx_tensor *w = graph_case_tensor(&c, 4, in[0], co, kf, kt);
        const dmx_tensor *b = graph_case_tensor(&c, 1, co, 0, 0, 0);
        graph_case_run(&c,
                       dmx_graph_conv_transpose(c.graph, "tr", c.x, w, b, g));
        const dmx_shape s = dmx_graph_shape(c.graph, c.graph->output);
        assert_int_equal(s.dim[1], (in[1] - 1) * g.stride[0] + kf);
        double *y = zeros(c.n_out);
        for (int64_t i = 0; i < c.n_out; i++)
            y[i] = graph_case_data(b)[i / (s.dim[1] * s.dim[2])];
        /* Every input element adds a scaled kernel to the output. */
        for (int64_t n = 0; n < in[0] * in[1] * in[2]; n++) {
            const int64_t i = n / (in[1] * in[2]);
            const int64_t f = n / in[2] % in[1], t = n % in[2];
            for (int64_t m = 0; m < co * kf * kt; m++)
                y[(m / (kf * kt) * s.dim[1] + f * g.stride[0] + m / kt % kf) *
                      s.dim[2] +
                  t * g.stride[1] + m % kt] +=
                    c.mix[n] * graph_case_data(w)[i * co * kf * kt + m];
        }
        graph_case_check(&c, y, c.n_out);
        free(y);
        graph_case_close(&c);
    }
}

static void test_pad_crop_concat(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        graph_case c;
        graph_case_open(&c, seed, 4, 5, 6);
        const int axis = (int)(seed % 3);
        const int64_t dim[3] = {4, 5, 6};
        int64_t begin[3] = {0}, end[3] = {4, 5, 6};
        const int64_t before = graph_case_between(&c, 0, 3);
        const int64_t after = graph_case_between(&c, 0, 3);
        const int64_t start = graph_case_between(&c, 0, dim[axis] - 1);
        const int64_t length = graph_case_between(&c, 1, dim[axis] - start);
        const dmx_value padded =
            dmx_graph_pad(c.graph, "pad", c.x, axis, before, after);
        const dmx_value part[] = {
            padded, dmx_graph_crop(c.graph, "crop", c.x, axis, start, length)};
        graph_case_run(&c, dmx_graph_concat(c.graph, "cat", part, 2, axis));
        begin[axis] = -before;
        end[axis] = dim[axis] + after + length;
        double *y = zeros(c.n_out), *to = y;
        int64_t i[3];
        for (i[0] = begin[0]; i[0] < end[0]; i[0]++)
            for (i[1] = begin[1]; i[1] < end[1]; i[1]++)
                for (i[2] = begin[2]; i[2] < end[2]; i[2]++) {
                    int64_t at[3] = {i[0], i[1], i[2]};
                    if (at[axis] >= dim[axis] + after)
                        at[axis] += start - dim[axis] - after;
                    const bool inside = at[axis] >= 0 && at[axis] < dim[axis];
                    *to++ =
                        inside ? pick(c.mix, dim, at[0], at[1], at[2]) : 0.0;
                }
        graph_case_check(&c, y, to - y);
        free(y);
        graph_case_close(&c);
    }
}

/* statistics, standardize and unstandardize of two different values */
static void test_standardize(void **state)
{
    (void)state;
    graph_case c;
    graph_case_open(&c, 3, 2, 3, 50);
    dmx_value mean, std;
    const dmx_value half = dmx_graph_crop(c.graph, "crop", c.x, 0, 0, 1);
    dmx_graph_statistics(c.graph, "stats", half, &mean, &std);
    const dmx_value z =
        dmx_graph_standardize(c.graph, "norm", c.x, mean, std, 0.25);
    const dmx_value square = dmx_graph_add(c.graph, "twice", z, z, 0.5);
    graph_case_run(
        &c, dmx_graph_unstandardize(c.graph, "denorm", square, mean, std));
    double m = 0.0, v = 0.0, y[300];
    for (int i = 0; i < 150; i++)
        m += c.mix[i] / 150.0;
    for (int i = 0; i < 150; i++)
        v += (c.mix[i] - m) * (c.mix[i] - m) / 149.0;
    for (int i = 0; i < 300; i++)
        y[i] = (c.mix[i] - m) / (0.25 + sqrt(v)) * 1.5 * sqrt(v) + m;
    graph_case_check(&c, y, 300);
    graph_case_close(&c);
}

static void test_group_norm(void **state)
{
    (void)state;
    for (int which = 0; which < 6; which++) {
        const int64_t groups = which % 3 == 0 ? 1 : which % 3 == 1 ? 2 : 6;
        const bool per_row = which >= 3;
        graph_case c;
        graph_case_open(&c, (uint64_t)which, 6, 4, 5);
        const dmx_tensor *w = graph_case_tensor(&c, 1, 6, 0, 0, 0);
        const dmx_tensor *b = graph_case_tensor(&c, 1, 6, 0, 0, 0);
        graph_case_run(&c, dmx_graph_group_norm(c.graph, "gn", c.x, w, b,
                                                groups, per_row, 1e-3));
        double y[120];
        for (int64_t i = 0; i < 120; i++) {
            double n = 0.0, sum = 0.0, squares = 0.0;
            const int64_t ci = i / 20, fi = i / 5 % 4;
            for (int64_t j = 0; j < 120; j++) {
                const bool mine = j / 20 * groups / 6 == ci * groups / 6 &&
                                  (!per_row || j / 5 % 4 == fi);
                n += mine ? 1.0 : 0.0;
                sum += mine ? c.mix[j] : 0.0;
                squares += mine ? c.mix[j] * c.mix[j] : 0.0;
            }
            const double mean = sum / n, variance = squares / n - mean * mean;
            y[i] = (c.mix[i] - mean) / sqrt(variance + 1e-3) *
                       graph_case_data(w)[ci] +
                   graph_case_data(b)[ci];
        }
        graph_case_check(&c, y, 120);
        graph_case_close(&c);
    }
}

static void test_exponential(void **state)
{
    (void)state;
    double x[5003], y[5003];
    uint64_t seed = 4;
    for (int i = 0; i < 5003; i++)
        x[i] = i < 1417 ? i - 708 : 3.0 * test_normal(&seed);
    memcpy(y, x, sizeof y);
    dmx_exp64(y, 5003);
    for (int i = 0; i < 5003; i++)
        if (!(fabs(y[i] - exp(x[i])) <= 4.5e-16 * exp(x[i])))
            fail_msg("exp(%.17g) is not %.17g", x[i], y[i]);
    double odd[] = {NAN, -INFINITY, INFINITY, -1e9};
    dmx_exp64(odd, 4);
    assert_true(isnan(odd[0]) && odd[1] < 1e-300 && odd[2] > 1e300 &&
                odd[3] < 1e-300);
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

static void test_activations(void **state)
{
    (void)state;
    const dmx_op op[] = {DMX_OP_GELU, DMX_OP_RELU, DMX_OP_GLU};
    for (int which = 0; which < 3; which++) {
        graph_case c;
        graph_case_open(&c, (uint64_t)which, 6, 4, 500);
        graph_case_run(&c, dmx_graph_activation(c.graph, "a", op[which], c.x));
        const int64_t n = which == 2 ? 6000 : 12000;
        double *y = zeros(n);
        for (int64_t i = 0; i < n; i++) {
            const double x = c.mix[i];
            y[i] = which == 0   ? x * normal_cdf(x)
                   : which == 1 ? fmax(x, 0.0)
                                : x * (0.5 + 0.5 * tanh(c.mix[i + n] / 2.0));
        }
        graph_case_check(&c, y, n);
        free(y);
        graph_case_close(&c);
    }
}

/* x * weight + 0.3 bias, plus 0.7 times a row, and a frequency embedding */
static void test_arithmetic(void **state)
{
    (void)state;
    graph_case c;
    graph_case_open(&c, 5, 3, 4, 5);
    const dmx_tensor *w = graph_case_tensor(&c, 1, 3, 0, 0, 0);
    const dmx_tensor *b = graph_case_tensor(&c, 1, 3, 0, 0, 0);
    const dmx_tensor *e = graph_case_tensor(&c, 2, 4, 3, 0, 0);
    const dmx_value scaled = dmx_graph_scale(c.graph, "s", c.x, w);
    const dmx_value biased = dmx_graph_bias(c.graph, "b", scaled, b, 0.3);
    const dmx_value row = dmx_graph_crop(c.graph, "c", c.x, 1, 2, 1);
    const dmx_value sum = dmx_graph_add(c.graph, "a", biased, row, 0.7);
    const dmx_value emb = dmx_graph_freq_embedding(c.graph, "e", e, 2.0);
    graph_case_run(&c, dmx_graph_add(c.graph, "f", sum, emb, 0.1));
    double y[60];
    for (int i = 0; i < 60; i++) {
        const int ch = i / 20, f = i / 5 % 4, t = i % 5;
        y[i] = c.mix[i] * graph_case_data(w)[ch] +
               0.3 * graph_case_data(b)[ch] + 0.7 * c.mix[ch * 20 + 10 + t] +
               0.2 * graph_case_data(e)[f * 3 + ch];
    }
    graph_case_check(&c, y, 60);
    graph_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_group_norm),
        cmocka_unit_test(test_standardize),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_conv_transpose),
        cmocka_unit_test(test_pad_crop_concat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
