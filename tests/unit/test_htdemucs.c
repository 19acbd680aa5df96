/* HTDemucs: arguments, strict weights, inference, the graph. */
#include "test_support.h"

#include "arch/arch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fixtures[] = {
    "htdemucs",    "htdemucs_6s", "emb_cape",        "emb_scaled",
    "full_length", "group_norms", "merged_branches", "mono_two_stems",
    "multi_freqs", "nfft_2048",   "no_rewrite",      "no_transformer",
    "post_norm",   "protocol4",   "short_input",     "legacy_container",
};
#define N_FIXTURES (sizeof fixtures / sizeof fixtures[0])

static dmx_checkpoint *open_fixture(const char *name)
{
    char file[128];
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *c;
    snprintf(file, sizeof file, "%s/model.th", name);
    assert_ok(dmx_checkpoint_open(&c, test_data(file), NULL, &err), &err);
    return c;
}

static dmx_model *open_model(const dmx_checkpoint *c, const char *const *set)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_model_options options = DMX_MODEL_OPTIONS_INIT;
    dmx_model *m;
    options.set = set;
    assert_ok(dmx_model_open(&m, c, &options, &err), &err);
    return m;
}

static char *graph_text(const dmx_model *m)
{
    char *text;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_model_graph_text(&text, m, 0, &err), &err);
    return text;
}

static void test_open_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FIXTURES; i++) {
        dmx_checkpoint *c = open_fixture(fixtures[i]);
        dmx_model *m = open_model(c, NULL);
        char *text = graph_text(m), *json = dmx_model_json(m);
        assert_non_null(strstr(text, "= istft("));
        assert_non_null(strstr(json, "\"architecture\":\t\"htdemucs\""));
        free(text);
        dmx_free(json);
        dmx_model_close(m);
        dmx_checkpoint_close(c);
    }
}

static void test_facts(void **state)
{
    (void)state;
    dmx_checkpoint *c = open_fixture("htdemucs_6s");
    dmx_model *m = open_model(c, NULL);
    assert_int_equal(dmx_model_sources(m), 6);
    assert_string_equal(dmx_model_source(m, 4), "guitar");
    assert_null(dmx_model_source(m, 6));
    assert_int_equal(dmx_model_channels(m), 2);
    assert_int_equal(dmx_model_samplerate(m), 44100);
    assert_int_equal(dmx_model_samples(m), 21498);
    assert_int_equal(dmx_model_pads_to_segment(m), 1);
    dmx_model_close(m);
    dmx_checkpoint_close(c);
}

