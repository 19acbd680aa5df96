#include "verify/checks.h"
#include "base/options.h"
#include "verify/parity.h"
#include "verify/promises.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/parallel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TOLERANCE 1e-5
#define INT8_SNR          45 /* dB, of files in 8 bits */
#define MOST_SNR          200
#define MAX_SAMPLES       ((int64_t)1 << 24)

dmx_status dmx_checks_options(dmx_verify_options *out,
                              const dmx_verify_options *given, dmx_error *err)
{
    *out = (dmx_verify_options)DMX_VERIFY_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(out, given, dmx_verify_options, err));
    DMX_FORWARD(dmx_check_range("min_snr", out->min_snr, 0, MOST_SNR, err));
    if (out->threads > 0)
        out->threads = dmx_thread_count(out->threads, out->hooks);
    return DMX_OK;
}

static bool is_int8(const dmx_model_file *file)
{
    const char *precision = dmx_model_file_metadata(file, "precision");
    return dmx_model_file_is_ours(file) && precision != NULL &&
           strcmp(precision, dmx_precision_name(DMX_PRECISION_INT8)) == 0;
}

dmx_gate dmx_checks_gate(const dmx_verify_options *options,
                         const dmx_model_file *file)
{
    const double ratio = options->min_snr > 0 ? options->min_snr
                         : is_int8(file)      ? INT8_SNR
                                              : -INFINITY;
    const bool given = options->tolerance > 0;
    return (dmx_gate){given             ? options->tolerance
                      : isfinite(ratio) ? INFINITY
                                        : DEFAULT_TOLERANCE,
                      ratio};
}

dmx_status dmx_checks_static(struct dmx_report *report, dmx_contract *contract,
                             const dmx_checker *checker,
                             const dmx_model_file *file, bool trusted,
                             const dmx_hooks *hooks, dmx_error *err)
{
    dmx_error said = DMX_ERROR_INIT;
    DMX_FORWARD(dmx_progress(hooks, "checking: structure", 0, err));
    DMX_FORWARD(dmx_promises_check(report, contract, file, err));
    const double start = dmx_seconds();
    const dmx_status status = dmx_checker_check(
        checker, file->bytes.data, file->bytes.size, trusted, hooks, &said);
    DMX_RETURN_IF(status == DMX_ERROR_MEMORY || status == DMX_ERROR_CANCELLED,
                  err, status, "%s", said.message);
    report->checker_ran = true;
    if (status != DMX_OK)
        DMX_FORWARD(dmx_report_error(report, err, "%s", said.message));
    return dmx_report_add_timing(report, "onnx_checker", dmx_seconds() - start,
                                 err);
}

/* Index of a source of the model, or SIZE_MAX. */
static size_t find_source(const struct dmx_model *model, const char *name)
{
    for (size_t i = 0; name != NULL && i < model->n_source; i++)
        if (strcmp(model->source[i], name) == 0)
            return i;
    return SIZE_MAX;
}

/* Maps each row of the output to one of the model's sources: by the names in
 * the metadata, or without them all in order. */
static dmx_status map_rows(size_t **row, size_t *n_row,
                           const dmx_model_file *file,
                           const struct dmx_model *model, dmx_error *err)
{
    dmx_json *names = dmx_model_file_json(file, "sources");
    const bool named = dmx_json_is_array(names);
    const size_t n = named ? (size_t)dmx_json_count(names) : model->n_source;
    const dmx_json *item = dmx_json_item(names, 0);
    dmx_status status = DMX_OK;
    *n_row = n;
    *row = calloc(n + 1, sizeof **row);
    if (*row == NULL)
        status = dmx_fail(err, DMX_ERROR_MEMORY, "no memory");
    for (size_t i = 0; i < n && status == DMX_OK; i++) {
        const char *name = named ? dmx_json_text_of(item) : model->source[i];
        item = item != NULL ? item->next : NULL;
        (*row)[i] = find_source(model, name);
        if ((*row)[i] == SIZE_MAX)
            status = dmx_fail(err, DMX_ERROR_CHECK,
                              "%s: its source '%.60s' is none of the "
                              "checkpoint's",
                              file->path, name != NULL ? name : "?");
    }
    dmx_json_free(names);
    return status;
}

