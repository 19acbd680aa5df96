/* Reading whole files. */
#include "test_support.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *in_folder(const char *name)
{
    static char path[4][1100];
    static int next;
    char *text = path[next++ % 4];
    snprintf(text, sizeof path[0], "%s/%s", test_folder(), name);
    return text;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_read(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_blob blob;
    const char *path = in_folder("read.txt");
    write_text(path, "hello");
    assert_ok(dmx_file_read(&blob, path, 5, &err), &err);
    assert_int_equal(blob.size, 5);
    assert_string_equal((char *)blob.data, "hello");
    dmx_blob_free(&blob);
    assert_int_equal(dmx_file_read(&blob, path, 4, &err), DMX_ERROR_LIMIT);
    assert_null(blob.data);
}

static void test_read_refuses(void **state)
{
    (void)state;
    dmx_blob blob;
    const char *fifo = in_folder("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(dmx_file_read(&blob, fifo, 100, NULL), DMX_ERROR_IO);
    assert_int_equal(dmx_file_read(&blob, test_folder(), 100, NULL),
                     DMX_ERROR_IO);
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(dmx_file_read(&blob, in_folder("none"), 100, &err),
                     DMX_ERROR_IO);
    assert_non_null(strstr(err.message, "No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
