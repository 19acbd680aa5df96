/* Allocations of opening a separator and of separating a song fail one after
 * the other: an error each time, no crash, no leak, no file. */
#include "failing_memory.h"
#include "test_audio.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct attempt {
    const char *model, *song, *file;
    dmx_separator *separator; /* NULL: opened by the attempt */
} attempt;

static dmx_status separate(const attempt *a, dmx_error *err)
{
    const double gain[] = {1, 0, 0, 0};
    const dmx_song_output output = {"drums", a->file, gain, 0};
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    o.output = &output;
    o.outputs = 1;
    return dmx_separate_song(a->separator, a->song, &o, NULL, err);
}

static dmx_status open_only(const attempt *a, dmx_error *err)
{
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_separator *s;
    o.threads = 1;
    o.shifts = 2;
    const dmx_status status = dmx_separator_open_file(&s, a->model, &o, err);
    dmx_separator_close(s);
    return status;
}

/* Fails the first, second ... allocation; from the `every`-th on, in steps. */
static void exhaust(const attempt *a, long every, long step)
{
    for (long n = 1;; n += n < every ? 1 : step) {
        dmx_error err = DMX_ERROR_INIT;
        failed = false;
        countdown = n;
        const dmx_status status =
            a->separator != NULL ? separate(a, &err) : open_only(a, &err);
        countdown = 0;
        assert_int_equal(status, err.code);
        if (!failed) {
            assert_ok(status, &err);
            assert_true(n > 10);
            return;
        }
        /* Only a picture or a cover may be left out. */
        if (status != DMX_OK && a->separator != NULL)
            assert_int_equal(test_count_files("stem"), 0);
        remove(a->file);
    }
}

static void test_open(void **state)
{
    (void)state;
    const attempt a = {.model = test_data("no_transformer/model.th"),
                       .file = "none"};
    exhaust(&a, 400, 3);
}

static void test_song(void **state)
{
    (void)state;
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    attempt a = {.model = test_data("no_transformer/model.th")};
    char song[1200], file[1200];
    snprintf(song, sizeof song, "%s", test_path("song.wav"));
    snprintf(file, sizeof file, "%s", test_path("stem.wav"));
    a.song = song;
    a.file = file;
    test_sound in = test_sound_make(48000, 1, 9000);
    const dmx_audio_writer_options w = DMX_AUDIO_WRITER_OPTIONS_INIT;
    test_sound_write(&in, song, w);
    test_sound_free(&in);
    o.threads = 1;
    assert_ok(dmx_separator_open_file(&a.separator, a.model, &o, &err), &err);
    exhaust(&a, 100000, 1);
    dmx_separator_close(a.separator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_song),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
