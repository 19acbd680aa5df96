/* Files of any length and any batch, in the installed versions of ONNX
 * Runtime: against the original's recordings of several lengths and the
 * reference at lengths around every boundary; names of dimensions; batches. */
#include "golden.h"
#include "runtimes.h"
#include "test_support.h"

#include "arch/arch.h"
#include "base/memory.h"
#include "onnx/onnx_export.h"
#include "reference/reference.h"
#include "runtime/runtime.h"
#include "base/test_signal.h"

#include <onnx.pb-c.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a file and its session ---------------------------------------------- */
typedef struct subject {
    dmx_checkpoint *checkpoint;
    dmx_model *model;
    dmx_blob file;
    int64_t channels, rows; /* rows: sources * channels */
} subject;

static void open_subject(subject *s, const char *path, int64_t batch)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_graph *graph;
    assert_ok(dmx_checkpoint_open(&s->checkpoint, path, NULL, &err), &err);
    assert_ok(dmx_model_open(&s->model, s->checkpoint, NULL, &err), &err);
    assert_ok(dmx_model_graph_any(&graph, s->model, &err), &err);
    const dmx_identity who = dmx_model_identity(s->model);
    const dmx_onnx_options o = {.batch = batch};
    assert_ok(dmx_onnx_pack(&s->file, graph, &who, &o, &err), &err);
    s->channels = dmx_model_channels(s->model);
    s->rows = s->channels * (int64_t)dmx_model_sources(s->model);
}

static void close_subject(subject *s)
{
    dmx_blob_free(&s->file);
    dmx_model_close(s->model);
    dmx_checkpoint_close(s->checkpoint);
}

/* The newest ONNX Runtime, and the oldest supported one, where installed. */
static dmx_runtime *runtime[TEST_RUNTIMES];

static int open_runtimes(void **state)
{
    (void)state;
    for (int k = 0; k < TEST_RUNTIMES; k++)
        runtime[k] = test_runtime(k);
    return 0;
}

static int close_runtimes(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        dmx_runtime_close(runtime[k]);
    return 0;
}

static dmx_session *open_pinned(dmx_runtime *r, const dmx_blob *file,
                                int64_t batch, int64_t samples)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_session *s;
    const dmx_session_options o = {
        .threads = 1, .batch = batch, .samples = samples};
    assert_ok(
        dmx_session_open(&s, r, "dynamic", file->data, file->size, &o, &err),
        &err);
    return s;
}

static dmx_session *open_session(dmx_runtime *r, const dmx_blob *file)
{
    return open_pinned(r, file, 0, 0);
}

/* A session of the file in each runtime. */
typedef struct sessions {
    dmx_session *in[2];
} sessions;

static sessions open_sessions(const dmx_blob *file)
{
    sessions two = {0};
    for (int k = 0; k < 2; k++)
        if (runtime[k] != NULL)
            two.in[k] = open_session(runtime[k], file);
    return two;
}

static void close_sessions(sessions two)
{
    for (int k = 0; k < 2; k++)
        dmx_session_close(two.in[k]);
}

static void run(dmx_session *session, const subject *s, float *out,
                const float *mix, int64_t batch, int64_t samples)
{
    dmx_error err = DMX_ERROR_INIT;
    const int64_t dim[] = {batch, s->channels, samples};
    const dmx_run call = {.input = mix, .dim = dim, .rank = 3};
    assert_ok(dmx_session_run_first(session, &call, out,
                                    (size_t)(batch * s->rows * samples), &err),
              &err);
}

static float *signal_of(const char *kind, int64_t channels, int64_t samples)
{
    dmx_error err = DMX_ERROR_INIT;
    float *mix = calloc((size_t)(channels * samples), sizeof *mix);
    assert_non_null(mix);
    assert_ok(dmx_test_signal(mix, kind, channels, samples, &err), &err);
    return mix;
}

/* The largest difference over the largest value. */
static double distance(const double *a, const float *b, int64_t n)
{
    double peak = 1e-9, most = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = fabs(a[i] - (double)b[i]);
        peak = fmax(peak, fabs(a[i]));
        most = d > most || isnan(d) ? d : most;
    }
    return most / peak;
}

/* The signal over the error, in dB. */
static double snr(const double *a, const float *b, int64_t n)
{
    double signal = 0, noise = 1e-300;
    for (int64_t i = 0; i < n; i++) {
        const double d = a[i] - (double)b[i];
        signal += a[i] * a[i];
        noise += d * d;
    }
    return 10 * log10(signal / noise);
}

