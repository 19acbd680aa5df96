/* Every public function called with NULL: an answer or an error with a
 * message, never a crash; and a reused dmx_error. */
#include "test_support.h"

#include "base/file.h"
#include "checkpoint_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dmx_error err;

static void refused(dmx_status status, const char *named)
{
    assert_int_equal(status, DMX_ERROR_ARGUMENT);
    assert_int_equal(err.code, DMX_ERROR_ARGUMENT);
    if (strstr(err.message, named) == NULL)
        fail_msg("'%s' does not name %s", err.message, named);
    memset(&err, 0x55, sizeof err); /* the next call clears whatever is here */
}

/* A pointer that must not be dereferenced before the others are checked, and
 * results that must be cleared. */
static char something[64];
#define OTHER ((void *)something)

#define CLEARED(type, call, named)                                             \
    do {                                                                       \
        type *out = OTHER;                                                     \
        refused(call, named);                                                  \
        assert_null(out);                                                      \
    } while (0)

static void test_checkpoint(void **state)
{
    (void)state;
    refused(dmx_checkpoint_open(NULL, "x", NULL, &err), "out");
    CLEARED(dmx_checkpoint, dmx_checkpoint_open(&out, NULL, NULL, &err),
            "path");
    refused(dmx_checkpoint_open_memory(NULL, "x", 1, "x", NULL, &err), "out");
    CLEARED(dmx_checkpoint,
            dmx_checkpoint_open_memory(&out, NULL, 1, "x", NULL, &err), "data");
    CLEARED(dmx_checkpoint,
            dmx_checkpoint_open_memory(&out, "x", 1, NULL, NULL, &err), "name");
    assert_int_equal(dmx_checkpoint_open(NULL, NULL, NULL, NULL),
                     DMX_ERROR_ARGUMENT);
    dmx_checkpoint_close(NULL);
    assert_null(dmx_checkpoint_sha256(NULL));
    assert_null(dmx_checkpoint_json(NULL));
    dmx_tensor_info info = DMX_TENSOR_INFO_INIT;
    assert_int_equal(dmx_checkpoint_tensors(NULL), 0);
    assert_int_equal(dmx_checkpoint_tensor_info(NULL, 0, &info), 0);
    assert_int_equal(dmx_checkpoint_tensor_info(OTHER, 0, NULL), 0);
    refused(dmx_checkpoint_tensor_data(NULL, 0, OTHER, 1, &err), "c is NULL");
    refused(dmx_checkpoint_tensor_data(OTHER, 0, NULL, 1, &err), "out");
    dmx_free(NULL);
}

static void test_model(void **state)
{
    (void)state;
    refused(dmx_model_open(NULL, OTHER, NULL, &err), "out");
    CLEARED(dmx_model, dmx_model_open(&out, NULL, NULL, &err), "checkpoint");
    refused(dmx_model_graph_text(NULL, OTHER, 0, &err), "out");
    CLEARED(char, dmx_model_graph_text(&out, NULL, 0, &err), "model");
    dmx_model_close(NULL);
    assert_int_equal(dmx_model_sources(NULL), 0);
    assert_null(dmx_model_source(NULL, 0));
    assert_int_equal(dmx_model_channels(NULL), 0);
    assert_int_equal(dmx_model_samplerate(NULL), 0);
    assert_int_equal(dmx_model_samples(NULL), 0);
    assert_int_equal(dmx_model_pads_to_segment(NULL), 0);
    assert_null(dmx_model_json(NULL));
}

static void test_engine(void **state)
{
    (void)state;
    refused(dmx_engine_open(NULL, OTHER, 0, NULL, &err), "out");
    CLEARED(dmx_engine, dmx_engine_open(&out, NULL, 0, NULL, &err), "model");
    refused(dmx_engine_state_open(NULL, OTHER, &err), "out");
    CLEARED(dmx_engine_state, dmx_engine_state_open(&out, NULL, &err),
            "engine");
    refused(dmx_engine_run(NULL, OTHER, OTHER, NULL, &err), "state");
    refused(dmx_engine_run(OTHER, NULL, OTHER, NULL, &err), "stems");
    refused(dmx_engine_run(OTHER, OTHER, NULL, NULL, &err), "mix");
    dmx_engine_close(NULL);
    dmx_engine_state_close(NULL);
    assert_int_equal(dmx_engine_samples(NULL), 0);
    assert_int_equal(dmx_engine_inputs(NULL), 0);
    assert_int_equal(dmx_engine_outputs(NULL), 0);
    assert_null(dmx_engine_isa(NULL));
    assert_int_equal(dmx_engine_weight_bytes(NULL), 0);
    assert_int_equal(dmx_engine_state_bytes(NULL), 0);
    assert_null(dmx_engine_profile_json(NULL));
    assert_null(dmx_engine_precision_json(NULL));
    assert_null(dmx_engine_choices_json(NULL, "x"));
    assert_null(dmx_engine_choices_json(OTHER, NULL));
    dmx_engine_precision precision;
    assert_null(dmx_engine_precision_name((dmx_engine_precision)99));
    assert_int_equal(dmx_engine_precision_find(NULL, "int16"), 0);
    assert_int_equal(dmx_engine_precision_find(&precision, NULL), 0);
}

