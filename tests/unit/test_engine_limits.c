/* What the engine does with long signals to save memory, on small ones: the
 * same bits as without it, from any number of threads, run after run.
 * More networks: test_engine_limits CLASS FIRST COUNT */
#include "random_network.h"
#include "random_tensor.h"
#include "test_support.h"

#include "base/platform.h"
#include "base/test_signal.h"
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "engine/program.h"
#include "graph/builders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dmx_error err = DMX_ERROR_INIT;
static const dmx_precision_plan exact;

/* Nothing shares memory, nothing is done in turns. */
static const dmx_engine_limits plain = {.waiting = INT64_MAX / 2,
                                        .spectrogram = INT64_MAX,
                                        .result = INT64_MAX,
                                        .placing = DMX_PLACE_APART,
                                        .copies = true};
static const dmx_engine_limits usual = DMX_ENGINE_LIMITS;

/* ---- memory that is given back -------------------------------------------
 * It is not zero afterwards, as the system's would be, but NaN.
 */

static size_t given_back;

bool __wrap_dmx_pages_forget(void *p, size_t bytes);
bool __wrap_dmx_pages_forget(void *p, size_t bytes)
{
    memset(p, 0xff, bytes);
    given_back += bytes;
    return true;
}

/* ---- running ------------------------------------------------------------ */

typedef struct trial {
    const dmx_graph *graph;
    float *mix, *wanted, *got;
    size_t count; /* of the result */
    const dmx_precision_plan *plan;
    dmx_engine_options options;
} trial;

static void trial_open(trial *t, const dmx_graph *g)
{
    const dmx_shape in = dmx_graph_shape(g, g->input);
    const dmx_shape out = dmx_graph_shape(g, g->output);
    *t = (trial){.graph = g,
                 .count = (size_t)dmx_shape_count(&out),
                 .plan = &exact,
                 .options = DMX_ENGINE_OPTIONS_INIT};
    t->options.threads = 2;
    t->mix = calloc((size_t)dmx_shape_count(&in), sizeof *t->mix);
    t->wanted = calloc(t->count, sizeof *t->wanted);
    t->got = calloc(t->count, sizeof *t->got);
    assert_true(t->mix != NULL && t->wanted != NULL && t->got != NULL);
    dmx_signal_noise(t->mix, in.dim[0], in.dim[2]);
}

static void trial_close(trial *t)
{
    free(t->mix);
    free(t->wanted);
    free(t->got);
}

static dmx_engine *open_engine(const trial *t, const dmx_engine_limits *limits)
{
    dmx_engine *e;
    assert_ok(dmx_engine_open_limited(&e, t->graph, &t->options, t->plan,
                                      limits, &err),
              &err);
    return e;
}

/* Two runs in one memory; the second counts. */
static void run_twice(float *out, const trial *t, const dmx_engine *e)
{
    dmx_engine_state *s;
    assert_ok(dmx_engine_state_open(&s, e, &err), &err);
    for (int i = 0; i < 2; i++) {
        memset(out, 0, t->count * sizeof *out);
        assert_ok(dmx_engine_run(s, out, t->mix, NULL, &err), &err);
    }
    dmx_engine_state_close(s);
}

/* False: there is nothing but NaN and zeros to compare with. */
static bool run_plain(trial *t)
{
    dmx_engine *e = open_engine(t, &plain);
    run_twice(t->wanted, t, e);
    dmx_engine_close(e);
    float peak = 0.0f;
    for (size_t i = 0; i < t->count; i++)
        peak = t->wanted[i] > peak ? t->wanted[i] : peak;
    return peak > 0.0f;
}

static bool is_same(trial *t, const dmx_engine *e)
{
    run_twice(t->got, t, e);
    return memcmp(t->got, t->wanted, t->count * sizeof *t->got) == 0;
}

static void check_same(trial *t, const dmx_engine *e, const char *what)
{
    if (!is_same(t, e))
        fail_msg("%s, %s, %d threads: other bits", what, dmx_engine_isa(e),
                 t->options.threads);
}

static int steps_of(const dmx_engine *e, const char *kind)
{
    int count = 0;
    for (size_t i = 0; i < e->n_step; i++)
        count += strcmp(e->step[i].kind, kind) == 0;
    return count;
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
    dmx_graph *g = dmx_graph_open();
    assert_non_null(g);
    *x = dmx_graph_reshape(g, "rows", dmx_graph_input(g, channels, rows * cols),
                           (dmx_shape){3, {channels, rows, cols}});
    return g;
}