/* What names and shapes can't prove must be given. */
static bool provable(const char *name)
{
    static const char *const names[] = {
        "audio_channels",
        "channels",
        "channels_time",
        "growth",
        "nfft",
        "depth",
        "rewrite",
        "context",
        "context_enc",
        "kernel_size",
        "norm_starts",
        "dconv_mode",
        "dconv_depth",
        "dconv_comp",
        "freq_emb",
        "bottom_channels",
        "t_layers",
        "t_hidden_scale",
        "t_max_positions",
        "t_layer_scale",
        "t_cross_first",
        "multi_freqs_depth",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The arguments of the fixture that only its package knows, as overrides. */
static char **unprovable(const dmx_json *kwargs)
{
    char **set = calloc((size_t)dmx_json_count(kwargs) + 1, sizeof *set);
    size_t n = 0;
    const dmx_json *item;
    assert_non_null(set);
    DMX_JSON_EACH (item, kwargs) {
        if (provable(item->string))
            continue;
        char *value = dmx_json_print_compact(item);
        const size_t size = strlen(item->string) + strlen(value) + 2;
        set[n] = malloc(size);
        snprintf(set[n++], size, "%s=%s", item->string, value);
        free(value);
    }
    return set;
}

static void free_list(char **list)
{
    for (size_t i = 0; list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

/* Without its arguments, a checkpoint must lead to the very same graph. */
static void test_inference(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FIXTURES; i++) {
        dmx_checkpoint *c = open_fixture(fixtures[i]);
        dmx_model *package = open_model(c, NULL);
        char **set = unprovable(c->kwargs);
        struct dmx_checkpoint bare = *c;
        bare.klass_name = bare.klass_module = NULL;
        bare.args = bare.kwargs = NULL;
        dmx_model *inferred = open_model(&bare, (const char *const *)set);
        char *expected = graph_text(package), *found = graph_text(inferred);
        if (strcmp(expected, found) != 0)
            fprintf(stderr, "%s: inferred another graph\n", fixtures[i]);
        assert_string_equal(expected, found);
        assert_true(inferred->n_assumed > 0);
        free(expected);
        free(found);
        free_list(set);
        dmx_model_close(inferred);
        dmx_model_close(package);
        dmx_checkpoint_close(c);
    }
}

static void test_state_dict(void **state)
{
    (void)state;
    static const char *const set[] = {"t_heads=8", "segment=39/80", NULL};
    dmx_checkpoint *c = open_fixture("state_dict_only");
    dmx_model *m = open_model(c, set);
    assert_int_equal(dmx_model_samples(m), 21498);
    assert_string_equal(dmx_model_source(m, 3), "vocals");
    bool named = false;
    for (size_t i = 0; i < m->n_assumed; i++)
        named = named || strncmp(m->assumed[i], "sources = ", 10) == 0;
    assert_true(named);
    dmx_model_close(m);
    dmx_checkpoint_close(c);
}

static void expect_failure(const dmx_checkpoint *c, const char *override,
                           dmx_status status, const char *words)
{
    const char *const set[] = {override, NULL};
    dmx_model_options options = DMX_MODEL_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    dmx_model *m;
    options.set = set;
    assert_int_equal(dmx_model_open(&m, c, &options, &err), status);
    assert_int_equal(dmx_model_open(&m, c, &options, NULL), status);
    assert_null(m);
    if (strstr(err.message, words) == NULL)
        fail_msg("'%s' does not contain '%s'", err.message, words);
}

static void test_refusals(void **state)
{
    (void)state;
    dmx_checkpoint *c = open_fixture("htdemucs");
    expect_failure(c, "cac=false", DMX_ERROR_MODEL, "encoder.0.conv");
    expect_failure(c, "t_sparse_self_attn=true", DMX_ERROR_UNSUPPORTED,
                   "sparse");
    expect_failure(c, "channels=9", DMX_ERROR_MODEL, "encoder.0.conv");
    expect_failure(c, "t_layers=6", DMX_ERROR_MODEL,
                   "missing crosstransformer.layers.5");
    expect_failure(c, "t_layers=4", DMX_ERROR_MODEL,
                   "unexpected crosstransformer.layers");
    expect_failure(c, "t_layers=0", DMX_ERROR_MODEL, "more");
    expect_failure(c, "nfft=4100", DMX_ERROR_UNSUPPORTED, "multiples of 8");
    expect_failure(c, "depth=1e9", DMX_ERROR_ARGUMENT, "out of range");
    expect_failure(c, "t_heads=7", DMX_ERROR_MODEL, "heads");
    expect_failure(c, "t_emb=rope", DMX_ERROR_ARGUMENT, "t_emb");
    expect_failure(c, "sources=[]", DMX_ERROR_ARGUMENT, "sources");
    expect_failure(c, "sources=[1]", DMX_ERROR_ARGUMENT, "source name");
    expect_failure(c, "segment=0", DMX_ERROR_ARGUMENT, "segment");
    expect_failure(c, "segment=1e-9", DMX_ERROR_ARGUMENT, "segment");
    expect_failure(c, "segment=9223372036854775807/9223372036854775806",
                   DMX_ERROR_ARGUMENT, "segment");
    expect_failure(c,
                   "segment={\"numerator\": 999999999999999, "
                   "\"denominator\": 1000000000000000}",
                   DMX_ERROR_ARGUMENT, "segment");
    expect_failure(c, "growth=1e300", DMX_ERROR_ARGUMENT, "growth");
    expect_failure(c, "multi_freqs=half", DMX_ERROR_ARGUMENT, "not a list");
    expect_failure(c, "depth=argument nfft ", DMX_ERROR_ARGUMENT, "depth");
    expect_failure(c, "t_head=8", DMX_ERROR_ARGUMENT,
                   "has no argument 't_head'");
    expect_failure(c, "multi_freqs=[0.5,0.25]", DMX_ERROR_ARGUMENT, "rise");
    dmx_checkpoint_close(c);
}

static void keep_warning(void *user, const char *message)
{
    snprintf(user, 256, "%s", message);
}

static void test_warnings(void **state)
{
    (void)state;
    static const char *const set[] = {"t_sin_random_shift=5", NULL};
    char last[256] = "";
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = last, .warn = keep_warning};
    dmx_model_options options = DMX_MODEL_OPTIONS_INIT;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *c = open_fixture("htdemucs");
    dmx_model *m;
    options.set = set;
    options.hooks = &hooks;
    assert_ok(dmx_model_open(&m, c, &options, &err), &err);
    assert_non_null(strstr(last, "shift; 0 is used"));
    dmx_model_close(m);
    dmx_checkpoint_close(c);
}

/* Any length down to one sample is built or refused, without a crash. */
static void test_lengths(void **state)
{
    (void)state;
    static const int64_t lengths[] = {1,    2,     127,   1023,   1024,
                                      1025, 10007, 21498, 343980, 1000003};
    dmx_checkpoint *c = open_fixture("htdemucs");
    dmx_model *m = open_model(c, NULL);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        dmx_graph *g;
        dmx_error err = DMX_ERROR_INIT;
        if (dmx_model_graph(&g, m, lengths[i], &err) == DMX_OK) {
            const dmx_shape s = dmx_graph_shape(g, g->output);
            assert_int_equal(s.dim[0], 8);
            assert_int_equal(s.dim[2], lengths[i]);
            dmx_graph_close(g);
        } else {
            assert_true(lengths[i] < 2048);
        }
    }
    dmx_model_close(m);
    dmx_checkpoint_close(c);
}

/* ---- graphs of any length ------------------------------------------------ */

typedef struct lines {
    char *text;
    size_t used, size;
} lines;

static void add_line(void *user, const char *line)
{
    lines *l = user;
    const size_t n = strlen(line) + 1;
    if (l->used + n + 1 > l->size) {
        l->size = 2 * (l->used + n + 1);
        l->text = realloc(l->text, l->size);
        assert_non_null(l->text);
    }
    memcpy(l->text + l->used, line, n - 1);
    l->text[l->used + n - 1] = '\n';
    l->text[l->used += n] = '\0';
}

/* The text of the graph, which is closed, or of the error. */
static char *text_of(dmx_graph *g, const dmx_error *err)
{
    lines l = {NULL, 0, 0};
    if (g == NULL)
        add_line(&l, err->message);
    else
        dmx_graph_print(g, add_line, &l);
    dmx_graph_close(g);
    return l.text;
}

/* The graph built for one length equals the graph of any length, taken at that
 * length. */
static void compare_at(const struct dmx_model *m, int64_t samples)
{
    dmx_error err = DMX_ERROR_INIT, err_at = DMX_ERROR_INIT;
    dmx_graph *at = NULL, *built = dmx_graph_open();
    assert_non_null(built);
    m->implementation->build(m, samples, built);
    if (dmx_graph_status(built, &err) != DMX_OK) {
        dmx_graph_close(built);
        built = NULL;
    }
    if (dmx_graph_at(&at, m->graph, samples, &err_at) != DMX_OK)
        assert_null(at);
    char *expected = text_of(built, &err), *found = text_of(at, &err_at);
    assert_string_equal(expected, found);
    free(expected);
    free(found);
}

static void test_any_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FIXTURES; i++) {
        dmx_checkpoint *c = open_fixture(fixtures[i]);
        dmx_model *m = open_model(c, NULL);
        const dmx_graph *any;
        assert_int_equal(dmx_model_graph_any(&any, m, NULL), DMX_OK);
        assert_true(any->any_length);
        assert_int_equal(dmx_graph_ready(any, NULL), DMX_ERROR_ARGUMENT);
        for (int64_t n = 1; n <= 5000; n += 97)
            compare_at(m, n);
        for (int k = 12; k < 21; k++)
            for (int64_t d = -1; d <= 1; d++)
                compare_at(m, ((int64_t)1 << k) + d);
        compare_at(m, m->training_samples);
        compare_at(m, (int64_t)1 << 35);
        dmx_model_close(m);
        dmx_checkpoint_close(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_all),  cmocka_unit_test(test_facts),
        cmocka_unit_test(test_inference), cmocka_unit_test(test_state_dict),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_lengths),   cmocka_unit_test(test_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
