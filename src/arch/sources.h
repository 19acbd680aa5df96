/* Names of sources where a file states none. */
#ifndef DMX_ARCH_SOURCES_H
#define DMX_ARCH_SOURCES_H

#include <stddef.h>

/* Of `count` sources the one at `index`: those of the released models with four
 * and six, else "source1", "source2", ... Returns name. */
const char *dmx_default_source(char name[32], size_t index, size_t count);

#endif
