/* What the original's trainer saves, against its own recordings: each set of
 * weights in a training checkpoint, its best.th, and the same model as a
 * community trainer saves it. Then the shapes that such files come in. */
#include "checkpoint_case.h"
#include "golden.h"

#include "engine/engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE        2e-7
#define ENGINE_TOLERANCE 5e-6
#define FOLDER           "training/htdemucs"

static const golden_case cases[] = {
    {.folder = FOLDER, .file = "checkpoint.th", .stems = "stems_best.npy"},
    {.folder = FOLDER,
     .file = "checkpoint.th",
     .weights = "best",
     .stems = "stems_best.npy"},
    {.folder = FOLDER,
     .file = "checkpoint.th",
     .weights = "best_state",
     .stems = "stems_best.npy"},
    {.folder = FOLDER,
     .file = "checkpoint.th",
     .weights = "state",
     .stems = "stems_state.npy"},
    {.folder = FOLDER,
     .file = "checkpoint.th",
     .weights = "ema_batch_0",
     .stems = "stems_ema_batch_0.npy"},
    {.folder = FOLDER,
     .file = "checkpoint.th",
     .weights = "ema_epoch_0",
     .stems = "stems_ema_epoch_0.npy"},
    {.folder = FOLDER, .file = "best.th", .stems = "stems_best.npy"},
    {.folder = FOLDER,
     .file = "best.th",
     .weights = "best",
     .stems = "stems_best.npy"},
    {.folder = FOLDER,
     .file = "msst.ckpt",
     .config = "config.yaml",
     .stems = "stems_msst.npy"},
};

static double engine_error(const golden *g)
{
    dmx_engine *engine;
    dmx_engine_state *state;
    dmx_error err = DMX_ERROR_INIT;
    const size_t in = (size_t)(g->channels * g->run_samples);
    float *mix = malloc(in * sizeof *mix);
    float *out = malloc((size_t)(g->rows * g->run_samples) * sizeof *out);
    double worst = 0.0;
    assert_non_null(mix);
    assert_non_null(out);
    for (size_t i = 0; i < in; i++)
        mix[i] = (float)g->mix[i];
    assert_ok(dmx_engine_open_graph(&engine, g->graph, NULL, &err), &err);
    assert_ok(dmx_engine_state_open(&state, engine, &err), &err);
    assert_ok(dmx_engine_run(state, out, mix, NULL, &err), &err);
    for (int64_t r = 0; r < g->rows; r++)
        for (int64_t i = 0; i < g->recorded; i++)
            worst = fmax(worst, fabs((double)out[r * g->run_samples + i] -
                                     (double)g->stems[r * g->recorded + i]));
    dmx_engine_state_close(state);
    dmx_engine_close(engine);
    free(mix);
    free(out);
    return worst / g->peak;
}

static void test_recordings(void **state)
{
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        golden g;
        golden_open_case(&g, &cases[i]);
        const double error = golden_error(&g), native = engine_error(&g);
        printf("%-14s %-12s %.2e, engine %.2e of the peak\n", cases[i].file,
               cases[i].weights != NULL ? cases[i].weights : "", error, native);
        failed += !(error <= TOLERANCE) || !(native <= ENGINE_TOLERANCE);
        golden_close(&g);
    }
    assert_int_equal(failed, 0);
}

/* ---------------------------------------------------------------- words */

typedef struct heard {
    char text[4096];
} heard;

static void hear(void *user, const char *message)
{
    heard *h = user;
    const size_t used = strlen(h->text);
    snprintf(h->text + used, sizeof h->text - used, "%s\n", message);
}

static char *arguments_of(const char *file, const char *weights, heard *h)
{
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = h, .warn = hear};
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    dmx_model_options m = DMX_MODEL_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *c;
    dmx_model *model;
    o.hooks = m.hooks = &hooks;
    o.weights = weights;
    assert_ok(dmx_checkpoint_open(&c, test_data(file), &o, &err), &err);
    assert_ok(dmx_model_open(&model, c, &m, &err), &err);
    assert_int_equal(model->n_assumed, 0);
    char *text = dmx_json_print_compact(model->arguments);
    dmx_model_close(model);
    dmx_checkpoint_close(c);
    return text;
}