static void test_onnx(void **state)
{
    (void)state;
    refused(dmx_stft_onnx(NULL, 4096, 2, 44100, 0, &err), "path");
    refused(dmx_istft_onnx(NULL, 4096, 2, 44100, 0, &err), "path");
    refused(dmx_onnx_json(NULL, "x", 0, &err), "out");
    CLEARED(char, dmx_onnx_json(&out, NULL, 0, &err), "path");
    refused(dmx_bag_write(NULL, NULL, NULL, &err), "path");
    refused(dmx_bag_write("x", NULL, NULL, &err), "bag");
    refused(dmx_write_file(NULL, "x", 1, &err), "path");
    refused(dmx_write_file("x", NULL, 1, &err), "data");
    dmx_precision precision;
    assert_non_null(dmx_precision_name(DMX_PRECISION_FP32));
    assert_int_equal(dmx_precision_find(&precision, NULL), 0);
    assert_int_equal(dmx_precision_find(NULL, "fp32"), 0);
    assert_int_equal(dmx_precision_find(NULL, NULL), 0);
    dmx_report *report = OTHER;
    refused(dmx_export(NULL, "x", NULL, &report, &err), "model");
    assert_null(report);
    refused(dmx_export(OTHER, NULL, NULL, NULL, &err), "path");
    CLEARED(dmx_report, dmx_verify_model(NULL, OTHER, NULL, &out, &err),
            "path");
    refused(dmx_verify_model("x", NULL, NULL, NULL, &err), "model");
    CLEARED(dmx_report, dmx_verify_recorded(NULL, "a", "b", NULL, &out, &err),
            "path");
    refused(dmx_verify_recorded("x", NULL, "b", NULL, NULL, &err), "mix_path");
    refused(dmx_verify_recorded("x", "a", NULL, NULL, NULL, &err),
            "stems_path");
    dmx_report_close(NULL);
    assert_null(dmx_report_json(NULL));
    assert_null(dmx_report_sha256(NULL));
    dmx_parity parity = DMX_PARITY_INIT;
    assert_int_equal(dmx_report_parity(NULL, 0, &parity), 0);
    assert_null(dmx_report_finding(NULL, 0));
    float out[4];
    refused(dmx_test_signal(NULL, "noise", 1, 4, &err), "out");
    refused(dmx_test_signal(out, NULL, 1, 4, &err), "name");
}

static void test_hub(void **state)
{
    (void)state;
    refused(dmx_hub_open(NULL, NULL, &err), "out");
    refused(dmx_hub_resolve(NULL, OTHER, "x", NULL, &err), "out");
    CLEARED(dmx_bag, dmx_hub_resolve(&out, NULL, "x", NULL, &err), "hub");
    CLEARED(dmx_bag, dmx_hub_resolve(&out, OTHER, NULL, NULL, &err), "name");
    refused(dmx_hub_runnable(NULL, "x", &err), "hub");
    refused(dmx_hub_runnable(OTHER, NULL, &err), "name");
    refused(dmx_hub_prewarm(NULL, OTHER, "x", NULL, &err), "out");
    CLEARED(dmx_bag, dmx_hub_prewarm(&out, NULL, "x", NULL, &err), "hub");
    CLEARED(dmx_bag, dmx_hub_prewarm(&out, OTHER, NULL, NULL, &err), "name");
    refused(dmx_hub_use_exports(NULL, OTHER, &err), "bag");
    refused(dmx_hub_use_exports(OTHER, NULL, &err), "hub");
    dmx_hub_close(NULL);
    assert_null(dmx_hub_cache_dir(NULL));
    assert_null(dmx_hub_list_json(NULL));
    assert_int_equal(dmx_hub_missing_bytes(NULL, "x", NULL), 0);
    assert_int_equal(dmx_hub_missing_bytes(OTHER, NULL, NULL), 0);
}

