/* The plug-in in a host: its output is the library's stream sample for sample,
 * delayed by the latency it reports; models are loaded and dropped through
 * messages and state, whatever those contain. */
#include "call_trap.h"
#include "host.h"
#include "stream_case.h"

#include <lv2/atom/atom.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LENGTH = 30000, RATE = 44100 };

static const char four[] = "htdemucs/model.th";
static const char six[] = "htdemucs_6s/model.th";
static const float segment = 0.3F, hop = 0.1F, lookahead = 0.02F;

/* Of the library's own stream. */
static dmx_engine_precision precision = DMX_ENGINE_EXACT;

static char *copy_of_path(const char *name)
{
    return strdup(test_data(name));
}

/* A host that waits for the stems of a model. */
static host *waiting_host(size_t stems, const char *model)
{
    host *h = host_open(stems, RATE, true);
    host_load(h, test_data(model), segment, hop, lookahead);
    h->freewheel = 1;
    return h;
}

/* The song through the plug-in: y[2 * stems][LENGTH], malloc'd. */
static float *run_plugin(host *h, const float *song, int64_t block)
{
    float *y = malloc(2 * h->stems * LENGTH * sizeof *y);
    uint64_t random = 7;
    for (int64_t at = 0; at < LENGTH;) {
        const int64_t n =
            block > 0 ? block : (int64_t)(test_random(&random) % 3000);
        const int64_t take = n < LENGTH - at ? n : LENGTH - at;
        const float *in[2] = {song + at, song + LENGTH + at};
        float *out[2 * HOST_MOST_STEMS];
        for (size_t r = 0; r < 2 * h->stems; r++)
            out[r] = y + r * LENGTH + (size_t)at;
        host_run(h, in, out, (uint32_t)take);
        at += take;
    }
    return y;
}

/* The library's own stream, in the plug-in's layout of outputs. */
static float *run_library(const char *model, size_t stems, const float *song,
                          int64_t *latency)
{
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_stream_options o = DMX_STREAM_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    dmx_stream *stream;
    so.segment = (double)segment;
    so.precision = precision;
    so.unpadded = 1;
    o.hop = (double)hop;
    o.lookahead = (double)lookahead;
    o.block = 4096.0 / RATE;
    dmx_separator *s = stream_separator(model, &so);
    assert_ok(dmx_stream_open(&stream, s, &o, &err), &err);
    *latency = dmx_stream_latency(stream);
    const size_t has = dmx_separator_stems(s);
    const size_t channels = (size_t)dmx_separator_channels(s);
    float *y = calloc(2 * stems * LENGTH, sizeof *y);
    float *mono = malloc(LENGTH * sizeof *mono);
    for (int i = 0; i < LENGTH; i++)
        mono[i] = 0.5F * (song[i] + song[LENGTH + i]);
    for (int64_t at = 0; at < LENGTH; at += 1000) {
        const float *in[2] = {(channels == 1 ? mono : song) + at,
                              song + LENGTH + at};
        float *out[16];
        for (size_t k = 0; k < has; k++)
            for (size_t c = 0; c < channels; c++)
                out[k * channels + c] = y + (2 * k + c) * LENGTH + (size_t)at;
        assert_ok(dmx_stream_wait(stream, 1000, NULL, &err), &err);
        dmx_stream_process(stream, out, in, 1000);
    }
    for (size_t k = 0; k < has && channels == 1; k++)
        memcpy(y + (2 * k + 1) * LENGTH, y + 2 * k * LENGTH,
               LENGTH * sizeof *y);
    free(mono);
    assert_true(fabsf(y[LENGTH - 1]) + fabsf(y[LENGTH - 100]) > 1e-6F);
    dmx_stream_close(stream);
    dmx_separator_close(s);
    return y;
}

