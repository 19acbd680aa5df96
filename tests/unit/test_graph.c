/* Shape inference, the checks of the builders, pruning, printing. */
#include "test_support.h"

#include "graph/analysis.h"
#include "graph/builders.h"

#include <string.h>

static const float zeros[65536];

static dmx_tensor tensor(int rank, int64_t a, int64_t b, int64_t c, int64_t d)
{
    dmx_tensor t = {.name = "w", .data = zeros, .dtype = DMX_F32, .rank = rank};
    const int64_t dim[] = {a, b, c, d};
    int64_t stride = 1;
    for (int k = rank - 1; k >= 0; k--) {
        t.dim[k] = dim[k];
        t.stride[k] = stride;
        stride *= dim[k];
    }
    return t;
}

static void assert_shape(const dmx_graph *g, dmx_value v, int64_t a, int64_t b,
                         int64_t c)
{
    const dmx_shape s = dmx_graph_shape(g, v);
    assert_int_equal(s.rank, 3);
    assert_int_equal(s.dim[0], a);
    assert_int_equal(s.dim[1], b);
    assert_int_equal(s.dim[2], c);
}

static void test_shapes(void **state)
{
    (void)state;
    dmx_graph *g = dmx_graph_open();
    const dmx_tensor w = tensor(4, 8, 4, 8, 1), b = tensor(1, 8, 0, 0, 0);
    const dmx_tensor wt = tensor(4, 8, 2, 8, 1), bt = tensor(1, 2, 0, 0, 0);
    const dmx_value mix = dmx_graph_input(g, 2, 44100);
    const dmx_value z = dmx_graph_stft(g, "stft", mix, 4096, DMX_FRAMES_HYBRID);
    assert_shape(g, z, 4, 2048, 44);
    const dmx_value y = dmx_graph_conv(
        g, "conv", z, &w, &b,
        (dmx_conv_geometry){.stride = {4, 1}, .padding = {{2, 2}, {0, 0}}});
    assert_shape(g, y, 8, 512, 44);
    const dmx_value u = dmx_graph_conv_transpose(
        g, "conv_tr", y, &wt, &bt, (dmx_conv_geometry){.stride = {4, 1}});
    assert_shape(g, u, 2, 2052, 44);
    const dmx_value v = dmx_graph_crop(g, "crop", u, 1, 2, 2048);
    assert_shape(g,
                 dmx_graph_istft(g, "istft", v, 4096, DMX_FRAMES_HYBRID,
                                 dmx_length_fixed(44100)),
                 1, 1, 44100);
    assert_int_equal(dmx_graph_status(g, NULL), DMX_OK);
    dmx_graph_close(g);
}

/* Each call gets a fresh graph and must record an error, never crash. */
static void test_refusals(void **state)
{
    (void)state;
    const dmx_tensor w = tensor(4, 8, 3, 8, 1), b = tensor(1, 8, 0, 0, 0);
    for (int which = 0; which < 12; which++) {
        dmx_graph *g = dmx_graph_open();
        const dmx_value x = dmx_graph_input(g, 2, 1000);
        const dmx_conv_geometry one = {.stride = {1, 1}};
        switch (which) {
        case 0:
            dmx_graph_stft(g, "p", x, 4098, DMX_FRAMES_HYBRID);
            break;
        case 1:
            dmx_graph_conv(g, "p", x, &w, &b, one);
            break;
        case 2:
            dmx_graph_conv(g, "p", x, NULL, NULL, one);
            break;
        case 3:
            dmx_graph_crop(g, "p", x, 2, 900, 200);
            break;
        case 4:
            dmx_graph_crop(g, "p", x, 3, 0, 1);
            break;
        case 5:
            dmx_graph_pad(g, "p", x, 2, -1, 0);
            break;
        case 6:
            dmx_graph_add(g, "p", x, 77, 1.0);
            break;
        case 7:
            dmx_graph_group_norm(g, "p", x, &b, &b, 2, false, 1e-5);
            break;
        case 8:
            dmx_graph_attention(g, "p", x, x, x, 1);
            break;
        case 9:
            dmx_graph_input(g, (int64_t)1 << 40, (int64_t)1 << 40);
            break;
        case 10:
            dmx_graph_linear(g, "p", x, &b, &b);
            break;
        default:
            dmx_graph_untokens(g, "p", x, 3);
            break;
        }
        dmx_error err = DMX_ERROR_INIT;
        assert_int_not_equal(dmx_graph_status(g, &err), DMX_OK);
        assert_true(strlen(err.message) > 5);
        dmx_graph_close(g);
    }
}

