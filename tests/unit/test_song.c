/* Whole songs: every container and codec we can make, at several rates and
 * widths, come back at their own rate and exact length; tags are kept;
 * loudness, failures, and leftovers. */
#include "test_audio.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const double first[] = {1, 0, 0, 0};
static const double rest[] = {0, 1, 1, 1};

/* Separates into one or two files; the report. */
static dmx_song_report separate(const char *song, const char *const *files,
                                size_t count, dmx_song_options o)
{
    const dmx_song_output output[] = {{"drums", files[0], first, 0},
                                      {"no_drums", files[count - 1], rest, 0}};
    dmx_song_report report = DMX_SONG_REPORT_INIT;
    dmx_error err = DMX_ERROR_INIT;
    o.output = output;
    o.outputs = count;
    assert_ok(dmx_separate_song(test_tiny, song, &o, &report, &err), &err);
    return report;
}

/* ----------------------------------------------------------------- table */

typedef struct row {
    const char *muxer, *codec, *name;
    int most_channels;
    bool any_rate;
} row;

static const row table[] = {
    {"wav", "pcm_s16le", "a.wav", 24, true},
    {"wav", "pcm_u8", "b.wav", 2, true},
    {"wav", "pcm_s24le", "c.wav", 6, true},
    {"wav", "pcm_f32le", "d.wav", 6, true},
    {"aiff", "pcm_s16be", "e.aiff", 6, true},
    {"caf", "pcm_s16le", "f.caf", 2, true},
    {"flac", "flac", "g.flac", 6, true},
    {"ipod", "alac", "h.m4a", 2, true},
    {"ipod", "aac", "i.m4a", 2, false},
    {"mp4", "aac", "j.mp4", 2, false},
    {"mp3", "libmp3lame", "k.mp3", 2, false},
    {"ogg", "libvorbis", "l.ogg", 2, true},
    {"ogg", "libopus", "m.opus", 2, false},
    {"matroska", "flac", "n.mkv", 2, true},
    {"matroska", "libvorbis", "o.mka", 2, true},
    {"adts", "aac", "p.aac", 2, false},
};

static bool wanted(const row *r, int rate, int channels)
{
    const bool opus = strcmp(r->codec, "libopus") == 0;
    const bool vorbis = strcmp(r->codec, "libvorbis") == 0;
    const bool common = rate == 8000 || rate == 44100 || rate == 48000;
    return channels <= r->most_channels && (r->any_rate || common) &&
           (!opus || rate == 48000) &&
           (!vorbis || rate == 44100 || rate == 48000);
}

static void check_row(const row *r, int rate, int channels)
{
    dmx_error err = DMX_ERROR_INIT;
    test_sound in = test_sound_make(rate, channels, rate / 5 + 7), read, out;
    const char *song = test_path(r->name);
    const char *files[] = {test_path("out.flac")};
    if (test_sound_mux(&in, song, r->muxer, r->codec, NULL)) {
        assert_ok(test_sound_read(&read, song, NULL, 4096, &err), &err);
        dmx_song_options o = DMX_SONG_OPTIONS_INIT;
        o.format = "flac";
        const dmx_song_report report = separate(song, files, 1, o);
        assert_ok(test_sound_read(&out, files[0], NULL, 4096, &err), &err);
        if (report.rate != rate || report.channels != channels ||
            report.frames != read.frames || out.rate != rate ||
            out.channels != 2 || out.frames != read.frames)
            fail_msg("%s of %d Hz, %d channels, %lld frames: stems of %d Hz, "
                     "%d channels, %lld frames",
                     r->name, rate, channels, (long long)read.frames, out.rate,
                     out.channels, (long long)out.frames);
        test_sound_free(&read);
        test_sound_free(&out);
    }
    test_sound_free(&in);
}

static void test_table(void **state)
{
    (void)state;
    static const int rates[] = {8000, 22050, 44100, 48000, 96000, 192000};
    static const int channels[] = {1, 2, 6, 24};
    for (size_t i = 0; i < COUNT(table); i++)
        for (size_t r = 0; r < COUNT(rates); r++)
            for (size_t c = 0; c < COUNT(channels); c++)
                if (wanted(&table[i], rates[r], channels[c]))
                    check_row(&table[i], rates[r], channels[c]);
}

