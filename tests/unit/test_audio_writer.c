/* Rounding, dither, exact integers, RF64, tags, failures of the writer. */
#include "test_audio.h"
#include "audio/quantise.h"
#include "audio/wav.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_rounding(void **state)
{
    (void)state;
    const float in[] = {0,
                        1,
                        -1,
                        0.5f / 32768,
                        1.5f / 32768,
                        -0.5f / 32768,
                        2.0f,
                        -3.0f,
                        32767.0f / 32768,
                        NAN,
                        INFINITY,
                        -INFINITY};
    const int32_t want[] = {0,     32767,  -32768, 0, 2,     0,
                            32767, -32768, 32767,  0, 32767, -32768};
    int32_t out[12];
    assert_int_equal(dmx_quantise(out, in, 12, 16, NULL), 5);
    assert_memory_equal(out, want, sizeof want);
}

static void test_dither(void **state)
{
    (void)state;
    enum { N = 20000 };
    float *in = malloc(N * sizeof *in);
    int32_t *whole = malloc(N * sizeof *whole),
            *parts = malloc(N * sizeof(int));
    for (int i = 0; i < N; i++)
        in[i] = 0.3f / 32768;
    dmx_dither d = {42};
    dmx_quantise(whole, in, N, 16, &d);
    double mean = 0, power = 0;
    for (int i = 0; i < N; i++) {
        mean += whole[i] - 0.3;
        power += (whole[i] - 0.3) * (whole[i] - 0.3);
        assert_true(whole[i] >= -1 && whole[i] <= 2);
    }
    /* TPDF: no bias, and a noise of 1/4 LSB^2 whatever the signal. */
    assert_true(fabs(mean / N) < 0.02);
    assert_true(fabs(power / N - 0.25) < 0.02);
    d.state = 42; /* the same in pieces */
    for (int at = 0, n; at < N; at += n) {
        n = at % 97 + 1 < N - at ? at % 97 + 1 : N - at;
        dmx_quantise(parts + at, in + at, (size_t)n, 16, &d);
    }
    assert_memory_equal(whole, parts, N * sizeof *whole);
    free(in);
    free(whole);
    free(parts);
}

static dmx_audio_writer_options options(dmx_audio_format format,
                                        dmx_audio_sample sample)
{
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.format = format;
    o.sample = sample;
    return o;
}

static void check_integers(dmx_audio_format format, dmx_audio_sample sample,
                           int bits)
{
    enum { N = 10007 };
    dmx_error err = DMX_ERROR_INIT;
    const dmx_audio_writer_options o = options(format, sample);
    int32_t *plane[2];
    uint64_t seed = 9;
    for (int c = 0; c < 2; c++) {
        plane[c] = malloc(N * sizeof(int32_t));
        for (int i = 0; i < N; i++)
            plane[c][i] = (int32_t)(uint32_t)test_random(&seed) >> (32 - bits);
    }
    dmx_audio_writer *w;
    assert_ok(dmx_audio_writer_open(&w, test_path("int"), &o, &err), &err);
    assert_ok(
        dmx_audio_writer_write_int(w, (const int32_t *const *)plane, N, &err),
        &err);
    assert_ok(dmx_audio_writer_commit(w, &err), &err);
    dmx_audio_writer_close(w);
    test_sound out;
    assert_ok(test_sound_read(&out, test_path("int"), NULL, 1000, &err), &err);
    assert_int_equal(out.info.bits, bits);
    for (int c = 0; c < 2; c++) {
        for (int i = 0; i < N; i++)
            assert_true(out.plane[c][i] * ldexpf(1, bits - 1) ==
                        (float)plane[c][i]);
        free(plane[c]);
    }
    test_sound_free(&out);
}

