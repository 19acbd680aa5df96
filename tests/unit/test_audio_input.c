/* Raw PCM, pipes, and the down-mix. */
#include "test_audio.h"
#include "audio/spool.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

static void test_raw_spec(void **state)
{
    (void)state;
    dmx_raw_spec s;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_raw_parse(&s, "f32le,44100,2", &err), &err);
    assert_int_equal(s.encoding, DMX_RAW_F32);
    assert_int_equal(s.rate, 44100);
    assert_int_equal(s.channels, 2);
    assert_int_equal(dmx_raw_frame_size(&s), 8);
    assert_ok(dmx_raw_parse(&s, "s24be,96000,6", &err), &err);
    assert_true(s.big_endian);
    assert_int_equal(dmx_raw_frame_size(&s), 18);
    static const char *const bad[] = {"",
                                      "f32le",
                                      "f32le,44100",
                                      "f32le,44100,0",
                                      "f32,44100,2",
                                      "f32le,0,2",
                                      "f32le,44100,2,",
                                      "f32le,44100,65",
                                      "f32le,,2",
                                      "f32le,-44100,2",
                                      "f32le,99999999999999999999,2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (dmx_error)DMX_ERROR_INIT;
        assert_int_equal(dmx_raw_parse(&s, bad[i], &err), DMX_ERROR_ARGUMENT);
        assert_non_null(strstr(err.message, "f32le,44100,2"));
    }
}

static void check_raw(const char *spec, const void *bytes, size_t size,
                      float first, float second)
{
    dmx_raw_spec s;
    float x[2];
    float *planes[1] = {x};
    assert_ok(dmx_raw_parse(&s, spec, NULL), NULL);
    assert_int_equal(size, 2 * dmx_raw_frame_size(&s));
    dmx_raw_decode(planes, 0, bytes, 2, &s);
    assert_true(x[0] == first && x[1] == second);
}

static void test_raw_decode(void **state)
{
    (void)state;
    check_raw("u8,8000,1", "\x00\xC0", 2, -1, 0.5f);
    check_raw("s16le,8000,1", "\x00\x80\x00\x40", 4, -1, 0.5f);
    check_raw("s16be,8000,1", "\x80\x00\x40\x00", 4, -1, 0.5f);
    check_raw("s24le,8000,1", "\x00\x00\x80\x00\x00\x40", 6, -1, 0.5f);
    check_raw("s24be,8000,1", "\x80\x00\x00\x40\x00\x00", 6, -1, 0.5f);
    check_raw("s32le,8000,1", "\0\0\0\x80\0\0\0\x40", 8, -1, 0.5f);
    check_raw("f32le,8000,1", "\0\0\x80\xBF\0\0\0\x3F", 8, -1, 0.5f);
    check_raw("f32be,8000,1", "\xBF\x80\0\0\x3F\0\0\0", 8, -1, 0.5f);
    check_raw("f64be,8000,1", "\xBF\xF0\0\0\0\0\0\0\x3F\xE0\0\0\0\0\0\0", 16,
              -1, 0.5f);
}

static void test_raw_file(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_raw_spec spec;
    assert_ok(dmx_raw_parse(&spec, "f32le,44100,2", &err), &err);
    dmx_audio_reader_options o = DMX_AUDIO_READER_OPTIONS_INIT;
    o.raw = &spec;
    float x[2 * 30000 + 1];
    for (int i = 0; i < 60001; i++)
        x[i] = (float)i / 65536;
    test_write_bytes(test_path("raw.pcm"), x, sizeof x - 1);
    test_sound out;
    assert_ok(test_sound_read(&out, test_path("raw.pcm"), &o, 777, &err), &err);
    assert_int_equal(out.frames, 30000);
    for (int i = 0; i < 30000; i++)
        assert_true(out.plane[0][i] == x[2 * i] &&
                    out.plane[1][i] == x[2 * i + 1]);
    test_sound_free(&out);
    test_write_bytes(test_path("raw.pcm"), x, 7);
    assert_int_equal(test_sound_read(&out, test_path("raw.pcm"), &o, 777, &err),
                     DMX_ERROR_FORMAT);
}

typedef struct feed {
    const char *path;
    const unsigned char *bytes;
    size_t size;
} feed;

