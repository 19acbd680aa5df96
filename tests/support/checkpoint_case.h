/* Checkpoints built in memory: bytes, zip files, pickles, and modified
 * files. */
#ifndef DMX_CHECKPOINT_CASE_H
#define DMX_CHECKPOINT_CASE_H

#include "checkpoint/checkpoint.h"
#include "checkpoint/zip.h"

/* Bytes that grow; free with bytes_free. */
typedef struct bytes {
    unsigned char *data;
    size_t size, capacity;
} bytes;

void bytes_put(bytes *b, const void *data, size_t size);
void bytes_text(bytes *b, const char *text); /* without the final zero */
void bytes_number(bytes *b, uint64_t value, int width); /* little-endian */
void bytes_repeat(bytes *b, const char *text, size_t times);
void bytes_free(bytes *b);
/* A literal with zeros inside. */
#define bytes_literal(b, text) bytes_put((b), (text), sizeof(text) - 1)

/* A zip file as torch.save writes one: stored entries, then bytes_zip_end. */
typedef struct zip_writer {
    bytes file, directory;
    unsigned count;
} zip_writer;

void zip_add(zip_writer *z, const char *name, const void *data, size_t size);
/* Directory and end record; the result is z->file. */
void zip_end(zip_writer *z);
void zip_free(zip_writer *z);
/* model/data.pkl, `count` float32 numbers 0, 1, 2, ... as model/data/0. */
void zip_package(zip_writer *z, const void *pickle, size_t size, size_t count);

/* Pickle fragments, protocol 2. */
void pickle_string(bytes *b, const char *text);
void pickle_int(bytes *b, int64_t value);
/* A call of _rebuild_tensor_v2 on storage `key`. */
void pickle_tensor(bytes *b, const char *type, const char *key, int64_t count,
                   int64_t offset, const char *shape, const char *strides);

/* Opens a copy of the bytes under the name "test.th"; also by ranges, with the
 * same result. */
dmx_status open_bytes(dmx_checkpoint **out, const void *data, size_t size,
                      const dmx_checkpoint_options *options, dmx_error *err);
/* As open_bytes on a package of that pickle and ten float32 numbers. */
dmx_status open_pickle(dmx_checkpoint **out, const void *pickle, size_t size,
                       dmx_error *err);

/* tests/data/htdemucs/model.th with one entry replaced (or dropped: data is
 * NULL). */
void change_entry(bytes *out, const char *name, const void *data, size_t size);
/* The entry's bytes in that file, malloc'd into *out. */
void read_entry(bytes *out, const char *name);
void read_bytes(bytes *out, const char *path);

#endif
