/* Released models as data: names, files, hashes, weights. */
#ifndef DMX_HUB_REGISTRY_H
#define DMX_HUB_REGISTRY_H

#include "base/error.h"
#include "base/memory.h"
#include "hub/bag.h"

/* One location of a checkpoint. */
typedef struct dmx_registry_source {
    const char *base;   /* URL with a trailing '/'; a mirror replaces it */
    const char *path;   /* below the base */
    const char *sha256; /* its first 8 to 64 digits, lower case */
    uint64_t bytes;     /* 0: not known */
} dmx_registry_source;

enum { DMX_REGISTRY_SOURCES = 2 };

/* A checkpoint, in one or two containers. */
typedef struct dmx_registry_member {
    const char *signature; /* "955717e8" */
    dmx_registry_source source[DMX_REGISTRY_SOURCES];
    size_t n_source;
} dmx_registry_member;

/* Another name of a source: "kick" for "bombo". */
typedef struct dmx_stem_alias {
    const char *alias, *source;
} dmx_stem_alias;

typedef struct dmx_registry_model {
    const char *name; /* "htdemucs_ft" */
    const char *kind; /* a one-line description */
    const char *licence;
    const char *const *klass;  /* Python classes of the members, NULL ends */
    const char *const *source; /* "drums", ...; NULL ends */
    const dmx_registry_member *const *member;
    size_t n_member;
    const double *weight;        /* [member][source], or NULL: all 1 */
    double segment;              /* seconds, 0: the model's own */
    bool quantized;              /* weights packed by DiffQ */
    const dmx_stem_alias *alias; /* up to one without a name, or NULL */
    /* Constructor arguments of bare weights: YAML or JSON, or NULL. */
    const dmx_registry_member *config;
} dmx_registry_model;

typedef struct dmx_registry {
    const dmx_registry_model *model;
    size_t n_model;
    dmx_arena arena; /* for a registry read from a file */
} dmx_registry;

/* The models that Demucs' authors released. */
extern const dmx_registry dmx_registry_released;

/* Models that others trained with Demucs' code. */
extern const dmx_registry dmx_registry_community;

/* Reads a private registry: JSON, docs/models.md. Untrusted: names, URLs,
 * hashes and sizes are checked. Free with dmx_registry_free. */
DMX_MUST_CHECK dmx_status dmx_registry_read(dmx_registry *out, const char *path,
                                            dmx_error *err);
DMX_MUST_CHECK dmx_status dmx_registry_parse(dmx_registry *out,
                                             const char *text, size_t size,
                                             const char *name, dmx_error *err);
void dmx_registry_free(dmx_registry *registry);

/* By exact name; NULL when there is none. */
const dmx_registry_model *dmx_registry_find(const dmx_registry *registry,
                                            const char *name);
/* By signature, in any model. */
const dmx_registry_member *
dmx_registry_find_member(const dmx_registry *registry, const char *signature);

size_t dmx_registry_count_sources(const dmx_registry_model *model);
/* Whether this build can run every member. */
bool dmx_registry_runnable(const dmx_registry_model *model);
/* "<signature>-<sha8><extension>", the name in the cache, into a buffer. */
void dmx_registry_file_name(char *name, size_t size,
                            const dmx_registry_member *member,
                            const dmx_registry_source *source);

/* An http(s) URL without control characters, spaces or fragment. */
bool dmx_is_http_url(const char *text);

#endif
