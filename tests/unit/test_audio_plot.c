/* The picture: accumulators, PNG and SVG, odd lengths and names. */
#include "test_audio.h"
#include "audio/plot.h"
#include "audio/plot_parts.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"mix", "drums", "<&\"\x01\xE9>"};

static dmx_plot *make(int64_t frames, int rate, size_t tracks,
                      const char *title)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_plot_options o = DMX_PLOT_OPTIONS_INIT;
    dmx_plot *p;
    o.title = title;
    o.name = names;
    o.tracks = tracks;
    o.rate = rate;
    o.frames = frames;
    o.width = 300;
    assert_ok(dmx_plot_open(&p, &o, &err), &err);
    return p;
}

static void push(dmx_plot *p, size_t track, const test_sound *s, size_t block)
{
    for (int64_t at = 0; at < s->frames; at += (int64_t)block) {
        const float *planes[2] = {s->plane[0] + at, s->plane[1] + at};
        const size_t left = (size_t)(s->frames - at);
        dmx_plot_push(p, track, planes, 2, left < block ? left : block);
    }
}

static void test_wave(void **state)
{
    (void)state;
    test_sound s = test_sound_make(44100, 2, 3000);
    for (int i = 0; i < 3000; i++)
        s.plane[0][i] = s.plane[1][i] = i < 1500 ? 0.5f : -0.25f;
    dmx_plot *p = make(3000, 44100, 1, NULL);
    push(p, 0, &s, 77);
    double low, high, rms;
    dmx_plot_wave(&p->track[0], 10, &low, &high, &rms);
    assert_true(low == 0.5 && high == 0.5 && fabs(rms - 0.5) < 1e-9);
    dmx_plot_wave(&p->track[0], 299, &low, &high, &rms);
    assert_true(low == -0.25 && fabs(rms - 0.25) < 1e-9);
    assert_true(dmx_plot_peak(p) == 0.5);
    dmx_plot_close(p);
    test_sound_free(&s);
}

/* A sine's power is 1 in its own band and gone elsewhere. */
static void test_spectrum(void **state)
{
    (void)state;
    dmx_spectrum *s = malloc(sizeof *s);
    dmx_spectrum_init(s, 44100);
    float x[DMX_SPECTRUM_SIZE], power[DMX_SPECTRUM_BANDS] = {0};
    const double hertz = 100 * 44100.0 / DMX_SPECTRUM_SIZE;
    for (int i = 0; i < DMX_SPECTRUM_SIZE; i++)
        x[i] = (float)sin(6.283185307179586 * 100 * i / DMX_SPECTRUM_SIZE);
    dmx_spectrum_add(s, power, x);
    const int band = (int)dmx_spectrum_position(s, hertz);
    assert_true(power[band] > 0.2 && power[band] < 1.1);
    assert_true(power[band - 20] < 1e-6 && power[band + 20] < 1e-6);
    free(s);
}

static void check_png(const char *path, int width, int height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    image.format = PNG_FORMAT_RGB;
    unsigned char *rgb = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    size_t bright = 0;
    for (size_t i = 0; i < PNG_IMAGE_SIZE(image); i++)
        bright += rgb[i] > 128;
    assert_true(bright > 1000); /* something was drawn */
    free(rgb);
}

static void check_svg(const char *path)
{
    size_t size;
    unsigned char *bytes = test_bytes(path, &size);
    bytes[size] = '\0';
    const char *text = (const char *)bytes;
    assert_true(strncmp(text, "<svg ", 5) == 0);
    assert_non_null(strstr(text, "</svg>\n"));
    assert_null(strchr(text, '\x01'));
    assert_null(strstr(text, "<&"));
    assert_non_null(strstr(text, ">&lt;&amp;\"?&gt;<"));
    free(bytes);
}

static void test_files(void **state)
{
    (void)state;
    static const int64_t lengths[] = {1, 2, 299, 1000, 3000, 100000};
    for (size_t i = 0; i < 6; i++) {
        dmx_error err = DMX_ERROR_INIT;
        test_sound s = test_sound_make(44100, 2, lengths[i]);
        dmx_plot *p =
            make(lengths[i], 44100, 3, "Caf\xC3\xA9 \xE2\x80\x94 \xE6\xBC\xA2");
        push(p, 0, &s, 1000);
        push(p, 1, &s, 999);
        push(p, 1, &s, 1000); /* too much: ignored */
        assert_ok(dmx_plot_write(p, test_path("plot.png"), &err), &err);
        assert_ok(dmx_plot_write(p, test_path("plot.SVG"), &err), &err);
        check_png(test_path("plot.png"), dmx_plot_picture_width(p),
                  dmx_plot_picture_height(p));
        check_svg(test_path("plot.SVG"));
        dmx_plot_close(p);
        test_sound_free(&s);
    }
}

/* The size of the blocks does not matter: the picture is the same, byte for
 * byte. */
static void test_blocks(void **state)
{
    (void)state;
    test_sound s = test_sound_make(8000, 2, 50000);
    unsigned char *png[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        dmx_plot *p = make(50000, 8000, 1, "x");
        push(p, 0, &s, i == 0 ? 50000 : 313);
        assert_ok(dmx_plot_png(&png[i], &size[i], p, NULL), NULL);
        dmx_plot_close(p);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(png[0], png[1], size[0]);
    free(png[0]);
    free(png[1]);
    test_sound_free(&s);
}

static void test_ticks(void **state)
{
    (void)state;
    dmx_plot_tick tick[DMX_PLOT_MAX_TICKS];
    static const int64_t lengths[] = {
        1, 1000, 44100, 44100 * 600ll, 44100 * 36000ll, 44100 * 9999999ll};
    for (size_t i = 0; i < 6; i++) {
        dmx_plot *p = make(lengths[i], 44100, 1, NULL);
        const int n = dmx_plot_ticks(p, tick);
        assert_true(n >= 1 && n <= 26);
        for (int k = 0; k < n; k++)
            assert_true(tick[k].x >= 0 && tick[k].x <= p->width);
        dmx_plot_close(p);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_plot_options o = DMX_PLOT_OPTIONS_INIT;
    dmx_plot *p;
    o.name = names;
    assert_int_equal(dmx_plot_open(&p, &o, &err), DMX_ERROR_ARGUMENT);
    o.tracks = 1;
    o.frames = 0;
    assert_int_equal(dmx_plot_open(&p, &o, &err), DMX_ERROR_ARGUMENT);
    assert_null(p);
    p = make(100, 44100, 1, NULL);
    assert_int_equal(dmx_plot_write(p, test_path("plot.gif"), &err),
                     DMX_ERROR_ARGUMENT);
    assert_int_equal(dmx_plot_write(p, test_path("no/plot.png"), &err),
                     DMX_ERROR_IO);
    dmx_plot_close(p);
    dmx_plot_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wave),  cmocka_unit_test(test_spectrum),
        cmocka_unit_test(test_files), cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_ticks), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
