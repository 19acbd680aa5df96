/* Reading whole files and writing them atomically. */
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

static void test_commit(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_output out;
    const char *path = in_folder("out.bin");
    assert_ok(dmx_output_open(&out, path, &err), &err);
    assert_ok(dmx_output_write(&out, "abc", 3, &err), &err);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_ok(dmx_output_commit(&out, &err), &err);
    assert_int_equal(access(path, F_OK), 0);
}

static void test_abandon(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_output out;
    const char *path = in_folder("gone.bin");
    assert_ok(dmx_output_open(&out, path, &err), &err);
    char *temporary = strdup(out.temporary_path);
    assert_int_equal(access(temporary, F_OK), 0);
    dmx_output_abandon(&out);
    dmx_output_abandon(&out);
    assert_int_not_equal(access(temporary, F_OK), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    free(temporary);
}

/* A process that was killed leaves its temporary file; the next one for the
 * same name removes it, but never a living process's. */
static void test_stale(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_output out;
    char living[64];
    snprintf(living, sizeof living, "m.onnx.%ld-9.dmx-part", (long)getpid());
    const char *stale = in_folder("m.onnx.4194305-0.dmx-part");
    const char *mine = in_folder(living), *other = in_folder("m.onnx.x.part");
    write_text(stale, "x");
    write_text(mine, "x");
    write_text(other, "x");
    assert_ok(dmx_output_open(&out, in_folder("m.onnx"), &err), &err);
    dmx_output_abandon(&out);
    assert_int_not_equal(access(stale, F_OK), 0);
    assert_int_equal(access(mine, F_OK), 0);
    assert_int_equal(access(other, F_OK), 0);
}

static void test_refuses_output(void **state)
{
    (void)state;
    dmx_output out;
    assert_int_equal(dmx_output_open(&out, test_folder(), NULL), DMX_ERROR_IO);
    assert_int_equal(dmx_output_open(&out, in_folder("no/such/file"), NULL),
                     DMX_ERROR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),   cmocka_unit_test(test_read_refuses),
        cmocka_unit_test(test_commit), cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_stale),  cmocka_unit_test(test_refuses_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
