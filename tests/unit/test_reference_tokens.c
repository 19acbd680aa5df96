/* The reference's operations on token lists against formulas written out. */
#include "graph_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* [C][F][T] to tokens and back: token t F + f. */
static void test_token_order(void **state)
{
    (void)state;
    graph_case c;
    graph_case_open(&c, 1, 2, 3, 4);
    const dmx_value tokens = dmx_graph_tokens(c.graph, "t", c.x);
    graph_case_run(&c, tokens);
    double y[24];
    for (int i = 0; i < 24; i++)
        y[i % 4 * 6 + i / 4 % 3 * 2 + i / 12] = c.mix[i];
    graph_case_check(&c, y, 24);
    free(c.out);
    graph_case_run(&c, dmx_graph_untokens(c.graph, "u", tokens, 3));
    graph_case_check(&c, c.mix, 24);
    graph_case_close(&c);
}

static void test_linear(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 12; seed++) {
        graph_case c;
        const int64_t in = 1 + (int64_t)(seed * 61 % 300);
        graph_case_open(&c, seed, in, 1, 30);
        const int64_t out = graph_case_between(&c, 1, 40);
        const dmx_tensor *w = graph_case_tensor(&c, 2, out, in, 0, 0);
        const dmx_tensor *b =
            seed % 2 == 0 ? NULL : graph_case_tensor(&c, 1, out, 0, 0, 0);
        const dmx_value x = dmx_graph_tokens(c.graph, "t", c.x);
        graph_case_run(&c, dmx_graph_linear(c.graph, "l", x, w, b));
        double *y = calloc((size_t)(30 * out), sizeof *y);
        assert_non_null(y);
        for (int64_t n = 0; n < 30 * out; n++) {
            const int64_t l = n / out, o = n % out;
            y[n] = b != NULL ? graph_case_data(b)[o] : 0.0;
            for (int64_t i = 0; i < in; i++)
                y[n] += graph_case_data(w)[o * in + i] * c.mix[i * 30 + l];
        }
        graph_case_check(&c, y, 30 * out);
        free(y);
        graph_case_close(&c);
    }
}

/* The norm of column d of a token among tokens [L][D]. */
static double normalized(const double *mix, int64_t l, int64_t d, int64_t from,
                         int64_t to, bool all_tokens)
{
    double n = 0.0, sum = 0.0, squares = 0.0;
    for (int64_t i = from; i < to; i++)
        for (int64_t t = 0; t < 7; t++) {
            const double x = mix[i * 7 + t];
            if (!all_tokens && t != l)
                continue;
            n += 1.0;
            sum += x;
            squares += x * x;
        }
    const double mean = sum / n;
    return (mix[d * 7 + l] - mean) / sqrt(squares / n - mean * mean + 1e-4);
}

static void test_norms(void **state)
{
    (void)state;
    for (int groups = 0; groups <= 4; groups += 2) { /* 0: layer norm */
        graph_case c;
        graph_case_open(&c, (uint64_t)groups, 8, 1, 7);
        const dmx_tensor *w = graph_case_tensor(&c, 1, 8, 0, 0, 0);
        const dmx_tensor *b = graph_case_tensor(&c, 1, 8, 0, 0, 0);
        const dmx_value x = dmx_graph_tokens(c.graph, "t", c.x);
        graph_case_run(
            &c, groups == 0 ? dmx_graph_layer_norm(c.graph, "ln", x, w, b, 1e-4)
                            : dmx_graph_group_norm(c.graph, "gn", x, w, b,
                                                   groups, false, 1e-4));
        double y[56];
        for (int64_t i = 0; i < 56; i++) {
            const int64_t l = i / 8, d = i % 8;
            const int64_t width = groups == 0 ? 8 : 8 / groups;
            const int64_t from = d / width * width;
            y[i] = normalized(c.mix, l, d, from, from + width, groups != 0) *
                       graph_case_data(w)[d] +
                   graph_case_data(b)[d];
        }
        graph_case_check(&c, y, 56);
        graph_case_close(&c);
    }
}

/* One output of attention; x [L][3][heads][width] holds q, k and v. */
static double attended(const double *mix, int64_t length, int64_t width,
                       int64_t all, int64_t column, int64_t query)
{
    const int64_t first = column / width * width;
    double total = 0.0, sum = 0.0;
    for (int64_t k = 0; k < length; k++) {
        double score = 0.0;
        for (int64_t i = first; i < first + width; i++)
            score += mix[i * length + query] * mix[(all + i) * length + k];
        const double e = exp(score / sqrt((double)width));
        total += e;
        sum += e * mix[(2 * all + column) * length + k];
    }
    return sum / total;
}

