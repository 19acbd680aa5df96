/* What the engine does with long signals to save memory, on small ones: the
 * same bits as without it, from any number of threads, run after run. */
#include "engine_case.h"
#include "engine_trial.h"
#include "random_tensor.h"
#include "test_support.h"

#include "engine/kernels/kernels.h"
#include "graph/builders.h"

#include <string.h>

static dmx_error err = DMX_ERROR_INIT;

static void check_same(engine_trial *t, const dmx_engine *e, const char *what)
{
    if (!engine_trial_same(t, e))
        fail_msg("%s, %s, %d threads: other bits", what, dmx_engine_isa(e),
                 t->options.threads);
}

/* ---- graphs ------------------------------------------------------------- */

static dmx_arena tensors;
static uint64_t seed;

#define TENSOR(...)                                                            \
    random_tensor(&tensors, &seed, "w", 0.0, 0.2,                              \
                  sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),          \
                  (const int64_t[]){__VA_ARGS__})

/* A signal [channels][rows][cols] of a new graph. */
static dmx_graph *begin(dmx_value *x, int64_t channels, int64_t rows,
                        int64_t cols)
{
    seed = 5;
    return engine_case_graph(x, channels, rows, cols);
}

static void graph_close(dmx_graph *g)
{
    dmx_graph_close(g);
    dmx_arena_free(&tensors);
}

/* ---- turns of Winograd's panels ------------------------------------------ */

/* A convolution of three taps, over rows too unless there is one, with GLU and
 * a sum. */
static dmx_graph *convolution(int64_t rows, int64_t cols)
{
    const bool line = rows == 1;
    dmx_value x;
    dmx_graph *g = begin(&x, 34, rows, cols);
    const dmx_conv_geometry around = {.padding = {{!line, !line}, {1, 1}}};
    dmx_value y = dmx_graph_conv(g, "conv", x, TENSOR(68, 34, line ? 1 : 3, 3),
                                 TENSOR(68), around);
    y = dmx_graph_activation(g, "glu", DMX_OP_GLU, y);
    engine_case_output(g, dmx_graph_add(g, "add", y, x, 1.0));
    return g;
}

/* The buffer of the panels that wait. */
static const dmx_buffer *waiting_of(const dmx_engine *e)
{
    for (size_t i = 0; i < e->n_step; i++)
        if (strcmp(e->step[i].kind, "winograd in") == 0)
            return &e->buffer[e->step[i].out[DMX_SLOT_OUTPUT]];
    fail_msg("%s: no panels wait", dmx_engine_isa(e));
    return NULL;
}

/* In as many turns as there are panels, and in two of unequal length. */
static void check_turns(engine_trial *t)
{
    assert_true(engine_trial_plain(t));
    dmx_engine *e = engine_trial_engine(t, &engine_trial_usual);
    const int64_t all = waiting_of(e)->floats;
    assert_int_equal(engine_trial_steps(e, "winograd in"), 1);
    dmx_engine_close(e);
    const int64_t waiting[] = {1, all * 2 / 3};
    int turns[2];
    for (int i = 0; i < 2; i++) {
        dmx_engine_limits limits = engine_trial_usual;
        limits.waiting = waiting[i];
        e = engine_trial_engine(t, &limits);
        turns[i] = engine_trial_steps(e, "winograd in");
        assert_int_equal(engine_trial_steps(e, "winograd"), turns[i]);
        assert_true(waiting_of(e)->floats < all);
        check_same(t, e, "turns");
        dmx_engine_close(e);
    }
    assert_true(turns[0] >= 3);
    assert_int_equal(turns[1], 2);
}

static void test_turns(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = {{9, 150}, {11, 401}, {1, 1200}};
    const dmx_precision_plan exact = {{DMX_FLOAT32}},
                             narrow = {
                                 .of = {[DMX_LAYERS_WINOGRAD] = DMX_INT16}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        dmx_graph *g = convolution(sizes[i][0], sizes[i][1]);
        engine_trial t;
        engine_trial_open(&t, g);
        for (int k = 0; (t.options.isa = dmx_kernels_name(k)) != NULL; k++)
            for (int way = 0; way < 2; way++) {
                t.plan = way == 1 ? narrow : exact;
                t.options.threads = 12; /* for few panels each */
                check_turns(&t);
            }
        engine_trial_close(&t);
        graph_close(g);
    }
}

