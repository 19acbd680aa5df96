/* Where proofs of a precision are kept, so that a session loads quickly. */
#ifndef DMX_PLUGIN_PROOFS_H
#define DMX_PLUGIN_PROOFS_H

#include <stdbool.h>
#include <stddef.h>

/* The program's folder for them, of its cache (docs/models.md); false: there is
 * none, and each load proves anew. Reads the environment. */
bool plug_proofs(char *out, size_t size);

#endif
