/* DJ stem files: five tracks of one length that hold the mix and the stems,
 * and the box that names them, read by the test's own code. */
#include "base/json.h"
#include "test_audio.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACKS = 5 };

static const double gain[TRACKS][4] = {
    {0}, {1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1}};
static const char *const usual[TRACKS] = {"mix", "drums", "bass", "other",
                                          "vocals"};

/* Outputs of one stem file, or of a file each: "0.wav", "0.m4a" ... */
static void fill(dmx_song_output *out, const char *const *name,
                 char path[TRACKS][1200], const char *format)
{
    const bool one = strcmp(format, "stem.mp4") == 0;
    for (int i = 0; i < TRACKS; i++) {
        char file[64];
        snprintf(file, sizeof file, "%d.%s", one ? 0 : i, format);
        snprintf(path[i], 1200, "%s", test_path(file));
        out[i] = (dmx_song_output){name[i], path[i], gain[i], i == 0};
    }
}

static dmx_song_report make(const char *song, const char *const *name,
                            dmx_song_options o)
{
    dmx_song_output output[TRACKS];
    char path[TRACKS][1200];
    dmx_song_report report = DMX_SONG_REPORT_INIT;
    dmx_error err = DMX_ERROR_INIT;
    fill(output, name, path, o.format);
    o.output = output;
    o.outputs = TRACKS;
    assert_ok(dmx_separate_song(test_tiny, song, &o, &report, &err), &err);
    return report;
}

static dmx_song_options stem_options(void)
{
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    o.format = "stem.mp4";
    return o;
}

static void write_song(int rate, int64_t frames, float level,
                       const dmx_audio_tags *tags)
{
    dmx_audio_writer_options w = DMX_AUDIO_WRITER_OPTIONS_INIT;
    test_sound in = test_sound_make(rate, 2, frames);
    for (int c = 0; c < 2; c++)
        for (int64_t t = 0; t < frames; t++)
            in.plane[c][t] *= level;
    w.sample = DMX_AUDIO_F32;
    w.tags = tags;
    test_sound_write(&in, test_path("song.wav"), w);
    test_sound_free(&in);
}

/* Track `index` from 0. */
static test_sound read_track(int index)
{
    dmx_audio_reader_options o = DMX_AUDIO_READER_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    test_sound s;
    o.stream = index + 1;
    assert_ok(test_sound_read(&s, test_path("0.stem.mp4"), &o, 4096, &err),
              &err);
    return s;
}

static test_sound read_file(int index, const char *format)
{
    dmx_error err = DMX_ERROR_INIT;
    char name[32];
    test_sound s;
    snprintf(name, sizeof name, "%d.%s", index, format);
    assert_ok(test_sound_read(&s, test_path(name), NULL, 4096, &err), &err);
    return s;
}

/* ------------------------------------------------------------------- boxes */

static uint64_t number(const unsigned char *p, int bytes)
{
    uint64_t x = 0;
    for (int i = 0; i < bytes; i++)
        x = x << 8 | p[i];
    return x;
}

/* The content of the only box of that type; every byte belongs to a box. */
static const unsigned char *only(const unsigned char *at, size_t size,
                                 const char *type, size_t *inside)
{
    const unsigned char *found = NULL;
    for (size_t i = 0, n; i < size; i += n) {
        assert_true(size - i >= 8);
        n = number(at + i, 4);
        assert_true(n >= 8 && n <= size - i);
        if (memcmp(at + i + 4, type, 4) != 0)
            continue;
        assert_null(found);
        found = at + i + 8;
        *inside = n - 8;
    }
    return found;
}

static dmx_json *stem_box(void)
{
    size_t size, n = 0;
    unsigned char *file = test_bytes(test_path("0.stem.mp4"), &size);
    const unsigned char *p = only(file, size, "moov", &n);
    assert_non_null(p);
    p = only(p, n, "udta", &n);
    assert_non_null(p);
    p = only(p, n, "stem", &n);
    assert_non_null(p);
    dmx_json *json = dmx_json_read_bytes((const char *)p, n);
    assert_non_null(json);
    free(file);
    return json;
}

static void check_box(const char *const *name)
{
    static const char *const colours[] = {"#009E73", "#D55E00", "#CC79A7",
                                          "#56B4E9"};
    dmx_json *json = stem_box();
    const dmx_json *dsp = dmx_json_get(json, "mastering_dsp");
    static const char *const parts[] = {"compressor", "limiter"};
    assert_true(dmx_json_get(json, "version")->valuedouble == 1);
    for (int i = 0; i < 2; i++) {
        const dmx_json *on =
            dmx_json_get(dmx_json_get(dsp, parts[i]), "enabled");
        assert_true(dmx_json_is_bool(on) && !dmx_json_is_true(on));
    }
    const dmx_json *stems = dmx_json_get(json, "stems");
    assert_int_equal(dmx_json_count(stems), TRACKS - 1);
    for (int i = 0; i < TRACKS - 1; i++) {
        const dmx_json *s = dmx_json_item(stems, i);
        assert_string_equal(dmx_json_text_of(dmx_json_get(s, "name")),
                            name[i + 1]);
        assert_string_equal(dmx_json_text_of(dmx_json_get(s, "color")),
                            colours[i]);
    }
    dmx_json_free(json);
}