static void test_film_sound(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    test_sound in = test_sound_make(44100, 2, 30000), read;
    const char *files[] = {test_path("film.wav")};
    if (test_film(&in, test_path("film.mp4"))) {
        assert_ok(
            test_sound_read(&read, test_path("film.mp4"), NULL, 4096, &err),
            &err);
        const dmx_song_options o = DMX_SONG_OPTIONS_INIT;
        assert_int_equal(separate(test_path("film.mp4"), files, 1, o).frames,
                         read.frames);
        test_sound_free(&read);
    }
    test_sound_free(&in);
}

/* --------------------------------------------------------------- outputs */

static const char *make_song(float gain)
{
    dmx_audio_writer_options w = DMX_AUDIO_WRITER_OPTIONS_INIT;
    test_sound in = test_sound_make(48000, 2, 40000);
    for (int c = 0; c < 2; c++)
        for (int64_t t = 0; t < in.frames; t++)
            in.plane[c][t] *= gain;
    w.sample = DMX_AUDIO_F32;
    test_sound_write(&in, test_path("song.wav"), w);
    test_sound_free(&in);
    static char path[1200]; /* outlives the ring of test_path */
    snprintf(path, sizeof path, "%s", test_path("song.wav"));
    return path;
}

static void test_formats_and_tags(void **state)
{
    (void)state;
    static const char *const formats[] = {"wav", "flac", "mp3",
                                          "ogg", "opus", "m4a"};
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_tags tags = {0};
    assert_ok(dmx_audio_tags_set(&tags, "title", "Zwölf", &err), &err);
    assert_ok(dmx_audio_tags_set(&tags, "artist", "Nobody", &err), &err);
    dmx_audio_writer_options w = DMX_AUDIO_WRITER_OPTIONS_INIT;
    test_sound in = test_sound_make(48000, 1, 30000);
    w.format = DMX_AUDIO_FLAC;
    w.tags = &tags;
    test_sound_write(&in, test_path("tagged.flac"), w);
    for (size_t i = 0; i < COUNT(formats); i++) {
        char name[32];
        snprintf(name, sizeof name, "tagged_out.%s", formats[i]);
        const char *files[] = {test_path(name)};
        dmx_song_options o = DMX_SONG_OPTIONS_INIT;
        o.format = formats[i];
        o.mono = 1;
        separate(test_path("tagged.flac"), files, 1, o);
        dmx_audio_reader *reader;
        assert_ok(dmx_audio_reader_open(&reader, files[0], NULL, &err), &err);
        const dmx_audio_tags *got = dmx_audio_reader_tags(reader);
        assert_string_equal(dmx_audio_tags_get(got, "title"), "Zwölf");
        assert_string_equal(dmx_audio_tags_get(got, "artist"), "Nobody");
        assert_int_equal(dmx_audio_reader_info(reader)->rate, 48000);
        assert_int_equal(dmx_audio_reader_info(reader)->channels, 1);
        dmx_audio_reader_close(reader);
    }
    test_sound_free(&in);
    dmx_audio_tags_free(&tags);
}

/* Each mode against the float stems. */
static void check_loudness(const test_sound *stem, dmx_clip mode, double peak)
{
    dmx_error err = DMX_ERROR_INIT;
    test_sound got;
    const char *files[] = {test_path("loud.wav")};
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    o.bits = 24;
    o.clip = mode;
    const dmx_song_report r = separate(test_path("song.wav"), files, 1, o);
    assert_ok(test_sound_read(&got, files[0], NULL, 1000, &err), &err);
    assert_true(fabs(r.peak[0] - peak) < 1e-6);
    const double scale = mode == DMX_CLIP_RESCALE ? 1 / (1.01 * peak) : 1;
    assert_true(fabs(r.scale[0] - scale) < 1e-6);
    for (int64_t t = 0; t < got.frames; t++) {
        double x = (double)stem->plane[0][t];
        x = mode == DMX_CLIP_RESCALE ? x * scale
            : mode == DMX_CLIP_CLAMP ? fmax(-0.99, fmin(0.99, x))
            : mode == DMX_CLIP_TANH  ? tanh(x)
                                     : fmax(-1, fmin(1, x));
        assert_true(fabs(x - (double)got.plane[0][t]) < 3e-7);
    }
    assert_true((r.clipped[0] > 0) == (mode == DMX_CLIP_NONE));
    test_sound_free(&got);
}

