/* Sound files and tensors as the public header gives them to callers. */
#include "test_support.h"

#include "base/tensor.h"
#include "checkpoint/checkpoint.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES = 100000 };

static float left[FRAMES], right[FRAMES];
static float back_left[FRAMES], back_right[FRAMES];

static void fill(void)
{
    uint32_t x = 1;
    for (int t = 0; t < FRAMES; t++) {
        x = x * 1664525u + 1013904223u;
        left[t] = (float)(int32_t)x / 0x1p32f;
        right[t] = (float)(int16_t)x / 0x1p15f;
    }
}

/* Into back_left and, of a second channel, back_right; the number of frames. */
static int64_t read_all(dmx_sound *sound)
{
    dmx_error err = DMX_ERROR_INIT;
    int64_t done = 0;
    size_t got = 1;
    while (got > 0 && done < FRAMES) {
        float *const planes[2] = {back_left + done, back_right + done};
        assert_ok(
            dmx_sound_read(sound, planes, (size_t)(FRAMES - done), &got, &err),
            &err);
        done += (int64_t)got;
    }
    return done;
}

static int64_t read_back(const char *path, dmx_sound_info *info)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_sound *sound;
    assert_ok(dmx_sound_open(&sound, path, NULL, &err), &err);
    assert_int_equal(dmx_sound_about(sound, info), 1);
    const int64_t frames = read_all(sound);
    dmx_sound_close(sound);
    return frames;
}

static void test_write_and_read(void **state)
{
    (void)state;
    char path[] = "/tmp/dmx-sound-XXXXXX";
    close(mkstemp(path));
    const float *const planes[2] = {left, right};
    dmx_error err = DMX_ERROR_INIT;
    dmx_sound_options o = DMX_SOUND_OPTIONS_INIT;
    dmx_sound_info info = DMX_SOUND_INFO_INIT;
    o.bits = 32;
    o.rate = 48000;
    o.channels = 2;
    assert_ok(dmx_sound_write(path, planes, FRAMES, &o, &err), &err);
    assert_int_equal(read_back(path, &info), FRAMES);
    assert_int_equal(info.rate, 48000);
    assert_int_equal(info.channels, 2);
    assert_int_equal(info.frames, FRAMES);
    assert_int_equal(info.exact, 1);
    assert_memory_equal(left, back_left, sizeof left);
    assert_memory_equal(right, back_right, sizeof right);
    o.bits = 16; /* right is of 16 bits already, left is rounded */
    o.format = "flac";
    assert_ok(dmx_sound_write(path, planes, FRAMES, &o, &err), &err);
    assert_int_equal(read_back(path, &info), FRAMES);
    assert_string_equal(info.codec, "flac");
    assert_int_equal(info.bits, 16);
    assert_memory_equal(right, back_right, sizeof right);
    assert_memory_not_equal(left, back_left, sizeof left);
    unlink(path);
}

/* Once, before the first read, and into 1 or 2 channels of a sane rate; what
 * is refused leaves the sound as it was. */