static void test_exact_integers(void **state)
{
    (void)state;
    check_integers(DMX_AUDIO_WAV, DMX_AUDIO_S16, 16);
    check_integers(DMX_AUDIO_WAV, DMX_AUDIO_S24, 24);
    check_integers(DMX_AUDIO_FLAC, DMX_AUDIO_S16, 16);
    check_integers(DMX_AUDIO_FLAC, DMX_AUDIO_S24, 24);
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer_options o = options(DMX_AUDIO_MP3, DMX_AUDIO_S16);
    dmx_audio_writer *w;
    const int32_t zero[1] = {0};
    const int32_t *planes[2] = {zero, zero};
    assert_ok(dmx_audio_writer_open(&w, test_path("x.mp3"), &o, &err), &err);
    assert_int_equal(dmx_audio_writer_write_int(w, planes, 1, &err),
                     DMX_ERROR_ARGUMENT);
    dmx_audio_writer_close(w);
}

static void test_plain_header(void **state)
{
    (void)state;
    dmx_audio_writer_options o = options(DMX_AUDIO_WAV, DMX_AUDIO_S16);
    test_sound in = test_sound_make(44100, 2, 100);
    o.frames = 100;
    test_sound_write(&in, test_path("plain.wav"), o);
    size_t size;
    unsigned char *bytes = test_bytes(test_path("plain.wav"), &size);
    static const unsigned char head[44] = {
        'R', 'I', 'F',  'F',  0xB4, 1,   0,    0,    'W', 'A', 'V',
        'E', 'f', 'm',  't',  ' ',  16,  0,    0,    0,   1,   0,
        2,   0,   0x44, 0xAC, 0,    0,   0x10, 0xB1, 2,   0,   4,
        0,   16,  0,    'd',  'a',  't', 'a',  0x90, 1,   0,   0};
    assert_int_equal(size, 444);
    assert_memory_equal(bytes, head, 44);
    free(bytes);
    test_sound_free(&in);
}

