/* The pickle machine, opcode by opcode: what each leaves behind, and where
 * each fails. */
#include "checkpoint/pickle.h"
#include "checkpoint_case.h"
#include "test_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line a value, written flat: enough to compare small pickles. */
static void show(char *out, size_t size, const dmx_pickled *v, int depth)
{
    const size_t n = strlen(out);
    char *to = out + n;
    size -= n;
    switch (v->kind) {
    case DMX_PICKLED_BOOL:
        snprintf(to, size, v->as.boolean ? "True" : "False");
        return;
    case DMX_PICKLED_INT:
        snprintf(to, size, "%lld", (long long)v->as.integer);
        return;
    case DMX_PICKLED_FLOAT:
        snprintf(to, size, "%g", v->as.real);
        return;
    case DMX_PICKLED_STRING:
    case DMX_PICKLED_BYTES:
        snprintf(to, size, "%s'%.*s'", v->kind == DMX_PICKLED_BYTES ? "b" : "",
                 (int)v->as.text.size, v->as.text.data);
        return;
    case DMX_PICKLED_FRACTION:
        snprintf(to, size, "%lld/%lld", (long long)v->as.fraction.numerator,
                 (long long)v->as.fraction.denominator);
        return;
    case DMX_PICKLED_LIST:
    case DMX_PICKLED_TUPLE:
    case DMX_PICKLED_DICT:
        snprintf(to, size, "%c", "[({"[v->kind - DMX_PICKLED_LIST]);
        for (uint32_t i = 0; i < v->as.list.count && depth < 5; i++) {
            show(out, size + n, v->as.list.item[i], depth + 1);
            strcat(out, " ");
        }
        strcat(out, &"]\0)\0}"[2 * (v->kind - DMX_PICKLED_LIST)]);
        return;
    default:
        snprintf(to, size, "<%s>", dmx_pickled_describe(v));
    }
}

typedef struct good_case {
    const char *pickle;
    size_t size;
    const char *value;
} good_case;

#define GOOD(value, text)                                                      \
    {                                                                          \
        text, sizeof(text) - 1, value                                          \
    }