/* Networks that accept any length state segments of minutes; this length is
 * more than their LSTMs run unchunked at every level. */
#define ENOUGH_SECONDS 10

/* The lengths at which a file of any length is compared: the segment, a short
 * one, a prime, and one above the segment that is no multiple of any stride. */
static size_t choose_lengths(int64_t length[4], const struct dmx_model *m,
                             const dmx_contract *contract,
                             const dmx_verify_options *options, int64_t least)
{
    const int64_t enough = ENOUGH_SECONDS * m->samplerate;
    const int64_t segment = m->free_length && m->training_samples > enough
                                ? enough
                                : m->training_samples;
    length[0] = contract->samples > 0 ? contract->samples : options->samples;
    if (length[0] > 0)
        return 1;
    length[0] = segment;
    length[1] = least > 1000 ? least : 1000;
    length[2] = 10007;
    length[3] = segment + segment / 8 + 1;
    return 4;
}

/* The shortest length of the network, and the test signals it needs; a network
 * without a graph of any length is built at its own segment. */
static dmx_status look_at_network(dmx_parity_job *job, int64_t *least,
                                  dmx_error *err)
{
    const dmx_graph *any;
    dmx_graph *own = NULL;
    const bool free = dmx_model_graph_any(&any, job->model, NULL) == DMX_OK;
    if (!free)
        DMX_FORWARD(dmx_model_graph(&own, job->model, 0, err));
    const dmx_graph *g = free ? any : own;
    *least = free ? dmx_graph_shortest(g, job->model->training_samples) : 1;
    job->floor =
        dmx_graph_uses(g, DMX_OP_MASK) || dmx_graph_uses(g, DMX_OP_WIENER);
    dmx_graph_close(own);
    return DMX_OK;
}

static dmx_status run_parity(dmx_parity_job *job, const dmx_contract *contract,
                             dmx_error *err)
{
    int64_t length[4];
    const dmx_verify_options *o = job->options;
    DMX_RETURN_IF(contract->samples > 0 && o->samples > 0 &&
                      o->samples != contract->samples,
                  err, DMX_ERROR_ARGUMENT,
                  "%s: its length is fixed: %lld samples, not %lld",
                  job->file->path, (long long)contract->samples,
                  (long long)o->samples);
    int64_t least;
    DMX_FORWARD(look_at_network(job, &least, err));
    job->n_length = choose_lengths(length, job->model, contract, o, least);
    job->length = length;
    job->batch = contract->batch;
    for (size_t i = 0; i < job->n_length; i++)
        DMX_RETURN_IF(length[i] > MAX_SAMPLES, err, DMX_ERROR_LIMIT,
                      "%s: %lld samples are too many to compare",
                      job->file->path, (long long)length[i]);
    return dmx_parity_run(job, err);
}

dmx_status
dmx_checks_parity(struct dmx_report *report, const dmx_model_file *file,
                  const struct dmx_model *model, const dmx_contract *contract,
                  dmx_expected *expected, const dmx_verify_options *options,
                  const dmx_hooks *hooks, dmx_error *err)
{
    const dmx_identity who = dmx_model_identity(model);
    DMX_FORWARD(dmx_promises_identity(report, file, &who, err));
    if (report->failed)
        return DMX_OK;
    if (options->skip_parity) {
        dmx_warn(hooks,
                 "the numbers of %s are not compared with the "
                 "reference: the parity check is switched off",
                 file->path);
        return dmx_report_note(report, err, "the parity check was skipped");
    }
    size_t *row;
    dmx_expected own = {NULL};
    const bool again = contract->batch < 0 && isfinite(report->gate.min_snr);
    dmx_parity_job job = {.report = report,
                          .file = file,
                          .model = model,
                          .expected = expected != NULL ? expected
                                      : again          ? &own
                                                       : NULL,
                          .options = options,
                          .hooks = hooks};
    dmx_status status = map_rows(&row, &job.n_row, file, model, err);
    job.row = row;
    if (status == DMX_OK)
        status = run_parity(&job, contract, err);
    free(row);
    dmx_expected_free(&own);
    return status;
}
