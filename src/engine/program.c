/* Builds a program: its buffers, steps and the memory that they own. */
#include "engine/program.h"

#include "base/error.h"
#include "base/platform.h"

#include <stdlib.h>
#include <string.h>

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
    const size_t least = dmx_pages_chunk();
    dmx_chunk c = {.size = bytes > least ? bytes : least};
    c.data = dmx_pages_alloc(c.size);
    if (c.data == NULL)
        return NULL;
    e->chunk[e->n_chunk] = c;
    return &e->chunk[e->n_chunk++];
}

dmx_status dmx_program_open(struct dmx_engine **out, dmx_error *err)
{
    struct dmx_engine *e = calloc(1, sizeof *e);
    *out = NULL;
    DMX_RETURN_IF(e == NULL, err, DMX_ERROR_MEMORY, "no memory for an engine");
    dmx_buf none;
    const dmx_status status = dmx_program_buffer(&none, e, (dmx_plane){0}, err);
    if (status == DMX_OK)
        *out = e;
    else
        dmx_program_close(e);
    return status;
}

void dmx_program_close(struct dmx_engine *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->n_chunk; i++)
        dmx_pages_free(e->chunk[i].data, e->chunk[i].size);
    dmx_arena_free(&e->small);
    free(e->fourier);
    free(e->shareable);
    free(e->chunk);
    free(e->buffer);
    free(e->step);
    free(e);
}

/* The size of `count` floats in bytes; false when out of range. Includes 64
 * floats more: kernels read whole vectors at the end of a row. */
static bool bytes_of(size_t *bytes, int64_t count)
{
    if (count < 0 || dmx_mul_overflow(bytes, (size_t)count + 64, 4) ||
        *bytes > SIZE_MAX / 2)
        return false;
    *bytes = (*bytes + 63) / 64 * 64;
    return true;
}

dmx_status dmx_program_floats(float **out, struct dmx_engine *e, int64_t count,
                              dmx_error *err)
{
    size_t bytes;
    *out = NULL;
    DMX_RETURN_IF(!bytes_of(&bytes, count), err, DMX_ERROR_MEMORY,
                  "no memory for %lld numbers of the engine", (long long)count);
    dmx_chunk *c = chunk_with(e, bytes);
    DMX_RETURN_IF(c == NULL, err, DMX_ERROR_MEMORY,
                  "no memory for %zu bytes of the engine's weights", bytes);
    *out = (float *)(void *)(c->data + c->used);
    c->used += bytes;
    e->weight_bytes += bytes;
    return DMX_OK;
}

/* ---- weights of two programs ----------------------------------------------
 */

#define LOOKS 16 /* both programs load them in nearly the same order */

/* Equal floats in the other program, or NULL. */
static const float *find_same(struct dmx_engine *e, const float *data,
                              int64_t count)
{
    const struct dmx_engine *like = e->like;
    const size_t n = like != NULL ? like->n_shareable : 0;
    for (size_t i = 0; i < LOOKS && i < n; i++) {
        const size_t at = (e->next_like + i) % n;
        const dmx_shareable *s = &like->shareable[at];
        if (s->floats != count ||
            memcmp(s->data, data, (size_t)count * sizeof *data) != 0)
            continue;
        e->next_like = at + 1;
        return s->data;
    }
    return NULL;
}

/* Releases and zeroes the last floats; frees a chunk that becomes empty. */
static void take_back(struct dmx_engine *e, int64_t count)
{
    size_t bytes = 0;
    dmx_chunk *c = &e->chunk[e->n_chunk - 1];
    (void)bytes_of(&bytes, count);
    c->used -= bytes;
    e->weight_bytes -= bytes;
    memset(c->data + c->used, 0, bytes);
    if (c->used > 0)
        return;
    dmx_pages_free(c->data, c->size);
    e->n_chunk--;
}

dmx_status dmx_program_share(float **data, struct dmx_engine *e, int64_t count,
                             dmx_error *err)
{
    const float *same = find_same(e, *data, count);
    DMX_RETURN_IF(!dmx_grow(&e->shareable, &e->shareable_capacity,
                            e->n_shareable + 1, sizeof *e->shareable),
                  err, DMX_ERROR_MEMORY,
                  "no memory for a list of the engine's weights");
    if (same != NULL) {
        take_back(e, count);
        *data = (float *)(uintptr_t)same; /* complete: never written again */
    }
    e->shareable[e->n_shareable++] = (dmx_shareable){*data, count};
    return DMX_OK;
}

