/* Shape inference, the checks of the builders, pruning, printing. */
#include "test_support.h"

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
    const dmx_value z = dmx_graph_stft(g, "stft", mix, 4096);
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
                 dmx_graph_istft(g, "istft", v, 4096, dmx_length_fixed(44100)),
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
            dmx_graph_stft(g, "p", x, 4098);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_prune),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
