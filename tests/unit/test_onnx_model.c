/* What every written file promises: structure, names, metadata, reproducible
 * bytes, lossless halves. */
#include "test_support.h"

#include "arch/arch.h"
#include "onnx/onnx_export.h"
#include "base/tensor.h"

#include <onnx.pb-c.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const fixtures[] = {
    "htdemucs",   "htdemucs_6s", "multi_freqs",    "group_norms",
    "no_rewrite", "post_norm",   "mono_two_stems", "merged_branches",
};
#define N_FIXTURE (sizeof fixtures / sizeof fixtures[0])

typedef struct subject {
    dmx_checkpoint *checkpoint;
    dmx_model *model;
    dmx_graph *graph;
} subject;

static subject open_subject(const char *path, int64_t samples)
{
    dmx_error err = DMX_ERROR_INIT;
    subject s;
    assert_ok(dmx_checkpoint_open(&s.checkpoint, path, NULL, &err), &err);
    assert_ok(dmx_model_open(&s.model, s.checkpoint, NULL, &err), &err);
    assert_ok(dmx_model_graph(&s.graph, s.model, samples, &err), &err);
    return s;
}

static subject open_fixture(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/model.th", name);
    return open_subject(test_data(path), 0);
}

static void close_subject(subject *s)
{
    dmx_graph_close(s->graph);
    dmx_model_close(s->model);
    dmx_checkpoint_close(s->checkpoint);
}

static dmx_blob pack(const subject *s, const dmx_onnx_options *o)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_blob out;
    const dmx_identity who = dmx_model_identity(s->model);
    assert_ok(dmx_onnx_pack(&out, s->graph, &who, o, &err), &err);
    return out;
}

static Onnx__ModelProto *unpack(const dmx_blob *b)
{
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, b->size, b->data);
    assert_non_null(m);
    return m;
}

static const char *metadata(const Onnx__ModelProto *m, const char *key)
{
    for (size_t i = 0; i < m->n_metadata_props; i++)
        if (strcmp(m->metadata_props[i]->key, key) == 0)
            return m->metadata_props[i]->value;
    return NULL;
}

/* ---- structure ------------------------------------------------------------
 */
typedef struct names {
    const char **item;
    size_t count;
} names;

static bool has(const names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->item[i], name) == 0)
            return true;
    return false;
}

/* Every value is made once, before it is used. */
static void check_order(const Onnx__GraphProto *g)
{
    names known = {0};
    known.item =
        calloc(2 * g->n_node + g->n_initializer + 1, sizeof *known.item);
    known.item[known.count++] = g->input[0]->name;
    for (size_t i = 0; i < g->n_initializer; i++) {
        assert_false(has(&known, g->initializer[i]->name));
        known.item[known.count++] = g->initializer[i]->name;
    }
    for (size_t i = 0; i < g->n_node; i++) {
        for (size_t k = 0; k < g->node[i]->n_input; k++)
            assert_true(has(&known, g->node[i]->input[k]));
        for (size_t k = 0; k < g->node[i]->n_output; k++) {
            assert_false(has(&known, g->node[i]->output[k]));
            known.item[known.count++] = g->node[i]->output[k];
        }
    }
    assert_true(has(&known, g->output[0]->name));
    free(known.item);
}

static void check_operators(const Onnx__GraphProto *g)
{
    static const char *const forbidden[] = {
        "ScatterND", "Split", "STFT",     "DFT",     "InstanceNormalization",
        "Loop",      "If",    "Identity", "Constant"};
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *n = g->node[i];
        for (size_t k = 0; k < sizeof forbidden / sizeof forbidden[0]; k++)
            assert_string_not_equal(n->op_type, forbidden[k]);
        assert_int_equal(n->name[0], '/');
        assert_true(n->domain == NULL || n->domain[0] == '\0');
    }
}

static void check_weights(const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_initializer; i++) {
        const Onnx__TensorProto *t = g->initializer[i];
        size_t count = 1;
        for (size_t k = 0; k < t->n_dims; k++)
            count *= (size_t)t->dims[k];
        const bool wide = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
        const bool half =
            t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
        assert_int_equal(t->raw_data.len, count * (wide ? 4 : half ? 2 : 8));
        for (size_t k = 0; wide && k < count; k++) {
            float value;
            memcpy(&value, t->raw_data.data + 4 * k, sizeof value);
            assert_true(isfinite(value));
        }
    }
}

