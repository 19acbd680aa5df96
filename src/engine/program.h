/* A compiled graph: buffers and steps.
 *
 * Every value lies in a buffer as rows x channels x columns, [rows][channels]
 * [stride] floats: a signal [C][F][T] has F rows of C channels, so that one
 * frequency row is a contiguous matrix with time in the vector lanes; tokens
 * [L][D] are one row of D channels with L columns. The stride is a multiple of
 * 16, and what lies between cols and stride is anybody's: nothing may read it
 * as data. Tokens of F frequency rows are kept in the order (f, t) instead of
 * the graph's (t, f), because then a row is moved as it is; attention and
 * everything else between tokens and untokens does not care, and positional
 * tables are permuted once. */
#ifndef DMX_ENGINE_PLAN_H
#define DMX_ENGINE_PLAN_H

#include "base/memory.h"
#include "engine/kernels/kernels.h"
#include "graph/graph.h"

#define DMX_LINE 16 /* floats that a cache fetches at once */

typedef struct dmx_plane {
    int64_t rows, channels, cols, stride;
} dmx_plane;

typedef int32_t dmx_buf; /* index of a buffer; -1 for none */

typedef struct dmx_buffer {
    dmx_plane plane;
    int64_t floats;
    const float *constant; /* NULL: in the arena of the state */
    int64_t offset;        /* there, in floats */
    /* Floats of a row, when only the row that a thread is at exists (one for
     * each thread): in chains, between the first and the last step. */
    int64_t row_floats;
    int32_t first, last; /* steps that write it first and use it last */
} dmx_buffer;

struct dmx_step;

/* What a step sees while it runs. */
typedef struct dmx_frame {
    const struct dmx_engine *engine;
    float *arena;
    int64_t row; /* of a chain, */
    int worker;  /* and the thread that is at it */
} dmx_frame;

#define DMX_STEP_IN  5
#define DMX_STEP_OUT 3

typedef struct dmx_step {
    const char *kind; /* "gemm", "attention", ... */
    const char *path; /* of the graph's node, or of the last one fused */
    void (*run)(const struct dmx_step *step, const dmx_frame *frame,
                int64_t task, float *scratch);
    const void *parameters;
    dmx_buf in[DMX_STEP_IN], out[DMX_STEP_OUT];
    int64_t tasks;
    int64_t scratch; /* floats for each thread */
    double flops;    /* of the textbook algorithm, multiply and add apart */
    /* Tasks for each row of the output, in order of rows; 0 when tasks do not
     * go by rows. Bit i of `local`: from in[i] a task reads its own row only.
     */
    int64_t row_tasks;
    unsigned local;
    int32_t chain; /* steps from here that run row by row; see plan/chain.c */
    bool alone;    /* too little to do for more than one thread */
    int32_t phase; /* steps of one phase have their buffers together */
} dmx_step;

/* Memory of which `used` bytes are handed out. */
typedef struct dmx_chunk {
    char *data;
    size_t size, used;
} dmx_chunk;

struct dmx_engine {
    const dmx_kernels *kernels;
    int threads;
    bool low_memory;
    dmx_buffer *buffer;
    size_t n_buffer, buffer_capacity;
    dmx_step *step;
    size_t n_step, step_capacity;
    dmx_buf input, output;
    int64_t arena_floats, scratch_floats;
    size_t weight_bytes;
    dmx_arena small;  /* parameters, paths */
    dmx_chunk *chunk; /* packed weights and tables */
    size_t n_chunk, chunk_capacity;
    struct dmx_fourier **fourier;
    size_t n_fourier, fourier_capacity;
};

/* Where a buffer lies during a run; of a buffer with row_floats the rest is
 * not there, and its beginning need not be anywhere. */
static inline float *dmx_at(const dmx_frame *f, dmx_buf b)
{
    const dmx_buffer *buffer = &f->engine->buffer[b];
    /* steps never write to constants; the cast saves a second function */
    if (buffer->constant != NULL)
        return (float *)(uintptr_t)buffer->constant;
    const int64_t at =
        buffer->offset + (f->worker - f->row) * buffer->row_floats;
    return (float *)((uintptr_t)f->arena + (uintptr_t)at * sizeof(float));
}

static inline const dmx_plane *dmx_plane_of(const dmx_frame *f, dmx_buf b)
{
    return &f->engine->buffer[b].plane;
}

static inline int64_t dmx_round_up(int64_t n, int64_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static inline int64_t dmx_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t dmx_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- building, in program.c; NULL or -1 when memory is short --------- */

/* 64-byte aligned floats owned by the engine, counted as weights. */
float *dmx_engine_floats(struct dmx_engine *e, int64_t count);

/* A copy of n floats owned by the engine; NULL stays NULL. */
bool dmx_engine_keep(struct dmx_engine *e, const float **out, const float *from,
                     int64_t n);
/* Zeroed parameters owned by the engine. */
void *dmx_engine_parameters(struct dmx_engine *e, size_t size);
dmx_buf dmx_engine_buffer(struct dmx_engine *e, dmx_plane plane);
/* A plane with a good stride for its columns. */
dmx_plane dmx_plane_make(int64_t rows, int64_t channels, int64_t cols);
dmx_plane dmx_plane_of_shape(const dmx_shape *s);
/* Adds a step with no inputs and outputs yet. */
dmx_step *dmx_engine_step(struct dmx_engine *e, const char *kind,
                          const char *path);

/* Joins neighbouring steps that work row by row. */
void dmx_plan_chains(struct dmx_engine *e);

/* Lifetimes and offsets of all buffers. */
dmx_status dmx_plan_memory(struct dmx_engine *e, dmx_error *err);

#endif
