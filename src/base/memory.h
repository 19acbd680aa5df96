/* Checked sizes, aligned allocation and an arena. */
#ifndef DMX_BASE_MEMORY_H
#define DMX_BASE_MEMORY_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checked arithmetic: true on overflow, as C23's ckd_*. */
#define dmx_add_overflow(r, a, b) __builtin_add_overflow((a), (b), (r))
#define dmx_sub_overflow(r, a, b) __builtin_sub_overflow((a), (b), (r))
#define dmx_mul_overflow(r, a, b) __builtin_mul_overflow((a), (b), (r))

/* 64-byte aligned memory (a cache line, an AVX-512 register); NULL when the
 * size is 0 or overflows, or when out of memory. Free with dmx_aligned_free. */
void *dmx_aligned_alloc(size_t count, size_t size);
void dmx_aligned_free(void *p);

/* Gives memory that was freed back to the system: glibc keeps
 * what lies between blocks that are in use. */
void dmx_return_freed(void);

/* Asks for enough memory to load a library written in C++, and gives it back:
 * where an allocation fails in one of its static constructors, the language
 * ends the process, and nobody can catch that. MEMORY when there is none. */
DMX_MUST_CHECK dmx_status dmx_room_for_library(const char *name,
                                               dmx_error *err);

/* Blocks that are all freed together. Zero-initialise to start; every block is
 * 16-byte aligned and zeroed. */
typedef struct dmx_arena {
    struct dmx_arena_block *head;
    size_t used;  /* bytes handed out */
    size_t limit; /* refuse beyond this many bytes; 0 = no limit */
} dmx_arena;

void *dmx_arena_alloc(dmx_arena *arena, size_t count, size_t size);
char *dmx_arena_strndup(dmx_arena *arena, const char *text, size_t length);
char *dmx_arena_printf(dmx_arena *arena, const char *fmt, ...) DMX_PRINTF(2, 3);
void dmx_arena_free(dmx_arena *arena);

/* Grows *array (malloc'd, element size `size`) to hold at least `need`
 * elements; *capacity is updated. False when out of memory. */
bool dmx_grow(void *array, size_t *capacity, size_t need, size_t size);

#endif
