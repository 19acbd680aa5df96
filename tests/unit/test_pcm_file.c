/* Headers of plain samples: every width of the container and number of valid
 * bits in every kind of file, sizes that are missing or wrong, chunks around;
 * against the samples that were put in, and against libsndfile. */
#include "test_audio.h"

#include "audio/pcm_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef DMX_HAVE_SNDFILE
#include <sndfile.h>
#endif

#define FRAMES   101
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

typedef struct bytes {
    unsigned char p[65536];
    size_t n;
    bool big_endian;
} bytes;

static void put(bytes *b, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        b->p[b->n++] =
            (unsigned char)(value >> 8 * (b->big_endian ? size - 1 - i : i));
}

static void put_text(bytes *b, const char *text)
{
    memcpy(b->p + b->n, text, strlen(text));
    b->n += strlen(text);
}

static void set(bytes *b, size_t at, uint64_t value, int size)
{
    const size_t n = b->n;
    b->n = at;
    put(b, value, size);
    b->n = n;
}

/* ------------------------------------------------------------------ spec */

typedef enum kind { RIFF, RIFX, RF64, BW64, W64, AIFF, AIFC, CAF, AU } kind;
typedef enum size_mode { RIGHT, ZERO, ONES, LONG, SIGNED } size_mode;

typedef struct spec {
    kind kind;
    int channels, width, valid;        /* bytes, bits */
    bool is_float, extensible, little; /* little: AIFC, CAF, AU */
    size_mode size;
    bool before, after, second; /* JUNK, LIST, another data chunk */
} spec;

/* The sample as stored, `valid` bits on the left; *x what it means. */
static uint64_t sample(const spec *s, int frame, int channel, float *x)
{
    const double wave = 0.9 * sin(0.1 * frame * (channel + 1));
    if (s->is_float && s->width == 4) {
        uint32_t bits;
        *x = (float)wave;
        memcpy(&bits, x, sizeof bits);
        return bits;
    }
    if (s->is_float) {
        uint64_t bits;
        memcpy(&bits, &wave, sizeof bits);
        *x = (float)wave;
        return bits;
    }
    const double steps = rint(ldexp(wave, s->valid - 1));
    *x = (float)ldexp(steps, 1 - s->valid);
    const int64_t value =
        (int64_t)steps * ((int64_t)1 << (8 * s->width - s->valid));
    const bool is_unsigned = s->width == 1 && s->kind <= W64;
    return (uint64_t)(is_unsigned ? value + 128 : value);
}

static void put_samples(bytes *b, const spec *s)
{
    float x;
    for (int t = 0; t < FRAMES; t++)
        for (int c = 0; c < s->channels; c++)
            put(b, sample(s, t, c, &x), s->width);
}

static uint64_t stated(const spec *s, uint64_t right)
{
    return s->size == ZERO ? 0
           : s->size == ONES
               ? (s->kind >= RF64 && s->kind <= W64 ? UINT64_MAX : UINT32_MAX)
           : s->size == LONG   ? right + 1000
           : s->size == SIGNED ? 0x7FFFFFFF - 36
                               : right;
}

/* ------------------------------------------------------------------ WAVE */

static void put_guid_id(bytes *b, const char *id)
{
    static const unsigned char rest[] = {0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1,
                                         0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A};
    static const unsigned char riff[] = {0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6,
                                         0x28, 0xDB, 0x04, 0xC1, 0x00, 0x00};
    put_text(b, id);
    memcpy(b->p + b->n, strcmp(id, "riff") == 0 ? riff : rest, 12);
    b->n += 12;
}

/* Returns where the content starts. */
static size_t open_chunk(bytes *b, const spec *s, const char *id)
{
    if (s->kind == W64)
        put_guid_id(b, id);
    else
        put_text(b, id);
    put(b, 0, s->kind == W64 ? 8 : 4);
    return b->n;
}

static void close_chunk(bytes *b, const spec *s, size_t start)
{
    const uint64_t size = b->n - start;
    const size_t step = s->kind == W64 ? 8 : 2;
    if (s->kind == W64)
        set(b, start - 8, size + 24, 8);
    else
        set(b, start - 4, size, 4);
    while (b->n % step != 0)
        b->p[b->n++] = 0;
}