static const good_case good[] = {
    GOOD("<None>", "\x80\x02N."),
    GOOD("True", "\x80\x02\x88."),
    GOOD("False", "\x80\x02\x89."),
    GOOD("True", "\x80\x02I01\n."),
    GOOD("False", "\x80\x02I00\n."),
    GOOD("-12", "\x80\x02I-12\n."),
    GOOD("<builtins.int>", "\x80\x02I99999999999999999999\n."),
    GOOD("123", "\x80\x02L123L\n."),
    GOOD("-2", "\x80\x02J\xfe\xff\xff\xff."),
    GOOD("255", "\x80\x02K\xff."),
    GOOD("65535", "\x80\x02M\xff\xff."),
    GOOD("0", "\x80\x02\x8a\x00."),
    GOOD("-1", "\x80\x02\x8a\x01\xff."),
    GOOD("-9223372036854775808", "\x80\x02\x8a\x08\0\0\0\0\0\0\0\x80."),
    GOOD("<builtins.int>", "\x80\x02\x8a\x09\0\0\0\0\0\0\0\x80\0."),
    GOOD("256", "\x80\x02\x8b\x02\0\0\0\0\x01."),
    GOOD("1.5", "\x80\x02G\x3f\xf8\0\0\0\0\0\0."),
    GOOD("-2500", "\x80\x02"
                  "F-2.5e3\n."),
    GOOD("'a'", "\x80\x02U\x01"
                "a."),
    GOOD("'a'", "\x80\x02T\x01\0\0\0a."),
    GOOD("'a'", "\x80\x02X\x01\0\0\0a."),
    GOOD("'a'", "\x80\x04\x8c\x01"
                "a."),
    GOOD("'a'", "\x80\x04\x8d\x01\0\0\0\0\0\0\0a."),
    GOOD("'it's A\n'", "\x80\x02S'it\\'s \\x41\\n'\n."),
    GOOD("'\"'", "\x80\x02S\"\\\"\"\n."),
    GOOD("'\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5'",
         "\x80\x02V\\u00e9\\u20ac\\U0001f3b5\n."),
    GOOD("'a\\n'", "\x80\x02Va\\n\n."),
    GOOD("b'a'", "\x80\x03"
                 "C\x01"
                 "a."),
    GOOD("b'a'", "\x80\x03"
                 "B\x01\0\0\0a."),
    GOOD("b'a'", "\x80\x04\x8e\x01\0\0\0\0\0\0\0a."),
    GOOD("b'a'", "\x80\x05\x96\x01\0\0\0\0\0\0\0a."),
    GOOD("[]", "\x80\x02]."),
    GOOD("()", "\x80\x02)."),
    GOOD("{}", "\x80\x02}."),
    GOOD("[1 2 ]", "\x80\x02(K\x01K\x02l."),
    GOOD("(1 2 )", "\x80\x02(K\x01K\x02t."),
    GOOD("{1 2 }", "\x80\x02(K\x01K\x02"
                   "d."),
    GOOD("(1 )", "\x80\x02K\x01\x85."),
    GOOD("(1 2 )", "\x80\x02K\x01K\x02\x86."),
    GOOD("(1 2 3 )", "\x80\x02K\x01K\x02K\x03\x87."),
    GOOD("[1 ]", "\x80\x02]K\x01"
                 "a."),
    GOOD("[1 2 3 4 5 ]", "\x80\x02](K\x01K\x02K\x03K\x04K\x05"
                         "e."),
    GOOD("{1 2 }", "\x80\x02}K\x01K\x02s."),
    GOOD("{1 2 3 4 }", "\x80\x02}(K\x01K\x02K\x03K\x04u."),
    GOOD("1", "\x80\x02K\x01K\x02"
              "0."),
    GOOD("1", "\x80\x02K\x01("
              "0."),
    GOOD("1", "\x80\x02K\x01(K\x02K\x03"
              "1."),
    GOOD("(1 1 )", "\x80\x02K\x01"
                   "2\x86."),
    GOOD("(1 1 )", "\x80\x02K\x01q\x05h\x05\x86."),
    GOOD("(1 1 )", "\x80\x02K\x01r\x00\x01\0\0j\x00\x01\0\0\x86."),
    GOOD("(1 1 )", "\x80\x02K\x01p7\ng7\n\x86."),
    GOOD("(1 2 1 )", "\x80\x04K\x01\x94K\x02\x94h\x00\x87."),
    GOOD("1", "\x80\x04\x95\x03\0\0\0\0\0\0\0K\x01."),
    GOOD("<builtins.set>", "\x80\x04\x8f(K\x01\x90."),
    GOOD("<builtins.frozenset>", "\x80\x04(K\x01\x91."),
    GOOD("<os.system>", "\x80\x02"
                        "cos\nsystem\n."),
    GOOD("<os.system>", "\x80\x04\x8c\x02os\x8c\x06system\x93."),
    GOOD("<os.system>", "\x80\x02"
                        "cos\nsystem\nU\x02id\x85R."),
    GOOD("<os.system>", "\x80\x02"
                        "cos\nsystem\n)\x81."),
    GOOD("<os.system>", "\x80\x04"
                        "cos\nsystem\n)}\x92."),
    GOOD("<os.system>", "\x80\x02(U\x02idios\nsystem\n."),
    GOOD("<os.system>", "\x80\x02("
                        "cos\nsystem\nU\x02ido."),
    GOOD("<os.system>", "\x80\x02"
                        "cos\nsystem\n)R}b."),
    GOOD("<os.system>", "\x80\x02"
                        "cos\nsystem\n)R(K\x01K\x02uK\x01"
                        "a."),
    GOOD("<os.system>", "\x80\x02"
                        "cos\nsystem\n)R)R."),
    GOOD("39/5", "\x80\x02"
                 "cfractions\nFraction\nU\x04"
                 "39/5\x85R."),
    GOOD("39/5", "\x80\x02"
                 "cfractions\nFraction\nK\x4eK\x0a\x86R."),
    GOOD("-10/1", "\x80\x02"
                  "cfractions\nFraction\nU\x03-10\x85R."),
    GOOD("7/1", "\x80\x02"
                "cfractions\nFraction\nK\x07\x85R."),
    GOOD("<fractions.Fraction>", "\x80\x02"
                                 "cfractions\nFraction\nK\x07K\x00\x86R."),
    GOOD("<fractions.Fraction>", "\x80\x02"
                                 "cfractions\nFraction\nU\x03"
                                 "7/x\x85R."),
    GOOD("<fractions.Fraction>", "\x80\x02"
                                 "cfractions\nFraction\n)R."),
    GOOD("{}", "\x80\x02"
               "ccollections\nOrderedDict\n)R."),
    GOOD("{1 2 }", "\x80\x02"
                   "ccollections\nOrderedDict\n]]K\x01"
                   "aK\x02"
                   "aa\x85R."),
    GOOD("{1 2 }", "\x80\x02"
                   "ccollections\ndefaultdict\n"
                   "cbuiltins\nlist\n}K\x01K\x02s\x86R."),
    GOOD("{1 2 }", "\x80\x02"
                   "ccollections\nOrderedDict\n)R}b(K\x01K\x02u."),
    GOOD("(2 )", "\x80\x02"
                 "ctorch\nSize\nK\x02\x85\x85R."),
    GOOD("3", "\x80\x02"
              "ctorch._utils\n_rebuild_parameter\nK\x03\x88}\x87R."),
    GOOD("<torch._utils._rebuild_parameter>",
         "\x80\x02"
         "ctorch._utils\n_rebuild_parameter\n)R."),
    GOOD("<torch._utils._rebuild_tensor_v2>",
         "\x80\x02"
         "ctorch._utils\n_rebuild_tensor_v2\n)R."),
    GOOD("<a bare storage>", "\x80\x02(U\x07storagectorch\nHalfStorage\n"
                             "U\x01"
                             "0U\x03"
                             "cpuK\x05tQ."),
    GOOD("<demucs.x.Y>", "\x80\x02(U\x06modulecdemucs.x\nY\nU\x01"
                         "fU\x01stQ."),
    GOOD("3", "\x80\x02"
              "ctorch._tensor\n_rebuild_from_type_v2\n"
              "(ctorch._utils\n_rebuild_parameter\nctorch\nTensor\nK\x03\x85}"
              "tR."),
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        dmx_pickle p;
        dmx_pickled *v = NULL;
        dmx_error err = DMX_ERROR_INIT;
        size_t at = 0;
        /* A copy of the exact size: sanitizers see every overrun. */
        unsigned char *copy = malloc(good[i].size);
        assert_non_null(copy);
        memcpy(copy, good[i].pickle, good[i].size);
        dmx_pickle_open(&p);
        const dmx_status status =
            dmx_pickle_run(&v, &p, copy, &at, good[i].size, &err);
        if (status != DMX_OK)
            fail_msg("case %zu, %s: %s", i, good[i].value, err.message);
        char text[256] = "";
        show(text, sizeof text, v, 0);
        assert_string_equal(text, good[i].value);
        assert_int_equal(at, good[i].size);
        dmx_pickle_close(&p);
        free(copy);
    }
}

