#include "stream/ring.h"
#include "base/memory.h"

#include <string.h>

bool dmx_ring_open(dmx_ring *ring, int64_t rows, int64_t least)
{
    ring->rows = rows;
    ring->capacity = 1;
    while (ring->capacity < least)
        ring->capacity *= 2;
    const size_t count = (size_t)(rows * ring->capacity);
    ring->data = dmx_aligned_alloc(count, sizeof *ring->data);
    if (ring->data == NULL)
        return false;
    memset(ring->data, 0, count * sizeof *ring->data);
    return true;
}

void dmx_ring_close(dmx_ring *ring)
{
    dmx_aligned_free(ring->data);
    ring->data = NULL;
}

/* How many of n frames from position come before the end of the memory. */
static int64_t before_end(const dmx_ring *ring, int64_t position, int64_t n)
{
    const int64_t left = ring->capacity - (position & (ring->capacity - 1));
    return n < left ? n : left;
}

void dmx_ring_put(const dmx_ring *ring, int64_t row, int64_t position,
                  const float *in, int64_t n)
{
    const int64_t first = before_end(ring, position, n);
    float *start = ring->data + row * ring->capacity;
    memcpy(start + (position & (ring->capacity - 1)), in,
           (size_t)first * sizeof *in);
    memcpy(start, in + first, (size_t)(n - first) * sizeof *in);
}

void dmx_ring_get(const dmx_ring *ring, int64_t row, int64_t position,
                  float *out, int64_t n)
{
    const int64_t first = before_end(ring, position, n);
    const float *start = ring->data + row * ring->capacity;
    memcpy(out, start + (position & (ring->capacity - 1)),
           (size_t)first * sizeof *out);
    memcpy(out + first, start, (size_t)(n - first) * sizeof *out);
}