static void end(dmx_graph *g, dmx_value y)
{
    const dmx_shape s = dmx_graph_shape(g, y);
    const dmx_shape flat = {3, {s.dim[0], 1, s.dim[1] * s.dim[2]}};
    dmx_graph_output(g, dmx_graph_reshape(g, "out", y, flat));
    assert_ok(dmx_graph_status(g, &err), &err);
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
    end(g, dmx_graph_add(g, "add", y, x, 1.0));
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
static void check_turns(trial *t)
{
    assert_true(run_plain(t));
    dmx_engine *e = open_engine(t, &usual);
    const int64_t all = waiting_of(e)->floats;
    assert_int_equal(steps_of(e, "winograd in"), 1);
    dmx_engine_close(e);
    const int64_t waiting[] = {1, all * 2 / 3};
    int turns[2];
    for (int i = 0; i < 2; i++) {
        dmx_engine_limits limits = usual;
        limits.waiting = waiting[i];
        e = open_engine(t, &limits);
        turns[i] = steps_of(e, "winograd in");
        assert_int_equal(steps_of(e, "winograd"), turns[i]);
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
    const dmx_precision_plan narrow = {
        .of = {[DMX_LAYERS_WINOGRAD] = DMX_INT16}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        dmx_graph *g = convolution(sizes[i][0], sizes[i][1]);
        trial t;
        trial_open(&t, g);
        for (int k = 0; (t.options.isa = dmx_kernels_name(k)) != NULL; k++)
            for (int way = 0; way < 2; way++) {
                t.plan = way == 1 ? &narrow : &exact;
                t.options.threads = 12; /* for few panels each */
                check_turns(&t);
            }
        trial_close(&t);
        graph_close(g);
    }
}

/* ---- the mixture's spectrogram twice ------------------------------------- */

/* The magnitudes of a mixture, changed, with its phase; and a sum with the
 * mixture, which would overwrite it. */
static dmx_graph *masked(int64_t samples)
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
    z = dmx_graph_mask(g, "mask", m, z, 1e-8);
    dmx_graph_output(
        g, dmx_graph_add(g, "sum",
                         dmx_graph_istft(g, "istft", z, 256, DMX_FRAMES_HYBRID,
                                         dmx_length_fixed(samples)),
                         y, 1.0));
    assert_ok(dmx_graph_status(g, &err), &err);
    return g;
}

static void test_spectrogram(void **state)
{
    (void)state;
    dmx_engine_limits limits = usual;
    limits.spectrogram = 1;
    dmx_graph *g = masked(5000);
    trial t;
    trial_open(&t, g);
    for (int k = 0; (t.options.isa = dmx_kernels_name(k)) != NULL; k++) {
        assert_true(run_plain(&t));
        dmx_engine *once = open_engine(&t, &usual);
        dmx_engine *twice = open_engine(&t, &limits);
        assert_int_equal(steps_of(once, "stft"), 1);
        assert_int_equal(steps_of(twice, "stft"), 2);
        check_same(&t, once, "one spectrogram");
        check_same(&t, twice, "two spectrograms");
        dmx_engine_close(once);
        dmx_engine_close(twice);
    }
    trial_close(&t);
    graph_close(g);
}

/* ---- results and the arena ----------------------------------------------- */

/* Results at the start of the arena and at its end. */
static void test_result(void **state)
{
    (void)state;
    dmx_graph *g = convolution(9, 150);
    trial t;
    trial_open(&t, g);
    assert_true(run_plain(&t));
    bool first = false, last = false;
    for (int placing = DMX_PLACE_BEST; placing <= DMX_PLACE_APART; placing++) {
        dmx_engine_limits limits = usual;
        limits.result = 1;
        limits.placing = (dmx_placing)placing;
        dmx_engine *e = open_engine(&t, &limits);
        const dmx_buffer *b = &e->buffer[e->output];
        given_back = 0;
        check_same(&t, e, "result");
        const int64_t after = e->arena_floats - b->offset - b->floats;
        const int64_t room = dmx_max(b->offset, after);
        assert_int_equal(given_back,
                         2 * sizeof(float) *
                             (size_t)dmx_min(room, (int64_t)t.count));
        first = first || after > b->offset;
        last = last || b->offset > after;
        dmx_engine_close(e);
    }
    assert_true(first && last);
    dmx_engine *e = open_engine(&t, &usual);
    given_back = 0;
    check_same(&t, e, "short result");
    assert_int_equal(given_back, 0);
    dmx_engine_close(e);
    trial_close(&t);
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
    end(g, z);
    return g;
}

static int views_of(const dmx_engine *e)
{
    int count = 0;
    for (size_t i = 0; i < e->n_buffer; i++)
        count += e->buffer[i].base != DMX_NO_BUFFER;
    return count;
}

static int passes_of(const dmx_engine *e)
{
    return steps_of(e, "activation") + steps_of(e, "add") +
           steps_of(e, "crop") + steps_of(e, "concat");
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
        trial t;
        trial_open(&t, g);
        for (int k = 0; (t.options.isa = dmx_kernels_name(k)) != NULL; k++)
            for (int way = 0; way < 2; way++) {
                t.options.low_memory = way == 1;
                assert_true(run_plain(&t));
                dmx_engine *e = open_engine(&t, &usual);
                if (views_of(e) < all[i].views || passes_of(e) > all[i].passes)
                    fail_msg("case %zu: %d views, %d passes", i, views_of(e),
                             passes_of(e));
                check_same(&t, e, "bands");
                dmx_engine_close(e);
            }
        trial_close(&t);
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
        trial t;
        dmx_graph *g = begin(&x, 32, 24, 37);
        end(g, all[i](g, x));
        trial_open(&t, g);
        assert_true(run_plain(&t));
        dmx_engine *e = open_engine(&t, &usual);
        assert_true(views_of(e) > 0);
        check_same(&t, e, i == 0 ? "changed rows" : "changed signal");
        dmx_engine_close(e);
        trial_close(&t);
        graph_close(g);
    }
}