static uint64_t le(const unsigned char *p, int n)
{
    uint64_t v = 0;
    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

static void test_rf64_header(void **state)
{
    (void)state;
    unsigned char a[DMX_WAV_HEADER_MAX], b[DMX_WAV_HEADER_MAX];
    const dmx_wav_spec spec = {DMX_AUDIO_S24, 48000, 2, true};
    const uint64_t data = 6ull * 1000000000; /* 6 GB */
    const size_t n = dmx_wav_header(a, &spec, data, 10);
    assert_memory_equal(a, "RF64\xFF\xFF\xFF\xFFWAVEds64", 16);
    assert_int_equal(le(a + 20, 8), n - 8 + data + 10); /* RIFF size */
    assert_int_equal(le(a + 28, 8), data);
    assert_int_equal(le(a + 36, 8), 1000000000);
    assert_int_equal(le(a + n - 4, 4), UINT32_MAX);
    assert_int_equal(dmx_wav_header(b, &spec, 6, 0), n);
    assert_memory_equal(b, "RIFF", 4);
    assert_memory_equal(b + 12, "JUNK", 4);
    /* The largest plain file, and one byte more. */
    const uint64_t most = UINT32_MAX - 1 - (n - 8);
    assert_true(dmx_wav_fits(&spec, most & ~1ull, 0));
    assert_false(dmx_wav_fits(&spec, (most & ~1ull) + 2, 0));
}

/* A file of more than 4 GiB, of which only the header really exists. */
static void test_rf64_is_read(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_wav_spec spec = {DMX_AUDIO_F32, 44100, 2, true};
    const int64_t frames = 700000000; /* 5.6 GB */
    unsigned char head[DMX_WAV_HEADER_MAX];
    const size_t n = dmx_wav_header(head, &spec, (uint64_t)frames * 8, 0);
    const char *path = test_path("huge.wav");
    test_write_bytes(path, head, n);
    assert_int_equal(truncate(path, (off_t)n + frames * 8), 0);
    dmx_audio_reader *r;
    assert_ok(dmx_audio_reader_open(&r, path, NULL, &err), &err);
    assert_int_equal(dmx_audio_reader_info(r)->frames, frames);
    assert_true(dmx_audio_reader_info(r)->exact);
    assert_int_equal(dmx_audio_reader_info(r)->rate, 44100);
    dmx_audio_reader_close(r);
    unlink(path);
}

static void test_tags(void **state)
{
    (void)state;
    static const dmx_audio_format formats[] = {DMX_AUDIO_WAV,  DMX_AUDIO_FLAC,
                                               DMX_AUDIO_MP3,  DMX_AUDIO_OGG,
                                               DMX_AUDIO_OPUS, DMX_AUDIO_M4A};
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_tags tags = {0};
    /* A JPEG of 3 x 2 pixels as far as its header goes. */
    unsigned char jpeg[3001] = {0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, 0, 2, 0, 3};
    uint64_t seed = 3;
    for (size_t i = 21; i < sizeof jpeg; i++)
        jpeg[i] = (unsigned char)(test_random(&seed) & 0x7F);
    assert_ok(dmx_audio_tags_set(&tags, "TITLE", "Größe ★", &err), &err);
    assert_ok(dmx_audio_tags_set(&tags, "artist", "Somebody", &err), &err);
    assert_ok(dmx_audio_tags_set(&tags, "track", "3", &err), &err);
    assert_ok(dmx_audio_tags_set_cover(&tags, jpeg, sizeof jpeg, &err), &err);
    assert_int_equal(tags.cover_width, 3);
    assert_int_equal(tags.cover_height, 2);
    for (size_t f = 0; f < 6; f++) {
        dmx_audio_writer_options o = options(formats[f], DMX_AUDIO_S16);
        o.tags = &tags;
        test_sound in = test_sound_make(48000, 2, 9001), out;
        test_sound_write(&in, test_path("tags"), o);
        dmx_audio_reader *r;
        assert_ok(dmx_audio_reader_open(&r, test_path("tags"), NULL, &err),
                  &err);
        const dmx_audio_tags *t = dmx_audio_reader_tags(r);
        assert_string_equal(dmx_audio_tags_get(t, "title"), "Größe ★");
        assert_string_equal(dmx_audio_tags_get(t, "Artist"), "Somebody");
        assert_string_equal(dmx_audio_tags_get(t, "track"), "3");
        assert_null(dmx_audio_tags_get(t, "encoder"));
        if (formats[f] != DMX_AUDIO_WAV) {
            assert_int_equal(t->cover_size, sizeof jpeg);
            assert_memory_equal(t->cover, jpeg, sizeof jpeg);
        }
        dmx_audio_reader_close(r);
        assert_ok(test_sound_read(&out, test_path("tags"), NULL, 500, &err),
                  &err);
        assert_int_equal(out.frames, in.frames);
        test_sound_free(&in);
        test_sound_free(&out);
    }
    dmx_audio_tags_free(&tags);
}

static void test_tag_list(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_tags tags = {0}, copy;
    char key[16];
    for (int i = 0; i < DMX_AUDIO_MAX_TAGS; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_ok(dmx_audio_tags_set(&tags, key, "v", &err), &err);
    }
    assert_int_equal(dmx_audio_tags_set(&tags, "more", "v", &err),
                     DMX_ERROR_LIMIT);
    assert_ok(dmx_audio_tags_set(&tags, "K7", NULL, NULL), NULL);
    assert_null(dmx_audio_tags_get(&tags, "k7"));
    assert_ok(dmx_audio_tags_set(&tags, "k8", "other", NULL), NULL);
    assert_ok(dmx_audio_tags_copy(&copy, &tags, NULL), NULL);
    assert_int_equal(copy.count, DMX_AUDIO_MAX_TAGS - 1);
    assert_string_equal(dmx_audio_tags_get(&copy, "K8"), "other");
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_audio_tags_set_cover(
                         &copy, (const unsigned char *)"GIF89a..", 8, &err),
                     DMX_ERROR_UNSUPPORTED);
    dmx_audio_tags_free(&copy);
    dmx_audio_tags_free(&tags);
}

