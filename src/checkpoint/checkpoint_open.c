#include "base/file_kind.h"
#include "base/options.h"
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_BYTES ((uint64_t)4 << 30)

enum { SIGNATURE_DIGITS = 8 };

/* ---------------------------------------------------------- what is this? */

static bool starts_with(const dmx_load *load, const char *text)
{
    const size_t n = strlen(text);
    return load->head_size >= n && memcmp(load->head, text, n) == 0;
}

static dmx_status unknown_file(const dmx_load *load)
{
    char shown[16];
    DMX_RETURN_IF(load->size == 0, load->err, DMX_ERROR_FORMAT,
                  "the file is empty");
    const char *kind = dmx_file_kind(load->head, load->head_size);
    DMX_RETURN_IF(kind != NULL, load->err, DMX_ERROR_FORMAT,
                  "not a PyTorch checkpoint but %s", kind);
    const size_t n = load->head_size < 8 ? load->head_size : 8;
    DMX_RETURN_ERROR(
        load->err, DMX_ERROR_FORMAT,
        "neither a PyTorch checkpoint nor a safetensors file "
        "(it starts with \"%s\")",
        dmx_text_show(shown, sizeof shown, (const char *)load->head, n));
}

static dmx_status load_container(dmx_load *load)
{
    if (starts_with(load, "PK\003\004") || starts_with(load, "PK\005\006"))
        return dmx_load_zip(load);
    if (dmx_looks_like_legacy(load->head, load->head_size))
        return dmx_load_legacy(load);
    if (dmx_looks_like_safetensors(load->head, load->head_size))
        return dmx_load_safetensors(load);
    return unknown_file(load);
}

/* -------------------------------------------------------------- checksums */

/* The sha8 of "<sig>-<sha8>.th" into out, or "". */
static void find_name_checksum(char out[SIGNATURE_DIGITS + 1], const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *dash = strrchr(base, '-');
    out[0] = '\0';
    if (dash == NULL || dash == base ||
        strspn(dash + 1, "0123456789abcdef") != SIGNATURE_DIGITS ||
        strcmp(dash + 1 + SIGNATURE_DIGITS, ".th") != 0)
        return;
    memcpy(out, dash + 1, SIGNATURE_DIGITS);
    out[SIGNATURE_DIGITS] = '\0';
}

static dmx_status check_name(dmx_load *load, bool strict)
{
    struct dmx_checkpoint *c = load->checkpoint;
    find_name_checksum(c->name_checksum, c->path);
    c->name_checksum_matches =
        c->name_checksum[0] != '\0' &&
        memcmp(c->name_checksum, c->sha256, SIGNATURE_DIGITS) == 0;
    if (c->name_checksum[0] == '\0' || c->name_checksum_matches)
        return DMX_OK;
    DMX_RETURN_IF(strict, load->err, DMX_ERROR_HASH,
                  "the file's SHA-256 starts with %.8s, its name promises %s; "
                  "download it again",
                  c->sha256, c->name_checksum);
    dmx_warn(load->hooks,
             "%s: the file's SHA-256 starts with %.8s, its name ends in %s; if "
             "that is a checksum, the file is damaged",
             c->path, c->sha256, c->name_checksum);
    return DMX_OK;
}

