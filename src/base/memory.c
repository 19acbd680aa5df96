#include "base/memory.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define ALIGNMENT   ((size_t)64)
#define BLOCK_BYTES ((size_t)65536)

struct dmx_arena_block {
    struct dmx_arena_block *next;
    size_t used, size;
    _Alignas(16) unsigned char data[];
};

void *dmx_aligned_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (dmx_mul_overflow(&bytes, count, size) || bytes == 0 ||
        bytes > SIZE_MAX - ALIGNMENT)
        return NULL;
    void *p = NULL;
    bytes = (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    return posix_memalign(&p, ALIGNMENT, bytes) == 0 ? p : NULL;
}

void dmx_return_freed(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

/* libonnx and libprotobuf take less than 8 MiB, relocated pages included. */
#define LIBRARY_ROOM ((size_t)32 << 20)

dmx_status dmx_room_for_library(const char *name, dmx_error *err)
{
    void *volatile room = malloc(LIBRARY_ROOM); /* not left out by a compiler */
    DMX_RETURN_IF(room == NULL, err, DMX_ERROR_MEMORY, "no memory to load %s",
                  name);
    free(room);
    return DMX_OK;
}

void dmx_aligned_free(void *p)
{
    free(p);
}

static struct dmx_arena_block *new_block(dmx_arena *arena, size_t bytes)
{
    const size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    if (size > SIZE_MAX - sizeof(struct dmx_arena_block))
        return NULL;
    struct dmx_arena_block *b = malloc(sizeof *b + size);
    if (b == NULL)
        return NULL;
    b->next = arena->head;
    b->used = 0;
    b->size = size;
    arena->head = b;
    return b;
}

void *dmx_arena_alloc(dmx_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (dmx_mul_overflow(&bytes, count, size) || bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + 15) & ~(size_t)15;
    if (bytes == 0)
        bytes = 16;
    if (arena->limit != 0 && bytes > arena->limit - arena->used)
        return NULL;
    struct dmx_arena_block *b = arena->head;
    if (b == NULL || b->size - b->used < bytes)
        b = new_block(arena, bytes);
    if (b == NULL)
        return NULL;
    void *p = b->data + b->used;
    b->used += bytes;
    arena->used += bytes;
    return memset(p, 0, bytes);
}

char *dmx_arena_strndup(dmx_arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = dmx_arena_alloc(arena, length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

char *dmx_arena_printf(dmx_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = dmx_vformat(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        return NULL;
    char *text = dmx_arena_alloc(arena, (size_t)n + 1, 1);
    if (text == NULL)
        return NULL;
    va_start(args, fmt);
    dmx_vformat(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}

void dmx_arena_free(dmx_arena *arena)
{
    struct dmx_arena_block *b = arena->head;
    while (b != NULL) {
        struct dmx_arena_block *next = b->next;
        free(b);
        b = next;
    }
    arena->head = NULL;
    arena->used = 0;
}

bool dmx_grow(void *array, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return true;
    size_t wanted = *capacity < 16 ? 16 : *capacity;
    while (wanted < need)
        if (dmx_mul_overflow(&wanted, wanted, (size_t)2))
            return false;
    size_t bytes;
    if (dmx_mul_overflow(&bytes, wanted, size))
        return false;
    void *old;
    memcpy(&old, array, sizeof old);
    void *grown = realloc(old, bytes);
    if (grown == NULL)
        return false;
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}
