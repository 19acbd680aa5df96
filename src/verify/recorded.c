/* Compares a model file with recorded output of another implementation. */
#include "runtime/runtime.h"
#include "verify/metrics.h"
#include "verify/npy.h"
#include "verify/parity.h"

#include "base/clock.h"
#include "base/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NUMBERS ((size_t)1 << 30) /* of an output */

typedef struct recording {
    dmx_npy mix, stems;
    int64_t sources, channels, samples; /* of the recording */
    int64_t length;                     /* the length that the model runs */
    float *input, *output;
} recording;

static dmx_status check_shapes(recording *r, const char *mix_path,
                               const char *stems_path, dmx_error *err)
{
    const int64_t *m = r->mix.dim, *s = r->stems.dim;
    DMX_RETURN_IF(r->mix.rank != 3 || m[0] != 1, err, DMX_ERROR_FORMAT,
                  "%s: the shape is not (1, channels, samples)", mix_path);
    DMX_RETURN_IF(r->stems.rank != 4 || s[0] != 1 || s[2] != m[1] ||
                      s[3] != m[2] || s[1] < 1 || m[2] < 1,
                  err, DMX_ERROR_FORMAT,
                  "%s: the shape is not (1, sources, %lld, %lld)", stems_path,
                  (long long)m[1], (long long)m[2]);
    r->sources = s[1];
    r->channels = m[1];
    r->samples = m[2];
    return DMX_OK;
}

/* Checks channels against the model and chooses the length to run. */
static dmx_status match_model(recording *r, const dmx_session *session,
                              const dmx_model_file *file, dmx_error *err)
{
    const char *path = file->path;
    const char *pads = dmx_model_file_metadata(file, "pads_to_segment");
    size_t n;
    const dmx_port *in = dmx_session_inputs(session, &n);
    DMX_RETURN_IF(n != 1 || in->rank != 3, err, DMX_ERROR_CHECK,
                  "%s: the input is not (1, channels, samples)", path);
    DMX_RETURN_IF(in->dim[1] >= 0 && in->dim[1] != r->channels, err,
                  DMX_ERROR_MODEL,
                  "%s takes %lld channels, the recording has %lld", path,
                  (long long)in->dim[1], (long long)r->channels);
    r->length = in->dim[2] >= 0 ? in->dim[2] : r->samples;
    DMX_RETURN_IF(r->length < r->samples, err, DMX_ERROR_MODEL,
                  "%s takes %lld samples, fewer than the recording's %lld",
                  path, (long long)r->length, (long long)r->samples);
    DMX_RETURN_IF(r->length > r->samples && pads != NULL &&
                      strcmp(pads, "false") == 0,
                  err, DMX_ERROR_MODEL,
                  "%s is for exactly %lld samples (its network does not pad); "
                  "this recording needs one for %lld",
                  path, (long long)r->length, (long long)r->samples);
    return DMX_OK;
}

