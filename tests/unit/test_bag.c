/* Bag files and local model repositories. */
#include "test_support.h"

#include "hub/bag.h"
#include "hub/repository.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static dmx_status parse(struct dmx_bag **bag, const char *text, dmx_error *err)
{
    *err = (dmx_error)DMX_ERROR_INIT;
    return dmx_bag_parse(bag, text, strlen(text), "x.yaml", err);
}

static void reads_yaml(void **state)
{
    (void)state;
    dmx_error err;
    struct dmx_bag *bag;
    assert_ok(parse(&bag,
                    "models: ['a', \"b\"]\nweights: [[1., 0.], [0.5, 2]]\n"
                    "segment: 7.8\nnote: {deep: [1, {x: 2}]}\n",
                    &err),
              &err);
    assert_string_equal(dmx_bag_name(bag), "x");
    assert_int_equal(dmx_bag_members(bag), 2);
    assert_string_equal(dmx_bag_signature(bag, 1), "b");
    assert_null(dmx_bag_signature(bag, 2));
    assert_int_equal(dmx_bag_sources(bag), 2);
    assert_true(dmx_bag_weight(bag, 1, 0) == 0.5);
    assert_true(dmx_bag_weight(bag, 0, 1) == 0);
    assert_true(dmx_bag_weight(bag, 9, 9) == 0);
    assert_true(dmx_bag_segment(bag) == 7.8);
    assert_int_equal(dmx_bag_specialist(bag, 0), -1);
    assert_int_equal(dmx_bag_specialist(bag, 1), 1);
    dmx_bag_keep_source(bag, 1);
    assert_int_equal(dmx_bag_members(bag), 1);
    assert_string_equal(dmx_bag_signature(bag, 0), "b");
    assert_true(dmx_bag_weight(bag, 0, 1) == 2);
    dmx_bag_close(bag);
}

static void reads_json_and_nulls(void **state)
{
    (void)state;
    dmx_error err;
    struct dmx_bag *bag;
    assert_ok(parse(&bag,
                    "{\"models\": [\"my model_0.onnx\"], \"weights\": null,"
                    " \"segment\": null}",
                    &err),
              &err);
    assert_int_equal(dmx_bag_sources(bag), 0);
    assert_true(dmx_bag_weight(bag, 0, 3) == 1);
    assert_int_equal(dmx_bag_specialist(bag, 3), 0);
    assert_true(dmx_bag_segment(bag) == 0);
    dmx_bag_close(bag);
}

/* What is written is read back, in any locale. */
static void writes_what_it_reads(void **state)
{
    (void)state;
    dmx_error err;
    struct dmx_bag *bag, *again;
    char folder[300], path[400];
    static const char *const file[] = {"x_0.onnx", "\"x\" 1.onnx"};
    static const char *const unsafe[][2] = {
        {"x_0.onnx", "../x.onnx"}, {"x_0.onnx", NULL}, {"", "x_1.onnx"}};
    snprintf(folder, sizeof folder, "%s/written", test_folder());
    assert_int_equal(mkdir(folder, 0777), 0);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, file[i]);
        fclose(fopen(path, "w"));
    }
    snprintf(path, sizeof path, "%s/x.json", folder);
    assert_ok(parse(&bag,
                    "models: [a, b]\nweights: [[1, 0.1], [0, 0.7]]\n"
                    "segment: 7.8\n",
                    &err),
              &err);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(dmx_bag_write(path, bag, unsafe[i], &err),
                         DMX_ERROR_ARGUMENT);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    assert_ok(dmx_bag_write(path, bag, file, &err), &err);
    assert_ok(dmx_bag_open(&again, path, &err), &err);
    assert_int_equal(dmx_bag_members(again), 2);
    assert_string_equal(strrchr(dmx_bag_path(again, 1), '/') + 1, file[1]);
    for (size_t m = 0; m < 2; m++)
        for (size_t s = 0; s < 2; s++)
            assert_true(dmx_bag_weight(again, m, s) ==
                        dmx_bag_weight(bag, m, s));
    assert_true(dmx_bag_segment(again) == 7.8);
    dmx_bag_close(again);
    dmx_bag_close(bag);
}

