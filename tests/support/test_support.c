#include "test_support.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *test_data(const char *name)
{
    static char path[8][1024];
    static int next;
    char *text = path[next++ % 8];
    snprintf(text, sizeof path[0], "%s/%s", DMX_TEST_DATA, name);
    return text;
}

static int64_t parse_shape(const char *header, int *rank, int64_t dim[8])
{
    const char *p = strstr(header, "'shape': (");
    assert_non_null(p);
    p += strlen("'shape': (");
    int64_t count = 1;
    for (*rank = 0; *p != ')' && *rank < 8; (*rank)++) {
        char *end;
        dim[*rank] = strtoll(p, &end, 10);
        assert_true(end != p);
        count *= dim[*rank];
        for (p = end; *p == ',' || *p == ' '; p++)
            ;
    }
    return count;
}

float *test_read_npy(const char *path, int *rank, int64_t dim[8])
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s: can't open", path);
    unsigned char lead[10];
    assert_int_equal(fread(lead, 1, sizeof lead, f), sizeof lead);
    assert_memory_equal(lead, "\x93NUMPY\x01", 7);
    const size_t length = (size_t)lead[8] | (size_t)lead[9] << 8;
    char *header = calloc(length + 1, 1);
    assert_non_null(header);
    assert_int_equal(fread(header, 1, length, f), length);
    assert_non_null(strstr(header, "'<f4'"));
    assert_non_null(strstr(header, "'fortran_order': False"));
    const size_t count = (size_t)parse_shape(header, rank, dim);
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    assert_int_equal(fread(data, sizeof *data, count, f), count);
    free(header);
    fclose(f);
    return data;
}

void test_assert_ok(dmx_status status, const dmx_error *err, const char *file,
                    int line)
{
    if (status != DMX_OK) {
        fprintf(stderr, "%s:%d: %s: %s\n", file, line, dmx_status_name(status),
                err != NULL ? err->message : "");
        fail();
    }
}

static char folder[1024];

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_folder(void)
{
    if (folder[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/dmx-test-XXXXXX",
                 base != NULL ? base : "/tmp");
        assert_non_null(mkdtemp(folder));
        atexit(remove_folder);
    }
    return folder;
}