static void put_format(bytes *b, const spec *s)
{
    const int tag = s->is_float ? 3 : 1;
    const size_t start = open_chunk(b, s, "fmt ");
    const bool wide = s->extensible;
    put(b, wide ? 0xFFFE : (uint64_t)tag, 2);
    put(b, (uint64_t)s->channels, 2);
    put(b, 44100, 4);
    put(b, (uint64_t)(44100 * s->channels * s->width), 4);
    put(b, (uint64_t)(s->channels * s->width), 2);
    put(b, (uint64_t)(wide ? 8 * s->width : s->valid), 2);
    if (wide) {
        put(b, 22, 2);
        put(b, (uint64_t)s->valid, 2);
        put(b, s->channels == 6 ? 0x3F : s->channels == 2 ? 3 : 4, 4);
        put(b, (uint64_t)tag, 4);
        put(b, 0, 2);
        put(b, 0x10, 2);
        memcpy(b->p + b->n, "\x80\0\0\xAA\0\x38\x9B\x71", 8);
        b->n += 8;
    }
    close_chunk(b, s, start);
}

static void put_other(bytes *b, const spec *s, const char *id)
{
    const size_t start = open_chunk(b, s, id);
    put_text(b, "INFOINAM");
    put(b, 5, 4);
    put_text(b, "noise");
    close_chunk(b, s, start);
}

static void put_data(bytes *b, const spec *s)
{
    const size_t start = open_chunk(b, s, "data");
    put_samples(b, s);
    const uint64_t size = b->n - start;
    close_chunk(b, s, start);
    if (s->kind == W64)
        set(b, start - 8, s->size == RIGHT ? size + 24 : stated(s, size + 24),
            8);
    else if (s->kind == RF64 || s->kind == BW64)
        set(b, start - 4, UINT32_MAX, 4);
    else
        set(b, start - 4, stated(s, size), 4);
}

static void make_wave(bytes *b, const spec *s)
{
    static const char *const id[] = {"RIFF", "RIFX", "RF64", "BW64"};
    b->big_endian = s->kind == RIFX;
    if (s->kind == W64) {
        put_guid_id(b, "riff");
        put(b, 0, 8);
        put_guid_id(b, "wave");
    } else {
        put_text(b, id[s->kind]);
        put(b, UINT32_MAX, 4);
        put_text(b, "WAVE");
    }
    const uint64_t data = (uint64_t)(FRAMES * s->channels * s->width);
    if (s->kind == RF64 || s->kind == BW64) {
        const size_t start = open_chunk(b, s, "ds64");
        put(b, 0, 8);
        put(b, stated(s, data), 8);
        put(b, FRAMES, 8);
        put(b, 0, 4);
        close_chunk(b, s, start);
    }
    if (s->before)
        put_other(b, s, s->kind == W64 ? "junk" : "JUNK");
    put_format(b, s);
    put_data(b, s);
    if (s->second)
        put_data(b, s);
    if (s->after)
        put_other(b, s, s->kind == W64 ? "list" : "LIST");
    if (s->kind == W64)
        set(b, 16, b->n, 8);
    else if (s->kind <= RIFX)
        set(b, 4, b->n - 8, 4);
}

/* ---------------------------------------------------------------- others */

static void put_rate80(bytes *b)
{
    put(b, 16383 + 15, 2);
    put(b, (uint64_t)44100 << 48, 8);
}

static const char *aifc_type(const spec *s)
{
    if (s->is_float)
        return s->width == 4 ? "fl32" : "fl64";
    return s->little ? "sowt" : "NONE";
}

