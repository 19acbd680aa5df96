/* YAML files as JSON values. */
#ifndef DMX_BASE_YAML_H
#define DMX_BASE_YAML_H

#include "base/error.h"
#include "base/json.h"

/* A document of mappings, sequences and scalars. Plain scalars are what YAML
 * 1.1 resolves them to, and numbers also without a point ("1e-4"). Aliases and
 * anchors are refused, since they let a small file grow without bound; so are
 * second documents, keys that are not text and zero bytes. Reads at most
 * 100,000 events, 32 deep. Free *out with dmx_json_free. Fails with FORMAT
 * (naming the line), LIMIT, MEMORY, or UNSUPPORTED where the library was built
 * without YAML. */
DMX_MUST_CHECK dmx_status dmx_yaml_read(dmx_json **out, const void *text,
                                        size_t size, const char *name,
                                        dmx_error *err);

/* The same with every scalar as the text that is written: 955717e8 may be a
 * name. */
DMX_MUST_CHECK dmx_status dmx_yaml_read_text(dmx_json **out, const void *text,
                                             size_t size, const char *name,
                                             dmx_error *err);

#endif