static void refuses_bad_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        dmx_status code;
        const char *says;
    } bad[] = {
        {"", DMX_ERROR_FORMAT, "empty"},
        {"[a]", DMX_ERROR_FORMAT, "not a mapping"},
        {"segment: 3", DMX_ERROR_FORMAT, "no 'models'"},
        {"models: a", DMX_ERROR_FORMAT, "not a list"},
        {"models: []", DMX_ERROR_FORMAT, "empty"},
        {"models: [[a]]", DMX_ERROR_FORMAT, "name of a model"},
        {"models: ['../../etc/passwd']", DMX_ERROR_FORMAT, "name of a model"},
        {"models: ['.hidden']", DMX_ERROR_FORMAT, "name of a model"},
        {"models: [\"a\\0b\"]", DMX_ERROR_FORMAT, "zero byte"},
        {"models: [a]\nmodels: [b]", DMX_ERROR_FORMAT, "twice"},
        {"models: [a]\nweights: [[1, x]]", DMX_ERROR_FORMAT, "not a number"},
        {"models: [a]\nweights: [[1e999]]", DMX_ERROR_FORMAT, "not a number"},
        {"models: [a]\nweights: [[.nan]]", DMX_ERROR_FORMAT, "not a number"},
        {"models: [a]\nweights: [[1 2]]", DMX_ERROR_FORMAT, "not a number"},
        {"models: [a]\nweights: 3", DMX_ERROR_FORMAT, "not a list"},
        {"models: [a]\nweights: [3]", DMX_ERROR_FORMAT, "not a list"},
        {"models: [a]\nweights: [[]]", DMX_ERROR_FORMAT, "length"},
        {"models: [a, b]\nweights: [[1]]", DMX_ERROR_FORMAT, "1 rows"},
        {"models: [a, b]\nweights: [[1], [1, 1]]", DMX_ERROR_FORMAT, "length"},
        {"models: [a]\nweights: [[0]]", DMX_ERROR_FORMAT, "add up"},
        {"models: [a, b]\nweights: [[1], [-1]]", DMX_ERROR_FORMAT, "add up"},
        {"models: [a]\nsegment: -1", DMX_ERROR_FORMAT, "length in seconds"},
        {"models: [a]\nsegment: [1]", DMX_ERROR_FORMAT, "number"},
        {"models: &x [a]", DMX_ERROR_FORMAT, "aliases"},
        {"a: &x [1]\nb: *x\nmodels: [a]", DMX_ERROR_FORMAT, "aliases"},
        {"models: [a]\n---\nmodels: [b]", DMX_ERROR_FORMAT, "second document"},
        {"models: [a", DMX_ERROR_FORMAT, "not YAML"},
        {"? [a]\n: b", DMX_ERROR_FORMAT, "not text"},
        {"models: [a]\nx: "
         "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"
         "]]]]]]]]]]]]]]]",
         DMX_ERROR_LIMIT, "deep"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dmx_error err;
        struct dmx_bag *bag;
        const dmx_status status = parse(&bag, bad[i].text, &err);
        if (status != bad[i].code || strstr(err.message, bad[i].says) == NULL)
            fail_msg("%s: %s: %s", bad[i].text, dmx_status_name(status),
                     err.message);
        assert_null(bag);
        assert_null(strchr(err.message, '\n'));
    }
}

static void budgets(void **state)
{
    (void)state;
    dmx_error err;
    struct dmx_bag *bag;
    char *text = malloc(2u << 20);
    assert_non_null(text);
    strcpy(text, "models: [a");
    for (int i = 0; i < DMX_BAG_MEMBERS; i++)
        strcat(text, ",a");
    strcat(text, "]");
    assert_int_equal(parse(&bag, text, &err), DMX_ERROR_LIMIT);
    strcpy(text, "models: [a]\nweights: [[1");
    for (int i = 0; i < DMX_BAG_SOURCES; i++)
        strcat(text, ",1");
    strcat(text, "]]");
    assert_int_equal(parse(&bag, text, &err), DMX_ERROR_LIMIT);
    char *end = text + sprintf(text, "models: [a]\nx: [1");
    for (int i = 0; i < 110000; i++)
        end += sprintf(end, ",1");
    strcpy(end, "]");
    assert_int_equal(parse(&bag, text, &err), DMX_ERROR_LIMIT);
    memset(text, ' ', (2u << 20) - 1);
    text[(2u << 20) - 1] = '\0';
    assert_int_equal(parse(&bag, text, &err), DMX_ERROR_LIMIT);
    free(text);
}

