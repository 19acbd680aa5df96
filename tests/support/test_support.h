/* What every unit test needs: cmocka's headers, test data, .npy files. */
#ifndef DMX_TEST_SUPPORT_H
#define DMX_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random_numbers.h"

#include "base/error.h"

/* "<tests/data>/name" in a static buffer (a ring of eight). */
const char *test_data(const char *name);

/* A float32 .npy file, row-major; fails the test when it can't be read.
 * Returns malloc'd elements. */
float *test_read_npy(const char *path, int *rank, int64_t dim[8]);

/* Fails the test with the library's message unless status is DMX_OK. */
#define assert_ok(status, err)                                                 \
    test_assert_ok((status), (err), __FILE__, __LINE__)
void test_assert_ok(dmx_status status, const dmx_error *err, const char *file,
                    int line);

/* A fresh folder below $TMPDIR, removed with everything in it at exit. */
const char *test_folder(void);

#endif
