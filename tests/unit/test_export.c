/* Every HTDemucs fixture exports, and ONNX Runtime computes from the file what
 * PyTorch recorded; the reports say so. Needs ONNX Runtime. */
#include "runtime/runtime.h"
#include "test_support.h"

#include "base/json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The acceptance limit and our target, relative to the peak. */
#define LIMIT 1e-5
#define AIM   3e-6

static bool have_runtime(void)
{
    dmx_runtime *runtime;
    const bool have = dmx_runtime_open(&runtime, NULL, NULL) == DMX_OK;
    dmx_runtime_close(runtime);
    return have;
}

static const char *output_path(void)
{
    static char path[1100];
    snprintf(path, sizeof path, "%s/model.onnx", test_folder());
    return path;
}

typedef struct opened {
    dmx_checkpoint *checkpoint;
    dmx_model *model;
} opened;

static opened open_model(const char *name, const char *const *set)
{
    opened o;
    dmx_error err = DMX_ERROR_INIT;
    dmx_model_options options = DMX_MODEL_OPTIONS_INIT;
    options.set = set;
    assert_ok(dmx_checkpoint_open(&o.checkpoint, test_data(name), NULL, &err),
              &err);
    assert_ok(dmx_model_open(&o.model, o.checkpoint, &options, &err), &err);
    return o;
}

static void close_model(opened *o)
{
    dmx_model_close(o->model);
    dmx_checkpoint_close(o->checkpoint);
}

static double worst(const dmx_report *report)
{
    double largest = 0;
    dmx_parity p = DMX_PARITY_INIT;
    size_t i = 0;
    for (; dmx_report_parity(report, i, &p); i++)
        largest = p.relative > largest ? p.relative : largest;
    assert_true(i > 0);
    return largest;
}

static double recorded(const char *folder)
{
    char mix[64], stems[64];
    dmx_error err = DMX_ERROR_INIT;
    dmx_report *report;
    snprintf(mix, sizeof mix, "%s/mix.npy", folder);
    snprintf(stems, sizeof stems, "%s/stems.npy", folder);
    assert_ok(dmx_verify_recorded(output_path(), test_data(mix),
                                  test_data(stems), NULL, &report, &err),
              &err);
    const double relative = worst(report);
    dmx_report_close(report);
    return relative;
}

static const char *const bare[] = {"segment=39/80", NULL};

static const struct golden {
    const char *model, *folder;
    const char *const *set;
    int64_t samples; /* 0: the training segment */
} golden[] = {
    {"emb_cape/model.th", "emb_cape", NULL, 0},
    {"emb_scaled/model.th", "emb_scaled", NULL, 0},
    {"full_length/model.th", "full_length", NULL, 0},
    {"group_norms/model.th", "group_norms", NULL, 0},
    {"htdemucs/model.th", "htdemucs", NULL, 0},
    {"htdemucs_6s/model.th", "htdemucs_6s", NULL, 0},
    {"legacy_container/model.th", "legacy_container", NULL, 0},
    {"merged_branches/model.th", "merged_branches", NULL, 0},
    {"mono_two_stems/model.th", "mono_two_stems", NULL, 20000},
    {"multi_freqs/model.th", "multi_freqs", NULL, 0},
    {"nfft_2048/model.th", "nfft_2048", NULL, 0},
    {"no_rewrite/model.th", "no_rewrite", NULL, 0},
    {"no_transformer/model.th", "no_transformer", NULL, 0},
    {"post_norm/model.th", "post_norm", NULL, 0},
    {"protocol4/model.th", "protocol4", NULL, 0},
    {"safetensors/htdemucs.safetensors", "htdemucs", NULL, 0},
    {"safetensors/htdemucs_6s.safetensors", "htdemucs_6s", NULL, 0},
    {"short_input/model.th", "short_input", NULL, 0},
    {"state_dict_only/model.th", "state_dict_only", bare, 0},
};

