/* What files contain besides samples, true or not: several streams, tags of
 * another edit, tags after the sound, thousands of tags, joined files. */
#include "test_audio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

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

static test_sound read_file(const char *path, int stream)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_reader_options o = with_hooks();
    test_sound s;
    o.stream = stream;
    if (test_sound_read(&s, path, &o, 999, &err) != DMX_OK)
        fail_msg("%s: %s", path, err.message);
    /* The caller adds the file's name. */
    assert_null(strstr(last_warning, path));
    return s;
}

static dmx_error refused(const char *path, int stream, dmx_status code)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_reader_options o = with_hooks();
    test_sound s;
    o.stream = stream;
    assert_int_equal(test_sound_read(&s, path, &o, 999, &err), code);
    test_sound_free(&s);
    return err;
}

/* --------------------------------------------------------------- streams */

static double pitch(const test_sound *s)
{
    int64_t crossings = 0;
    for (int64_t t = s->frames / 4; t < 3 * s->frames / 4; t++)
        crossings += s->plane[0][t] < 0 && s->plane[0][t + 1] >= 0;
    return (double)crossings * 2 * s->rate / (double)s->frames;
}

/* Streams of 300, 500 and 700 Hz. */
static void check_streams(const char *path)
{
    for (int n = 0; n <= 3; n++) {
        test_sound s = read_file(path, n);
        const double expected = n <= 1 ? 300 : n == 2 ? 500 : 700;
        if (fabs(pitch(&s) - expected) > 20)
            fail_msg("%s, stream %d: %.0f Hz", path, n, pitch(&s));
        assert_int_equal(warnings, n == 0);
        if (n == 0)
            assert_non_null(strstr(last_warning, "3 audio streams"));
        test_sound_free(&s);
    }
    const dmx_error err = refused(path, 4, DMX_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "no audio stream 4; it has 3"));
}

static void test_streams(void **state)
{
    (void)state;
    check_streams(test_data("audio/three.mp4"));
    check_streams(test_data("audio/three_default_second.mkv"));
}

static void test_one_stream(void **state)
{
    (void)state;
    test_sound in = test_sound_make(44100, 2, 3000);
    for (int f = DMX_AUDIO_WAV; f <= DMX_AUDIO_FLAC; f++) {
        dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
        o.format = (dmx_audio_format)f;
        test_sound_write(&in, test_path("one"), o);
        test_sound s = read_file(test_path("one"), 1);
        assert_int_equal(s.frames, 3000);
        assert_int_equal(warnings, 0);
        test_sound_free(&s);
        const dmx_error err = refused(test_path("one"), 2, DMX_ERROR_ARGUMENT);
        assert_non_null(strstr(err.message, "it has one"));
    }
    test_sound_free(&in);
}

/* ------------------------------------------------------------- iTunSMPB */

/* The file's 21 packets of 1024 samples: 1024 + 20000 + 480. */
static int64_t length_with_tag(const char *delay, const char *padding,
                               const char *length)
{
    size_t size;
    unsigned char *b = test_bytes(test_data("audio/stale.m4a"), &size);
    unsigned char *tag = memmem(b, size, " 00000000 00000840", 18);
    assert_non_null(tag);
    memcpy(tag + 10, delay, 8);
    memcpy(tag + 19, padding, 8);
    memcpy(tag + 28, length, 16);
    test_write_bytes(test_path("tag.m4a"), b, size);
    free(b);
    test_sound s = read_file(test_path("tag.m4a"), 0);
    const int64_t frames = s.frames;
    test_sound_free(&s);
    return frames;
}

static void test_tag_of_another_edit(void **state)
{
    (void)state;
    assert_int_equal(
        length_with_tag("00000400", "000001E0", "0000000000004E20"), 20000);
    static const char *const false_tags[][3] = {
        {"00000840", "00000064", "0000000000001388"},
        {"00000400", "000001E0", "0000000000004E1F"},
        {"00000400", "000001E0", "0000000000009C40"},
        {"00000000", "00000000", "0000000000000000"},
        {"FFFFFFFF", "FFFFFFFF", "FFFFFFFFFFFFFFFF"},
        {"00005000", "00000000", "0000000000000400"},
    };
    for (size_t i = 0; i < COUNT(false_tags); i++) {
        const int64_t frames = length_with_tag(
            false_tags[i][0], false_tags[i][1], false_tags[i][2]);
        if (i != 5 && (frames < 20000 || frames > 21504))
            fail_msg("tag %zu: %lld frames", i, (long long)frames);
    }
}

