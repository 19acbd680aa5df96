/* The safetensors reader: what its header may say, and may not. */
#include "checkpoint_case.h"
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

static dmx_status open_header(dmx_checkpoint **out, const char *header,
                              size_t numbers, dmx_error *err)
{
    bytes b = {0};
    bytes_number(&b, strlen(header), 8);
    bytes_text(&b, header);
    bytes_repeat(&b, "0", numbers); /* small numbers of every type */
    const dmx_status status = open_bytes(out, b.data, b.size, NULL, err);
    bytes_free(&b);
    return status;
}

static void refuse_with(const char *header, size_t numbers, dmx_status code,
                        const char *part)
{
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    const dmx_status status = open_header(&c, header, numbers, &err);
    if (status != code || strstr(err.message, part) == NULL)
        fail_msg("%s: wanted %s (%s), got %s: %s", header,
                 dmx_status_name(code), part, dmx_status_name(status),
                 err.message);
    dmx_checkpoint_close(c);
}

static void refuse(const char *header, dmx_status code, const char *part)
{
    refuse_with(header, 16, code, part);
}

#define ENTRY(dtype, shape, range)                                             \
    "{\"w\":{\"dtype\":\"" dtype "\",\"shape\":" shape                         \
    ",\"data_offsets\":" range "}}  "

static void test_good(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t count, bytes;
    } cases[] = {
        {ENTRY("F32", "[2,2]", "[0,16]"), 4, 16},
        {ENTRY("F16", "[4]", "[0,8]"), 4, 8},
        {ENTRY("BF16", "[1,1,1]", "[0,2]"), 1, 2},
        {ENTRY("F64", "[]", "[0,8]"), 1, 8},
        {ENTRY("I64", "[2]", "[0,16]"), 2, 16},
        {ENTRY("F32", "[0,5]", "[0,0]"), 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dmx_checkpoint *c = NULL;
        dmx_error err = DMX_ERROR_INIT;
        assert_ok(open_header(&c, cases[i].header, cases[i].bytes, &err), &err);
        assert_int_equal(dmx_tensor_count(&c->tensor[0]), cases[i].count);
        assert_null(c->klass_name);
        assert_null(c->kwargs);
        dmx_checkpoint_close(c);
    }
}

static void test_wrong_entries(void **state)
{
    (void)state;
    refuse(ENTRY("F32", "[2,2]", "[0,12]"), DMX_ERROR_FORMAT, "do not fit");
    refuse(ENTRY("F32", "[2,3]", "[0,24]"), DMX_ERROR_FORMAT, "do not fit");
    refuse(ENTRY("F32", "[1]", "[4,0]"), DMX_ERROR_FORMAT, "malformed");
    refuse(ENTRY("F32", "[0]", "[17,17]"), DMX_ERROR_FORMAT, "do not fit");
    refuse(ENTRY("F32", "[9000000000000000,0]", "[0,4]"), DMX_ERROR_FORMAT,
           "do not fit");
    refuse(ENTRY("F32", "[99999999]", "[0,4]"), DMX_ERROR_LIMIT, "claims more");
    refuse(ENTRY("F32", "[1.5]", "[0,4]"), DMX_ERROR_FORMAT, "malformed");
    refuse(ENTRY("F32", "[-1]", "[0,4]"), DMX_ERROR_FORMAT, "malformed");
    refuse(ENTRY("F32", "[1e99]", "[0,4]"), DMX_ERROR_FORMAT, "malformed");
    refuse(ENTRY("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), DMX_ERROR_FORMAT,
           "malformed");
    refuse(ENTRY("F32", "1", "[0,4]"), DMX_ERROR_FORMAT, "malformed");
    refuse(ENTRY("F32", "[1]", "[0]"), DMX_ERROR_FORMAT, "data_offsets");
    refuse(ENTRY("F32", "[1]", "[0,4,8]"), DMX_ERROR_FORMAT, "data_offsets");
    refuse(ENTRY("I8", "[2]", "[0,2]"), DMX_ERROR_UNSUPPORTED, "dtype I8");
    refuse("{\"w\":{}}", DMX_ERROR_FORMAT, "missing");
    refuse("{\"w\":3}", DMX_ERROR_FORMAT, "missing");
    refuse_with("{}", 0, DMX_ERROR_MODEL, "no weights");
    refuse("{\"w\":", DMX_ERROR_FORMAT, "malformed JSON");
    refuse("{} x", DMX_ERROR_FORMAT, "malformed JSON");
    refuse_with(
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
        "\"w\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}}",
        8, DMX_ERROR_FORMAT, "header: w is there twice");
    /* Also a tensor that does not become a weight. */
    refuse_with(
        "{\"n.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],"
        "\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"F32\",\"shape\":[2],"
        "\"data_offsets\":[8,16]},\"n.num_batches_tracked\":{\"dtype\":"
        "\"I64\",\"shape\":[],\"data_offsets\":[16,24]}}",
        24, DMX_ERROR_FORMAT, "n.num_batches_tracked is there twice");
    refuse("{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"shape\":[4],"
           "\"data_offsets\":[0,16]}}",
           DMX_ERROR_FORMAT, "there twice");
}

#define TWO(first, second)                                                     \
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" first "},"     \
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" second "}}"

