/* The base of the engine: a program of buffers and steps, the context in which
 * a step runs, and the memory that a program owns.
 *
 * Every value lies in a buffer as rows x channels x columns, [rows][channels]
 * [stride] floats: a signal [C][F][T] has F rows of C channels, so that one
 * frequency row is a contiguous matrix with time in the vector lanes; tokens
 * [L][D] are one row of D channels with L columns. The stride is a multiple of
 * 16, and the contents between cols and stride are undefined. Tokens of F
 * frequency rows are kept in the order (f, t) instead of the graph's (t, f), so
 * that rows are copied as they are; attention and all other operations between
 * tokens and untokens do not depend on the order, and positional tables are
 * permuted once. */
#ifndef DMX_ENGINE_PLAN_H
#define DMX_ENGINE_PLAN_H

#include "base/memory.h"
#include "base/weight_format.h"
#include "engine/limits.h"
#include "engine/precision.h"
#include "graph/graph.h"

#include <string.h>

#define DMX_LINE 16 /* floats of a cache line */

typedef struct dmx_plane {
    int64_t rows, channels, cols, stride;
} dmx_plane;

/* Index of a buffer. Buffer 0 exists in every program and is empty, so that a
 * slot that is not set is empty. */
typedef int32_t dmx_buf;
#define DMX_NO_BUFFER 0

typedef struct dmx_buffer {
    dmx_plane plane;
    int64_t floats;
    const float *constant; /* NULL: in the memory of a run */
    dmx_buf base;          /* of a view: the buffer some of whose rows it is, */
    int64_t base_row;      /* and the first of them */
    bool viewed;           /* it has views */
    int64_t offset;        /* there, in floats; see dmx_engine.lent */
    /* In chains, between the first and the last step: floats of a row, of which
     * only the one that each thread is working on exists. */
    int64_t row_floats;
    int32_t first,
        last; /* the step that first writes it, and the last that uses it */
} dmx_buffer;

/* The context in which a step runs. */
typedef struct dmx_frame {
    const struct dmx_engine *engine;
    const float *mix;    /* the caller's input, [channels][columns] */
    float *arena, *lent; /* lent: aligned, in the memory of the result */
    int64_t row;         /* the current row of a chain, */
    int worker;          /* and the number of the thread */
} dmx_frame;

/* Slots for the buffers that a step reads. These are the slots of products; a
 * step with other inputs names them in its own file. */
enum {
    DMX_SLOT_INPUT,
    DMX_SLOT_ADDED, /* the other term of an addition after the product */
    DMX_SLOT_GAINS, /* [rows][2][channels]: gains and biases of each row */
    DMX_SLOT_EXTRA, /* written by an earlier step for this one only */
    DMX_STEP_IN
};

/* And for those that it writes; siblings of a product follow. */
enum { DMX_SLOT_OUTPUT, DMX_STEP_OUT = 3 };

/* A slot in a set of slots. */
#define DMX_SLOT_BIT(slot) (1u << (slot))

typedef struct dmx_step {
    const char *kind; /* "gemm", "attention", ... */
    const char *path; /* of the graph's node, or of the last one fused */
    void (*run)(const struct dmx_step *step, const dmx_frame *frame,
                int64_t task, float *scratch);
    void *parameters; /* not changed while the step runs */
    dmx_buf in[DMX_STEP_IN], out[DMX_STEP_OUT];
    int64_t tasks;
    int64_t scratch; /* floats for each thread */
    double flops;    /* of the textbook algorithm; multiply and add count
                        separately */
    /* Tasks per row of the output, in the order of rows; 0 when tasks are not
     * by row. local: the input slots of which a task reads only its own row. */
    int64_t row_tasks;
    unsigned local;
    int32_t chain; /* steps from here that run row by row; see plan/chain.c */
    bool alone;    /* too little work for more than one thread */
    int32_t phase; /* the buffers of all steps of one phase coexist */
} dmx_step;

/* Memory of which `used` bytes are handed out. */
typedef struct dmx_chunk {
    char *data;
    size_t size, used;
} dmx_chunk;

/* Weights that another program may share. */
typedef struct dmx_shareable {
    const float *data;
    int64_t floats;
} dmx_shareable;

struct dmx_engine {
    const struct dmx_kernels *kernels;
    int threads;
    /* Integer products, if a class of layers uses them; or NULL. */
    const struct dmx_narrow_kernels *narrow;
    dmx_precision_plan precision;
    dmx_precision_report report;
    dmx_engine_limits limits;
    /* The format of weights that fit it exactly; see dmx_derives_weights. */
    dmx_weight_format weights;
    bool fused;
    dmx_buffer *buffer;
    size_t n_buffer, buffer_capacity;
    dmx_step *step;
    size_t n_step, step_capacity;
    dmx_buf input, output;
    /* Buffers lie in the memory of a run's result, its first `lent` floats,
     * or, from there on, in the arena. */
    int64_t lent, arena_floats, scratch_floats;
    size_t weight_bytes;
    dmx_arena small;  /* parameters, paths */
    dmx_chunk *chunk; /* packed weights and tables */
    size_t n_chunk, chunk_capacity;
    dmx_shareable *shareable;
    size_t n_shareable, shareable_capacity;
    const struct dmx_engine *like; /* its weights may be shared; or NULL */
    size_t next_like;              /* where the next match is likely */
    struct dmx_fourier **fourier;
    size_t n_fourier, fourier_capacity;
};

