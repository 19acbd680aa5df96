/* Weights packed for the products: [rows/mr][k][mr], in blocks of rows that
 * stay in the second-level cache for several panels. Integer weights are tiles
 * of kernels/narrow.h instead, and their panels are converted. */
#ifndef DMX_ENGINE_MATRIX_H
#define DMX_ENGINE_MATRIX_H

#include "engine/kernels/kernels.h"
#include "engine/kernels/narrow.h"
#include "engine/program.h"

/* Rows of one block: channels [channel, channel + channels) of frequency
 * phase `phase`, each with all its time phases; for GLU their gates follow,
 * `gate` rows below. Rows up to a multiple of mr are zero. */
typedef struct dmx_block {
    int64_t rows, channel, channels, phase, gate;
    int64_t row0;   /* first row among all blocks */
    int64_t offset; /* of its elements */
} dmx_block;

/* The maximum of rows in a block, except for a single channel with more phases.
 */
#define DMX_BLOCK_ROWS 64

typedef struct dmx_matrix {
    int64_t k, n_block, rows, most_rows;
    int64_t tile; /* rows of a tile: mr or DMX_NARROW */
    const dmx_block *block;
    dmx_weight_format format;
    const void *data;  /* of that format, or tiles of integers */
    dmx_cut cut;       /* of integers; otherwise its kind is DMX_FLOAT32 */
    const float *bias; /* [rows] */
} dmx_matrix;

/* Dense weights: element ((p0 * lines + line) * phases[1] + p1) * k + i, with
 * lines = channels, or twice that for GLU: values, then gates. bias: [lines]
 * or NULL. */
typedef struct dmx_dense {
    const float *weight, *bias;
    int64_t channels, k;
    int64_t pitch; /* from row to row of weight; 0: k */
    int64_t phases[2];
    bool glu;
    int64_t tile;      /* 0: mr */
    dmx_number number; /* of the product */
    int64_t chunk;     /* of integers; 0: the default */
} dmx_dense;

/* Packs in the engine's format where that is exact, else in float32. */
DMX_MUST_CHECK dmx_status dmx_matrix_pack(dmx_matrix *m, struct dmx_engine *e,
                                          const dmx_dense *d, dmx_error *err);

/* Packs columns [from, from + count) of it; the bias belongs to the first. */
DMX_MUST_CHECK dmx_status dmx_matrix_pack_columns(dmx_matrix *m,
                                                  struct dmx_engine *e,
                                                  const dmx_dense *d,
                                                  int64_t from, int64_t count,
                                                  dmx_error *err);

/* Packs `points` matrices of k columns, computed from d's weight [lines][d->k]
 * by a transform that writes them contiguously; each has n_block / points of
 * the blocks. */
typedef void dmx_weight_transform(float *out, const float *weight,
                                  int64_t lines, int64_t k);
DMX_MUST_CHECK dmx_status dmx_matrix_pack_points(
    dmx_matrix *m, struct dmx_engine *e, const dmx_dense *d, int64_t points,
    int64_t k, dmx_weight_transform *transform, dmx_error *err);
/* Multiplies block j of each point by its panel v [points][k][nr], or by what
 * dmx_matrix_narrow_points made of it, into out [points][rows][nr]. */
void dmx_matrix_multiply_points(const dmx_matrix *m, int64_t points, int64_t j,
                                const struct dmx_engine *e, const float *v,
                                float *out);

static inline bool dmx_matrix_is_narrow(const dmx_matrix *m)
{
    return m->cut.kind != DMX_FLOAT32;
}

/* The size in floats of a converted panel; 0 unless the matrix has integers. */
int64_t dmx_matrix_narrow_floats(const dmx_matrix *m,
                                 const struct dmx_engine *e);
/* Convert a panel x [k][nr] of float32 for an integer matrix; and the panels of
 * all points. */
void dmx_matrix_narrow(const dmx_matrix *m, const struct dmx_engine *e,
                       const float *x, float *panel);
void dmx_matrix_narrow_points(const dmx_matrix *m, int64_t points,
                              const struct dmx_engine *e, const float *v,
                              float *panels);

/* c = block * panel, or c += that. a: of dmx_matrix_block; the panel is float32
 * or, for a matrix of integers, what dmx_matrix_narrow made. */
void dmx_matrix_multiply(const dmx_matrix *m, const dmx_block *b,
                         const struct dmx_engine *e, const float *a,
                         const float *panel, float *c, bool add);

/* The block's elements, as float32 unless they are integers; room:
 * dmx_matrix_room floats, used where the format is another. */
const float *dmx_matrix_block(const dmx_matrix *m, const dmx_block *b,
                              const dmx_kernels *k, float *room);

int64_t dmx_matrix_room(const dmx_matrix *m);

#endif