static void check_same(const float *got, const float *want, size_t stems)
{
    for (size_t i = 0; i < 2 * stems * LENGTH; i++)
        if (got[i] != want[i])
            fail_msg("output %zu, frame %zu: %g instead of %g", i / LENGTH,
                     i % LENGTH, (double)got[i], (double)want[i]);
}

static void test_is_the_stream(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        size_t stems;
    } cases[] = {
        {four, 4}, {four, 6}, {six, 6}, {"mono_two_stems/model.th", 4}};
    float *song = stream_song(LENGTH);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t latency;
        float *want =
            run_library(cases[i].model, cases[i].stems, song, &latency);
        static const int64_t blocks[] = {256, 4096, 0};
        for (size_t b = 0; b < 3; b++) {
            host *h = waiting_host(cases[i].stems, cases[i].model);
            float *got = run_plugin(h, song, blocks[b]);
            assert_true(h->latency == (float)latency);
            assert_true(h->status == 2);
            check_same(got, want, cases[i].stems);
            free(got);
            host_close(h);
        }
        free(want);
    }
    free(song);
}

/* In integers: as the library is, from the second load on by the proof that the
 * first has left in the cache. */
static void test_precision(void **state)
{
    (void)state;
    float *song = stream_song(LENGTH);
    setenv("DEMUCS_ONNX_CACHE", test_folder(), 1);
    for (int p = DMX_ENGINE_INT16; p <= DMX_ENGINE_INT8; p++) {
        int64_t latency;
        precision = (dmx_engine_precision)p;
        float *want = run_library(four, 4, song, &latency);
        precision = DMX_ENGINE_EXACT;
        const float as_number = (float)p;
        const host_value values[] = {
            {"urn:demucs-onnx:model", test_data(four),
             strlen(test_data(four)) + 1, LV2_ATOM__Path},
            {"urn:demucs-onnx:segment", &segment, sizeof segment,
             LV2_ATOM__Float},
            {"urn:demucs-onnx:hop", &hop, sizeof hop, LV2_ATOM__Float},
            {"urn:demucs-onnx:lookahead", &lookahead, sizeof lookahead,
             LV2_ATOM__Float},
            {"urn:demucs-onnx:precision", &as_number, sizeof as_number,
             LV2_ATOM__Float},
            {NULL, NULL, 0, NULL}};
        for (int again = 0; again < 2; again++) {
            host *h = host_open(4, RATE, true);
            host_restore(h, values);
            h->freewheel = 1;
            float *got = run_plugin(h, song, 512);
            assert_true(h->latency == (float)latency && h->status == 2);
            check_same(got, want, 4);
            free(got);
            host_close(h);
        }
        free(want);
    }
    unsetenv("DEMUCS_ONNX_CACHE");
    free(song);
}

/* Deactivated and activated again, it starts afresh. */
static void test_starts_anew(void **state)
{
    (void)state;
    float *song = stream_song(LENGTH);
    host *h = waiting_host(4, four);
    float *first = run_plugin(h, song, 512);
    h->descriptor->activate(h->handle);
    float *second = run_plugin(h, song, 999);
    check_same(second, first, 4);
    free(first);
    free(second);
    free(song);
    host_close(h);
}

/* ------------------------------------------------------------ dry, and gains
 */

static void check_dry(const float *y, size_t stems, const float *song,
                      int64_t latency, int64_t from)
{
    for (int64_t i = from; i < LENGTH; i++)
        for (size_t r = 0; r < 2 * stems; r++) {
            const float want = r < 2 && i >= latency
                                   ? song[r * LENGTH + (size_t)(i - latency)]
                                   : 0;
            if (y[r * LENGTH + (size_t)i] != want)
                fail_msg("output %zu, frame %lld", r, (long long)i);
        }
}

static void test_without_a_model(void **state)
{
    (void)state;
    float *song = stream_song(LENGTH);
    for (int features = 0; features < 2; features++) {
        host *h = host_open(6, RATE, features != 0);
        float *y = run_plugin(h, song, 700);
        check_dry(y, 6, song, 0, 0);
        assert_true(h->latency == 0 && h->status == 0);
        free(y);
        host_close(h);
    }
    free(song);
}

