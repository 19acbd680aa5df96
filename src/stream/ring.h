/* A lock-free ring buffer of rows of samples, for one writer and one reader.
 * Positions only increase; position p of a row lies at index p modulo the
 * capacity. */
#ifndef DMX_STREAM_RING_H
#define DMX_STREAM_RING_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>

typedef struct dmx_ring {
    float *data; /* [rows][capacity] */
    int64_t rows, capacity;
    _Atomic int64_t
        written; /* set by the writer: earlier positions may be read */
    _Atomic int64_t
        taken; /* set by the reader: earlier positions may be overwritten */
} dmx_ring;

/* Allocates at least `least` frames of zeros, with every page touched. False:
 * no memory. */
bool dmx_ring_open(dmx_ring *ring, int64_t rows, int64_t least);
void dmx_ring_close(dmx_ring *ring);

/* Copy n frames of a row from position on; do not move the counters. */
void dmx_ring_put(const dmx_ring *ring, int64_t row, int64_t position,
                  const float *in, int64_t n);
void dmx_ring_get(const dmx_ring *ring, int64_t row, int64_t position,
                  float *out, int64_t n);

static inline int64_t dmx_ring_written(const dmx_ring *ring)
{
    return atomic_load_explicit(&ring->written, memory_order_acquire);
}

static inline int64_t dmx_ring_taken(const dmx_ring *ring)
{
    return atomic_load_explicit(&ring->taken, memory_order_acquire);
}

static inline void dmx_ring_write_to(dmx_ring *ring, int64_t position)
{
    atomic_store_explicit(&ring->written, position, memory_order_release);
}

static inline void dmx_ring_take_to(dmx_ring *ring, int64_t position)
{
    atomic_store_explicit(&ring->taken, position, memory_order_release);
}

#endif
