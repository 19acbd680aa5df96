/* Large zeroed memory straight from the system, in large pages where it has
 * them: fewer address translations while weights stream by. */
#ifndef DMX_ENGINE_PAGES_H
#define DMX_ENGINE_PAGES_H

#include <stddef.h>

/* 2 MiB aligned and zeroed; NULL when memory is short. Free with the same
 * size. */
void *dmx_pages_alloc(size_t bytes);
void dmx_pages_free(void *p, size_t bytes);

#endif
