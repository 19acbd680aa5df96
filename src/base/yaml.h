/* YAML files as JSON values. */
#ifndef DMX_BASE_YAML_H
#define DMX_BASE_YAML_H

#include "base/error.h"
#include "base/json.h"

/* A document of mappings, sequences and scalars, as YAML 1.1 resolves them;
 * aliases are refused, since they let a small file grow without bound. Reads
 * at most 100,000 events, 32 deep. *out: free with dmx_json_free. Fails with
 * FORMAT, MEMORY, or UNSUPPORTED where the library was built without YAML. */
DMX_MUST_CHECK dmx_status dmx_yaml_read(dmx_json **out, const void *text,
                                        size_t size, const char *name,
                                        dmx_error *err);

#endif