/* ---- whole networks ------------------------------------------------------ */

static random_seeds given;

typedef struct tally {
    int networks, failed, views, orders, spectrograms, turns;
} tally;

static int64_t compare(tally *n, trial *t, const dmx_engine_limits *limits,
                       const char *what)
{
    dmx_engine *e = open_engine(t, limits);
    const int64_t size = e->arena_floats;
    n->views += views_of(e) > 0;
    n->spectrograms += steps_of(e, "stft") > 1;
    n->turns += steps_of(e, "winograd in") > 0;
    if (!is_same(t, e)) {
        printf("FAILED: %s\n", what);
        n->failed++;
    }
    dmx_engine_close(e);
    return size;
}

static void compare_network(tally *n, trial *t)
{
    dmx_engine_limits limits = usual;
    int64_t least = INT64_MAX, size[DMX_PLACE_APART + 1];
    if (!run_plain(t))
        return;
    for (int i = DMX_PLACE_BEST; i <= DMX_PLACE_APART; i++) {
        limits.placing = (dmx_placing)i;
        size[i] = compare(n, t, &limits, "placing");
        if (i != DMX_PLACE_BEST)
            least = dmx_min(least, size[i]);
    }
    assert_int_equal(size[DMX_PLACE_BEST], least);
    assert_true(least < size[DMX_PLACE_APART]);
    n->orders += size[DMX_PLACE_LARGER] > least;
    const dmx_engine_limits low = {.waiting = 1, .spectrogram = 1, .result = 1};
    t->options.threads = 3;
    compare(n, t, &low, "low limits");
    n->networks++;
}

static void check_networks(tally *n, const char *klass, uint64_t count)
{
    const random_seeds seeds = random_seeds_of(&given, klass, count);
    for (uint64_t i = 0; i < seeds.count; i++) {
        random_network net;
        if (random_network_open(&net, klass, seeds.first + i)) {
            trial t;
            printf("%s %llu\n", klass, (unsigned long long)(seeds.first + i));
            trial_open(&t, net.graph);
            compare_network(n, &t);
            trial_close(&t);
        }
        random_network_close(&net);
    }
}

static void test_networks(void **state)
{
    (void)state;
    tally n = {0};
    check_networks(&n, "HDemucs", 10);
    check_networks(&n, "HTDemucs", 4);
    check_networks(&n, "Demucs", 3);
    assert_int_equal(n.failed, 0);
    if (given.klass == NULL)
        assert_true(n.networks > 8 && n.views > 0 && n.orders > 0 &&
                    n.spectrograms > 0 && n.turns > 0);
}

int main(int argc, char **argv)
{
    given = random_seeds_parse(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),  cmocka_unit_test(test_spectrogram),
        cmocka_unit_test(test_result), cmocka_unit_test(test_bands),
        cmocka_unit_test(test_views),  cmocka_unit_test(test_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
