/* Untrusted names as names of files. */
#include "test_support.h"

#include <string.h>

static void test_table(void **state)
{
    (void)state;
    static const struct {
        const char *text, *safe;
    } table[] = {
        {"vocals", "vocals"},
        {"Mr. Blue (live) - 1", "Mr. Blue (live) - 1"},
        {"\xc3\xa9t\xc3\xa9 \xe6\xad\x8c", "\xc3\xa9t\xc3\xa9 \xe6\xad\x8c"},
        {"", "_"},
        {".", "_"},
        {"..", "__"},
        {"...", "___"},
        {"../../evil", "___.._evil"},
        {".hidden", "_hidden"},
        {" a ", "_a_"},
        {"a.", "a_"},
        {"a/b\\c", "a_b_c"},
        {"/etc/passwd", "_etc_passwd"},
        {"a\nb\x1b[31m\x7f", "a_b_[31m_"},
        {"c1\xc2\x9b"
         "2J",
         "c1_2J"},
        {"bidi\xe2\x80\xae"
         "x",
         "bidi_x"},
        {"caf\xe9", "caf_"},
        {"\xc0\xae\xc0\xae/x", "_____x"},
        {"\xed\xa0\x80", "___"},
        {"\xf5\x80\x80\x80", "____"},
        {"cut\xe2\x82", "cut__"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char out[DMX_FILE_NAME_SIZE];
        dmx_safe_file_name(out, table[i].text, 255);
        assert_string_equal(out, table[i].safe);
        assert_int_equal(dmx_is_safe_file_name(table[i].text),
                         strcmp(table[i].text, out) == 0);
        assert_true(dmx_is_safe_file_name(out));
    }
}

/* Cut between characters; what the cut leaves at the end is repaired. */
static void test_length(void **state)
{
    (void)state;
    char text[1200] = "", out[DMX_FILE_NAME_SIZE];
    for (int i = 0; i < 300; i++)
        strcat(text, "\xe2\x82\xac");
    dmx_safe_file_name(out, text, 255);
    assert_int_equal(strlen(out), 255);
    dmx_safe_file_name(out, text, 100);
    assert_int_equal(strlen(out), 99);
    dmx_safe_file_name(out, "ab.cd", 3);
    assert_string_equal(out, "ab_");
    assert_false(dmx_is_safe_file_name(text));
    memset(text, 'x', 1000);
    text[1000] = '\0';
    dmx_safe_file_name(out, text, 4096);
    assert_int_equal(strlen(out), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table),
                                       cmocka_unit_test(test_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