/* ---- the mixture's spectrogram twice ------------------------------------- */

/* The magnitudes of a mixture, changed, with its phase or as Wiener's filter;
 * and a sum with the mixture, which would overwrite it. */
static dmx_graph *masked(int64_t samples, bool wiener)
{
    seed = 9;
    dmx_graph *g = dmx_graph_open();
    assert_non_null(g);
    const dmx_value mix = dmx_graph_input(g, 2, samples);
    dmx_value z = dmx_graph_stft(g, "stft", mix, 256, DMX_FRAMES_HYBRID);
    const dmx_conv_geometry around = {.padding = {{0, 0}, {1, 1}}};
    dmx_value y =
        dmx_graph_conv(g, "conv", mix, TENSOR(2, 2, 1, 3), TENSOR(2), around);
    y = dmx_graph_activation(g, "gelu", DMX_OP_GELU, y);
    y = dmx_graph_add(
        g, "add",
        dmx_graph_conv(g, "conv", y, TENSOR(2, 2, 1, 3), TENSOR(2), around),
        mix, 1.0);
    dmx_value m = dmx_graph_magnitude(g, "magnitude", z);
    m = dmx_graph_conv(g, "conv", m, TENSOR(2, 2, 3, 3), TENSOR(2),
                       (dmx_conv_geometry){.padding = {{1, 1}, {1, 1}}});
    z = wiener ? dmx_graph_wiener(g, "wiener", m, z, 1, false)
               : dmx_graph_mask(g, "mask", m, z, 1e-8);
    dmx_graph_output(
        g, dmx_graph_add(g, "sum",
                         dmx_graph_istft(g, "istft", z, 256, DMX_FRAMES_HYBRID,
                                         dmx_length_fixed(samples)),
                         y, 1.0));
    assert_ok(dmx_graph_status(g, &err), &err);
    return g;
}

/* Computed again from the caller's input: the engine's own is not kept for it.
 */
static void check_spectrogram(engine_trial *t)
{
    dmx_engine_limits limits = engine_trial_usual;
    limits.spectrogram = 1;
    assert_true(engine_trial_plain(t));
    dmx_engine *once = engine_trial_engine(t, &engine_trial_usual);
    dmx_engine *twice = engine_trial_engine(t, &limits);
    assert_int_equal(engine_trial_steps(once, "stft"), 1);
    assert_int_equal(engine_trial_steps(once, "input"), 0);
    assert_int_equal(engine_trial_steps(twice, "stft"), 2);
    assert_int_equal(engine_trial_steps(twice, "input"), 1);
    for (size_t i = 0; i < twice->n_step; i++)
        if (strcmp(twice->step[i].kind, "input") == 0)
            assert_true(twice->buffer[twice->input].last < (int32_t)i);
    check_same(t, once, "one spectrogram");
    check_same(t, twice, "two spectrograms");
    dmx_engine_close(once);
    dmx_engine_close(twice);
}

static void test_spectrogram(void **state)
{
    (void)state;
    for (int wiener = 0; wiener < 2; wiener++) {
        dmx_graph *g = masked(5000, wiener == 1);
        engine_trial t;
        engine_trial_open(&t, g);
        for (int k = 0; (t.options.isa = dmx_kernels_name(k)) != NULL; k++)
            check_spectrogram(&t);
        engine_trial_close(&t);
        graph_close(g);
    }
}

/* ---- results and the arena ----------------------------------------------- */

/* Buffers that lie in the memory of the result. None reaches beyond it, nor
 * does the result lie there. */
static int lent_buffers(const dmx_engine *e, int64_t result)
{
    int count = 0;
    assert_true(e->lent <= result - DMX_LINE + 1);
    assert_true(e->buffer[e->output].offset >= e->lent);
    for (size_t i = 0; i < e->n_buffer; i++) {
        const dmx_buffer *b = &e->buffer[i];
        if (b->first < 0 || b->offset >= e->lent)
            continue;
        assert_true(b->offset + b->floats <= e->lent);
        count++;
    }
    return count;
}