/* The configuration agrees with the package in every argument. */
static void test_arguments(void **state)
{
    (void)state;
    heard a = {""}, b = {""}, c = {""};
    char *trained = arguments_of(FOLDER "/checkpoint.th", NULL, &a);
    char *packed = arguments_of(FOLDER "/best.th", NULL, &b);
    dmx_json *x = dmx_json_read(trained), *y = dmx_json_read(packed);
    assert_int_equal(dmx_json_count(x), dmx_json_count(y));
    const dmx_json *item;
    DMX_JSON_EACH (item, x) {
        char *one = dmx_json_print_compact(item);
        char *two = dmx_json_print_compact(dmx_json_get(y, item->string));
        assert_string_equal(one, two);
        free(one);
        free(two);
    }
    assert_non_null(strstr(a.text, "(state, best, ema_batch_0, ema_epoch_0), "
                                   "best is used"));
    assert_non_null(strstr(a.text, "1.6 s is 4 times the training segment"));
    assert_null(strstr(b.text, "is used"));
    assert_non_null(strstr(b.text, "4 times the training segment"));
    free(arguments_of(FOLDER "/checkpoint.th", "state", &c));
    assert_null(strstr(c.text, "is used")); /* the user knows */
    dmx_json_free(x);
    dmx_json_free(y);
    free(trained);
    free(packed);
}

static void refuse(const char *file, const char *weights, const char *part)
{
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *c;
    o.weights = weights;
    assert_int_equal(dmx_checkpoint_open(&c, test_data(file), &o, &err),
                     DMX_ERROR_ARGUMENT);
    if (strstr(err.message, part) == NULL)
        fail_msg("'%s' does not contain '%s'", err.message, part);
}

static void test_unknown_weights(void **state)
{
    (void)state;
    refuse(FOLDER "/checkpoint.th", "ema",
           "no weights called 'ema'; it holds state, best, ema_batch_0");
    refuse(FOLDER "/best.th", "ema_batch_0", "holds only its state");
    refuse("safetensors/htdemucs.safetensors", "ema", "one state dict");
}

/* ----------------------------------------------------------------- shapes */

static void put_weight(bytes *b, const char *name)
{
    pickle_string(b, name);
    pickle_tensor(b, "FloatStorage", "0", 10, 2, "K\x02K\x03\x86",
                  "K\x03K\x01\x86");
}

static void put_counter(bytes *b, const char *name, const char *type)
{
    pickle_string(b, name);
    pickle_tensor(b, type, "0", 5, 0, ")", ")");
}

static dmx_checkpoint *open_text(bytes *b, const char *weights, heard *h)
{
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = h, .warn = hear};
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *c = NULL;
    zip_writer z = {0};
    o.hooks = &hooks;
    o.weights = weights;
    zip_package(&z, b->data, b->size, 10);
    assert_ok(open_bytes(&c, z.file.data, z.file.size, &o, &err), &err);
    zip_free(&z);
    bytes_free(b);
    return c;
}

/* {"ema": {"decay": 0.5, "num_updates": 7, "shadow": {...}}} */
static void test_shadow(void **state)
{
    (void)state;
    heard h = {""};
    bytes b = {0};
    bytes_literal(&b, "\x80\x02}");
    pickle_string(&b, "ema");
    bytes_literal(&b, "}(");
    pickle_string(&b, "decay");
    bytes_literal(&b, "G\x3f\xe0\0\0\0\0\0\0");
    pickle_string(&b, "num_updates");
    bytes_literal(&b, "K\x07");
    pickle_string(&b, "shadow");
    bytes_text(&b, "}(");
    put_weight(&b, "a.b");
    put_weight(&b, "c");
    bytes_text(&b, "uus.");
    dmx_checkpoint *c = open_text(&b, NULL, &h);
    assert_string_equal(c->wrapper, "ema.shadow");
    assert_string_equal(c->weights, "ema");
    assert_int_equal(c->n_tensor, 2);
    assert_string_equal(h.text, "");
    dmx_checkpoint_close(c);
}

/* Any prefix that all names share; counters are not weights and lack it. */
static void check_prefix(const char *prefix)
{
    heard h = {""};
    bytes b = {0};
    char name[64];
    bytes_literal(&b, "\x80\x02}(");
    snprintf(name, sizeof name, "%sx.weight", prefix);
    put_weight(&b, name);
    put_counter(&b, "n_averaged", "LongStorage");
    snprintf(name, sizeof name, "%sx.bn.num_batches_tracked", prefix);
    put_counter(&b, name, "LongStorage");
    snprintf(name, sizeof name, "%sy.weight", prefix);
    put_weight(&b, name);
    put_counter(&b, "flag", "BoolStorage");
    bytes_text(&b, "u.");
    dmx_checkpoint *c = open_text(&b, NULL, &h);
    assert_int_equal(c->n_tensor, 2);
    assert_string_equal(c->by_name[0]->name, "x.weight");
    assert_string_equal(c->by_name[1]->name, "y.weight");
    assert_non_null(strstr(h.text, "3 counters"));
    assert_non_null(strstr(h.text, "the first is n_averaged"));
    dmx_checkpoint_close(c);
}