/* What the float64 reference makes of a mixture. */
static double *reference_of(const subject *s, const float *mix, int64_t samples)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_graph *g;
    const int64_t n = s->channels * samples;
    double *in = calloc((size_t)n, sizeof *in);
    double *out = calloc((size_t)(s->rows * samples), sizeof *out);
    assert_true(in != NULL && out != NULL);
    for (int64_t i = 0; i < n; i++)
        in[i] = (double)mix[i];
    assert_ok(dmx_model_graph(&g, s->model, samples, &err), &err);
    const dmx_reference_options o = {.threads = 1};
    assert_ok(dmx_reference_run(out, g, in, &o, &err), &err);
    dmx_graph_close(g);
    free(in);
    return out;
}

/* ---- lengths --------------------------------------------------------------
 */
static void check_length(sessions two, const subject *s, int64_t samples)
{
    const int64_t m = s->rows * samples;
    float *mix = signal_of("noise", s->channels, samples);
    float *out = calloc((size_t)m, sizeof *out);
    double *expected = reference_of(s, mix, samples);
    assert_non_null(out);
    for (int k = 0; k < 2; k++) {
        if (two.in[k] == NULL)
            continue;
        run(two.in[k], s, out, mix, 1, samples);
        const double d = distance(expected, out, m);
        if (!(d < 4e-6))
            fail_msg("%lld samples, runtime %d: %.2e of the peak, %.1f dB",
                     (long long)samples, k, d, snr(expected, out, m));
    }
    free(mix);
    free(out);
    free(expected);
}

/* 1 to 5,000 in steps of a prime, and both sides of each power of two of
 * hops. */
static void every_length(void **state)
{
    (void)state;
    subject s;
    open_subject(&s, test_data("htdemucs_dynamic/model.th"), 1);
    const sessions two = open_sessions(&s.file);
    for (int64_t n = 1; n <= 5000; n += 127)
        check_length(two, &s, n);
    for (int64_t n = 1024; n <= 16384; n *= 2)
        for (int64_t k = -1; k <= 1; k++)
            check_length(two, &s, n + k);
    close_sessions(two);
    close_subject(&s);
}

/* ---- recordings -----------------------------------------------------------
 */
static void check_recording(dmx_session *session, const subject *s,
                            const float *mix, int64_t whole, int64_t samples)
{
    char path[64];
    int rank;
    int64_t dim[8];
    snprintf(path, sizeof path, "htdemucs_dynamic/stems_%lld.npy",
             (long long)samples);
    float *stems = test_read_npy(test_data(path), &rank, dim);
    float *in = calloc((size_t)(s->channels * samples), sizeof *in);
    float *out = calloc((size_t)(s->rows * samples), sizeof *out);
    assert_true(in != NULL && out != NULL && dim[3] <= samples);
    for (int64_t c = 0; c < s->channels; c++)
        memcpy(in + c * samples, mix + c * whole, (size_t)samples * sizeof *in);
    run(session, s, out, in, 1, samples);
    double peak = 0, most = 0;
    for (int64_t row = 0; row < s->rows; row++)
        for (int64_t i = 0; i < dim[3]; i++) {
            const double a = (double)stems[row * dim[3] + i];
            const double d = fabs(a - (double)out[row * samples + i]);
            peak = fmax(peak, fabs(a));
            most = fmax(most, d);
        }
    if (!(most / peak < 2e-6))
        fail_msg("%lld samples: %.2e of the original's peak",
                 (long long)samples, most / peak);
    free(stems);
    free(in);
    free(out);
}

static void the_originals_outputs(void **state)
{
    static const int64_t length[] = {8000, 21498, 30000, 44101};
    (void)state;
    int rank;
    int64_t dim[8];
    float *mix =
        test_read_npy(test_data("htdemucs_dynamic/mix.npy"), &rank, dim);
    subject s;
    open_subject(&s, test_data("htdemucs_dynamic/model.th"), DMX_ANY);
    const sessions two = open_sessions(&s.file);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0;
             two.in[k] != NULL && i < sizeof length / sizeof length[0]; i++)
            check_recording(two.in[k], &s, mix, dim[2], length[i]);
    close_sessions(two);
    close_subject(&s);
    free(mix);
}

/* ---- every fixture, in batches --------------------------------------------
 */
