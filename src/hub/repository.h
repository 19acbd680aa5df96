/* A folder of models: "<signature>-<sha8>.th" and "<bag>.yaml", as in the
 * original's local repositories, and also .safetensors files. */
#ifndef DMX_HUB_REPOSITORY_H
#define DMX_HUB_REPOSITORY_H

#include "base/hash.h"
#include "hub/bag.h"

/* The file of a signature, or of a file name with a model's extension, in
 * `folder`; malloc'd. *out is NULL when there is none. Two files with the same
 * signature are DMX_ERROR_ARGUMENT; a file that does not match the checksum in
 * its name is DMX_ERROR_HASH. */
DMX_MUST_CHECK dmx_status dmx_repository_find(char **out, const char *folder,
                                              const char *name,
                                              const dmx_hooks *hooks,
                                              dmx_error *err);

/* A bag (by name) or a single model (by signature) in `folder`; *out is NULL
 * when there is neither. */
DMX_MUST_CHECK dmx_status dmx_repository_bag(struct dmx_bag **out,
                                             const char *folder,
                                             const char *name,
                                             const dmx_hooks *hooks,
                                             dmx_error *err);

/* The names of bags and signatures in `folder`, for messages and lists:
 * malloc'd array of malloc'd text, sorted. Free with dmx_names_free. */
DMX_MUST_CHECK dmx_status dmx_repository_names(char ***out, size_t *count,
                                               const char *folder,
                                               dmx_error *err);
void dmx_names_free(char **names, size_t count);

/* "a/b"; malloc'd, NULL when memory is short. */
char *dmx_path_join(const char *folder, const char *name);

/* Extension with its dot (".th"), "" when there is none. */
const char *dmx_extension(const char *path);

/* Checkpoints and exported models, by extension. */
bool dmx_is_model_file(const char *path);

#endif