static void test_prune(void **state)
{
    (void)state;
    dmx_graph *g = dmx_graph_open();
    const dmx_value x = dmx_graph_input(g, 2, 64);
    dmx_value mean, std;
    dmx_graph_activation(g, "unused", DMX_OP_GELU, x);
    dmx_graph_statistics(g, "statistics", x, &mean, &std);
    const dmx_value y =
        dmx_graph_standardize(g, "standardize", x, mean, std, 1e-5);
    dmx_graph_activation(g, "unused2", DMX_OP_GELU, y);
    dmx_graph_output(g, y);
    dmx_graph_prune(g);
    assert_int_equal(g->n_node, 3);
    assert_int_equal(g->n_value, 4);
    assert_int_equal(g->node[2].in[1], g->node[1].out[0]);
    assert_int_equal(g->output, g->node[2].out[0]);
    dmx_graph_close(g);
}

static void keep_line(void *user, const char *line)
{
    strncpy(user, line, 255);
}

static void test_print(void **state)
{
    (void)state;
    char last[256] = "";
    dmx_graph *g = dmx_graph_open();
    const dmx_tensor w = tensor(3, 8, 2, 3, 0), b = tensor(1, 8, 0, 0, 0);
    dmx_graph_conv(g, "enc.conv", dmx_graph_input(g, 2, 64), &w, &b,
                   (dmx_conv_geometry){.padding = {{0, 0}, {1, 1}}});
    dmx_graph_print(g, keep_line, last);
    assert_string_equal(last, "%1 [8][1][64] = conv(%0) enc.conv kernel 1x3 "
                              "stride 1x1 padding 0,0 x 1,1 weight (8, 2, 3) "
                              "bias (8)");
    for (int op = 0; op < DMX_OP_COUNT; op++)
        assert_string_not_equal(dmx_op_name((dmx_op)op), "unknown");
    dmx_graph_close(g);
}

/* ---- the table ----------------------------------------------------------- */

static void test_table(void **state)
{
    (void)state;
    char text[64];
    for (int i = 0; i < DMX_OP_COUNT; i++) {
        const dmx_operation *op = dmx_operation_of((dmx_op)i);
        assert_true(op->least_inputs <= op->most_inputs);
        assert_true(op->outputs == 1 || op->outputs == 2);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(op->name, dmx_op_name((dmx_op)k));
    }
    assert_string_equal(dmx_op_name(DMX_OP_COUNT), "unknown");
    assert_string_equal(dmx_operand_name(DMX_OP_CONV, 1, text, 64), "bias");
    assert_string_equal(dmx_operand_name(DMX_OP_BIAS, 0, text, 64), "bias");
    assert_string_equal(dmx_operand_name(DMX_OP_GELU, 0, text, 64),
                        "operand 0");
    assert_true(dmx_operand_required(DMX_OP_CONV, 0));
    assert_false(dmx_operand_required(DMX_OP_CONV, 1));
    assert_true(dmx_operand_count_fits(DMX_OP_CONV, 1));
    assert_true(dmx_operand_count_fits(DMX_OP_CONV, 2));
    assert_false(dmx_operand_count_fits(DMX_OP_CONV, 0));
    assert_false(dmx_operand_count_fits(DMX_OP_CONV, 3));
    assert_false(dmx_operand_count_fits(DMX_OP_GROUP_NORM, 1));
    assert_true(dmx_operand_count_fits(DMX_OP_POSITION_1D, 0));
    assert_false(dmx_operand_count_fits(DMX_OP_GELU, 1));
    assert_true(dmx_operand_count_fits(DMX_OP_GELU, 0));
}

/* ---- any length ---------------------------------------------------------- */

/* pad_around, crop_centre and floors as the originals compute them. */
static void test_any_length(void **state)
{
    (void)state;
    dmx_graph *g = dmx_graph_open();
    const dmx_value x = dmx_graph_input_any(g, 2);
    const dmx_value p = dmx_graph_pad_to(g, "pad", x, 10);
    dmx_length longer;
    assert_true(dmx_length_add(&longer, dmx_graph_length(g, p, 2), 7));
    const dmx_value w = dmx_graph_pad_around(g, "around", p, longer);
    const dmx_value y =
        dmx_graph_crop_centre(g, "trim", w, dmx_graph_length(g, x, 2));
    dmx_graph_output(g, y);
    assert_int_equal(dmx_graph_status(g, NULL), DMX_OK);
    assert_int_equal(dmx_graph_shape(g, y).dim[2], DMX_ANY);
    for (int64_t n = 1; n < 100; n++) {
        dmx_graph *at;
        dmx_error err = DMX_ERROR_INIT;
        assert_ok(dmx_graph_at(&at, g, n, &err), &err);
        assert_int_equal(at->n_node, n % 10 == 0 ? 3 : 4);
        const dmx_node *around = &at->node[at->n_node - 2];
        const dmx_node *trim = &at->node[at->n_node - 1];
        const int64_t whole = (n + 9) / 10 * 10 + 7;
        assert_int_equal(around->at.before, 3);
        assert_int_equal(around->at.after, 4);
        assert_int_equal(trim->at.start, (whole - n) / 2);
        assert_shape(at, at->output, 2, 1, n);
        dmx_graph_close(at);
    }
    dmx_graph_close(g);
}

