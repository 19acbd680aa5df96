/* Without arguments: names and shapes of bare state dicts, the original's,
 * torchaudio's and those of older files, lead to the same network; and classes
 * under other or older names. */
#include "test_support.h"

#include "arch/arch.h"
#include "checkpoint/rename.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the weights leave open in each fixture. */
typedef struct bare {
    const char *folder;
    const char *set[10];
} bare;

static const bare fixtures[] = {
    {"demucs_mdx", {"segment=1", NULL}},
    {"demucs_repro", {"segment=1", NULL}},
    {"demucs_odd",
     {"segment=1", "gelu=false", "stride=3", "norm_groups=2", "resample=false",
      "normalize=false", "samplerate=22050", NULL}},
    {"hdemucs_mdx_old", {"segment=1", "hybrid_old=true", NULL}},
    {"hdemucs_cac_false", {"segment=1", NULL}},
    {"hdemucs_odd", {"segment=1", "norm_groups=2", "nfft=1024", NULL}},
    {"hdemucs_magnitude", {"segment=1", NULL}},
    {"hdemucs_wiener", {"segment=1", "wiener_iters=1", NULL}},
};

static char *graph_of(const dmx_checkpoint *c, const char *const *set)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_model_options options = DMX_MODEL_OPTIONS_INIT;
    dmx_model *m;
    char *text;
    options.set = set;
    assert_ok(dmx_model_open(&m, c, &options, &err), &err);
    assert_ok(dmx_model_graph_text(&text, m, 20000, &err), &err);
    dmx_model_close(m);
    return text;
}

static dmx_checkpoint *open_checkpoint(const char *folder)
{
    char path[128];
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    snprintf(path, sizeof path, "family/%s/model.th", folder);
    assert_ok(dmx_checkpoint_open(&c, test_data(path), NULL, &err), &err);
    return c;
}

/* The tensors of c under other names, without anything else. */
static struct dmx_checkpoint *without_class(const dmx_checkpoint *c,
                                            dmx_renaming *rename)
{
    struct dmx_checkpoint *out;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_checkpoint_rename(&out, c, rename, &err), &err);
    out->klass_name = out->klass_module = NULL;
    return out;
}

static const char *same(char *text, const struct dmx_checkpoint *c,
                        const char *name)
{
    (void)text;
    (void)c;
    return name;
}

static const char *torchaudio(char *text, const struct dmx_checkpoint *c,
                              const char *name)
{
    const bool time = name[0] == 't';
    (void)c;
    if (strncmp(name, "freq_emb", 8) == 0)
        return name;
    snprintf(text, DMX_NAME_SIZE, "%s_%s", time ? "time" : "freq", name + time);
    return text;
}

static void check_bare(const bare *b, dmx_renaming *rename)
{
    dmx_checkpoint *c = open_checkpoint(b->folder);
    struct dmx_checkpoint *stripped = without_class(c, rename);
    char *expected = graph_of(c, NULL);
    char *found = graph_of(stripped, b->set);
    if (strcmp(expected, found) != 0)
        fail_msg("%s: another network", b->folder);
    free(expected);
    free(found);
    dmx_checkpoint_close(stripped);
    dmx_checkpoint_close(c);
}

static void test_bare(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
        printf("%s\n", fixtures[i].folder);
        check_bare(&fixtures[i], same);
        if (strncmp(fixtures[i].folder, "hdemucs", 7) == 0)
            check_bare(&fixtures[i], torchaudio);
    }
}

/* encoder.N.3 was encoder.N.2 in files of the version before. */
static const char *older(char *text, const struct dmx_checkpoint *c,
                         const char *name)
{
    int level, place, used = 0;
    char list[16];
    (void)c;
    if (sscanf(name, "%7[a-z].%d.%d.%n", list, &level, &place, &used) == 3 &&
        place == 3 && strchr(name + used, '.') == NULL) {
        snprintf(text, DMX_NAME_SIZE, "%s.%d.2.%s", list, level, name + used);
        return text;
    }
    return name;
}