/* ----------------------------------------------------------------- symbols */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Copies the pickled names, which outlive the pickle. */
static dmx_status keep_symbols(dmx_load *load)
{
    struct dmx_checkpoint *c = load->checkpoint;
    const dmx_pickle *p = &load->pickle;
    c->global = calloc(p->n_symbol + 1, sizeof *c->global);
    DMX_RETURN_IF(c->global == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for class names");
    for (size_t i = 0; i < p->n_symbol; i++) {
        const dmx_symbol *s = p->symbol[i];
        c->global[i] = dmx_arena_strndup(load->arena, s->full, s->full_size);
        DMX_RETURN_IF(c->global[i] == NULL, load->err, DMX_ERROR_MEMORY,
                      "no memory for class names");
        c->n_global++;
    }
    qsort(c->global, c->n_global, sizeof *c->global, by_text);
    return DMX_OK;
}

/* ------------------------------------------------------------ open, close */

#define HEAD_BYTES ((size_t)512) /* in which what a file is shows */
static const unsigned char no_bytes[1];

static dmx_status load_all(dmx_load *load, const dmx_checkpoint_options *o)
{
    DMX_FORWARD(load_container(load));
    DMX_FORWARD(keep_symbols(load));
    DMX_FORWARD(dmx_load_names(load));
    DMX_FORWARD(dmx_load_sums(load));
    return check_name(load, o->strict_checksum != 0);
}

/* A checkpoint of bytes that it owns, or, when blob is empty, of the caller's.
 */
static struct dmx_checkpoint *new_checkpoint(dmx_blob blob, const char *path)
{
    struct dmx_checkpoint *c = calloc(1, sizeof *c);
    if (c != NULL)
        c->memory = calloc(1, sizeof *c->memory);
    if (c == NULL || c->memory == NULL) {
        free(c);
        dmx_blob_free(&blob);
        return NULL;
    }
    c->memory->file = blob;
    c->memory->users = 1;
    c->path = dmx_arena_strndup(&c->memory->arena, path, strlen(path));
    if (c->path == NULL) {
        dmx_checkpoint_close(c);
        return NULL;
    }
    return c;
}

static dmx_status view_head(dmx_load *load)
{
    load->head_size = load->size < HEAD_BYTES ? load->size : HEAD_BYTES;
    return dmx_image_view(&load->head, &load->image, 0, load->head_size,
                          load->err);
}

/* Closes `c` on failure; *needs_all tells whether it was for that. */
static dmx_status load_image(struct dmx_checkpoint **out,
                             struct dmx_checkpoint *c, const dmx_image *image,
                             const dmx_checkpoint_options *o, bool *needs_all,
                             dmx_error *err)
{
    c->file_size = image->size;
    dmx_load load = {.checkpoint = c,
                     .arena = &c->memory->arena,
                     .image = *image,
                     .data = image->data,
                     .size = image->size,
                     .hooks = o->hooks,
                     .weights = o->weights,
                     .err = err};
    dmx_pickle_open(&load.pickle);
    load.image.arena = load.arena;
    dmx_status status = view_head(&load);
    if (status == DMX_OK)
        status = load_all(&load, o);
    *needs_all = load.needs_all;
    dmx_pickle_close(&load.pickle);
    dmx_zip_close(&load.zip);
    free(load.legacy);
    if (status != DMX_OK) {
        dmx_error_prefix(err, "%s", c->path);
        dmx_checkpoint_close(c);
        return status;
    }
    *out = c;
    return DMX_OK;
}

static dmx_status load_bytes(struct dmx_checkpoint **out,
                             struct dmx_checkpoint *c,
                             const unsigned char *data, size_t size,
                             const dmx_checkpoint_options *o, dmx_error *err)
{
    bool needs_all;
    /* Of no bytes at all there may be no address. */
    const dmx_image image = {.data = data != NULL ? data : no_bytes,
                             .size = size};
    return load_image(out, c, &image, o, &needs_all, err);
}

static uint64_t most_bytes(const dmx_checkpoint_options *o)
{
    return o->max_file_bytes != 0 ? o->max_file_bytes : DEFAULT_MAX_BYTES;
}

dmx_status dmx_checkpoint_open_blob(struct dmx_checkpoint **out, dmx_blob *blob,
                                    const char *path,
                                    const dmx_checkpoint_options *options,
                                    dmx_error *err)
{
    const dmx_checkpoint_options defaults = DMX_CHECKPOINT_OPTIONS_INIT;
    const dmx_blob bytes = *blob;
    *out = NULL;
    *blob = (dmx_blob){0};
    struct dmx_checkpoint *c = new_checkpoint(bytes, path);
    DMX_RETURN_IF(c == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", path);
    return load_bytes(out, c, bytes.data, bytes.size,
                      options != NULL ? options : &defaults, err);
}

dmx_status dmx_checkpoint_open_memory(dmx_checkpoint **out, const void *data,
                                      size_t size, const char *name,
                                      const dmx_checkpoint_options *options,
                                      dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, data);
    DMX_NEED(err, name);
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_checkpoint_options, err));
    DMX_RETURN_IF(size > most_bytes(&o), err, DMX_ERROR_LIMIT,
                  "%s: %zu bytes, more than the limit of %llu", name, size,
                  (unsigned long long)most_bytes(&o));
    struct dmx_checkpoint *c = new_checkpoint((dmx_blob){0}, name);
    DMX_RETURN_IF(c == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", name);
    return load_bytes(out, c, data, size, &o, err);
}

