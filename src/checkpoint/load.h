/* One checkpoint on its way from bytes to tensors: what the container readers
 * and the parts that they share know together. */
#ifndef DMX_CHECKPOINT_LOAD_H
#define DMX_CHECKPOINT_LOAD_H

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/pickle.h"
#include "checkpoint/zip.h"

#define DMX_STATE_MAX_TENSORS ((size_t)65536)
#define DMX_STATE_MAX_NAME    ((size_t)512) /* bytes of a weight's name */
/* Expanded tensors (stride 0) can claim more elements than the file has bytes;
 * all tensors together may claim the file's size and this many. */
#define DMX_STATE_SPARE_ELEMENTS ((uint64_t)16 << 20)

struct dmx_checkpoint_memory {
    dmx_blob file;
    dmx_source source; /* in place of the file */
    dmx_arena arena;   /* names, path, symbols, the tensor tables */
    int users;         /* of the file's bytes */
    bool rests;        /* they are not there */
    int held;          /* 1 + descriptor of the file; 0: closed */
};

typedef struct dmx_load {
    struct dmx_checkpoint *checkpoint;
    dmx_arena *arena; /* the checkpoint's own */
    dmx_image image;
    const unsigned char *data; /* all bytes, or NULL: they come by ranges */
    size_t size;
    const unsigned char *head; /* the first bytes */
    size_t head_size;
    bool needs_all; /* why it failed: this kind is not read by ranges */
    const dmx_hooks *hooks;
    const char *weights; /* the set that the caller wants, or NULL */
    dmx_pickle pickle;   /* zip and legacy; gone after loading */
    dmx_zip zip;         /* zip only; gone after loading */
    struct dmx_legacy_storage *legacy; /* sorted by key */
    size_t n_legacy;
    const char *root; /* zip: "model/", not terminated */
    size_t root_size;
    size_t capacity;   /* of checkpoint->tensor while it grows */
    uint64_t elements; /* claimed by all tensors so far */
    size_t n_skipped;  /* counters */
    char skipped[96];  /* the first of them */
    dmx_error *err;
} dmx_load;

/* Finds a storage's bytes: file offset and number of bytes. */
typedef dmx_status dmx_locate(size_t *offset, size_t *size, dmx_load *load,
                              const dmx_storage *storage);

/* The three containers. Each fills class, arguments and tensors. */
DMX_MUST_CHECK dmx_status dmx_load_zip(dmx_load *load);
DMX_MUST_CHECK dmx_status dmx_load_legacy(dmx_load *load);
DMX_MUST_CHECK dmx_status dmx_load_safetensors(dmx_load *load);
bool dmx_looks_like_legacy(const unsigned char *data, size_t size);
bool dmx_looks_like_safetensors(const unsigned char *data, size_t size);

/* Fails where bytes come by ranges, for kinds that want all of them. */
DMX_MUST_CHECK dmx_status dmx_load_needs_all(dmx_load *load);
/* Where a tensor's first element is. */
void dmx_load_place(const dmx_load *load, dmx_tensor *t, size_t offset);

/* From the top value of a pickle to class, arguments and tensors. */
DMX_MUST_CHECK dmx_status dmx_load_package(dmx_load *load,
                                           const dmx_pickled *top,
                                           dmx_locate *locate);
/* The tensors of one state dict. */
DMX_MUST_CHECK dmx_status dmx_load_state(dmx_load *load,
                                         const dmx_pickled *state,
                                         dmx_locate *locate);
/* One more tensor: the name is checked and copied, the shape checked against
 * the budget, the address left to the caller. */
DMX_MUST_CHECK dmx_status dmx_load_tensor(dmx_tensor **out, dmx_load *load,
                                          const char *name, size_t name_size,
                                          int rank, const int64_t *dim);
/* Only those weights whose names start with "<load->weights>.". */
DMX_MUST_CHECK dmx_status dmx_load_group(dmx_load *load);
/* A tensor that no module computes with, such as num_batches_tracked: is left
 * out, and counted for one warning. */
bool dmx_is_counter(const char *name, size_t size, bool integer, int rank,
                    const int64_t *dim);
void dmx_load_skip(dmx_load *load, const char *name, size_t size);
/* Common prefixes off, names sorted, duplicates refused. */
DMX_MUST_CHECK dmx_status dmx_load_names(dmx_load *load);
/* Everything with a CRC against its CRC, the file's SHA-256, every weight
 * finite. */
DMX_MUST_CHECK dmx_status dmx_load_sums(dmx_load *load);

/* A pickled value as JSON, see checkpoint.h. *out: dmx_json_free. */
DMX_MUST_CHECK dmx_status dmx_pickled_json(dmx_json **out,
                                           const dmx_pickled *value,
                                           dmx_error *err);

/* JSON text from a file, its nesting and size checked before it is parsed.
 * `at` is its file offset, for messages. *out: dmx_json_free. */
DMX_MUST_CHECK dmx_status dmx_json_parse(dmx_json **out, const char *text,
                                         size_t size, size_t at,
                                         const char *what, dmx_error *err);
/* Whether all its texts and keys are fit to print; for what dmx_json_parse
 * made only, whose depth is bounded. */
bool dmx_json_clean(const dmx_json *json);

#endif
