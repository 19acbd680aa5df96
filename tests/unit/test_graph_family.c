/* Shapes and checks of the operations of Hybrid Demucs and Demucs. */
#include "random_tensor.h"
#include "test_support.h"

#include "graph/builders.h"

#include <string.h>

static const float zeros[4096];

static dmx_tensor tensor(int rank, int64_t a, int64_t b)
{
    return float_tensor("w", zeros, rank, a, b);
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

static void test_frames(void **state)
{
    (void)state;
    dmx_graph *g = dmx_graph_open();
    const dmx_value mix = dmx_graph_input(g, 2, 4096);
    const dmx_value z = dmx_graph_stft(g, "s", mix, 1024, DMX_FRAMES_CENTRED);
    assert_shape(g, z, 4, 512, 17);
    assert_shape(g, dmx_graph_stft(g, "s", mix, 1024, DMX_FRAMES_HYBRID_OLD), 4,
                 512, 16);
    assert_shape(g,
                 dmx_graph_istft(g, "i", z, 1024, DMX_FRAMES_CENTRED,
                                 dmx_length_fixed(4096)),
                 2, 1, 4096);
    const dmx_value m = dmx_graph_magnitude(g, "m", z);
    assert_shape(g, m, 2, 512, 17);
    assert_shape(g, dmx_graph_mask(g, "k", z, z, 0.0), 8, 512, 17);
    assert_shape(g, dmx_graph_wiener(g, "w", m, z, 2, true), 4, 512, 17);
    assert_shape(g, dmx_graph_mono(g, "o", mix), 1, 1, 4096);
    assert_int_equal(dmx_graph_status(g, NULL), DMX_OK);
    dmx_graph_close(g);
}

/* The weights of `layers` layers, of 3 inputs and 5 units. */
static void lstm_weights(dmx_tensor *t, const dmx_tensor **list, int layers)
{
    for (int i = 0; i < 8 * layers; i++) {
        t[i] = i % 4 < 2 ? tensor(2, 20,
                                  i % 4 == 1 ? 5
                                  : i < 8    ? 3
                                             : 10)
                         : tensor(1, 20, 0);
        list[i] = &t[i];
    }
}

static void test_time(void **state)
{
    (void)state;
    dmx_graph *g = dmx_graph_open();
    dmx_tensor t[16];
    const dmx_tensor *list[16], up = tensor(2, 2, 53), down = tensor(2, 1, 104);
    lstm_weights(t, list, 2);
    const dmx_value x = dmx_graph_input_any(g, 3);
    const dmx_value y = dmx_graph_lstm(g, "l", x, list, 16, 200);
    const dmx_value q = dmx_graph_lstm(g, "l", x, list, 8, 0);
    const dmx_value in[] = {y, y, q, q};
    dmx_graph_output(g, dmx_graph_local_attention(g, "a", in, 2));
    const dmx_value twice = dmx_graph_resample(g, "up", x, &up, 1);
    const dmx_value half = dmx_graph_resample(g, "down", twice, &down, 2);
    const dmx_length n = dmx_graph_length(g, half, 2);
    assert_true(dmx_length_same(n, dmx_length_samples()));
    assert_int_equal(dmx_graph_status(g, NULL), DMX_OK);
    const dmx_shape s = dmx_graph_shape_at(g, g->output, 301);
    assert_int_equal(s.dim[0], 10);
    assert_int_equal(s.dim[2], 301);
    char name[64];
    assert_string_equal(dmx_operand_name(DMX_OP_LSTM, 9, name, sizeof name),
                        "weight_hh.2");
    dmx_graph_close(g);
}

/* Above 200 steps: 201 have 3, 301 have 4, 947 have 10. */
static void test_chunks(void **state)
{
    (void)state;
    static const int64_t known[][2] = {{1, 1},   {200, 1},  {201, 3},
                                       {301, 4}, {947, 10}, {1895, 19}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const dmx_chunks c = dmx_lstm_chunks(200, known[i][0]);
        assert_int_equal(c.count, known[i][1]);
        assert_int_equal(c.width, c.count == 1 ? known[i][0] : 200);
        /* what they give together is enough */
        assert_true(c.count == 1 || (c.count + 1) * c.hop >= known[i][0]);
    }
    assert_int_equal(dmx_lstm_chunks(0, 5000).count, 1);
}

static void refuse(int which, dmx_graph *g, dmx_value x)
{
    dmx_tensor t[16], bad = tensor(2, 20, 4), even = tensor(2, 2, 54);
    const dmx_tensor *list[16];
    const dmx_value z = dmx_graph_stft(g, "s", x, 512, DMX_FRAMES_HYBRID);
    const dmx_value in[] = {x, x, z, x};
    lstm_weights(t, list, 2);
    switch (which) {
    case 0: /* half an nfft can't be reflected */
        dmx_graph_stft(g, "p", x, 2048, DMX_FRAMES_CENTRED);
        break;
    case 1:
        dmx_graph_istft(g, "p", z, 512, DMX_FRAMES_CENTRED,
                        dmx_length_fixed(1000 + 512));
        break;
    case 2:
        dmx_graph_magnitude(g, "p", x);
        break;
    case 3:
        dmx_graph_mask(g, "p", x, z, 0.0);
        break;
    case 4:
        dmx_graph_wiener(g, "p", z, z, 0, false);
        break;
    case 5:
        dmx_graph_wiener(g, "p", z, z, 1, false);
        break;
    case 6:
        dmx_graph_resample(g, "p", x, &even, 1);
        break;
    case 7:
        dmx_graph_resample(g, "p", z, &bad, 1);
        break;
    case 8:
        dmx_graph_lstm(g, "p", x, list, 12, 0);
        break;
    case 9:
        list[5] = &bad;
        dmx_graph_lstm(g, "p", x, list, 8, 0);
        break;
    case 10:
        list[5] = NULL;
        dmx_graph_lstm(g, "p", x, list, 8, 0);
        break;
    case 11:
        dmx_graph_lstm(g, "p", x, list, 8, 6);
        break;
    case 12:
        dmx_graph_local_attention(g, "p", in, 1);
        break;
    default:
        dmx_graph_local_attention(g, "p", (dmx_value[]){x, x, x, x}, 2);
        break;
    }
}

static void test_refusals(void **state)
{
    (void)state;
    for (int which = 0; which < 14; which++) {
        dmx_graph *g = dmx_graph_open();
        dmx_error err = DMX_ERROR_INIT;
        const dmx_value x = dmx_graph_input(g, 3, 1000);
        assert_int_equal(dmx_graph_status(g, NULL), DMX_OK);
        refuse(which, g, x);
        assert_int_not_equal(dmx_graph_status(g, &err), DMX_OK);
        assert_true(strlen(err.message) > 5);
        dmx_graph_close(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
