/* Means and variances of whole planes: partial moments per piece of a row,
 * merged in double in a fixed order. */
#ifndef DMX_ENGINE_MOMENTS_H
#define DMX_ENGINE_MOMENTS_H

#include "engine/program.h"

#define DMX_PIECE 1024 /* columns */

static inline int64_t dmx_pieces(const dmx_plane *p)
{
    return (p->cols + DMX_PIECE - 1) / DMX_PIECE;
}

/* Adds a step that computes dmx_moments [rows][groups][pieces] of x; -1 when
 * memory is short. */
dmx_buf dmx_step_moments(struct dmx_engine *e, const char *path, dmx_buf x,
                         int64_t groups);

/* Merges n partial moments. Source: Chan, Golub, LeVeque, 1979. */
dmx_moments dmx_merge_moments(const dmx_moments *part, int64_t n);

/* A buffer of n doubles. */
dmx_buf dmx_engine_doubles(struct dmx_engine *e, int64_t n);

#endif
