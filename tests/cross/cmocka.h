/* The little of cmocka that the kernel tests use, for machines that we only
 * emulate and have no libraries for. Found before the real one by
 * scripts/test-aarch64.sh alone. */
#ifndef DMX_TESTS_CROSS_CMOCKA_H
#define DMX_TESTS_CROSS_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
};

#define cmocka_unit_test(f)                                                    \
    {                                                                          \
#f, f                                                                  \
    }

static inline void cross_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    exit(1);
}

#define fail() cross_fail("failed", __FILE__, __LINE__)
#define fail_msg(...)                                                          \
    (fprintf(stderr, __VA_ARGS__), cross_fail("", __FILE__, __LINE__))
#define assert_true(x)               ((x) ? (void)0 : cross_fail(#x, __FILE__, __LINE__))
#define assert_non_null(x)           assert_true((x) != NULL)
#define assert_int_equal(a, b)       assert_true((a) == (b))
#define assert_memory_equal(a, b, n) assert_true(memcmp((a), (b), (n)) == 0)

#define cmocka_run_group_tests(tests, setup, teardown)                         \
    cross_run(tests, sizeof(tests) / sizeof((tests)[0]))

static inline int cross_run(const struct CMUnitTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tests[i].test(NULL);
        printf("%s: passed\n", tests[i].name);
    }
    return 0;
}

#endif
