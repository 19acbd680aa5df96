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
    return load->size >= n && memcmp(load->data, text, n) == 0;
}

static dmx_status unknown_file(const dmx_load *load)
{
    char shown[16];
    DMX_RETURN_IF(load->size == 0, load->err, DMX_ERROR_FORMAT,
                  "the file is empty");
    const char *kind = dmx_file_kind(load->data, load->size);
    DMX_RETURN_IF(kind != NULL, load->err, DMX_ERROR_FORMAT,
                  "not a PyTorch checkpoint but %s", kind);
    const size_t n = load->size < 8 ? load->size : 8;
    DMX_RETURN_ERROR(
        load->err, DMX_ERROR_FORMAT,
        "neither a PyTorch checkpoint nor a safetensors file "
        "(it starts with \"%s\")",
        dmx_text_show(shown, sizeof shown, (const char *)load->data, n));
}

static dmx_status load_container(dmx_load *load)
{
    if (starts_with(load, "PK\003\004") || starts_with(load, "PK\005\006"))
        return dmx_load_zip(load);
    if (dmx_looks_like_legacy(load->data, load->size))
        return dmx_load_legacy(load);
    if (dmx_looks_like_safetensors(load->data, load->size))
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
    c->path = dmx_arena_strndup(&c->memory->arena, path, strlen(path));
    if (c->path == NULL) {
        dmx_checkpoint_close(c);
        return NULL;
    }
    return c;
}

/* Closes `c` on failure. */
static dmx_status load_bytes(struct dmx_checkpoint **out,
                             struct dmx_checkpoint *c,
                             const unsigned char *data, size_t size,
                             const dmx_checkpoint_options *o, dmx_error *err)
{
    c->file_size = size;
    dmx_load load = {.checkpoint = c,
                     .arena = &c->memory->arena,
                     .data = data,
                     .size = size,
                     .hooks = o->hooks,
                     .weights = o->weights,
                     .err = err};
    dmx_pickle_open(&load.pickle);
    const dmx_status status = load_all(&load, o);
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