/* Bypassed: the mix, as late as the stems would be. */
static void test_bypass(void **state)
{
    (void)state;
    float *song = stream_song(LENGTH);
    host *h = waiting_host(4, four);
    h->enabled = 0;
    float *y = run_plugin(h, song, 480);
    check_dry(y, 4, song, (int64_t)h->latency, 2000);
    free(y);
    free(song);
    host_close(h);
}

static void test_gains(void **state)
{
    (void)state;
    int64_t latency;
    float *song = stream_song(LENGTH);
    float *want = run_library(four, 4, song, &latency);
    host *h = waiting_host(4, four);
    h->gain[0] = -60;
    h->gain[1] = 6;
    h->gain[2] = NAN;
    h->gain[3] = 1e30F;
    const float gain[4] = {0, powf(10, 0.3F), 1, powf(10, 0.6F)};
    float *y = run_plugin(h, song, 512);
    for (size_t r = 0; r < 8; r++)
        for (size_t i = 3000; i < LENGTH; i++)
            assert_true(fabsf(y[r * LENGTH + i] -
                              gain[r / 2] * want[r * LENGTH + i]) < 1e-5F);
    free(y);
    free(want);
    free(song);
    host_close(h);
}

/* ---------------------------------------------------------------- messages */

static void run_silence(host *h)
{
    static const float in[512];
    static float out[2 * HOST_MOST_STEMS][512];
    const float *ins[2] = {in, in};
    float *outs[2 * HOST_MOST_STEMS];
    for (size_t r = 0; r < 2 * h->stems; r++)
        outs[r] = out[r];
    host_run(h, ins, outs, 512);
}

static void test_messages(void **state)
{
    (void)state;
    char path[4096];
    float x;
    host *h = host_open(4, RATE, true);
    host_get(h);
    run_silence(h);
    assert_true(host_told_path(h, "urn:demucs-onnx:model", path, sizeof path));
    assert_string_equal(path, "");
    assert_true(host_told_number(h, "urn:demucs-onnx:hop", &x) && x == 0.5F);
    host_set_number(h, "urn:demucs-onnx:segment", segment);
    run_silence(h);
    host_set_number(h, "urn:demucs-onnx:hop", hop);
    run_silence(h);
    host_set_path(h, "urn:demucs-onnx:model", test_data(four));
    run_silence(h);
    assert_true(h->status == 1 && h->latency == 0);
    for (int i = 0; i < 4; i++) { /* hop, model, and what is freed */
        host_work(h);
        run_silence(h);
    }
    assert_true(h->status == 2 && h->latency > 0.1F * RATE);
    host_get(h);
    run_silence(h);
    assert_true(host_told_path(h, "urn:demucs-onnx:model", path, sizeof path));
    assert_string_equal(path, test_data(four));
    assert_true(host_told_number(h, "urn:demucs-onnx:hop", &x) && x == hop);

    /* Another hop means a new stream and a new latency. */
    const float before = h->latency;
    host_set_number(h, "urn:demucs-onnx:hop", 0.05F);
    run_silence(h);
    assert_true(h->status == 1 && h->latency == before);
    host_work(h);
    run_silence(h);
    assert_true(h->status == 2 && h->latency < before);

    /* Values out of range are reset, and nothing is loaded. */
    host_set_number(h, "urn:demucs-onnx:hop", NAN);
    run_silence(h);
    assert_true(host_told_number(h, "urn:demucs-onnx:hop", &x) && x == 0.05F);
    host_set_number(h, "urn:demucs-onnx:threads", 1e9F);
    run_silence(h);
    host_set_path(h, "urn:demucs-onnx:model", "model.th");
    run_silence(h);
    assert_true(h->status == 2);

    /* A file that is not a model: the mix passes through. */
    host_set_path(h, "urn:demucs-onnx:model", "/etc/passwd");
    run_silence(h);
    host_work(h);
    run_silence(h);
    assert_true(h->status == 3 && h->latency == 0);
    assert_non_null(strstr(host_log(), "/etc/passwd"));
    host_set_path(h, "urn:demucs-onnx:model", "");
    run_silence(h);
    host_work(h);
    run_silence(h);
    assert_true(h->status == 0);
    host_close(h);
}

