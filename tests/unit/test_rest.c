/* A checkpoint at rest, whose file is deleted, replaced, changed or cut before
 * it wakes. */
#include "test_support.h"

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/load.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[1100];

static void write_bytes(const dmx_blob *b, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* At rest, from a file of its own with those bytes. */
static dmx_checkpoint *open_resting(dmx_blob *bytes)
{
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_file_read(bytes, test_data("family/demucs_repro/model.th"),
                            (size_t)64 << 20, &err),
              &err);
    snprintf(path, sizeof path, "%s/resting.th", test_folder());
    write_bytes(bytes, bytes->size);
    assert_ok(dmx_checkpoint_open(&c, path, NULL, &err), &err);
    dmx_checkpoint_rest(c);
    if (!c->memory->rests)
        skip();
    return c;
}

static void close_both(dmx_checkpoint *c, dmx_blob *bytes)
{
    dmx_checkpoint_close(c);
    dmx_blob_free(bytes);
    unlink(path);
}

static void check_wakes(dmx_checkpoint *c, const dmx_blob *bytes)
{
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_checkpoint_wake(c, &err), &err);
    assert_memory_equal(c->memory->file.data, bytes->data, bytes->size);
}

static void check_refused(dmx_checkpoint *c, const char *words)
{
    dmx_error err = DMX_ERROR_INIT;
    assert_int_not_equal(dmx_checkpoint_wake(c, &err), DMX_OK);
    if (strstr(err.message, path) == NULL || strstr(err.message, words) == NULL)
        fail_msg("'%s' does not contain '%s'", err.message, words);
    assert_null(strchr(err.message, '\n'));
}

static void test_wakes(void **state)
{
    (void)state;
    dmx_blob bytes;
    dmx_checkpoint *c = open_resting(&bytes);
    check_wakes(c, &bytes);
    dmx_checkpoint_rest(c);
    assert_int_equal(unlink(path), 0); /* it is held open */
    check_wakes(c, &bytes);
    dmx_checkpoint_rest(c);
    write_bytes(&bytes, 7); /* another file of its name */
    check_wakes(c, &bytes);
    close_both(c, &bytes);
}

static void test_changed(void **state)
{
    (void)state;
    dmx_blob bytes;
    dmx_checkpoint *c = open_resting(&bytes);
    bytes.data[bytes.size / 2] ^= 1;
    write_bytes(&bytes, bytes.size);
    check_refused(c, "was changed while it is in use; start again");
    close_both(c, &bytes);
}

static void test_cut(void **state)
{
    (void)state;
    dmx_blob bytes;
    dmx_checkpoint *c = open_resting(&bytes);
    write_bytes(&bytes, bytes.size / 2);
    check_refused(c, "shrank");
    close_both(c, &bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wakes),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