/* The format leaves no byte for anything but tensors, each once. */
static void test_layout(void **state)
{
    (void)state;
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(open_header(&c, TWO("[8,16]", "[0,8]"), 16, &err), &err);
    dmx_checkpoint_close(c);
    refuse(TWO("[0,8]", "[4,12]"), DMX_ERROR_FORMAT, "overlap");
    refuse(TWO("[0,8]", "[0,8]"), DMX_ERROR_FORMAT, "overlap");
    refuse_with(TWO("[0,8]", "[9,17]"), 17, DMX_ERROR_FORMAT, "gap");
    refuse_with(TWO("[1,9]", "[9,17]"), 17, DMX_ERROR_FORMAT, "gap");
    refuse_with(TWO("[0,8]", "[8,16]"), 17, DMX_ERROR_FORMAT, "end at byte");
    refuse("{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[4],"
           "\"data_offsets\":[0,16]}}",
           DMX_ERROR_FORMAT, "malformed JSON");
}

/* Single numbers that no module computes with are left out. */
static void test_counters(void **state)
{
    (void)state;
    static const char header[] =
        "{\"net.a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"net.b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[8,10]},"
        "\"net.n.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],"
        "\"data_offsets\":[10,18]},"
        "\"initted\":{\"dtype\":\"BOOL\",\"shape\":[],"
        "\"data_offsets\":[18,19]}}";
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(open_header(&c, header, 19, &err), &err);
    assert_int_equal(c->n_tensor, 2);
    assert_string_equal(c->prefix, "net.");
    assert_string_equal(c->by_name[1]->name, "b");
    dmx_checkpoint_close(c);
}

#define WEIGHT                                                                 \
    "\"w\":{\"dtype\":\"F32\",\"shape\":[1],"                                  \
    "\"data_offsets\":[0,4]}}"
#define META(text) "{\"__metadata__\":{" text "}," WEIGHT

#define META2 "\"__metadata__\":{\"klass\":\"a.b\"}," WEIGHT

