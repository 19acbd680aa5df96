#include "verify/promises.h"

#include "base/json.h"
#include "base/number.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Operators that some execution provider lacks or computes wrongly, or that
 * only a careless export of such a network needs. */
static const char *const forbidden[] = {
    "ScatterND",    "ScatterElements",
    "Scatter",      "Split",
    "Loop",         "If",
    "Scan",         "STFT",
    "DFT",          "SequenceAt",
    "NonZero",      "Random",
    "RandomNormal", "RandomUniform",
    "Dropout",
};

static const char *const required_metadata[] = {
    "sources", "samplerate", "segment", "architecture", "checkpoint_sha256",
};

typedef struct inspection {
    struct dmx_report *report;
    const dmx_model_file *file;
    bool ours;
    dmx_error *err;
    dmx_status status; /* MEMORY, or OK */
} inspection;

static void add_broken(inspection *i, const char *fmt, ...) DMX_PRINTF(2, 3);
static void add_unusual(inspection *i, const char *fmt, ...) DMX_PRINTF(2, 3);

static void add(inspection *i, bool error, const char *text)
{
    const dmx_status status =
        error ? dmx_report_error(i->report, i->err, "%s", text)
              : dmx_report_note(i->report, i->err, "%s", text);
    if (status != DMX_OK)
        i->status = status;
}

/* Adds a finding for a broken promise that every separation model must
 * keep. */
static void add_broken(inspection *i, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    dmx_vformat(text, sizeof text, fmt, args);
    va_end(args);
    add(i, true, text);
}

/* Adds a finding for a broken promise that only our own files make. */
static void add_unusual(inspection *i, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    dmx_vformat(text, sizeof text, fmt, args);
    va_end(args);
    add(i, i->ours, text);
}