static void test_loudness(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    test_sound stem;
    const char *files[] = {test_path("float.wav")};
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    o.bits = 32;
    const dmx_song_report r = separate(make_song(20), files, 1, o);
    assert_true(r.peak[0] > 1.1 && r.scale[0] == 1 && r.clipped[0] == 0);
    assert_ok(test_sound_read(&stem, files[0], NULL, 1000, &err), &err);
    check_loudness(&stem, DMX_CLIP_RESCALE, r.peak[0]);
    check_loudness(&stem, DMX_CLIP_CLAMP, r.peak[0]);
    check_loudness(&stem, DMX_CLIP_TANH, r.peak[0]);
    check_loudness(&stem, DMX_CLIP_NONE, r.peak[0]);
    test_sound_free(&stem);
}

static void test_float_sums(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    test_sound song, part[2];
    const char *files[] = {test_path("sum0.wav"), test_path("sum1.wav")};
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    o.bits = 32;
    o.exact_sum = 1;
    separate(make_song(1), files, 2, o);
    assert_ok(test_sound_read(&song, test_path("song.wav"), NULL, 999, &err),
              &err);
    for (int i = 0; i < 2; i++)
        assert_ok(test_sound_read(&part[i], files[i], NULL, 999, &err), &err);
    for (int64_t t = 0; t < song.frames; t++)
        assert_true(fabs((double)song.plane[1][t] -
                         ((double)part[0].plane[1][t] +
                          (double)part[1].plane[1][t])) <= 0x1p-22);
    test_sound_free(&song);
    test_sound_free(&part[0]);
    test_sound_free(&part[1]);
}

static char said[1024];
static int times_said;

static void note(void *user, const char *message)
{
    (void)user;
    times_said++;
    snprintf(said, sizeof said, "%s", message);
}

/* Stems of a song beyond full scale sum to the clipped song, and a warning
 * says so. */
static void test_sums_beyond_full_scale(void **state)
{
    (void)state;
    static const dmx_hooks hooks = {.size = sizeof(dmx_hooks), .warn = note};
    dmx_error err = DMX_ERROR_INIT;
    test_sound song;
    const char *files[] = {test_path("sum0.wav"), test_path("sum1.wav")};
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    o.exact_sum = 1;
    o.hooks = &hooks;
    times_said = 0;
    dmx_song_report r = separate(make_song(4), files, 2, o);
    assert_ok(test_sound_read(&song, test_path("song.wav"), NULL, 999, &err),
              &err);
    int64_t beyond = 0;
    for (int c = 0; c < song.channels; c++)
        for (int64_t t = 0; t < song.frames; t++) {
            const double x = rint((double)song.plane[c][t] * 32768);
            beyond += x > 32767 || x < -32768;
        }
    assert_true(beyond > 100);
    assert_int_equal(r.mix_clipped, beyond);
    assert_int_equal(times_said, 1);
    char number[32];
    snprintf(number, sizeof number, "%lld samples", (long long)beyond);
    assert_non_null(strstr(said, number));
    assert_non_null(strstr(said, "options.bits = 32"));
    o.bits = 32;
    times_said = 0;
    r = separate(test_path("song.wav"), files, 2, o);
    assert_int_equal(r.mix_clipped, 0);
    assert_int_equal(times_said, 0);
    test_sound_free(&song);
}

/* -------------------------------------------------------------- failures */

static int stop_in(void *user, const char *stage, double fraction)
{
    return strcmp(stage, user) == 0 && fraction > 0;
}

static dmx_status attempt(const char *song, const char *second,
                          const dmx_song_options *options, dmx_error *err)
{
    const dmx_song_output output[] = {
        {"drums", test_path("never0.wav"), first, 0},
        {"no_drums", second, rest, 0}};
    dmx_song_options o = *options;
    o.output = output;
    o.outputs = 2;
    *err = (dmx_error)DMX_ERROR_INIT;
    const dmx_status status = dmx_separate_song(test_tiny, song, &o, NULL, err);
    assert_int_equal(test_count_files("never"), 0);
    assert_int_equal(test_count_files("dmx-"), 0);
    return status;
}

