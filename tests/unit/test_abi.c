/* Structs of a program built against an older header: the size says where they
 * end, and the library must not touch what follows. */
#include "test_support.h"

#include <stdio.h>
#include <string.h>

/* Only `size` and what precedes `field` belongs to the caller; the rest is
 * garbage that must not be read. */
#define OLDER(type, options, field)                                            \
    do {                                                                       \
        memset((char *)&(options) + offsetof(type, field), 0x5a,               \
               sizeof(options) - offsetof(type, field));                       \
        (options).size = offsetof(type, field);                                \
    } while (0)

static dmx_error err;
static dmx_checkpoint *checkpoint;
static dmx_model *model;

static const char *test_path(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

static int stop(void *user, const char *stage, double fraction)
{
    (void)stage, (void)fraction;
    ++*(int *)user;
    return 1;
}

static void ignore(void *user, const char *message)
{
    (void)user, (void)message;
}

static void test_checkpoint(void **state)
{
    (void)state;
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    dmx_checkpoint *c;
    OLDER(dmx_checkpoint_options, o, max_file_bytes);
    assert_ok(dmx_checkpoint_open(&c, test_data("htdemucs/model.th"), &o, &err),
              &err);
    dmx_checkpoint_close(c);
}

static void test_model(void **state)
{
    (void)state;
    dmx_model_options o = DMX_MODEL_OPTIONS_INIT;
    dmx_model *m;
    OLDER(dmx_model_options, o, config_path);
    assert_ok(dmx_model_open(&m, checkpoint, &o, &err), &err);
    dmx_model_close(m);
}

static void test_engine(void **state)
{
    (void)state;
    dmx_engine_options o = DMX_ENGINE_OPTIONS_INIT;
    dmx_engine *e;
    o.threads = 1;
    OLDER(dmx_engine_options, o, isa);
    assert_ok(dmx_engine_open(&e, model, 0, &o, &err), &err);
    dmx_engine_close(e);
}

/* The old callback stops an export and a verification at once. */
static void test_export_and_hooks(void **state)
{
    (void)state;
    int calls = 0;
    const dmx_hooks hooks = {
        .size = sizeof hooks, .user = &calls, .warn = ignore, .progress = stop};
    dmx_export_options o = DMX_EXPORT_OPTIONS_INIT;
    o.hooks = &hooks;
    OLDER(dmx_export_options, o, samples);
    assert_int_equal(dmx_export(model, test_path("x.onnx"), &o, NULL, &err),
                     DMX_ERROR_CANCELLED);
    dmx_verify_options v = DMX_VERIFY_OPTIONS_INIT;
    v.hooks = &hooks;
    OLDER(dmx_verify_options, v, tolerance);
    assert_int_not_equal(
        dmx_verify_model(test_path("none.onnx"), model, &v, NULL, &err),
        DMX_OK);
    assert_int_equal(calls, 1);
    /* Hooks from before `progress` existed: it is not called. */
    dmx_hooks old = hooks;
    OLDER(dmx_hooks, old, progress);
    dmx_engine_options e = DMX_ENGINE_OPTIONS_INIT;
    dmx_engine *engine;
    e.hooks = &old;
    assert_ok(dmx_engine_open(&engine, model, 0, &e, &err), &err);
    dmx_engine_close(engine);
    assert_int_equal(calls, 1);
}

static void test_hub(void **state)
{
    (void)state;
    dmx_hub_options o = DMX_HUB_OPTIONS_INIT;
    dmx_hub *hub;
    o.cache_dir = test_path("cache");
    OLDER(dmx_hub_options, o, mirror);
    assert_ok(dmx_hub_open(&hub, &o, &err), &err);
    dmx_hub_close(hub);
}

static void test_bench(void **state)
{
    (void)state;
    int calls = 0;
    const dmx_hooks hooks = {
        .size = sizeof hooks, .user = &calls, .warn = ignore, .progress = stop};
    dmx_bench_options o = DMX_BENCH_OPTIONS_INIT;
    char *json;
    o.hooks = &hooks;
    o.threads = 1;
    o.runs = 1;
    OLDER(dmx_bench_options, o, low_memory);
    assert_int_equal(dmx_bench(&json, model, &o, &err), DMX_ERROR_CANCELLED);
    assert_null(json);
}

static dmx_status read_some(void *user, float *const *planes, size_t capacity,
                            size_t *got, dmx_error *e)
{
    (void)e;
    int64_t *left = user;
    *got = *left < (int64_t)capacity ? (size_t)*left : capacity;
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < *got; i++)
            planes[c][i] = 0.1F;
    *left -= (int64_t)*got;
    return DMX_OK;
}

