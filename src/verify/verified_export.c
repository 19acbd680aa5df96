/* dmx_export: a file is written, checked, and only then renamed to its final
 * name. */
#include "base/clock.h"
#include "base/parallel.h"
#include "base/precision.h"
#include "onnx/onnx_export.h"
#include "base/options.h"
#include "verify/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BATCH 4096

/* One export. */
typedef struct job {
    const struct dmx_model *model;
    const char *path;
    dmx_export_options options;
    dmx_verify_options checks;
    dmx_checker *checker;
    size_t *chosen; /* sources wanted, rising */
    size_t n_chosen;
    unsigned int8;         /* DMX_INT8_...: of DMX_PRECISION_INT8 */
    size_t n_back;         /* steps back that were taken */
    char taken_back[256];  /* why it is not everything, or "" */
    dmx_expected expected; /* by the reference, kept for steps back */
    struct dmx_report *report;
} job;

static bool is_wanted(const job *j, const char *source)
{
    for (const char *const *s = j->options.stems; *s != NULL; s++)
        if (strcmp(*s, source) == 0)
            return true;
    return false;
}

static dmx_status check_stem(const job *j, const char *stem, dmx_error *err)
{
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < j->model->n_source; i++) {
        if (strcmp(j->model->source[i], stem) == 0)
            return DMX_OK;
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                     i > 0 ? ", " : "", j->model->source[i]);
    }
    DMX_RETURN_ERROR(err, DMX_ERROR_ARGUMENT,
                     "the model has no source '%s'; it has %s", stem, known);
}

static dmx_status choose_stems(job *j, dmx_error *err)
{
    DMX_RETURN_IF(j->options.stems == NULL && j->options.prune, err,
                  DMX_ERROR_ARGUMENT,
                  "pruning needs the names of the stems to keep");
    if (j->options.stems == NULL)
        return DMX_OK;
    for (const char *const *s = j->options.stems; *s != NULL; s++)
        DMX_FORWARD(check_stem(j, *s, err));
    j->chosen = calloc(j->model->n_source, sizeof *j->chosen);
    DMX_RETURN_IF(j->chosen == NULL, err, DMX_ERROR_MEMORY, "no memory");
    for (size_t i = 0; i < j->model->n_source; i++)
        if (is_wanted(j, j->model->source[i]))
            j->chosen[j->n_chosen++] = i;
    return DMX_OK;
}

/* Whether the file is for any length. */
static bool any_length(const job *j)
{
    return (j->options.dynamic & DMX_DYNAMIC_SAMPLES) != 0 ||
           (j->model->free_length && j->options.samples == 0);
}

/* The length that recipes are optimised for: bags of networks that accept any
 * length cut songs into segments of at most 44 s. */
static int64_t typical_samples(const job *j)
{
    const int64_t usual = 44 * j->model->samplerate;
    return j->options.samples > 0 || !j->model->free_length ||
                   j->model->training_samples < usual
               ? j->options.samples
               : usual;
}

static dmx_status write_graph(const job *j, dmx_output *out,
                              const dmx_graph *graph, dmx_error *err)
{
    const bool prune = j->options.prune && j->n_chosen > 0;
    const dmx_onnx_options o = {
        .opset = j->options.opset,
        .newest_opset = dmx_checker_newest_opset(j->checker),
        .precision = j->options.precision,
        .chosen = prune ? j->chosen : NULL,
        .n_chosen = prune ? j->n_chosen : 0,
        .stem = j->options.stem,
        .threads = j->options.threads,
        .hooks = j->options.hooks,
        .batch = (j->options.dynamic & DMX_DYNAMIC_BATCH) != 0
                     ? DMX_ANY
                     : j->options.batch,
        .typical = typical_samples(j),
        .int8 = j->int8,
    };
    const dmx_identity who = dmx_model_identity(j->model);
    DMX_FORWARD(dmx_onnx_write(out, graph, &who, &o, err));
    return dmx_output_flush(out, err);
}