/* ------------------------------------------------------------------- state */

static void test_state(void **state)
{
    (void)state;
    host *h = host_open(4, RATE, true);
    char *model = copy_of_path(four), mapped[4096];
    host_load(h, model, segment, hop, lookahead);
    host_save(h);
    snprintf(mapped, sizeof mapped, "here:%s", model);
    const host_value *v = host_saved("urn:demucs-onnx:model");
    assert_string_equal(v->data, mapped);
    assert_string_equal(v->type, LV2_ATOM__Path);
    assert_int_equal(v->size, strlen(mapped) + 1);
    float x;
    memcpy(&x, host_saved("urn:demucs-onnx:hop")->data, sizeof x);
    assert_true(x == hop);

    host *again = host_open(4, RATE, true);
    host_value all[8] = {{NULL, NULL, 0, NULL}};
    static const char *const uris[] = {
        "urn:demucs-onnx:model",   "urn:demucs-onnx:segment",
        "urn:demucs-onnx:hop",     "urn:demucs-onnx:lookahead",
        "urn:demucs-onnx:threads", "urn:demucs-onnx:precision"};
    for (size_t i = 0; i < 6; i++) {
        assert_non_null(host_saved(uris[i]));
        all[i] = *host_saved(uris[i]);
    }
    host_restore(again, all);
    run_silence(again);
    run_silence(h);
    assert_true(again->status == 2 && again->latency == h->latency);

    /* A missing model is reported and stays in the session. */
    host_load(again, "/nowhere/model.th", segment, hop, lookahead);
    run_silence(again);
    assert_true(again->status == 3);
    assert_non_null(strstr(host_log(), "/nowhere/model.th"));
    host_save(again);
    assert_string_equal(host_saved("urn:demucs-onnx:model")->data,
                        "here:/nowhere/model.th");
    host_close(again);
    host_close(h);
    free(model);
}

/* A load that began before a restore comes too late. */
static void test_old_load(void **state)
{
    (void)state;
    host *h = host_open(4, RATE, true);
    host_set_path(h, "urn:demucs-onnx:model", test_data(four));
    run_silence(h);
    host_load(h, "/nowhere/model.th", segment, hop, lookahead);
    run_silence(h);
    host_work(h);
    run_silence(h);
    run_silence(h);
    assert_true(h->status == 3);
    host_close(h);
    h = host_open(4, RATE, true); /* closed while a model is being loaded */
    host_set_path(h, "urn:demucs-onnx:model", test_data(four));
    run_silence(h);
    host_close(h);
}

