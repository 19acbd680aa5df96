#include "checkpoint_case.h"
#include "test_support.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void bytes_put(bytes *b, const void *data, size_t size)
{
    if (b->size + size > b->capacity) {
        b->capacity = 2 * (b->size + size);
        b->data = realloc(b->data, b->capacity);
        if (b->data == NULL)
            abort();
    }
    if (size != 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

void bytes_text(bytes *b, const char *text)
{
    bytes_put(b, text, strlen(text));
}

void bytes_number(bytes *b, uint64_t value, int width)
{
    for (int i = 0; i < width; i++, value >>= 8) {
        const unsigned char byte = (unsigned char)value;
        bytes_put(b, &byte, 1);
    }
}

void bytes_repeat(bytes *b, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        bytes_text(b, text);
}

void bytes_free(bytes *b)
{
    free(b->data);
    *b = (bytes){0};
}

/* Everything in a zip record from the flags to the extra length. */
static void put_common(bytes *b, const char *name, const void *data,
                       size_t size)
{
    bytes_number(b, 0, 2); /* flags */
    bytes_number(b, 0, 2); /* stored */
    bytes_number(b, 0, 4); /* time */
    bytes_number(b, crc32_z(0, data, size), 4);
    bytes_number(b, size, 4);
    bytes_number(b, size, 4);
    bytes_number(b, strlen(name), 2);
    bytes_number(b, 0, 2);
}

void zip_add(zip_writer *z, const char *name, const void *data, size_t size)
{
    const size_t header = z->file.size;
    static const unsigned char none[1];
    if (data == NULL)
        data = none;
    bytes_literal(&z->file, "PK\003\004\0\0");
    put_common(&z->file, name, data, size);
    bytes_text(&z->file, name);
    bytes_put(&z->file, data, size);
    bytes_literal(&z->directory, "PK\001\002\0\0\0\0");
    put_common(&z->directory, name, data, size);
    bytes_number(&z->directory, 0, 10); /* comment, disk, attributes */
    bytes_number(&z->directory, header, 4);
    bytes_text(&z->directory, name);
    z->count++;
}

void zip_end(zip_writer *z)
{
    const size_t at = z->file.size;
    bytes_put(&z->file, z->directory.data, z->directory.size);
    bytes_literal(&z->file, "PK\005\006\0\0\0\0");
    bytes_number(&z->file, z->count, 2);
    bytes_number(&z->file, z->count, 2);
    bytes_number(&z->file, z->directory.size, 4);
    bytes_number(&z->file, at, 4);
    bytes_number(&z->file, 0, 2);
}

void zip_free(zip_writer *z)
{
    bytes_free(&z->file);
    bytes_free(&z->directory);
}

void zip_package(zip_writer *z, const void *pickle, size_t size, size_t count)
{
    bytes numbers = {0};
    for (size_t i = 0; i < count; i++) {
        const float x = (float)i;
        bytes_put(&numbers, &x, sizeof x);
    }
    zip_add(z, "model/data.pkl", pickle, size);
    zip_add(z, "model/data/0", numbers.data, numbers.size);
    zip_add(z, "model/version", "3\n", 2);
    zip_end(z);
    bytes_free(&numbers);
}

void pickle_string(bytes *b, const char *text)
{
    bytes_text(b, "X");
    bytes_number(b, strlen(text), 4);
    bytes_text(b, text);
}

void pickle_int(bytes *b, int64_t value)
{
    bytes_literal(b, "\x8a\x08");
    bytes_number(b, (uint64_t)value, 8);
}

void pickle_tensor(bytes *b, const char *type, const char *key, int64_t count,
                   int64_t offset, const char *shape, const char *strides)
{
    bytes_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_string(b, "storage");
    bytes_text(b, "ctorch\n");
    bytes_text(b, type);
    bytes_text(b, "\n");
    pickle_string(b, key);
    pickle_string(b, "cpu");
    pickle_int(b, count);
    bytes_text(b, "tQ");
    pickle_int(b, offset);
    bytes_text(b, shape);
    bytes_text(b, strides);
    bytes_literal(b, "\x89}tR");
}

#define MOST_COMPARED ((size_t)1 << 20) /* numbers of a weight */

/* ---- the same file by ranges --------------------------------------------- */

static int read_range(void *user, size_t offset, void *out, size_t size)
{
    memcpy(out, (const unsigned char *)user + offset, size);
    return 0;
}

static void assert_same_weight(const dmx_tensor *got, const dmx_tensor *wanted)
{
    const size_t n = dmx_tensor_count(wanted);
    assert_string_equal(got->name, wanted->name);
    assert_int_equal(dmx_tensor_count(got), n);
    if (n > MOST_COMPARED)
        return;
    float *a = calloc(n + 1, sizeof *a), *b = calloc(n + 1, sizeof *b);
    assert_true(a != NULL && b != NULL);
    assert_ok(dmx_tensor_read_f32(a, got, NULL), NULL);
    dmx_tensor_to_f32(b, wanted);
    assert_memory_equal(a, b, n * sizeof *a);
    free(a);
    free(b);
}

/* Read by ranges, a file gives the same, or fails with the same message. */
static void assert_same_by_ranges(const dmx_checkpoint *wanted,
                                  dmx_status status, const char *message,
                                  unsigned char *data, size_t size,
                                  const dmx_checkpoint_options *options)
{
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    const dmx_source source = {size, read_range, data};
    dmx_checkpoint *c;
    dmx_error err = DMX_ERROR_INIT;
    if (options != NULL)
        o = *options;
    o.hooks = NULL;
    assert_int_equal(
        dmx_checkpoint_open_source(&c, &source, "test.th", &o, &err), status);
    assert_string_equal(err.message, message);
    if (status != DMX_OK)
        return;
    assert_string_equal(c->sha256, wanted->sha256);
    assert_int_equal(c->n_tensor, wanted->n_tensor);
    for (size_t i = 0; i < c->n_tensor; i++)
        assert_same_weight(&c->tensor[i], &wanted->tensor[i]);
    dmx_checkpoint_close(c);
}

dmx_status open_bytes(dmx_checkpoint **out, const void *data, size_t size,
                      const dmx_checkpoint_options *options, dmx_error *err)
{
    dmx_error own = DMX_ERROR_INIT;
    /* Exactly as long as the file, so that sanitizers see every overrun. */
    dmx_blob blob = {dmx_aligned_alloc(size + (size == 0), 1), size};
    if (blob.data == NULL)
        abort();
    if (size != 0)
        memcpy(blob.data, data, size);
    const dmx_status status = dmx_checkpoint_open_blob(
        out, &blob, "test.th", options, err != NULL ? err : &own);
    unsigned char *copy = malloc(size + (size == 0));
    if (copy == NULL)
        abort();
    if (size != 0)
        memcpy(copy, data, size);
    assert_same_by_ranges(*out, status, (err != NULL ? err : &own)->message,
                          copy, size, options);
    free(copy);
    return status;
}

dmx_status open_pickle(dmx_checkpoint **out, const void *pickle, size_t size,
                       dmx_error *err)
{
    zip_writer z = {0};
    zip_package(&z, pickle, size, 10);
    const dmx_status status =
        open_bytes(out, z.file.data, z.file.size, NULL, err);
    zip_free(&z);
    return status;
}

void read_bytes(bytes *out, const char *path)
{
    dmx_blob blob;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_file_read(&blob, path, SIZE_MAX / 4, &err), &err);
    bytes_put(out, blob.data, blob.size);
    dmx_blob_free(&blob);
}

static dmx_zip open_model(bytes *file)
{
    dmx_zip zip;
    dmx_error err = DMX_ERROR_INIT;
    read_bytes(file, test_data("htdemucs/model.th"));
    assert_ok(dmx_zip_open(&zip,
                           &(dmx_image){.data = file->data, .size = file->size},
                           &err),
              &err);
    return zip;
}

void read_entry(bytes *out, const char *name)
{
    bytes file = {0};
    dmx_zip zip = open_model(&file);
    const dmx_zip_entry *e = dmx_zip_find(&zip, name, strlen(name));
    assert_non_null(e);
    bytes_put(out, file.data + e->offset, e->size);
    dmx_zip_close(&zip);
    bytes_free(&file);
}

void change_entry(bytes *out, const char *name, const void *data, size_t size)
{
    bytes file = {0};
    dmx_zip zip = open_model(&file);
    zip_writer z = {0};
    bool seen = false;
    for (size_t i = 0; i < zip.n_entry; i++) {
        const dmx_zip_entry *e = &zip.entry[i];
        char text[256];
        snprintf(text, sizeof text, "%.*s", (int)e->name_size, e->name);
        const bool changed = strcmp(text, name) == 0;
        seen = seen || changed;
        if (!changed)
            zip_add(&z, text, file.data + e->offset, e->size);
        else if (data != NULL)
            zip_add(&z, text, data, size);
    }
    assert_true(seen);
    zip_end(&z);
    *out = z.file;
    z.file = (bytes){0};
    zip_free(&z);
    dmx_zip_close(&zip);
    bytes_free(&file);
}
