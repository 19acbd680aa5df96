#include "engine/pages.h"
#include "base/memory.h"

#include <stdint.h>
#include <sys/mman.h>

#define PAGE ((size_t)2 << 20)

static bool round_up(size_t *bytes)
{
    if (dmx_add_overflow(bytes, *bytes, PAGE - 1))
        return false;
    *bytes &= ~(PAGE - 1);
    return *bytes > 0;
}

/* Maps one page more than needed and gives back what lies outside the aligned
 * part. */
void *dmx_pages_alloc(size_t bytes)
{
    size_t all;
    if (!round_up(&bytes) || dmx_add_overflow(&all, bytes, PAGE))
        return NULL;
    char *p = mmap(NULL, all, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    const size_t before = (PAGE - ((uintptr_t)p & (PAGE - 1))) & (PAGE - 1);
    if (before > 0)
        munmap(p, before);
    if (PAGE - before > 0)
        munmap(p + before + bytes, PAGE - before);
#if defined(MADV_HUGEPAGE)
    (void)madvise(p + before, bytes, MADV_HUGEPAGE);
#endif
    return p + before;
}

void dmx_pages_free(void *p, size_t bytes)
{
    if (p != NULL && round_up(&bytes))
        munmap(p, bytes);
}
