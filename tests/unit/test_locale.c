/* The library in a program whose decimal point is a comma: the same numbers
 * are read, and the same bytes written, as in the "C" locale. */
#include "test_support.h"

#include "base/file.h"
#include "comma_locale.h"
#include "hub/bag.h"
#include "hub/registry.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TINY "demo/htdemucs_tiny-87685527.th"

/* What the library says and writes, in one locale. */
typedef struct answers {
    int64_t by_set, by_file, by_metadata;
    double weight, segment, registered;
    char *model, *graph, *list, *svg;
} answers;

static const char *in_folder(const char *name)
{
    static char path[1200];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static char *text_of_file(const char *path)
{
    dmx_blob blob;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_file_read(&blob, path, 1 << 24, &err), &err);
    char *copy = strdup((const char *)blob.data);
    dmx_blob_free(&blob);
    assert_non_null(copy);
    return copy;
}

static void ask_models(answers *a)
{
    static const char *const set[] = {"segment=0.4", "freq_emb=0.25", NULL};
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *checkpoint;
    dmx_model *model;
    dmx_model_options o = DMX_MODEL_OPTIONS_INIT;
    assert_ok(dmx_checkpoint_open(&checkpoint, test_data(TINY), NULL, &err),
              &err);
    o.set = set;
    assert_ok(dmx_model_open(&model, checkpoint, &o, &err), &err);
    a->by_set = dmx_model_samples(model);
    a->model = dmx_model_json(model);
    assert_ok(dmx_model_graph_text(&a->graph, model, 0, &err), &err);
    dmx_model_close(model);
    o.set = NULL;
    o.config_path = in_folder("config.yaml");
    write_text(o.config_path, "htdemucs:\n  segment: 0.4\n");
    assert_ok(dmx_model_open(&model, checkpoint, &o, &err), &err);
    a->by_file = dmx_model_samples(model);
    dmx_model_close(model);
    dmx_checkpoint_close(checkpoint);
}

static void ask_bags(answers *a)
{
    static const char yaml[] = "models: ['m']\nweights: [[1.5, 1]]\n"
                               "segment: 0.4\n";
    static const char json[] =
        "{\"format\": \"demucs-onnx registry 1\", \"models\": [{\"name\": "
        "\"m\", \"sources\": [\"a\"], \"classes\": [\"HTDemucs\"], "
        "\"weights\": [[0.25]], \"segment\": 0.75, \"members\": "
        "[{\"signature\": \"a\", \"files\": [{\"url\": "
        "\"https://x.invalid/m.th\", \"sha256\": \"00000000\"}]}]}]}";
    dmx_error err = DMX_ERROR_INIT;
    struct dmx_bag *bag;
    dmx_registry registry;
    dmx_hub *hub;
    dmx_hub_options o = DMX_HUB_OPTIONS_INIT;
    assert_ok(dmx_bag_parse(&bag, yaml, strlen(yaml), "x.yaml", &err), &err);
    a->weight = dmx_bag_weight(bag, 0, 0);
    a->segment = dmx_bag_segment(bag);
    dmx_bag_close(bag);
    assert_ok(dmx_registry_parse(&registry, json, strlen(json), "x", &err),
              &err);
    a->registered = registry.model[0].weight[0] + registry.model[0].segment;
    dmx_registry_free(&registry);
    o.registry = in_folder("registry.json");
    o.cache_dir = "/no/cache";
    write_text(o.registry, json);
    assert_ok(dmx_hub_open(&hub, &o, &err), &err);
    a->list = dmx_hub_list_json(hub);
    dmx_hub_close(hub);
}

static void ask_separator(answers *a)
{
    static const double gain[4] = {1, 0, 0, 0};
    dmx_error err = DMX_ERROR_INIT;
    dmx_separator *s;
    char wav[1200], svg[1200];
    snprintf(wav, sizeof wav, "%s/x.wav", test_folder());
    snprintf(svg, sizeof svg, "%s/x.svg", test_folder());
    const dmx_song_output output = {"drums", wav, gain, 0};
    dmx_song_options o = DMX_SONG_OPTIONS_INIT;
    o.output = &output;
    o.outputs = 1;
    o.plot = svg;
    assert_ok(dmx_separator_open_file(&s, test_data(TINY), NULL, &err), &err);
    assert_ok(dmx_separate_song(s, test_data("demo/song.flac"), &o, NULL, &err),
              &err);
    dmx_separator_close(s);
    a->svg = text_of_file(svg);
    remove(svg);
    const dmx_status status = dmx_separator_open_file(
        &s, test_data("locale/segment_0.4.onnx"), NULL, &err);
    a->by_metadata = status == DMX_OK ? dmx_separator_samples(s) : -1;
    if (status == DMX_ERROR_RUNTIME)
        print_message("no ONNX Runtime: metadata is not read\n");
    else
        assert_ok(status, &err);
    dmx_separator_close(s);
}

static answers ask(void)
{
    answers a;
    ask_models(&a);
    ask_bags(&a);
    ask_separator(&a);
    return a;
}

static void let_go(answers *a)
{
    dmx_free(a->model);
    dmx_free(a->graph);
    dmx_free(a->list);
    free(a->svg);
}

static void test_comma(void **state)
{
    (void)state;
    answers plain = ask();
    assert_int_equal(plain.by_set, 17640);
    assert_int_equal(plain.by_file, 17640);
    assert_true(plain.weight == 1.5 && plain.segment == 0.4);
    assert_true(plain.registered == 1);
    if (!test_comma_locale()) {
        let_go(&plain);
        print_message("no locale with a decimal comma can be made\n");
        skip();
    }
    answers comma = ask();
    char text[16];
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); /* still the program's own locale */
    setlocale(LC_ALL, "C");
    assert_int_equal(comma.by_set, plain.by_set);
    assert_int_equal(comma.by_file, plain.by_file);
    assert_int_equal(comma.by_metadata, plain.by_metadata);
    assert_true(plain.by_metadata == 17640 || plain.by_metadata == -1);
    assert_true(comma.weight == plain.weight);
    assert_true(comma.segment == plain.segment);
    assert_true(comma.registered == plain.registered);
    assert_string_equal(comma.model, plain.model);
    assert_string_equal(comma.graph, plain.graph);
    assert_string_equal(comma.list, plain.list);
    assert_string_equal(comma.svg, plain.svg);
    let_go(&plain);
    let_go(&comma);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_comma)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