/* ------------------------------------------------- whole files, no warning */

static void append(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "ab");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static void check_tail(dmx_audio_format format, bool id3, bool ape)
{
    unsigned char tag[128] = "TAGTitle";
    unsigned char header[32] =
        "APETAGEX\xD0\x07\0\0\x7C\0\0\0\1\0\0\0\0\0\0\xA0";
    unsigned char item[92] = {84, 0, 0, 0, 0, 0, 0, 0};
    memcpy(item + 8, "Title", 6);
    memset(item + 14, 'x', 78);
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.format = format;
    test_sound in = test_sound_make(44100, 2, 20000);
    const char *path = test_path("tail");
    test_sound_write(&in, path, o);
    if (ape) {
        append(path, header, sizeof header);
        append(path, item, sizeof item);
        header[23] = 0x80;
        append(path, header, sizeof header);
    }
    if (id3)
        append(path, tag, sizeof tag);
    test_sound s = read_file(path, 0);
    if (s.frames != 20000 || warnings != 0)
        fail_msg("format %d, ID3 %d, APE %d: %lld frames, '%s'", (int)format,
                 id3, ape, (long long)s.frames, last_warning);
    test_sound_free(&s);
    test_sound_free(&in);
}

static void test_tags_behind(void **state)
{
    (void)state;
    static const dmx_audio_format formats[] = {DMX_AUDIO_FLAC, DMX_AUDIO_MP3,
                                               DMX_AUDIO_WAV};
    for (size_t i = 0; i < COUNT(formats); i++)
        for (int k = 0; k < 4; k++)
            check_tail(formats[i], (k & 1) != 0, (k & 2) != 0);
}

static void test_whole_files(void **state)
{
    (void)state;
    static const char *const containers[][2] = {
        {"avi", "pcm_s16le"}, {"avi", "pcm_u8"},     {"matroska", "pcm_s16le"},
        {"mov", "pcm_s16be"}, {"caf", "alac"},       {"voc", "pcm_u8"},
        {"voc", "pcm_s16le"}, {"aiff", "pcm_s24be"}, {"caf", "pcm_s16be"},
        {"ipod", "alac"},     {"wv", "wavpack"},     {"nut", "flac"},
        {"au", "pcm_s16be"},  {"tta", "tta"},        {"w64", "pcm_f64le"},
    };
    for (size_t i = 0; i < COUNT(containers); i++)
        for (int channels = 1; channels <= 2; channels++) {
            test_sound in = test_sound_make(44100, channels, 20001);
            if (test_sound_mux(&in, test_path("whole"), containers[i][0],
                               containers[i][1], NULL)) {
                test_sound s = read_file(test_path("whole"), 0);
                if (s.frames != 20001 || warnings != 0)
                    fail_msg("%s, %s: %lld frames, '%s'", containers[i][0],
                             containers[i][1], (long long)s.frames,
                             last_warning);
                test_sound_free(&s);
            }
            test_sound_free(&in);
        }
}

/* A packet missing at the very end is still reported. */
static void test_cut_off(void **state)
{
    (void)state;
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.format = DMX_AUDIO_FLAC;
    test_sound in = test_sound_make(44100, 2, 40000);
    const char *path = test_path("end.flac");
    test_sound_write(&in, path, o);
    size_t size;
    free(test_bytes(path, &size));
    assert_int_equal(truncate(path, (off_t)size - 3000), 0);
    test_sound s = read_file(path, 0);
    assert_true(s.frames <= 40000);
    assert_int_equal(warnings, 1);
    test_sound_free(&s);
    test_sound_free(&in);
}

/* ------------------------------------------------------------------ joined */

static void write_part(const char *path, int kind, int rate, int64_t frames)
{
    test_sound in = test_sound_make(rate, 2, frames);
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.format = kind == 0 ? DMX_AUDIO_OGG : DMX_AUDIO_OPUS;
    if (kind < 2)
        test_sound_write(&in, path, o);
    else
        assert_true(test_sound_mux(&in, path, "ogg", "flac", NULL));
    test_sound_free(&in);
}

static const char *join(const char *a, const char *b)
{
    size_t m, n;
    unsigned char *x = test_bytes(a, &m), *y = test_bytes(b, &n);
    const char *path = test_path("joined.ogg");
    test_write_bytes(path, x, m);
    append(path, y, n);
    free(x);
    free(y);
    return path;
}