static void check_ports(const Onnx__ModelProto *m, const subject *s)
{
    const Onnx__GraphProto *g = m->graph;
    assert_int_equal(g->n_input, 1);
    assert_int_equal(g->n_output, 1);
    assert_string_equal(g->input[0]->name, "mix");
    assert_string_equal(g->output[0]->name, "stems");
    const Onnx__TensorShapeProto *in = g->input[0]->type->tensor_type->shape;
    const Onnx__TensorShapeProto *out = g->output[0]->type->tensor_type->shape;
    assert_int_equal(in->n_dim, 3);
    assert_int_equal(out->n_dim, 4);
    assert_int_equal(in->dim[1]->dim_value, dmx_model_channels(s->model));
    assert_int_equal(in->dim[2]->dim_value, dmx_model_samples(s->model));
    assert_int_equal(out->dim[1]->dim_value, dmx_model_sources(s->model));
    assert_int_equal(out->dim[2]->dim_value, dmx_model_channels(s->model));
    assert_int_equal(out->dim[3]->dim_value, dmx_model_samples(s->model));
}

static void check_metadata(const Onnx__ModelProto *m, const subject *s)
{
    static const char *const keys[] = {
        "contract",    "sources",           "samplerate",
        "segment",     "samples",           "architecture",
        "arguments",   "checkpoint_sha256", "audio_channels",
        "precision",   "pads_to_segment",   "tool",
        "tool_version"};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        assert_non_null(metadata(m, keys[k]));
    assert_string_equal(metadata(m, "checkpoint_sha256"),
                        dmx_checkpoint_sha256(s->checkpoint));
    assert_null(metadata(m, "stem"));
}

static void test_structure(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FIXTURE; i++) {
        subject s = open_fixture(fixtures[i]);
        dmx_blob b = pack(&s, NULL);
        Onnx__ModelProto *m = unpack(&b);
        assert_int_equal(m->ir_version, 8);
        assert_int_equal(m->n_opset_import, 1);
        assert_int_equal(m->opset_import[0]->version, 17);
        check_ports(m, &s);
        check_metadata(m, &s);
        check_operators(m->graph);
        check_weights(m->graph);
        check_order(m->graph);
        onnx__model_proto__free_unpacked(m, NULL);
        dmx_blob_free(&b);
        close_subject(&s);
    }
}

/* Every module that computes appears in the name of some node. */
static void test_names(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "/encoder.0.conv/Conv",
        "/encoder.0.dconv.layers.1.3/Conv",
        "/crosstransformer.layers.1.cross_attn.out_proj/Conv",
        "/crosstransformer.layers_t.2.norm1/LayerNormalization",
        "/decoder.3.conv_tr/Conv",
        "/stft/MatMul",
    };
    subject s = open_fixture("htdemucs");
    dmx_blob b = pack(&s, NULL);
    Onnx__ModelProto *m = unpack(&b);
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
        bool found = false;
        for (size_t i = 0; i < m->graph->n_node; i++)
            found = found || strcmp(m->graph->node[i]->name, wanted[k]) == 0;
        if (!found)
            fail_msg("no node %s", wanted[k]);
    }
    onnx__model_proto__free_unpacked(m, NULL);
    dmx_blob_free(&b);
    close_subject(&s);
}

/* ---- bytes -----------------------------------------------------------------
 */
static void test_reproducible(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_onnx_options one = {.threads = 1}, many = {.threads = 4};
    subject s = open_fixture("htdemucs"), again = open_fixture("htdemucs");
    dmx_blob a = pack(&s, &one), b = pack(&again, &many), c;
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    char path[512];
    snprintf(path, sizeof path, "%s/model.onnx", test_folder());
    dmx_output out;
    assert_ok(dmx_output_open(&out, path, &err), &err);
    const dmx_identity who = dmx_model_identity(s.model);
    assert_ok(dmx_onnx_write(&out, s.graph, &who, NULL, &err), &err);
    assert_ok(dmx_output_commit(&out, NULL, &err), &err);
    assert_ok(dmx_file_read(&c, path, (size_t)1 << 30, &err), &err);
    assert_int_equal(a.size, c.size);
    assert_memory_equal(a.data, c.data, a.size);
    dmx_blob_free(&a);
    dmx_blob_free(&b);
    dmx_blob_free(&c);
    close_subject(&s);
    close_subject(&again);
}

