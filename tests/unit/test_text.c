/* Untrusted text is made harmless before it is shown; numbers and JSON do not
 * depend on the locale. */
#include "test_support.h"

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "comma_locale.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void shows(const char *text, const char *wanted)
{
    char out[200], again[200];
    const size_t n = dmx_text_printable(out, sizeof out, text);
    assert_string_equal(out, wanted);
    assert_int_equal(n, strlen(wanted));
    dmx_text_printable(again, sizeof again, out);
    assert_string_equal(again, wanted);
}

static void test_printable(void **state)
{
    (void)state;
    shows("", "");
    shows(NULL, "(null)");
    shows("plain text \\ 'x'", "plain text \\ 'x'");
    shows("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xb5 \xd7\xa9",
          "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xb5 \xd7\xa9");
    shows("\033]0;PWNED\a\033[31m", "\\x1b]0;PWNED\\x07\\x1b[31m");
    shows("a\nb\rc\td\x7f", "a\\nb\\rc\\td\\x7f");
    shows("\xc2\x9b"
          "31m",
          "\\u009b31m"); /* CSI as a code point */
    shows("\x9b"
          "31m",
          "\\x9b31m"); /* and as a byte */
    shows("\xe2\x80\xae"
          "gpj",
          "\\u202egpj"); /* right-to-left override */
    shows("\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069");
    shows("a\xe2\x80\xa8z", "a\\u2028z");
    shows("\xef\xbb\xbfx", "\\ufeffx");
    shows("caf\xe9", "caf\\xe9");
    shows("\xc0\xaf", "\\xc0\\xaf");                   /* overlong */
    shows("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* surrogate */
    shows("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    shows("\xe2\x82", "\\xe2\\x82");                   /* cut off */
    shows("\xf3\xa0\x81\x81", "\\U000e0041");          /* a tag letter */
}

/* Whole characters or nothing, always terminated. */
static void test_bounds(void **state)
{
    (void)state;
    const char *text = "ab\xc3\xa9\033z";
    char whole[32], out[32];
    const size_t all = dmx_text_printable(whole, sizeof whole, text);
    assert_int_equal(dmx_text_printable(NULL, 0, text), all);
    for (size_t size = 1; size <= all + 1; size++) {
        memset(out, '#', sizeof out);
        assert_int_equal(dmx_text_printable(out, size, text), all);
        assert_true(strlen(out) < size);
        assert_memory_equal(out, whole, strlen(out));
        assert_int_equal(out[size], '#');
        char shown[32];
        dmx_text_printable(shown, sizeof shown, out);
        assert_string_equal(shown, out); /* nothing is cut in two */
    }
}

/* Every code point, alone: what is shown is UTF-8 without controls. */
static void test_all_codes(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 0x110000; c++) {
        char text[5] = {0}, out[16];
        const int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (int i = n - 1; i > 0; i--)
            text[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
        text[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c >> 6 * (n - 1));
        dmx_text_printable(out, sizeof out, text);
        for (const char *p = out; *p != '\0';) {
            uint32_t code;
            const size_t length = dmx_utf8(&code, p);
            assert_true(length > 0 && code >= 0x20);
            assert_false(code >= 0x7f && code <= 0x9f);
            assert_false(code >= 0x202a && code <= 0x202e);
            assert_false(code >= 0x2066 && code <= 0x2069);
            p += length;
        }
    }
}

static void quotes(const char *text, const char *wanted)
{
    char out[200];
    dmx_text_json(out, sizeof out, text);
    assert_string_equal(out, wanted);
}

static void test_json_string(void **state)
{
    (void)state;
    quotes("", "\"\"");
    quotes(NULL, "\"\"");
    quotes("a\"\\b", "\"a\\\"\\\\b\"");
    quotes("\033\n\x7f", "\"\\u001b\\u000a\\u007f\"");
    quotes("caf\xe9", "\"caf\\ufffd\"");
    quotes("caf\xc3\xa9", "\"caf\xc3\xa9\"");
    quotes("\xc2\x9b\xe2\x80\xae", "\"\\u009b\\u202e\"");
    quotes("\xf3\xa0\x81\x81", "\"\\udb40\\udc41\"");
}

static void test_json_document(void **state)
{
    (void)state;
    dmx_json *o = dmx_json_new(DMX_JSON_OBJECT);
    dmx_json_add_string(o, "k\xff\x7f", "\xc2\x9b caf\xe9 \xc3\xa9\n");
    dmx_json_add_number(o, "n", 0.5);
    char *text = dmx_json_print_compact(o);
    assert_string_equal(text, "{\"k\\ufffd\\u007f\":\"\\u009b caf\\ufffd "
                              "\xc3\xa9\\n\",\"n\":0.5}");
    dmx_free(text);
    dmx_json_free(o);
    o = dmx_json_new_string("\xf3\xa0\x81\x81");
    text = dmx_json_print(o);
    assert_string_equal(text, "\"\\udb40\\udc41\"");
    dmx_free(text);
    dmx_json_free(o);
}

/* An error is one harmless line whatever it contains. */
static void test_errors(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_fail(&err, DMX_ERROR_FORMAT, "%s: node '%s'", "a\nb.onnx",
             "\033[31m\xc2\x9b\xff");
    assert_string_equal(err.message,
                        "a\\nb.onnx: node '\\x1b[31m\\u009b\\xff'");
    dmx_error_prefix(&err, "%s", "x\x1b");
    assert_string_equal(err.message,
                        "x\\x1b: a\\nb.onnx: node '\\x1b[31m\\u009b\\xff'");
    char text[3000];
    memset(text, '\033', sizeof text);
    text[sizeof text - 1] = '\0';
    dmx_error_clear(&err);
    assert_int_equal(err.code, DMX_OK);
    assert_int_equal(err.offset, -1);
    dmx_fail(&err, DMX_ERROR_IO, "%s", text);
    assert_true(strlen(err.message) > 1000);
    assert_null(strchr(err.message, '\033'));
    dmx_error_clear(NULL);
}

static void keep(void *user, const char *message)
{
    snprintf(user, 200, "%s", message);
}

static void test_warnings(void **state)
{
    (void)state;
    char line[200] = "";
    const dmx_hooks hooks = {
        .size = sizeof(dmx_hooks), .user = line, .warn = keep};
    dmx_warn(&hooks, "unknown argument '%s' dropped", "\033]0;x\a\n");
    assert_string_equal(line, "unknown argument '\\x1b]0;x\\x07\\n' dropped");
}

static void reads(const char *text, size_t length, double wanted)
{
    double value = -1;
    assert_int_equal(dmx_number_read(&value, text), length);
    assert_true(value == wanted);
    assert_int_equal(dmx_number_parse(&value, text),
                     length > 0 && text[length] == '\0');
}

static void test_numbers(void **state)
{
    (void)state;
    reads("0.4", 3, 0.4);
    reads("-12", 3, -12);
    reads("+.5", 3, 0.5);
    reads("3.", 2, 3);
    reads("1e-3", 4, 1e-3);
    reads("1e", 1, 1);
    reads("1e+", 1, 1);
    reads("39/5", 2, 39);
    reads("0x10", 1, 0);
    reads("0,4", 1, 0);
    reads("", 0, 0);
    reads(".", 0, 0);
    reads("-", 0, 0);
    reads(" 1", 0, 0);
    reads("inf", 0, 0);
    reads("nan", 0, 0);
    reads("1e999", 5, INFINITY);
    char longest[80];
    memset(longest, '1', sizeof longest);
    longest[79] = '\0';
    reads(longest, 0, 0);
}

/* -------------------------------------------------------------- locales */

static void test_comma(void **state)
{
    (void)state;
    if (!test_comma_locale()) {
        print_message("no locale with a decimal comma can be made\n");
        skip();
    }
    char text[64];
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); /* the test tests something */
    dmx_format(text, sizeof text, "%.1f %g", 0.5, 0.25);
    assert_string_equal(text, "0.5 0.25");
    test_numbers(state);
    test_json_document(state);
    dmx_json *json = dmx_json_read("[0.5, -1.25e1]");
    assert_true(dmx_json_item(json, 0)->valuedouble == 0.5);
    assert_true(dmx_json_item(json, 1)->valuedouble == -12.5);
    dmx_json_free(json);
    dmx_error err = DMX_ERROR_INIT;
    dmx_fail(&err, DMX_ERROR_LIMIT, "%g of %.2f", 0.5, 1.25);
    assert_string_equal(err.message, "0.5 of 1.25");
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); /* the caller's locale is back */
    setlocale(LC_ALL, "C");
}