/* Two inputs at once, each giving what it gives alone. */
static void check_pair(dmx_session *session, const subject *s, int64_t samples)
{
    const int64_t n = s->channels * samples, m = s->rows * samples;
    float *noise = signal_of("noise", s->channels, samples);
    float *music = signal_of("music", s->channels, samples);
    float *mix = calloc((size_t)(2 * n), sizeof *mix);
    float *both = calloc((size_t)(2 * m), sizeof *both);
    float *alone = calloc((size_t)m, sizeof *alone);
    double *wide = calloc((size_t)m, sizeof *wide);
    assert_true(mix != NULL && both != NULL && alone != NULL && wide != NULL);
    memcpy(mix, noise, (size_t)n * sizeof *mix);
    memcpy(mix + n, music, (size_t)n * sizeof *mix);
    run(session, s, both, mix, 2, samples);
    for (int64_t k = 0; k < 2; k++) {
        run(session, s, alone, mix + k * n, 1, samples);
        for (int64_t i = 0; i < m; i++)
            wide[i] = (double)alone[i];
        assert_true(distance(wide, both + k * m, m) < 4e-6);
    }
    free(noise);
    free(music);
    free(mix);
    free(both);
    free(alone);
    free(wide);
}

static void check_fixture(const char *name, bool oldest_too)
{
    char path[128];
    subject s;
    snprintf(path, sizeof path, "%s/model.th", name);
    open_subject(&s, test_data(path), DMX_ANY);
    sessions two = {0};
    for (int k = 0; k < (oldest_too ? 2 : 1); k++)
        if (runtime[k] != NULL)
            two.in[k] = open_session(runtime[k], &s.file);
    const int64_t length[] = {997, 10007,
                              dmx_model_samples(s.model) < 30000
                                  ? dmx_model_samples(s.model)
                                  : 30011};
    for (size_t i = 0; i < sizeof length / sizeof length[0]; i++)
        check_length(two, &s, length[i]);
    for (int k = 0; k < 2; k++)
        if (two.in[k] != NULL)
            check_pair(two.in[k], &s, 3001);
    close_sessions(two);
    close_subject(&s);
}

static void every_fixture(void **state)
{
    (void)state;
    for (size_t i = 0; runtime[0] != NULL && golden_fixture(i) != NULL; i++)
        if (strcmp(golden_fixture(i), "state_dict_only") != 0)
            check_fixture(golden_fixture(i), i % 3 == 0);
}

/* A fixed batch at a fixed length. */
static void fixed_batch(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_runtime *r = runtime[0];
    if (r == NULL)
        skip();
    static const char *const name[] = {"htdemucs", "group_norms"};
    for (size_t i = 0; i < 2; i++) {
        char path[64];
        subject s;
        dmx_graph *g;
        const int64_t samples = 9001;
        snprintf(path, sizeof path, "%s/model.th", name[i]);
        open_subject(&s, test_data(path), DMX_ANY);
        dmx_session *any = open_session(r, &s.file);
        dmx_blob file;
        const dmx_onnx_options o = {.batch = 2};
        assert_ok(dmx_model_graph(&g, s.model, samples, &err), &err);
        assert_ok(dmx_onnx_pack(&file, g, NULL, &o, &err), &err);
        dmx_session *two = open_session(r, &file);
        const int64_t n = s.channels * samples, m = s.rows * samples;
        float *mix = signal_of("noise", 2 * s.channels, samples);
        float *a = calloc((size_t)(2 * m), sizeof *a);
        float *b = calloc((size_t)(2 * m), sizeof *b);
        double *wide = calloc((size_t)(2 * m), sizeof *wide);
        assert_true(a != NULL && b != NULL && wide != NULL);
        run(any, &s, a, mix, 1, samples);
        run(any, &s, a + m, mix + n, 1, samples);
        run(two, &s, b, mix, 2, samples);
        for (int64_t k = 0; k < 2 * m; k++)
            wide[k] = (double)a[k];
        assert_true(distance(wide, b, 2 * m) < 4e-6);
        free(mix);
        free(a);
        free(b);
        free(wide);
        dmx_session_close(two);
        dmx_session_close(any);
        dmx_blob_free(&file);
        dmx_graph_close(g);
        close_subject(&s);
    }
}

