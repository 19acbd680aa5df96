/* Means and variances of whole planes: partial moments per piece of a row,
 * merged in double in a fixed order. */
#ifndef DMX_ENGINE_MOMENTS_H
#define DMX_ENGINE_MOMENTS_H

#include "engine/kernels/kernels.h"
#include "engine/program.h"

#define DMX_PIECE 1024 /* columns */

static inline int64_t dmx_pieces(const dmx_plane *p)
{
    return (p->cols + DMX_PIECE - 1) / DMX_PIECE;
}

/* Adds a step that computes dmx_moments [rows][groups][pieces] of x into a new
 * buffer. */
DMX_MUST_CHECK dmx_status dmx_step_moments(dmx_buf *out, struct dmx_engine *e,
                                           const char *path, dmx_buf x,
                                           int64_t groups, dmx_error *err);

/* Merges n partial moments. Source: Chan, Golub, LeVeque, 1979. */
dmx_moments dmx_merge_moments(const dmx_moments *part, int64_t n);

#endif