/* The recording is the judge here, so the reference need not run. */
static void recordings_are_reproduced(void **state)
{
    (void)state;
    if (!have_runtime())
        skip();
    dmx_verify_options checks = DMX_VERIFY_OPTIONS_INIT;
    checks.skip_parity = 1;
    dmx_export_options options = DMX_EXPORT_OPTIONS_INIT;
    options.checks = &checks;
    for (size_t precision = 0; precision < 2; precision++)
        for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
            dmx_error err = DMX_ERROR_INIT;
            if (precision == 1 && strcmp(golden[i].folder, "full_length") == 0)
                continue; /* large, and nothing new */
            opened o = open_model(golden[i].model, golden[i].set);
            options.samples = golden[i].samples;
            options.precision = precision == 0 ? DMX_PRECISION_FP32
                                               : DMX_PRECISION_FP16_WEIGHTS;
            assert_ok(dmx_export(o.model, output_path(), &options, NULL, &err),
                      &err);
            close_model(&o);
            const double relative = recorded(golden[i].folder);
            printf("%s %s: %.2e of the peak%s\n", golden[i].model,
                   precision == 0 ? "fp32" : "fp16weights", relative,
                   relative > AIM ? ", above the aim" : "");
            assert_true(relative <= LIMIT);
        }
}

/* ---- 8 bits ---------------------------------------------------------------
 */
static double least_snr(const dmx_report *report)
{
    double least = INFINITY;
    dmx_parity p = DMX_PARITY_INIT;
    size_t i = 0;
    for (; dmx_report_parity(report, i, &p); i++)
        least = fmin(least, p.snr);
    assert_true(i > 0);
    return least;
}

static void count_warning(void *user, const char *message)
{
    if (strstr(message, "back to float32") != NULL)
        ++*(int *)user;
}

/* How much of these random weights survives in 8 bits on the two test signals:
 * everything, a part, or nothing. */
static const struct eight_bits {
    const char *model;
    int64_t samples;
    int steps_back;
    dmx_status status;
    double min_snr;
} eight_bits[] = {
    {"emb_cape/model.th", 0, 0, DMX_OK, 45},
    {"emb_scaled/model.th", 0, 0, DMX_OK, 45},
    {"emb_scaled/model.th", 0, 2, DMX_OK, 48.4},
    {"group_norms/model.th", 0, 0, DMX_OK, 45},
    {"htdemucs/model.th", 0, 0, DMX_OK, 45},
    {"htdemucs_6s/model.th", 0, 0, DMX_OK, 45},
    {"legacy_container/model.th", 0, 0, DMX_OK, 45},
    {"merged_branches/model.th", 0, 0, DMX_OK, 45},
    {"mono_two_stems/model.th", 20000, 0, DMX_OK, 45},
    {"multi_freqs/model.th", 0, 0, DMX_OK, 45},
    {"nfft_2048/model.th", 0, 0, DMX_OK, 45},
    {"no_rewrite/model.th", 0, 0, DMX_OK, 45},
    {"no_transformer/model.th", 0, 0, DMX_ERROR_UNSUPPORTED, 45},
    {"post_norm/model.th", 0, 2, DMX_ERROR_CHECK, 45},
    {"protocol4/model.th", 0, 0, DMX_OK, 45},
    {"short_input/model.th", 0, 0, DMX_OK, 45},
    {"family/hdemucs_odd/model.th", 8192, 0, DMX_ERROR_UNSUPPORTED, 45},
    {"family/demucs_odd/model.th", 22051, 0, DMX_ERROR_UNSUPPORTED, 45},
};

static void check_eight_bits(const struct eight_bits *e)
{
    int steps_back = 0;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &steps_back, .warn = count_warning};
    dmx_error err = DMX_ERROR_INIT;
    dmx_report *report;
    dmx_export_options options = DMX_EXPORT_OPTIONS_INIT;
    options.precision = DMX_PRECISION_INT8;
    options.samples = e->samples;
    options.hooks = &hooks;
    dmx_verify_options checks = DMX_VERIFY_OPTIONS_INIT;
    checks.min_snr = e->min_snr;
    options.checks = &checks;
    opened o = open_model(e->model, NULL);
    unlink(output_path());
    const dmx_status status =
        dmx_export(o.model, output_path(), &options, &report, &err);
    if (report != NULL)
        printf("%s: %.1f dB, %d steps back\n", e->model, least_snr(report),
               steps_back);
    assert_int_equal(status, e->status);
    assert_int_equal(steps_back, e->steps_back);
    assert_int_equal(access(output_path(), F_OK) == 0, status == DMX_OK);
    if (status == DMX_OK)
        assert_true(least_snr(report) >= e->min_snr);
    else
        assert_non_null(strstr(err.message, status == DMX_ERROR_CHECK
                                                ? "less than the 45 dB"
                                                : "has none"));
    dmx_report_close(report);
    close_model(&o);
}