static void make_aiff(bytes *b, const spec *s)
{
    b->big_endian = true;
    put_text(b, "FORM");
    put(b, 0, 4);
    put_text(b, s->kind == AIFC ? "AIFC" : "AIFF");
    size_t start = open_chunk(b, s, "COMM");
    put(b, (uint64_t)s->channels, 2);
    put(b, s->size == ZERO ? 0 : FRAMES, 4);
    put(b, (uint64_t)s->valid, 2);
    put_rate80(b);
    if (s->kind == AIFC) {
        put_text(b, aifc_type(s));
        put(b, 0, 2); /* an empty name */
    }
    close_chunk(b, s, start);
    start = open_chunk(b, s, "SSND");
    put(b, 0, 8);
    b->big_endian = !s->little;
    put_samples(b, s);
    b->big_endian = true;
    const uint64_t size = b->n - start;
    close_chunk(b, s, start);
    set(b, start - 4, stated(s, size), 4);
    if (s->after)
        put_other(b, s, "NAME");
    set(b, 4, b->n - 8, 4);
}

static void make_caf(bytes *b, const spec *s)
{
    b->big_endian = true;
    put_text(b, "caff");
    put(b, 0x00010000, 4);
    put_text(b, "desc");
    put(b, 32, 8);
    double rate = 44100;
    uint64_t bits;
    memcpy(&bits, &rate, sizeof bits);
    put(b, bits, 8);
    put_text(b, "lpcm");
    put(b, (s->is_float ? 1u : 0u) | (s->little ? 2u : 0u), 4);
    put(b, (uint64_t)(s->channels * s->width), 4);
    put(b, 1, 4);
    put(b, (uint64_t)s->channels, 4);
    put(b, (uint64_t)s->valid, 4);
    if (s->before) {
        put_text(b, "free");
        put(b, 7, 8);
        put(b, 0, 7);
    }
    put_text(b, "data");
    put(b,
        s->size == ONES ? UINT64_MAX
                        : (uint64_t)(4 + FRAMES * s->channels * s->width),
        8);
    put(b, 0, 4);
    b->big_endian = !s->little;
    put_samples(b, s);
}

static void make_au(bytes *b, const spec *s)
{
    b->big_endian = !s->little;
    put_text(b, s->little ? "dns." : ".snd");
    put(b, s->before ? 40 : 24, 4);
    put(b, stated(s, (uint64_t)(FRAMES * s->channels * s->width)), 4);
    put(b, (uint64_t)(s->is_float ? (s->width == 4 ? 6 : 7) : s->width + 1), 4);
    put(b, 44100, 4);
    put(b, (uint64_t)s->channels, 4);
    put(b, 0, s->before ? 8 : 0);
    put(b, 0, s->before ? 8 : 0);
    put_samples(b, s);
}

static const char *describe(const spec *s)
{
    static const char *const name[] = {"RIFF", "RIFX", "RF64", "BW64", "W64",
                                       "AIFF", "AIFC", "CAF",  "AU"};
    static char text[160];
    snprintf(text, sizeof text,
             "%s, %d channels, %d valid bits in %d bytes, float %d, extensible "
             "%d, little %d, size mode %d, before %d, after %d, second %d",
             name[s->kind], s->channels, s->valid, s->width, s->is_float,
             s->extensible, s->little, (int)s->size, s->before, s->after,
             s->second);
    return text;
}

static const char *write_file(const spec *s)
{
    bytes b = {.n = 0};
    if (s->kind <= W64)
        make_wave(&b, s);
    else if (s->kind <= AIFC)
        make_aiff(&b, s);
    else if (s->kind == CAF)
        make_caf(&b, s);
    else
        make_au(&b, s);
    const char *path = test_path("table.sound");
    test_write_bytes(path, b.p, b.n);
    return path;
}

/* ---------------------------------------------------------------- checks */

static int warnings;
static char warning[1024];

static void on_warning(void *user, const char *message)
{
    (void)user;
    warnings++;
    snprintf(warning, sizeof warning, "%s", message);
}

static void check_samples(const spec *s, const test_sound *got, int64_t frames)
{
    if (got->channels != s->channels || got->frames < frames ||
        got->rate != 44100)
        fail_msg("%s: %d channels, %lld frames, %d Hz", describe(s),
                 got->channels, (long long)got->frames, got->rate);
    for (int t = 0; t < frames; t++)
        for (int c = 0; c < s->channels; c++) {
            float x;
            sample(s, t, c, &x);
            if (x != got->plane[c][t])
                fail_msg("%s: frame %d is %g, not %g", describe(s), t,
                         (double)got->plane[c][t], (double)x);
        }
}

