/* Files that try to run code or exhaust memory, or are incomplete: each is
 * refused quickly, with one line, and nothing is written. Built from a good
 * checkpoint. */
#include "checkpoint_case.h"
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void assert_refused(const bytes *file, dmx_status code, const char *part)
{
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    const double start = seconds();
    const dmx_status status =
        open_bytes(&c, file->data, file->size, NULL, &err);
    if (status != code || strstr(err.message, part) == NULL)
        fail_msg("wanted %s (%s), got %s: %s", dmx_status_name(code), part,
                 dmx_status_name(status), err.message);
    assert_null(strchr(err.message, '\n'));
    assert_true(strlen(err.message) > 20);
    assert_true(seconds() - start < 5.0);
    assert_int_not_equal(access("demucs_pwned", F_OK), 0);
}

static void assert_pickle(const bytes *pickle, dmx_status code,
                          const char *part)
{
    bytes file = {0};
    change_entry(&file, "model/data.pkl", pickle->data, pickle->size);
    assert_refused(&file, code, part);
    bytes_free(&file);
}

#define PICKLE(code, part, text)                                               \
    do {                                                                       \
        bytes b_ = {0};                                                        \
        bytes_literal(&b_, text);                                              \
        assert_pickle(&b_, DMX_ERROR_##code, part);                            \
        bytes_free(&b_);                                                       \
    } while (0)

static void test_execution(void **state)
{
    (void)state;
    PICKLE(UNSUPPORTED, "posix.system, which was not run",
           "\x80\x02}U\x05klasscposix\nsystem\n"
           "U\x12touch demucs_pwned\x85Rs.");
    PICKLE(MODEL, "builtins.eval",
           "\x80\x04}\x8c\x05state\x8c\x08"
           "builtins\x8c\x04"
           "eval\x93\x8c\x18open('demucs_pwned','w')\x85Rs.");
    PICKLE(MODEL, "hello: a list",
           "\x80\x02}U\x05hello](K\x01K\x02"
           "es.");
}

/* Code hidden in arguments and training notes is neither run nor an error. */
static void test_hidden_execution(void **state)
{
    (void)state;
    bytes pickle = {0}, changed = {0}, file = {0};
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    read_entry(&pickle, "model/data.pkl");
    /* Before the last SETITEMS and STOP. */
    bytes_put(&changed, pickle.data, pickle.size - 2);
    bytes_literal(&changed, "U\x07metricscposix\nsystem\n"
                            "U\x12touch demucs_pwned\x85Ru.");
    change_entry(&file, "model/data.pkl", changed.data, changed.size);
    assert_ok(open_bytes(&c, file.data, file.size, NULL, &err), &err);
    assert_int_equal(c->n_tensor, 533);
    assert_int_not_equal(access("demucs_pwned", F_OK), 0);
    dmx_checkpoint_close(c);
    bytes_free(&pickle);
    bytes_free(&changed);
    bytes_free(&file);
}

static void test_missing_entries(void **state)
{
    (void)state;
    bytes file = {0};
    change_entry(&file, "model/data/0", NULL, 0);
    assert_refused(&file, DMX_ERROR_FORMAT, "data/0 is missing");
    bytes_free(&file);
    change_entry(&file, "model/data.pkl", NULL, 0);
    assert_refused(&file, DMX_ERROR_FORMAT, "without data.pkl");
    bytes_free(&file);
    change_entry(&file, "model/data/0", "0123456789", 10);
    assert_refused(&file, DMX_ERROR_FORMAT, "has 10 bytes");
    bytes_free(&file);
}

static void test_bombs(void **state)
{
    (void)state;
    bytes b = {0};
    bytes_literal(&b, "\x80\x02");
    bytes_repeat(&b, "(", 500000);
    bytes_repeat(&b, "t", 500000);
    bytes_text(&b, ".");
    assert_pickle(&b, DMX_ERROR_LIMIT, "nested deeper");
    b.size = 2;
    bytes_text(&b, "]q");
    bytes_literal(&b, "\0");
    for (unsigned char i = 0; i < 60; i++) {
        bytes_text(&b, "(");
        for (int k = 0; k < 10; k++) {
            bytes_text(&b, "h");
            bytes_put(&b, &i, 1);
        }
        const unsigned char next = (unsigned char)(i + 1);
        bytes_text(&b, "lq");
        bytes_put(&b, &next, 1);
    }
    bytes_text(&b, ".");
    assert_pickle(&b, DMX_ERROR_FORMAT, "values left");
    PICKLE(FORMAT, "needs 2147483647",
           "\x80\x02X\xff\xff\xff\x7f"
           "abc.");
    bytes_free(&b);
}

/* The same tower of lists as keyword argument: ten to the sixtieth items. */
static void test_argument_bomb(void **state)
{
    (void)state;
    bytes b = {0};
    bytes_literal(&b, "\x80\x02}(U\x05klasscm\nK\nU\x05state}U\x06kwargs}"
                      "U\x01xN\x85q");
    bytes_literal(&b, "\0");
    for (unsigned char i = 0; i < 12; i++) {
        bytes_text(&b, "0(");
        for (int k = 0; k < 10; k++) {
            bytes_text(&b, "h");
            bytes_put(&b, &i, 1);
        }
        const unsigned char next = (unsigned char)(i + 1);
        bytes_text(&b, "tq");
        bytes_put(&b, &next, 1);
    }
    bytes_text(&b, "su.");
    assert_pickle(&b, DMX_ERROR_LIMIT, "constructor arguments");
    bytes_free(&b);
}

static void test_garbage(void **state)
{
    (void)state;
    uint64_t seed = 7;
    bytes pickle = {0};
    read_entry(&pickle, "model/data.pkl");
    bytes half = {0};
    bytes_put(&half, pickle.data, pickle.size / 2);
    assert_pickle(&half, DMX_ERROR_FORMAT, "truncated");
    for (size_t i = 2; i < half.size; i++)
        half.data[i] = (unsigned char)test_random(&seed);
    half.data[2] = 4;
    assert_pickle(&half, DMX_ERROR_FORMAT, "not an opcode");
    bytes_free(&half);
    bytes_free(&pickle);
}

static void test_damaged_files(void **state)
{
    (void)state;
    bytes file = {0};
    read_bytes(&file, test_data("htdemucs/model.th"));
    const size_t size = file.size;
    file.size = size / 2;
    assert_refused(&file, DMX_ERROR_FORMAT, "truncated zip");
    file.size = size - 30;
    assert_refused(&file, DMX_ERROR_FORMAT, "truncated zip");
    file.size = size;
    /* One bit of the first storage. */
    dmx_zip zip;
    assert_ok(
        dmx_zip_open(&zip, &(dmx_image){.data = file.data, .size = size}, NULL),
        NULL);
    const dmx_zip_entry *e = dmx_zip_find(&zip, "model/data/0", 12);
    assert_non_null(e);
    file.data[e->offset] ^= 1;
    dmx_zip_close(&zip);
    assert_refused(&file, DMX_ERROR_FORMAT, "checksum");
    bytes_free(&file);
    bytes_text(&file, "RIFF\x24 WAVEfmt and so on");
    assert_refused(&file, DMX_ERROR_FORMAT, "starts with");
    bytes_free(&file);
}

/* Any single byte of the pickle changed: it opens or fails; nothing worse
 * happens. */
static void test_flipped_bytes(void **state)
{
    (void)state;
    bytes pickle = {0};
    uint64_t seed = 11;
    bytes_literal(&pickle, "\x80\x02}(");
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        pickle_string(&pickle, name);
        pickle_tensor(&pickle, "FloatStorage", "0", 10, i, "K\x02K\x03\x86",
                      "K\x03K\x01\x86");
    }
    bytes_text(&pickle, "u.");
    for (size_t i = 0; i < pickle.size; i++)
        for (int k = 0; k < 8; k++) {
            const unsigned char old = pickle.data[i];
            dmx_checkpoint *c = NULL;
            dmx_error err = DMX_ERROR_INIT;
            pickle.data[i] = (unsigned char)test_random(&seed);
            const dmx_status status =
                open_pickle(&c, pickle.data, pickle.size, &err);
            assert_int_equal(status, err.code);
            dmx_checkpoint_close(c);
            pickle.data[i] = old;
        }
    bytes_free(&pickle);
}

static void test_memory_stays_small(void **state)
{
    (void)state;
#if !defined(__SANITIZE_ADDRESS__)
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    assert_true(usage.ru_maxrss < 500 * 1024); /* KiB */
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_execution),
        cmocka_unit_test(test_hidden_execution),
        cmocka_unit_test(test_missing_entries),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_argument_bomb),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_memory_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