static void eight_bits_keep_their_promise(void **state)
{
    (void)state;
    if (!have_runtime())
        skip();
    for (size_t i = 0; i < sizeof eight_bits / sizeof eight_bits[0]; i++)
        check_eight_bits(&eight_bits[i]);
}

/* The caller sets the gate, also for an existing file; files of any length and
 * batch are compared with the reference, too. */
static void eight_bits_go_with_free_dimensions(void **state)
{
    (void)state;
    if (!have_runtime())
        skip();
    dmx_error err = DMX_ERROR_INIT;
    dmx_report *report;
    dmx_export_options options = DMX_EXPORT_OPTIONS_INIT;
    options.precision = DMX_PRECISION_INT8;
    options.dynamic = DMX_DYNAMIC_SAMPLES | DMX_DYNAMIC_BATCH;
    opened o = open_model("htdemucs_dynamic/model.th", NULL);
    assert_ok(dmx_export(o.model, output_path(), &options, &report, &err),
              &err);
    const double least = least_snr(report);
    printf("any length and batch: %.1f dB\n", least);
    assert_true(least >= 45);
    dmx_report_close(report);
    dmx_verify_options checks = DMX_VERIFY_OPTIONS_INIT;
    assert_ok(dmx_verify_model(output_path(), o.model, &checks, NULL, &err),
              &err);
    checks.min_snr = least + 1;
    assert_int_equal(
        dmx_verify_model(output_path(), o.model, &checks, NULL, &err),
        DMX_ERROR_CHECK);
    assert_non_null(strstr(err.message, "that it must have"));
    err = (dmx_error)DMX_ERROR_INIT;
    checks.min_snr = 0;
    checks.tolerance = 1e-5;
    assert_int_equal(
        dmx_verify_model(output_path(), o.model, &checks, NULL, &err),
        DMX_ERROR_CHECK);
    err = (dmx_error)DMX_ERROR_INIT;
    checks.min_snr = NAN;
    assert_int_equal(
        dmx_verify_model(output_path(), o.model, &checks, NULL, &err),
        DMX_ERROR_ARGUMENT);
    close_model(&o);
}

static const dmx_json *item(const dmx_json *o, const char *key)
{
    const dmx_json *found = dmx_json_get(o, key);
    if (found == NULL)
        fail_msg("no '%s' in the report", key);
    return found;
}

static void the_report_says_everything(void **state)
{
    (void)state;
    if (!have_runtime())
        skip();
    dmx_error err = DMX_ERROR_INIT;
    opened o = open_model("htdemucs/model.th", NULL);
    dmx_report *report;
    assert_ok(dmx_export(o.model, output_path(), NULL, &report, &err), &err);
    assert_true(worst(report) < 1e-5);
    char *text = dmx_report_json(report);
    dmx_json *json = dmx_json_read(text);
    assert_true(dmx_json_is_true(item(json, "passed")));
    assert_string_equal(item(item(json, "model"), "sha256")->valuestring,
                        dmx_report_sha256(report));
    assert_string_equal(item(json, "checkpoint_sha256")->valuestring,
                        dmx_checkpoint_sha256(o.checkpoint));
    assert_int_equal(dmx_json_count(item(json, "parity")), 8);
    assert_true(
        item(dmx_json_item(item(json, "parity"), 0), "snr_db")->valuedouble >
        100);
    assert_true(dmx_json_is_true(item(json, "onnx_checker")));
    assert_non_null(item(json, "onnxruntime"));
    dmx_json_free(json);
    dmx_free(text);
    dmx_report_close(report);
    close_model(&o);
}

/* A tolerance that nothing meets: fails with figures and without a file; as
 * the network is correct, no module is blamed. */
static void check_failure(const char *name)
{
    unlink(output_path());
    dmx_error err = DMX_ERROR_INIT;
    dmx_verify_options checks = DMX_VERIFY_OPTIONS_INIT;
    checks.tolerance = 1e-12;
    checks.bisect = 1;
    dmx_export_options options = DMX_EXPORT_OPTIONS_INIT;
    options.checks = &checks;
    opened o = open_model(name, NULL);
    dmx_report *report;
    assert_int_equal(
        dmx_export(o.model, output_path(), &options, &report, &err),
        DMX_ERROR_CHECK);
    assert_non_null(report);
    assert_non_null(strstr(err.message, "of its peak"));
    assert_int_not_equal(access(output_path(), F_OK), 0);
    char *text = dmx_report_json(report);
    dmx_json *json = dmx_json_read(text);
    char *list = dmx_json_print(item(json, "divergences"));
    if (dmx_json_count(item(json, "divergences")) != 0)
        printf("%s: %s\n", name, list);
    assert_int_equal(dmx_json_count(item(json, "divergences")), 0);
    free(list);
    dmx_json_free(json);
    dmx_free(text);
    dmx_report_close(report);
    close_model(&o);
}