static void test_result(void **state)
{
    (void)state;
    dmx_graph *g = masked(5000, false);
    engine_trial t;
    engine_trial_open(&t, g);
    assert_true(engine_trial_plain(&t));
    const int64_t result = (int64_t)t.count;
    for (int placing = DMX_PLACE_BEST; placing <= DMX_PLACE_EARLIER;
         placing++) {
        dmx_engine_limits limits = engine_trial_usual;
        limits.placing = (dmx_placing)placing;
        dmx_engine *apart = engine_trial_engine(&t, &limits);
        limits.result = result;
        dmx_engine *e = engine_trial_engine(&t, &limits);
        assert_int_equal(lent_buffers(apart, result), 0);
        assert_true(lent_buffers(e, result) > 0);
        assert_true(e->arena_floats < apart->arena_floats);
        check_same(&t, apart, "short result");
        check_same(&t, e, "result");
        dmx_engine_close(apart);
        dmx_engine_close(e);
    }
    engine_trial_close(&t);
    graph_close(g);
}

/* ---- bands -------------------------------------------------------------- */

typedef struct band_case {
    bool act, add;
    bool late;  /* the other term is made after the parts, */
    bool again; /* or used again after the sum, */
    bool first; /* or the first term */
    bool third; /* the middle band is used once more */
    int views;  /* at least; */
    int passes; /* at most: activations, additions, crops and concatenations */
} band_case;

static dmx_value transposed(dmx_graph *g, dmx_value x)
{
    const int64_t c = dmx_graph_shape(g, x).dim[0];
    return dmx_graph_conv_transpose(g, "conv_tr", x, TENSOR(c, 32, 8, 1),
                                    TENSOR(32),
                                    (dmx_conv_geometry){.stride = {4, 1}});
}

static dmx_value rows(dmx_graph *g, dmx_value x, int64_t from, int64_t to)
{
    return dmx_graph_crop(g, "crop", x, 1, from, to - from);
}

static dmx_value term_of(dmx_graph *g, dmx_value x)
{
    return dmx_graph_activation(g, "term", DMX_OP_GELU, transposed(g, x));
}

/* Three bands of rows through transposed convolutions, which overlap; the
 * result has the rows of one over all. */
static dmx_graph *bands(const band_case *c)
{
    dmx_value x;
    dmx_graph *g = begin(&x, 32, 24, 37);
    dmx_value other = c->late ? DMX_NO_VALUE : term_of(g, x);
    const dmx_value y[] = {transposed(g, rows(g, x, 0, 7)),
                           transposed(g, rows(g, x, 7, 15)),
                           transposed(g, rows(g, x, 15, 24))};
    dmx_value part[] = {rows(g, y[0], 0, 28),
                        dmx_graph_add(g, "lap", rows(g, y[0], 28, 32),
                                      rows(g, y[1], 0, 4), 1.0),
                        rows(g, y[1], 4, 32),
                        dmx_graph_add(g, "lap", rows(g, y[1], 32, 36),
                                      rows(g, y[2], 0, 4), 1.0),
                        rows(g, y[2], 4, 40)};
    dmx_value z = dmx_graph_concat(g, "concat", part, 5, 1);
    if (c->late)
        other = term_of(g, x);
    if (c->act)
        z = dmx_graph_activation(g, "gelu", DMX_OP_GELU, z);
    if (c->add)
        z = c->first ? dmx_graph_add(g, "sum", other, z, 1.0)
                     : dmx_graph_add(g, "sum", z, other, 0.5);
    if (c->again)
        z = dmx_graph_add(g, "again", z, other, 0.5);
    if (c->third)
        z = dmx_graph_add(g, "third", z,
                          dmx_graph_pad(g, "pad", part[2], 1, 1, 100 - 1 - 28),
                          1.0);
    engine_case_output(g, z);
    return g;
}

static int passes_of(const dmx_engine *e)
{
    return engine_trial_steps(e, "activation") + engine_trial_steps(e, "add") +
           engine_trial_steps(e, "crop") + engine_trial_steps(e, "concat");
}

