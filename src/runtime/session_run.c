#include "runtime/session.h"
#include "runtime/watch.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct execution {
    dmx_session *s;
    ort_run_options *options;
    const char *input_name;
    const ort_value *input;
    const char *const *output_name;
    size_t n_output;
    ort_value **output;
    ort_status *status;
} execution;

static void execute(void *context)
{
    execution *e = context;
    e->status = e->s->runtime->api.Run(e->s->session, e->options,
                                       &e->input_name, &e->input, 1,
                                       e->output_name, e->n_output, e->output);
}

static void terminate(void *context)
{
    execution *e = context;
    ort_status *status = e->s->runtime->api.RunOptionsSetTerminate(e->options);
    if (status != NULL)
        e->s->runtime->api.ReleaseStatus(status);
}

/* Runs the model; a run that the caller cancelled is not reported as a failure.
 */
static dmx_status call(execution *e, const dmx_run *run, dmx_error *err)
{
    const dmx_watch watch = {run->hooks, run->stage, run->fraction,
                             execute,    terminate,  e};
    dmx_error run_error = DMX_ERROR_INIT;
    const dmx_status stopped = dmx_watch_run(&watch, err);
    const dmx_status status =
        dmx_ort_check(e->s->runtime, e->status, e->s->name, &run_error);
    DMX_FORWARD(stopped);
    DMX_RETURN_IF(status != DMX_OK, err, status, "%s", run_error.message);
    return DMX_OK;
}

static dmx_status shape_of(const dmx_session *s, const ort_value *value,
                           dmx_port *port, dmx_error *err)
{
    const struct dmx_runtime *r = s->runtime;
    ort_tensor_info *info;
    size_t rank = 0;
    int type = 0;
    DMX_FORWARD(dmx_ort_check(r, r->api.GetTensorTypeAndShape(value, &info),
                              s->name, err));
    dmx_status status = dmx_ort_check(
        r, r->api.GetTensorElementType(info, &type), s->name, err);
    if (status == DMX_OK)
        status = dmx_ort_check(r, r->api.GetDimensionsCount(info, &rank),
                               s->name, err);
    if (status == DMX_OK && (type != ORT_FLOAT32 || rank > 8))
        status =
            dmx_fail(err, DMX_ERROR_UNSUPPORTED,
                     "%s: %s is not a float32 tensor", s->name, port->name);
    if (status == DMX_OK)
        status = dmx_ort_check(r, r->api.GetDimensions(info, port->dim, rank),
                               s->name, err);
    port->rank = (int)rank;
    r->api.ReleaseTensorTypeAndShapeInfo(info);
    return status;
}

static dmx_status visit_all(const execution *e, const dmx_run *run,
                            dmx_error *err)
{
    const struct dmx_runtime *r = e->s->runtime;
    for (size_t i = 0; i < e->n_output; i++) {
        dmx_port port = {.rank = 0};
        char name[256];
        snprintf(name, sizeof name, "%s", e->output_name[i]);
        port.name = name;
        void *data;
        DMX_FORWARD(shape_of(e->s, e->output[i], &port, err));
        DMX_FORWARD(
            dmx_ort_check(r, r->api.GetTensorMutableData(e->output[i], &data),
                          e->s->name, err));
        DMX_FORWARD(run->visit(run->user, i, data, port.rank, port.dim, err));
    }
    return DMX_OK;
}

/* A view of the caller's input; ONNX Runtime only reads it. */
static dmx_status wrap_input(const dmx_session *s, const dmx_run *run,
                             ort_value **value, dmx_error *err)
{
    size_t bytes = sizeof(float);
    for (int i = 0; i < run->rank; i++)
        DMX_RETURN_IF(run->dim[i] < 0 ||
                          dmx_mul_overflow(&bytes, bytes, (size_t)run->dim[i]),
                      err, DMX_ERROR_ARGUMENT, "%s: bad input shape", s->name);
    void *data;
    memcpy(&data, &run->input, sizeof data); /* removes const */
    return dmx_ort_check(s->runtime,
                         s->runtime->api.CreateTensorWithDataAsOrtValue(
                             s->runtime->cpu, data, bytes, run->dim,
                             (size_t)run->rank, ORT_FLOAT32, value),
                         s->name, err);
}

static dmx_status run_wrapped(dmx_session *s, const dmx_run *run, execution *e,
                              dmx_error *err)
{
    e->output = calloc(e->n_output, sizeof *e->output);
    DMX_RETURN_IF(e->output == NULL, err, DMX_ERROR_MEMORY, "no memory");
    DMX_FORWARD(dmx_ort_check(s->runtime,
                              s->runtime->api.CreateRunOptions(&e->options),
                              s->name, err));
    DMX_FORWARD(call(e, run, err));
    return visit_all(e, run, err);
}

dmx_status dmx_session_run(dmx_session *s, const dmx_run *run, dmx_error *err)
{
    DMX_RETURN_IF(s->n_input != 1 || !s->input[0].float32 || s->n_output == 0,
                  err, DMX_ERROR_UNSUPPORTED,
                  "%s: expected exactly one float32 input and an output",
                  s->name);
    const char *first = s->output[0].name;
    ort_value *input = NULL;
    DMX_FORWARD(wrap_input(s, run, &input, err));
    execution e = {.s = s, .input_name = s->input[0].name, .input = input};
    e.output_name = run->output_name != NULL ? run->output_name : &first;
    e.n_output = run->output_name != NULL ? run->n_output : 1;
    const ort_api *api = &s->runtime->api;
    const dmx_status status = run_wrapped(s, run, &e, err);
    for (size_t i = 0; e.output != NULL && i < e.n_output; i++)
        if (e.output[i] != NULL)
            api->ReleaseValue(e.output[i]);
    free(e.output);
    if (e.options != NULL)
        api->ReleaseRunOptions(e.options);
    api->ReleaseValue(input);
    return status;
}

typedef struct destination {
    float *data;
    size_t count;
} destination;

static dmx_status copy_out(void *user, size_t index, const float *data,
                           int rank, const int64_t *dim, dmx_error *err)
{
    (void)index;
    const destination *d = user;
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dim[i];
    DMX_RETURN_IF(count != d->count, err, DMX_ERROR_MODEL,
                  "the model gave %zu numbers where %zu were expected", count,
                  d->count);
    memcpy(d->data, data, count * sizeof *data);
    return DMX_OK;
}

dmx_status dmx_session_run_first(dmx_session *session, const dmx_run *run,
                                 float *out, size_t count, dmx_error *err)
{
    destination d = {out, count};
    dmx_run first = *run;
    first.output_name = NULL;
    first.visit = copy_out;
    first.user = &d;
    return dmx_session_run(session, &first, err);
}
