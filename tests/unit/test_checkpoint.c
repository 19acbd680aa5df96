/* Whole checkpoints: every fixture, both containers against each other,
 * wrapped state dicts, views, names, and refusals. */
#include "checkpoint_case.h"
#include "test_support.h"

#include "base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static dmx_checkpoint *open_fixture(const char *name)
{
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_checkpoint_open(&c, test_data(name), NULL, &err), &err);
    return c;
}

/* Every element can be read and is a number. */
static void assert_finite(const dmx_checkpoint *c)
{
    for (size_t i = 0; i < c->n_tensor; i++) {
        const size_t n = dmx_tensor_count(&c->tensor[i]);
        double *x = calloc(n + 1, sizeof *x);
        assert_non_null(x);
        dmx_tensor_to_f64(x, &c->tensor[i]);
        for (size_t k = 0; k < n; k++)
            assert_true(x[k] > -1e6 && x[k] < 1e6);
        free(x);
    }
}

static void check_fixture(const char *name)
{
    dmx_checkpoint *c = open_fixture(name);
    assert_true(c->n_tensor >= 100);
    const bool bare = strstr(name, "state_dict_only") != NULL;
    assert_int_equal(c->klass_name == NULL, bare);
    assert_int_equal(c->kwargs == NULL, bare);
    if (!bare)
        assert_string_equal(c->klass_name, "HTDemucs");
    assert_finite(c);
    for (size_t i = 0; i < c->n_tensor; i++)
        assert_ptr_equal(dmx_checkpoint_find(c, c->tensor[i].name),
                         &c->tensor[i]);
    assert_null(dmx_checkpoint_find(c, "no.such.weight"));
    dmx_checkpoint_close(c);
}

static void test_fixtures(void **state)
{
    (void)state;
    size_t seen = 0;
    DIR *folder = opendir(test_data(""));
    assert_non_null(folder);
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char name[300];
        snprintf(name, sizeof name, "%s/model.th", entry->d_name);
        if (entry->d_name[0] == '.' || access(test_data(name), R_OK) != 0)
            continue;
        check_fixture(name);
        seen++;
    }
    closedir(folder);
    assert_true(seen >= 15);
    check_fixture("track/second.th");
    check_fixture("demo/htdemucs_tiny-87685527.th");
}

static void assert_same_tensors(const dmx_checkpoint *a,
                                const dmx_checkpoint *b)
{
    assert_int_equal(a->n_tensor, b->n_tensor);
    for (size_t i = 0; i < a->n_tensor; i++) {
        const dmx_tensor *x = a->by_name[i], *y = b->by_name[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->dtype, y->dtype);
        assert_true(dmx_tensor_is(x, y->rank, y->dim));
        assert_true(dmx_tensor_contiguous(x) && dmx_tensor_contiguous(y));
        assert_memory_equal(x->data, y->data,
                            dmx_tensor_count(x) * dmx_dtype_size(x->dtype));
    }
}

/* Keys may come in any order. */
static void assert_same_json(const dmx_json *a, const dmx_json *b)
{
    assert_non_null(b);
    assert_int_equal(a->type, b->type);
    assert_true(a->valuedouble == b->valuedouble);
    if (dmx_json_is_string(a))
        assert_string_equal(a->valuestring, b->valuestring);
    assert_int_equal(dmx_json_count(a), dmx_json_count(b));
    const dmx_json *item;
    int index = 0;
    DMX_JSON_EACH (item, a) {
        assert_same_json(item, dmx_json_is_object(a)
                                   ? dmx_json_get(b, item->string)
                                   : dmx_json_item(b, index));
        index++;
    }
}

static void check_pair(const char *pickled, const char *safe)
{
    dmx_checkpoint *a = open_fixture(pickled), *b = open_fixture(safe);
    assert_int_equal(a->container, DMX_CONTAINER_ZIP);
    assert_int_equal(b->container, DMX_CONTAINER_SAFETENSORS);
    assert_same_tensors(a, b);
    assert_same_json(a->kwargs, b->kwargs);
    assert_same_json(a->args, b->args);
    assert_string_equal(a->klass_module, b->klass_module);
    assert_string_equal(a->klass_name, b->klass_name);
    assert_int_equal(a->pickle_protocol, 2);
    assert_int_equal(b->pickle_protocol, 0);
    dmx_checkpoint_close(a);
    dmx_checkpoint_close(b);
}

