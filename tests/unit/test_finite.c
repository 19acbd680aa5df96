/* Weights that are not finite: found wherever they are, named, refused. */
#include "checkpoint_case.h"
#include "test_support.h"

#include "checkpoint/finite.h"
#include "checkpoint/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    dmx_dtype dtype;
    uint64_t largest, bad[3]; /* finite; infinity, -infinity, NaN */
} types[] = {
    {DMX_F16, 0xfbff, {0x7c00, 0xfc00, 0x7c01}},
    {DMX_BF16, 0xff7f, {0x7f80, 0xff80, 0xffff}},
    {DMX_F32, 0xff7fffff, {0x7f800000, 0xff800000, 0x7f800001}},
    {DMX_F64,
     0xc7efffffefffffff, /* rounds to the largest float32 */
     {0x47efffffffffffff, 0xfff0000000000000, 0x7ff0000000000001}},
};

static void put(unsigned char *data, dmx_dtype dtype, size_t i, uint64_t bits)
{
    memcpy(data + i * dmx_dtype_size(dtype), &bits, dmx_dtype_size(dtype));
}

/* Every position of lengths around the words and blocks of the scan. */
static void test_positions(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 3, 5, 7, 8, 9, 513, 2049, 5000};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            const size_t n = lengths[l];
            unsigned char *data = malloc(n * 8 + 1) + 1; /* unaligned */
            const dmx_tensor x = {.data = data,
                                  .dtype = types[t].dtype,
                                  .rank = 1,
                                  .dim = {(int64_t)n},
                                  .stride = {1}};
            size_t at = 0;
            double value;
            for (size_t i = 0; i < n; i++)
                put(data, x.dtype, i, types[t].largest);
            assert_false(dmx_tensor_nonfinite(&at, &value, &x));
            for (size_t i = 0; i<n; i += n> 100 ? 97 : 1) {
                put(data, x.dtype, i, types[t].bad[i % 3]);
                assert_true(dmx_tensor_nonfinite(&at, &value, &x));
                assert_int_equal(at, i);
                put(data, x.dtype, i, types[t].largest);
            }
            free(data - 1);
        }
}

/* Only elements of the view count, in its own order. */
static void test_views(void **state)
{
    (void)state;
    float data[24] = {0};
    size_t at = 0;
    double value = 0.0;
    dmx_tensor x = {.data = data,
                    .dtype = DMX_F32,
                    .rank = 3,
                    .dim = {2, 3, 2},
                    .stride = {1, 4, 2}};
    data[19] = NAN; /* outside */
    assert_false(dmx_tensor_nonfinite(&at, &value, &x));
    data[1 + 2 * 4 + 2] = INFINITY;
    assert_true(dmx_tensor_nonfinite(&at, &value, &x));
    assert_int_equal(at, 11);
    assert_true(value == INFINITY);
    data[2] = copysignf(NAN, -1.0F); /* whose sign nobody is told */
    assert_true(dmx_tensor_nonfinite(&at, &value, &x));
    assert_true(isnan(value) && !signbit(value));
    assert_int_equal(at, 1);
    x.dim[1] = 0;
    assert_false(dmx_tensor_nonfinite(&at, &value, &x));
    x = (dmx_tensor){.data = data + 2, .dtype = DMX_F32};
    assert_true(dmx_tensor_nonfinite(&at, &value, &x));
    x.dtype = DMX_I64;
    assert_false(dmx_tensor_nonfinite(&at, &value, &x));
}

static void refused(const bytes *file, const char *weight)
{
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    char words[200];
    snprintf(words, sizeof words, "test.th: weight %s is not finite", weight);
    const dmx_status status =
        open_bytes(&c, file->data, file->size, NULL, &err);
    if (status != DMX_ERROR_MODEL || strstr(err.message, words) == NULL)
        fail_msg("'%s' does not contain '%s'", err.message, words);
}

static void read_file(bytes *b, const char *name)
{
    read_bytes(b, test_data(name));
}

/* Position of a weight's first byte in a file, through its tensor. */
static size_t position(size_t *item, const bytes *file, size_t index,
                       char name[128])
{
    dmx_checkpoint *c = NULL;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(open_bytes(&c, file->data, file->size, NULL, &err), &err);
    snprintf(name, 128, "%s", c->tensor[index].name);
    const size_t at = (size_t)((const unsigned char *)c->tensor[index].data -
                               c->memory->file.data);
    *item = dmx_dtype_size(c->tensor[index].dtype);
    dmx_checkpoint_close(c);
    return at;
}

/* In each container. The zip file's entry is changed along with its CRC. */
static void test_containers(void **state)
{
    (void)state;
    static const char *const files[] = {"legacy_container/model.th",
                                        "safetensors/htdemucs.safetensors"};
    char name[128];
    for (size_t f = 0; f < 2; f++) {
        bytes file = {0};
        read_file(&file, files[f]);
        size_t item;
        const size_t at = position(&item, &file, 5, name);
        memset(file.data + at, 0xff, item); /* NaN in all types */
        refused(&file, name);
        bytes_free(&file);
    }
    bytes entry = {0}, file = {0};
    read_entry(&entry, "model/data/0");
    memset(entry.data, 0xff, 4);
    change_entry(&file, "model/data/0", entry.data, entry.size);
    refused(&file, "encoder.0.conv.weight");
    bytes_free(&entry);
    bytes_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_containers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