#ifdef DMX_HAVE_SNDFILE
/* Where libsndfile 1.2 is not a judge: it takes W64's padding for samples and
 * its sub-formats for integers, a size of zero for no samples, and loses
 * samples of an AU file whose size is wrong and whose header has a text. */
static bool sndfile_is_wrong(const spec *s)
{
    return s->kind == W64 || s->size == ZERO ||
           (s->kind == AU && s->before && s->size != RIGHT);
}

/* The other library reads the same samples, if it reads the file. */
static void check_against_sndfile(const spec *s, const char *path,
                                  const test_sound *got)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    if (file == NULL)
        return;
    float *x = calloc((size_t)(got->frames + 2000) * 8, sizeof *x);
    assert_non_null(x);
    const sf_count_t n = sf_readf_float(file, x, got->frames + 2000);
    if (info.channels != got->channels || n != got->frames)
        fail_msg("%s: libsndfile has %lld frames, we %lld", describe(s),
                 (long long)n, (long long)got->frames);
    for (sf_count_t t = 0; t < n; t++)
        for (int c = 0; c < info.channels; c++)
            if (fabs((double)(x[t * info.channels + c] - got->plane[c][t])) >
                1e-7)
                fail_msg("%s: libsndfile's frame %lld is %g, ours %g",
                         describe(s), (long long)t,
                         (double)x[t * info.channels + c],
                         (double)got->plane[c][t]);
    free(x);
    sf_close(file);
}
#endif

static void check(const spec *s)
{
    static const dmx_hooks hooks = {.size = sizeof(dmx_hooks),
                                    .warn = on_warning};
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_reader_options o = DMX_AUDIO_READER_OPTIONS_INIT;
    o.hooks = &hooks;
    warnings = 0;
    test_sound got;
    const char *path = write_file(s);
    if (test_sound_read(&got, path, &o, 64, &err) != DMX_OK)
        fail_msg("%s: %s", describe(s), err.message);
    /* Without a size, chunks that follow can't be told from samples. */
    const bool open_end = s->size != RIGHT && s->size != LONG;
    const bool exact = !(open_end && (s->after || s->second)) &&
                       !(s->size == LONG && (s->after || s->second));
    check_samples(s, &got, FRAMES);
    if (exact && got.frames != FRAMES + (open_end && s->kind <= AIFC &&
                                         got.frames > FRAMES))
        fail_msg("%s: %lld frames", describe(s), (long long)got.frames);
    const bool expect = s->second || (s->size == LONG && s->kind != AIFF &&
                                      s->kind != AIFC && s->kind != CAF);
    if (exact && warnings != (expect ? 1 : 0))
        fail_msg("%s: %d warnings, the last '%s'", describe(s), warnings,
                 warning);
#ifdef DMX_HAVE_SNDFILE
    if (exact && !s->second && !sndfile_is_wrong(s))
        check_against_sndfile(s, path, &got);
#endif
    test_sound_free(&got);
}

/* ----------------------------------------------------------------- tests */

static void test_widths(void **state)
{
    (void)state;
    static const int valid[][2] = {{1, 8},  {2, 16}, {2, 12}, {3, 24}, {3, 20},
                                   {4, 32}, {4, 24}, {4, 20}, {4, 16}};
    for (int k = RIFF; k <= W64; k++)
        for (size_t v = 0; v < COUNT(valid); v++)
            for (int c = 1; c <= 6; c += c == 1 ? 1 : 4) {
                const spec s = {.kind = (kind)k,
                                .channels = c,
                                .width = valid[v][0],
                                .valid = valid[v][1],
                                .extensible = true};
                check(&s);
            }
}

