/* Every format we write, at many rates, widths and lengths, read back. */
#include "test_audio.h"

#include <string.h>

static const int64_t lengths[] = {1, 47, 1152, 2163, 30011};
static const int rates[] = {8000, 11025, 22050, 44100, 48000, 96000, 192000};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static bool same(const test_sound *a, const test_sound *b)
{
    for (int c = 0; c < a->channels; c++)
        if (memcmp(a->plane[c], b->plane[c],
                   (size_t)a->frames * sizeof(float)) != 0)
            return false;
    return true;
}

static void check(dmx_audio_format format, dmx_audio_sample sample, int rate,
                  int channels, int64_t frames, double least_snr)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_audio_writer_options o = DMX_AUDIO_WRITER_OPTIONS_INIT;
    char name[64];
    snprintf(name, sizeof name, "sound%s", dmx_audio_format_extension(format));
    o.format = format;
    o.sample = sample;
    test_sound in = test_sound_make(rate, channels, frames), out;
    test_sound_write(&in, test_path(name), o);
    assert_ok(test_sound_read(&out, test_path(name), NULL, 1000, &err), &err);
    if (out.rate != rate || out.channels != channels || out.frames != frames)
        fail_msg("%s %d Hz, %d channels, %lld frames: got %d, %d, %lld", name,
                 rate, channels, (long long)frames, out.rate, out.channels,
                 (long long)out.frames);
    if (sample == DMX_AUDIO_F32 && format == DMX_AUDIO_WAV)
        assert_true(same(&in, &out));
    const double snr = test_sound_snr(&in, &out);
    if (frames > 2000 && snr < least_snr)
        fail_msg("%s %d Hz, %d channels, %lld frames: SNR %.1f dB", name, rate,
                 channels, (long long)frames, snr);
    test_sound_free(&in);
    test_sound_free(&out);
}

static void sweep(dmx_audio_format format, dmx_audio_sample sample,
                  int max_channels, double least_snr)
{
    for (size_t r = 0; r < COUNT(rates); r++) {
        if (dmx_audio_format_rate(format, rates[r]) != rates[r])
            continue;
        /* MP3 can't say that so little of its frames is sound. */
        for (size_t l = format == DMX_AUDIO_MP3; l < COUNT(lengths); l++)
            for (int channels = 1; channels <= max_channels; channels++)
                check(format, sample, rates[r], channels, lengths[l],
                      least_snr);
    }
}

static void test_wav(void **state)
{
    (void)state;
    sweep(DMX_AUDIO_WAV, DMX_AUDIO_S16, 3, 80);
    sweep(DMX_AUDIO_WAV, DMX_AUDIO_S24, 2, 125);
    sweep(DMX_AUDIO_WAV, DMX_AUDIO_F32, 2, 900);
    check(DMX_AUDIO_WAV, DMX_AUDIO_S24, 44100, 24, 3001, 125);
    check(DMX_AUDIO_WAV, DMX_AUDIO_F32, 8000, 64, 3001, 900);
}

static void test_flac(void **state)
{
    (void)state;
    sweep(DMX_AUDIO_FLAC, DMX_AUDIO_S16, 2, 80);
    sweep(DMX_AUDIO_FLAC, DMX_AUDIO_S24, 2, 125);
    check(DMX_AUDIO_FLAC, DMX_AUDIO_S24, 44100, 8, 9999, 125);
}

static void test_mp3(void **state)
{
    (void)state;
    /* LAME lowers low sample rates by 0.45 dB: an error of -26 dB. */
    sweep(DMX_AUDIO_MP3, DMX_AUDIO_S16, 2, 20);
    for (int64_t frames = 8000; frames < 9200; frames += 7)
        check(DMX_AUDIO_MP3, DMX_AUDIO_S16, 44100, 1, frames, 20);
    check(DMX_AUDIO_MP3, DMX_AUDIO_S16, 44100, 2, 30011, 40);
}

static void test_ogg(void **state)
{
    (void)state;
    sweep(DMX_AUDIO_OGG, DMX_AUDIO_S16, 2, 25);
    /* The low-frequency channel loses its high tone. */
    check(DMX_AUDIO_OGG, DMX_AUDIO_S16, 44100, 6, 30011, 5);
    check(DMX_AUDIO_OGG, DMX_AUDIO_S16, 44100, 2, 44100 * 61, 25);
}

static void test_opus(void **state)
{
    (void)state;
    sweep(DMX_AUDIO_OPUS, DMX_AUDIO_S16, 2, 20);
}

static void test_m4a(void **state)
{
    (void)state;
    sweep(DMX_AUDIO_M4A, DMX_AUDIO_S16, 2, 10);
}

static void test_rate_rule(void **state)
{
    (void)state;
    assert_int_equal(dmx_audio_format_rate(DMX_AUDIO_MP3, 44100), 44100);
    assert_int_equal(dmx_audio_format_rate(DMX_AUDIO_MP3, 44000), 44100);
    assert_int_equal(dmx_audio_format_rate(DMX_AUDIO_MP3, 192000), 48000);
    assert_int_equal(dmx_audio_format_rate(DMX_AUDIO_OPUS, 44100), 48000);
    assert_int_equal(dmx_audio_format_rate(DMX_AUDIO_M4A, 6000), 8000);
    assert_int_equal(dmx_audio_format_rate(DMX_AUDIO_WAV, 768000), 768000);
}

static void test_names(void **state)
{
    (void)state;
    dmx_audio_format format;
    assert_true(dmx_audio_format_parse(&format, "x/y.z.FLAC"));
    assert_int_equal(format, DMX_AUDIO_FLAC);
    assert_true(dmx_audio_format_parse(&format, "mp3"));
    assert_int_equal(format, DMX_AUDIO_MP3);
    assert_false(dmx_audio_format_parse(&format, "x.txt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wav),       cmocka_unit_test(test_flac),
        cmocka_unit_test(test_mp3),       cmocka_unit_test(test_ogg),
        cmocka_unit_test(test_opus),      cmocka_unit_test(test_m4a),
        cmocka_unit_test(test_rate_rule), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