static void test_joined(void **state)
{
    (void)state;
    static const int64_t frames[] = {50000, 30123};
    for (int kind = 0; kind < 3; kind++) {
        write_part(test_path("a.ogg"), kind, 48000, frames[0]);
        write_part(test_path("b.ogg"), kind, 48000, frames[1]);
        const char *path = join(test_path("a.ogg"), test_path("b.ogg"));
        test_sound a = read_file(test_path("a.ogg"), 0);
        test_sound b = read_file(test_path("b.ogg"), 0);
        test_sound both = read_file(path, 0);
        assert_int_equal(warnings, 0);
        assert_int_equal(a.frames, frames[0]);
        assert_int_equal(both.frames, frames[0] + frames[1]);
        for (int c = 0; c < 2; c++) {
            assert_memory_equal(both.plane[c], a.plane[c],
                                (size_t)a.frames * sizeof(float));
            assert_memory_equal(both.plane[c] + a.frames, b.plane[c],
                                (size_t)b.frames * sizeof(float));
        }
        test_sound_free(&a);
        test_sound_free(&b);
        test_sound_free(&both);
    }
}

static void test_joined_badly(void **state)
{
    (void)state;
    write_part(test_path("a.ogg"), 2, 48000, 20000);
    write_part(test_path("b.ogg"), 2, 32000, 20000);
    refused(join(test_path("a.ogg"), test_path("b.ogg")), 0,
            DMX_ERROR_UNSUPPORTED);
    /* A link that can't be decoded at all causes a warning. */
    write_part(test_path("b.ogg"), 0, 48000, 20000);
    size_t size;
    unsigned char *b = test_bytes(test_path("b.ogg"), &size);
    memset(b + 28, 0, size > 2000 ? 2000 : size - 28);
    test_write_bytes(test_path("b.ogg"), b, size);
    free(b);
    test_sound s = read_file(join(test_path("a.ogg"), test_path("b.ogg")), 0);
    assert_true(s.frames >= 20000);
    assert_int_equal(warnings, 1);
    test_sound_free(&s);
}

/* ------------------------------------------------------------------- heaps */

/* A text of 12 bytes; with_ff: two more, as each 0xFF takes a zero behind. */
static size_t put_frame(unsigned char *p, int i, bool with_ff)
{
    memcpy(p, "TXXX\0\0\0\14\0\0", 10);
    p[10] = 0;
    snprintf((char *)p + 11, 7, "%05d", i);
    memcpy(p + 17, with_ff ? "\xFF\0\xFF\0vvv" : "vvvvv", with_ff ? 7 : 5);
    return with_ff ? 24 : 22;
}

static const char *heap_of_frames(int version, bool with_ff, int count)
{
    test_sound in = test_sound_make(44100, 2, 20000);
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.format = DMX_AUDIO_MP3;
    test_sound_write(&in, test_path("plain.mp3"), o);
    test_sound_free(&in);
    size_t size, n = 10;
    unsigned char *song = test_bytes(test_path("plain.mp3"), &size);
    unsigned char *b = calloc(1, (size_t)count * 32 + size + 10);
    assert_non_null(b);
    memcpy(b, "ID3", 3);
    b[3] = (unsigned char)version;
    b[5] = with_ff ? 0x80 : 0;
    for (int i = 0; i < count; i++)
        n += put_frame(b + n, i, with_ff);
    for (int k = 0; k < 4; k++)
        b[6 + k] = (unsigned char)((n - 10) >> 7 * (3 - k) & 127);
    memcpy(b + n, song, size);
    const char *path = test_path("heap.mp3");
    test_write_bytes(path, b, n + size);
    free(song);
    free(b);
    return path;
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void test_heap_of_frames(void **state)
{
    (void)state;
    static const struct {
        int version;
        bool with_ff;
    } kinds[] = {{3, false}, {4, false}, {3, true}};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const char *path =
            heap_of_frames(kinds[i].version, kinds[i].with_ff, 50000);
        const double start = cpu_seconds();
        test_sound s = read_file(path, 0);
        assert_true(cpu_seconds() - start < 3); /* it was 27 s */
        assert_int_equal(s.frames, 20000);
        assert_int_equal(warnings, 1);
        assert_non_null(strstr(last_warning, "ID3"));
        test_sound_free(&s);
        /* As many as real songs have are kept. */
        s = read_file(heap_of_frames(kinds[i].version, kinds[i].with_ff, 50),
                      0);
        assert_int_equal(warnings, 0);
        test_sound_free(&s);
    }
}

