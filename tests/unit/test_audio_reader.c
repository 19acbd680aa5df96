/* Foreign containers, gapless lengths, damaged and hostile files. */
#include "test_audio.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int warnings;
static char last_warning[1024];

static void on_warning(void *user, const char *message)
{
    (void)user;
    warnings++;
    snprintf(last_warning, sizeof last_warning, "%s", message);
}

static const dmx_hooks hooks = {.size = sizeof(dmx_hooks), .warn = on_warning};

static dmx_audio_reader_options with_hooks(void)
{
    dmx_audio_reader_options o = DMX_AUDIO_READER_OPTIONS_INIT;
    o.hooks = &hooks;
    warnings = 0;
    last_warning[0] = '\0';
    return o;
}

#define WMA 8192 /* this format may also lose frames */

typedef struct container_case {
    const char *file, *muxer, *codec, *options;
    int rate, channels;
    int64_t slack; /* frames that the container may add */
    double snr;
} container_case;

static const container_case containers[] = {
    {"a.aiff", "aiff", "pcm_s16be", NULL, 44100, 2, 0, 80},
    {"b.aiff", "aiff", "pcm_s24be", NULL, 96000, 1, 0, 120},
    {"c.au", "au", "pcm_s16be", NULL, 8000, 2, 0, 80},
    {"d.caf", "caf", "pcm_s24le", NULL, 48000, 2, 0, 120},
    {"e.w64", "w64", "pcm_f32le", NULL, 44100, 2, 0, 900},
    {"f.wav", "wav", "pcm_u8", NULL, 22050, 2, 0, 30},
    {"g.wav", "wav", "pcm_f64le", NULL, 44100, 1, 0, 900},
    {"h.wav", "wav", "pcm_s32le", NULL, 192000, 6, 0, 120},
    {"i.rf64.wav", "wav", "pcm_s16le", "rf64=always", 44100, 2, 0, 80},
    {"j.wv", "wv", "wavpack", NULL, 44100, 2, 0, 80},
    {"k.tta", "tta", "tta", NULL, 44100, 2, 0, 80},
    {"l.m4a", "ipod", "alac", NULL, 44100, 2, 0, 80},
    {"m.mp4", "mp4", "aac", "movie_timescale=48000", 48000, 2, 0, 10},
    {"n.mp4", "mp4", "aac", "movflags=frag_keyframe+empty_moov", 48000, 2, 1024,
     -99},
    {"o.mov", "mov", "pcm_s16le", NULL, 44100, 2, 0, 80},
    {"p.mka", "matroska", "flac", NULL, 44100, 2, 0, 80},
    {"q.webm", "webm", "libopus", NULL, 48000, 1, 0, 20},
    {"r.mkv", "matroska", "libvorbis", NULL, 44100, 2, 2048, 20},
    {"s.avi", "avi", "pcm_s16le", NULL, 44100, 2, 0, 80},
    {"t.aac", "adts", "aac", NULL, 44100, 2, 2048, -99},
    {"u.ts", "mpegts", "aac", NULL, 44100, 2, 2048, -99},
    {"v.ac3", "ac3", "ac3", NULL, 48000, 6, 2048, -99},
    {"w.wma", "asf", "wmav2", NULL, 44100, 2, WMA, -99},
    {"x.oga", "ogg", "flac", NULL, 44100, 2, 0, 80},
    {"y.mp3", "mp3", "libmp3lame", NULL, 44100, 2, 47, 30},
    {"z.mp3", "mp3", "libmp3lame", "write_xing=0", 44100, 1, 2304, -99},
};

static void check_container(const container_case *k)
{
    dmx_error err = DMX_ERROR_INIT;
    test_sound in = test_sound_make(k->rate, k->channels, 40321), out;
    if (test_sound_mux(&in, test_path(k->file), k->muxer, k->codec,
                       k->options)) {
        assert_ok(test_sound_read(&out, test_path(k->file), NULL, 999, &err),
                  &err);
        const double snr = test_sound_snr(&in, &out);
        if (out.rate != k->rate || out.channels != k->channels ||
            out.frames < in.frames - (k->slack == WMA ? WMA : 0) ||
            out.frames > in.frames + k->slack || snr < k->snr)
            fail_msg("%s: %d Hz, %d channels, %lld frames, SNR %.1f dB",
                     k->file, out.rate, out.channels, (long long)out.frames,
                     snr);
        test_sound_free(&out);
    } else {
        print_message("%s: not in these FFmpeg libraries\n", k->file);
    }
    test_sound_free(&in);
}

static void test_containers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++)
        check_container(&containers[i]);
}

