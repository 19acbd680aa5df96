/* JSON against a second implementation, and on hostile text. */
#include "base/json.h"
#include "test_support.h"

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

static uint32_t draw(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static double random_number(void)
{
    static const double special[] = {0,

                                     1,
                                     -1,
                                     0.1,
                                     1.0 / 3,
                                     1e300,
                                     1e16,
                                     9007199254740992.0,
                                     1e-300,
                                     2147483648.0,
                                     44100,
                                     0.30000000000000004,
                                     -1e15};
    const uint32_t n = sizeof special / sizeof special[0];
    if (draw(3) == 0)
        return special[draw(n)];
    return ldexp((double)draw(1u << 30) - (1 << 29), (int)draw(120) - 60);
}

static const char *random_text(void)
{
    static const char *const texts[] = {"",          "drums",
                                        "a\"b\\c/d", "\b\f\n\r\t\x01\x1f",
                                        "\xc3\xa9",  "\xf0\x9f\x8e\xb5",
                                        "~",         "_type"};
    return texts[draw(sizeof texts / sizeof texts[0])];
}

/* The same tree twice. */
static void grow(dmx_json **ours, cJSON **theirs, int depth)
{
    const uint32_t kind = draw(depth > 0 ? 7 : 5);
    if (kind < 3) {
        *ours = kind == 0 ? dmx_json_new(DMX_JSON_NULL)
                          : dmx_json_new_bool(kind == 1);
        *theirs = kind == 0 ? cJSON_CreateNull() : cJSON_CreateBool(kind == 1);
    } else if (kind == 3) {
        const double x = random_number();
        *ours = dmx_json_new_number(x);
        *theirs = cJSON_CreateNumber(x);
    } else if (kind == 4) {
        const char *text = random_text();
        *ours = dmx_json_new_string(text);
        *theirs = cJSON_CreateString(text);
    } else {
        *ours = dmx_json_new(kind == 5 ? DMX_JSON_ARRAY : DMX_JSON_OBJECT);
        *theirs = kind == 5 ? cJSON_CreateArray() : cJSON_CreateObject();
        for (uint32_t i = draw(4); i > 0; i--) {
            dmx_json *inner;
            cJSON *other;
            grow(&inner, &other, depth - 1);
            const char *key = random_text();
            assert_true(kind == 5 ? dmx_json_append(*ours, inner)
                                  : dmx_json_add(*ours, key, inner));
            assert_true(kind == 5 ? cJSON_AddItemToArray(*theirs, other)
                                  : cJSON_AddItemToObject(*theirs, key, other));
        }
    }
}

static void check_text(const dmx_json *ours, char *expected, bool lines)
{
    char *text = lines ? dmx_json_print(ours) : dmx_json_print_compact(ours);
    assert_non_null(text);
    assert_string_equal(text, expected);
    /* What was read prints the same again. */
    dmx_json *again = dmx_json_read(text);
    char *copy = lines ? dmx_json_print(again) : dmx_json_print_compact(again);
    assert_string_equal(copy, expected);
    dmx_json_free(again);
    free(copy);
    free(text);
    cJSON_free(expected);
}

static void test_as_another(void **context)
{
    (void)context;
    for (int i = 0; i < 5000; i++) {
        dmx_json *ours;
        cJSON *theirs;
        grow(&ours, &theirs, 5);
        check_text(ours, cJSON_Print(theirs), true);
        check_text(ours, cJSON_PrintUnformatted(theirs), false);
        dmx_json *copy = dmx_json_copy(ours);
        check_text(copy, cJSON_PrintUnformatted(theirs), false);
        dmx_json_free(copy);
        dmx_json_free(ours);
        cJSON_Delete(theirs);
    }
}

static void test_reads(void **context)
{
    (void)context;
    static const char *const good[][2] = {
        {"\xef\xbb\xbf [1, 2 ]\n", "[1,2]"},
        {"\"\\ud83c\\udfb5\\u00e9\\/\"", "\"\xf0\x9f\x8e\xb5\xc3\xa9/\""},
        {"{\"a\":{},\"b\":[],\"a\":1}", "{\"a\":{},\"b\":[],\"a\":1}"},
        {"-0.5e+2", "-50"},
        {"-0", "-0"}, /* where versions of cJSON differ */
        {" null ", "null"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        dmx_json *value = dmx_json_read(good[i][0]);
        char *text = dmx_json_print_compact(value);
        assert_non_null(text);
        assert_string_equal(text, good[i][1]);
        free(text);
        dmx_json_free(value);
    }
}

static void test_refuses(void **context)
{
    (void)context;
    static const char *const bad[] = {
        "",          " ",           "[",           "[1",
        "[1,]",      "{",           "{1:2}",       "{\"a\"}",
        "{\"a\":}",  "{\"a\":1,}",  "nul",         "truefalse",
        "1 2",       "\"",          "\"\\",        "\"\\x\"",
        "\"\\u12\"", "\"\\u0000\"", "-",           "1e",
        "1.2.3",     "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
        "[1}",       "NaN",         "Infinity",    "+1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (dmx_json_read(bad[i]) != NULL)
            fail_msg("accepted: %s", bad[i]);
    char digits[200];
    memset(digits, '1', sizeof digits);
    assert_null(dmx_json_read_bytes(digits, sizeof digits));
    const char text[] = "[\"a\0b\"]";
    assert_null(dmx_json_read_bytes(text, sizeof text - 1));
    assert_null(dmx_json_read(NULL));
}

/* Every prefix of a document is refused, without reading past its end. */
static void test_truncated(void **context)
{
    (void)context;
    const char text[] = "{\"a\":[1.5e3,\"\\ud83c\\udfb5\",true,null],\"b\":{}}";
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        char *part = malloc(n + 1);
        memcpy(part, text, n);
        const char *end;
        assert_null(dmx_json_read_prefix(part, n, &end));
        assert_true(end >= part && end <= part + n);
        free(part);
    }
}

static void test_depth(void **context)
{
    (void)context;
    for (size_t depth = 999; depth < 2000000; depth = depth * 2 - 997) {
        char *text = malloc(2 * depth + 1);
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        dmx_json *value = dmx_json_read(text);
        assert_int_equal(value != NULL, depth <= DMX_JSON_DEPTH);
        dmx_json_free(value);
        free(text);
    }
}

static void test_changes(void **context)
{
    (void)context;
    dmx_json *o = dmx_json_read("{\"a\":1,\"b\":2,\"c\":3}");
    dmx_json_remove(o, "c");
    dmx_json_remove(o, "a");
    dmx_json_remove(o, "no such key");
    assert_non_null(dmx_json_add_string(o, "d", "x"));
    dmx_json_remove(o, "b");
    dmx_json_remove(o, "d");
    assert_non_null(dmx_json_add_array(o, "e"));
    dmx_json *view = dmx_json_borrow(o);
    char *text = dmx_json_print_compact(view);
    assert_string_equal(text, "{\"e\":[]}");
    free(text);
    dmx_json_free(view);
    dmx_json_free(o);
    assert_false(dmx_json_add(NULL, "a", NULL));
    assert_null(dmx_json_add_number(NULL, "a", 1));
    assert_null(dmx_json_print(NULL));
    assert_int_equal(dmx_json_count(NULL), 0);
}

/* Values cost memory: more than a limit are refused. */
static void test_values(void **unused)
{
    (void)unused;
    const size_t most = DMX_JSON_VALUES;
    char *text = malloc(2 * most + 2);
    assert_non_null(text);
    text[0] = '[';
    for (size_t i = 0; i < most; i++)
        memcpy(text + 1 + 2 * i, "0,", 2);
    memcpy(text + 2 * most - 2, "]", 2); /* the array and most - 1 numbers */
    dmx_json *fine = dmx_json_read(text);
    assert_int_equal(dmx_json_count(fine), (int)most - 1);
    dmx_json_free(fine);
    memcpy(text + 2 * most - 2, ",0]", 4);
    assert_null(dmx_json_read(text));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_another), cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refuses),    cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_depth),      cmocka_unit_test(test_values),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