dmx_status dmx_checkpoint_open(dmx_checkpoint **out, const char *path,
                               const dmx_checkpoint_options *options,
                               dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, out);
    *out = NULL;
    DMX_NEED(err, path);
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_checkpoint_options, err));
    const uint64_t limit = most_bytes(&o);
    dmx_blob blob;
    DMX_FORWARD(dmx_file_read(
        &blob, path, limit > SIZE_MAX ? SIZE_MAX : (size_t)limit, err));
    return dmx_checkpoint_open_blob(out, &blob, path, &o, err);
}

/* What is not read by ranges, as a whole. */
static dmx_status open_all(struct dmx_checkpoint **out,
                           const dmx_source *source, const char *name,
                           const dmx_checkpoint_options *o, dmx_error *err)
{
    dmx_blob blob = {dmx_aligned_alloc(source->size + 1, 1), source->size};
    DMX_RETURN_IF(blob.data == NULL, err, DMX_ERROR_MEMORY,
                  "%s: no memory for %zu bytes", name, source->size);
    blob.data[blob.size] = 0;
    const dmx_status status =
        dmx_source_read(source, 0, blob.data, blob.size, err);
    if (status == DMX_OK)
        return dmx_checkpoint_open_blob(out, &blob, name, o, err);
    dmx_blob_free(&blob);
    dmx_error_prefix(err, "%s", name);
    return status;
}

dmx_status dmx_checkpoint_open_source(struct dmx_checkpoint **out,
                                      const dmx_source *source,
                                      const char *name,
                                      const dmx_checkpoint_options *options,
                                      dmx_error *err)
{
    dmx_error_clear(err);
    *out = NULL;
    dmx_checkpoint_options o = DMX_CHECKPOINT_OPTIONS_INIT;
    DMX_FORWARD(DMX_OPTIONS_TAKE(&o, options, dmx_checkpoint_options, err));
    DMX_RETURN_IF(source->size > most_bytes(&o) || source->size > SIZE_MAX / 2,
                  err, DMX_ERROR_LIMIT,
                  "%s: %zu bytes, more than the limit of %llu", name,
                  source->size, (unsigned long long)most_bytes(&o));
    struct dmx_checkpoint *c = new_checkpoint((dmx_blob){0}, name);
    DMX_RETURN_IF(c == NULL, err, DMX_ERROR_MEMORY, "%s: no memory", name);
    c->memory->source = *source;
    const dmx_image image = {.size = source->size,
                             .source = &c->memory->source};
    bool needs_all;
    const dmx_status status = load_image(out, c, &image, &o, &needs_all, err);
    if (!needs_all)
        return status;
    dmx_error_clear(err);
    return open_all(out, source, name, &o, err);
}

void dmx_checkpoint_close(dmx_checkpoint *c)
{
    if (c == NULL)
        return;
    dmx_json_free(c->args);
    dmx_json_free(c->kwargs);
    dmx_json_free(c->training);
    free(c->tensor);
    free(c->by_name);
    free(c->global);
    dmx_blob_free(&c->memory->file);
    dmx_file_let_go(c->memory->held - 1);
    dmx_arena_free(&c->memory->arena);
    free(c->memory);
    free(c);
}

const char *dmx_checkpoint_sha256(const dmx_checkpoint *c)
{
    return c != NULL ? c->sha256 : NULL;
}

static int compare_name(const void *name, const void *element)
{
    return strcmp(name, (*(const dmx_tensor *const *)element)->name);
}

const dmx_tensor *dmx_checkpoint_find(const struct dmx_checkpoint *c,
                                      const char *name)
{
    const dmx_tensor **found = bsearch(name, c->by_name, c->n_tensor,
                                       sizeof *c->by_name, compare_name);
    return found != NULL ? *found : NULL;
}

void dmx_free(void *memory)
{
    free(memory);
}
