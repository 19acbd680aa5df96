/* In WebAssembly there is no cmocka, and this stands in for the header of that
 * name in tests/support: what test_narrow.c needs. The first failure ends the
 * program. */
#ifndef WEB_TEST_SUPPORT_H
#define WEB_TEST_SUPPORT_H

#include "random_numbers.h"

#include <stdio.h>
#include <stdlib.h>

#define fail() (fprintf(stderr, "%s:%d: failed\n", __FILE__, __LINE__), exit(1))
#define assert_true(condition)                                                 \
    do                                                                         \
        if (!(condition))                                                      \
            fail();                                                            \
    while (0)
#define assert_non_null(p)     assert_true((p) != NULL)
#define assert_int_equal(a, b) assert_true((a) == (b))

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};
#define cmocka_unit_test(f)                                                    \
    {                                                                          \
#f, f                                                                  \
    }
#define cmocka_run_group_tests(tests, setup, teardown)                         \
    web_run_tests((tests), sizeof(tests) / sizeof *(tests))

static inline int web_run_tests(const struct CMUnitTest *test, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        test[i].run(NULL);
        printf("ok %s\n", test[i].name);
    }
    return 0;
}

#endif
