#include "separate/member.h"
#include "arch/architectures.h"
#include "separate/backends.h"
#include "base/platform.h"
#include "hub/repository.h"
#include "runtime/onnx_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Samples that a file may have its pieces widened by, at most. */
#define MOST_MARGIN ((int64_t)1 << 24)

static bool is_onnx(const char *path)
{
    return strcasecmp(dmx_extension(path), ".onnx") == 0;
}

static dmx_session_options session_options(const dmx_member_options *o)
{
    return (dmx_session_options){
        .threads = o->threads, .providers = o->providers, .hooks = o->hooks};
}

/* ------------------------------------------------------------------ open */

int64_t dmx_member_run_length(const dmx_member *m, int64_t n)
{
    return m->model != NULL ? dmx_model_run_length(m->model, n)
           : m->architecture != NULL
               ? dmx_architecture_run_length(m->architecture, m->arguments, n)
               : n;
}

/* Lengths that run rise from the shortest in equal steps. */
static int64_t margin_of(const dmx_member *m)
{
    const int64_t shortest = dmx_member_run_length(m, 1);
    const int64_t step = dmx_member_run_length(m, shortest + 1) - shortest;
    return shortest == 1 && step == 1 ? 0 : shortest + step;
}

/* From the bytes that were scanned: ONNX Runtime opens no file by itself. */
static dmx_status open_session(dmx_member *m, const dmx_member_options *o,
                               dmx_runtime **runtime, const dmx_blob *bytes,
                               dmx_error *err)
{
    const dmx_session_options options = session_options(o);
    DMX_FORWARD(dmx_backend_runtime(runtime, o->onnxruntime, err));
    return dmx_session_open(&m->session, *runtime, m->path, bytes->data,
                            bytes->size, &options, err);
}

static bool changes_arguments(const dmx_model_options *o)
{
    return o != NULL &&
           (o->config_path != NULL || (o->set != NULL && o->set[0] != NULL));
}

static dmx_status open_onnx(dmx_member *m, const dmx_member_options *o,
                            dmx_runtime **runtime, dmx_error *err)
{
    DMX_FORWARD(
        dmx_backend_choose(&m->backend, o->backend, true, m->path, err));
    DMX_RETURN_IF(o->weights != NULL, err, DMX_ERROR_ARGUMENT,
                  "%s: an ONNX file has one set of weights; '%s' can't be "
                  "chosen",
                  m->path, o->weights);
    DMX_RETURN_IF(changes_arguments(o->model), err, DMX_ERROR_ARGUMENT,
                  "%s: an ONNX file has its arguments and the names of its "
                  "sources inside; other ones are for checkpoints",
                  m->path);
    dmx_blob bytes;
    DMX_FORWARD(dmx_onnx_file_read(&bytes, m->path, m->path, o->hooks, err));
    const dmx_status status = open_session(m, o, runtime, &bytes, err);
    dmx_blob_free(&bytes);
    DMX_FORWARD(status);
    m->provider = dmx_session_provider(m->session);
    DMX_FORWARD(dmx_member_describe_onnx(m, o, err));
    m->margin = m->fixed ? 0 : margin_of(m);
    DMX_RETURN_IF(
        m->margin > MOST_MARGIN, err, DMX_ERROR_MODEL,
        "%s: its metadata \"arguments\" make every piece %lld samples "
        "longer",
        m->path, (long long)m->margin);
    return DMX_OK;
}

static dmx_status copy_sources(dmx_member *m, dmx_error *err)
{
    m->source = calloc(m->model->n_source, sizeof *m->source);
    DMX_RETURN_IF(m->source == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  m->path);
    m->n_source = m->model->n_source;
    for (size_t i = 0; i < m->n_source; i++) {
        m->source[i] = strdup(m->model->source[i]);
        DMX_RETURN_IF(m->source[i] == NULL, err, DMX_ERROR_MEMORY,
                      "%s: no memory", m->path);
    }
    return DMX_OK;
}