/* Randomly changed bytes are either refused or read; nothing worse happens. */
static void mutations(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < 4000; round++) {
        char text[] = "models: ['a', 'b']\nweights: [\n  [1., 0.],\n"
                      "  [0., 1.],\n]\nsegment: 44\n";
        for (int k = 0; k < 3; k++)
            text[test_random(&seed) % (sizeof text - 1)] =
                (char)("[]{},:&*'\"\n -x09.\x80\xff?|>"[test_random(&seed) %
                                                        22]);
        dmx_error err = DMX_ERROR_INIT;
        struct dmx_bag *bag;
        if (dmx_bag_parse(&bag, text, sizeof text - 1, "m", &err) == DMX_OK)
            assert_true(dmx_bag_members(bag) > 0);
        dmx_bag_close(bag);
    }
}

/* ------------------------------------------------------------ repository */

static void fixture_repository(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    struct dmx_bag *bag;
    const char *folder = test_data("model_repository");
    assert_ok(dmx_repository_bag(&bag, folder, "pair", NULL, &err), &err);
    assert_string_equal(dmx_bag_name(bag), "pair");
    assert_non_null(strstr(dmx_bag_path(bag, 1), "aaaa0002-8212b610.th"));
    assert_int_equal(dmx_bag_sources(bag), 4);
    dmx_bag_close(bag);
    assert_ok(dmx_repository_bag(&bag, folder, "specialists", NULL, &err),
              &err);
    for (size_t s = 0; s < 4; s++)
        assert_int_equal(dmx_bag_specialist(bag, s), s);
    assert_ptr_equal(dmx_bag_path(bag, 0), dmx_bag_path(bag, 2));
    dmx_bag_close(bag);
    assert_ok(dmx_repository_bag(&bag, folder, "aaaa0001", NULL, &err), &err);
    assert_int_equal(dmx_bag_members(bag), 1);
    assert_string_equal(dmx_bag_signature(bag, 0), "aaaa0001");
    dmx_bag_close(bag);
    assert_ok(dmx_repository_bag(&bag, folder, "nothing", NULL, &err), &err);
    assert_null(bag);
    assert_ok(dmx_repository_bag(&bag, folder, "../htdemucs", NULL, &err),
              &err);
    assert_null(bag);
    char **names;
    size_t count;
    assert_ok(dmx_repository_names(&names, &count, folder, &err), &err);
    assert_int_equal(count, 5);
    assert_string_equal(names[0], "aaaa0001");
    assert_string_equal(names[4], "specialists");
    dmx_names_free(names, count);
}

static const char *write_file(const char *name, const char *text)
{
    static char path[1200];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
    return path;
}

static void repository_mistakes(void **state)
{
    (void)state;
    struct dmx_bag *bag;
    dmx_error err = DMX_ERROR_INIT;
    write_file("cccc-00000000.th", "not that hash");
    assert_int_equal(
        dmx_repository_bag(&bag, test_folder(), "cccc", NULL, &err),
        DMX_ERROR_HASH);
    err = (dmx_error)DMX_ERROR_INIT;
    write_file("cccc.th", "again");
    assert_int_equal(
        dmx_repository_bag(&bag, test_folder(), "cccc", NULL, &err),
        DMX_ERROR_ARGUMENT);
    err = (dmx_error)DMX_ERROR_INIT;
    write_file("broken.yaml", "models: [dddd]");
    assert_int_equal(
        dmx_repository_bag(&bag, test_folder(), "broken", NULL, &err),
        DMX_ERROR_IO);
    assert_non_null(strstr(err.message, "dddd"));
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_repository_bag(&bag, "/nonexistent", "x", NULL, &err),
                     DMX_ERROR_IO);
    err = (dmx_error)DMX_ERROR_INIT;
    write_file("plain.th", "no checksum in the name");
    assert_ok(dmx_repository_bag(&bag, test_folder(), "plain", NULL, &err),
              &err);
    dmx_bag_close(bag);
    write_file("out_0.onnx", "x");
    write_file("out.json", "{\"models\": [\"out_0.onnx\"]}");
    assert_ok(dmx_repository_bag(&bag, test_folder(), "out", NULL, &err), &err);
    assert_non_null(strstr(dmx_bag_path(bag, 0), "/out_0.onnx"));
    dmx_bag_close(bag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_yaml),
        cmocka_unit_test(reads_json_and_nulls),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(refuses_bad_text),
        cmocka_unit_test(budgets),
        cmocka_unit_test(mutations),
        cmocka_unit_test(fixture_repository),
        cmocka_unit_test(repository_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