static void test_same_as_safetensors(void **state)
{
    (void)state;
    check_pair("htdemucs/model.th", "safetensors/htdemucs.safetensors");
    check_pair("htdemucs_6s/model.th", "safetensors/htdemucs_6s.safetensors");
}

static void test_containers(void **state)
{
    (void)state;
    dmx_checkpoint *c = open_fixture("legacy_container/model.th");
    assert_int_equal(c->container, DMX_CONTAINER_LEGACY);
    dmx_checkpoint_close(c);
    c = open_fixture("protocol4/model.th");
    assert_int_equal(c->pickle_protocol, 4);
    dmx_checkpoint_close(c);
}

static void test_json(void **state)
{
    (void)state;
    dmx_checkpoint *c = open_fixture("htdemucs/model.th");
    char *text = dmx_checkpoint_json(c);
    assert_non_null(text);
    dmx_json *json = dmx_json_read(text);
    assert_int_equal(dmx_json_count(dmx_json_get(json, "tensors")),
                     (int)c->n_tensor);
    assert_string_equal(dmx_json_get(json, "sha256")->valuestring,
                        dmx_checkpoint_sha256(c));
    assert_non_null(strstr(text, "fractions.Fraction"));
    assert_string_equal(
        dmx_checkpoint_sha256(c),
        "c20dd4f34c2e9d655da561704196bb864bf03227288307e3a1aa1591b93e21c9");
    dmx_json_free(json);
    dmx_free(text);
    dmx_checkpoint_close(c);
    c = open_fixture("state_dict_only/model.th");
    text = dmx_checkpoint_json(c);
    assert_non_null(text);
    dmx_free(text);
    dmx_checkpoint_close(c);
    dmx_checkpoint_close(NULL);
}

/* ------------------------------------------------------- state dicts */

static void put_weight(bytes *b, const char *name)
{
    pickle_string(b, name);
    pickle_tensor(b, "FloatStorage", "0", 10, 2, "K\x02K\x03\x86",
                  "K\x03K\x01\x86");
}

/* {name: weight, ...}, NULL-terminated */
static void put_state(bytes *b, const char *const *name)
{
    bytes_text(b, "}(");
    for (; *name != NULL; name++)
        put_weight(b, *name);
    bytes_text(b, "u");
}

static dmx_checkpoint *open_good(bytes *b)
{
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    bytes_text(b, ".");
    assert_ok(open_pickle(&c, b->data, b->size, &err), &err);
    bytes_free(b);
    return c;
}

static void test_prefixes(void **state)
{
    (void)state;
    bytes b = {0};
    bytes_literal(&b, "\x80\x02");
    put_state(&b, (const char *[]){"module._orig_mod.model.b",
                                   "module._orig_mod.model.a", NULL});
    dmx_checkpoint *c = open_good(&b);
    assert_string_equal(c->prefix, "module._orig_mod.model.");
    assert_string_equal(c->tensor[0].name, "b");
    assert_string_equal(c->by_name[0]->name, "a");
    dmx_checkpoint_close(c);
    bytes_literal(&b, "\x80\x02");
    put_state(&b, (const char *[]){"module.a", "other", NULL});
    c = open_good(&b);
    assert_null(c->prefix);
    assert_string_equal(c->tensor[0].name, "module.a");
    dmx_checkpoint_close(c);
    bytes_literal(&b, "\x80\x02");
    put_state(&b, (const char *[]){"model.", "model.x", NULL});
    c = open_good(&b);
    assert_null(c->prefix);
    dmx_checkpoint_close(c);
}

