/* The engine's operations of Hybrid Demucs and Demucs, on small graphs of odd
 * shapes: every instruction set, few threads and many, float32 and half
 * weights, against the float64 reference. */
#include "engine_case.h"
#include "random_tensor.h"
#include "test_support.h"

#include "engine/kernels/kernels.h"
#include "graph/builders.h"

#include <math.h>

static dmx_arena tensors;
static uint64_t seed;

static const dmx_tensor *tensor(double spread, int rank, int64_t a, int64_t b)
{
    return random_tensor(&tensors, &seed, "w", 0.0, spread, rank,
                         (const int64_t[]){a, b});
}

/* A signal [channels][rows][cols] of a new graph. */
static dmx_graph *begin(dmx_value *x, int64_t channels, int64_t rows,
                        int64_t cols)
{
    seed = 7;
    return engine_case_graph(x, channels, rows, cols);
}

static double check(dmx_graph *g, dmx_value y, double growth, double tolerance)
{
    double worst = 0.0;
    engine_case_output(g, y);
    engine_case s = engine_case_make(g, growth, &seed);
    for (int i = 0; dmx_kernels_name(i) != NULL; i++)
        for (int way = 0; way < 4; way++) {
            dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
            options.isa = dmx_kernels_name(i);
            options.threads = way == 3 ? 7 : way;
            options.unfused = way == 1;
            options.low_memory = way == 2;
            const double error =
                engine_case_error(g, &s, &options, "", ANY_STEPS);
            if (!(error < tolerance))
                fail_msg("%s, way %d: error %g of peak", options.isa, way,
                         error);
            worst = fmax(worst, error);
        }
    engine_case_free(&s);
    dmx_graph_close(g);
    dmx_arena_free(&tensors);
    return worst;
}

/* ---- LSTM ---------------------------------------------------------------- */

static dmx_value lstm(dmx_graph *g, dmx_value x, int64_t hidden, int layers,
                      int64_t chunk, double spread)
{
    const dmx_tensor *w[32];
    int64_t in = dmx_graph_shape(g, x).dim[0];
    for (int i = 0; i < 8 * layers; i++) {
        if (i == 8)
            in = 2 * hidden;
        w[i] = i % 4 < 2
                   ? tensor(spread, 2, 4 * hidden, i % 4 == 0 ? in : hidden)
                   : tensor(0.3, 1, 4 * hidden, 0);
    }
    return dmx_graph_lstm(g, "lstm", x, w, 8 * layers, chunk);
}

/* Units that fill tiles and units that don't, one sequence and many, one step
 * and many; gates that are nearly open or shut: their sums are about 20, with
 * errors of 1e-6. */
static void test_lstm(void **state)
{
    (void)state;
    static const struct {
        int64_t channels, rows, cols, hidden;
        int layers;
        double spread, tolerance;
    } t[] = {{3, 1, 1, 1, 1, 1.0, 3e-6},     {5, 1, 9, 7, 2, 0.4, 3e-6},
             {16, 2, 33, 16, 3, 0.2, 3e-6},  {20, 13, 5, 40, 2, 0.2, 3e-6},
             {33, 1, 120, 33, 2, 0.2, 3e-6}, {7, 37, 3, 18, 1, 3.0, 1e-5}};
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        dmx_value x;
        dmx_graph *g = begin(&x, t[i].channels, t[i].rows, t[i].cols);
        check(g, lstm(g, x, t[i].hidden, t[i].layers, 0, t[i].spread), 0.0,
              t[i].tolerance);
    }
}

/* As many steps as a chunk, one more, and every remainder of a hop. */
static void test_chunks(void **state)
{
    (void)state;
    static const int64_t cols[] = {19, 20, 21, 30, 31, 35, 39, 40, 41, 77, 100};
    for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++)
        for (int64_t rows = 1; rows <= 3; rows += 2) {
            dmx_value x;
            dmx_graph *g = begin(&x, 6, rows, cols[i]);
            check(g, lstm(g, x, 9, 2, 20, 0.4), 0.0, 3e-6);
        }
}

/* Recurrent weights for more than a step of the program. */
static void test_long_lstm(void **state)
{
    (void)state;
    dmx_value x;
    dmx_graph *g = begin(&x, 24, 1, 1300);
    check(g, lstm(g, x, 300, 2, 200, 0.05), 0.0, 3e-6);
}