static void test_plain_formats(void **state)
{
    (void)state;
    for (int k = RIFF; k <= AU; k++)
        for (int width = 1; width <= 4; width++)
            for (int little = 0; little <= (k >= AIFC); little++) {
                const spec s = {.kind = (kind)k,
                                .channels = 2,
                                .width = width,
                                .valid = 8 * width,
                                .little = little != 0};
                check(&s);
            }
}

static void test_floats(void **state)
{
    (void)state;
    for (int k = RIFF; k <= AU; k++)
        for (int width = 4; width <= 8; width += 4)
            for (int wide = 0; wide <= (k <= W64); wide++) {
                spec s = {.kind = (kind)k,
                          .channels = 2,
                          .width = width,
                          .valid = 8 * width,
                          .is_float = true,
                          .extensible = wide != 0};
                if (k == AIFF)
                    continue;
                check(&s);
                s.valid = wide ? 24 : 8 * width; /* as some recorders say */
                check(&s);
                s.valid = 8 * width;
                s.little = k >= CAF;
                check(&s);
            }
}

static void test_sizes_and_chunks(void **state)
{
    (void)state;
    for (int k = RIFF; k <= AU; k++)
        for (int mode = RIGHT; mode <= SIGNED; mode++)
            for (int around = 0; around < 8; around++) {
                const spec s = {.kind = (kind)k,
                                .channels = 1,
                                .width = 3, /* odd: a byte of padding */
                                .valid = 24,
                                .size = (size_mode)mode,
                                .before = (around & 1) != 0,
                                .after = (around & 2) != 0,
                                .second = (around & 4) != 0 && k <= W64};
                if ((mode == SIGNED || mode == ZERO) && k >= RF64 && k <= W64)
                    continue;
                if (k == CAF && mode != RIGHT && mode != ONES)
                    continue;
                check(&s);
            }
}

/* A sub-format as the ambisonic B-format's, and one that is not PCM. */
static void test_sub_formats(void **state)
{
    (void)state;
    static const unsigned char ambisonic[] = {
        0x01, 0,    0,    0,    0x21, 0x07, 0xD3, 0x11,
        0x86, 0x44, 0xC8, 0xC1, 0xCA, 0,    0,    0};
    const spec s = {.kind = RIFF,
                    .channels = 2,
                    .width = 4,
                    .valid = 20,
                    .extensible = true};
    dmx_error err = DMX_ERROR_INIT;
    test_sound got;
    size_t size;
    unsigned char *b = test_bytes(write_file(&s), &size);
    memcpy(b + 44, ambisonic, sizeof ambisonic);
    test_write_bytes(test_path("b.wav"), b, size);
    assert_ok(test_sound_read(&got, test_path("b.wav"), NULL, 64, &err), &err);
    check_samples(&s, &got, FRAMES);
    test_sound_free(&got);
    memset(b + 44, 0x5A, sizeof ambisonic);
    test_write_bytes(test_path("c.wav"), b, size);
    assert_int_not_equal(
        test_sound_read(&got, test_path("c.wav"), NULL, 64, &err), DMX_OK);
    test_sound_free(&got);
    free(b);
}

/* Tags before and after do not shift the samples. */
static void test_id3_before(void **state)
{
    (void)state;
    const spec s = {.kind = RIFX, .channels = 2, .width = 2, .valid = 16};
    dmx_error err = DMX_ERROR_INIT;
    test_sound got;
    size_t size;
    unsigned char *b = test_bytes(write_file(&s), &size);
    unsigned char *p = calloc(1, size + 210);
    assert_non_null(p);
    memcpy(p, "ID3\4\0\0\0\0\1\110", 10); /* 200 bytes follow */
    memcpy(p + 210, b, size);
    test_write_bytes(test_path("id3.wav"), p, size + 210);
    assert_ok(test_sound_read(&got, test_path("id3.wav"), NULL, 64, &err),
              &err);
    assert_int_equal(got.frames, FRAMES);
    check_samples(&s, &got, FRAMES);
    test_sound_free(&got);
    free(b);
    free(p);
}