static void test_info(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    test_sound in = test_sound_make(96000, 6, 5000);
    o.sample = DMX_AUDIO_S24;
    test_sound_write(&in, test_path("info.wav"), o);
    dmx_audio_reader *r;
    assert_ok(dmx_audio_reader_open(&r, test_path("info.wav"), NULL, &err),
              &err);
    const dmx_audio_info *info = dmx_audio_reader_info(r);
    assert_int_equal(info->rate, 96000);
    assert_int_equal(info->channels, 6);
    assert_int_equal(info->layout, 0x3F);
    assert_int_equal(info->frames, 5000);
    assert_true(info->exact);
    assert_int_equal(info->bits, 24);
    assert_false(info->is_float);
    assert_string_equal(info->codec, "pcm_s24le");
    assert_string_equal(info->container, "wav");
    assert_string_equal(info->layout_name, "5.1");
    dmx_audio_reader_close(r);
    test_sound_free(&in);
}

/* Reads everything after a rewind at `stop` frames and compares. */
static void check_rewind(const char *name, int64_t stop)
{
    dmx_error err = DMX_ERROR_INIT;
    test_sound all;
    assert_ok(test_sound_read(&all, test_path(name), NULL, 1000, &err), &err);
    dmx_audio_reader *r;
    assert_ok(dmx_audio_reader_open(&r, test_path(name), NULL, &err), &err);
    test_sound again = test_sound_make(all.rate, all.channels, all.frames);
    size_t got;
    assert_ok(dmx_audio_reader_read(r, again.plane, (size_t)stop, &got, &err),
              &err);
    /* The path may even be replaced meanwhile. */
    unlink(test_path(name));
    assert_ok(dmx_audio_reader_rewind(r, &err), &err);
    assert_int_equal(dmx_audio_reader_position(r), 0);
    assert_ok(
        dmx_audio_reader_read(r, again.plane, (size_t)all.frames, &got, &err),
        &err);
    assert_int_equal(got, all.frames);
    for (int c = 0; c < all.channels; c++)
        assert_memory_equal(all.plane[c], again.plane[c], got * sizeof(float));
    dmx_audio_reader_close(r);
    test_sound_free(&all);
    test_sound_free(&again);
}

static void test_rewind(void **state)
{
    (void)state;
    for (int f = DMX_AUDIO_WAV; f <= DMX_AUDIO_M4A; f++) {
        dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
        o.format = (dmx_audio_format)f;
        test_sound in = test_sound_make(48000, 2, 20000);
        test_sound_write(&in, test_path("rewind"), o);
        check_rewind("rewind", 1);
        test_sound_write(&in, test_path("rewind"), o);
        check_rewind("rewind", 15001);
        test_sound_free(&in);
    }
}

static void test_demo_song(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    test_sound song;
    assert_ok(
        test_sound_read(&song, test_data("demo/song.flac"), NULL, 65536, &err),
        &err);
    assert_int_equal(song.frames, song.info.frames);
    assert_true(song.info.exact);
    assert_true(song.frames > 44100);
    test_sound_free(&song);
}

/* Refused with one line, and with this code when code != DMX_OK. */
static void refused(const char *path, dmx_status code, const char *part)
{
    dmx_error err = DMX_ERROR_INIT;
    test_sound out;
    const dmx_status status = test_sound_read(&out, path, NULL, 1000, &err);
    if (status == DMX_OK || (code != DMX_OK && status != code) ||
        strstr(err.message, part) == NULL || strchr(err.message, '\n') != NULL)
        fail_msg("%s: %s '%s', expected '%s'", path, dmx_status_name(status),
                 err.message, part);
    test_sound_free(&out);
}

static void refused_text(const char *name, const char *text, const char *part)
{
    test_write_bytes(test_path(name), text, strlen(text));
    refused(test_path(name), DMX_OK, part);
}

static void test_no_sound(void **state)
{
    (void)state;
    refused(test_path("missing.wav"), DMX_ERROR_IO, "No such file");
    refused(test_folder(), DMX_ERROR_IO, "is a directory");
    refused("/dev/zero", DMX_ERROR_IO, "neither a file nor a pipe");
    refused_text("empty.mp3", "", "is empty");
    refused_text("notes.txt", "These are notes, not a song.\n",
                 "not a sound file");
    refused_text("notes.wav", "These are notes, not a song.\n",
                 "not a sound file");
    refused_text("zeros.flac", "fLaC", "");
    char junk[20000];
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (char)test_random(&seed);
    test_write_bytes(test_path("junk.bin"), junk, sizeof junk);
    refused(test_path("junk.bin"), DMX_OK, "");
    memset(junk, 0, sizeof junk);
    test_write_bytes(test_path("zero.bin"), junk, sizeof junk);
    refused(test_path("zero.bin"), DMX_OK, "");
}