static bool same(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

/* --------------------------------------------------------------- contract */

static int by_name(const void *a, const void *b)
{
    const char *x, *y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return strcmp(x, y);
}

/* The initializers' names, sorted, malloc'd. */
static const char **sorted_names(const Onnx__GraphProto *g, size_t *count)
{
    const char **name = malloc((g->n_initializer + 1) * sizeof *name);
    *count = 0;
    for (size_t i = 0; name != NULL && i < g->n_initializer; i++)
        if (g->initializer[i]->name != NULL)
            name[(*count)++] = g->initializer[i]->name;
    if (name != NULL)
        qsort(name, *count, sizeof *name, by_name);
    return name;
}

/* Graph inputs that are not merely initializers listed again. */
static size_t true_inputs(inspection *i, const Onnx__ValueInfoProto **first)
{
    const Onnx__GraphProto *g = i->file->proto->graph;
    size_t count = 0, constants;
    const char **constant = sorted_names(g, &constants);
    if (constant == NULL)
        i->status = dmx_fail(i->err, DMX_ERROR_MEMORY, "no memory");
    for (size_t k = 0; constant != NULL && k < g->n_input; k++) {
        const char *name = g->input[k]->name;
        if (name != NULL && g->n_input > 1 &&
            bsearch(&name, constant, constants, sizeof *constant, by_name))
            continue;
        if (count++ == 0)
            *first = g->input[k];
    }
    free(constant);
    return count;
}

static void check_contract(inspection *i, dmx_contract *contract)
{
    const Onnx__GraphProto *g = i->file->proto->graph;
    const Onnx__ValueInfoProto *input = NULL;
    const size_t inputs = true_inputs(i, &input);
    int64_t in[3] = {-1, -1, -1}, out[4] = {-1, -1, -1, -1};
    if (inputs != 1 || g->n_output != 1) {
        add_broken(i, "%zu inputs and %zu outputs instead of one each", inputs,
                   g->n_output);
        return;
    }
    if (!same(input->name, "mix"))
        add_unusual(i, "the input is called '%.60s', not 'mix'", input->name);
    if (!same(g->output[0]->name, "stems"))
        add_unusual(i, "the output is called '%.60s', not 'stems'",
                    g->output[0]->name);
    if (!dmx_model_file_shape(input, 3, in))
        add_broken(i, "the input is not float32 (batch, channels, samples)");
    if (!dmx_model_file_shape(g->output[0], 4, out))
        add_broken(
            i, "the output is not float32 (batch, sources, channels, samples)");
    if (in[0] >= 0 && out[0] >= 0 && in[0] != out[0])
        add_broken(i, "%lld inputs at once make %lld outputs", (long long)in[0],
                   (long long)out[0]);
    if ((in[1] >= 0 && out[2] >= 0 && in[1] != out[2]) ||
        (in[2] >= 0 && out[3] >= 0 && in[2] != out[3]))
        add_broken(
            i,
            "input (%lld, %lld, %lld) and output (%lld, %lld, %lld, %lld) "
            "do not fit together",
            (long long)in[0], (long long)in[1], (long long)in[2],
            (long long)out[0], (long long)out[1], (long long)out[2],
            (long long)out[3]);
    *contract = (dmx_contract){.batch = in[0] >= 0 ? in[0] : out[0],
                               .sources = out[1],
                               .channels = in[1] >= 0 ? in[1] : out[2],
                               .samples = in[2] >= 0 ? in[2] : out[3]};
}

/* ---------------------------------------------------------------- version */

static void check_versions(inspection *i)
{
    const Onnx__ModelProto *m = i->file->proto;
    const int64_t opset = dmx_model_file_opset(i->file);
    if (m->n_opset_import != 1)
        add_unusual(i, "%zu operator sets instead of the default one",
                    m->n_opset_import);
    if (opset < 17)
        add_unusual(i, "opset %lld, older than 17", (long long)opset);
    if (opset == 17 && m->ir_version != 8)
        add_unusual(i, "IR version %lld instead of 8",
                    (long long)m->ir_version);
    if (m->n_functions > 0)
        add_unusual(i, "%zu local functions", m->n_functions);
    if (m->graph->n_sparse_initializer > 0)
        add_unusual(i, "sparse initializers");
}

/* ------------------------------------------------------------------ nodes */

#define N_FORBIDDEN (sizeof forbidden / sizeof forbidden[0])

static void count_forbidden(size_t count[N_FORBIDDEN], const char *name)
{
    for (size_t k = 0; k < N_FORBIDDEN; k++)
        count[k] += same(name, forbidden[k]);
}

static void check_nodes(inspection *i)
{
    const Onnx__GraphProto *g = i->file->proto->graph;
    size_t count[N_FORBIDDEN] = {0};
    size_t foreign = 0, nameless = 0;
    for (size_t k = 0; k < g->n_node; k++) {
        const Onnx__NodeProto *n = g->node[k];
        count_forbidden(count, n->op_type);
        foreign += n->domain != NULL && n->domain[0] != '\0' &&
                   !same(n->domain, "ai.onnx");
        nameless += n->name == NULL || n->name[0] == '\0';
    }
    for (size_t k = 0; k < N_FORBIDDEN; k++)
        if (count[k] > 0)
            add_unusual(i,
                        "%zu nodes are %s, which some execution providers lack "
                        "or break on",
                        count[k], forbidden[k]);
    if (foreign > 0)
        add_unusual(i, "%zu nodes are not of the default domain", foreign);
    if (nameless > 0)
        add_unusual(i, "%zu nodes have no name", nameless);
}

/* ------------------------------------------------------------------ shapes */

/* Where dimensions are free, runtimes plan well only if every value's type is
 * declared and each length is computed once. */
static void check_shapes(inspection *i, const dmx_contract *contract)
{
    const Onnx__GraphProto *g = i->file->proto->graph;
    size_t shapes = 0;
    if (contract->batch >= 0 && contract->samples >= 0)
        return;
    for (size_t k = 0; k < g->n_node; k++)
        shapes += same(g->node[k]->op_type, "Shape");
    if (shapes > 1)
        add_unusual(i, "%zu Shape nodes instead of one", shapes);
    if (g->n_value_info + 1 < g->n_node)
        add_unusual(
            i,
            "%zu of %zu values are declared: runtimes plan memory badly "
            "where free dimensions have no names",
            g->n_value_info, g->n_node);
}

/* ----------------------------------------------------------- initializers */

static size_t element_count(const Onnx__TensorProto *t)
{
    size_t count = 1;
    for (size_t k = 0; k < t->n_dims; k++)
        if (t->dims[k] < 0 ||
            dmx_mul_overflow(&count, count, (size_t)t->dims[k]))
            return SIZE_MAX;
    return count;
}

static size_t element_size(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return 4;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        return 2;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return 8;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
        return 1;
    default:
        return 0; /* not checked */
    }
}