static const Onnx__TensorProto *find(const Onnx__GraphProto *g,
                                     const char *name)
{
    for (size_t i = 0; i < g->n_initializer; i++)
        if (strcmp(g->initializer[i]->name, name) == 0)
            return g->initializer[i];
    return NULL;
}

/* A half, widened, is the weight of the float32 file; where that file has the
 * weight folded (a factor per column), only its count can be compared. */
static void test_halves(void **state)
{
    (void)state;
    const dmx_onnx_options halves = {.precision = DMX_PRECISION_FP16_WEIGHTS};
    subject s = open_fixture("htdemucs");
    dmx_blob a = pack(&s, NULL), b = pack(&s, &halves);
    Onnx__ModelProto *wide = unpack(&a), *narrow = unpack(&b);
    size_t n_half = 0, equal = 0;
    for (size_t i = 0; i < narrow->graph->n_initializer; i++) {
        const Onnx__TensorProto *t = narrow->graph->initializer[i];
        if (t->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16)
            continue;
        const Onnx__TensorProto *f = find(wide->graph, t->name);
        assert_non_null(f);
        assert_int_equal(f->raw_data.len, 2 * t->raw_data.len);
        bool same = true;
        for (size_t k = 0; k < t->raw_data.len / 2; k++) {
            uint16_t h;
            float x;
            memcpy(&h, t->raw_data.data + 2 * k, sizeof h);
            memcpy(&x, f->raw_data.data + 4 * k, sizeof x);
            same = same && dmx_f16_to_f32(h) == x;
        }
        n_half++;
        equal += same;
    }
    assert_true(n_half > 50);
    assert_true(equal > n_half / 2);
    assert_true(b.size < a.size);
    assert_string_equal(metadata(narrow, "precision"), "fp16weights");
    onnx__model_proto__free_unpacked(wide, NULL);
    onnx__model_proto__free_unpacked(narrow, NULL);
    dmx_blob_free(&a);
    dmx_blob_free(&b);
    close_subject(&s);
}

/* ---- options ----------------------------------------------------------------
 */
static void test_pruned(void **state)
{
    (void)state;
    const size_t chosen[] = {1, 3};
    const dmx_onnx_options o = {
        .chosen = chosen, .n_chosen = 2, .stem = "bass", .bag = "four"};
    subject s = open_fixture("htdemucs");
    dmx_blob whole = pack(&s, NULL), b = pack(&s, &o);
    Onnx__ModelProto *m = unpack(&b);
    const Onnx__TensorShapeProto *out =
        m->graph->output[0]->type->tensor_type->shape;
    assert_int_equal(out->dim[1]->dim_value, 2);
    assert_string_equal(metadata(m, "sources"), "[\"bass\",\"vocals\"]");
    assert_string_equal(metadata(m, "stem"), "bass");
    assert_string_equal(metadata(m, "bag"), "four");
    assert_string_equal(metadata(m, "pruned"), "true");
    assert_true(b.size < whole.size);
    onnx__model_proto__free_unpacked(m, NULL);
    dmx_blob_free(&b);
    dmx_blob_free(&whole);
    close_subject(&s);
}

static void expect_refused(const subject *s, const dmx_onnx_options *o)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_blob b;
    const dmx_identity who = dmx_model_identity(s->model);
    assert_int_equal(dmx_onnx_pack(&b, s->graph, &who, o, &err),
                     DMX_ERROR_ARGUMENT);
    assert_true(err.message[0] != '\0');
    assert_null(b.data);
}