/* A session whose free dimensions are pinned when it is made. */
static void pinned(void **state)
{
    (void)state;
    subject s;
    sessions two = {0};
    open_subject(&s, test_data("htdemucs_dynamic/model.th"), DMX_ANY);
    for (int k = 0; k < 2; k++) {
        if (runtime[k] == NULL)
            continue;
        size_t count;
        two.in[k] = open_pinned(runtime[k], &s.file, 1, 9001);
        const dmx_port *in = dmx_session_inputs(two.in[k], &count);
        assert_int_equal(in->dim[0], 1);
        assert_int_equal(in->dim[2], 9001);
    }
    check_length(two, &s, 9001);
    close_sessions(two);
    close_subject(&s);
}

/* ---- names of dimensions ---------------------------------------------------
 * sum  = term {(+|-) term}, term = factor {* factor},
 * factor = number | samples | batch | (sum) | max(sum,sum) | ceil(sum/number)
 */
typedef struct expression {
    const char *at;
    int64_t samples, batch;
} expression;

static int64_t sum_of(expression *x);

static bool takes(expression *x, const char *word)
{
    const size_t n = strlen(word);
    if (strncmp(x->at, word, n) != 0)
        return false;
    x->at += n;
    return true;
}

static int64_t factor_of(expression *x)
{
    if (takes(x, "samples"))
        return x->samples;
    if (takes(x, "batch"))
        return x->batch;
    if (takes(x, "max(")) {
        const int64_t a = sum_of(x);
        assert_true(takes(x, ","));
        const int64_t b = sum_of(x);
        assert_true(takes(x, ")"));
        return a > b ? a : b;
    }
    if (takes(x, "ceil(")) {
        const int64_t a = sum_of(x);
        assert_true(takes(x, "/"));
        const int64_t b = sum_of(x);
        assert_true(takes(x, ")") && b > 0);
        return (a + b - 1) / b;
    }
    if (takes(x, "(")) {
        const int64_t a = sum_of(x);
        assert_true(takes(x, ")"));
        return a;
    }
    char *end;
    const int64_t n = strtoll(x->at, &end, 10);
    assert_true(end != x->at);
    x->at = end;
    return n;
}

static int64_t term_of(expression *x)
{
    int64_t n = factor_of(x);
    while (takes(x, "*"))
        n *= factor_of(x);
    return n;
}

static int64_t sum_of(expression *x)
{
    int64_t n = term_of(x);
    for (;;)
        if (takes(x, "+"))
            n += term_of(x);
        else if (takes(x, "-"))
            n -= term_of(x);
        else
            return n;
}

typedef struct truth {
    Onnx__ValueInfoProto **info;
    const char **name;
    size_t count, named; /* values, and free dimensions seen */
    int64_t samples, batch;
} truth;

static dmx_status is_true(void *user, size_t index, const float *data, int rank,
                          const int64_t *dim, dmx_error *err)
{
    truth *t = user;
    const Onnx__TensorShapeProto *s = t->info[index]->type->tensor_type->shape;
    (void)data;
    (void)err;
    assert_int_equal(s->n_dim, rank);
    for (size_t k = 0; k < s->n_dim; k++) {
        const Onnx__TensorShapeProto__Dimension *d = s->dim[k];
        if (d->value_case ==
            ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM) {
            expression x = {d->dim_param, t->samples, t->batch};
            const int64_t n = sum_of(&x);
            t->named++;
            if (*x.at != '\0' || n != dim[k])
                fail_msg("%s: %s is %lld at %lld samples, not %lld",
                         t->info[index]->name, d->dim_param, (long long)dim[k],
                         (long long)t->samples, (long long)n);
        } else if (d->value_case ==
                   ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
            assert_int_equal(d->dim_value, dim[k]);
        }
    }
    return DMX_OK;
}

/* The model with all its float32 values as outputs. */
static dmx_blob with_all_outputs(Onnx__ModelProto *m, truth *t)
{
    Onnx__GraphProto *g = m->graph;
    Onnx__ValueInfoProto **own = g->output;
    const size_t n_own = g->n_output;
    t->info = calloc(g->n_value_info, sizeof(Onnx__ValueInfoProto *));
    t->name = calloc(g->n_value_info, sizeof *t->name);
    assert_true(t->info != NULL && t->name != NULL);
    for (size_t i = 0; i < g->n_value_info; i++)
        if (g->value_info[i]->type->tensor_type->elem_type ==
            ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT) {
            t->info[t->count] = g->value_info[i];
            t->name[t->count++] = g->value_info[i]->name;
        }
    g->output = t->info;
    g->n_output = t->count;
    dmx_blob b = {.size = onnx__model_proto__get_packed_size(m)};
    b.data = dmx_aligned_alloc(b.size, 1);
    assert_non_null(b.data);
    onnx__model_proto__pack(m, b.data);
    g->output = own;
    g->n_output = n_own;
    return b;
}