static void test_hostile_state(void **state)
{
    (void)state;
    static char long_path[100000];
    static const float nan_value = NAN;
    static const double wrong = 0.5;
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[0] = '/';
    const char *model = "urn:demucs-onnx:model",
               *seconds = "urn:demucs-onnx:hop";
    const host_value bad[] = {
        {model, "/no/end", 7, LV2_ATOM__Path},
        {model, "", 0, LV2_ATOM__Path},
        {model, "relative.th", 12, LV2_ATOM__Path},
        {model, "../../x", 8, LV2_ATOM__Path},
        {model, long_path, sizeof long_path, LV2_ATOM__Path},
        {model, &nan_value, sizeof nan_value, LV2_ATOM__Float},
        {model, "/x\0/etc/passwd", 15, LV2_ATOM__Path},
        {model, "/dev/zero", 10, LV2_ATOM__Path},
        {model, "/proc/self/mem", 15, LV2_ATOM__Path},
        {model, "/", 2, LV2_ATOM__Path},
        {model, "/tmp/\n\x1b[31m", 11, LV2_ATOM__Path},
        {seconds, &nan_value, sizeof nan_value, LV2_ATOM__Float},
        {seconds, &wrong, sizeof wrong, LV2_ATOM__Float},
        {seconds, "x", 1, LV2_ATOM__Float},
    };
    host *h = host_open(4, RATE, true);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const host_value values[] = {bad[i], {NULL, NULL, 0, NULL}};
        host_restore(h, values);
        run_silence(h);
        assert_true(h->status == 0 || h->status == 3);
        const char *said = host_log();
        assert_true(said[0] != '\0' && strchr(said, '\x1b') == NULL);
    }
    host_close(h);
}

/* What these ports and this session can't play is refused, with advice. */
static void test_refused(void **state)
{
    (void)state;
    host *h = host_open(4, RATE, true);
    host_load(h, test_data(six), segment, hop, lookahead);
    run_silence(h);
    assert_true(h->status == 3);
    assert_non_null(strstr(host_log(), "take the one for six"));
    host_load(h, test_data(four), segment, 9, lookahead);
    run_silence(h);
    assert_true(h->status == 3);
    assert_non_null(strstr(host_log(), "lengthen the segment"));
    host_close(h);
    h = host_open(4, 48000, true);
    host_load(h, test_data(four), segment, hop, lookahead);
    run_silence(h);
    assert_true(h->status == 3 && h->latency == 0);
    assert_non_null(strstr(host_log(), "set the session to 44100 Hz"));
    host_close(h);
}

/* The outputs in the inputs' memory; outputs that are connected to nothing. */
static void test_odd_buffers(void **state)
{
    (void)state;
    int64_t latency;
    float *song = stream_song(LENGTH);
    float *want = run_library(four, 4, song, &latency);
    host *h = waiting_host(4, four);
    for (int64_t at = 0; at + 500 <= LENGTH; at += 500) {
        float *out[8] = {song + at, song + LENGTH + at};
        const float *in[2] = {out[0], out[1]};
        host_run(h, in, out, 500);
    }
    assert_memory_equal(song, want, 2 * LENGTH * sizeof *song);
    free(song);
    free(want);
    float *const nothing[8] = {NULL};
    const float *const silent[2] = {NULL, NULL};
    h->freewheel = 0;
    host_run(h, silent, nothing, 3000);
    host_close(h);
    h = host_open(6, RATE, false);
    float *const none[12] = {NULL};
    host_run(h, silent, none, 3000);
    host_close(h);
}

/* --------------------------------------------------------------- real time */

#ifdef CAN_TRAP
/* A second of audio, with a changing gain, a bypass and a query. */
static void play_trapped(host *h)
{
    run_silence(h); /* names of URIs are known from here on */
    host_get(h);
    trap_system_calls();
    for (int i = 0; i < 90; i++) {
        h->gain[1] = (float)(-i);
        h->enabled = i % 30 < 20;
        run_silence(h);
    }
    _exit(h->latency > 0 && h->status == 2 ? 0 : 5);
}

static void test_real_time(void **state)
{
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        host *h = host_open(4, RATE, true);
        host_load(h, test_data(four), segment, hop, lookahead);
        play_trapped(h);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 4)
        skip(); /* no seccomp here */
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_the_stream),
        cmocka_unit_test(test_precision),
        cmocka_unit_test(test_starts_anew),
        cmocka_unit_test(test_without_a_model),
        cmocka_unit_test(test_bypass),
        cmocka_unit_test(test_gains),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_old_load),
        cmocka_unit_test(test_hostile_state),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_odd_buffers),
#ifdef CAN_TRAP
        cmocka_unit_test(test_real_time),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
