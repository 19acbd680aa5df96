/* Quantized states against the original's own dequantization: every tensor by
 * the SHA-256 of its float32 bytes. The fixtures list names and shapes in the
 * order of registration, as an architecture will. */
#include "checkpoint_case.h"
#include "test_support.h"

#include "base/json.h"
#include "checkpoint/quantized.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 700

typedef struct expected {
    dmx_json *json;
    dmx_parameter parameter[MOST];
    const char *sum[MOST];
    size_t n;
} expected;

static void read_expected(expected *e, const char *folder)
{
    char name[128];
    bytes text = {0};
    snprintf(name, sizeof name, "quantized/%s/tensors.json", folder);
    read_bytes(&text, test_data(name));
    e->json = dmx_json_read_bytes((const char *)text.data, text.size);
    bytes_free(&text);
    assert_non_null(e->json);
    const dmx_json *item, *dim;
    DMX_JSON_EACH (item, dmx_json_get(e->json, "tensors")) {
        assert_true(e->n < MOST);
        dmx_parameter *p = &e->parameter[e->n];
        p->name = item->string;
        DMX_JSON_EACH (dim, dmx_json_get(item, "shape"))
            p->dim[p->rank++] = (int64_t)dim->valuedouble;
        e->sum[e->n++] = dmx_json_text_of(dmx_json_get(item, "sha256"));
    }
    assert_true(e->n > 100);
}

static void check_tensor(const dmx_tensor *t, const char *sum)
{
    char hex[DMX_SHA256_HEX];
    dmx_error err = DMX_ERROR_INIT;
    const size_t n = dmx_tensor_count(t);
    float *x = malloc((n + 1) * sizeof *x);
    assert_non_null(x);
    dmx_tensor_to_f32(x, t);
    assert_ok(dmx_sha256_hex(hex, x, n * sizeof *x, &err), &err);
    if (strcmp(hex, sum) != 0)
        fail_msg("%s: not the original's numbers", t->name);
    free(x);
}

static void check_file(const char *folder, const char *file)
{
    static expected e;
    char name[128];
    dmx_error err = DMX_ERROR_INIT;
    dmx_checkpoint *c = NULL;
    struct dmx_checkpoint *named = NULL;
    e = (expected){0};
    read_expected(&e, folder);
    snprintf(name, sizeof name, "quantized/%s/%s", folder, file);
    assert_ok(dmx_checkpoint_open(&c, test_data(name), NULL, &err), &err);
    assert_non_null(c->quantized);
    assert_int_equal(c->n_tensor, 0);
    assert_ok(dmx_quantized_open(&named, c, e.parameter, e.n, &err), &err);
    assert_int_equal(named->n_tensor, e.n);
    for (size_t i = 0; i < e.n; i++) {
        assert_ptr_equal(dmx_checkpoint_find(named, e.parameter[i].name),
                         &named->tensor[i]);
        check_tensor(&named->tensor[i], e.sum[i]);
    }
    dmx_checkpoint_close(named);
    /* One parameter fewer, or another order, does not fit. */
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_not_equal(
        dmx_quantized_open(&named, c, e.parameter, e.n - 1, &err), DMX_OK);
    assert_null(named);
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_not_equal(
        dmx_quantized_open(&named, c, e.parameter + 1, e.n - 1, &err), DMX_OK);
    dmx_checkpoint_close(c);
    dmx_json_free(e.json);
}

static void test_diffq(void **state)
{
    (void)state;
    check_file("hdemucs_q", "model.safetensors");
}

static void test_float16(void **state)
{
    (void)state;
    check_file("hdemucs_q_float16", "model.th");
    check_file("hdemucs_q_float16", "model_torch_pack.th");
    check_file("hdemucs_q_float16", "model_unpacked.th");
}

static void test_uniform(void **state)
{
    (void)state;
    check_file("demucs_q8", "model.th");
}

/* --------------------------------------------------------- hostile variants */

/* One DiffQ entry of two rows of eight in int16, changed in every way. */
static dmx_quantized_entry entry_of(const unsigned char *data)
{
    dmx_quantized_entry e = {.low = -1.0, .high = 1.0};
    e.level[1] = (dmx_raw){data, 2, -1, 2, {2, 1}, 2};
    e.bits = (dmx_raw){data, 2, -1, 2, {1, 1}, 1};
    return e;
}

static dmx_status unpack(const dmx_quantized *q, const dmx_quantized_entry *e)
{
    float out[16];
    dmx_error err = DMX_ERROR_INIT;
    return dmx_quantized_unpack(out, 16, q, e, &err);
}

