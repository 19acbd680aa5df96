/* Constructor arguments: files, overrides, typed access. */
#include "test_support.h"

#include "arch/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const dmx_argument table[] = {
    {"sources", "null", DMX_ARGUMENT_USED},
    {"channels", "48", DMX_ARGUMENT_USED},
    {NULL, NULL, DMX_ARGUMENT_IGNORED},
};

static const char *write_file(const char *text)
{
    static char path[1100];
    snprintf(path, sizeof path, "%s/config", test_folder());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static dmx_json *read_text(const char *text)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_json *out;
    assert_ok(dmx_arguments_read_file(&out, write_file(text), "htdemucs", &err),
              &err);
    return out;
}

static void assert_json(dmx_json *value, const char *expected)
{
    char *text = dmx_json_print_compact(value);
    assert_string_equal(text, expected);
    free(text);
    dmx_json_free(value);
}

static void test_files(void **state)
{
    (void)state;
    assert_json(read_text("{\"channels\": 8}"), "{\"channels\":8}");
    assert_json(read_text("channels: 8\ngrowth: 2.0\nt_emb: sin\n"),
                "{\"channels\":8,\"growth\":2,\"t_emb\":\"sin\"}");
    assert_json(read_text("a: null\nb: ~\nc:\nd: yes\ne: False\nf: '8'\n"
                          "g: [1, x]\nh: {i: 39/5}\n"),
                "{\"a\":null,\"b\":null,\"c\":null,\"d\":true,\"e\":false,"
                "\"f\":\"8\",\"g\":[1,\"x\"],\"h\":{\"i\":\"39/5\"}}");
}

/* The form of community training repositories. */
static void test_training_section(void **state)
{
    (void)state;
    assert_json(read_text("audio:\n  chunk_size: 485100\n"
                          "training:\n  instruments: [vocals, other]\n"
                          "  channels: 2\n  samplerate: 44100\n  segment: 11\n"
                          "  lr: 1e-4\n"
                          "htdemucs: # comment\n  channels: 48\n"
                          "  channels_time:\nmodel: htdemucs\n"),
                "{\"channels\":48,\"channels_time\":null,"
                "\"sources\":[\"vocals\",\"other\"],\"audio_channels\":2,"
                "\"samplerate\":44100,\"segment\":11,"
                "\"use_train_segment\":false}");
    /* A single band, given explicitly, is the same network. */
    assert_json(read_text("training:\n  instruments: [vocals]\n"
                          "htdemucs:\n  num_subbands: 1\n"
                          "  use_train_segment: true\n"),
                "{\"use_train_segment\":true,\"sources\":[\"vocals\"]}");
}

static void test_bad_files(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",   "[1, 2]", "a: &x 1\nb: *x\n", "a: [", "{\"a\"", "a: 1\n  b: 2\n",
        "\t",
    };
    dmx_json *out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(
            dmx_arguments_read_file(&out, write_file(bad[i]), "htdemucs", NULL),
            DMX_ERROR_FORMAT);
    char deep[400] = "a: ";
    memset(deep + 3, '[', 200);
    assert_int_equal(
        dmx_arguments_read_file(&out, write_file(deep), "htdemucs", NULL),
        DMX_ERROR_LIMIT);
}

static void test_set(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_json *o = dmx_json_new(DMX_JSON_OBJECT);
    assert_ok(dmx_arguments_set(o, "a=4", &err), &err);
    assert_ok(dmx_arguments_set(o, "a=5", &err), &err);
    assert_ok(dmx_arguments_set(o, "b=[0.25,0.5]", &err), &err);
    assert_ok(dmx_arguments_set(o, "c=39/80", &err), &err);
    assert_ok(dmx_arguments_set(o, "d=", &err), &err);
    assert_int_equal(dmx_arguments_set(o, "d", NULL), DMX_ERROR_ARGUMENT);
    assert_int_equal(dmx_arguments_set(o, "=1", NULL), DMX_ERROR_ARGUMENT);
    assert_json(o, "{\"a\":5,\"b\":[0.25,0.5],\"c\":\"39/80\",\"d\":\"\"}");
}

static void count_warning(void *user, const char *message)
{
    assert_non_null(strstr(message, "unknown argument 'oops'"));
    ++*(int *)user;
}

static void count_line(void *user, const char *message)
{
    (void)message;
    ++*(int *)user;
}

/* A hundred thousand keys are handled in linear time, not by comparing each
 * with all others. */
static void test_many_arguments(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *checkpoint;
    dmx_model *model;
    int lines = 0;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &lines, .warn = count_line};
    dmx_model_options o = DMX_MODEL_OPTIONS_INIT;
    o.hooks = &hooks;
    assert_ok(dmx_checkpoint_open(&checkpoint,
                                  test_data("demo/htdemucs_tiny-87685527.th"),
                                  NULL, &err),
              &err);
    for (int yaml = 0; yaml < 2; yaml++) {
        const int count = yaml ? 20000 : 80000;
        char *text = malloc((size_t)count * 16), *p = text;
        assert_non_null(text);
        p += sprintf(p, yaml ? "x: 1\n" : "{\"x\":1");
        for (int i = 0; i < count; i++)
            p += sprintf(p, yaml ? "k%d: 1\n" : ",\"k%d\":1", i);
        sprintf(p, yaml ? "" : "}");
        o.config_path = write_file(text);
        free(text);
        const clock_t before = clock();
        assert_int_equal(dmx_model_open(&model, checkpoint, &o, &err),
                         DMX_ERROR_LIMIT);
        assert_true(clock() - before < 2 * CLOCKS_PER_SEC);
        assert_non_null(strstr(err.message, o.config_path));
        assert_non_null(strstr(err.message, "arguments are more than"));
    }
    /* Fewer are accepted, but not all are named. */
    char *text = malloc(16000), *p = text;
    p += sprintf(p, "{\"x\":1");
    for (int i = 0; i < 900; i++)
        p += sprintf(p, ",\"k%d\":1", i);
    sprintf(p, "}");
    o.config_path = write_file(text);
    free(text);
    lines = 0;
    assert_ok(dmx_model_open(&model, checkpoint, &o, &err), &err);
    assert_int_equal(lines, 11);
    dmx_model_close(model);
    dmx_checkpoint_close(checkpoint);
}