/* The same as a chunk of a WAV. */
static void test_heap_in_a_chunk(void **state)
{
    (void)state;
    size_t size;
    unsigned char *heap = test_bytes(heap_of_frames(3, false, 50000), &size),
                  head[8];
    test_sound in = test_sound_make(44100, 2, 20000);
    test_sound_write(&in, test_path("heap.wav"),
                     (dmx_audio_writer_options)DMX_AUDIO_WRITER_OPTIONS_INIT);
    memcpy(head, "id3 ", 4);
    for (int k = 0; k < 4; k++)
        head[4 + k] = (unsigned char)(size >> 8 * k);
    append(test_path("heap.wav"), head, sizeof head);
    append(test_path("heap.wav"), heap, size);
    free(heap);
    const double start = cpu_seconds();
    test_sound s = read_file(test_path("heap.wav"), 0);
    assert_true(cpu_seconds() - start < 3);
    assert_int_equal(s.frames, 20000);
    assert_int_equal(warnings, 1);
    test_sound_free(&s);
    test_sound_free(&in);
}

static void put_le32(unsigned char *p, uint32_t value)
{
    for (int k = 0; k < 4; k++)
        p[k] = (unsigned char)(value >> 8 * k);
}

/* Comments that begin in the middle of a page. */
static void test_heap_inside_a_page(void **state)
{
    (void)state;
    unsigned char b[27 + 3 + 19 + 255 + 100] = "OggS";
    b[5] = 2;
    b[26] = 3;
    b[27] = 19;
    b[28] = 255;
    b[29] = 100;
    memcpy(b + 30, "OpusHead\1\2", 10);
    memcpy(b + 49, "OpusTags", 8);
    put_le32(b + 57, 4);
    memcpy(b + 61, "test", 4);
    put_le32(b + 65, 50000);
    test_write_bytes(test_path("inside.ogg"), b, sizeof b);
    refused(test_path("inside.ogg"), 0, DMX_ERROR_LIMIT);
}

static void test_heap_of_comments(void **state)
{
    (void)state;
    enum { MANY = 50000, EACH = 16 };
    test_sound in = test_sound_make(44100, 2, 2000);
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.format = DMX_AUDIO_FLAC;
    test_sound_write(&in, test_path("few.flac"), o);
    test_sound_free(&in);
    size_t size, n = 8;
    unsigned char *song = test_bytes(test_path("few.flac"), &size);
    unsigned char *b = calloc(1, MANY * EACH + size + 100);
    assert_non_null(b);
    memcpy(b, song, 42); /* "fLaC" and its first block */
    b[4] &= 0x7F;
    unsigned char *block = b + 46;
    put_le32(block + 4, MANY);
    for (int i = 0; i < MANY; i++, n += EACH) {
        put_le32(block + n, EACH - 4);
        snprintf((char *)block + n + 4, EACH - 4, "key%05d=v", i);
    }
    b[42] = 4;
    for (int k = 0; k < 3; k++)
        b[43 + k] = (unsigned char)(n >> 8 * (2 - k));
    memcpy(block + n, song + 42, size - 42);
    test_write_bytes(test_path("many.flac"), b, 46 + n + size - 42);
    free(song);
    free(b);
    const double start = cpu_seconds();
    const dmx_error err = refused(test_path("many.flac"), 0, DMX_ERROR_LIMIT);
    assert_true(cpu_seconds() - start < 3);
    assert_non_null(strstr(err.message, "tags"));
}

/* --------------------------------------------------------------- Matroska */

/* An element; sizes as eight bytes. */
static size_t put_element(unsigned char *b, const char *id, const void *data,
                          size_t n)
{
    const size_t k = strlen(id);
    memmove(b + k + 8, data, n); /* which may begin at b */
    memcpy(b, id, k);
    b[k] = 1;
    for (int i = 0; i < 7; i++)
        b[k + 1 + (size_t)i] = (unsigned char)((uint64_t)n >> 8 * (6 - i));
    return k + 8 + n;
}

/* Tags elements of `tags` Tag elements with `texts` texts each, wrapped as the
 * content of another element unless that is "". */