static void test_metadata(void **state)
{
    (void)state;
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(open_header(&c,
                          META("\"klass\":\"a.b.C\",\"args\":\"[1]\","
                               "\"kwargs\":\"{\\\"x\\\": [1, \\\"y\\\"]}\""),
                          4, &err),
              &err);
    assert_string_equal(c->klass_module, "a.b");
    assert_string_equal(c->klass_name, "C");
    assert_int_equal(dmx_json_count(c->args), 1);
    dmx_checkpoint_close(c);
    assert_ok(open_header(&c, META("\"klass\":\"b.C\""), 4, &err), &err);
    assert_int_equal(dmx_json_count(c->kwargs), 0);
    dmx_checkpoint_close(c);
    assert_ok(open_header(&c, META("\"format\":\"pt\""), 4, &err), &err);
    assert_null(c->klass_name);
    dmx_checkpoint_close(c);
    refuse("{\"__metadata__\":{\"klass\":\"a.b\"}," META2, DMX_ERROR_FORMAT,
           "twice");
    refuse("{\"a\\nb\":{\"dtype\":\"F32\",\"shape\":1}}", DMX_ERROR_FORMAT,
           "weight a?b: dtype, shape");
    refuse(META("\"klass\":\"a.b\",\"klass\":\"a.c\""), DMX_ERROR_FORMAT,
           "klass is there twice");
    refuse(META("\"format\":5"), DMX_ERROR_FORMAT, "not all values are texts");
    refuse(META("\"klass\":\"C\""), DMX_ERROR_FORMAT, "not a class name");
    refuse(META("\"klass\":\"a.\""), DMX_ERROR_FORMAT, "not a class name");
    refuse(META("\"klass\":\"a.b\\n\""), DMX_ERROR_FORMAT, "not a class name");
    refuse_with(META("\"klass\":\"a.b\",\"structure\":\"x\""), 4,
                DMX_ERROR_FORMAT, "structure: malformed JSON");
    refuse_with(META("\"klass\":\"a.b\",\"structure\":\"{}\""), 4,
                DMX_ERROR_FORMAT, "structure is malformed");
    refuse_with(META("\"klass\":\"a.b\",\"structure\":\"{\\\"_tensor\\\":1}\""),
                4, DMX_ERROR_FORMAT, "structure is malformed");
    refuse_with(
        META("\"klass\":\"a.b\",\"structure\":\"{\\\"_dict\\\":[[1]]}\""), 4,
        DMX_ERROR_FORMAT, "structure is malformed");
    refuse_with(META("\"klass\":\"a.b\",\"structure\":\"3\""), 4,
                DMX_ERROR_UNSUPPORTED, "no quantized state");
    refuse(META("\"klass\":\"a.b\",\"args\":\"{}\""), DMX_ERROR_FORMAT,
           "args is not a JSON array");
    refuse(META("\"klass\":\"a.b\",\"kwargs\":\"[]\""), DMX_ERROR_FORMAT,
           "kwargs is not a JSON object");
    refuse(META("\"klass\":\"a.b\",\"kwargs\":\"{\""), DMX_ERROR_FORMAT,
           "kwargs: malformed");
    refuse(META("\"klass\":\"a.b\",\"kwargs\":\"{\\\"a\\\":{\\\"b\\\":[1,"
                "\\\"x\\\\ty\\\"],\\\"c\\\":1}}\""),
           DMX_ERROR_FORMAT, "control characters");
}

static void test_bounds(void **state)
{
    (void)state;
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    bytes b = {0};
    bytes_number(&b, 1000, 8);
    bytes_text(&b, "{}");
    assert_int_equal(open_bytes(&c, b.data, b.size, NULL, &err),
                     DMX_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "truncated"));
    b.data[3] = 1; /* 16 MiB */
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(open_bytes(&c, b.data, b.size, NULL, &err),
                     DMX_ERROR_LIMIT);
    bytes_free(&b);
    bytes_text(&b, "{\"a\":");
    bytes_repeat(&b, "[", 100);
    bytes_literal(&b, "\0");
    refuse((const char *)b.data, DMX_ERROR_LIMIT, "nested");
    bytes_free(&b);
    bytes_text(&b, "{\"a\":[0");
    bytes_repeat(&b, ",0", 1 << 20);
    bytes_literal(&b, "\0");
    refuse((const char *)b.data, DMX_ERROR_LIMIT, "values");
    bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),     cmocka_unit_test(test_wrong_entries),
        cmocka_unit_test(test_layout),   cmocka_unit_test(test_counters),
        cmocka_unit_test(test_metadata), cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