/* The arena with copies in place of views. */
static int64_t arena_of_copies(const engine_trial *t)
{
    dmx_engine_limits limits = engine_trial_usual;
    limits.copies = true;
    dmx_engine *e = engine_trial_engine(t, &limits);
    const int64_t size = e->arena_floats;
    dmx_engine_close(e);
    return size;
}

static void test_bands(void **state)
{
    (void)state;
    static const band_case all[] = {
        {.views = 6, .passes = 2},
        {.act = true, .views = 8, .passes = 4},
        {.add = true, .views = 8, .passes = 4},
        {.act = true, .add = true, .views = 8, .passes = 6},
        {.act = true, .add = true, .first = true, .views = 8, .passes = 6},
        {.act = true, .add = true, .late = true, .views = 8, .passes = 5},
        {.act = true, .add = true, .again = true, .views = 8, .passes = 7},
        {.act = true, .add = true, .third = true, .views = 8, .passes = 9},
        {.third = true, .views = 6, .passes = 9},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        dmx_graph *g = bands(&all[i]);
        engine_trial t;
        engine_trial_open(&t, g);
        for (int k = 0; (t.options.isa = dmx_kernels_name(k)) != NULL; k++)
            for (int way = 0; way < 2; way++) {
                t.options.low_memory = way == 1;
                assert_true(engine_trial_plain(&t));
                dmx_engine *e = engine_trial_engine(&t, &engine_trial_usual);
                if (engine_trial_views(e) < all[i].views ||
                    passes_of(e) > all[i].passes)
                    fail_msg("case %zu: %d views, %d passes", i,
                             engine_trial_views(e), passes_of(e));
                assert_true(e->arena_floats <
                            arena_of_copies(&t) + all[i].third);
                check_same(&t, e, "bands");
                dmx_engine_close(e);
            }
        engine_trial_close(&t);
        graph_close(g);
    }
}

/* ---- views of what would be overwritten ----------------------------------
 */

static dmx_value zeros_around(dmx_graph *g, dmx_value x, int64_t rows_after)
{
    return dmx_graph_pad(g, "pad", x, 1, 0, rows_after);
}

/* The rows are changed, their signal is still needed. */
static dmx_value changed_rows(dmx_graph *g, dmx_value x)
{
    const dmx_value y =
        dmx_graph_activation(g, "gelu", DMX_OP_GELU, rows(g, x, 0, 9));
    return dmx_graph_add(g, "add", zeros_around(g, y, 15), x, 1.0);
}

/* The signal is added to, its rows are still needed. */
static dmx_value changed_signal(dmx_graph *g, dmx_value x)
{
    const dmx_value y = dmx_graph_activation(g, "gelu", DMX_OP_GELU, x);
    const dmx_value some = rows(g, rows(g, y, 3, 20), 2, 12);
    const dmx_value sum =
        dmx_graph_add(g, "sum",
                      dmx_graph_conv(g, "conv", x, TENSOR(32, 32, 1, 1),
                                     TENSOR(32), (dmx_conv_geometry){0}),
                      y, 1.0);
    return dmx_graph_add(g, "add", sum, zeros_around(g, some, 14), 1.0);
}

static void test_views(void **state)
{
    (void)state;
    dmx_value (*const all[])(dmx_graph *, dmx_value) = {changed_rows,
                                                        changed_signal};
    for (int i = 0; i < 2; i++) {
        dmx_value x;
        engine_trial t;
        dmx_graph *g = begin(&x, 32, 24, 37);
        engine_case_output(g, all[i](g, x));
        engine_trial_open(&t, g);
        assert_true(engine_trial_plain(&t));
        dmx_engine *e = engine_trial_engine(&t, &engine_trial_usual);
        assert_true(engine_trial_views(e) > 0);
        check_same(&t, e, i == 0 ? "changed rows" : "changed signal");
        dmx_engine_close(e);
        engine_trial_close(&t);
        graph_close(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),  cmocka_unit_test(test_spectrogram),
        cmocka_unit_test(test_result), cmocka_unit_test(test_bands),
        cmocka_unit_test(test_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