/* ------------------------------------------------------------------- sound */

/* Every track is what a separate file would be, to the last bit. */
static void check_tracks(int rate, int64_t frames)
{
    for (int i = 0; i < TRACKS; i++) {
        test_sound want = read_file(i, "m4a"), got = read_track(i);
        if (got.frames != frames || got.rate != rate || got.channels != 2)
            fail_msg("track %d: %lld frames of %lld, %d Hz, %d channels", i,
                     (long long)got.frames, (long long)frames, got.rate,
                     got.channels);
        assert_int_equal(want.frames, frames);
        for (int c = 0; c < 2; c++)
            assert_memory_equal(got.plane[c], want.plane[c],
                                (size_t)frames * sizeof(float));
        test_sound_free(&want);
        test_sound_free(&got);
    }
}

static void test_tracks(void **state)
{
    (void)state;
    static const struct {
        int rate;
        int64_t frames;
    } songs[] = {{44100, 50000}, {48000, 30001}, {22050, 10000}, {44100, 2048}};
    dmx_song_options alone = DMX_SONG_OPTIONS_INIT;
    alone.format = "m4a";
    for (size_t i = 0; i < sizeof songs / sizeof *songs; i++) {
        write_song(songs[i].rate, songs[i].frames, 1, NULL);
        make(test_path("song.wav"), usual, alone);
        make(test_path("song.wav"), usual, stem_options());
        check_tracks(songs[i].rate, songs[i].frames);
        check_box(usual);
    }
}

/* Gapless: from one frame on, around the encoder's own frames. */
static void test_lengths(void **state)
{
    (void)state;
    static const int64_t lengths[] = {1, 2, 1023, 1024, 1025, 16384, 16385};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_song(44100, lengths[i], 1, NULL);
        make(test_path("song.wav"), usual, stem_options());
        for (int k = 0; k < TRACKS; k++) {
            test_sound got = read_track(k);
            if (got.frames != lengths[i])
                fail_msg("track %d: %lld frames of %lld", k,
                         (long long)got.frames, (long long)lengths[i]);
            test_sound_free(&got);
        }
    }
}

/* One factor for all: the stems still sum to the mix. */
static void test_loudness(void **state)
{
    (void)state;
    dmx_song_options whole = DMX_SONG_OPTIONS_INIT, o = stem_options();
    whole.bits = 32;
    write_song(44100, 30000, 20, NULL);
    const dmx_song_report f = make(test_path("song.wav"), usual, whole);
    const dmx_song_report r = make(test_path("song.wav"), usual, o);
    double peak = 0;
    for (int i = 0; i < TRACKS; i++)
        peak = fmax(peak, f.peak[i]);
    assert_true(peak > 5);
    for (int i = 0; i < TRACKS; i++) {
        assert_true(fabs(r.peak[i] - peak) < 1e-6);
        assert_true(fabs(r.scale[i] * 1.01 * peak - 1) < 1e-6);
        assert_int_equal(r.clipped[i], 0);
    }
    for (int i = 0; i < TRACKS; i++) {
        test_sound want = read_file(i, "wav"), got = read_track(i);
        for (int c = 0; c < 2; c++)
            for (int64_t t = 0; t < want.frames; t++)
                want.plane[c][t] *= (float)r.scale[i];
        const double snr = test_sound_snr(&want, &got);
        if (!(snr > 15))
            fail_msg("track %d: %g dB", i, snr);
        test_sound_free(&want);
        test_sound_free(&got);
    }
    o.clip = DMX_CLIP_NONE;
    assert_true(make(test_path("song.wav"), usual, o).clipped[0] > 0);
}

/* -------------------------------------------------------------------- text */

/* Names come from a checkpoint, tags from a song: neither breaks the file. */
static void test_names_and_tags(void **state)
{
    (void)state;
    static const char *const odd[TRACKS] = {
        "mix", "a\"b\\c", "\xc3\xa4 \xe2\x99\xab", "x]}", "vocals+bass"};
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_tags tags = {0};
    char *long_name = malloc(70001);
    memset(long_name, 'n', 70000);
    long_name[70000] = '\0';
    const char *const large[TRACKS] = {"mix", long_name, "b", "c", "d"};
    write_song(44100, 5000, 1, NULL);
    make(test_path("song.wav"), odd, stem_options());
    check_box(odd);
    assert_ok(dmx_audio_tags_set(&tags, "title", "Zw\xc3\xb6lf", &err), &err);
    assert_ok(dmx_audio_tags_set(&tags, "artist", "Nobody", &err), &err);
    write_song(44100, 5000, 1, &tags);
    make(test_path("song.wav"), odd, stem_options());
    check_box(odd);
    make(test_path("song.wav"), large, stem_options());
    check_box(large);
    for (int i = 0; i < TRACKS; i++) {
        test_sound got = read_track(i);
        assert_int_equal(got.frames, 5000);
        test_sound_free(&got);
    }
    dmx_audio_reader *reader;
    dmx_audio_reader_options o = DMX_AUDIO_READER_OPTIONS_INIT;
    assert_ok(dmx_audio_reader_open(&reader, test_path("0.stem.mp4"), &o, &err),
              &err);
    const dmx_audio_tags *got = dmx_audio_reader_tags(reader);
    assert_string_equal(dmx_audio_tags_get(got, "title"), "Zw\xc3\xb6lf");
    assert_string_equal(dmx_audio_tags_get(got, "artist"), "Nobody");
    dmx_audio_reader_close(reader);
    dmx_audio_tags_free(&tags);
    free(long_name);
}