static void test_comparisons(void **state)
{
    (void)state;
    char longest[64 + 1] = {0};
    memset(longest, 'a', sizeof longest - 1);
    assert_int_equal(dmx_text_distance("kitten", "sitting"), 3);
    assert_int_equal(dmx_text_distance("", "abc"), 3);
    assert_int_equal(dmx_text_distance("htdemucs", "htdemucs"), 0);
    assert_true(dmx_text_distance(longest, "a") == SIZE_MAX);
    assert_int_equal(dmx_text_distance(longest + 1, ""), 63);
    assert_true(dmx_text_distance(NULL, "a") == SIZE_MAX);
    assert_true(dmx_text_distance("a", NULL) == SIZE_MAX);
    assert_true(dmx_text_ends_with("song.NPY", ".npy"));
    assert_true(dmx_text_ends_with("a", ""));
    assert_false(dmx_text_ends_with("npy", ".npy"));
    assert_false(dmx_text_ends_with(NULL, ""));
    assert_false(dmx_text_ends_with("a", NULL));
}

/* Exactly: 7.8 * 44100 is 343980, though not in floating point. */
static void test_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t rate, samples;
    } good[] = {
        {"7.8", 44100, 343980},
        {"39/5", 44100, 343980},
        {"10", 44100, 441000},
        {".5", 3, 1},
        {"1.", 3, 3},
        {"0.000000001", 1000000000, 1},
        {"1.5/0.5", 44100, 132300},
        {"+2", 5, 10},
        {"3600", 768000, 2764800000},
    };
    static const char *const bad[] = {
        "",
        ".",
        "-1",
        "0",
        "1/0",
        "1/-2",
        "7,8",
        "1e3",
        " 1",
        "1 ",
        "1/",
        "/1",
        "1/2/3",
        "1..2",
        "nan",
        "0x1",
        "0.1234567890",
        "99999999999999999999",
        "9223372036854775807",
        "1/0.0",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(dmx_seconds_samples(good[i].text, good[i].rate),
                         good[i].samples);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (dmx_seconds_samples(bad[i], 44100) != 0)
            fail_msg("'%s' is taken as a duration", bad[i]);
    assert_int_equal(dmx_seconds_samples(NULL, 44100), 0);
    assert_int_equal(dmx_seconds_samples("1", 0), 0);
    assert_int_equal(dmx_seconds_samples("1", -5), 0);
    assert_int_equal(dmx_seconds_samples("-9223372036854775808/-1", 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_all_codes),
        cmocka_unit_test(test_json_string),
        cmocka_unit_test(test_json_document),

        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_comma),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