static void test_bag(void **state)
{
    (void)state;
    refused(dmx_bag_open(NULL, "x", &err), "out");
    CLEARED(dmx_bag, dmx_bag_open(&out, NULL, &err), "path");
    dmx_bag_close(NULL);
    assert_null(dmx_bag_name(NULL));
    assert_int_equal(dmx_bag_members(NULL), 0);
    assert_null(dmx_bag_path(NULL, 0));
    assert_null(dmx_bag_signature(NULL, 0));
    assert_int_equal(dmx_bag_sources(NULL), 0);
    assert_null(dmx_bag_config(NULL));
    assert_null(dmx_bag_stem(NULL, NULL));
    assert_string_equal(dmx_bag_stem(NULL, "x"), "x");
    assert_true(dmx_bag_weight(NULL, 0, 0) == 0);
    assert_int_equal(dmx_bag_specialist(NULL, 0), -1);
    assert_int_equal(dmx_backend_find(NULL, "native"), 0);
    assert_true(dmx_bag_segment(NULL) == 0);
}

static void test_separator(void **state)
{
    (void)state;
    refused(dmx_separator_open(NULL, OTHER, NULL, &err), "out");
    CLEARED(dmx_separator, dmx_separator_open(&out, NULL, NULL, &err), "bag");
    refused(dmx_separator_open_file(NULL, "x", NULL, &err), "out");
    CLEARED(dmx_separator, dmx_separator_open_file(&out, NULL, NULL, &err),
            "path");
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    refused(dmx_separator_run(NULL, &io, NULL, &err), "separator");
    refused(dmx_separator_run(OTHER, NULL, NULL, &err), "dmx_separator_io");
    refused(dmx_separator_run(OTHER, &io, NULL, &err), "read");
    dmx_separator_close(NULL);
    assert_int_equal(dmx_separator_stems(NULL), 0);
    assert_null(dmx_separator_stem(NULL, 0));
    assert_int_equal(dmx_separator_sources(NULL), 0);
    assert_null(dmx_separator_source(NULL, 0));
    assert_int_equal(dmx_separator_channels(NULL), 0);
    assert_int_equal(dmx_separator_samplerate(NULL), 0);
    assert_int_equal(dmx_separator_samples(NULL), 0);
    assert_null(dmx_separator_backend(NULL));
    assert_null(dmx_separator_precision_json(NULL));
    refused(dmx_bench(NULL, OTHER, NULL, &err), "json");
    CLEARED(char, dmx_bench(&out, NULL, NULL, &err), "model");
}

static void test_separation(void **state)
{
    (void)state;
    float *planes[1];
    size_t n;
    refused(dmx_separation_open(NULL, OTHER, NULL, &err), "out");
    CLEARED(dmx_separation, dmx_separation_open(&out, NULL, NULL, &err),
            "separator");
    refused(dmx_separation_push(NULL, NULL, 1, &n, &err), "r");
    refused(dmx_separation_push(OTHER, NULL, 1, NULL, &err), "taken");
    refused(dmx_separation_push(OTHER, NULL, 1, &n, &err), "mix");
    refused(dmx_separation_pull(NULL, planes, NULL, 1, &n, NULL, &err), "r");
    refused(dmx_separation_pull(OTHER, NULL, NULL, 1, &n, NULL, &err), "stems");
    refused(dmx_separation_pull(OTHER, planes, NULL, 1, NULL, NULL, &err),
            "got");
    refused(dmx_separation_flush(NULL, &err), "r");
    dmx_separation_reset(NULL);
    dmx_separation_close(NULL);
    assert_int_equal(dmx_separation_latency(NULL), 0);
}