/* A training checkpoint: {keys[i]: {"w<i>": weight}}, or deeper. */
static void check_wrapper(const char *const *keys, const char *inner,
                          const char *wanted, const char *weight)
{
    bytes b = {0};
    bytes_literal(&b, "\x80\x02}(");
    for (int i = 0; keys[i] != NULL; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        pickle_string(&b, keys[i]);
        if (inner != NULL) {
            bytes_text(&b, "}");
            pickle_string(&b, inner);
        }
        put_state(&b, (const char *[]){name, NULL});
        if (inner != NULL)
            bytes_text(&b, "s");
    }
    pickle_string(&b, "args"); /* an OmegaConf object */
    bytes_text(&b, "comegaconf.dictconfig\nDictConfig\n)\x81}b");
    bytes_text(&b, "u");
    dmx_checkpoint *c = open_good(&b);
    assert_string_equal(c->wrapper, wanted);
    assert_int_equal(c->n_tensor, 1);
    assert_string_equal(c->tensor[0].name, weight);
    assert_null(c->klass_name);
    assert_null(c->kwargs);
    dmx_checkpoint_close(c);
}

static void test_wrappers(void **state)
{
    (void)state;
    check_wrapper((const char *[]){"state_dict", NULL}, NULL, "state_dict",
                  "w0");
    check_wrapper((const char *[]){"state", "model_state_dict", NULL}, NULL,
                  "state", "w0");
    check_wrapper((const char *[]){"model_state_dict", "state", NULL}, NULL,
                  "model_state_dict", "w0");
    check_wrapper((const char *[]){"state", "best_state", "ema_epoch_0", NULL},
                  NULL, "best_state", "w1");
    check_wrapper((const char *[]){"state", "optimizer", "ema_epoch_0", NULL},
                  NULL, "ema_epoch_0", "w2");
    check_wrapper((const char *[]){"state", "ema_epoch_0", NULL}, "state",
                  "ema_epoch_0.state", "w1");
}

/* ------------------------------------------------------- tensors as views */

static const struct {
    const char *type;
    int64_t count, offset;
    const char *shape, *strides;
    dmx_status status;
    double first, last; /* of a view of 0, 1, 2, ... 9 in float32 */
} views[] = {
    {"FloatStorage", 10, 0, "K\x0a\x85", "K\x01\x85", DMX_OK, 0, 9},
    {"FloatStorage", 10, 2, "K\x02K\x03\x86", "K\x03K\x01\x86", DMX_OK, 2, 7},
    {"FloatStorage", 10, 1, "K\x03K\x02\x86", "K\x01K\x03\x86", DMX_OK, 1, 6},
    {"FloatStorage", 10, 9, "K\x64\x85", "I0\n\x85", DMX_OK, 9, 9},
    {"FloatStorage", 10, 9, ")", ")", DMX_OK, 9, 9},
    {"FloatStorage", 10, 10, ")", ")", DMX_ERROR_FORMAT, 0, 0},
    {"FloatStorage", 10, 1, "K\x0a\x85", "K\x01\x85", DMX_ERROR_FORMAT, 0, 0},
    {"FloatStorage", 10, -1, "K\x02\x85", "K\x01\x85", DMX_ERROR_FORMAT, 0, 0},
    {"FloatStorage", 10, 5, "K\x02\x85", "J\xff\xff\xff\xff\x85",
     DMX_ERROR_FORMAT, 0, 0},
    {"FloatStorage", 10, 0, "J\xff\xff\xff\xff\x85", "K\x01\x85",
     DMX_ERROR_FORMAT, 0, 0},
    {"FloatStorage", 10, 0, "K\x02\x85", "K\x01K\x01\x86", DMX_ERROR_FORMAT, 0,
     0},
    {"FloatStorage", 10, 0, "N", "K\x01\x85", DMX_ERROR_FORMAT, 0, 0},
    {"FloatStorage", 10, 0, "N\x85", "K\x01\x85", DMX_ERROR_FORMAT, 0, 0},
    {"FloatStorage", 10, 0, "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85",
     "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85", DMX_ERROR_LIMIT, 0, 0},
    {"FloatStorage", 10, 0, "\x8a\x05\x01\x01\x01\x01\x01\x85", "]\x85",
     DMX_ERROR_FORMAT, 0, 0},
    {"FloatStorage", 10, 0, "(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t",
     "(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t", DMX_ERROR_UNSUPPORTED,
     0, 0},
    {"FloatStorage", 11, 0, "K\x0a\x85", "K\x01\x85", DMX_ERROR_FORMAT, 0, 0},
    {"DoubleStorage", 10, 0, "K\x01\x85", "K\x01\x85", DMX_ERROR_FORMAT, 0, 0},
    {"DoubleStorage", 5, 0, "K\x01\x85", "K\x01\x85", DMX_OK, 0x1p-7, 0x1p-7},
    {"HalfStorage", 20, 0, "K\x01\x85", "K\x01\x85", DMX_OK, 0, 0},
    {"BFloat16Storage", 20, 3, "K\x01\x85", "K\x01\x85", DMX_OK, 1, 1},
    {"LongStorage", 5, 0, "K\x02\x85", "K\x01\x85", DMX_OK,
     4575657221408423936.0, 4629700418010611712.0},
    {"IntStorage", 10, 0, "K\x02\x85", "K\x01\x85", DMX_ERROR_UNSUPPORTED, 0,
     0},
    {"StrangeStorage", 10, 0, "K\x01\x85", "K\x01\x85", DMX_ERROR_UNSUPPORTED,
     0, 0},
};