/* Files that name others must not make us open those. */
static void test_references(void **state)
{
    (void)state;
    test_sound in = test_sound_make(44100, 1, 1000);
    test_sound_write(&in, test_path("real.wav"),
                     (dmx_audio_writer_options)DMX_AUDIO_WRITER_OPTIONS_INIT);
    test_sound_free(&in);
    char text[4096];
    snprintf(text, sizeof text, "ffconcat version 1.0\nfile 'real.wav'\n");
    refused_text("list.ffconcat", text, "not a sound file");
    snprintf(text, sizeof text,
             "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%s\n"
             "#EXT-X-ENDLIST\n",
             test_path("real.wav"));
    refused_text("list.m3u8", text, "not a sound file");
    snprintf(text, sizeof text,
             "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\n"
             "t=0 0\nm=audio 5004 RTP/AVP 0\n");
    refused_text("stream.sdp", text, "not a sound file");
    snprintf(text, sizeof text,
             "<?xml version=\"1.0\"?><MPD><Period><BaseURL>%s</BaseURL>"
             "</Period></MPD>\n",
             test_path("real.wav"));
    refused_text("list.mpd", text, "not a sound file");
}

static void test_picture(void **state)
{
    (void)state;
    /* A PNG picture: a valid medium, but nothing to hear. */
    static const unsigned char png[] = {
        0x89, 'P', 'N', 'G',  '\r', '\n', 0x1A, '\n', 0,    0, 0, 13,
        'I',  'H', 'D', 'R',  0,    0,    0,    1,    0,    0, 0, 1,
        8,    0,   0,   0,    0,    0x3A, 0x7E, 0x9B, 0x55, 0, 0, 0,
        10,   'I', 'D', 'A',  'T',  0x78, 0x9C, 0x63, 0x60, 0, 0, 0,
        2,    0,   1,   0x48, 0xAF, 0xA4, 0x71, 0,    0,    0, 0, 'I',
        'E',  'N', 'D', 0xAE, 0x42, 0x60, 0x82};
    test_write_bytes(test_path("cover.png"), png, sizeof png);
    refused(test_path("cover.png"), DMX_ERROR_FORMAT, "not a sound file");
}

static void test_films(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    test_sound in = test_sound_make(44100, 2, 30000), out;
    if (!test_film(&in, test_path("film.mp4")))
        skip();
    assert_ok(test_sound_read(&out, test_path("film.mp4"), NULL, 1000, &err),
              &err);
    assert_int_equal(out.rate, 44100);
    /* The edit list of this muxer counts milliseconds. */
    assert_true(out.frames > 29900 && out.frames <= 30100);
    assert_true(test_sound_snr(&in, &out) > 10);
    test_sound_free(&in);
    test_sound_free(&out);
    assert_true(test_film(NULL, test_path("mute.mp4")));
    refused(test_path("mute.mp4"), DMX_ERROR_UNSUPPORTED, "has no audio");
}

static void write_tone(const char *path, dmx_audio_format format)
{
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.format = format;
    test_sound in = test_sound_make(48000, 2, 48000);
    test_sound_write(&in, path, o);
    test_sound_free(&in);
}

static void test_truncated_wav(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_audio_reader_options o = with_hooks();
    const char *path = test_path("cut.wav");
    write_tone(path, DMX_AUDIO_WAV);
    assert_int_equal(truncate(path, 80 + 4 * 1000 + 3), 0);
    test_sound out;
    assert_ok(test_sound_read(&out, path, &o, 300, &err), &err);
    assert_int_equal(out.frames, 1000);
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(last_warning, "cut off"));
    test_sound_free(&out);
    assert_int_equal(truncate(path, 80), 0);
    refused(path, DMX_ERROR_FORMAT, "holds no audio samples");
    assert_int_equal(truncate(path, 30), 0);
    refused(path, DMX_OK, "");
}

/* Every prefix and every damaged copy is either read or refused; nothing worse
 * happens. */
