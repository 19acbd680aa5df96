/* Files in 8 bits that were changed by somebody: each is refused with one line
 * that says what is wrong, before its numbers are looked at or after. */
#include "test_support.h"

#include "runtime/runtime.h"

#include <onnx.pb-c.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INT8  ONNX__TENSOR_PROTO__DATA_TYPE__INT8
#define UINT8 ONNX__TENSOR_PROTO__DATA_TYPE__UINT8
#define INT16 ONNX__TENSOR_PROTO__DATA_TYPE__INT16
#define BOOL  ONNX__TENSOR_PROTO__DATA_TYPE__BOOL
#define FLOAT ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT

/* The file, and of one layer: the product, its weights and their scales. */
typedef struct layer {
    Onnx__ModelProto *model;
    Onnx__NodeProto *product;
    Onnx__TensorProto *weight, *scale;
} layer;

static const char *path_of(const char *name)
{
    static char path[1100];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

static Onnx__TensorProto *initializer(const layer *l, const char *name)
{
    Onnx__GraphProto *g = l->model->graph;
    for (size_t i = 0; i < g->n_initializer; i++)
        if (strcmp(g->initializer[i]->name, name) == 0)
            return g->initializer[i];
    return NULL;
}

static Onnx__NodeProto *consumer(const layer *l, const char *value)
{
    Onnx__GraphProto *g = l->model->graph;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_input; k++)
            if (strcmp(g->node[i]->input[k], value) == 0)
                return g->node[i];
    return NULL;
}

static void read_layer(layer *l, const unsigned char *bytes, size_t size)
{
    l->model = onnx__model_proto__unpack(NULL, size, bytes);
    assert_non_null(l->model);
    Onnx__GraphProto *g = l->model->graph;
    size_t i = 0;
    while (i < g->n_node &&
           (strcmp(g->node[i]->op_type, "MatMulInteger") != 0 ||
            strstr(g->node[i]->name, "linear1") == NULL))
        i++;
    assert_true(i < g->n_node);
    l->product = g->node[i];
    l->weight = initializer(l, l->product->input[1]);
    /* Cast, Mul, whose other input is Mul of the tensor's scale and ours. */
    const Onnx__NodeProto *cast = consumer(l, l->product->output[0]);
    const Onnx__NodeProto *mul = consumer(l, cast->output[0]);
    for (i = 0; i < g->n_node; i++)
        if (strcmp(g->node[i]->output[0], mul->input[1]) == 0)
            l->scale = initializer(l, g->node[i]->input[1]);
    assert_true(l->weight != NULL && l->scale != NULL);
}

/* ---- changes ------------------------------------------------------------- */
/* What is done to the file, and what is said of it then. */
typedef struct change {
    const char *name;
    void (*make)(layer *l, const struct change *c);
    const char *words;
    float scale;             /* set_scale */
    const char *key, *value; /* set_metadata */
    /* plant: zeros as an input of the product */
    size_t input;
    int type;
    size_t rank, bytes;
    int64_t dim;
} change;

static void set_scale(layer *l, const change *c)
{
    for (size_t i = 0; i + 4 <= l->scale->raw_data.len; i += 4)
        memcpy(l->scale->raw_data.data + i, &c->scale, sizeof c->scale);
}

static void set_metadata(layer *l, const change *c)
{
    for (size_t i = 0; i < l->model->n_metadata_props; i++)
        if (strcmp(l->model->metadata_props[i]->key, c->key) == 0) {
            free(l->model->metadata_props[i]->value);
            l->model->metadata_props[i]->value = strdup(c->value);
        }
}

static Onnx__TensorProto *zeros(const change *c)
{
    Onnx__TensorProto *t = malloc(sizeof *t);
    assert_non_null(t);
    onnx__tensor_proto__init(t);
    t->name = strdup("planted");
    t->has_data_type = t->has_raw_data = 1;
    t->data_type = c->type;
    t->n_dims = c->rank;
    t->dims = calloc(1, sizeof *t->dims);
    t->dims[0] = c->dim;
    t->raw_data.len = c->bytes;
    t->raw_data.data = calloc(c->bytes + 1, 1);
    return t;
}

static void plant(layer *l, const change *c)
{
    Onnx__GraphProto *g = l->model->graph;
    Onnx__NodeProto *n = l->product;
    g->initializer = realloc(g->initializer,
                             (g->n_initializer + 1) * sizeof *g->initializer);
    n->input = realloc(n->input, (c->input + 1) * sizeof *n->input);
    assert_true(g->initializer != NULL && n->input != NULL);
    g->initializer[g->n_initializer++] = zeros(c);
    for (; n->n_input <= c->input; n->n_input++)
        n->input[n->n_input] = strdup("");
    free(n->input[c->input]);
    n->input[c->input] = strdup("planted");
}