dmx_status dmx_program_copy(const float **out, struct dmx_engine *e,
                            const float *from, int64_t n, dmx_error *err)
{
    float *p;
    *out = NULL;
    if (from == NULL)
        return DMX_OK;
    DMX_FORWARD(dmx_program_floats(&p, e, n, err));
    memcpy(p, from, (size_t)n * sizeof *p);
    *out = p;
    return DMX_OK;
}

void *dmx_program_parameters(struct dmx_engine *e, size_t size, dmx_error *err)
{
    void *p = dmx_arena_alloc(&e->small, 1, size);
    if (p == NULL)
        (void)dmx_fail(err, DMX_ERROR_MEMORY,
                       "no memory for %zu bytes of the engine's plan", size);
    return p;
}

dmx_plane dmx_plane_make(int64_t rows, int64_t channels, int64_t cols)
{
    int64_t stride = dmx_round_up(cols, 16);
    /* rows 4096 bytes apart would map to the same cache sets */
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

dmx_status dmx_program_buffer(dmx_buf *out, struct dmx_engine *e,
                              dmx_plane plane, dmx_error *err)
{
    *out = DMX_NO_BUFFER;
    DMX_RETURN_IF(e->n_buffer > INT32_MAX / 2 ||
                      !dmx_grow(&e->buffer, &e->buffer_capacity,
                                e->n_buffer + 1, sizeof *e->buffer),
                  err, DMX_ERROR_MEMORY,
                  "no memory for %zu buffers of the engine", e->n_buffer + 1);
    e->buffer[e->n_buffer] = (dmx_buffer){
        .plane = plane,
        .floats = plane.rows * plane.channels * plane.stride,
        .first = -1,
        .last = -1,
    };
    *out = (dmx_buf)e->n_buffer++;
    return DMX_OK;
}

dmx_status dmx_program_view(dmx_buf *out, struct dmx_engine *e, dmx_buf of,
                            int64_t row, int64_t rows, dmx_error *err)
{
    const dmx_buffer from = e->buffer[of];
    const int64_t floats = from.plane.channels * from.plane.stride;
    dmx_plane plane = from.plane;
    plane.rows = rows;
    DMX_FORWARD(dmx_program_buffer(out, e, plane, err));
    dmx_buffer *view = &e->buffer[*out];
    view->base = from.base != DMX_NO_BUFFER ? from.base : of;
    view->base_row = from.base_row + row;
    if (from.constant != NULL)
        view->constant = from.constant + row * floats;
    e->buffer[view->base].viewed = true;
    return DMX_OK;
}

bool dmx_program_overlap(const struct dmx_engine *e, dmx_buf a, dmx_buf b)
{
    const dmx_buffer *x = &e->buffer[a], *y = &e->buffer[b];
    const dmx_buf bx = x->base != DMX_NO_BUFFER ? x->base : a;
    const dmx_buf by = y->base != DMX_NO_BUFFER ? y->base : b;
    return bx != DMX_NO_BUFFER && bx == by &&
           x->base_row < y->base_row + y->plane.rows &&
           y->base_row < x->base_row + x->plane.rows;
}

dmx_status dmx_program_doubles(dmx_buf *out, struct dmx_engine *e, int64_t n,
                               dmx_error *err)
{
    return dmx_program_buffer(out, e, dmx_plane_make(1, 1, 2 * n), err);
}

dmx_status dmx_program_add(struct dmx_engine *e, const dmx_step *step,
                           dmx_error *err)
{
    const char *path =
        dmx_arena_strndup(&e->small, step->path, strlen(step->path));
    DMX_RETURN_IF(path == NULL || !dmx_grow(&e->step, &e->step_capacity,
                                            e->n_step + 1, sizeof *e->step),
                  err, DMX_ERROR_MEMORY,
                  "no memory for %zu steps of the engine", e->n_step + 1);
    e->step[e->n_step] = *step;
    e->step[e->n_step++].path = path;
    return DMX_OK;
}
