/* The separator's interface: shifts, bags, turns, cancelling, refusals. */
#include "separate/backends.h"
#include "separate/python_random.h"
#include "test_support.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 2, MOST_ROWS = 8, RATE = 44100 };

/* A track in memory, `silence` zeros in front of it. */
typedef struct track {
    const float *mix; /* [CHANNELS][length] */
    int64_t length, silence, in, out;
    size_t rows;
    float *stems; /* [rows][silence + length] */
    int64_t fail_at;
} track;

static dmx_status read_mix(void *user, float *const *planes, size_t capacity,
                           size_t *got, dmx_error *err)
{
    track *t = user;
    DMX_RETURN_IF(t->fail_at > 0 && t->in >= t->fail_at, err, DMX_ERROR_IO,
                  "the disk is gone");
    int64_t n = t->silence + t->length - t->in;
    n = n < 3001 ? n : 3001;
    n = n < (int64_t)capacity ? n : (int64_t)capacity;
    for (int64_t c = 0; c < CHANNELS; c++)
        for (int64_t i = 0; i < n; i++) {
            const int64_t at = t->in + i - t->silence;
            planes[c][i] = at < 0 ? 0 : t->mix[c * t->length + at];
        }
    t->in += n;
    *got = (size_t)n;
    return DMX_OK;
}

static dmx_status rewind_mix(void *user, dmx_error *err)
{
    (void)err;
    ((track *)user)->in = 0;
    return DMX_OK;
}

static dmx_status write_stems(void *user, const float *const *stems,
                              const float *const *mix, size_t frames,
                              dmx_error *err)
{
    (void)mix;
    (void)err;
    track *t = user;
    for (size_t r = 0; r < t->rows; r++)
        memcpy(t->stems + (int64_t)r * (t->silence + t->length) + t->out,
               stems[r], frames * sizeof(float));
    t->out += (int64_t)frames;
    return DMX_OK;
}

static dmx_separator_io io_of(track *t)
{
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    io.user = t;
    io.read = read_mix;
    io.rewind = rewind_mix;
    io.write = write_stems;
    return io;
}

static float *noise(int64_t length)
{
    float *mix = malloc((size_t)(CHANNELS * length) * sizeof *mix);
    assert_non_null(mix);
    uint64_t random = 5;
    for (int64_t i = 0; i < CHANNELS * length; i++)
        mix[i] = (float)(0.2 * test_normal(&random));
    return mix;
}

static dmx_separator *open_model(const char *model,
                                 const dmx_separator_options *options)
{
    dmx_separator *s;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_separator_open_file(&s, model, options, &err), &err);
    return s;
}

/* The stems of a track, malloc'd: [rows][silence + length]. */
static float *separated(dmx_separator *s, const float *mix, int64_t length,
                        int64_t silence, dmx_normalization normalize)
{
    track t = {.mix = mix, .length = length, .silence = silence};
    t.rows = dmx_separator_stems(s) * CHANNELS;
    t.stems = malloc(t.rows * (size_t)(silence + length) * sizeof *t.stems);
    assert_non_null(t.stems);
    dmx_separator_io io = io_of(&t);
    io.normalize = normalize;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_separator_run(s, &io, NULL, &err), &err);
    assert_int_equal(t.out, silence + length);
    return t.stems;
}

/* The original takes a random view of the track padded by half a second: the
 * same as that much silence in front of it, cut off again. */
static void test_shifts(void **state)
{
    (void)state;
    enum { LENGTH = 60000, SHIFTS = 3, MOST = RATE / 2 };
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    float *mix = noise(LENGTH);
    dmx_separator *plain = open_model(test_data("htdemucs/model.th"), &o);
    o.shifts = SHIFTS;
    o.seed = 42;
    dmx_separator *shifted = open_model(test_data("htdemucs/model.th"), &o);
    float *got = separated(shifted, mix, LENGTH, 0, DMX_NORMALIZE_NONE);
    double *mean = calloc(MOST_ROWS * LENGTH, sizeof *mean);
    dmx_python_random random;
    dmx_python_seed(&random, 42);
    for (int i = 0; i < SHIFTS; i++) {
        const int64_t silence =
            MOST - (int64_t)dmx_python_randint(&random, MOST);
        /* The network draws a position for each piece. */
        const int64_t stride = dmx_separator_samples(plain) * 3 / 4;
        for (int64_t at = 0; at < silence + LENGTH; at += stride)
            (void)dmx_python_randint(&random, 0);
        float *one = separated(plain, mix, LENGTH, silence, DMX_NORMALIZE_NONE);
        for (int64_t r = 0; r < MOST_ROWS; r++)
            for (int64_t t = 0; t < LENGTH; t++)
                mean[r * LENGTH + t] +=
                    (double)one[r * (silence + LENGTH) + silence + t] / SHIFTS;
        free(one);
    }
    for (int64_t i = 0; i < (int64_t)MOST_ROWS * LENGTH; i++)
        assert_true(fabs(mean[i] - (double)got[i]) < 1e-6);
    dmx_separator_close(plain);
    dmx_separator_close(shifted);
    free(mean);
    free(got);
    free(mix);
}