/* The same bytes as another type. */
static void set_type(layer *l, const change *c)
{
    l->weight->data_type = c->type;
    l->weight->dims[1] /= (int64_t)c->bytes;
}

static void halve_rows(layer *l, const change *c)
{
    (void)c;
    l->weight->dims[0] /= 2;
    l->weight->dims[1] *= 2;
}

static void make_vector(layer *l, const change *c)
{
    (void)c;
    l->weight->dims[0] *= l->weight->dims[1];
    l->weight->n_dims = 1;
}

static void cut(layer *l, const change *c)
{
    (void)c;
    l->weight->raw_data.len--;
}

static void set_127(layer *l, const change *c)
{
    (void)c;
    memset(l->weight->raw_data.data, 127, l->weight->raw_data.len);
}

/* Only where pairs are added in 16 bits would it come out. */
static void saturate_pair(layer *l, const change *c)
{
    (void)c;
    l->weight->raw_data.data[0] = 100;
    l->weight->raw_data.data[l->weight->dims[1]] = 29;
}

static void set_minus_128(layer *l, const change *c)
{
    (void)c;
    l->weight->raw_data.data[0] = 0x80;
}

static void drop_weights(layer *l, const change *c)
{
    (void)c;
    while (l->product->n_input > 1)
        free(l->product->input[--l->product->n_input]);
}

static void rename_input(layer *l, const change *c)
{
    free(l->product->input[c->input]);
    l->product->input[c->input] = strdup(c->value);
}

static void rename_operator(layer *l, const change *c)
{
    free(l->product->op_type);
    l->product->op_type = strdup(c->value);
}

#define NOT_FINITE "holds infinities or NaNs"
#define TOO_NOISY  "less than the 45 dB"
#define NO_MATRIX  "its weights are no int8 matrix"
#define SATURATES  "pairs of weights that saturate on processors without VNNI: "
#define ZERO_POINT "a zero point is not of its DynamicQuantizeLinear"
#define NO_LIST    "'quantised' does not list which layers"

/* clang-format off */
static const change changes[] = {
    {"scale NaN", set_scale, NOT_FINITE, .scale = NAN},
    {"scale infinite", set_scale, NOT_FINITE, .scale = -INFINITY},
    {"scale zero", set_scale, TOO_NOISY, .scale = 0},
    {"scale huge", set_scale, TOO_NOISY, .scale = 3e38f},
    {"scale negative", set_scale, TOO_NOISY, .scale = -1e-3f},
    {"zero point [2]", plant, ZERO_POINT, .input = 2, .type = UINT8,
     .rank = 1, .dim = 2, .bytes = 2},
    {"zero point [0]", plant, ZERO_POINT, .input = 2, .type = UINT8, .rank = 1},
    {"zero point int8", plant, ZERO_POINT, .input = 2, .type = INT8,
     .bytes = 1},
    {"zero point float", plant, ZERO_POINT, .input = 2, .type = FLOAT,
     .bytes = 4},
    {"weights' zero point [3]", plant, ZERO_POINT, .input = 3, .type = INT8,
     .rank = 1, .dim = 3, .bytes = 3},
    {"weights' zero point uint8", plant, ZERO_POINT, .input = 3, .type = UINT8,
     .bytes = 1},
    {"weights uint8", set_type, NO_MATRIX, .type = UINT8, .bytes = 1},
    {"weights bool", set_type, NO_MATRIX, .type = BOOL, .bytes = 1},
    {"weights int16", set_type, NO_MATRIX, .type = INT16, .bytes = 2},
    {"weights float", set_type, "linear1", .type = FLOAT, .bytes = 4},
    {.name = "weights of another shape", .make = halve_rows,
     .words = SATURATES},
    {.name = "weights a vector", .make = make_vector, .words = NO_MATRIX},
    {.name = "weights cut", .make = cut,
     .words = "linear1.weight' has 4095 bytes"},
    {.name = "weights 127", .make = set_127, .words = SATURATES "2048"},
    {.name = "one pair saturates", .make = saturate_pair,
     .words = SATURATES "1"},
    {.name = "weight -128", .make = set_minus_128, .words = SATURATES "1"},
    {.name = "no weights", .make = drop_weights, .words = NO_MATRIX},
    {"weights of no name", rename_input, NO_MATRIX, .input = 1, .value = ""},
    {"activations float", rename_input,
     "its activations are not of DynamicQuantizeLinear", .value = "mix"},
    {"another operator", rename_operator, "the ONNX checker refuses",
     .value = "MatMul"},
    {"precision fp32", set_metadata,
     "'precision' is 'fp32', but there are layers in 8 bits",
     .key = "precision", .value = "fp32"},
    {"nothing quantised", set_metadata, NO_LIST,
     .key = "quantised", .value = "[]"},
    {"unknown quantised", set_metadata, NO_LIST,
     .key = "quantised", .value = "[\"feed_forward\", \"everything\"]"},
    {"quantised broken", set_metadata, NO_LIST,
     .key = "quantised", .value = "{"},
};
/* clang-format on */