static void test_views(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        bytes b = {0};
        dmx_checkpoint *c;
        dmx_error err = DMX_ERROR_INIT;
        bytes_literal(&b, "\x80\x02}");
        pickle_string(&b, "w");
        pickle_tensor(&b, views[i].type, "0", views[i].count, views[i].offset,
                      views[i].shape, views[i].strides);
        bytes_text(&b, "s.");
        const dmx_status status = open_pickle(&c, b.data, b.size, &err);
        if (status != views[i].status)
            fail_msg("view %zu: %s: %s", i, dmx_status_name(status),
                     err.message);
        if (status == DMX_OK) {
            double x[100];
            const size_t n = dmx_tensor_count(&c->tensor[0]);
            assert_true(n >= 1 && n <= 100);
            dmx_tensor_to_f64(x, &c->tensor[0]);
            if (views[i].type[0] != 'D')
                assert_true(x[0] == views[i].first);
            if (views[i].type[0] != 'D')
                assert_true(x[n - 1] == views[i].last);
        } else {
            assert_non_null(strstr(err.message, "test.th: weight w"));
        }
        dmx_checkpoint_close(c);
        bytes_free(&b);
    }
}

static void test_empty_tensor(void **state)
{
    (void)state;
    bytes b = {0};
    bytes_literal(&b, "\x80\x02}(");
    put_weight(&b, "w");
    pickle_string(&b, "empty");
    /* The shape holds a zero byte, so it is put by hand. */
    bytes_text(&b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_string(&b, "storage");
    bytes_text(&b, "ctorch\nFloatStorage\n");
    pickle_string(&b, "0");
    bytes_literal(&b, "NK\x0atQK\x00K\x00K\x05\x86K\x05K\x01\x86\x89}tRu");
    dmx_checkpoint *c = open_good(&b);
    assert_int_equal(dmx_tensor_count(dmx_checkpoint_find(c, "empty")), 0);
    /* Shared storage: both point into the same bytes. */
    assert_ptr_equal((const char *)c->tensor[1].data + 8, c->tensor[0].data);
    dmx_checkpoint_close(c);
}

/* ---------------------------------------------------------------- packages */

static void assert_pickle(const char *text, size_t size, dmx_status code,
                          const char *part)
{
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status = open_pickle(&c, text, size, &err);
    if (status != code || strstr(err.message, part) == NULL)
        fail_msg("wanted %s (%s), got %s: %s", dmx_status_name(code), part,
                 dmx_status_name(status), err.message);
    assert_null(strchr(err.message, '\n'));
    dmx_checkpoint_close(c);
}

#define REFUSED(code, part, text)                                              \
    assert_pickle("\x80\x02" text ".", sizeof("\x80\x02" text ".") - 1,        \
                  DMX_ERROR_##code, part)

static void test_refused_packages(void **state)
{
    (void)state;
    REFUSED(MODEL, "not a model", "]");
    REFUSED(MODEL, "hello: a list", "}U\x05hello]s");
    REFUSED(MODEL, "not a model", "}");
    REFUSED(MODEL, "not a model", "}(NNK\x01K\x02K\x03K\x04K\x05K\x06u");
    REFUSED(UNSUPPORTED, "posix.system, which was not run",
            "}U\x05klasscposix\nsystem\nU\x05touch\x85Rs");
    REFUSED(MODEL, "state: builtins.eval",
            "}U\x05statecbuiltins\neval\nU\x05touch\x85Rs");
    REFUSED(UNSUPPORTED, "demucs.htdemucs.HTDemucs object",
            "cdemucs.htdemucs\nHTDemucs\n)\x81}b");
    REFUSED(FORMAT, "klass is an integer", "}U\x05klassK\x01s");
    REFUSED(MODEL, "no state", "}U\x05klasscm\nK\ns");
    REFUSED(MODEL, "state is a list", "}(U\x05klasscm\nK\nU\x05state]u");
    REFUSED(MODEL, "no weights", "}(U\x05klasscm\nK\nU\x05state}u");
    REFUSED(FORMAT, "args is None",
            "}(U\x05klasscm\nK\nU\x05state}U\x04"
            "argsNu");
    REFUSED(FORMAT, "kwargs is None",
            "}(U\x05klasscm\nK\nU\x05state}U\x06kwargsNu");
    REFUSED(FORMAT, "dict key",
            "}(U\x05klasscm\nK\nU\x05state}U\x06kwargs}NNsu");
    REFUSED(FORMAT, "dict key",
            "}(U\x05klasscm\nK\nU\x05state}U\x06kwargs}U\x01\nNsu");
    REFUSED(UNSUPPORTED, "DiffQ",
            "}(U\x05klasscm\nK\nU\x05state}U\x0b__quantized\x88su");
    REFUSED(UNSUPPORTED, "DiffQ", "}U\x05state}U\x0b__quantized\x88ss");
    REFUSED(UNSUPPORTED, "DiffQ", "}(U\x09quantized]U\x04meta}u");
    REFUSED(LIMIT, "nested deeper",
            "}(U\x05klasscm\nK\nU\x05state}U\x06kwargs}U\x01"
            "a]q\x01h\x01"
            "asu");
}

static void test_budget_of_arguments(void **state)
{
    (void)state;
    bytes b = {0};
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    bytes_literal(&b, "\x80\x02}(U\x05klasscm\nK\nU\x05state}U\x06kwargs}"
                      "U\x01"
                      "a](");
    bytes_repeat(&b, "N", 10001);
    bytes_text(&b, "esu.");
    assert_int_equal(open_pickle(&c, b.data, b.size, &err), DMX_ERROR_LIMIT);
    assert_non_null(strstr(err.message, "constructor arguments"));
    bytes_free(&b);
}

/* Every kind of argument, with one weight. */
static void test_arguments(void **state)
{
    (void)state;
    bytes b = {0};
    bytes_literal(&b, "\x80\x02}(U\x05klasscm.n\nK\nU\x04"
                      "args(K\x01K\x02tU\x06kwargs}("
                      "U\x01nNU\x01t\x88U\x01"
                      "f\x89U\x01iJ\xfe\xff\xff\xffU\x01rG\x3f\xe0\0\0\0\0\0\0"
                      "U\x01sU\x01zU\x01l]K\x01"
                      "aU\x01"
                      "d}K\x07U\x01ysU\x01q"
                      "cfractions\nFraction\nU\x04"
                      "39/5\x85RU\x01oCxU\x01"
                      "bU\x01\nU\x03infG\x7f\xf0\0\0\0\0\0\0U\x03"
                      "big\x8a\x08\0\0\0\0\0\0\0\x40U\x01"
                      "cca\nb\nU\x01iK\x05");
    /* A bytes opcode of 'x' = 120 bytes would eat the rest: patch it. */
    for (size_t i = 0; i + 1 < b.size; i++)
        if (b.data[i] == 'C' && b.data[i + 1] == 'x')
            b.data[i + 1] = 0;
    bytes_text(&b, "uU\x05state");
    put_state(&b, (const char *[]){"w", NULL});
    bytes_text(&b, "U\x0dtraining_argscos\nsystem\n)RU\x07metrics)u");
    dmx_checkpoint *c = open_good(&b);
    char *text = dmx_json_print_compact(c->kwargs);
    assert_string_equal(
        text, "{\"n\":null,\"t\":true,\"f\":false,\"r\":0.5,\"s\":\"z\","
              "\"l\":[1],\"d\":{\"7\":\"y\"},\"q\":{\"_type\":\"fraction\","
              "\"numerator\":39,\"denominator\":5},\"o\":{\"_type\":\"opaque\","
              "\"name\":\"builtins.bytes\"},\"b\":{\"_type\":\"opaque\","
              "\"name\":\"builtins.str\"},\"inf\":{\"_type\":\"opaque\","
              "\"name\":\"builtins.float\"},\"big\":{\"_type\":\"opaque\","
              "\"name\":\"builtins.int\"},\"c\":{\"_type\":\"opaque\","
              "\"name\":\"a.b\"},\"i\":5}");
    assert_int_equal(dmx_json_count(c->args), 2);
    assert_string_equal(c->klass_module, "m.n");
    assert_int_equal(c->n_global, 6);
    free(text);
    dmx_checkpoint_close(c);
}

static void count_warning(void *user, const char *message)
{
    assert_null(strchr(message, '\n'));
    ++*(int *)user;
}

static void test_not_a_tensor(void **state)
{
    (void)state;
    bytes b = {0};
    int warnings = 0;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = &warnings, .warn = count_warning};
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    o.hooks = &hooks;
    bytes_literal(&b, "\x80\x02}(U\x01xNK\x01N");
    put_weight(&b, "w");
    bytes_text(&b, "u.");
    zip_writer z = {0};
    zip_package(&z, b.data, b.size, 10);
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(open_bytes(&c, z.file.data, z.file.size, &o, &err), &err);
    assert_int_equal(warnings, 1);
    dmx_checkpoint_close(c);
    zip_free(&z);
    bytes_free(&b);
}

static void test_names(void **state)
{
    (void)state;
    char longer[600] = {0};
    memset(longer, 'n', sizeof longer - 1);
    const char *const wrong[][3] = {{"a", "a", NULL},
                                    {"", NULL, NULL},
                                    {"a\nb", NULL, NULL},
                                    {"a\xff", NULL, NULL},
                                    {longer, NULL, NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bytes b = {0};
        dmx_checkpoint *c;
        dmx_error err = DMX_ERROR_INIT;
        bytes_literal(&b, "\x80\x02");
        put_state(&b, wrong[i]);
        bytes_text(&b, ".");
        assert_int_equal(open_pickle(&c, b.data, b.size, &err),
                         i == 4 ? DMX_ERROR_LIMIT : DMX_ERROR_FORMAT);
        bytes_free(&b);
    }
    REFUSED(FORMAT, "not a text",
            "}K\x01"
            "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storage"
            "ctorch\nFloatStorage\nU\x01"
            "0NK\x0atQK\x01))tRs");
}

/* ------------------------------------------------------ files and names */

static void copy_fixture(const char *name, const char *as)
{
    bytes b = {0};
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", test_folder(), as);
    read_bytes(&b, test_data(name));
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b.data, 1, b.size, f), b.size);
    fclose(f);
    bytes_free(&b);
}