static void check_names(dmx_runtime *r, const char *name)
{
    char path[128];
    subject s;
    truth t = {0};
    dmx_error err = DMX_ERROR_INIT;
    snprintf(path, sizeof path, "%s/model.th", name);
    open_subject(&s, test_data(path), DMX_ANY);
    Onnx__ModelProto *m =
        onnx__model_proto__unpack(NULL, s.file.size, s.file.data);
    assert_non_null(m);
    assert_int_equal(m->graph->n_value_info, m->graph->n_node - 1);
    dmx_blob all = with_all_outputs(m, &t);
    dmx_session *session = open_session(r, &all);
    static const int64_t length[] = {1, 700, 1025, 2560, 9001};
    for (size_t i = 0; i < sizeof length / sizeof length[0]; i++) {
        t.samples = length[i];
        t.batch = 1 + (int64_t)(i & 1);
        float *mix = signal_of("noise", t.batch * s.channels, t.samples);
        const int64_t dim[] = {t.batch, s.channels, t.samples};
        const dmx_run call = {.input = mix,
                              .dim = dim,
                              .rank = 3,
                              .output_name = t.name,
                              .n_output = t.count,
                              .visit = is_true,
                              .user = &t};
        assert_ok(dmx_session_run(session, &call, &err), &err);
        free(mix);
    }
    assert_true(t.named > 1000);
    dmx_session_close(session);
    dmx_blob_free(&all);
    free(t.info);
    free(t.name);
    onnx__model_proto__free_unpacked(m, NULL);
    close_subject(&s);
}

static void names_are_true(void **state)
{
    static const char *const fixture[] = {"htdemucs_dynamic", "group_norms",
                                          "emb_cape", "merged_branches"};
    (void)state;
    dmx_runtime *r = runtime[0];
    if (r == NULL)
        skip();
    for (size_t i = 0; i < sizeof fixture / sizeof fixture[0]; i++)
        check_names(r, fixture[i]);
}

/* ---- positions ------------------------------------------------------------
 */
static int64_t ulps(float a, float b)
{
    int32_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    const int64_t p = x < 0 ? INT32_MIN - (int64_t)x : x;
    const int64_t q = y < 0 ? INT32_MIN - (int64_t)y : y;
    return p > q ? p - q : q - p;
}

typedef struct tables {
    const dmx_attributes *at[2]; /* of one axis, of two */
    bool seen[2];
} tables;

/* PyTorch's phases are float32; sine and cosine of them, rounded once. The
 * table of one axis is [T, width], cosines first; that of two [T, width / 4,
 * 2], sines first. */
static dmx_status is_pytorchs(void *user, size_t index, const float *data,
                              int rank, const int64_t *dim, dmx_error *err)
{
    tables *t = user;
    float base[1024];
    (void)index;
    (void)err;
    const bool one = rank == 2;
    const int64_t n = one ? dim[1] / 2 : dim[1];
    const int64_t next = one ? n : 1, step = one ? 1 : 2;
    assert_true(n <= 1024 && (one || dim[2] == 2));
    if (one)
        dmx_position_divisors_1d(base, t->at[0]);
    else
        dmx_position_factors_2d(base, t->at[1]);
    for (int64_t p = 0; p < dim[0]; p++)
        for (int64_t i = 0; i < n; i++) {
            const float phase = one ? (float)p / base[i] : (float)p * base[i];
            const float *y = data + p * 2 * n + i * step;
            const double first = one ? cos((double)phase) : sin((double)phase);
            const double second = one ? sin((double)phase) : cos((double)phase);
            assert_true(ulps(y[0], (float)first) <= 1);
            assert_true(ulps(y[next], (float)second) <= 1);
        }
    t->seen[one ? 0 : 1] = true;
    return DMX_OK;
}

/* The tables in the file: float32 of sines in float64. */
static size_t find_tables(const Onnx__ModelProto *m, const char *name[2])
{
    size_t n = 0;
    const Onnx__GraphProto *g = m->graph;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(g->node[i]->op_type, "Cast") == 0 &&
                strcmp(g->node[k]->op_type, "Sin") == 0 &&
                strcmp(g->node[k]->output[0], g->node[i]->input[0]) == 0 &&
                n < 2)
                name[n++] = g->node[i]->output[0];
    return n;
}