static dmx_status write_model(const job *j, dmx_output *out, double *seconds,
                              dmx_error *err)
{
    dmx_graph *fixed = NULL;
    const dmx_graph *graph;
    const double start = dmx_seconds();
    DMX_FORWARD(dmx_progress(j->options.hooks, "writing the graph", 0, err));
    if (any_length(j)) {
        DMX_FORWARD(dmx_model_graph_any(&graph, j->model, err));
    } else {
        DMX_FORWARD(dmx_model_graph(&fixed, j->model, j->options.samples, err));
        graph = fixed;
    }
    const dmx_status status = write_graph(j, out, graph, err);
    dmx_graph_close(fixed);
    *seconds = dmx_seconds() - start;
    return status;
}

static dmx_status check_written(job *j, const dmx_model_file *file,
                                double write_seconds, dmx_error *err)
{
    dmx_contract contract;
    const bool may_repeat = j->options.precision == DMX_PRECISION_INT8;
    DMX_FORWARD(dmx_report_open(&j->report, file,
                                dmx_checks_gate(&j->checks, file), err));
    j->report->checkpoint_sha256 =
        dmx_arena_printf(&j->report->arena, "%s", j->model->checkpoint->sha256);
    DMX_RETURN_IF(j->report->checkpoint_sha256 == NULL, err, DMX_ERROR_MEMORY,
                  "no memory");
    if (j->taken_back[0] != '\0')
        DMX_FORWARD(dmx_report_note(j->report, err, "%s", j->taken_back));
    DMX_FORWARD(dmx_report_add_timing(j->report, "write", write_seconds, err));
    DMX_FORWARD(dmx_checks_static(j->report, &contract, j->checker, file, true,
                                  j->options.hooks, err));
    if (!j->report->failed)
        DMX_FORWARD(dmx_checks_parity(j->report, file, j->model, &contract,
                                      may_repeat ? &j->expected : NULL,
                                      &j->checks, j->options.hooks, err));
    return dmx_report_verdict(j->report, err);
}

/* The very bytes that will be renamed are read back and checked. */
static dmx_status write_and_check(job *j, dmx_output *out, dmx_error *err)
{
    double seconds;
    dmx_model_file file;
    DMX_FORWARD(write_model(j, out, &seconds, err));
    DMX_FORWARD(
        dmx_model_file_open(&file, out->temporary_path, j->path, NULL, err));
    const dmx_status status = check_written(j, &file, seconds, err);
    dmx_model_file_close(&file);
    DMX_FORWARD(status);
    return dmx_progress(j->options.hooks, "done", 1, err);
}

/* What goes back to float32 after a comparison that failed: the projections of
 * attention, those first whose results stay in the residual path. */
static const struct {
    unsigned without;
    const char *name;
} steps_back[] = {
    {DMX_INT8_RESULTS, "attention's results"},
    {DMX_INT8_RESULTS | DMX_INT8_HEADS, "all projections of attention"},
};
#define N_STEPS_BACK (sizeof steps_back / sizeof steps_back[0])

/* Whether less in 8 bits may do. */
static bool take_back(job *j)
{
    const dmx_parity *worst = dmx_report_worst(j->report);
    if (j->options.precision != DMX_PRECISION_INT8 || worst == NULL ||
        j->n_back == N_STEPS_BACK)
        return false;
    snprintf(j->taken_back, sizeof j->taken_back,
             "int8: %s go back to float32: with them, %.40s is %.1f dB from "
             "the reference on %.60s",
             steps_back[j->n_back].name, worst->source, worst->snr,
             worst->signal);
    j->int8 = DMX_INT8_ALL & ~steps_back[j->n_back++].without;
    dmx_warn(j->options.hooks, "%s: %s", j->path, j->taken_back);
    return true;
}

static dmx_status start_again(job *j, dmx_output *out, dmx_error *err)
{
    dmx_report_close(j->report);
    j->report = NULL;
    dmx_output_abandon(out);
    return dmx_output_open(out, j->path, err);
}