static void test_nothing_stays(void **state)
{
    (void)state;
    static const char *const stages[] = {"measure", "separate", "write"};
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    dmx_error err;
    const char *song = make_song(20);
    for (size_t i = 0; i < COUNT(stages); i++) {
        const dmx_hooks hooks = {.size = sizeof(dmx_hooks),
                                 .user = (void *)stages[i],
                                 .progress = stop_in};
        o.hooks = &hooks;
        assert_int_equal(attempt(song, test_path("never1.wav"), &o, &err),
                         DMX_ERROR_CANCELLED);
    }
    o.hooks = NULL;
    assert_int_equal(attempt(song, test_path("no-folder/never1.wav"), &o, &err),
                     DMX_ERROR_IO);
    /* The picture is the last thing to be written. */
    char picture[1200];
    snprintf(picture, sizeof picture, "%s", test_path("never.bmp"));
    o.plot = picture;
    assert_int_equal(attempt(song, test_path("never1.wav"), &o, &err),
                     DMX_ERROR_ARGUMENT);
}

static void test_wrong_options(void **state)
{
    (void)state;
    const dmx_song_options fine = DMX_SONG_OPTIONS_INIT;
    dmx_song_options o = fine;
    dmx_error err;
    const char *song = make_song(1), *second = test_path("never1.wav");
    o.format = "voc";
    assert_int_equal(attempt(song, second, &o, &err), DMX_ERROR_ARGUMENT);
    o = fine;
    o.bits = 20;
    assert_int_equal(attempt(song, second, &o, &err), DMX_ERROR_ARGUMENT);
    o = fine;
    o.rate = 12;
    assert_int_equal(attempt(song, second, &o, &err), DMX_ERROR_ARGUMENT);
    o = fine;
    o.raw = "f32";
    assert_int_equal(attempt(song, second, &o, &err), DMX_ERROR_ARGUMENT);
    o = fine;
    o.stream = 2;
    assert_int_equal(attempt(song, second, &o, &err), DMX_ERROR_ARGUMENT);
    o = fine;
    o.format = "mp3";
    o.bitrate = 100;
    assert_int_equal(attempt(song, second, &o, &err), DMX_ERROR_ARGUMENT);
    o = fine;
    o.bitrate = 128;
    assert_int_equal(attempt(song, second, &o, &err), DMX_ERROR_ARGUMENT);
    o = fine;
    o.size = 3;
    assert_int_equal(attempt(song, second, &o, &err), DMX_ERROR_ARGUMENT);
    assert_int_equal(attempt(test_path("none.wav"), second, &fine, &err),
                     DMX_ERROR_IO);
}

static void test_sdr(void **state)
{
    (void)state;
    double sdr;
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer_options w = DMX_AUDIO_WRITER_OPTIONS_INIT;
    test_sound a = test_sound_make(44100, 2, 20000);
    w.sample = DMX_AUDIO_F32;
    test_sound_write(&a, test_path("truth.wav"), w);
    for (int c = 0; c < 2; c++)
        for (int64_t t = 0; t < a.frames; t++)
            a.plane[c][t] *= 1.1f;
    test_sound_write(&a, test_path("louder.wav"), w);
    assert_ok(dmx_sound_sdr(&sdr, test_path("truth.wav"),
                            test_path("louder.wav"), &err),
              &err);
    assert_true(fabs(sdr - 20) < 1e-4);
    assert_ok(dmx_sound_sdr(&sdr, test_path("truth.wav"),
                            test_path("truth.wav"), &err),
              &err);
    assert_true(isinf(sdr));
    a.frames = 19999;
    test_sound_write(&a, test_path("shorter.wav"), w);
    assert_int_equal(dmx_sound_sdr(&sdr, test_path("truth.wav"),
                                   test_path("shorter.wav"), NULL),
                     DMX_ERROR_ARGUMENT);
    test_sound_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_film_sound),
        cmocka_unit_test(test_formats_and_tags),
        cmocka_unit_test(test_loudness),
        cmocka_unit_test(test_float_sums),
        cmocka_unit_test(test_sums_beyond_full_scale),
        cmocka_unit_test(test_nothing_stays),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_sdr),
    };
    return cmocka_run_group_tests(tests, test_tiny_open, test_tiny_close);
}
