/* runtime/runtime.h, with the host as the runtime. A run whose result is not
 * there yet leaves a request and fails as cancelled, after which a pull may be
 * tried again; by then the host has written the result. */
#include "graph.h"
#include "module.h"

#include "runtime/onnx_file.h"
#include "runtime/runtime.h"

#include <stdlib.h>
#include <string.h>

struct dmx_session {
    char *name;
    dmx_json *metadata; /* an object, or NULL */
    dmx_port *port;     /* inputs, then outputs */
    size_t n_input, n_output;
};

static const dmx_json *graphs;
static web_request request;
static bool asked, answered;

void web_set_graphs(const dmx_json *given)
{
    graphs = given;
}

/* --------------------------------------------------------------- requests */

const web_request *web_graph_request(void)
{
    return asked ? &request : NULL;
}

void web_graph_answer(void)
{
    answered = asked;
    asked = false;
}

void web_forget_request(void)
{
    asked = answered = false;
}

static bool is_answer(const dmx_session *session, const dmx_run *run,
                      const float *out)
{
    return answered && request.name == session->name &&
           request.input == run->input && request.output == out &&
           request.dim[0] == (uint32_t)run->dim[0] &&
           request.dim[2] == (uint32_t)run->dim[2];
}

dmx_status dmx_session_run_first(dmx_session *session, const dmx_run *run,
                                 float *out, size_t count, dmx_error *err)
{
    const bool done = is_answer(session, run, out);
    web_forget_request();
    if (done)
        return DMX_OK;
    request = (web_request){.name = session->name,
                            .input = run->input,
                            .output = out,
                            .floats = (uint32_t)count};
    for (int i = 0; i < 3; i++)
        request.dim[i] = (uint32_t)run->dim[i];
    asked = true;
    DMX_RETURN_ERROR(err, DMX_ERROR_CANCELLED,
                     "%s: the host runs this network between two pulls; "
                     "separate it in steps (web_track_open)",
                     session->name);
}

/* ----------------------------------------------------------------- opening */

/* There is nothing to load. */
dmx_status dmx_runtime_open(dmx_runtime **out, const char *path, dmx_error *err)
{
    (void)path, (void)err;
    *out = NULL;
    return DMX_OK;
}

void dmx_runtime_close(dmx_runtime *runtime)
{
    (void)runtime;
}

/* The host reads its files itself. */
dmx_status dmx_onnx_file_read(dmx_blob *out, const char *path, const char *name,
                              const dmx_hooks *hooks, dmx_error *err)
{
    (void)hooks;
    *out = (dmx_blob){0};
    DMX_RETURN_IF(dmx_json_get(graphs, path) == NULL, err, DMX_ERROR_ARGUMENT,
                  "options: 'graphs' does not name '%s'", name);
    return DMX_OK;
}

/* {name, float32, dims}: a negative size is free. */
static dmx_status read_port(dmx_port *out, const dmx_json *port, dmx_error *err)
{
    enum { MOST = sizeof out->dim / sizeof out->dim[0] };
    const dmx_json *dims = dmx_json_get(port, "dims");
    const char *name = dmx_json_text_of(dmx_json_get(port, "name"));
    const int rank = dmx_json_is_array(dims) ? dmx_json_count(dims) : MOST + 1;
    out->float32 = dmx_json_is_true(dmx_json_get(port, "float32"));
    out->rank = rank > MOST ? -1 : rank;
    for (int i = 0; i < out->rank; i++) {
        const dmx_json *size = dmx_json_item(dims, i);
        const double value = dmx_json_is_number(size) ? size->valuedouble : -1;
        out->dim[i] = value >= 0 && value <= INT32_MAX ? (int64_t)value : -1;
    }
    out->name = strdup(name != NULL ? name : "?");
    DMX_RETURN_IF(out->name == NULL, err, DMX_ERROR_MEMORY, "no memory");
    return DMX_OK;
}

static dmx_status read_ports(dmx_session *s, const dmx_json *graph,
                             dmx_error *err)
{
    const dmx_json *in = dmx_json_get(graph, "inputs"), *port;
    const dmx_json *out = dmx_json_get(graph, "outputs");
    const size_t all = (size_t)(dmx_json_count(in) + dmx_json_count(out));
    s->port = calloc(all + 1, sizeof *s->port);
    DMX_RETURN_IF(s->port == NULL, err, DMX_ERROR_MEMORY, "no memory");
    DMX_JSON_EACH (port, in)
        DMX_FORWARD(read_port(&s->port[s->n_input++], port, err));
    DMX_JSON_EACH (port, out)
        DMX_FORWARD(read_port(&s->port[s->n_input + s->n_output++], port, err));
    return DMX_OK;
}

static dmx_status describe(dmx_session *s, const char *path, dmx_error *err)
{
    const dmx_json *graph = dmx_json_get(graphs, path);
    const dmx_json *metadata = dmx_json_get(graph, "metadata");
    s->name = strdup(path);
    s->metadata = metadata != NULL ? dmx_json_copy(metadata) : NULL;
    DMX_RETURN_IF(s->name == NULL ||
                      (s->metadata == NULL) != (metadata == NULL),
                  err, DMX_ERROR_MEMORY, "no memory");
    return read_ports(s, graph, err);
}

dmx_status dmx_session_open(dmx_session **out, dmx_runtime *runtime,
                            const char *path, const void *bytes, size_t size,
                            const dmx_session_options *options, dmx_error *err)
{
    (void)runtime, (void)bytes, (void)size, (void)options;
    *out = NULL;
    dmx_session *s = calloc(1, sizeof *s);
    DMX_RETURN_IF(s == NULL, err, DMX_ERROR_MEMORY, "no memory");
    const dmx_status status = describe(s, path, err);
    if (status != DMX_OK) {
        dmx_session_close(s);
        return status;
    }
    *out = s;
    return DMX_OK;
}

void dmx_session_close(dmx_session *session)
{
    if (session == NULL)
        return;
    for (size_t i = 0;
         session->port != NULL && i < session->n_input + session->n_output; i++)
        free(session->port[i].name);
    free(session->port);
    free(session->name);
    dmx_json_free(session->metadata);
    free(session);
}

/* --------------------------------------------------------------- questions */

const dmx_port *dmx_session_inputs(const dmx_session *session, size_t *count)
{
    *count = session->n_input;
    return session->port;
}

const dmx_port *dmx_session_outputs(const dmx_session *session, size_t *count)
{
    *count = session->n_output;
    return session->port + session->n_input;
}

const char *dmx_session_provider(const dmx_session *session)
{
    (void)session;
    return "host";
}

char *dmx_session_metadata(const dmx_session *session, const char *key)
{
    const char *text = dmx_json_text_of(dmx_json_get(session->metadata, key));
    return text != NULL ? strdup(text) : NULL;
}