static void test_stream(void **state)
{
    (void)state;
    double seconds;
    int ran;
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    refused(dmx_stream_open(NULL, OTHER, NULL, &err), "out");
    CLEARED(dmx_stream, dmx_stream_open(&out, NULL, NULL, &err), "separator");
    refused(dmx_stream_work(NULL, &ran, &err), "s");
    refused(dmx_stream_work(OTHER, NULL, &err), "ran");
    refused(dmx_stream_wait(NULL, 1, NULL, &err), "s");
    refused(dmx_stream_status(NULL, &err), "s");
    refused(dmx_stream_suggest(NULL, &seconds, OTHER, NULL, &err), "options");
    refused(dmx_stream_suggest(&o, NULL, OTHER, NULL, &err), "seconds");
    refused(dmx_stream_suggest(&o, &seconds, NULL, NULL, &err), "separator");
    dmx_pipe_options p = DMX_PIPE_OPTIONS_INIT;
    dmx_evaluation_options e = DMX_EVALUATION_OPTIONS_INIT;
    const char *const none[] = {NULL};
    refused(dmx_stream_pipe(NULL, &p, NULL, NULL, &err), "separator");
    refused(dmx_stream_pipe(OTHER, NULL, NULL, NULL, &err), "options");
    refused(dmx_stream_pipe(OTHER, &p, NULL, NULL, &err), "outputs");
    refused(dmx_stream_evaluate(NULL, OTHER, "x", none, &e, &err), "json");
    CLEARED(char, dmx_stream_evaluate(&out, NULL, "x", none, &e, &err),
            "separator");
    CLEARED(char, dmx_stream_evaluate(&out, OTHER, NULL, none, &e, &err),
            "song");
    CLEARED(char, dmx_stream_evaluate(&out, OTHER, "x", NULL, &e, &err),
            "truth");
    CLEARED(char, dmx_stream_evaluate(&out, OTHER, "x", none, NULL, &err),
            "options");
    CLEARED(char, dmx_stream_evaluate(&out, OTHER, "x", none, &e, &err),
            "hops");
    dmx_stream_process(NULL, NULL, NULL, 1);
    dmx_stream_stats(NULL, NULL);
    dmx_stream_reset(NULL);
    dmx_stream_close(NULL);
    assert_int_equal(dmx_stream_latency(NULL), 0);
}

static void test_song(void **state)
{
    (void)state;
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    refused(dmx_separate_song(NULL, "x", &o, NULL, &err), "separator");
    refused(dmx_separate_song(OTHER, NULL, &o, NULL, &err), "path");
    refused(dmx_separate_song(OTHER, "x", NULL, NULL, &err),
            "dmx_song_options");
    double sdr;
    refused(dmx_sound_sdr(NULL, "a", "b", &err), "out");
    refused(dmx_sound_sdr(&sdr, NULL, "b", &err), "truth");
    refused(dmx_sound_sdr(&sdr, "a", NULL, &err), "estimate");
    dmx_sound_info info = DMX_SOUND_INFO_INIT;
    float *const planes[1] = {NULL};
    size_t got = 1;
    refused(dmx_sound_open(NULL, "x", NULL, &err), "out");
    CLEARED(dmx_sound, dmx_sound_open(&out, NULL, NULL, &err), "path");
    refused(dmx_sound_open_stream(NULL, "x", 1, NULL, &err), "out");
    CLEARED(dmx_sound, dmx_sound_open_stream(&out, NULL, 1, NULL, &err),
            "path");
    refused(dmx_sound_read(NULL, planes, 1, &got, &err), "sound");
    assert_int_equal(got, 0);
    refused(dmx_sound_read(OTHER, NULL, 1, &got, &err), "planes");
    refused(dmx_sound_read(OTHER, planes, 1, NULL, &err), "got");
    refused(dmx_sound_convert(NULL, 44100, 2, &err), "sound");
    assert_int_equal(dmx_sound_about(NULL, &info), 0);
    assert_int_equal(dmx_sound_about(OTHER, NULL), 0);
    dmx_sound_close(NULL);
    const float *const none[2] = {NULL, NULL};
    refused(dmx_sound_write(NULL, none, 1, NULL, &err), "path");
    refused(dmx_sound_write("x.wav", NULL, 1, NULL, &err), "planes");
    refused(dmx_sound_write("x.wav", none, 1, NULL, &err), "0 channels");
    dmx_sound_options s = DMX_SOUND_OPTIONS_INIT;
    s.rate = 44100;
    s.channels = 2;
    refused(dmx_sound_write("x.wav", none, 1, &s, &err), "plane 0 of 2");
    s.format = NULL;
    refused(dmx_sound_write("x.wav", none, 1, &s, &err), "format is NULL");
    char hash[65];
    refused(dmx_file_sha256(NULL, "x", NULL, &err), "hex");
    refused(dmx_file_sha256(hash, NULL, NULL, &err), "path");
    assert_string_equal(hash, "");
    char name[DMX_FILE_NAME_SIZE];
    dmx_safe_file_name(NULL, "x", 10);
    dmx_safe_file_name(name, NULL, 10);
    assert_string_equal(name, "_");
    assert_int_equal(dmx_is_safe_file_name(NULL), 0);
    assert_int_equal(dmx_precision_find(NULL, "fp32"), 0);
    dmx_precision precision;
    assert_int_equal(dmx_precision_find(&precision, NULL), 0);
}

