/* Lengths, alignment and accuracy of sample-rate conversion. */
#include "test_audio.h"

#include <math.h>
#include <stdlib.h>

/* Converts a whole plane set in blocks of `block` frames. */
static test_sound convert(const test_sound *in, int rate, int64_t limit,
                          size_t block)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_resampler *r;
    assert_ok(dmx_resampler_open(&r, in->rate, rate, in->channels, limit, &err),
              &err);
    const int64_t room =
        dmx_resampled_length(in->frames, in->rate, rate) + 100000;
    test_sound out = test_sound_make(rate, in->channels, room);
    out.frames = 0;
    size_t used, made = 1, give = 1;
    for (int64_t at = 0; give > 0 || made > 0;) {
        const float *from[DMX_AUDIO_MAX_CHANNELS];
        float *to[DMX_AUDIO_MAX_CHANNELS];
        for (int c = 0; c < in->channels; c++) {
            from[c] = in->plane[c] + at;
            to[c] = out.plane[c] + out.frames;
        }
        const size_t left = (size_t)(in->frames - at);
        give = left < block ? left : block;
        assert_ok(dmx_resampler_process(r, give > 0 ? from : NULL, give, &used,
                                        to, block, &made, &err),
                  &err);
        assert_true(made <= block && used <= give);
        at += (int64_t)used;
        out.frames += (int64_t)made;
    }
    dmx_resampler_close(r);
    return out;
}

/* Largest difference, away from the ends where the filter sees the edge. */
static double difference(const test_sound *a, const test_sound *b, int64_t edge)
{
    double worst = 0;
    for (int c = 0; c < a->channels; c++)
        for (int64_t i = edge; i < a->frames - edge; i++)
            worst = fmax(worst, fabs((double)a->plane[c][i] - b->plane[c][i]));
    return worst;
}

static void test_lengths(void **state)
{
    (void)state;
    static const int rate[] = {8000,  11025, 22050, 32000,
                               44100, 48000, 96000, 192000};
    static const int64_t frames[] = {1, 2, 441, 1000, 20011};
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++)
            for (size_t l = 0; l < 5; l++) {
                test_sound in = test_sound_make(rate[i], 2, frames[l]);
                test_sound out = convert(&in, rate[k], -1, 1500);
                const int64_t want =
                    (frames[l] * rate[k] + rate[i] - 1) / rate[i];
                assert_int_equal(out.frames, want);
                test_sound_free(&in);
                test_sound_free(&out);
            }
}

static void test_round_trip(void **state)
{
    (void)state;
    static const int rate[] = {48000, 96000, 192000, 44100, 22050};
    for (size_t i = 0; i < 5; i++) {
        test_sound in = test_sound_make(rate[i], 2, 20021);
        test_sound half = convert(&in, 44100, -1, 4096);
        test_sound back = convert(&half, rate[i], in.frames, 4096);
        assert_int_equal(back.frames, in.frames);
        /* The tones lie far below both Nyquist frequencies. */
        const double worst = difference(&in, &back, 2000);
        if (worst > 1e-6)
            fail_msg("%d Hz: worst difference %g", rate[i], worst);
        test_sound_free(&in);
        test_sound_free(&half);
        test_sound_free(&back);
    }
}

static void test_sine(void **state)
{
    (void)state;
    test_sound in = test_sound_make(48000, 1, 48000);
    for (int64_t i = 0; i < in.frames; i++)
        in.plane[0][i] =
            (float)sin(6.283185307179586 * 1000 * (double)i / 48e3);
    test_sound out = convert(&in, 44100, -1, 777);
    for (int64_t i = 2000; i < out.frames - 2000; i++) {
        const double want = sin(6.283185307179586 * 1000 * (double)i / 44.1e3);
        assert_true(fabs(out.plane[0][i] - want) < 1e-6);
    }
    test_sound_free(&in);
    test_sound_free(&out);
}

static void test_high_tone(void **state)
{
    (void)state;
    test_sound in = test_sound_make(48000, 1, 48000);
    for (int64_t i = 0; i < in.frames; i++)
        in.plane[0][i] =
            (float)sin(6.283185307179586 * 20e3 * (double)i / 48e3);
    test_sound half = convert(&in, 44100, -1, 4096);
    test_sound back = convert(&half, 48000, in.frames, 4096);
    assert_true(difference(&in, &back, 4000) < 1e-6);
    test_sound_free(&in);
    test_sound_free(&half);
    test_sound_free(&back);
}

static void test_impulse(void **state)
{
    (void)state;
    test_sound in = test_sound_make(48000, 1, 9600);
    for (int64_t i = 0; i < in.frames; i++)
        in.plane[0][i] = i == 4800 ? 1 : 0;
    test_sound out = convert(&in, 96000, -1, 100);
    int64_t peak = 0;
    for (int64_t i = 0; i < out.frames; i++)
        if (out.plane[0][i] > out.plane[0][peak])
            peak = i;
    assert_int_equal(peak, 9600);    /* no delay */
    for (int64_t k = 1; k < 50; k++) /* linear phase: symmetric */
        assert_true(fabsf(out.plane[0][peak + k] - out.plane[0][peak - k]) <
                    1e-6f);
    test_sound_free(&in);
    test_sound_free(&out);
}

static void test_blocks_do_not_matter(void **state)
{
    (void)state;
    test_sound in = test_sound_make(48000, 2, 20011);
    test_sound whole = convert(&in, 44100, -1, 65536);
    static const size_t block[] = {1, 7, 64, 1000};
    for (size_t b = 0; b < 4; b++) {
        test_sound out = convert(&in, 44100, -1, block[b]);
        assert_int_equal(out.frames, whole.frames);
        assert_true(difference(&whole, &out, 0) == 0);
        test_sound_free(&out);
    }
    test_sound_free(&whole);
    test_sound_free(&in);
}

static void test_equal_rates(void **state)
{
    (void)state;
    test_sound in = test_sound_make(44100, 2, 5000);
    test_sound out = convert(&in, 44100, -1, 999);
    assert_int_equal(out.frames, in.frames);
    assert_true(difference(&in, &out, 0) == 0);
    test_sound_free(&out);
    out = convert(&in, 44100, 5010, 999); /* filled up with zeros */
    assert_int_equal(out.frames, 5010);
    assert_true(out.plane[1][5009] == 0);
    test_sound_free(&out);
    test_sound_free(&in);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_resampler *r;
    assert_int_equal(dmx_resampler_open(&r, 0, 44100, 2, -1, &err),
                     DMX_ERROR_ARGUMENT);
    assert_null(r);
    dmx_resampler_close(NULL);
    assert_int_equal(dmx_resampled_length(INT64_MAX / 4, 44100, 44100),
                     INT64_MAX / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_sine),
        cmocka_unit_test(test_high_tone),
        cmocka_unit_test(test_impulse),
        cmocka_unit_test(test_blocks_do_not_matter),
        cmocka_unit_test(test_equal_rates),
        cmocka_unit_test(test_bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