static void test_older_names(void **state)
{
    (void)state;
    dmx_checkpoint *c = open_checkpoint("demucs_repro");
    struct dmx_checkpoint *old;
    dmx_error err = DMX_ERROR_INIT;
    char *expected = graph_of(c, NULL);
    assert_ok(dmx_checkpoint_rename(&old, c, older, &err), &err);
    assert_non_null(dmx_checkpoint_find(old, "decoder.0.2.weight"));
    assert_null(dmx_checkpoint_find(old, "decoder.0.3.weight"));
    old->kwargs = c->kwargs;
    old->args = c->args;
    char *found = graph_of(old, NULL);
    assert_string_equal(expected, found);
    old->kwargs = old->args = NULL;
    dmx_checkpoint_close(old);
    dmx_checkpoint_close(c);
    free(expected);
    free(found);
}

static void refuse(struct dmx_checkpoint *c, const char *module,
                   const char *klass, const char *words)
{
    dmx_model *m;
    dmx_error err = DMX_ERROR_INIT;
    char *const own[] = {c->klass_module, c->klass_name};
    char text[2][64];
    snprintf(text[0], sizeof text[0], "%s", module);
    snprintf(text[1], sizeof text[1], "%s", klass);
    c->klass_module = text[0];
    c->klass_name = text[1];
    const dmx_status status = dmx_model_open(&m, c, NULL, &err);
    c->klass_module = own[0];
    c->klass_name = own[1];
    assert_int_equal(status, DMX_ERROR_UNSUPPORTED);
    if (strstr(err.message, words) == NULL)
        fail_msg("'%s' does not contain '%s'", err.message, words);
}

static void test_classes(void **state)
{
    (void)state;
    struct dmx_checkpoint *c = open_checkpoint("hdemucs_odd");
    char *expected = graph_of(c, NULL), *own = c->klass_name;
    char other[] = "WDemucs";
    c->klass_name = other;
    char *found = graph_of(c, NULL);
    assert_string_equal(expected, found);
    c->klass_name = own;
    refuse(c, "demucs.model", "Demucs", "v1 or v2");
    refuse(c, "demucs.tasnet", "ConvTasNet", "ConvTasNet");
    dmx_checkpoint_close(c);
    free(expected);
    free(found);
}

/* torchaudio's names without one layer, and a number of sources that is not
 * the weights'. */
static const char *without_layer(char *text, const struct dmx_checkpoint *c,
                                 const char *name)
{
    if (strncmp(name, "decoder.1.", 10) == 0) {
        snprintf(text, DMX_NAME_SIZE, "lost.%s", name);
        return text;
    }
    return torchaudio(text, c, name);
}

static void refuse_bare(dmx_renaming *rename, const char *setting,
                        const char *words)
{
    dmx_checkpoint *c = open_checkpoint("hdemucs_magnitude");
    struct dmx_checkpoint *nameless = without_class(c, rename);
    const char *const set[] = {"segment=1", setting, NULL};
    dmx_model_options options = DMX_MODEL_OPTIONS_INIT;
    dmx_model *m;
    dmx_error err = DMX_ERROR_INIT;
    options.set = set;
    assert_int_not_equal(dmx_model_open(&m, nameless, &options, &err), DMX_OK);
    if (strstr(err.message, words) == NULL || strchr(err.message, '\n') != NULL)
        fail_msg("'%s' does not contain '%s'", err.message, words);
    dmx_checkpoint_close(nameless);
    dmx_checkpoint_close(c);
}

static void test_mistakes(void **state)
{
    (void)state;
    refuse_bare(without_layer, NULL, "missing decoder.1.rewrite.weight");
    refuse_bare(torchaudio, "sources=[\"a\",\"b\",\"c\",\"d\",\"e\"]",
                "conv_tr.weight is (");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_older_names),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