static dmx_status open_checkpoint(dmx_member *m, const dmx_member_options *o,
                                  dmx_error *err)
{
    dmx_checkpoint_options file = DMX_CHECKPOINT_OPTIONS_INIT;
    dmx_model_options arguments = DMX_MODEL_OPTIONS_INIT;
    if (o->model != NULL)
        arguments = *o->model;
    if (arguments.config_path == NULL)
        arguments.config_path = o->bag_config;
    file.hooks = o->hooks;
    file.weights = o->weights;
    arguments.hooks = o->hooks;
    DMX_FORWARD(
        dmx_backend_choose(&m->backend, o->backend, false, m->path, err));
    DMX_FORWARD(dmx_checkpoint_open(&m->checkpoint, m->path, &file, err));
    DMX_FORWARD(dmx_model_open(&m->model, m->checkpoint, &arguments, err));
    m->channels = m->model->audio_channels;
    m->samplerate = m->model->samplerate;
    m->training = m->model->training_samples;
    m->fixed = m->model->use_train_segment && !o->unpadded;
    m->draws_position = m->model->draws_position;
    m->unlimited = strcmp(m->model->architecture, "htdemucs") != 0;
    m->margin = margin_of(m);
    m->lock = dmx_monitor_open();
    DMX_RETURN_IF(m->lock == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  m->path);
    return copy_sources(m, err);
}

dmx_status dmx_member_open(dmx_member *out, const char *path,
                           const dmx_member_options *options,
                           dmx_runtime **runtime, dmx_error *err)
{
    *out = (dmx_member){.path = path, .unpadded = options->unpadded};
    const dmx_status status = is_onnx(path)
                                  ? open_onnx(out, options, runtime, err)
                                  : open_checkpoint(out, options, err);
    if (status != DMX_OK)
        dmx_member_close(out);
    return status;
}

static void forget_checkpoint(dmx_member *m)
{
    dmx_model_close(m->model);
    dmx_checkpoint_close(m->checkpoint);
    m->model = NULL;
    m->checkpoint = NULL;
}

void dmx_member_idle(dmx_member *m)
{
    dmx_runner_close(&m->runner);
    dmx_session_close(m->session);
    m->session = NULL;
    forget_checkpoint(m);
}

void dmx_member_close(dmx_member *m)
{
    dmx_member_idle(m);
    for (size_t i = 0; i < m->n_source; i++)
        free(m->source[i]);
    free(m->source);
    free(m->stem);
    free(m->architecture);
    dmx_json_free(m->arguments);
    if (m->lock != NULL)
        dmx_monitor_close(m->lock);
    *m = (dmx_member){0};
}

/* ----------------------------------------------------------------- start */

/* Samples cut from the track: the wanted segment, the training one at most. */
dmx_status dmx_member_choose_piece(dmx_member *m, double segment,
                                   dmx_error *err)
{
    const double rate = (double)m->samplerate;
    m->piece = segment > 0 ? (int64_t)(segment * rate) : m->training;
    DMX_RETURN_IF(m->piece == 0, err, DMX_ERROR_ARGUMENT,
                  "%s: takes any length and names none; give the segment in "
                  "seconds",
                  m->path);
    if (m->unpadded && m->training > 0 &&
        ((m->piece > m->training && !m->unlimited) ||
         (m->session != NULL && m->fixed)))
        m->piece = m->training;
    DMX_RETURN_IF(m->training > 0 && !m->unlimited && m->piece > m->training,
                  err, DMX_ERROR_ARGUMENT,
                  "segment: %g s is more than the model was trained for; "
                  "allowed is 0.1 to %g",
                  segment, (double)m->training / rate);
    DMX_RETURN_IF(m->session != NULL && m->fixed && m->piece != m->training,
                  err, DMX_ERROR_ARGUMENT,
                  "segment: %s has a fixed length of %g s; export with another "
                  "segment instead",
                  m->path, (double)m->training / rate);
    return DMX_OK;
}

/* Runners have copies of what they need; the last piece of a model that takes
 * any length needs the checkpoint again. */
static void rest(dmx_member *m)
{
    if (dmx_backend_entry_of(m->backend)->keeps_model)
        return;
    dmx_monitor_lock(m->lock);
    dmx_checkpoint_rest(m->checkpoint);
    dmx_monitor_unlock(m->lock);
}

static dmx_status wake(dmx_member *m, dmx_error *err)
{
    if (dmx_backend_entry_of(m->backend)->keeps_model)
        return DMX_OK;
    dmx_monitor_lock(m->lock);
    const dmx_status status = dmx_checkpoint_wake(m->checkpoint, err);
    dmx_monitor_unlock(m->lock);
    return status;
}