static void survive(const char *path, dmx_audio_format format)
{
    const dmx_audio_reader_options o = with_hooks();
    write_tone(path, format);
    size_t size;
    unsigned char *bytes = test_bytes(path, &size);
    uint64_t seed = 1 + (uint64_t)format;
    for (int i = 0; i < 60; i++) {
        dmx_error err = DMX_ERROR_INIT;
        unsigned char *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        const size_t head = i % 3 == 0 ? 200 : size;
        for (int k = 0; k < 1 + i % 7; k++)
            copy[test_random(&seed) % (head < size ? head : size)] =
                (unsigned char)test_random(&seed);
        const size_t keep = i % 2 == 0 ? size : test_random(&seed) % size;
        test_write_bytes(path, copy, keep);
        free(copy);
        test_sound out;
        const dmx_status status = test_sound_read(&out, path, &o, 4096, &err);
        if (status != DMX_OK)
            assert_true(err.message[0] != '\0');
        test_sound_free(&out);
    }
    free(bytes);
}

static void test_damage(void **state)
{
    (void)state;
    survive(test_path("damage.wav"), DMX_AUDIO_WAV);
    survive(test_path("damage.flac"), DMX_AUDIO_FLAC);
    survive(test_path("damage.mp3"), DMX_AUDIO_MP3);
    survive(test_path("damage.ogg"), DMX_AUDIO_OGG);
    survive(test_path("damage.opus"), DMX_AUDIO_OPUS);
    survive(test_path("damage.m4a"), DMX_AUDIO_M4A);
}

/* A damaged frame in the middle costs its own time and a warning. */
static void test_damaged_frame(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_audio_reader_options o = with_hooks();
    const char *path = test_path("middle.flac");
    write_tone(path, DMX_AUDIO_FLAC);
    size_t size;
    unsigned char *bytes = test_bytes(path, &size);
    for (size_t i = 0; i < 40; i++)
        bytes[size / 2 + i] ^= 0x55;
    test_write_bytes(path, bytes, size);
    free(bytes);
    test_sound out;
    assert_ok(test_sound_read(&out, path, &o, 4096, &err), &err);
    assert_int_equal(out.frames, 48000);
    assert_int_equal(warnings, 1);
    test_sound_free(&out);
}

/* Where no frame can be decoded, such as FLAC frames that exceed the decoder's
 * limits, the message says so instead of claiming that there is no sound. */
static void test_undecodable(void **state)
{
    (void)state;
    static const struct {
        dmx_audio_format format;
        const char *name, *start, *end; /* of what is damaged */
    } kind[] = {{DMX_AUDIO_FLAC, "dead.flac", "\xff\xf8", "none"},
                {DMX_AUDIO_M4A, "dead.m4a", "mdat", "moov"}};
    for (size_t k = 0; k < sizeof kind / sizeof kind[0]; k++) {
        const char *path = test_path(kind[k].name);
        write_tone(path, kind[k].format);
        size_t size;
        unsigned char *bytes = test_bytes(path, &size);
        unsigned char *p =
            memmem(bytes, size, kind[k].start, strlen(kind[k].start));
        const unsigned char *end = memmem(bytes, size, kind[k].end, 4);
        assert_non_null(p);
        end = end != NULL && end > p ? end - 4 : bytes + size;
        for (p += 4; p < end; p++)
            *p ^= 0x55;
        test_write_bytes(path, bytes, size);
        free(bytes);
        refused(path, DMX_ERROR_FORMAT, "can be decoded");
    }
}

static void test_nonfinite(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.sample = DMX_AUDIO_F32;
    test_sound in = test_sound_make(44100, 2, 3000), out;
    in.plane[0][0] = NAN;
    in.plane[1][7] = INFINITY;
    in.plane[1][2999] = -INFINITY;
    test_sound_write(&in, test_path("nan.wav"), o);
    assert_ok(test_sound_read(&out, test_path("nan.wav"), NULL, 100, &err),
              &err);
    assert_int_equal(out.nonfinite, 3);
    assert_true(out.plane[0][0] == 0 && out.plane[1][2999] == 0);
    assert_true(out.plane[0][1] == in.plane[0][1]);
    test_sound_free(&in);
    test_sound_free(&out);
}

static void test_limit(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_reader_options o = DMX_AUDIO_READER_OPTIONS_INIT;
    o.max_seconds = 0.5;
    test_sound out;
    write_tone(test_path("long.flac"), DMX_AUDIO_FLAC);
    assert_int_equal(
        test_sound_read(&out, test_path("long.flac"), &o, 4096, &err),
        DMX_ERROR_LIMIT);
    test_sound_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_rewind),
        cmocka_unit_test(test_demo_song),
        cmocka_unit_test(test_no_sound),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_picture),
        cmocka_unit_test(test_films),
        cmocka_unit_test(test_truncated_wav),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_damaged_frame),
        cmocka_unit_test(test_undecodable),
        cmocka_unit_test(test_nonfinite),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