/* ---- the test ------------------------------------------------------------ */
static void *read_whole(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    void *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static void write_whole(const char *path, const Onnx__ModelProto *m)
{
    const size_t size = onnx__model_proto__get_packed_size(m);
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    onnx__model_proto__pack(m, bytes);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
    free(bytes);
}

typedef struct fixture {
    dmx_checkpoint *checkpoint;
    dmx_model *model;
    unsigned char *bytes; /* its file */
    size_t size;
} fixture;

static void open_fixture(fixture *f, dmx_export_options o)
{
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_checkpoint_open(&f->checkpoint,
                                  test_data("htdemucs/model.th"), NULL, &err),
              &err);
    assert_ok(dmx_model_open(&f->model, f->checkpoint, NULL, &err), &err);
    assert_ok(dmx_export(f->model, path_of("good.onnx"), &o, NULL, &err), &err);
    f->bytes = read_whole(path_of("good.onnx"), &f->size);
}

static void close_fixture(fixture *f)
{
    free(f->bytes);
    dmx_model_close(f->model);
    dmx_checkpoint_close(f->checkpoint);
}

/* Of our own files against the model; others say nothing of 8 bits, and are
 * held to the tolerance of float32 against a recording. */
static dmx_status verify(const fixture *f, const layer *l, bool ours,
                         dmx_error *err)
{
    if (!ours)
        l->model->producer_name[0] = '\0';
    write_whole(path_of("bad.onnx"), l->model);
    if (ours)
        return dmx_verify_model(path_of("bad.onnx"), f->model, NULL, NULL, err);
    return dmx_verify_recorded(
        path_of("bad.onnx"), test_data("htdemucs/mix.npy"),
        test_data("htdemucs/stems.npy"), NULL, NULL, err);
}

static void check_change(const fixture *f, const change *c, bool ours)
{
    dmx_error err = DMX_ERROR_INIT;
    layer l = {NULL, NULL, NULL, NULL};
    read_layer(&l, f->bytes, f->size);
    c->make(&l, c);
    const dmx_status status = verify(f, &l, ours, &err);
    onnx__model_proto__free_unpacked(l.model, NULL);
    if (status == DMX_OK || (ours && status != DMX_ERROR_CHECK) ||
        strchr(err.message, '\n') != NULL ||
        (ours && strstr(err.message, c->words) == NULL))
        fail_msg("%s%s: %s: '%s'", c->name, ours ? "" : ", foreign",
                 dmx_status_name(status), err.message);
}

static bool have_runtime(void)
{
    dmx_runtime *runtime;
    const bool have = dmx_runtime_open(&runtime, NULL, NULL) == DMX_OK;
    dmx_runtime_close(runtime);
    return have;
}

static void changed_files_are_refused(void **state)
{
    (void)state;
    fixture f;
    dmx_error err = DMX_ERROR_INIT;
    dmx_export_options o = DMX_EXPORT_OPTIONS_INIT;
    if (!have_runtime())
        skip();
    o.precision = DMX_PRECISION_INT8;
    open_fixture(&f, o);
    assert_ok(dmx_verify_model(path_of("good.onnx"), f.model, NULL, NULL, &err),
              &err);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        check_change(&f, &changes[i], true);
        if (changes[i].make != set_metadata && changes[i].make != set_scale)
            check_change(&f, &changes[i], false);
    }
    close_fixture(&f);
}

/* It would be held to less. */
static void float32_is_not_called_int8(void **state)
{
    (void)state;
    fixture f;
    dmx_error err = DMX_ERROR_INIT;
    dmx_verify_options checks = DMX_VERIFY_OPTIONS_INIT;
    dmx_export_options o = DMX_EXPORT_OPTIONS_INIT;
    checks.skip_parity = 1;
    o.checks = &checks;
    open_fixture(&f, o);
    layer l = {onnx__model_proto__unpack(NULL, f.size, f.bytes), NULL, NULL,
               NULL};
    set_metadata(&l, &(change){.key = "precision", .value = "int8"});
    write_whole(path_of("bad.onnx"), l.model);
    onnx__model_proto__free_unpacked(l.model, NULL);
    assert_int_equal(
        dmx_verify_model(path_of("bad.onnx"), f.model, &checks, NULL, &err),
        DMX_ERROR_CHECK);
    assert_non_null(strstr(err.message, "'precision' is 'int8', but nothing"));
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_files_are_refused),
        cmocka_unit_test(float32_is_not_called_int8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