static const char *write_file(const char *name, const char *text)
{
    static char path[1200];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* For one stem of a bag of specialists, one model is loaded: the others may be
 * broken. */
static void test_specialists(void **state)
{
    (void)state;
    char command[9000], target[4096];
    assert_non_null(realpath(test_data("htdemucs/model.th"), target));
    snprintf(command, sizeof command, "cp '%s' '%s/good.th'", target,
             test_folder());
    assert_int_equal(system(command), 0);
    write_file("broken.th", "no checkpoint");
    const char *bag =
        write_file("bag.yaml", "models: ['good', 'broken', 'good', 'good']\n"
                               "weights: [[1, 0, 0, 0], [0, 1, 0, 0],"
                               " [0, 0, 1, 0], [0, 0, 0, 1]]\n");
    dmx_separator_options o = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_separator *s;
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_separator_open_file(&s, bag, &o, &err),
                     DMX_ERROR_FORMAT);
    const char *stems[] = {"vocals", "drums", NULL};
    o.stems = stems;
    s = open_model(bag, &o);
    assert_int_equal(dmx_separator_stems(s), 2);
    assert_string_equal(dmx_separator_stem(s, 0), "drums");
    assert_string_equal(dmx_separator_stem(s, 1), "vocals");
    assert_null(dmx_separator_stem(s, 2));
    assert_int_equal(dmx_separator_sources(s), 4);
    dmx_separator *all = open_model(test_data("htdemucs/model.th"), NULL);
    float *mix = noise(30000);
    float *two = separated(s, mix, 30000, 0, DMX_NORMALIZE_TRACK);
    float *four = separated(all, mix, 30000, 0, DMX_NORMALIZE_TRACK);
    const size_t stem = (size_t)CHANNELS * 30000;
    assert_memory_equal(two, four, stem * sizeof *two);
    assert_memory_equal(two + stem, four + 3 * stem, stem * sizeof *two);
    free(two);
    free(four);
    free(mix);
    dmx_separator_close(s);
    dmx_separator_close(all);
}

typedef struct worker {
    dmx_separator *separator;
    const float *mix;
    float *stems;
} worker;

static void *work(void *argument)
{
    worker *w = argument;
    w->stems = separated(w->separator, w->mix, 50000, 0, DMX_NORMALIZE_TRACK);
    return NULL;
}

static void test_turns(void **state)
{
    (void)state;
    enum { WORKERS = 3 };
    dmx_separator *s = open_model(test_data("htdemucs/model.th"), NULL);
    float *mix = noise(50000);
    worker w[WORKERS];
    pthread_t thread[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        w[i] = (worker){s, mix, NULL};
        assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(thread[i], NULL);
        assert_memory_equal(w[i].stems, w[0].stems,
                            (size_t)MOST_ROWS * 50000 * sizeof(float));
    }
    for (int i = 0; i < WORKERS; i++)
        free(w[i].stems);
    free(mix);
    dmx_separator_close(s);
}

static int stop_at(void *user, const char *stage, double fraction)
{
    assert_true(fraction >= 0 && fraction <= 1);
    return strcmp(stage, "separate") == 0 && fraction > *(double *)user;
}

static void test_stopping(void **state)
{
    (void)state;
    dmx_separator *s = open_model(test_data("htdemucs/model.th"), NULL);
    float *mix = noise(100000);
    track t = {.mix = mix, .length = 100000, .rows = MOST_ROWS};
    t.stems = malloc((size_t)MOST_ROWS * 100000 * sizeof *t.stems);
    dmx_separator_io io = io_of(&t);
    double when = 0.3;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &when, .progress = stop_at};
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_separator_run(s, &io, &hooks, &err),
                     DMX_ERROR_CANCELLED);
    assert_true(t.out < 100000);
    t.in = t.out = 0;
    t.fail_at = 60000;
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_separator_run(s, &io, NULL, &err), DMX_ERROR_IO);
    assert_string_equal(err.message, "the disk is gone");
    /* It works again afterwards. */
    free(separated(s, mix, 1000, 0, DMX_NORMALIZE_TRACK));
    free(t.stems);
    free(mix);
    dmx_separator_close(s);
}