/* Lengths that are equal only for some inputs have no rule. */
static void test_no_rule(void **state)
{
    (void)state;
    dmx_graph *g = dmx_graph_open();
    const dmx_value x = dmx_graph_input_any(g, 2);
    const dmx_value p = dmx_graph_pad_to(g, "pad", x, 4);
    dmx_graph_add(g, "sum", x, p, 1.0);
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_graph_status(g, &err), DMX_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "sum: no rule"));
    dmx_graph_close(g);
}

/* pad1d of the original, with its limits computed step by step. */
static void test_stft_padding(void **state)
{
    (void)state;
    for (int64_t nfft = 16; nfft <= 4096; nfft *= 4) {
        const int64_t hop = nfft / 4, side = hop / 2 * 3;
        dmx_stft_padding p;
        assert_true(dmx_stft_padding_of(&p, nfft, dmx_length_samples()));
        for (int64_t n = 1; n < 3 * nfft; n++) {
            const int64_t right = side + (n + hop - 1) / hop * hop - n;
            const int64_t most = side > right ? side : right;
            const int64_t extra = n <= most ? most - n + 1 : 0;
            assert_true(extra <= right);
            assert_int_equal(dmx_amount_at(p.before, n), side);
            assert_int_equal(dmx_amount_at(p.behind, n), right);
            assert_int_equal(dmx_amount_at(p.zeros, n), extra);
        }
    }
}

/* ---- analysis ------------------------------------------------------------ */

static void test_analysis(void **state)
{
    (void)state;
    dmx_graph *g = dmx_graph_open();
    const dmx_tensor w = tensor(2, 4, 4, 0, 0);
    const dmx_value x = dmx_graph_reshape(g, "rows", dmx_graph_input(g, 4, 15),
                                          (dmx_shape){3, {4, 3, 5}});
    const dmx_value t = dmx_graph_tokens(g, "tokens", x);
    const dmx_value a = dmx_graph_linear(g, "a", t, &w, NULL);
    const dmx_value b = dmx_graph_linear(g, "b", t, &w, NULL);
    const dmx_value sum = dmx_graph_add(g, "sum", a, b, 1.0);
    const dmx_value twice = dmx_graph_add(g, "twice", sum, sum, 1.0);
    dmx_graph_output(g, twice);
    assert_int_equal(dmx_graph_status(g, NULL), DMX_OK);
    dmx_analysis n;
    assert_true(dmx_analysis_open(&n, g));
    int32_t count;
    const int32_t *user = dmx_consumers(&n, t, &count);
    assert_int_equal(count, 2);
    assert_int_equal(user[0], g->value[a].producer);
    assert_int_equal(user[1], g->value[b].producer);
    assert_int_equal(dmx_sole_consumer(&n, t), -1);
    assert_int_equal(dmx_last_consumer(&n, t), g->value[b].producer);
    assert_int_equal(dmx_sole_consumer(&n, a), g->value[sum].producer);
    assert_int_equal(dmx_sole_consumer(&n, sum), -1); /* taken twice */
    assert_int_equal(dmx_sole_consumer(&n, twice), -1);
    assert_int_equal(dmx_last_consumer(&n, twice), -1);
    assert_true(dmx_only_consumers(&n, t, DMX_OP_LINEAR));
    assert_false(dmx_only_consumers(&n, twice, DMX_OP_LINEAR));
    const dmx_node *first = &g->node[g->value[a].producer];
    const dmx_node *second = &g->node[g->value[b].producer];
    assert_non_null(dmx_next_op(&n, first, DMX_OP_ADD));
    assert_null(dmx_next_op(&n, second, DMX_OP_ADD)); /* not first input */
    assert_null(dmx_next_op(&n, NULL, DMX_OP_ADD));
    assert_int_equal(dmx_token_rows(&n, twice), 3);
    assert_int_equal(dmx_token_rows(&n, x), 0);
    dmx_analysis_close(&n);
    dmx_graph_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_prune),    cmocka_unit_test(test_print),
        cmocka_unit_test(test_table),    cmocka_unit_test(test_any_length),
        cmocka_unit_test(test_no_rule),  cmocka_unit_test(test_stft_padding),
        cmocka_unit_test(test_analysis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