/* Every proper prefix of a good pickle fails, and cleanly. */
static void test_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        for (size_t size = 0; size < good[i].size; size++) {
            unsigned char *copy = malloc(size + 1);
            dmx_pickle p;
            dmx_pickled *v;
            dmx_error err = DMX_ERROR_INIT;
            size_t at = 0;
            assert_non_null(copy);
            memcpy(copy, good[i].pickle, size);
            dmx_pickle_open(&p);
            assert_int_equal(dmx_pickle_run(&v, &p, copy, &at, size, &err),
                             DMX_ERROR_FORMAT);
            assert_true(err.offset >= 0 && err.offset <= (int64_t)size);
            dmx_pickle_close(&p);
            free(copy);
        }
}

typedef struct bad_case {
    const char *pickle;
    size_t size;
    dmx_status code;
    int64_t offset;
    const char *part; /* of the message */
} bad_case;

#define BAD(code, offset, part, text)                                          \
    {                                                                          \
        text, sizeof(text) - 1, DMX_ERROR_##code, offset, part                 \
    }

static const bad_case bad[] = {
    BAD(FORMAT, 0, "no pickle", "N."),
    BAD(UNSUPPORTED, 0, "protocol 6", "\x80\x06N."),
    BAD(UNSUPPORTED, 0, "protocol 1", "\x80\x01N."),
    BAD(FORMAT, 2, "0x07 is not an opcode", "\x80\x02\x07."),
    BAD(FORMAT, 2, "values left", "\x80\x02."),
    BAD(FORMAT, 4, "values left", "\x80\x02NN."),
    BAD(FORMAT, 4, "values left", "\x80\x02N(."),
    BAD(FORMAT, 2, "needs 1 values",
        "\x80\x02"
        "0N."),
    BAD(FORMAT, 2, "no mark",
        "\x80\x02"
        "1N."),
    BAD(FORMAT, 2, "no mark", "\x80\x02t."),
    BAD(FORMAT, 2, "needs 1 values",
        "\x80\x02"
        "2."),
    BAD(FORMAT, 4, "needs 2 values", "\x80\x02N(\x86."),
    BAD(FORMAT, 3, "needs 2 values", "\x80\x02N\x86."),
    BAD(FORMAT, 2, "needs 1 values", "\x80\x02q\x00."),
    BAD(FORMAT, 2, "memo entry 3", "\x80\x02h\x03."),
    BAD(FORMAT, 5, "memo entry 3", "\x80\x02Nq\x07h\x03."),
    BAD(LIMIT, 3, "memo entry", "\x80\x02Nr\xff\xff\xff\xff."),
    BAD(FORMAT, 3, "malformed", "\x80\x02Np-1\n."),
    BAD(FORMAT, 3, "malformed", "\x80\x02Ngx\n."),
    BAD(FORMAT, 2, "malformed", "\x80\x02I1x\n."),
    BAD(FORMAT, 2, "malformed", "\x80\x02I-\n."),
    BAD(FORMAT, 2, "malformed",
        "\x80\x02"
        "F0x10\n."),
    BAD(FORMAT, 2, "malformed",
        "\x80\x02"
        "F\n."),
    BAD(FORMAT, 2, "malformed", "\x80\x02Sabc\n."),
    BAD(FORMAT, 2, "malformed", "\x80\x02S'\\'\n."),
    BAD(FORMAT, 2, "malformed", "\x80\x02S'\\q'\n."),
    BAD(FORMAT, 2, "malformed", "\x80\x02V\\u12\n."),
    BAD(FORMAT, 2, "malformed", "\x80\x02V\\U00110000\n."),
    BAD(FORMAT, 2, "negative length", "\x80\x02\x8b\xff\xff\xff\xff."),
    BAD(FORMAT, 2, "truncated: needs 4294967295", "\x80\x02X\xff\xff\xff\xff."),
    BAD(FORMAT, 2, "truncated", "\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff"),
    BAD(FORMAT, 2, "truncated", "\x80\x04\x95\xff\0\0\0\0\0\0\0N."),
    BAD(FORMAT, 4, "key without a value", "\x80\x02(Nd."),
    BAD(FORMAT, 5, "key without a value", "\x80\x02}(Nu."),
    BAD(FORMAT, 4, "can't add items to None", "\x80\x02NNa."),
    BAD(FORMAT, 5, "can't add items to a dict", "\x80\x02}(Ne."),
    BAD(FORMAT, 3, "no container", "\x80\x02(e."),
    BAD(FORMAT, 5, "no set", "\x80\x02N(N\x90."),
    BAD(FORMAT, 4, "no string", "\x80\x04NN\x93."),
    BAD(FORMAT, 2, "that is none",
        "\x80\x02"
        "cos\n\n."),
    BAD(FORMAT, 2, "that is none",
        "\x80\x02"
        "cos\na\x1b[31m\n."),
    BAD(FORMAT, 4, "is no constructor", "\x80\x02N)R."),
    BAD(FORMAT, 4, "not a tuple",
        "\x80\x02\x8f"
        "2R."),
    BAD(FORMAT, 3, "needs 3 values", "\x80\x02)\x92."),
    BAD(FORMAT, 5, "no dict", "\x80\x02)))\x92."),
    BAD(FORMAT, 3, "no class", "\x80\x02(o."),
    BAD(FORMAT, 3, "needs 2 values", "\x80\x02Nb."),
    BAD(FORMAT, 3, "persistent id", "\x80\x02NQ."),
    BAD(FORMAT, 41, "impossible size",
        "\x80\x02(U\x07storagectorch\nHalfStorage\nU\x01"
        "0NJ\xff\xff\xff\xfftQ."),
    BAD(FORMAT, 46, "impossible size",
        "\x80\x02(U\x07storagectorch\nHalfStorage\nU\x01"
        "0NK\x05U\x01vK\x03K\x03\x87tQ."),
    BAD(FORMAT, 31, "instead of pairs",
        "\x80\x02"
        "ccollections\nOrderedDict\n"
        "]Na\x85R."),
    BAD(UNSUPPORTED, 2, "refused", "\x80\x02P1\n."),
    BAD(UNSUPPORTED, 2, "refused", "\x80\x02\x82\x01."),
    BAD(UNSUPPORTED, 2, "refused", "\x80\x02\x83\x01\0."),
    BAD(UNSUPPORTED, 2, "refused", "\x80\x02\x84\x01\0\0\0."),
    BAD(UNSUPPORTED, 2, "refused", "\x80\x05\x97."),
    BAD(UNSUPPORTED, 3, "refused", "\x80\x05N\x98."),
};