static void test_refusals(void **state)
{
    (void)state;
    const size_t falling[] = {2, 1}, beyond[] = {4};
    subject s = open_fixture("htdemucs");
    expect_refused(&s, &(dmx_onnx_options){.opset = 16});
    expect_refused(&s, &(dmx_onnx_options){.opset = 18});
    expect_refused(&s, &(dmx_onnx_options){.opset = 99, .newest_opset = 99});
    expect_refused(&s, &(dmx_onnx_options){.chosen = falling, .n_chosen = 2});
    expect_refused(&s, &(dmx_onnx_options){.chosen = beyond, .n_chosen = 1});
    close_subject(&s);
}

/* From opset 18 on, ReduceMean takes its axes as an input. */
static void test_newer_opset(void **state)
{
    (void)state;
    const dmx_onnx_options o = {.opset = 18, .newest_opset = 20};
    subject s = open_fixture("htdemucs");
    dmx_blob b = pack(&s, &o);
    Onnx__ModelProto *m = unpack(&b);
    assert_int_equal(m->opset_import[0]->version, 18);
    for (size_t i = 0; i < m->graph->n_node; i++)
        if (strcmp(m->graph->node[i]->op_type, "ReduceMean") == 0)
            assert_int_equal(m->graph->node[i]->n_input, 2);
    onnx__model_proto__free_unpacked(m, NULL);
    dmx_blob_free(&b);
    close_subject(&s);
}

/* ---- full size
 * --------------------------------------------------------------- */
#ifdef DMX_MAKE_CHECKPOINT
static size_t count_nodes(const dmx_blob *b)
{
    Onnx__ModelProto *m = unpack(b);
    const size_t n = m->graph->n_node;
    check_operators(m->graph);
    onnx__model_proto__free_unpacked(m, NULL);
    return n;
}

static void test_full_size(void **state)
{
    (void)state;
    char path[512], command[1200];
    snprintf(path, sizeof path, "%s/full.safetensors", test_folder());
    snprintf(command, sizeof command, "'%s' '%s' --preset htdemucs --seed 3",
             DMX_MAKE_CHECKPOINT, path);
    assert_int_equal(system(command), 0);
    subject s = open_subject(path, 0);
    assert_int_equal(dmx_model_samples(s.model), 343980);
    dmx_blob b = pack(&s, NULL);
    assert_true(count_nodes(&b) < 2500);
    assert_true(b.size <= 178000000);
    dmx_blob_free(&b);
    b = pack(&s, &(dmx_onnx_options){.precision = DMX_PRECISION_FP16_WEIGHTS});
    assert_true(count_nodes(&b) < 2650);
    assert_true(b.size <= 92000000);
    dmx_blob_free(&b);
    close_subject(&s);
}
#endif

/* ---- the transforms alone
 * ------------------------------------------------------ */
static void test_transform_models(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    char path[512];
    dmx_blob b;
    snprintf(path, sizeof path, "%s/stft.onnx", test_folder());
    assert_ok(dmx_stft_onnx(path, 4096, 2, 44100, 0, &err), &err);
    assert_ok(dmx_file_read(&b, path, (size_t)1 << 30, &err), &err);
    Onnx__ModelProto *m = unpack(&b);
    assert_string_equal(m->graph->output[0]->name, "spectrogram");
    check_operators(m->graph);
    check_order(m->graph);
    onnx__model_proto__free_unpacked(m, NULL);
    dmx_blob_free(&b);
    assert_ok(dmx_istft_onnx(path, 4096, 2, 44100, 17, &err), &err);
    assert_int_equal(dmx_stft_onnx(path, 4095, 2, 44100, 0, NULL),
                     DMX_ERROR_ARGUMENT);
    assert_int_equal(dmx_stft_onnx(path, 65528, 1, 44100, 0, NULL),
                     DMX_ERROR_LIMIT);
    assert_int_equal(dmx_istft_onnx(path, 64, 0, 44100, 0, NULL),
                     DMX_ERROR_ARGUMENT);
    assert_int_equal(dmx_istft_onnx(path, 64, 1, 44100, 16, NULL),
                     DMX_ERROR_ARGUMENT);
    assert_int_equal(dmx_istft_onnx(NULL, 64, 1, 44100, 0, NULL),
                     DMX_ERROR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_reproducible),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_pruned),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_newer_opset),
#ifdef DMX_MAKE_CHECKPOINT
        cmocka_unit_test(test_full_size),
#endif
        cmocka_unit_test(test_transform_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