static void a_failed_check_leaves_no_file(void **state)
{
    (void)state;
    if (!have_runtime())
        skip();
    static const char *const name[] = {
        "htdemucs/model.th", "emb_cape/model.th", "multi_freqs/model.th",
        "nfft_2048/model.th", "no_transformer/model.th"};
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
        check_failure(name[i]);
}

/* A model checked against another checkpoint of the same shape. */
static void another_checkpoint_is_noticed(void **state)
{
    (void)state;
    if (!have_runtime())
        skip();
    dmx_error err = DMX_ERROR_INIT;
    dmx_verify_options checks = DMX_VERIFY_OPTIONS_INIT;
    checks.skip_parity = 1;
    dmx_export_options options = DMX_EXPORT_OPTIONS_INIT;
    options.checks = &checks;
    opened a = open_model("model_repository/aaaa0001-c20dd4f3.th", NULL);
    opened b = open_model("model_repository/aaaa0002-8212b610.th", NULL);
    assert_ok(dmx_export(a.model, output_path(), &options, NULL, &err), &err);
    assert_ok(dmx_verify_model(output_path(), a.model, NULL, NULL, &err), &err);
    dmx_report *report;
    dmx_verify_options bisect = DMX_VERIFY_OPTIONS_INIT;
    bisect.bisect = 1;
    assert_int_equal(
        dmx_verify_model(output_path(), b.model, &bisect, &report, &err),
        DMX_ERROR_CHECK);
    assert_non_null(strstr(err.message, "the numbers part at"));
    dmx_report_close(report);
    close_model(&a);
    close_model(&b);
}

static int stop_late(void *user, const char *stage, double fraction)
{
    (void)fraction;
    return strstr(stage, user) != NULL;
}

static void cancelling_leaves_no_file(void **state)
{
    (void)state;
    if (!have_runtime())
        skip();
    static char *const stages[] = {"writing", "structure", "reference",
                                   "ONNX Runtime", "done"};
    opened o = open_model("htdemucs/model.th", NULL);
    unlink(output_path());
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        const dmx_hooks hooks = {.size = sizeof(dmx_hooks),
                                 .user = stages[i],
                                 .progress = stop_late};
        dmx_error err = DMX_ERROR_INIT;
        dmx_export_options options = DMX_EXPORT_OPTIONS_INIT;
        options.hooks = &hooks;
        const dmx_status status =
            dmx_export(o.model, output_path(), &options, NULL, &err);
        assert_int_equal(status, DMX_ERROR_CANCELLED);
        assert_int_not_equal(access(output_path(), F_OK), 0);
    }
    close_model(&o);
}

static void requests_that_cannot_be_are_refused(void **state)
{
    (void)state;
    opened o = open_model("htdemucs/model.th", NULL);
    static const char *const nobody[] = {"kazoo", NULL};
    dmx_export_options options = DMX_EXPORT_OPTIONS_INIT;
    options.stems = nobody;
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_export(o.model, output_path(), &options, NULL, &err),
                     DMX_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "drums, bass, other, vocals"));
    err = (dmx_error)DMX_ERROR_INIT;
    options.stems = NULL;
    options.opset = 999;
    assert_int_equal(dmx_export(o.model, output_path(), &options, NULL, &err),
                     DMX_ERROR_ARGUMENT);
    err = (dmx_error)DMX_ERROR_INIT;
    options.opset = 0;
    options.samples = 1 << 20; /* above the training segment */
    assert_int_equal(dmx_export(o.model, output_path(), &options, NULL, &err),
                     DMX_ERROR_ARGUMENT);
    close_model(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recordings_are_reproduced),
        cmocka_unit_test(eight_bits_keep_their_promise),
        cmocka_unit_test(eight_bits_go_with_free_dimensions),
        cmocka_unit_test(the_report_says_everything),
        cmocka_unit_test(a_failed_check_leaves_no_file),
        cmocka_unit_test(another_checkpoint_is_noticed),
        cmocka_unit_test(cancelling_leaves_no_file),
        cmocka_unit_test(requests_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