static void assert_refused(const void *pickle, size_t size, dmx_status code,
                           int64_t offset, const char *part)
{
    dmx_pickle p;
    dmx_pickled *v;
    dmx_error err = DMX_ERROR_INIT;
    size_t at = 0;
    unsigned char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, pickle, size);
    dmx_pickle_open(&p);
    const dmx_status status = dmx_pickle_run(&v, &p, copy, &at, size, &err);
    if (status != code || (offset >= 0 && err.offset != offset) ||
        strstr(err.message, part) == NULL)
        fail_msg("wanted %s at %lld (%s), got %s at %lld: %s",
                 dmx_status_name(code), (long long)offset, part,
                 dmx_status_name(status), (long long)err.offset, err.message);
    dmx_pickle_close(&p);
    free(copy);
}

static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(bad[i].pickle, bad[i].size, bad[i].code, bad[i].offset,
                       bad[i].part);
}

static void assert_bomb(const char *start, const char *again, size_t times,
                        const char *part)
{
    bytes b = {0};
    bytes_text(&b, start);
    bytes_repeat(&b, again, times);
    bytes_text(&b, ".");
    assert_refused(b.data, b.size, DMX_ERROR_LIMIT, -1, part);
    bytes_free(&b);
}

static void test_budgets(void **state)
{
    (void)state;
    assert_bomb("\x80\x02", "(", 1000, "nested deeper");
    assert_bomb("\x80\x02N", "\x85", 1000, "nested deeper");
    assert_bomb("\x80\x02]q\x01",
                "h\x01"
                "a",
                1000, "nested deeper");
    assert_bomb("\x80\x02", "N", (1 << 20) + 1, "on the stack");
    assert_bomb("\x80\x02", "N0", 5 << 20, "opcodes");
    /* A dict of sixteen items, memoised and copied again and again. */
    assert_bomb("\x80\x02N0(NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN"
                "dq\x03"
                "0ccollections\nOrderedDict\nq\x02",
                "0h\x02h\x03\x85R", (size_t)1 << 19, "budget");
}