static dmx_status make_runner(dmx_member *m, dmx_runner *out,
                              const dmx_member_options *o, int64_t samples,
                              dmx_runtime **runtime, dmx_error *err)
{
    const dmx_runner *like = m->runner.self != NULL ? &m->runner : NULL;
    const dmx_backend_job job = {.model = m->model,
                                 .like = like,
                                 .name = m->path,
                                 .samples = samples,
                                 .batch = like == NULL ? o->batch : 1,
                                 .threads = o->threads,
                                 .hooks = o->hooks,
                                 .onnxruntime = o->onnxruntime,
                                 .providers = o->providers,
                                 .precision = o->precision,
                                 .choices = o->choices,
                                 .runtime = runtime};
    return dmx_backend_entry_of(m->backend)->open(out, &job, err);
}

/* The checkpoint is needed later by some backends, too. */
static dmx_status start_checkpoint(dmx_member *m, const dmx_member_options *o,
                                   int64_t samples, dmx_runtime **runtime,
                                   dmx_error *err)
{
    DMX_FORWARD(make_runner(m, &m->runner, o, samples, runtime, err));
    if (m->fixed && !dmx_backend_entry_of(m->backend)->keeps_model)
        forget_checkpoint(m);
    else
        rest(m);
    return DMX_OK;
}

static dmx_status checkpoint_tail(dmx_member *m, dmx_runner *out,
                                  const dmx_member_options *o, int64_t samples,
                                  dmx_runtime **runtime, dmx_error *err)
{
    dmx_runner_give_up(&m->runner);
    DMX_FORWARD(wake(m, err));
    const dmx_status status =
        make_runner(m, out, o, dmx_member_run_length(m, samples), runtime, err);
    rest(m);
    return status;
}

dmx_status dmx_member_tail(dmx_member *m, dmx_runner *out,
                           const dmx_member_options *o, int64_t samples,
                           dmx_runtime **runtime, dmx_error *err)
{
    if (m->model != NULL)
        return checkpoint_tail(m, out, o, samples, runtime, err);
    return dmx_runner_onnx_length(out, &m->runner,
                                  dmx_member_run_length(m, samples), err);
}

/* Segments at once: only some backends can, and a file may fix how many. */
static dmx_status check_batch(const dmx_member *m, int64_t batch,
                              dmx_error *err)
{
    DMX_RETURN_IF(
        batch > 1 && !dmx_backend_entry_of(m->backend)->batches, err,
        DMX_ERROR_ARGUMENT,
        "%s: batch: the %s engine runs one segment at a time, on all threads; "
        "choose the engine onnxruntime for %lld at once",
        m->path, dmx_backend_name(m->backend), (long long)batch);
    DMX_RETURN_IF(m->session != NULL && batch > 0 && m->file_batch > 0 &&
                      batch != m->file_batch,
                  err, DMX_ERROR_ARGUMENT,
                  "%s: batch: the file takes %lld segment%s at once, not %lld; "
                  "export it with options.dynamic, or with options.batch %lld",
                  m->path, (long long)m->file_batch,
                  m->file_batch > 1 ? "s" : "", (long long)batch,
                  (long long)batch);
    return DMX_OK;
}

static dmx_session_batch batch_of(const dmx_member *m, int64_t wanted)
{
    const int64_t most = m->file_batch > 0 ? m->file_batch : wanted;
    return (dmx_session_batch){most > 0 ? most : 1, m->file_batch > 0};
}

dmx_status dmx_member_start(dmx_member *m, const dmx_member_options *o,
                            dmx_runtime **runtime, dmx_error *err)
{
    DMX_RETURN_IF(o->precision != DMX_ENGINE_EXACT &&
                      m->backend != DMX_BACKEND_NATIVE,
                  err, DMX_ERROR_ARGUMENT,
                  "%s: precision %s is of the native engine, which runs "
                  "checkpoints",
                  m->path, dmx_engine_precision_name(o->precision));
    DMX_FORWARD(check_batch(m, o->batch, err));
    DMX_FORWARD(dmx_member_choose_piece(m, o->segment, err));
    const int64_t samples =
        m->fixed ? m->training : dmx_member_run_length(m, m->piece);
    if (m->session == NULL)
        return start_checkpoint(m, o, samples, runtime, err);
    DMX_FORWARD(dmx_runner_onnx(&m->runner, m->session, m->channels,
                                (int64_t)m->n_source, samples,
                                batch_of(m, o->batch), err));
    m->session = NULL;
    return DMX_OK;
}