static void test_abandoned(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    for (int f = DMX_AUDIO_WAV; f <= DMX_AUDIO_M4A; f++) {
        const dmx_audio_writer_options o =
            options((dmx_audio_format)f, DMX_AUDIO_S16);
        test_sound in = test_sound_make(44100, 2, 5000);
        dmx_audio_writer_options p = o;
        p.rate = dmx_audio_format_rate(o.format, 44100);
        dmx_audio_writer *w;
        assert_ok(dmx_audio_writer_open(&w, test_path("gone"), &p, &err), &err);
        assert_ok(dmx_audio_writer_write(w, (const float *const *)in.plane,
                                         5000, &err),
                  &err);
        assert_int_equal(test_count_files("gone"), 1); /* .dmx-part */
        dmx_audio_writer_close(w);
        assert_int_equal(test_count_files("gone"), 0);
        test_sound_free(&in);
    }
    dmx_audio_writer_close(NULL);
}

/* A file-size limit simulates a full disk: no file, one line. */
static void test_disk_full(void **state)
{
    (void)state;
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 20000;
    signal(SIGXFSZ, SIG_IGN);
    test_sound in = test_sound_make(48000, 2, 480000);
    for (int f = DMX_AUDIO_WAV; f <= DMX_AUDIO_M4A; f++) {
        dmx_error err = DMX_ERROR_INIT;
        dmx_audio_writer_options o =
            options((dmx_audio_format)f, DMX_AUDIO_S16);
        o.rate = 48000;
        setrlimit(RLIMIT_FSIZE, &small);
        dmx_audio_writer *w;
        dmx_status status =
            dmx_audio_writer_open(&w, test_path("full"), &o, &err);
        if (status == DMX_OK)
            status = dmx_audio_writer_write(w, (const float *const *)in.plane,
                                            480000, &err);
        if (status == DMX_OK)
            status = dmx_audio_writer_commit(w, &err);
        else if (w != NULL)
            assert_int_not_equal(dmx_audio_writer_commit(w, NULL), DMX_OK);
        dmx_audio_writer_close(w);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_int_equal(status, DMX_ERROR_IO);
        assert_non_null(strstr(err.message, strerror(EFBIG)));
        assert_int_equal(test_count_files("full"), 0);
    }
    test_sound_free(&in);
}

static void test_full_stream(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer_options o = options(DMX_AUDIO_WAV, DMX_AUDIO_F32);
    o.stream = fopen("/dev/full", "wb");
    if (o.stream == NULL)
        skip();
    test_sound in = test_sound_make(44100, 2, 50000);
    dmx_audio_writer *w;
    assert_ok(dmx_audio_writer_open(&w, "standard output", &o, &err), &err);
    assert_int_equal(
        dmx_audio_writer_write(w, (const float *const *)in.plane, 50000, &err),
        DMX_ERROR_IO);
    assert_string_equal(err.message,
                        "standard output: write failed: No space left on "
                        "device; the disk is full");
    dmx_audio_writer_close(w);
    fclose(o.stream);
    test_sound_free(&in);
}

/* To a pipe: nothing may need seeking; lengths are right where known. */
static void check_stream(dmx_audio_format format, int64_t announced)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer_options o = options(format, DMX_AUDIO_S16);
    test_sound in = test_sound_make(48000, 2, 30001), out;
    o.rate = 48000;
    o.frames = announced;
    o.stream = fopen(test_path("stream"), "wb");
    assert_non_null(o.stream);
    dmx_audio_writer *w;
    assert_ok(dmx_audio_writer_open(&w, "standard output", &o, &err), &err);
    assert_ok(
        dmx_audio_writer_write(w, (const float *const *)in.plane, 30001, &err),
        &err);
    assert_ok(dmx_audio_writer_commit(w, &err), &err);
    dmx_audio_writer_close(w);
    fclose(o.stream);
    assert_ok(test_sound_read(&out, test_path("stream"), NULL, 1000, &err),
              &err);
    if (format == DMX_AUDIO_MP3) /* its head, written first, has the padding */
        assert_true(out.frames >= 30001 && out.frames < 30001 + 3 * 1152);
    else
        assert_int_equal(out.frames, 30001);
    test_sound_free(&in);
    test_sound_free(&out);
}