static void test_prefixes(void **state)
{
    (void)state;
    static const char *const prefixes[] = {
        "",        "net.",          "model.",
        "module.", "_orig_mod.",    "generator._orig_mod.module.",
        "any.",    "separator.net."};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        check_prefix(prefixes[i]);
}

/* Two copies side by side: the user chooses. */
static void test_groups(void **state)
{
    (void)state;
    heard h = {""};
    bytes b = {0};
    bytes_literal(&b, "\x80\x02}(");
    put_weight(&b, "online.a");
    put_weight(&b, "ema.a");
    put_weight(&b, "online.b");
    put_weight(&b, "ema.b");
    bytes_text(&b, "u.");
    dmx_checkpoint *c = open_text(&b, "ema", &h);
    assert_int_equal(c->n_tensor, 2);
    assert_string_equal(c->prefix, "ema.");
    assert_string_equal(c->tensor[1].name, "b");
    dmx_checkpoint_close(c);
}

/* Weights deep inside, next to an optimizer with more tensors. */
static void test_nested(void **state)
{
    (void)state;
    heard h = {""};
    bytes b = {0};
    bytes_literal(&b, "\x80\x02}(");
    pickle_string(&b, "optimizer");
    bytes_text(&b, "}");
    pickle_string(&b, "state");
    bytes_text(&b, "}(");
    put_weight(&b, "exp_avg");
    put_weight(&b, "exp_avg_sq");
    bytes_text(&b, "us");
    pickle_string(&b, "trained");
    bytes_text(&b, "}");
    pickle_string(&b, "net");
    bytes_text(&b, "}(");
    put_weight(&b, "a");
    bytes_text(&b, "usu.");
    dmx_checkpoint *c = open_text(&b, NULL, &h);
    assert_string_equal(c->wrapper, "trained.net");
    assert_string_equal(c->weights, "trained");
    assert_int_equal(c->n_set, 1);
    dmx_checkpoint_close(c);
}

/* An unsupported network is identified by its first names. */
static void test_unknown_network(void **state)
{
    (void)state;
    heard h = {""};
    bytes b = {0};
    dmx_error err = DMX_ERROR_INIT;
    dmx_model *m;
    bytes_literal(&b, "\x80\x02}(");
    put_weight(&b, "online.encoder.0.conv.weight");
    put_weight(&b, "ema.encoder.0.conv.weight");
    bytes_text(&b, "u.");
    dmx_checkpoint *c = open_text(&b, NULL, &h);
    assert_int_equal(dmx_model_open(&m, c, NULL, &err), DMX_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "first names are "
                                        "online.encoder.0.conv.weight, ema."));
    assert_non_null(strstr(err.message, "weights = online"));
    dmx_checkpoint_close(c);
}

#define NODE "comegaconf.dictconfig\nDictConfig\n)\x81"

/* Nodes that contain themselves, one another, or too much: ignored, with a
 * line. */
static void check_config(const char *args, size_t size, const char *words)
{
    heard h = {""};
    bytes b = {0};
    bytes_literal(&b, "\x80\x02}(");
    pickle_string(&b, "state");
    bytes_text(&b, "}");
    put_weight(&b, "w");
    bytes_text(&b, "s");
    pickle_string(&b, "args");
    bytes_put(&b, args, size);
    bytes_text(&b, "u.");
    dmx_checkpoint *c = open_text(&b, NULL, &h);
    if (words == NULL)
        assert_string_equal(h.text, "");
    else
        assert_non_null(strstr(h.text, words));
    assert_int_equal(c->n_tensor, 1);
    dmx_checkpoint_close(c);
}

static void test_hostile_configurations(void **state)
{
    (void)state;
#define CONFIG(text, words) check_config(text, sizeof(text) - 1, words)
    CONFIG(NODE, NULL); /* no state */
    CONFIG(NODE "K\x01"
                "b",
           NULL); /* a number for its state */
    CONFIG(NODE "q\x01}U\x08_contenth\x01sb", NULL); /* holds itself */
    CONFIG(NODE "q\x01}U\x08_content}U\x01kh\x01ssb", "nested deeper");
    CONFIG(NODE "q\x01}U\x08_content](h\x01h\x01h\x01"
                "esb",
           "ignored");
    CONFIG(NODE "q\x01}U\x07_parenth\x01sb", NULL);
    CONFIG(NODE "}U\x08_content}K\x05K\x06ssb", NULL);
    CONFIG("comegaconf.listconfig\nListConfig\n)\x81}U\x08_content]sb", NULL);
    CONFIG("cposix\nsystem\nU\x04true\x85R", NULL);
    CONFIG("K\x05", NULL);
#undef CONFIG
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_unknown_weights),
        cmocka_unit_test(test_shadow),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_unknown_network),
        cmocka_unit_test(test_hostile_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