/* ---- local attention ------------------------------------------------------
 */

static dmx_value project(dmx_graph *g, dmx_value x, int64_t out, double spread)
{
    const int64_t in = dmx_graph_shape(g, x).dim[0];
    const int64_t dim[] = {out, in, 1};
    return dmx_graph_conv(
        g, "map", x, random_tensor(&tensors, &seed, "w", 0.0, spread, 3, dim),
        tensor(0.3, 1, out, 0), (dmx_conv_geometry){0});
}

static dmx_value attend(dmx_graph *g, dmx_value x, int64_t heads,
                        int64_t decays, double spread, double decay)
{
    const int64_t channels = dmx_graph_shape(g, x).dim[0];
    const dmx_value in[] = {
        project(g, x, channels, spread),
        project(g, x, channels, spread),
        project(g, x, channels, 0.3),
        dmx_graph_bias(g, "bias", project(g, x, heads * decays, 0.3),
                       random_tensor(&tensors, &seed, "b", decay, 0.1, 1,
                                     (const int64_t[]){heads * decays}),
                       1.0),
    };
    return dmx_graph_local_attention(g, "attend", in, heads);
}

/* One step, tiles and blocks filled and not, rows; decays that leave far keys
 * everything, something and nothing. */
static void test_local_attention(void **state)
{
    (void)state;
    static const struct {
        int64_t channels, rows, cols, heads, decays;
        double decay;
    } t[] = {{4, 1, 1, 4, 4, 0.0},     {4, 3, 2, 2, 4, -2.0},
             {20, 2, 96, 4, 3, -3.0},  {20, 1, 97, 4, 4, -9.0},
             {48, 3, 131, 4, 4, -4.0}, {12, 1, 700, 2, 4, -5.0},
             {64, 1, 385, 1, 1, 3.0},  {6, 5, 250, 6, 9, -20.0}};
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        dmx_value x;
        dmx_graph *g = begin(&x, t[i].channels, t[i].rows, t[i].cols);
        check(g, attend(g, x, t[i].heads, t[i].decays, 0.3, t[i].decay), 0.0,
              3e-6);
    }
}

/* Scores that grow towards the end: the scale that a block of its own sets is
 * far too small for those behind it. */
static void test_growing_scores(void **state)
{
    (void)state;
    dmx_value x;
    dmx_graph *g = begin(&x, 24, 1, 500);
    check(g, attend(g, x, 3, 4, 0.25, -9.0), 2.0, 3e-5);
}

/* ---- resampling -----------------------------------------------------------
 */

static void test_resample(void **state)
{
    (void)state;
    static const int64_t t[][4] = {
        /* up, down, taps, samples */
        {2, 1, 53, 1},  {2, 1, 53, 40},    {2, 1, 53, 5000}, {1, 2, 104, 2},
        {1, 2, 104, 3}, {1, 2, 104, 5001}, {3, 2, 48, 2900}, {2, 5, 31, 7003},
        {1, 1, 1, 9},   {7, 3, 9, 1111}};
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        dmx_value x;
        dmx_graph *g = begin(&x, 3, 1, t[i][3]);
        check(g,
              dmx_graph_resample(g, "resample", x,
                                 tensor(0.2, 2, t[i][0], t[i][2]), t[i][1]),
              0.0, 2e-6);
    }
}

/* ---- spectrograms ---------------------------------------------------------
 */

static const dmx_frames kinds[] = {DMX_FRAMES_HYBRID, DMX_FRAMES_HYBRID_OLD,
                                   DMX_FRAMES_CENTRED};

static dmx_value istft(dmx_graph *g, dmx_value x, dmx_value z, int64_t nfft,
                       dmx_frames kind)
{
    return dmx_graph_istft(g, "istft", z, nfft, kind,
                           dmx_graph_length(g, x, 2));
}

/* One way, and there and back, at lengths around whole hops. */
static void test_frames(void **state)
{
    (void)state;
    static const int64_t nffts[] = {16, 20, 64, 1024};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < sizeof nffts / sizeof nffts[0]; i++)
            for (int64_t more = 1; more < 6; more++) {
                const int64_t nfft = nffts[i];
                const int64_t n =
                    nfft / 2 + (more / 2) * nfft / 4 + more % 2 + more;
                dmx_value x;
                dmx_graph *g = begin(&x, 2, 1, n);
                dmx_value z = dmx_graph_stft(g, "stft", x, nfft, kinds[k]);
                if (more % 2 == 0)
                    z = istft(g, x, z, nfft, kinds[k]);
                check(g, z, 0.0, 2e-6);
            }
}