static void test_streams(void **state)
{
    (void)state;
    check_stream(DMX_AUDIO_WAV, 30001);
    check_stream(DMX_AUDIO_WAV, -1);
    check_stream(DMX_AUDIO_FLAC, -1);
    check_stream(DMX_AUDIO_MP3, -1);
    check_stream(DMX_AUDIO_OGG, -1);
    check_stream(DMX_AUDIO_OPUS, -1);
}

static void refused(dmx_audio_writer_options o, const char *part)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer *w;
    assert_int_equal(dmx_audio_writer_open(&w, test_path("no"), &o, &err),
                     DMX_ERROR_ARGUMENT);
    assert_null(w);
    if (strstr(err.message, part) == NULL)
        fail_msg("'%s' lacks '%s'", err.message, part);
    assert_int_equal(test_count_files("no."), 0);
}

static void test_refusals(void **state)
{
    (void)state;
    dmx_audio_writer_options o = options(DMX_AUDIO_MP3, DMX_AUDIO_S16);
    o.channels = 3;
    refused(o, "mp3 takes 1 to 2");
    o.channels = 2;
    o.rate = 96000;
    refused(o, "48000 Hz would do");
    refused(options(DMX_AUDIO_FLAC, DMX_AUDIO_F32), "no 32-bit float");
    o = options(DMX_AUDIO_M4A, DMX_AUDIO_S16);
    o.stream = stdout;
    refused(o, "pipe");
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer *w;
    o = options(DMX_AUDIO_WAV, DMX_AUDIO_S16);
    assert_int_equal(
        dmx_audio_writer_open(&w, test_path("missing/x.wav"), &o, &err),
        DMX_ERROR_IO);
}

static void test_reproducible(void **state)
{
    (void)state;
    for (int f = DMX_AUDIO_WAV; f <= DMX_AUDIO_M4A; f++) {
        dmx_audio_writer_options o =
            options((dmx_audio_format)f, DMX_AUDIO_S16);
        o.dither = 1;
        o.dither_seed = 7;
        test_sound in = test_sound_make(48000, 2, 30001);
        test_sound_write(&in, test_path("one"), o);
        test_sound_write(&in, test_path("two"), o);
        size_t n, m;
        unsigned char *a = test_bytes(test_path("one"), &n);
        unsigned char *b = test_bytes(test_path("two"), &m);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n);
        free(a);
        free(b);
        test_sound_free(&in);
    }
}

/* Samples far beyond full scale abort LAME and hang the AAC encoder of the
 * FFmpeg libraries; both get full scale, and NaN is refused. */
static void test_lossy_limits(void **state)
{
    (void)state;
    static const float peaks[] = {8, 1e10f, 3e38f, INFINITY};
    for (int f = DMX_AUDIO_MP3; f <= DMX_AUDIO_M4A; f++)
        for (size_t k = 0; k < sizeof peaks / sizeof peaks[0]; k++) {
            dmx_error err = DMX_ERROR_INIT;
            dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
            dmx_audio_writer *w;
            o.format = (dmx_audio_format)f;
            o.rate = 48000;
            test_sound in = test_sound_make(48000, 2, 20000), out;
            for (int t = 0; t < 20000; t += 3)
                in.plane[0][t] = t & 1 ? peaks[k] : -peaks[k];
            const char *path = test_path("limit");
            assert_ok(dmx_audio_writer_open(&w, path, &o, &err), &err);
            assert_ok(dmx_audio_writer_write(w, (const float *const *)in.plane,
                                             20000, &err),
                      &err);
            assert_int_equal(dmx_audio_writer_clipped(w), 6667);
            assert_ok(dmx_audio_writer_commit(w, &err), &err);
            dmx_audio_writer_close(w);
            assert_ok(test_sound_read(&out, path, NULL, 999, &err), &err);
            assert_true(out.frames >= 20000 && out.nonfinite == 0);
            test_sound_free(&out);
            in.plane[1][19999] = NAN;
            assert_ok(dmx_audio_writer_open(&w, test_path("nan"), &o, &err),
                      &err);
            assert_int_equal(
                dmx_audio_writer_write(w, (const float *const *)in.plane, 20000,
                                       &err),
                DMX_ERROR_ARGUMENT);
            dmx_audio_writer_close(w);
            assert_int_equal(access(test_path("nan"), F_OK), -1);
            test_sound_free(&in);
        }
}

