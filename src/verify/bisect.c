#include "verify/bisect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK      24   /* values fetched at a time, to bound memory */
#define MAX_LISTED 20   /* divergences worth reporting */
#define MAX_NOTED  5    /* of these, listed in the findings too */
#define AGREEMENT  1e-3 /* a bug is far above it, rounding far below */

/* A module whose value can be compared. */
typedef struct probe {
    const char *name; /* of the ONNX value */
    size_t item;      /* of the reference's sketches */
    double distance;  /* NAN until compared */
} probe;

typedef struct search {
    const dmx_parity_job *job;
    const dmx_graph *graph;
    const dmx_sketches *reference;
    probe *probe;
    size_t count, capacity;
    size_t chunk_start; /* the first of the values being fetched */
    size_t chosen[CHUNK];
} search;

/* ---------------------------------------------------------------- matching */

/* Both "encoder.0.conv" and "encoder/0/conv" name a module. */
static bool same_character(char a, char b)
{
    return a == b || ((a == '.' || a == '/') && (b == '.' || b == '/'));
}

/* Is `node` "/<path>/<operator>"? */
static bool belongs_to(const char *node, const char *path)
{
    if (node == NULL || path[0] == '\0')
        return false;
    node += *node == '/';
    for (; *path != '\0'; path++, node++)
        if (!same_character(*node, *path))
            return false;
    return *node == '/' && strchr(node + 1, '/') == NULL;
}

/* The last value computed for a module in the model file. */
static const char *last_value(const dmx_model_file *file, const char *path)
{
    const Onnx__GraphProto *g = file->proto->graph;
    for (size_t i = g->n_node; i-- > 0;)
        if (g->node[i]->n_output == 1 && belongs_to(g->node[i]->name, path))
            return g->node[i]->output[0];
    return NULL;
}

static bool is_last_of_path(const dmx_sketches *s, size_t item)
{
    for (size_t k = item + 1; k < s->count; k++)
        if (strcmp(s->item[k].node->path, s->item[item].node->path) == 0)
            return false;
    return true;
}

/* Exporters fold the doubling of all bins but the first into the input of the
 * inverse transform, which a single factor cannot compensate. */
static bool is_read_by_istft(const dmx_sketches *s, size_t item)
{
    for (size_t k = item + 1; k < s->count; k++)
        if (s->item[k].node->op == DMX_OP_ISTFT &&
            s->item[k].node->in[0] == s->item[item].value)
            return true;
    return false;
}

static dmx_status find_probes(search *s, dmx_error *err)
{
    for (size_t i = 0; i < s->reference->count; i++) {
        const char *name =
            is_last_of_path(s->reference, i) &&
                    !is_read_by_istft(s->reference, i)
                ? last_value(s->job->file, s->reference->item[i].node->path)
                : NULL;
        if (name == NULL)
            continue;
        DMX_RETURN_IF(
            !dmx_grow(&s->probe, &s->capacity, s->count + 1, sizeof *s->probe),
            err, DMX_ERROR_MEMORY, "no memory");
        s->probe[s->count++] = (probe){name, i, NAN};
    }
    return DMX_OK;
}

/* ------------------------------------------------- a model that shows more */

/* Serialises the model with the probes among its outputs. */
static dmx_status pack_with_outputs(const search *s, unsigned char **bytes,
                                    size_t *size, dmx_error *err)
{
    Onnx__ModelProto model = *s->job->file->proto;
    Onnx__GraphProto graph = *model.graph;
    const size_t old = graph.n_output;
    Onnx__ValueInfoProto *info = calloc(s->count + 1, sizeof *info);
    Onnx__ValueInfoProto **list = calloc(old + s->count, sizeof *list);
    *bytes = NULL;
    if (info != NULL && list != NULL) {
        memcpy(list, graph.output, old * sizeof *list);
        for (size_t i = 0; i < s->count; i++) {
            onnx__value_info_proto__init(&info[i]);
            memcpy(&info[i].name, &s->probe[i].name, sizeof info[i].name);
            list[old + i] = &info[i];
        }
        graph.output = list;
        graph.n_output = old + s->count;
        model.graph = &graph;
        *size = onnx__model_proto__get_packed_size(&model);
        *bytes = malloc(*size);
        if (*bytes != NULL)
            onnx__model_proto__pack(&model, *bytes);
    }
    free(info);
    free(list);
    DMX_RETURN_IF(*bytes == NULL, err, DMX_ERROR_MEMORY, "no memory");
    return DMX_OK;
}