static void test_hostile(void **state)
{
    (void)state;
    static const unsigned char zeros[64] = {0}, ones[64] = {0xff, 0xff, 0xff};
    const dmx_quantized q = {.packed = true,
                             .torch_pack = true,
                             .min_bits = 2,
                             .group = 8,
                             .largest = 4};
    dmx_quantized_entry e = entry_of(zeros);
    assert_int_equal(unpack(&q, &e), DMX_OK);
    e.level[1].data = NULL; /* a width that is not there */
    assert_int_equal(unpack(&q, &e), DMX_ERROR_FORMAT);
    e = entry_of(zeros);
    e.level[1].dim[1] = 0; /* and one without numbers */
    assert_int_equal(unpack(&q, &e), DMX_ERROR_FORMAT);
    e = entry_of(zeros);
    e.level[1].dim[0] = 3; /* of another width */
    assert_int_equal(unpack(&q, &e), DMX_ERROR_FORMAT);
    e = entry_of(zeros);
    e.level[1].item_size = 8;
    assert_int_equal(unpack(&q, &e), DMX_ERROR_FORMAT);
    e = entry_of(zeros);
    e.bits = (dmx_raw){ones, 2, -1, 2, {15, 1}, 15}; /* 32,769 bits a row */
    assert_int_equal(unpack(&q, &e), DMX_ERROR_FORMAT);
    e = entry_of(zeros);
    e.bits.data = NULL;
    assert_int_equal(unpack(&q, &e), DMX_ERROR_FORMAT);
    e = entry_of(zeros);
    e.bits.dim[1] = 0;
    assert_int_equal(unpack(&q, &e), DMX_ERROR_FORMAT);
    e = entry_of(zeros);
    e.bits.dim[0] = 0; /* all rows have min_bits */
    assert_int_equal(unpack(&q, &e), DMX_OK);
    dmx_quantized odd = q;
    odd.group = 3;
    assert_int_equal(unpack(&odd, &e), DMX_ERROR_FORMAT);
    odd = q;
    odd.torch_pack = false;
    assert_int_equal(unpack(&odd, &e), DMX_ERROR_FORMAT);
    odd.packed = false;
    assert_int_equal(unpack(&odd, &e), DMX_ERROR_FORMAT);
}

/* A package whose state is that text. */
static void refuse(const char *state, size_t size, dmx_status code,
                   const char *part)
{
    bytes b = {0};
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    bytes_literal(&b,
                  "\x80\x02}(U\x05klasscdemucs.hdemucs\nHDemucs\nU\x05state");
    bytes_put(&b, state, size);
    bytes_text(&b, "u.");
    const dmx_status status = open_pickle(&c, b.data, b.size, &err);
    if (status != code || strstr(err.message, part) == NULL)
        fail_msg("wanted %s (%s), got %s: %s", dmx_status_name(code), part,
                 dmx_status_name(status), err.message);
    dmx_checkpoint_close(c);
    bytes_free(&b);
}

#define STATE(lists, meta)                                                     \
    "}(" lists "U\x0b__quantized\x88U\x04meta}(U\x05klass" meta "uu"
#define DIFFQ "cdiffq.diffq\nDiffQuantizer\n"
#define LISTS(q)                                                               \
    "U\x09quantized" q "U\x07"                                                 \
    "float16]U\x06others]"

static void test_refused_states(void **state)
{
    (void)state;
#define REFUSE(text, code, part) refuse(text, sizeof(text) - 1, code, part)
    REFUSE(STATE(LISTS("]"), "cos\nsystem\n"), DMX_ERROR_UNSUPPORTED,
           "quantized by 'os.system'");
    REFUSE(STATE(LISTS("}"), DIFFQ), DMX_ERROR_FORMAT, "no list of quantized");
    REFUSE(STATE("U\x09quantized]", DIFFQ), DMX_ERROR_FORMAT, "other tensors");
    REFUSE(STATE(LISTS("]K\x01"
                       "a"),
                 DIFFQ),
           DMX_ERROR_FORMAT, "another form");
    REFUSE(STATE(LISTS("]]K\x01K\x02\x86N\x87"
                       "a"),
                 DIFFQ),
           DMX_ERROR_FORMAT, "a tensor that is none");
    REFUSE(STATE(LISTS("]]K\x01K\x02K\x03\x87N\x87"
                       "a"),
                 DIFFQ),
           DMX_ERROR_FORMAT, "no two finite numbers");
    REFUSE(STATE(LISTS("]}K\x01K\x02\x86N\x87"
                       "a"),
                 DIFFQ),
           DMX_ERROR_FORMAT, "levels by width");
    REFUSE(STATE(LISTS("]"), DIFFQ "U\x0binit_kwargs}U\x0agroup_sizeK\x00s"),
           DMX_ERROR_FORMAT, "out of range");
    REFUSE(STATE(LISTS("]"), DIFFQ "U\x0binit_kwargs}U\x08min_bitsK\x10s"),
           DMX_ERROR_FORMAT, "out of range");
#undef REFUSE
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diffq),          cmocka_unit_test(test_float16),
        cmocka_unit_test(test_uniform),        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_refused_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
