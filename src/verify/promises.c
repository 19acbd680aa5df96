#include "verify/promises.h"

#include "verify/promises_parts.h"

#include "base/number.h"

#include <stdarg.h>
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

void dmx_inspection_add(dmx_inspection *i, bool error, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    dmx_vformat(text, sizeof text, fmt, args);
    va_end(args);
    const dmx_status status =
        error ? dmx_report_error(i->report, i->err, "%s", text)
              : dmx_report_note(i->report, i->err, "%s", text);
    if (status != DMX_OK)
        i->status = status;
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
static size_t true_inputs(dmx_inspection *i, const Onnx__ValueInfoProto **first)
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

static void check_contract(dmx_inspection *i, dmx_contract *contract)
{
    const Onnx__GraphProto *g = i->file->proto->graph;
    const Onnx__ValueInfoProto *input = NULL;
    const size_t inputs = true_inputs(i, &input);
    int64_t in[3] = {-1, -1, -1}, out[4] = {-1, -1, -1, -1};
    if (inputs != 1 || g->n_output != 1) {
        dmx_inspection_broken(i,
                              "%zu inputs and %zu outputs instead of one each",
                              inputs, g->n_output);
        return;
    }
    if (!same(input->name, "mix"))
        dmx_inspection_unusual(i, "the input is called '%.60s', not 'mix'",
                               input->name);
    if (!same(g->output[0]->name, "stems"))
        dmx_inspection_unusual(i, "the output is called '%.60s', not 'stems'",
                               g->output[0]->name);
    if (!dmx_model_file_shape(input, 3, in))
        dmx_inspection_broken(
            i, "the input is not float32 (batch, channels, samples)");
    if (!dmx_model_file_shape(g->output[0], 4, out))
        dmx_inspection_broken(
            i, "the output is not float32 (batch, sources, channels, samples)");
    if (in[0] >= 0 && out[0] >= 0 && in[0] != out[0])
        dmx_inspection_broken(i, "%lld inputs at once make %lld outputs",
                              (long long)in[0], (long long)out[0]);
    if ((in[1] >= 0 && out[2] >= 0 && in[1] != out[2]) ||
        (in[2] >= 0 && out[3] >= 0 && in[2] != out[3]))
        dmx_inspection_broken(
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

static void check_versions(dmx_inspection *i)
{
    const Onnx__ModelProto *m = i->file->proto;
    const int64_t opset = dmx_model_file_opset(i->file);
    if (m->n_opset_import != 1)
        dmx_inspection_unusual(i,
                               "%zu operator sets instead of the default one",
                               m->n_opset_import);
    if (opset < 17)
        dmx_inspection_unusual(i, "opset %lld, older than 17",
                               (long long)opset);
    if (opset == 17 && m->ir_version != 8)
        dmx_inspection_unusual(i, "IR version %lld instead of 8",
                               (long long)m->ir_version);
    if (m->n_functions > 0)
        dmx_inspection_unusual(i, "%zu local functions", m->n_functions);
    if (m->graph->n_sparse_initializer > 0)
        dmx_inspection_unusual(i, "sparse initializers");
}

/* ------------------------------------------------------------------ nodes */

#define N_FORBIDDEN (sizeof forbidden / sizeof forbidden[0])

static void count_forbidden(size_t count[N_FORBIDDEN], const char *name)
{
    for (size_t k = 0; k < N_FORBIDDEN; k++)
        count[k] += same(name, forbidden[k]);
}

static void check_nodes(dmx_inspection *i)
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
            dmx_inspection_unusual(
                i,
                "%zu nodes are %s, which some execution providers lack "
                "or break on",
                count[k], forbidden[k]);
    if (foreign > 0)
        dmx_inspection_unusual(i, "%zu nodes are not of the default domain",
                               foreign);
    if (nameless > 0)
        dmx_inspection_unusual(i, "%zu nodes have no name", nameless);
}

/* ------------------------------------------------------------------ shapes */

/* Where dimensions are free, runtimes plan well only if every value's type is
 * declared and each length is computed once. */
static void check_shapes(dmx_inspection *i, const dmx_contract *contract)
{
    const Onnx__GraphProto *g = i->file->proto->graph;
    size_t shapes = 0;
    if (contract->batch >= 0 && contract->samples >= 0)
        return;
    for (size_t k = 0; k < g->n_node; k++)
        shapes += same(g->node[k]->op_type, "Shape");
    if (shapes > 1)
        dmx_inspection_unusual(i, "%zu Shape nodes instead of one", shapes);
    if (g->n_value_info + 1 < g->n_node)
        dmx_inspection_unusual(
            i,
            "%zu of %zu values are declared: runtimes plan memory badly "
            "where free dimensions have no names",
            g->n_value_info, g->n_node);
}

dmx_status dmx_promises_check(struct dmx_report *report, dmx_contract *contract,
                              const dmx_model_file *file, dmx_error *err)
{
    dmx_inspection i = {report, file, dmx_model_file_is_ours(file), err,
                        DMX_OK};
    *contract = (dmx_contract){-1, -1, -1, -1};
    check_contract(&i, contract);
    check_versions(&i);
    check_nodes(&i);
    check_shapes(&i, contract);
    dmx_promises_weights(&i);
    dmx_promises_int8(&i);
    dmx_promises_metadata(&i, contract);
    return i.status;
}