static dmx_status open_session(const search *s, dmx_runtime *runtime,
                               dmx_session **session, dmx_error *err)
{
    unsigned char *bytes;
    size_t size = 0;
    DMX_FORWARD(pack_with_outputs(s, &bytes, &size, err));
    const dmx_session_options options = {.threads = s->job->options->threads,
                                         .providers =
                                             s->job->options->providers,
                                         .hooks = s->job->hooks};
    const dmx_status status = dmx_session_open(
        session, runtime, s->job->file->path, bytes, size, &options, err);
    free(bytes);
    return status;
}

/* ------------------------------------------------------------- comparison */

/* Whether item k can be the value to compare in place of `item`: a module may
 * consist of several operations, and exporters often fold a factor per channel
 * after it into its weights. */
static bool is_related(const dmx_sketches *r, size_t item, size_t k)
{
    const dmx_node *a = r->item[item].node, *b = r->item[k].node;
    return strcmp(a->path, b->path) == 0 ||
           (b->op == DMX_OP_SCALE && b->in[0] == r->item[item].value);
}

static double distance(const dmx_sketches *r, size_t item,
                       const dmx_sketch *sketch)
{
    double best = dmx_sketch_distance(&r->item[item].sketch, sketch);
    for (size_t k = 0; k < r->count; k++)
        if (k != item && is_related(r, item, k))
            best = fmin(best, dmx_sketch_distance(&r->item[k].sketch, sketch));
    return best;
}

static dmx_status compare(void *user, size_t index, const float *data, int rank,
                          const int64_t *dim, dmx_error *err)
{
    (void)err;
    search *s = user;
    probe *p = &s->probe[s->chosen[index]];
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dim[i];
    dmx_sketch sketch;
    dmx_sketch_f32(&sketch, data, count);
    p->distance = distance(s->reference, p->item, &sketch);
    return DMX_OK;
}

static bool can_be_fetched(const dmx_session *session, const char *name)
{
    size_t count;
    const dmx_port *port = dmx_session_outputs(session, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(port[i].name, name) == 0)
            return port[i].float32;
    return false;
}

static dmx_status fetch_chunk(search *s, dmx_session *session, const float *mix,
                              dmx_error *err)
{
    const dmx_shape in = dmx_graph_shape(s->graph, s->graph->input);
    const int64_t dim[3] = {1, in.dim[0], in.dim[2]};
    const char *name[CHUNK];
    size_t n = 0;
    size_t i = s->chunk_start;
    for (; i < s->count && n < CHUNK; i++)
        if (can_be_fetched(session, s->probe[i].name)) {
            s->chosen[n] = i;
            name[n++] = s->probe[i].name;
        }
    const dmx_run run = {.input = mix,
                         .dim = dim,
                         .rank = 3,
                         .output_name = name,
                         .n_output = n,
                         .visit = compare,
                         .user = s,
                         .hooks = s->job->hooks,
                         .stage = "looking for the difference",
                         .fraction = (double)s->chunk_start / (double)s->count};
    s->chunk_start = i;
    return n > 0 ? dmx_session_run(session, &run, err) : DMX_OK;
}

static dmx_status report(const search *s, dmx_error *err)
{
    size_t listed = 0;
    for (size_t i = 0; i < s->count && listed < MAX_LISTED; i++) {
        const probe *p = &s->probe[i];
        /* A different element count: folded into something else. */
        if (isnan(p->distance) || isinf(p->distance) ||
            p->distance <= AGREEMENT)
            continue;
        const dmx_node *node = s->reference->item[p->item].node;
        const dmx_divergence d = {node->path, dmx_op_name(node->op), p->name,
                                  p->distance};
        DMX_FORWARD(dmx_report_add_divergence(s->job->report, &d, err));
        if (listed++ < MAX_NOTED)
            DMX_FORWARD(dmx_report_note(s->job->report, err,
                                        "%s (%s) differs by %.1e of its root "
                                        "mean square at %s",
                                        d.path, d.op, d.relative, d.node));
    }
    return DMX_OK;
}

static dmx_status run(search *s, dmx_runtime *runtime, const float *mix,
                      dmx_error *err)
{
    dmx_session *session;
    DMX_RETURN_IF(s->reference->failed, err, DMX_ERROR_MEMORY, "no memory");
    DMX_FORWARD(find_probes(s, err));
    DMX_FORWARD(open_session(s, runtime, &session, err));
    dmx_status status = DMX_OK;
    while (status == DMX_OK && s->chunk_start < s->count)
        status = fetch_chunk(s, session, mix, err);
    dmx_session_close(session);
    DMX_FORWARD(status);
    return report(s, err);
}

dmx_status dmx_bisect(const dmx_parity_job *job, const dmx_graph *graph,
                      dmx_runtime *runtime, const float *mix,
                      const dmx_sketches *reference, dmx_error *err)
{
    search s = {.job = job, .graph = graph, .reference = reference};
    const dmx_status status = run(&s, runtime, mix, err);
    free(s.probe);
    return status;
}