static void *feed_pipe(void *context)
{
    const feed *f = context;
    const int fd = open(f->path, O_WRONLY);
    size_t done = 0;
    while (fd >= 0 && done < f->size) {
        const ssize_t n = write(fd, f->bytes + done, f->size - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    close(fd);
    return NULL;
}

static dmx_status read_pipe(test_sound *out, const unsigned char *bytes,
                            size_t size, uint64_t limit, dmx_error *err)
{
    const char *path = test_path("pipe");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    pthread_t thread;
    feed f = {path, bytes, size};
    pthread_create(&thread, NULL, feed_pipe, &f);
    dmx_audio_reader_options o = DMX_AUDIO_READER_OPTIONS_INIT;
    o.spool_folder = test_folder();
    o.spool_limit = limit;
    const dmx_status status = test_sound_read(out, path, &o, 1000, err);
    pthread_join(thread, NULL);
    return status;
}

static void ignore_signal(int number)
{
    (void)number;
}

static void test_pipe(void **state)
{
    (void)state;
    struct sigaction quiet = {.sa_handler = ignore_signal};
    sigaction(SIGPIPE, &quiet, NULL);
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    test_sound in = test_sound_make(44100, 2, 100000), out;
    test_sound_write(&in, test_path("song.wav"), o);
    size_t size;
    unsigned char *bytes = test_bytes(test_path("song.wav"), &size);
    assert_ok(read_pipe(&out, bytes, size, 0, &err), &err);
    assert_int_equal(out.frames, 100000);
    test_sound_free(&out);
    assert_int_equal(read_pipe(&out, bytes, size, 1000, &err), DMX_ERROR_LIMIT);
    assert_int_equal(test_count_files("demucs-onnx-"), 0); /* unlinked */
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(read_pipe(&out, bytes, 0, 0, &err), DMX_ERROR_FORMAT);
    free(bytes);
    test_sound_free(&in);
}

/* "-" is standard input: a redirected file is read in place. */
static void test_standard_input(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    test_sound in = test_sound_make(44100, 2, 5000), out;
    test_sound_write(&in, test_path("in.wav"),
                     (dmx_audio_writer_options)DMX_AUDIO_WRITER_OPTIONS_INIT);
    const int saved = dup(STDIN_FILENO);
    const int fd = open(test_path("in.wav"), O_RDONLY);
    assert_true(fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    assert_ok(test_sound_read(&out, "-", NULL, 1000, &err), &err);
    assert_int_equal(out.frames, 5000);
    test_sound_free(&out);
    close(fd);
    const int null = open("/dev/null", O_RDONLY);
    assert_int_equal(dup2(null, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(test_sound_read(&out, "-", NULL, 1000, &err),
                     DMX_ERROR_IO);
    assert_non_null(strstr(err.message, "standard input"));
    close(null);
    if (saved >= 0) {
        dup2(saved, STDIN_FILENO);
        close(saved);
    }
    test_sound_free(&in);
}

static double gain_sum(const dmx_downmix *m, int out)
{
    double sum = 0;
    for (int c = 0; c < m->in; c++)
        sum += m->gain[out][c];
    return sum;
}

static void test_downmix_gains(void **state)
{
    (void)state;
    dmx_downmix m;
    dmx_error err = DMX_ERROR_INIT;
    /* 5.1: L + 0.707 C + 0.707 Ls over 2.414; no LFE. */
    assert_ok(dmx_downmix_init(&m, 6, 0x3F, 2, &err), &err);
    const double whole = 1 + 2 * sqrt(0.5);
    const double left[] = {1, 0, sqrt(0.5), 0, sqrt(0.5), 0};
    for (int c = 0; c < 6; c++)
        assert_true(fabs(m.gain[0][c] - left[c] / whole) < 1e-6);
    assert_true(m.gain[1][1] == m.gain[0][0] && m.gain[1][5] == m.gain[0][4]);
    static const uint64_t layouts[] = {0x7, 0x33, 0x37, 0x60F, 0x70F, 0x63F, 0};
    for (size_t i = 0; i < 7; i++) {
        const int n = layouts[i] != 0 ? __builtin_popcountll(layouts[i]) : 24;
        for (int out = 1; out <= 2; out++) {
            assert_ok(dmx_downmix_init(&m, n, layouts[i], out, &err), &err);
            assert_true(fabs(gain_sum(&m, 0) - 1) < 1e-6);
            assert_true(out == 1 || fabs(gain_sum(&m, 1) - 1) < 1e-6);
        }
    }
    assert_ok(dmx_downmix_init(&m, 24, 0, 2, &err), &err);
    assert_true(fabs(m.gain[0][22] - 1.0 / 12) < 1e-6 && m.gain[0][23] == 0);
    assert_int_equal(dmx_downmix_init(&m, 65, 0, 2, &err), DMX_ERROR_ARGUMENT);
    assert_int_equal(dmx_downmix_init(&m, 2, 3, 3, &err), DMX_ERROR_ARGUMENT);
}

static void test_downmix_apply(void **state)
{
    (void)state;
    dmx_downmix m;
    test_sound in = test_sound_make(44100, 6, 1000);
    test_sound out = test_sound_make(44100, 2, 1000);
    const float *const *from = (const float *const *)in.plane;
    assert_ok(dmx_downmix_init(&m, 2, 3, 2, NULL), NULL);
    dmx_downmix_apply(&m, out.plane, from, 1000);
    assert_memory_equal(out.plane[1], in.plane[1], 4000);
    assert_ok(dmx_downmix_init(&m, 1, 4, 2, NULL), NULL);
    dmx_downmix_apply(&m, out.plane, from, 1000);
    assert_memory_equal(out.plane[0], in.plane[0], 4000);
    assert_memory_equal(out.plane[1], in.plane[0], 4000);
    assert_ok(dmx_downmix_init(&m, 2, 3, 1, NULL), NULL);
    dmx_downmix_apply(&m, out.plane, from, 1000);
    assert_true(out.plane[0][9] ==
                0.5f * in.plane[0][9] + 0.5f * in.plane[1][9]);
    assert_ok(dmx_downmix_init(&m, 6, 0x3F, 2, NULL), NULL);
    dmx_downmix_apply(&m, out.plane, from, 1000);
    const double want =
        (in.plane[0][7] + sqrt(0.5) * (in.plane[2][7] + in.plane[4][7])) /
        (1 + 2 * sqrt(0.5));
    assert_true(fabs(out.plane[0][7] - want) < 1e-6);
    test_sound_free(&in);
    test_sound_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_spec),
        cmocka_unit_test(test_raw_decode),
        cmocka_unit_test(test_raw_file),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_downmix_gains),
        cmocka_unit_test(test_downmix_apply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