static void refuse(const dmx_separator_options *o, const char *wanted)
{
    dmx_separator *s;
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(
        dmx_separator_open_file(&s, test_data("htdemucs/model.th"), o, &err),
        DMX_ERROR_ARGUMENT);
    assert_null(s);
    if (strstr(err.message, wanted) == NULL)
        fail_msg("'%s' does not say '%s'", err.message, wanted);
}

static void test_refusals(void **state)
{
    (void)state;
    const dmx_separator_options fine = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_separator_options o = fine;
    const char *stems[] = {"kazoo", NULL};
    const char *all[] = {"drums", "bass", "other", "vocals", NULL};
    o.overlap = 1;
    refuse(&o, "allowed is 0 to 0.99");
    o = fine;
    o.overlap = NAN;
    refuse(&o, "allowed is 0 to 0.99");
    o = fine;
    o.transition_power = 0.5;
    refuse(&o, "allowed is 1 to 32");
    o = fine;
    o.shifts = -1;
    refuse(&o, "allowed is 0 to 100");
    o = fine;
    o.segment = 100;
    refuse(&o, "more than the model was trained for; allowed is 0.1 to");
    o = fine;
    o.stems = stems;
    refuse(&o, "no stem 'kazoo'; it has drums, bass, other, vocals");
    o = fine;
    o.without = all;
    refuse(&o, "no stem is left");
    o.stems = stems;
    refuse(&o, "either");
    o = fine;
    o.size = 0;
    refuse(&o, "DMX_SEPARATOR_OPTIONS_INIT");
    o = fine;
    o.backend = (dmx_backend)17;
    refuse(&o, "engine");
}

static void test_callbacks_are_needed(void **state)
{
    (void)state;
    dmx_separator *s = open_model(test_data("htdemucs/model.th"), NULL);
    track t = {.rows = MOST_ROWS};
    dmx_separator_io io = io_of(&t);
    dmx_error err = DMX_ERROR_INIT;
    io.rewind = NULL;
    assert_int_equal(dmx_separator_run(s, &io, NULL, &err), DMX_ERROR_ARGUMENT);
    io.normalize = DMX_NORMALIZE_GIVEN;
    io.std = -1;
    assert_int_equal(dmx_separator_run(s, &io, NULL, NULL), DMX_ERROR_ARGUMENT);
    /* An empty track gives empty stems. */
    io.std = 1;
    err = (dmx_error)DMX_ERROR_INIT;
    assert_ok(dmx_separator_run(s, &io, NULL, &err), &err);
    assert_int_equal(t.out, 0);
    io.write = NULL;
    assert_int_equal(dmx_separator_run(s, &io, NULL, NULL), DMX_ERROR_ARGUMENT);
    dmx_separator_close(s);
    dmx_separator_close(NULL);
}

static void test_backends(void **state)
{
    (void)state;
    dmx_backend found, chosen;
    dmx_error err = DMX_ERROR_INIT;
    int count = 0;
    for (; dmx_backend_name((dmx_backend)count) != NULL; count++) {
        const dmx_backend b = (dmx_backend)count;
        assert_int_equal(dmx_backend_find(&found, dmx_backend_name(b)), 1);
        assert_int_equal(found, b);
        assert_true((dmx_backend_entry_of(b)->open == NULL) ==
                    (b == DMX_BACKEND_AUTO));
        const bool onnx =
            b == DMX_BACKEND_AUTO || dmx_backend_entry_of(b)->onnx;
        assert_int_equal(dmx_backend_choose(&chosen, b, true, "x.onnx", &err),
                         onnx ? DMX_OK : DMX_ERROR_ARGUMENT);
        assert_ok(dmx_backend_choose(&chosen, b, false, "x.th", &err), &err);
        assert_non_null(dmx_backend_entry_of(chosen)->open);
    }
    assert_int_equal(count, DMX_BACKEND_REFERENCE + 1);
    assert_int_equal(dmx_backend_find(&found, "abacus"), 0);
    assert_int_equal(dmx_backend_find(&found, NULL), 0);
    assert_null(dmx_backend_entry_of((dmx_backend)-1));
    assert_ok(dmx_backend_choose(&chosen, DMX_BACKEND_AUTO, true, "", &err),
              &err);
    assert_int_equal(chosen, DMX_BACKEND_ONNXRUNTIME);
    assert_ok(dmx_backend_choose(&chosen, DMX_BACKEND_AUTO, false, "", &err),
              &err);
    assert_int_equal(chosen, DMX_BACKEND_NATIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shifts),
        cmocka_unit_test(test_specialists),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_backends),
        cmocka_unit_test(test_callbacks_are_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