static dmx_status rewind_it(void *user, dmx_error *e)
{
    (void)e;
    *(int64_t *)user = 1000;
    return DMX_OK;
}

static dmx_status refuse(void *user, const float *const *stems,
                         const float *const *mix, size_t frames, dmx_error *e)
{
    (void)user, (void)stems, (void)mix, (void)frames;
    return dmx_error_set(e, DMX_ERROR_IO, "no room for %d\x1b stems", 4);
}

static void test_separator(void **state)
{
    (void)state;
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_separator *s;
    o.threads = 1;
    o.backend = DMX_BACKEND_NATIVE;
    OLDER(dmx_separator_options, o, onnxruntime);
    assert_ok(
        dmx_separator_open_file(&s, test_data("htdemucs/model.th"), &o, &err),
        &err);
    int64_t left = 1000;
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    io.user = &left;
    io.read = read_some;
    io.rewind = rewind_it;
    io.write = refuse;
    OLDER(dmx_separator_io, io, normalize);
    assert_int_equal(dmx_separator_run(s, &io, NULL, &err), DMX_ERROR_IO);
    assert_string_equal(err.message, "no room for 4\\x1b stems");
    dmx_separation_options so = DMX_SEPARATION_OPTIONS_INIT;
    dmx_separation *separation;
    so.normalize = DMX_NORMALIZE_NONE;
    OLDER(dmx_separation_options, so, mean);
    assert_ok(dmx_separation_open(&separation, s, &so, &err), &err);
    dmx_separation_close(separation);
    dmx_stream_options live = DMX_STREAM_OPTIONS_INIT;
    dmx_stream_statistics few = DMX_STREAM_STATISTICS_INIT;
    dmx_stream *stream;
    live.hop = 0.1;
    live.lookahead = 0.01;
    OLDER(dmx_stream_options, live, fade);
    assert_ok(dmx_stream_open(&stream, s, &live, &err), &err);
    OLDER(dmx_stream_statistics, few, late_frames);
    dmx_stream_stats(stream, &few);
    assert_int_equal(few.skipped_runs, 0);
    assert_int_equal(few.late_frames, 0x5a5a5a5a5a5a5a5a);
    dmx_stream_close(stream);
    dmx_song_options song = DMX_SONG_OPTIONS_INIT;
    OLDER(dmx_song_options, song, format);
    assert_int_not_equal(
        dmx_separate_song(s, test_path("none.wav"), &song, NULL, &err), DMX_OK);
    dmx_separator_close(s);
}

static void test_reports(void **state)
{
    (void)state;
    dmx_parity p = DMX_PARITY_INIT;
    assert_int_equal(dmx_report_parity(NULL, 0, &p), 0);
    p.size = 0;
    assert_int_equal(dmx_report_parity(NULL, 0, &p), 0);
    const dmx_error fresh = DMX_ERROR_INIT;
    assert_int_equal(fresh.code, DMX_OK);
    assert_int_equal(fresh.offset, -1);
    assert_string_equal(fresh.message, "");
    assert_int_equal(dmx_error_set(NULL, DMX_ERROR_IO, "x"), DMX_ERROR_IO);
}

static int open_model(void **state)
{
    (void)state;
    assert_ok(dmx_checkpoint_open(&checkpoint, test_data("htdemucs/model.th"),
                                  NULL, &err),
              &err);
    assert_ok(dmx_model_open(&model, checkpoint, NULL, &err), &err);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    dmx_model_close(model);
    dmx_checkpoint_close(checkpoint);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_engine),
        cmocka_unit_test(test_export_and_hooks),
        cmocka_unit_test(test_hub),
        cmocka_unit_test(test_bench),
        cmocka_unit_test(test_separator),
        cmocka_unit_test(test_reports),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
