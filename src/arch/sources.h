/* Default names of sources, for files that state none. */
#ifndef DMX_ARCH_SOURCES_H
#define DMX_ARCH_SOURCES_H

#include <stddef.h>

/* The name of source `index` of `count`: as in the released models for four and
 * six sources, else "source1", "source2", ... Returns name. */
const char *dmx_default_source(char name[32], size_t index, size_t count);

#endif