static dmx_status write_until_good(job *j, dmx_output *out, dmx_error *err)
{
    dmx_error why = DMX_ERROR_INIT;
    dmx_status status = write_and_check(j, out, &why);
    while (status == DMX_ERROR_CHECK && take_back(j)) {
        DMX_FORWARD(start_again(j, out, err));
        why = (dmx_error)DMX_ERROR_INIT;
        status = write_and_check(j, out, &why);
    }
    DMX_RETURN_IF(status != DMX_OK, err, status, "%s", why.message);
    return DMX_OK;
}

/* The network was trained on one length and pads anything shorter to it; the
 * original refuses more. */
static dmx_status check_length(const job *j, dmx_error *err)
{
    const struct dmx_model *m = j->model;
    DMX_RETURN_IF(
        m->use_train_segment && j->options.samples > m->training_samples, err,
        DMX_ERROR_ARGUMENT,
        "%lld samples are more than the %lld (%.4g s) that the model was "
        "trained on",
        (long long)j->options.samples, (long long)m->training_samples,
        (double)m->training_samples / (double)m->samplerate);
    return DMX_OK;
}

static dmx_status check_dynamic(const job *j, dmx_error *err)
{
    const dmx_export_options *o = &j->options;
    DMX_RETURN_IF(
        (o->dynamic & ~(DMX_DYNAMIC_SAMPLES | DMX_DYNAMIC_BATCH)) != 0, err,
        DMX_ERROR_ARGUMENT, "dynamic: %d is no such dimension", o->dynamic);
    DMX_RETURN_IF(o->batch < 0 || o->batch > MOST_BATCH, err,
                  DMX_ERROR_ARGUMENT, "batch: %lld is not 1 to %d",
                  (long long)o->batch, MOST_BATCH);
    DMX_RETURN_IF(o->batch > 1 && (o->dynamic & DMX_DYNAMIC_BATCH) != 0, err,
                  DMX_ERROR_ARGUMENT,
                  "the batch is either free or %lld: give one of the two",
                  (long long)o->batch);
    return DMX_OK;
}

static dmx_status run(job *j, dmx_error *err)
{
    dmx_output out;
    DMX_FORWARD(check_dynamic(j, err));
    DMX_FORWARD(dmx_precision_check(j->options.precision, err));
    DMX_FORWARD(check_length(j, err));
    DMX_FORWARD(choose_stems(j, err));
    DMX_FORWARD(dmx_checker_open(&j->checker, err));
    DMX_FORWARD(dmx_output_open(&out, j->path, err));
    const dmx_status status = write_until_good(j, &out, err);
    if (status == DMX_OK)
        return dmx_output_commit(&out, NULL, err);
    dmx_output_abandon(&out);
    return status;
}

dmx_status dmx_export(const dmx_model *model, const char *path,
                      const dmx_export_options *options, dmx_report **report,
                      dmx_error *err)
{
    dmx_error_clear(err);
    if (report != NULL)
        *report = NULL;
    DMX_NEED(err, model);
    DMX_NEED(err, path);
    job j = {.model = model,
             .path = path,
             .options = DMX_EXPORT_OPTIONS_INIT,
             .int8 = DMX_INT8_ALL};
    DMX_FORWARD(DMX_OPTIONS_TAKE(&j.options, options, dmx_export_options, err));
    if (j.options.threads > 0)
        j.options.threads = dmx_thread_count(j.options.threads, NULL);
    DMX_FORWARD(dmx_checks_options(&j.checks, j.options.checks, err));
    if (j.checks.threads == 0)
        j.checks.threads = j.options.threads;
    const dmx_status status = run(&j, err);
    dmx_checker_close(j.checker);
    dmx_expected_free(&j.expected);
    free(j.chosen);
    if (report != NULL && (status == DMX_OK || status == DMX_ERROR_CHECK))
        *report = j.report;
    else
        dmx_report_close(j.report);
    return status;
}