static void test_complete(void **state)
{
    (void)state;
    int warnings = 0;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &warnings, .warn = count_warning};
    dmx_json *o = dmx_json_read("{\"oops\": 1, \"channels\": 8}");
    assert_ok(dmx_arguments_complete(o, table, &hooks, &err), &err);
    assert_int_equal(warnings, 1);
    assert_json(o, "{\"channels\":8,\"sources\":null}");
    assert_true(dmx_arguments_known(table, "sources"));
    assert_false(dmx_arguments_known(table, "source"));
}

static void test_numbers(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_json *o = dmx_json_read("{\"t\":true,\"n\":null,\"f\":8.0,\"h\":0.5,"
                                "\"s\":\"x\"}");
    int64_t i;
    bool b;
    assert_ok(dmx_argument_int(&i, o, "t", 0, 9, &err), &err);
    assert_int_equal(i, 1);
    assert_ok(dmx_argument_int(&i, o, "n", 0, 9, &err), &err);
    assert_int_equal(i, 0);
    assert_ok(dmx_argument_int(&i, o, "f", 0, 9, &err), &err);
    assert_int_equal(i, 8);
    assert_int_equal(dmx_argument_int(&i, o, "f", 0, 7, NULL), DMX_ERROR_MODEL);
    assert_int_equal(dmx_argument_int(&i, o, "h", 0, 7, NULL), DMX_ERROR_MODEL);
    assert_int_equal(dmx_argument_int(&i, o, "s", 0, 7, NULL), DMX_ERROR_MODEL);
    assert_int_equal(dmx_argument_int(&i, o, "none", 0, 7, NULL),
                     DMX_ERROR_MODEL);
    assert_ok(dmx_argument_bool(&b, o, "h", &err), &err);
    assert_true(b);
    dmx_json_free(o);
}

static void check_seconds(const char *json, int64_t numerator,
                          int64_t denominator)
{
    dmx_error err = DMX_ERROR_INIT;
    int64_t fraction[2];
    double seconds;
    dmx_json *o = dmx_json_new(DMX_JSON_OBJECT);
    dmx_json_add(o, "s", dmx_json_read(json));
    assert_ok(dmx_argument_seconds(fraction, &seconds, o, "s", &err), &err);
    assert_int_equal(fraction[0], numerator);
    assert_int_equal(fraction[1], denominator);
    dmx_json_free(o);
}

static void test_seconds(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0", "-1", "\"1/0\"", "\"x\"", "[]", "null", "\"39/\"", "1e9", "{}"};
    check_seconds("7.8", 39, 5);
    check_seconds("\"78/10\"", 39, 5);
    check_seconds("\"7.8\"", 39, 5);
    check_seconds("10", 10, 1);
    check_seconds("{\"_type\":\"fraction\",\"numerator\":39,"
                  "\"denominator\":80}",
                  39, 80);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t fraction[2];
        double seconds;
        dmx_json *o = dmx_json_new(DMX_JSON_OBJECT);
        dmx_json_add(o, "s", dmx_json_read(bad[i]));
        assert_int_equal(dmx_argument_seconds(fraction, &seconds, o, "s", NULL),
                         DMX_ERROR_MODEL);
        dmx_json_free(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_training_section),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_many_arguments),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