static dmx_status open_named(const char *as, int strict, int *warnings,
                             bool *matches)
{
    char path[1200];
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = warnings, .warn = count_warning};
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    o.strict_checksum = strict;
    o.hooks = &hooks;
    snprintf(path, sizeof path, "%s/%s", test_folder(), as);
    copy_fixture("htdemucs/model.th", as);
    const dmx_status status = dmx_checkpoint_open(&c, path, &o, &err);
    *matches = c != NULL && c->name_checksum_matches;
    dmx_checkpoint_close(c);
    return status;
}

static void test_name_checksum(void **state)
{
    (void)state;
    int warnings = 0;
    bool matches;
    assert_int_equal(open_named("aa-c20dd4f3.th", 1, &warnings, &matches),
                     DMX_OK);
    assert_true(matches);
    assert_int_equal(open_named("aa-00000000.th", 1, &warnings, &matches),
                     DMX_ERROR_HASH);
    assert_int_equal(warnings, 0);
    assert_int_equal(open_named("drums-20251123.th", 0, &warnings, &matches),
                     DMX_OK);
    assert_int_equal(warnings, 1);
    assert_int_equal(open_named("drums-best.th", 1, &warnings, &matches),
                     DMX_OK);
    assert_false(matches);
    assert_int_equal(open_named("c20dd4f3.th", 1, &warnings, &matches), DMX_OK);
    assert_false(matches);
    assert_int_equal(warnings, 1);
}