static dmx_status try_bitrate(dmx_audio_format format, int rate, int kbps,
                              dmx_error *err)
{
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    dmx_audio_writer *w;
    *err = (dmx_error)DMX_ERROR_INIT;
    o.format = format;
    o.rate = rate;
    o.bitrate = kbps;
    const dmx_status status =
        dmx_audio_writer_open(&w, test_path("kbps"), &o, err);
    dmx_audio_writer_close(w);
    return status;
}

/* A rate that the format lacks is not changed silently. */
static void test_bitrates(void **state)
{
    (void)state;
    static const struct {
        dmx_audio_format format;
        int rate, kbps;
        bool fine;
    } cases[] = {
        {DMX_AUDIO_MP3, 44100, 320, true},  {DMX_AUDIO_MP3, 44100, 100, false},
        {DMX_AUDIO_MP3, 44100, 8, false},   {DMX_AUDIO_MP3, 22050, 160, true},
        {DMX_AUDIO_MP3, 22050, 192, false}, {DMX_AUDIO_MP3, 8000, 64, true},
        {DMX_AUDIO_MP3, 8000, 80, false},   {DMX_AUDIO_M4A, 44100, 512, true},
        {DMX_AUDIO_M4A, 8000, 512, false},  {DMX_AUDIO_OPUS, 48000, 512, true},
    };
    dmx_error err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (try_bitrate(cases[i].format, cases[i].rate, cases[i].kbps, &err) !=
            (cases[i].fine ? DMX_OK : DMX_ERROR_ARGUMENT))
            fail_msg("case %zu: %s", i, err.message);
    assert_int_equal(try_bitrate(DMX_AUDIO_MP3, 44100, 100, &err),
                     DMX_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "96, 112"));
}

/* FLAC's header has rates in steps of one to 65534 Hz, of ten above. */
static void test_flac_rates(void **state)
{
    (void)state;
    static const int rates[] = {1000,  44101,  65534,  65535,
                                88201, 192000, 655350, 1536000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const int rate = dmx_audio_format_rate(DMX_AUDIO_FLAC, rates[i]);
        assert_true(rate >= rates[i] || rate == 655340);
        assert_true(rate - rates[i] < 10);
        dmx_error err = DMX_ERROR_INIT;
        dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
        o.format = DMX_AUDIO_FLAC;
        test_sound in = test_sound_make(rate, 1, 3000), out;
        test_sound_write(&in, test_path("rate.flac"), o);
        assert_ok(test_sound_read(&out, test_path("rate.flac"), NULL, 99, &err),
                  &err);
        assert_int_equal(out.rate, rate);
        test_sound_free(&in);
        test_sound_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_dither),
        cmocka_unit_test(test_exact_integers),
        cmocka_unit_test(test_plain_header),
        cmocka_unit_test(test_rf64_header),
        cmocka_unit_test(test_rf64_is_read),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_tag_list),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_full_stream),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_reproducible),
        cmocka_unit_test(test_lossy_limits),
        cmocka_unit_test(test_bitrates),
        cmocka_unit_test(test_flac_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
