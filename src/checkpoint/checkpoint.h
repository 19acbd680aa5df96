/* A checkpoint file as the rest of the library sees it: a class name,
 * normalised constructor arguments, and named tensors. */
#ifndef DMX_CHECKPOINT_CHECKPOINT_H
#define DMX_CHECKPOINT_CHECKPOINT_H

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/source.h"
#include "base/tensor.h"

#include "base/json.h"

typedef enum dmx_container {
    DMX_CONTAINER_ZIP,         /* torch.save since 1.6 */
    DMX_CONTAINER_LEGACY,      /* torch.save before 1.6 */
    DMX_CONTAINER_SAFETENSORS, /* also the official Demucs 4.1 release */
} dmx_container;

/* What dmx_checkpoint_open found. Everything below is owned by the checkpoint
 * and immutable. Arguments are JSON values: dict -> object, list and tuple ->
 * array, int and float -> number, Fraction ->
 * {"_type": "fraction", "numerator": 39, "denominator": 5}, anything else (an
 * opaque pickle value) -> {"_type": "opaque", "name": "module.name"}. */
struct dmx_checkpoint {
    char *path;
    dmx_container container;
    int pickle_protocol;         /* 0 for safetensors */
    char sha256[DMX_SHA256_HEX]; /* of the whole file */
    size_t file_size;
    char name_checksum[9]; /* sha8 of "<sig>-<sha8>.th", or "" */
    bool name_checksum_matches;
    char *klass_module; /* "demucs.htdemucs", or NULL: state dict */
    char *klass_name;   /* "HTDemucs", or NULL */
    dmx_json *args;     /* array; NULL for a bare state dict */
    dmx_json *kwargs;   /* object; NULL for a bare state dict */
    char *wrapper;      /* key that held a bare state dict, or NULL */
    char *prefix;       /* prefix stripped from all names, or NULL */
    char *weights; /* the chosen set of weights, or NULL when the file has only
                      one */
    char **set;    /* names of all sets, in file order */
    size_t n_set;
    dmx_json *training; /* object: the configuration of the training run, or
                        NULL */
    dmx_tensor *tensor; /* in file order */
    size_t n_tensor;
    const dmx_tensor **by_name;      /* the same, sorted by strcmp of name */
    struct dmx_quantized *quantized; /* in place of tensors, or NULL */
    char **global; /* every GLOBAL the pickle names, once each */
    size_t n_global;
    struct dmx_checkpoint_memory *memory; /* file bytes, values, names */
};

/* As dmx_checkpoint_open, on bytes in memory. Takes ownership of *blob, even on
 * failure; `path` is the name used in messages and stored in the checkpoint. */
DMX_MUST_CHECK dmx_status dmx_checkpoint_open_blob(
    struct dmx_checkpoint **out, dmx_blob *blob, const char *path,
    const dmx_checkpoint_options *options, dmx_error *err);

/* The same of a file that is read by ranges, so that it is never in memory as a
 * whole: first what describes the weights, then all of it once more for its
 * checksums, then each weight when somebody wants its numbers. Kinds that want
 * all bytes at once are read as a whole: torch.save before 1.6, quantized
 * states, weights that lie scattered. source->user must live as long as the
 * checkpoint, and everything happens in the thread that calls. Numbers that
 * change between two looks are not noticed; shapes and places are kept. */
DMX_MUST_CHECK dmx_status dmx_checkpoint_open_source(
    struct dmx_checkpoint **out, const dmx_source *source, const char *name,
    const dmx_checkpoint_options *options, dmx_error *err);

/* The bytes of the file are not needed for now: their memory is given back,
 * where the file can be opened again. Nothing may look at a tensor's data until
 * the checkpoint wakes, which reads the file anew and fails with HASH when it
 * is another one now. Each wake asks for a rest; not from two threads at once.
 */
void dmx_checkpoint_rest(struct dmx_checkpoint *checkpoint);
DMX_MUST_CHECK dmx_status dmx_checkpoint_wake(struct dmx_checkpoint *checkpoint,
                                              dmx_error *err);

/* The tensor of that exact name, or NULL. O(log n). */
const dmx_tensor *dmx_checkpoint_find(const struct dmx_checkpoint *checkpoint,
                                      const char *name);

#endif