/* Parts of a song's options, with an existing model and song. */
static void test_song_options(void **state)
{
    (void)state;
    dmx_separator *s;
    assert_ok(dmx_separator_open_file(
                  &s, test_data("demo/htdemucs_tiny-87685527.th"), NULL, &err),
              &err);
    const double gain[4] = {1, 0, 0, 0};
    dmx_song_output output = {"drums", "unused.wav", gain, 0};
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    const char *song = test_data("demo/song.flac");
    o.outputs = 1;
    refused(dmx_separate_song(s, song, &o, NULL, &err), "output is NULL");
    o.output = &output;
    o.format = NULL;
    refused(dmx_separate_song(s, song, &o, NULL, &err), "format is NULL");
    o.format = "wav";
    output.gain = NULL;
    refused(dmx_separate_song(s, song, &o, NULL, &err), "gain is NULL");
    output.gain = gain;
    output.name = NULL;
    refused(dmx_separate_song(s, song, &o, NULL, &err), "name or gain is NULL");
    dmx_separator_close(s);
}

/* Each call reports its own failure, and none after a success. */
static void test_reuse(void **state)
{
    (void)state;
    dmx_error e = DMX_ERROR_INIT;
    dmx_bag *bag;
    dmx_checkpoint *checkpoint;
    assert_int_equal(dmx_bag_open(&bag, "/no/bag.yaml", &e), DMX_ERROR_IO);
    assert_int_equal(e.code, DMX_ERROR_IO);
    assert_int_equal(dmx_bag_open(&bag, NULL, &e), DMX_ERROR_ARGUMENT);
    assert_int_equal(e.code, DMX_ERROR_ARGUMENT);
    assert_null(strstr(e.message, "/no/bag.yaml"));
    assert_int_equal(
        dmx_checkpoint_open(&checkpoint, test_data("demo/README.md"), NULL, &e),
        DMX_ERROR_FORMAT);
    assert_int_equal(e.code, DMX_ERROR_FORMAT);
    assert_ok(dmx_checkpoint_open(&checkpoint,
                                  test_data("demo/htdemucs_tiny-87685527.th"),
                                  NULL, &e),
              &e);
    assert_int_equal(e.code, DMX_OK);
    assert_int_equal(e.offset, -1);
    assert_string_equal(e.message, "");
    dmx_checkpoint_close(checkpoint);
}

/* The names in the header, so that a new function is not forgotten here. */
static void test_all_are_here(void **state)
{
    (void)state;
    dmx_blob header, self;
    dmx_error e = DMX_ERROR_INIT;
    assert_ok(dmx_file_read(&header, DMX_HEADER, 1 << 20, &e), &e);
    assert_ok(dmx_file_read(&self, DMX_THIS, 1 << 20, &e), &e);
    const char *p = (const char *)header.data;
    static const char *const elsewhere[] = {
        "dmx_remove_part_files", "dmx_version",         "dmx_precision_name",
        "dmx_backend_name",      "dmx_error_set",       "dmx_status_name",
        "dmx_text_printable",    "dmx_text_json",       "dmx_text_distance",
        "dmx_text_ends_with",    "dmx_seconds_samples", "dmx_memory_available",
        "dmx_bag_extension"};
    size_t seen = 0;
    while ((p = strstr(p, "dmx_")) != NULL) {
        char name[80];
        const size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz_0123456789");
        snprintf(name, sizeof name, "%.*s(", (int)n, p);
        const bool is_call = p[n] == '(' && p[n + 1] != '*';
        p += n;
        bool known = !is_call || strcmp(name, "dmx_status(") == 0;
        for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
            known = known || strncmp(name, elsewhere[i], n) == 0;
        seen += is_call;
        if (!known && strstr((const char *)self.data, name) == NULL)
            fail_msg("%s...) is never called with NULL here", name);
    }
    assert_true(seen > 60);
    dmx_blob_free(&header);
    dmx_blob_free(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint),   cmocka_unit_test(test_model),
        cmocka_unit_test(test_engine),       cmocka_unit_test(test_onnx),
        cmocka_unit_test(test_hub),          cmocka_unit_test(test_bag),
        cmocka_unit_test(test_separator),    cmocka_unit_test(test_separation),
        cmocka_unit_test(test_stream),       cmocka_unit_test(test_song),
        cmocka_unit_test(test_song_options), cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_all_are_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