static void test_convert(void **state)
{
    (void)state;
    char path[] = "/tmp/dmx-sound-XXXXXX";
    close(mkstemp(path));
    const float *const planes[2] = {left, right};
    dmx_error err = DMX_ERROR_INIT;
    dmx_sound_options o = DMX_SOUND_OPTIONS_INIT;
    o.bits = 32;
    o.rate = 48000;
    o.channels = 2;
    assert_ok(dmx_sound_write(path, planes, 9600, &o, &err), &err);
    dmx_sound *sound;
    assert_ok(dmx_sound_open(&sound, path, NULL, &err), &err);
    const int bad[][2] = {{0, 2},     {999, 2},   {1536001, 2}, {INT_MIN, 2},
                          {44100, 0}, {44100, 3}, {44100, -1},  {INT_MAX, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(dmx_sound_convert(sound, bad[i][0], bad[i][1], &err),
                         DMX_ERROR_ARGUMENT);
    float *const mono[1] = {back_left};
    assert_ok(dmx_sound_convert(sound, 24000, 1, &err), &err);
    assert_int_equal(dmx_sound_convert(sound, 24000, 1, &err),
                     DMX_ERROR_ARGUMENT);
    assert_int_equal(read_all(sound), 4800);
    dmx_sound_close(sound);
    size_t got;
    assert_ok(dmx_sound_open(&sound, path, NULL, &err), &err);
    float *const both[2] = {back_left, back_right};
    assert_ok(dmx_sound_read(sound, both, 10, &got, &err), &err);
    assert_int_equal(dmx_sound_convert(sound, 24000, 1, &err),
                     DMX_ERROR_ARGUMENT); /* begun already */
    assert_int_equal(dmx_sound_read(sound, mono, 10, NULL, &err),
                     DMX_ERROR_ARGUMENT);
    assert_ok(dmx_sound_read(sound, both, FRAMES, &got, &err), &err);
    assert_memory_equal(back_left, left + 10, got * sizeof left[0]);
    dmx_sound_close(sound);
    unlink(path);
}

static void test_write_refuses(void **state)
{
    (void)state;
    const float *const planes[2] = {left, right};
    dmx_error err = DMX_ERROR_INIT;
    const struct {
        const char *format;
        int bits, bitrate, rate, channels;
        int64_t frames;
    } bad[] = {
        {"aiff", 16, 0, 44100, 2, 10}, {NULL, 16, 0, 44100, 2, 10},
        {"wav", 8, 0, 44100, 2, 10},   {"flac", 32, 0, 44100, 2, 10},
        {"wav", 16, 128, 44100, 2, 1}, {"mp3", 16, 0, 44101, 2, 10},
        {"wav", 16, 0, 0, 2, 10},      {"wav", 16, 0, 44100, 0, 10},
        {"wav", 16, 0, 44100, 2, -1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dmx_sound_options o = DMX_SOUND_OPTIONS_INIT;
        o.format = bad[i].format;
        o.bits = bad[i].bits;
        o.bitrate = bad[i].bitrate;
        o.rate = bad[i].rate;
        o.channels = bad[i].channels;
        assert_int_equal(dmx_sound_write("/tmp/dmx-sound-never", planes,
                                         bad[i].frames, &o, &err),
                         DMX_ERROR_ARGUMENT);
        assert_int_not_equal(access("/tmp/dmx-sound-never", F_OK), 0);
    }
}

/* Their bytes, whatever their strides. */
static void test_tensor_copy(void **state)
{
    (void)state;
    const float x[6] = {0, 1, 2, 3, 4, 5};
    dmx_tensor t = {.data = x, .dtype = DMX_F32, .rank = 2};
    t.dim[0] = 3, t.dim[1] = 2;
    t.stride[0] = 1, t.stride[1] = 3; /* transposed */
    const float wanted[6] = {0, 3, 1, 4, 2, 5};
    float got[6];
    dmx_tensor_copy(got, &t);
    assert_memory_equal(got, wanted, sizeof got);
    t.stride[0] = 2, t.stride[1] = 1;
    dmx_tensor_copy(got, &t);
    assert_memory_equal(got, x, sizeof got);
    t.dim[1] = 0;
    got[0] = 77;
    dmx_tensor_copy(got, &t);
    assert_true(got[0] == 77);
}

static void test_checkpoint_tensors(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *c;
    assert_ok(
        dmx_checkpoint_open(&c, test_data("htdemucs/model.th"), NULL, &err),
        &err);
    const size_t n = dmx_checkpoint_tensors(c);
    assert_int_equal(n, c->n_tensor);
    dmx_tensor_info info = DMX_TENSOR_INFO_INIT;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(dmx_checkpoint_tensor_info(c, i, &info), 1);
        const dmx_tensor *t = dmx_checkpoint_find(c, info.name);
        assert_ptr_equal(t, &c->tensor[i]);
        assert_int_equal(info.rank, t->rank);
        char *data = malloc(info.bytes + 1);
        assert_non_null(data);
        assert_ok(dmx_checkpoint_tensor_data(c, i, data, info.bytes, &err),
                  &err);
        if (dmx_tensor_contiguous(t))
            assert_memory_equal(data, t->data, info.bytes);
        assert_int_equal(
            dmx_checkpoint_tensor_data(c, i, data, info.bytes + 1, &err),
            DMX_ERROR_ARGUMENT);
        free(data);
    }
    char byte;
    assert_int_equal(dmx_checkpoint_tensor_info(c, n, &info), 0);
    assert_int_equal(dmx_checkpoint_tensor_data(c, n, &byte, 1, &err),
                     DMX_ERROR_ARGUMENT);
    dmx_checkpoint_close(c);
}

static void test_file_hash(void **state)
{
    (void)state;
    char path[] = "/tmp/dmx-hash-XXXXXX", hash[65];
    dmx_error err = DMX_ERROR_INIT;
    const int fd = mkstemp(path);
    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    assert_ok(dmx_file_sha256(hash, path, NULL, &err), &err);
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"
                              "b410ff61f20015ad"); /* FIPS 180-4, appendix */
    unlink(path);
    assert_int_equal(dmx_file_sha256(hash, path, NULL, &err), DMX_ERROR_IO);
    assert_string_equal(hash, "");
    assert_int_equal(dmx_file_sha256(hash, "/tmp", NULL, &err), DMX_ERROR_IO);
}

int main(void)
{
    fill();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_convert),
        cmocka_unit_test(test_write_refuses),
        cmocka_unit_test(test_tensor_copy),
        cmocka_unit_test(test_checkpoint_tensors),
        cmocka_unit_test(test_file_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
