/* Exact separation, pushed and pulled, of every architecture and with every
 * engine: bit for bit the run with callbacks, in blocks of any size, for tracks
 * that end anywhere. */
#include "memory_track.h"
#include "stream_case.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CHANNELS = 2, LENGTH = 30011, MOST_ROWS = 12 };

static memory_track new_track(const dmx_separator *s, float *song,
                              int64_t length)
{
    memory_track t = {.mix = song,
                      .row = LENGTH,
                      .length = length,
                      .channels = dmx_separator_channels(s)};
    t.rows = (int64_t)dmx_separator_stems(s) * t.channels;
    assert_true(t.rows <= MOST_ROWS && t.channels <= MOST_CHANNELS);
    t.stems = calloc((size_t)(t.rows * length), sizeof *t.stems);
    assert_non_null(t.stems);
    return t;
}

static memory_track offline(dmx_separator *s, float *song, int64_t length)
{
    memory_track t = new_track(s, song, length);
    dmx_error err = DMX_ERROR_INIT;
    const dmx_separation_options o = DMX_SEPARATION_OPTIONS_INIT;
    const dmx_separator_io io =
        memory_track_io(&t, t.channels, t.rows, o.normalize);
    assert_ok(dmx_separator_run(s, &io, NULL, &err), &err);
    assert_int_equal(t.out, length);
    return t;
}

/* ------------------------------------------------------------ in blocks */

static void pull_all(dmx_separation *x, memory_track *t)
{
    float memory[MOST_ROWS][997], *row[MOST_ROWS];
    for (int r = 0; r < MOST_ROWS; r++)
        row[r] = memory[r];
    for (size_t got = 1; got > 0;) {
        dmx_error err = DMX_ERROR_INIT;
        assert_ok(dmx_separation_pull(x, row, NULL, 997, &got, NULL, &err),
                  &err);
        assert_true(t->out + (int64_t)got <= t->length);
        for (int64_t r = 0; r < t->rows; r++)
            memcpy(t->stems + r * t->length + t->out, row[r],
                   got * sizeof(float));
        t->out += (int64_t)got;
    }
}

/* block 0: random sizes. */
static memory_track in_blocks(dmx_separator *s, dmx_separation *x, float *song,
                              int64_t length, int64_t block)
{
    memory_track t = new_track(s, song, length);
    uint64_t random = (uint64_t)length;
    dmx_error err = DMX_ERROR_INIT;
    while (t.in < length) {
        int64_t n =
            block > 0 ? block : 1 + (int64_t)(test_random(&random) % 9000);
        n = n < length - t.in ? n : length - t.in;
        for (size_t taken; n > 0; n -= (int64_t)taken) {
            const float *planes[MOST_CHANNELS] = {song + t.in,
                                                  song + LENGTH + t.in};
            assert_ok(dmx_separation_push(x, planes, (size_t)n, &taken, &err),
                      &err);
            t.in += (int64_t)taken;
            pull_all(x, &t);
            assert_true(t.out >= t.in - dmx_separation_latency(x));
        }
    }
    assert_ok(dmx_separation_flush(x, &err), &err);
    pull_all(x, &t);
    assert_int_equal(t.out, length);
    dmx_separation_reset(x);
    return t;
}

static void check(const char *file, dmx_backend backend)
{
    static const int64_t blocks[] = {1, 37, 512, 44100, 0};
    dmx_separator_options so = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_separation *x;
    dmx_error err = DMX_ERROR_INIT;
    uint64_t random = 17;
    float *song = stream_song(LENGTH);
    so.backend = backend;
    so.segment = 0.25;
    so.unpadded = 1;
    dmx_separator *s = stream_separator(file, &so);
    assert_true(dmx_separator_samples(s) < LENGTH / 2);
    assert_ok(dmx_separation_open(&x, s, NULL, &err), &err);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        const int64_t length =
            i == 0 ? LENGTH : 1 + (int64_t)(test_random(&random) % LENGTH);
        memory_track want = offline(s, song, length);
        memory_track got = in_blocks(s, x, song, length, blocks[i]);
        if (memcmp(got.stems, want.stems,
                   (size_t)(got.rows * length) * sizeof(float)) != 0)
            fail_msg("%s, engine %d: %lld frames in blocks of %lld", file,
                     (int)backend, (long long)length, (long long)blocks[i]);
        free(want.stems);
        free(got.stems);
    }
    dmx_separation_close(x);
    dmx_separator_close(s);
    free(song);
}

static void test_architectures(void **state)
{
    (void)state;
    static const char *const files[] = {
        "htdemucs/model.th",
        "htdemucs_6s/model.th",
        "family/demucs_mdx/model.th",
        "family/demucs_odd/model.th", /* one channel */
        "family/hdemucs_mdx_old/model.th",
        "family/hdemucs_wiener/model.th",
        "model_repository/pair.yaml",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        check(files[i], DMX_BACKEND_NATIVE);
}

static void test_onnxruntime(void **state)
{
    (void)state;
    check("htdemucs/model.th", DMX_BACKEND_ONNXRUNTIME);
    check("family/demucs_mdx/model.th", DMX_BACKEND_ONNXRUNTIME);
    check("family/hdemucs_mdx_old/model.th", DMX_BACKEND_ONNXRUNTIME);
}

static void test_reference(void **state)
{
    (void)state;
    check("htdemucs/model.th", DMX_BACKEND_REFERENCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_architectures),
        cmocka_unit_test(test_onnxruntime),
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