static void test_string_budget(void **state)
{
    (void)state;
    bytes b = {0};
    const size_t size = DMX_PICKLE_MAX_STRING + 1;
    bytes_literal(&b, "\x80\x02X");
    bytes_number(&b, size, 4);
    bytes_repeat(&b, "a", size);
    bytes_text(&b, ".");
    assert_refused(b.data, b.size, DMX_ERROR_LIMIT, 2, "a string of");
    b.data[2] = 'V';
    assert_refused(b.data, b.size, DMX_ERROR_FORMAT, 2, "without an end");
    b.data[b.size - 1] = '\n';
    assert_refused(b.data, b.size, DMX_ERROR_LIMIT, 2, "a line of");
    bytes_free(&b);
}

static void test_symbol_budgets(void **state)
{
    (void)state;
    bytes b = {0};
    bytes_literal(&b, "\x80\x02");
    for (int i = 0; i < 600; i++) {
        char text[32];
        snprintf(text, sizeof text, "cm\nn%d\n0", i);
        bytes_text(&b, text);
    }
    assert_refused(b.data, b.size, DMX_ERROR_LIMIT, -1, "class names");
    b.size = 2;
    bytes_text(&b, "cm\n");
    bytes_repeat(&b, "n", 300);
    bytes_text(&b, "\n.");
    assert_refused(b.data, b.size, DMX_ERROR_LIMIT, 2, "a class name of");
    bytes_free(&b);
}

static void test_lookup(void **state)
{
    (void)state;
    static const char text[] = "\x80\x02}(U\x01"
                               "aK\x01K\x05NU\x01"
                               "aK\x02u.";
    dmx_pickle p;
    dmx_pickled *v = NULL;
    size_t at = 0;
    dmx_pickle_open(&p);
    assert_int_equal(dmx_pickle_run(&v, &p, (const unsigned char *)text, &at,
                                    sizeof text - 1, NULL),
                     DMX_OK);
    assert_int_equal(dmx_pickled_get(v, "a")->as.integer, 2);
    assert_null(dmx_pickled_get(v, "b"));
    assert_null(dmx_pickled_get(dmx_pickled_get(v, "a"), "b"));
    assert_null(dmx_pickled_get(NULL, "b"));
    dmx_pickle_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_string_budget),
        cmocka_unit_test(test_symbol_budgets),
        cmocka_unit_test(test_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