/* An empty chunk of samples before others is empty, at the end it is open. */
static void test_empty(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    test_sound got;
    bytes b = {.n = 0};
    const spec s = {.kind = RIFF, .channels = 1, .width = 2, .valid = 16};
    put_text(&b, "RIFF");
    put(&b, 0, 4);
    put_text(&b, "WAVE");
    put_format(&b, &s);
    put_text(&b, "data");
    put(&b, 0, 4);
    put_other(&b, &s, "LIST");
    test_write_bytes(test_path("none.wav"), b.p, b.n);
    assert_int_equal(
        test_sound_read(&got, test_path("none.wav"), NULL, 64, &err),
        DMX_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "holds no audio samples"));
    test_sound_free(&got);
    /* Behind an empty one, the next chunk holds the samples. */
    put_text(&b, "data");
    put(&b, 8, 4);
    put(&b, 0x4000200010003000, 8);
    test_write_bytes(test_path("second.wav"), b.p, b.n);
    assert_ok(test_sound_read(&got, test_path("second.wav"), NULL, 64, &err),
              &err);
    assert_int_equal(got.frames, 4);
    assert_true(got.plane[0][0] == 0.375F && got.plane[0][3] == 0.5F);
    test_sound_free(&got);
}

/* Compressed samples of a big-endian file: no library reads those correctly. */
static void test_refusals(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    test_sound got;
    const spec s = {.kind = RIFX, .channels = 1, .width = 2, .valid = 16};
    size_t size;
    unsigned char *b = test_bytes(write_file(&s), &size);
    b[21] = 0x11; /* IMA ADPCM */
    test_write_bytes(test_path("ima.wav"), b, size);
    assert_int_equal(
        test_sound_read(&got, test_path("ima.wav"), NULL, 64, &err),
        DMX_ERROR_UNSUPPORTED);
    test_sound_free(&got);
    b[21] = 1;
    b[23] = 65; /* channels */
    b[33] = 130;
    test_write_bytes(test_path("many.wav"), b, size);
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(
        test_sound_read(&got, test_path("many.wav"), NULL, 64, &err),
        DMX_ERROR_UNSUPPORTED);
    test_sound_free(&got);
    free(b);
}

/* 1.536 MHz is the documented end. */
static void test_rates(void **state)
{
    (void)state;
    static const uint32_t rates[] = {1000, 768001, 1536000};
    const spec s = {.kind = RIFF, .channels = 1, .width = 2, .valid = 16};
    for (size_t i = 0; i < COUNT(rates); i++) {
        dmx_error err = DMX_ERROR_INIT;
        test_sound got;
        size_t size;
        unsigned char *b = test_bytes(write_file(&s), &size);
        for (int k = 0; k < 4; k++)
            b[24 + k] = (unsigned char)(rates[i] >> 8 * k);
        test_write_bytes(test_path("rate.wav"), b, size);
        free(b);
        assert_ok(test_sound_read(&got, test_path("rate.wav"), NULL, 64, &err),
                  &err);
        assert_int_equal(got.rate, rates[i]);
        test_sound_free(&got);
    }
}

/* Any prefix and any damaged copy is read or refused. */
static void test_damage(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int k = RIFF; k <= AU; k++)
        for (int i = 0; i < 200; i++) {
            const spec s = {.kind = (kind)k,
                            .channels = 2,
                            .width = 2,
                            .valid = 16,
                            .before = true};
            dmx_error err = DMX_ERROR_INIT;
            test_sound got;
            size_t size;
            unsigned char *b = test_bytes(write_file(&s), &size);
            for (int n = 0; n < i % 5; n++)
                b[test_random(&seed) % 120] = (unsigned char)test_random(&seed);
            const size_t keep = i % 2 ? size : test_random(&seed) % size;
            test_write_bytes(test_path("bad"), b, keep > 0 ? keep : 1);
            free(b);
            if (test_sound_read(&got, test_path("bad"), NULL, 64, &err) !=
                DMX_OK)
                assert_true(err.message[0] != '\0');
            test_sound_free(&got);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_plain_formats),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_sizes_and_chunks),
        cmocka_unit_test(test_sub_formats),
        cmocka_unit_test(test_id3_before),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