static void test_attention(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        const int64_t heads = 1 + (int64_t)seed % 4, width = 3 + (int64_t)seed;
        const int64_t all = heads * width, length = 5 + 13 * (int64_t)seed;
        graph_case c;
        graph_case_open(&c, seed, 3 * all, 1, length);
        dmx_value part[3];
        for (int i = 0; i < 3; i++)
            part[i] = dmx_graph_tokens(
                c.graph, "t",
                dmx_graph_crop(c.graph, "c", c.x, 0, i * all, all));
        graph_case_run(&c, dmx_graph_attention(c.graph, "a", part[0], part[1],
                                               part[2], heads));
        double *y = calloc((size_t)(length * all), sizeof *y);
        assert_non_null(y);
        for (int64_t i = 0; i < length * all; i++)
            y[i] = attended(c.mix, length, width, all, i % all, i / all);
        graph_case_check(&c, y, length * all);
        free(y);
        graph_case_close(&c);
    }
}

/* More keys than queries, and scores that overflow exp without care. */
static void test_cross_attention(void **state)
{
    (void)state;
    graph_case c;
    graph_case_open(&c, 3, 2, 1, 40);
    const dmx_tensor *w = graph_case_tensor(&c, 2, 2, 2, 0, 0);
    for (int i = 0; i < 4; i++)
        ((double *)c.owned[0])[i] = i % 3 == 0 ? 1000.0 : 0.0;
    const dmx_value all = dmx_graph_tokens(c.graph, "k", c.x);
    const dmx_value few = dmx_graph_tokens(
        c.graph, "q", dmx_graph_crop(c.graph, "c", c.x, 2, 0, 7));
    const dmx_value sharp = dmx_graph_linear(c.graph, "l", few, w, NULL);
    graph_case_run(&c, dmx_graph_attention(c.graph, "a", sharp, all, all, 2));
    double y[14];
    /* So sharp a softmax takes the value of the best key. */
    for (int i = 0; i < 14; i++) {
        const double *row = c.mix + i % 2 * 40;
        double most = -INFINITY;
        for (int k = 0; k < 40; k++)
            most = fmax(most, row[k] * row[i / 2]);
        y[i] = most / row[i / 2];
    }
    graph_case_check(&c, y, 14);
    graph_case_close(&c);
}

/* Formulas of demucs.transformer, evaluated in double: float32 tables agree to
 * the rounding of their phases. */
static void test_positions(void **state)
{
    (void)state;
    graph_case c;
    graph_case_open(&c, 1, 1, 1, 4);
    const dmx_tensor *w = graph_case_tensor(&c, 2, 50, 8, 0, 0);
    dmx_value v[] = {
        dmx_graph_position_1d(c.graph, "s", DMX_POSITION_SIN,
                              dmx_length_fixed(20), 8, 1e4, false),
        dmx_graph_position_1d(c.graph, "c", DMX_POSITION_CAPE,
                              dmx_length_fixed(20), 8, 1e4, true),
        dmx_graph_position_learned(c.graph, "l", w, dmx_length_fixed(20), 0.7),
        dmx_graph_position_2d(c.graph, "d", 4, dmx_length_fixed(5), 8, 1e4),
    };
    for (int which = 0; which < 4; which++) {
        free(c.out);
        graph_case_run(&c, v[which]);
        assert_int_equal(c.n_out, 160);
        for (int i = 0; i < 160; i++) {
            const int l = i / 8, d = i % 8;
            const double at = which == 1 ? l - 9.5 : l;
            const double phase = at / pow(1e4, d % 4 / 3.0);
            double y = d < 4 ? cos(phase) : sin(phase);
            if (which == 2)
                y = 0.7 * graph_case_data(w)[i];
            if (which == 3) {
                const double n = d < 4 ? l / 4 : l % 4;
                const double turn = n * pow(1e4, -(d % 4 / 2 * 2) / 4.0);
                y = d % 2 == 0 ? sin(turn) : cos(turn);
            }
            assert_true(fabs(c.out[i] - y) < 4e-6);
        }
    }
    graph_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_order),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_cross_attention),
        cmocka_unit_test(test_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