static bool is_among(const char *const *name, size_t count, const char *x)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name[i], x) == 0)
            return true;
    return false;
}

/* The nodes that the two values need, in order; their number. Runtimes run the
 * others, too. */
static size_t ancestors(Onnx__NodeProto **out, const Onnx__GraphProto *g,
                        const char *const name[2])
{
    const char *needed[256] = {name[0], name[1]};
    size_t n_needed = 2, first = g->n_node;
    for (size_t i = g->n_node; i-- > 0;) {
        Onnx__NodeProto *node = g->node[i];
        if (!is_among(needed, n_needed, node->output[0]))
            continue;
        out[--first] = node;
        assert_true(n_needed + node->n_input <= 256);
        for (size_t k = 0; k < node->n_input; k++)
            needed[n_needed++] = node->input[k];
    }
    const size_t count = g->n_node - first;
    memmove(out, out + first, count * sizeof(Onnx__NodeProto *));
    return count;
}

static dmx_blob with_outputs(Onnx__ModelProto *m, const char *const name[2])
{
    Onnx__GraphProto *g = m->graph;
    Onnx__ValueInfoProto **own = g->output, *info[2];
    Onnx__NodeProto **all = g->node;
    const size_t n_own = g->n_output, n_all = g->n_node;
    Onnx__NodeProto **node = calloc(n_all, sizeof(Onnx__NodeProto *));
    assert_non_null(node);
    for (size_t i = 0; i < g->n_value_info; i++)
        for (size_t k = 0; k < 2; k++)
            if (strcmp(g->value_info[i]->name, name[k]) == 0)
                info[k] = g->value_info[i];
    g->output = info;
    g->n_output = 2;
    g->n_node = ancestors(node, g, name);
    g->node = node;
    dmx_blob b = {.size = onnx__model_proto__get_packed_size(m)};
    b.data = dmx_aligned_alloc(b.size, 1);
    assert_non_null(b.data);
    onnx__model_proto__pack(m, b.data);
    g->output = own;
    g->n_output = n_own;
    g->node = all;
    g->n_node = n_all;
    free(node);
    return b;
}

static void positions_of(dmx_runtime *r, const subject *s, int64_t samples)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_graph *g;
    tables t = {0};
    const char *name[2] = {NULL, NULL};
    Onnx__ModelProto *m =
        onnx__model_proto__unpack(NULL, s->file.size, s->file.data);
    assert_true(m != NULL && find_tables(m, name) == 2);
    dmx_blob file = with_outputs(m, name);
    assert_ok(dmx_model_graph(&g, s->model, 9001, &err), &err);
    for (size_t i = 0; i < g->n_node; i++)
        if (g->node[i].op == DMX_OP_POSITION_1D ||
            g->node[i].op == DMX_OP_POSITION_2D)
            t.at[g->node[i].op == DMX_OP_POSITION_2D] = &g->node[i].at;
    assert_true(t.at[0] != NULL && t.at[1] != NULL);
    dmx_session *session = open_session(r, &file);
    float *mix = calloc((size_t)(s->channels * samples), sizeof *mix);
    assert_non_null(mix);
    const int64_t dim[] = {1, s->channels, samples};
    const dmx_run call = {.input = mix,
                          .dim = dim,
                          .rank = 3,
                          .output_name = name,
                          .n_output = 2,
                          .visit = is_pytorchs,
                          .user = &t};
    assert_ok(dmx_session_run(session, &call, &err), &err);
    assert_true(t.seen[0] && t.seen[1]);
    free(mix);
    dmx_session_close(session);
    dmx_graph_close(g);
    dmx_blob_free(&file);
    onnx__model_proto__free_unpacked(m, NULL);
}

static void positions_are_pytorchs(void **state)
{
    (void)state;
    subject s;
    open_subject(&s, test_data("htdemucs_dynamic/model.th"), DMX_ANY);
    for (int k = 0; k < 2; k++) {
        if (runtime[k] == NULL)
            continue;
        positions_of(runtime[k], &s, 9001);
        positions_of(runtime[k], &s, 1000003);
    }
    close_subject(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length),
        cmocka_unit_test(fixed_batch),
        cmocka_unit_test(pinned),
        cmocka_unit_test(every_fixture),
        cmocka_unit_test(names_are_true),
        cmocka_unit_test(positions_are_pytorchs),
        cmocka_unit_test(the_originals_outputs),
    };
    return cmocka_run_group_tests(tests, open_runtimes, close_runtimes);
}
