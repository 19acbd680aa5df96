/* Buffers, steps and the memory they own, while an engine is being built. */
#include "engine/pages.h"
#include "engine/program.h"

#include <string.h>

#define CHUNK ((size_t)32 << 20)

/* The last chunk, if it has room, or a new one. */
static dmx_chunk *chunk_with(struct dmx_engine *e, size_t bytes)
{
    if (e->n_chunk > 0) {
        dmx_chunk *last = &e->chunk[e->n_chunk - 1];
        if (bytes <= last->size - last->used)
            return last;
    }
    if (!dmx_grow(&e->chunk, &e->chunk_capacity, e->n_chunk + 1,
                  sizeof *e->chunk))
        return NULL;
    dmx_chunk c = {.size = bytes > CHUNK ? bytes : CHUNK};
    c.data = dmx_pages_alloc(c.size);
    if (c.data == NULL)
        return NULL;
    e->chunk[e->n_chunk] = c;
    return &e->chunk[e->n_chunk++];
}

float *dmx_engine_floats(struct dmx_engine *e, int64_t count)
{
    size_t bytes;
    /* 64 floats more: kernels read whole vectors at the end of a row */
    if (count < 0 || dmx_mul_overflow(&bytes, (size_t)count + 64, 4) ||
        bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + 63) / 64 * 64;
    dmx_chunk *c = chunk_with(e, bytes);
    if (c == NULL)
        return NULL;
    float *p = (float *)(void *)(c->data + c->used);
    c->used += bytes;
    e->weight_bytes += bytes;
    return p;
}

void *dmx_engine_parameters(struct dmx_engine *e, size_t size)
{
    return dmx_arena_alloc(&e->small, 1, size);
}

dmx_plane dmx_plane_make(int64_t rows, int64_t channels, int64_t cols)
{
    int64_t stride = dmx_round_up(cols, 16);
    /* rows 4096 bytes apart would share cache sets */
    if (stride % 512 == 0 && channels > 1)
        stride += 16;
    return (dmx_plane){rows, channels, cols, stride};
}

dmx_plane dmx_plane_of_shape(const dmx_shape *s)
{
    if (s->rank == 3)
        return dmx_plane_make(s->dim[1], s->dim[0], s->dim[2]);
    if (s->rank == 2)
        return dmx_plane_make(1, s->dim[1], s->dim[0]);
    return dmx_plane_make(1, 1, 1);
}

dmx_buf dmx_engine_buffer(struct dmx_engine *e, dmx_plane plane)
{
    if (e->n_buffer > INT32_MAX / 2 ||
        !dmx_grow(&e->buffer, &e->buffer_capacity, e->n_buffer + 1,
                  sizeof *e->buffer))
        return -1;
    e->buffer[e->n_buffer] = (dmx_buffer){
        .plane = plane,
        .floats = plane.rows * plane.channels * plane.stride,
        .first = -1,
        .last = -1,
    };
    return (dmx_buf)e->n_buffer++;
}

dmx_step *dmx_engine_step(struct dmx_engine *e, const char *kind,
                          const char *path)
{
    if (!dmx_grow(&e->step, &e->step_capacity, e->n_step + 1, sizeof *e->step))
        return NULL;
    const char *copy = dmx_arena_strndup(&e->small, path, strlen(path));
    if (copy == NULL)
        return NULL;
    dmx_step *s = &e->step[e->n_step++];
    *s = (dmx_step){.kind = kind, .path = copy, .tasks = 1};
    for (int i = 0; i < DMX_STEP_IN; i++)
        s->in[i] = -1;
    for (int i = 0; i < DMX_STEP_OUT; i++)
        s->out[i] = -1;
    return s;
}

bool dmx_engine_keep(struct dmx_engine *e, const float **out, const float *from,
                     int64_t n)
{
    if (from == NULL)
        return true;
    float *p = dmx_engine_floats(e, n);
    if (p == NULL)
        return false;
    memcpy(p, from, (size_t)n * sizeof *p);
    *out = p;
    return true;
}