static void test_magnitude(void **state)
{
    (void)state;
    dmx_value x;
    dmx_graph *g = begin(&x, 2, 1, 1000);
    const dmx_value z = dmx_graph_stft(g, "s", x, 64, DMX_FRAMES_CENTRED);
    check(g, dmx_graph_magnitude(g, "m", z), 0.0, 2e-6);
    g = begin(&x, 6, 5, 33);
    check(g, dmx_graph_magnitude(g, "m", x), 0.0, 2e-6);
    g = begin(&x, 6, 5, 33);
    check(g, dmx_graph_mono(g, "m", x), 0.0, 2e-6);
}

/* Magnitudes of three sources, of either sign, and the mixture, with bins of
 * exactly zero. */
static dmx_value masked(dmx_graph *g, dmx_value x, int64_t channels, int wiener,
                        double epsilon, bool residual)
{
    const dmx_value m = dmx_graph_crop(g, "m", x, 0, 0, 3 * channels);
    dmx_value z = dmx_graph_crop(g, "z", x, 0, 3 * channels, 2 * channels);
    z = dmx_graph_pad(g, "zeros", dmx_graph_crop(g, "some", z, 2, 0, 20), 2, 0,
                      dmx_graph_shape(g, x).dim[2] - 20);
    return wiener > 0 ? dmx_graph_wiener(g, "wiener", m, z, wiener, residual)
                      : dmx_graph_mask(g, "mask", m, z, epsilon);
}

static void test_masks(void **state)
{
    (void)state;
    for (int64_t channels = 1; channels <= 2; channels++)
        for (int i = 0; i < 6; i++) {
            const int64_t cols = i < 4 ? 41 : 601;
            dmx_value x;
            dmx_graph *g = begin(&x, 5 * channels, 7, cols);
            check(g,
                  masked(g, x, channels, i < 2 ? 0 : i - 1, i == 0 ? 0.0 : 1e-8,
                         i % 2 != 0),
                  i == 5 ? 4.0 : 0.0, 3e-6);
        }
}

/* Kernels over more rows than exist: taps that meet only padding are left
 * out. */
static void test_dead_taps(void **state)
{
    (void)state;
    static const int64_t t[][6] = {
        /* rows, kernel, stride, dilation, before, behind */
        {1, 3, 1, 1, 1, 1}, {1, 5, 1, 1, 2, 2}, {2, 5, 1, 1, 2, 2},
        {1, 4, 2, 1, 1, 2}, {1, 3, 1, 4, 4, 4}, {3, 7, 2, 2, 6, 6},
        {1, 3, 1, 1, 2, 2}, {2, 3, 3, 2, 5, 5}};
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
        for (int64_t channels = 5; channels <= 40; channels += 35) {
            dmx_value x;
            dmx_graph *g = begin(&x, channels, t[i][0], 61);
            const int64_t dim[] = {33, channels, t[i][1], 3};
            const dmx_conv_geometry geometry = {
                .stride = {t[i][2], 1},
                .dilation = {t[i][3], 1},
                .padding = {{t[i][4], t[i][5]}, {1, 1}}};
            check(g,
                  dmx_graph_conv(
                      g, "conv", x,
                      random_tensor(&tensors, &seed, "w", 0.0, 0.2, 4, dim),
                      tensor(0.3, 1, 33, 0), geometry),
                  0.0, 3e-6);
        }
}

/* Rows that run one after another through all of it. */
static void test_rows(void **state)
{
    (void)state;
    dmx_value x;
    dmx_graph *g = begin(&x, 2, 1, 3000);
    const dmx_value z = dmx_graph_stft(g, "s", x, 256, DMX_FRAMES_HYBRID_OLD);
    const dmx_value m = dmx_graph_magnitude(g, "m", z);
    const dmx_value y = dmx_graph_mask(g, "mask", m, z, 0.0);
    check(g, istft(g, x, y, 256, DMX_FRAMES_HYBRID_OLD), 0.0, 2e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lstm),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_long_lstm),
        cmocka_unit_test(test_local_attention),
        cmocka_unit_test(test_growing_scores),
        cmocka_unit_test(test_resample),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_magnitude),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_dead_taps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