/* The address of a buffer during a run. Of a buffer with row_floats only
 * the current row exists, and the address of its start may lie outside the
 * memory of the run. */
static inline float *dmx_write(const dmx_frame *f, dmx_buf b)
{
    const dmx_buffer *buffer = &f->engine->buffer[b];
    const int64_t lent = f->engine->lent;
    const bool low = buffer->offset < lent;
    const int64_t at = buffer->offset - (low ? 0 : lent) +
                       (f->worker - f->row) * buffer->row_floats;
    return (float *)((uintptr_t)(low ? f->lent : f->arena) +
                     (uintptr_t)at * sizeof(float));
}

/* The same for any buffer: steps never write to constants. */
static inline const float *dmx_read(const dmx_frame *f, dmx_buf b)
{
    const float *constant = f->engine->buffer[b].constant;
    return constant != NULL ? constant : dmx_write(f, b);
}

static inline const dmx_plane *dmx_plane_of(const dmx_frame *f, dmx_buf b)
{
    return &f->engine->buffer[b].plane;
}

/* Copies a channel of the caller's input there. */
static inline void dmx_copy_input(const dmx_frame *f, dmx_buf to, int64_t c)
{
    const dmx_plane *p = dmx_plane_of(f, to);
    memcpy(dmx_write(f, to) + c * p->stride, f->mix + c * p->cols,
           (size_t)p->cols * sizeof *f->mix);
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

/* Whether weights may be replaced by derived ones that fit no narrow format:
 * folded with a norm, or transformed for Winograd's or Strassen's method. */
static inline bool dmx_derives_weights(const struct dmx_engine *e)
{
    return e->weights == DMX_WEIGHTS_FLOAT32;
}

/* ---- building ------------------------------------------------------------
 * All fail with MEMORY; *err says how much was wanted. What they hand out stays
 * where it is until the engine is closed: steps and buffers, whose arrays grow,
 * are named by index. */

/* An empty program. */
DMX_MUST_CHECK dmx_status dmx_program_open(struct dmx_engine **out,
                                           dmx_error *err);
void dmx_program_close(struct dmx_engine *e);

/* 64-byte aligned floats, zero, counted as weights. */
DMX_MUST_CHECK dmx_status dmx_program_floats(float **out, struct dmx_engine *e,
                                             int64_t count, dmx_error *err);
/* Returns `data`, the last floats allocated, once they are filled; or, if the
 * engine in `like` has the same floats, those, and releases data. */
DMX_MUST_CHECK dmx_status dmx_program_share(float **data, struct dmx_engine *e,
                                            int64_t count, dmx_error *err);
/* A copy of n floats; NULL stays NULL. */
DMX_MUST_CHECK dmx_status dmx_program_copy(const float **out,
                                           struct dmx_engine *e,
                                           const float *from, int64_t n,
                                           dmx_error *err);
/* Zeroed parameters of a step; NULL with *err filled when out of memory. */
void *dmx_program_parameters(struct dmx_engine *e, size_t size, dmx_error *err);

DMX_MUST_CHECK dmx_status dmx_program_buffer(dmx_buf *out, struct dmx_engine *e,
                                             dmx_plane plane, dmx_error *err);
/* A view: `rows` rows of `of` from `row` on, the same memory. */
DMX_MUST_CHECK dmx_status dmx_program_view(dmx_buf *out, struct dmx_engine *e,
                                           dmx_buf of, int64_t row,
                                           int64_t rows, dmx_error *err);
/* Whether two buffers have memory in common: one is the other, or views of one
 * buffer share rows. */
bool dmx_program_overlap(const struct dmx_engine *e, dmx_buf a, dmx_buf b);
/* Room for n doubles. */
DMX_MUST_CHECK dmx_status dmx_program_doubles(dmx_buf *out,
                                              struct dmx_engine *e, int64_t n,
                                              dmx_error *err);
/* Appends a step; its path is copied. */
DMX_MUST_CHECK dmx_status dmx_program_add(struct dmx_engine *e,
                                          const dmx_step *step, dmx_error *err);

/* A plane with a suitable stride for its columns. */
dmx_plane dmx_plane_make(int64_t rows, int64_t channels, int64_t cols);
dmx_plane dmx_plane_of_shape(const dmx_shape *s);

#endif