static void test_same_bytes(void **state)
{
    (void)state;
    size_t n, m;
    write_song(44100, 20000, 1, NULL);
    make(test_path("song.wav"), usual, stem_options());
    unsigned char *a = test_bytes(test_path("0.stem.mp4"), &n);
    make(test_path("song.wav"), usual, stem_options());
    unsigned char *b = test_bytes(test_path("0.stem.mp4"), &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

/* A model of one channel: both sides of each track are the same. */
static void test_mono_model(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_song_output output[TRACKS];
    char path[TRACKS][1200];
    dmx_separator *mono;
    assert_ok(dmx_separator_open_file(
                  &mono, test_data("mono_two_stems/model.th"), NULL, &err),
              &err);
    write_song(44100, 9000, 1, NULL);
    dmx_song_options o = stem_options();
    fill(output, usual, path, "stem.mp4");
    o.output = output;
    o.outputs = TRACKS;
    assert_ok(dmx_separate_song(mono, test_path("song.wav"), &o, NULL, &err),
              &err);
    for (int i = 0; i < TRACKS; i++) {
        test_sound got = read_track(i);
        assert_int_equal(got.channels, 2);
        assert_int_equal(got.frames, 9000);
        /* The encoder fills bands with noise of its own. */
        double side = 0, power = 1e-9;
        for (int64_t t = 0; t < got.frames; t++) {
            const double l = got.plane[0][t], r = got.plane[1][t];
            side += (l - r) * (l - r);
            power += l * l + r * r;
        }
        if (!(side < 0.05 * power))
            fail_msg("track %d: %g of %g beside the middle", i, side, power);
        test_sound_free(&got);
    }
    dmx_separator_close(mono);
}

/* ---------------------------------------------------------------- refusals */

static int stop_in(void *user, const char *stage, double fraction)
{
    return strcmp(stage, user) == 0 && fraction > 0;
}

static dmx_status attempt(dmx_song_output *output, size_t outputs,
                          dmx_song_options o)
{
    dmx_error err = DMX_ERROR_INIT;
    o.output = output;
    o.outputs = outputs;
    const dmx_status status =
        dmx_separate_song(test_tiny, test_path("song.wav"), &o, NULL, &err);
    assert_true(status == DMX_OK || err.message[0] != '\0');
    assert_int_equal(test_count_files(".stem.mp4"), 0);
    assert_int_equal(test_count_files("dmx-"), 0);
    return status;
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const stages[] = {"measure", "separate", "write"};
    dmx_song_output output[TRACKS + 1];
    char path[TRACKS][1200];
    write_song(44100, 60000, 20, NULL);
    remove(test_path("0.stem.mp4"));
    fill(output, usual, path, "stem.mp4");
    output[TRACKS] = output[1];
    dmx_song_options o = stem_options();
    for (size_t n = 0; n <= TRACKS + 1; n++)
        if (n != TRACKS)
            assert_int_equal(attempt(output, n, o), DMX_ERROR_ARGUMENT);
    assert_int_equal(attempt(output + 1, TRACKS, o), DMX_ERROR_ARGUMENT);
    o.mono = 1;
    assert_int_equal(attempt(output, TRACKS, o), DMX_ERROR_ARGUMENT);
    o = stem_options();
    o.exact_sum = 1;
    assert_int_equal(attempt(output, TRACKS, o), DMX_ERROR_ARGUMENT);
    o = stem_options();
    o.bitrate = 600;
    assert_int_equal(attempt(output, TRACKS, o), DMX_ERROR_ARGUMENT);
    for (size_t i = 0; i < 3; i++) {
        const dmx_hooks hooks = {.size = sizeof(dmx_hooks),
                                 .user = (void *)stages[i],
                                 .progress = stop_in};
        o = stem_options();
        o.hooks = &hooks;
        assert_int_equal(attempt(output, TRACKS, o), DMX_ERROR_CANCELLED);
    }
    for (int i = 0; i < TRACKS; i++)
        output[i].path = NULL;
    assert_int_equal(attempt(output, TRACKS, stem_options()),
                     DMX_ERROR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tracks),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_loudness),
        cmocka_unit_test(test_names_and_tags),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_mono_model),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, test_tiny_open, test_tiny_close);
}
