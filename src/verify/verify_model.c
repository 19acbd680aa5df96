/* The public checks of an existing file. */
#include "verify/checks.h"
#include "verify/parity.h"

typedef struct recording_paths {
    const char *mix, *stems;
} recording_paths;

/* The numeric check: against the model, or the recording. */
static dmx_status
check_numbers(struct dmx_report *report, const dmx_model_file *file,
              const struct dmx_model *model, const recording_paths *recording,
              const dmx_contract *contract, const dmx_verify_options *options,
              dmx_error *err)
{
    if (recording != NULL)
        return dmx_parity_recorded(report, file, recording->mix,
                                   recording->stems, options, err);
    report->checkpoint_sha256 =
        dmx_arena_printf(&report->arena, "%s", model->checkpoint->sha256);
    DMX_RETURN_IF(report->checkpoint_sha256 == NULL, err, DMX_ERROR_MEMORY,
                  "no memory");
    return dmx_checks_parity(report, file, model, contract, NULL, options,
                             options->hooks, err);
}

static dmx_status check_file(struct dmx_report *report,
                             const dmx_model_file *file,
                             const struct dmx_model *model,
                             const recording_paths *recording,
                             const dmx_verify_options *options, dmx_error *err)
{
    dmx_checker *checker;
    dmx_contract contract;
    DMX_FORWARD(dmx_checker_open(&checker, err));
    dmx_status status = dmx_checks_static(report, &contract, checker, file,
                                          false, options->hooks, err);
    dmx_checker_close(checker);
    DMX_FORWARD(status);
    if (!report->failed)
        DMX_FORWARD(check_numbers(report, file, model, recording, &contract,
                                  options, err));
    return dmx_report_verdict(report, err);
}

static dmx_status verify(const char *path, const struct dmx_model *model,
                         const recording_paths *recording,
                         const dmx_verify_options *given, dmx_report **report,
                         dmx_error *err)
{
    dmx_verify_options options;
    DMX_FORWARD(dmx_checks_options(&options, given, err));
    dmx_model_file file;
    struct dmx_report *r;
    if (report != NULL)
        *report = NULL;
    DMX_FORWARD(dmx_model_file_open(&file, path, path, options.hooks, err));
    dmx_status status =
        dmx_report_open(&r, &file, dmx_checks_gate(&options, &file), err);
    if (status == DMX_OK)
        status = check_file(r, &file, model, recording, &options, err);
    dmx_model_file_close(&file);
    if (report != NULL && (status == DMX_OK || status == DMX_ERROR_CHECK))
        *report = r;
    else
        dmx_report_close(r);
    return status;
}

dmx_status dmx_verify_model(const char *path, const dmx_model *model,
                            const dmx_verify_options *options,
                            dmx_report **report, dmx_error *err)
{
    dmx_error_clear(err);
    if (report != NULL)
        *report = NULL;
    DMX_NEED(err, path);
    DMX_NEED(err, model);
    return verify(path, model, NULL, options, report, err);
}

dmx_status dmx_verify_recorded(const char *path, const char *mix_path,
                               const char *stems_path,
                               const dmx_verify_options *options,
                               dmx_report **report, dmx_error *err)
{
    dmx_error_clear(err);
    if (report != NULL)
        *report = NULL;
    DMX_NEED(err, path);
    DMX_NEED(err, mix_path);
    DMX_NEED(err, stems_path);
    const recording_paths recording = {mix_path, stems_path};
    return verify(path, NULL, &recording, options, report, err);
}
