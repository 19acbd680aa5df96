/* What the parts of the reader of private registries share. */
#ifndef DMX_HUB_REGISTRY_READER_H
#define DMX_HUB_REGISTRY_READER_H

#include "base/json.h"
#include "hub/registry.h"

#define DMX_REGISTRY_URL 2000 /* bytes of the longest URL */

typedef struct dmx_registry_reader {
    dmx_registry *out;
    const char *name; /* of the file, for messages */
    const char *base; /* URL of relative ones, or NULL */
    dmx_error *err;
} dmx_registry_reader;

/* Fails with FORMAT. model: its name, or NULL; what: what is wrong with it. */
dmx_status dmx_registry_bad(const dmx_registry_reader *r, const char *model,
                            const char *what);
dmx_status dmx_registry_no_memory(const dmx_registry_reader *r);

/* The text under a key; NULL where there is none, or one that is empty, longer
 * than `limit` bytes or has control characters. */
const char *dmx_registry_text(const dmx_json *object, const char *key,
                              size_t limit);

/* A copy in the registry's arena; NULL when out of memory. */
char *dmx_registry_copy(dmx_registry_reader *r, const char *text);

/* Whether all characters are safe in file names, URLs and command lines. */
bool dmx_registry_is_name(const char *text);

/* "members" and "config" of a model (registry_member.c). */
dmx_status dmx_registry_read_members(dmx_registry_reader *r,
                                     const dmx_json *object,
                                     dmx_registry_model *m);
dmx_status dmx_registry_read_config(dmx_registry_reader *r,
                                    const dmx_json *object,
                                    dmx_registry_model *m);

#endif