static size_t put_tags(unsigned char *b, int tags, int texts,
                       const char *around)
{
    unsigned char *one = malloc(200 + (size_t)texts * 60);
    assert_non_null(one);
    size_t all = 0;
    for (int t = 0; t < tags; t++) {
        size_t n = 0;
        for (int i = 0; i < texts; i++) {
            unsigned char text[60];
            char key[16];
            snprintf(key, sizeof key, "K%07d", t * texts + i);
            size_t m = put_element(text, "\x45\xa3", key, 8);
            m += put_element(text + m, "\x44\x87", "v", 1);
            n += put_element(one + n, "\x67\xc8", text, m);
        }
        all += put_element(b + all, "\x73\x73", one, n);
    }
    free(one);
    all = put_element(b, "\x12\x54\xc3\x67", b, all);
    return around[0] != '\0' ? put_element(b, around, b, all) : all;
}

/* An EBML header and a segment of these tags alone: read as far as its tags. */
static void check_matroska(int tags, int texts, const char *around, size_t pad,
                           bool flood)
{
    static const char id[] = "\x1a\x45\xdf\xa3";
    static const char segment[] = "\x18\x53\x80\x67";
    const size_t room = 400 + pad + (size_t)tags * ((size_t)texts * 60 + 60);
    unsigned char *b = calloc(1, room), *inner = calloc(1, room);
    assert_true(b != NULL && inner != NULL);
    size_t n = put_element(inner, "\x42\x82", "matroska", 8);
    n = put_element(b, id, inner, n);
    size_t m = pad > 0 ? put_element(inner, "\xec", b + room - pad, pad) : 0;
    m += put_tags(inner + m, tags, texts, around);
    n += put_element(b + n, segment, inner, m);
    test_write_bytes(test_path("tags.mkv"), b, n);
    free(inner);
    free(b);
    const double start = cpu_seconds();
    const dmx_error err = refused(test_path("tags.mkv"), 0,
                                  flood ? DMX_ERROR_LIMIT : DMX_ERROR_FORMAT);
    assert_true(cpu_seconds() - start < 3);
    if (flood)
        assert_non_null(strstr(err.message, "tags"));
}

static void test_heap_in_matroska(void **state)
{
    (void)state;
    check_matroska(30, 8, "", 0, false);
    check_matroska(1, 4000, "", 0, false);
    check_matroska(1, 5000, "", 0, true);
    check_matroska(3000, 1, "", 0, true);
    check_matroska(50, 80, "", 0, true);
    /* An ID across two reads; tags inside of what is stepped over, where a
     * list of positions may lead. */
    for (size_t k = 0; k < 4; k++)
        check_matroska(3000, 1, "", 65536 - 49 - k, true);
    check_matroska(3000, 1, "\xec", 0, true);
}

/* ------------------------------------------------------------------ passes */

/* A pass that gives less than the one before fails. */
static void test_passes_differ(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    test_sound in = test_sound_make(44100, 2, 40000);
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    o.format = DMX_AUDIO_MP3;
    test_sound_write(&in, test_path("two.mp3"), o);
    size_t size, got = 1;
    free(test_bytes(test_path("two.mp3"), &size));
    dmx_audio_reader *r;
    const dmx_audio_reader_options with = with_hooks();
    assert_ok(dmx_audio_reader_open(&r, test_path("two.mp3"), &with, &err),
              &err);
    while (got > 0)
        assert_ok(dmx_audio_reader_read(r, in.plane, 4096, &got, &err), &err);
    assert_int_equal(truncate(test_path("two.mp3"), (off_t)size / 2), 0);
    assert_ok(dmx_audio_reader_rewind(r, &err), &err);
    dmx_status status = DMX_OK;
    for (got = 1; got > 0 && status == DMX_OK;)
        status = dmx_audio_reader_read(r, in.plane, 4096, &got, &err);
    assert_int_equal(status, DMX_ERROR_IO);
    assert_non_null(strstr(err.message, "twice"));
    dmx_audio_reader_close(r);
    test_sound_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_one_stream),
        cmocka_unit_test(test_tag_of_another_edit),
        cmocka_unit_test(test_tags_behind),
        cmocka_unit_test(test_whole_files),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_joined),
        cmocka_unit_test(test_joined_badly),
        cmocka_unit_test(test_heap_of_frames),
        cmocka_unit_test(test_heap_in_a_chunk),
        cmocka_unit_test(test_heap_of_comments),
        cmocka_unit_test(test_heap_in_matroska),
        cmocka_unit_test(test_heap_inside_a_page),
        cmocka_unit_test(test_passes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