static dmx_status allocate(recording *r, dmx_error *err)
{
    size_t row, all;
    DMX_RETURN_IF(
        dmx_mul_overflow(&row, (size_t)r->channels, (size_t)r->length) ||
            dmx_mul_overflow(&all, row, (size_t)r->sources) ||
            all > MOST_NUMBERS,
        err, DMX_ERROR_LIMIT,
        "%lld sources of %lld x %lld samples are too many",
        (long long)r->sources, (long long)r->channels, (long long)r->length);
    r->input = dmx_aligned_alloc(row, sizeof *r->input);
    r->output = dmx_aligned_alloc(all, sizeof *r->output);
    DMX_RETURN_IF(r->input == NULL || r->output == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %zu samples", row);
    for (int64_t c = 0; c < r->channels; c++) {
        float *to = r->input + c * r->length;
        memcpy(to, r->mix.data + c * r->samples,
               (size_t)r->samples * sizeof *to);
        memset(to + r->samples, 0,
               (size_t)(r->length - r->samples) * sizeof *to);
    }
    return DMX_OK;
}

static dmx_status compare_source(struct dmx_report *report, const recording *r,
                                 int64_t source, const char *stated,
                                 double *buffer, dmx_error *err)
{
    char name[64];
    const int64_t count = r->channels * r->samples;
    if (stated != NULL)
        snprintf(name, sizeof name, "%s", stated);
    else
        snprintf(name, sizeof name, "source %lld", (long long)source);
    dmx_parity p = {.signal = "recording", .source = name};
    for (int64_t i = 0; i < count; i++)
        buffer[i] = (double)r->stems.data[source * count + i];
    dmx_compare(&p, buffer, r->output + source * r->channels * r->length,
                r->channels, r->samples, r->length, report->gate);
    return dmx_report_add_parity(report, &p, err);
}

static dmx_status compare_all(struct dmx_report *report,
                              const dmx_model_file *file, const recording *r,
                              dmx_error *err)
{
    double *buffer =
        dmx_aligned_alloc((size_t)(r->channels * r->samples), sizeof *buffer);
    DMX_RETURN_IF(buffer == NULL, err, DMX_ERROR_MEMORY, "no memory");
    dmx_status status = DMX_OK;
    dmx_json *names = dmx_model_file_json(file, "sources");
    const dmx_json *name =
        dmx_json_is_array(names) ? dmx_json_item(names, 0) : NULL;
    for (int64_t s = 0; s < r->sources && status == DMX_OK; s++) {
        status =
            compare_source(report, r, s, dmx_json_text_of(name), buffer, err);
        name = name != NULL ? name->next : NULL;
    }
    dmx_json_free(names);
    dmx_aligned_free(buffer);
    return status;
}

static dmx_status run_session(struct dmx_report *report,
                              const dmx_model_file *file, recording *r,
                              dmx_session *session, const dmx_hooks *hooks,
                              dmx_error *err)
{
    DMX_FORWARD(match_model(r, session, file, err));
    DMX_FORWARD(allocate(r, err));
    const int64_t dim[3] = {1, r->channels, r->length};
    const double start = dmx_seconds();
    const dmx_run run = {.input = r->input,
                         .dim = dim,
                         .rank = 3,
                         .hooks = hooks,
                         .stage = "checking: ONNX Runtime",
                         .fraction = 0.5};
    DMX_FORWARD(dmx_session_run_first(
        session, &run, r->output,
        (size_t)(r->sources * r->channels * r->length), err));
    DMX_FORWARD(dmx_report_add_timing(report, "onnxruntime_recording",
                                      dmx_seconds() - start, err));
    return compare_all(report, file, r, err);
}

static dmx_status with_runtime(struct dmx_report *report,
                               const dmx_model_file *file, recording *r,
                               dmx_runtime *runtime,
                               const dmx_verify_options *options,
                               dmx_error *err)
{
    const dmx_session_options wish = {.threads = options->threads,
                                      .providers = options->providers,
                                      .hooks = options->hooks};
    dmx_session *session;
    const double start = dmx_seconds();
    DMX_FORWARD(dmx_session_open(&session, runtime, file->path,
                                 file->bytes.data, file->bytes.size, &wish,
                                 err));
    report->provider = dmx_session_provider(session);
    report->runtime_version =
        dmx_arena_printf(&report->arena, "%s", dmx_runtime_version(runtime));
    dmx_status status = report->runtime_version == NULL
                            ? dmx_fail(err, DMX_ERROR_MEMORY, "no memory")
                            : dmx_report_add_timing(report, "session",
                                                    dmx_seconds() - start, err);
    if (status == DMX_OK)
        status = run_session(report, file, r, session, options->hooks, err);
    dmx_session_close(session);
    return status;
}

static dmx_status open_and_run(struct dmx_report *report,
                               const dmx_model_file *file, recording *r,
                               const char *mix_path, const char *stems_path,
                               const dmx_verify_options *options,
                               dmx_error *err)
{
    DMX_FORWARD(dmx_npy_open(&r->mix, mix_path, err));
    DMX_FORWARD(dmx_npy_open(&r->stems, stems_path, err));
    DMX_FORWARD(check_shapes(r, mix_path, stems_path, err));
    dmx_runtime *runtime;
    DMX_FORWARD(dmx_runtime_open(&runtime, options->onnxruntime, err));
    const dmx_status status =
        with_runtime(report, file, r, runtime, options, err);
    dmx_runtime_close(runtime);
    return status;
}

dmx_status dmx_parity_recorded(struct dmx_report *report,
                               const dmx_model_file *file, const char *mix_path,
                               const char *stems_path,
                               const dmx_verify_options *options,
                               dmx_error *err)
{
    recording r = {0};
    const dmx_status status =
        open_and_run(report, file, &r, mix_path, stems_path, options, err);
    dmx_npy_close(&r.mix);
    dmx_npy_close(&r.stems);
    dmx_aligned_free(r.input);
    dmx_aligned_free(r.output);
    return status;
}