/* Are all numbers of a raw float or half tensor finite? By their exponents:
 * this needs neither conversion nor alignment. */
static bool raw_is_finite(const Onnx__TensorProto *t)
{
    const uint8_t *p = t->raw_data.data;
    const bool half = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
    const size_t size = half ? 2 : 4;
    bool finite = true;
    for (size_t k = 0; k + size <= t->raw_data.len; k += size)
        if (half)
            finite = finite && (p[k + 1] & 0x7c) != 0x7c;
        else
            finite =
                finite && ((p[k + 3] & 0x7f) != 0x7f || (p[k + 2] & 0x80) == 0);
    return finite;
}

static bool is_finite(const Onnx__TensorProto *t)
{
    for (size_t k = 0; k < t->n_float_data; k++)
        if (!isfinite(t->float_data[k]))
            return false;
    return (t->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT &&
            t->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16) ||
           raw_is_finite(t);
}

static void check_initializers(inspection *i)
{
    const Onnx__GraphProto *g = i->file->proto->graph;
    size_t bad = 0;
    for (size_t k = 0; k < g->n_initializer && bad < 10; k++) {
        const Onnx__TensorProto *t = g->initializer[k];
        const size_t size = element_size(t);
        size_t bytes;
        if (t->has_raw_data && size > 0 &&
            (dmx_mul_overflow(&bytes, element_count(t), size) ||
             bytes != t->raw_data.len)) {
            add_broken(i,
                       "initializer '%.80s' has %zu bytes, not what its shape "
                       "needs",
                       t->name, t->raw_data.len);
            bad++;
        } else if (!is_finite(t)) {
            add_broken(i, "initializer '%.80s' holds infinities or NaNs",
                       t->name);
            bad++;
        }
    }
}

/* --------------------------------------------------------------- metadata */

static void check_metadata(inspection *i, const dmx_contract *contract)
{
    for (size_t k = 0;
         k < sizeof required_metadata / sizeof required_metadata[0]; k++)
        if (dmx_model_file_metadata(i->file, required_metadata[k]) == NULL)
            add_unusual(i, "metadata '%s' is missing", required_metadata[k]);
    dmx_json *sources = dmx_model_file_json(i->file, "sources");
    if (dmx_json_is_array(sources) && contract->sources >= 0 &&
        dmx_json_count(sources) != contract->sources)
        add_broken(i, "metadata names %d sources, the output has %lld",
                   dmx_json_count(sources), (long long)contract->sources);
    dmx_json_free(sources);
}

dmx_status dmx_promises_check(struct dmx_report *report, dmx_contract *contract,
                              const dmx_model_file *file, dmx_error *err)
{
    inspection i = {report, file, dmx_model_file_is_ours(file), err, DMX_OK};
    *contract = (dmx_contract){-1, -1, -1, -1};
    check_contract(&i, contract);
    check_versions(&i);
    check_nodes(&i);
    check_shapes(&i, contract);
    check_initializers(&i);
    check_metadata(&i, contract);
    return i.status;
}