static void assert_bytes(const char *text, dmx_status code, const char *part)
{
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(open_bytes(&c, text, strlen(text), NULL, &err), code);
    if (strstr(err.message, part) == NULL)
        fail_msg("%s: %s", part, err.message);
}

static void test_other_files(void **state)
{
    (void)state;
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    assert_bytes("", DMX_ERROR_FORMAT, "empty");
    assert_bytes("RIFF$", DMX_ERROR_FORMAT, "starts with \"RIFF$\"");
    assert_bytes("<html>", DMX_ERROR_FORMAT, "web page");
    assert_bytes("version https://git-lfs.example", DMX_ERROR_FORMAT, "LFS");
    assert_bytes("\x80\x02}.", DMX_ERROR_FORMAT, "plain pickle");
    assert_bytes("\x1f\x8b\x08", DMX_ERROR_FORMAT, "gunzip it first");
    assert_bytes("\xfd"
                 "7zXZ",
                 DMX_ERROR_FORMAT, "unxz it first");
    assert_bytes("\x28\xb5\x2f\xfd", DMX_ERROR_FORMAT, "unzstd it first");
    assert_bytes("BZh91AY", DMX_ERROR_FORMAT, "bunzip2 it first");
    assert_bytes("7z\xbc\xaf\x27\x1c", DMX_ERROR_FORMAT, "7z archive");
    assert_bytes("Rar!\x1a\x07", DMX_ERROR_FORMAT, "rar archive");
    bytes tar = {0};
    bytes_repeat(&tar, "a", 257);
    bytes_literal(&tar, "ustar\0");
    assert_bytes((const char *)tar.data, DMX_ERROR_FORMAT, "tar archive");
    bytes_free(&tar);
    zip_writer z = {0};
    zip_add(&z, "models/x.th", "PK", 2);
    zip_end(&z);
    assert_int_equal(open_bytes(&c, z.file.data, z.file.size, NULL, &err),
                     DMX_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "a zip around models/x.th: unzip"));
    zip_free(&z);
    REFUSED(UNSUPPORTED, "Demucs 1 or 2 of an old generation (demucs.model.De",
            "](cdemucs.model\nDemucs\n)}}e");
    REFUSED(UNSUPPORTED, "a ConvTasNet of an old generation",
            "](cdemucs.tasnet\nConvTasNet\n)}}e");
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_checkpoint_open(&c, "/nonexistent/x.th", NULL, &err),
                     DMX_ERROR_IO);
    o.max_file_bytes = 1000;
    assert_int_equal(
        dmx_checkpoint_open(&c, test_data("htdemucs/model.th"), &o, NULL),
        DMX_ERROR_LIMIT);
    o.size = 0;
    assert_int_equal(
        dmx_checkpoint_open(&c, test_data("htdemucs/model.th"), &o, NULL),
        DMX_ERROR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_same_as_safetensors),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_wrappers),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_empty_tensor),
        cmocka_unit_test(test_refused_packages),
        cmocka_unit_test(test_budget_of_arguments),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_not_a_tensor),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_name_checksum),
        cmocka_unit_test(test_other_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
