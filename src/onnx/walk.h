/* The walk over the semantic graph that emits ONNX, and the recipes.
 *
 * Signals [C][F][T] become [B, C, F, T], tokens [L][D] become [B, R, W, D] with
 * R * W = L, scalars [B, 1, 1, 1], B the batch size; the comments of recipes
 * write B as 1. A recipe is called for a node whose inputs have been emitted.
 * It may absorb the following nodes along a chain of sole consumers when they
 * have a better form together: fusion depends only on such patterns. */
#ifndef DMX_ONNX_WALK_H
#define DMX_ONNX_WALK_H

#include "graph/analysis.h"
#include "onnx/emit_ops.h"
#include "onnx/int8.h"

/* Tokens are emitted in the order of dmx_token_rows (graph/analysis.h). They
 * also exist as NCHW, channels first: a 1x1 convolution is the quicker linear
 * layer. Either form is made of the other when an operation asks for it. */
/* A tensor as DynamicQuantizeLinear makes it. */
typedef struct dmx_bytes {
    dmx_name integers, scale, zero; /* NULL: not made (yet) */
} dmx_bytes;

typedef struct dmx_emitted {
    dmx_name name;         /* NULL: not emitted (yet) */
    int64_t padding[2][2]; /* zeros that the consumer must add: a PAD that is
                              left to the convolution after it */
    dmx_name nchw;         /* tokens as [1, D, R, W], or NULL */
    dmx_bytes bytes;       /* tokens in 8 bits */
    dmx_name shift;        /* [1, 1, 1, D] that is added to all tokens, or NULL:
                              values of attention in 8 bits */
    dmx_name folded;       /* usual export only: the signal as [F, C, T] */
} dmx_emitted;

/* x - mean(x), kept for the next operation that needs it. */
typedef struct dmx_centred {
    dmx_value x, mean;
    dmx_name name;
} dmx_centred;

typedef struct dmx_walk {
    dmx_emitter e;
    const dmx_graph *g;
    dmx_analysis a; /* of g */
    dmx_emitted *value;
    dmx_extent *dim; /* per value: DMX_VALUE_RANK dimensions */
    bool *done;      /* per node */
    dmx_centred centred[4];
    size_t n_centred;
    bool flat;     /* of the table */
    unsigned int8; /* DMX_INT8_...: linear layers that are to be in 8 bits */
    size_t n_int8; /* those that are */
} dmx_walk;

typedef void dmx_recipe(dmx_walk *w, const dmx_node *n);

/* One recipe per operation; NULL: not supported by this table. */
typedef struct dmx_recipe_table {
    bool flat; /* tokens are [1, L, D] */
    dmx_recipe *recipe[DMX_OP_COUNT];
} dmx_recipe_table;

/* The model's batch size, and its typical input length. */
typedef struct dmx_walk_input {
    int64_t batch;   /* 0: 1; DMX_ANY: any */
    int64_t typical; /* samples; of a graph of any length */
} dmx_walk_input;

/* Emits every node of g into w->e with the recipes of `table`, one per
 * operation. */
void dmx_walk_open(dmx_walk *w, const dmx_graph *g, int opset,
                   dmx_weight_format weights, dmx_walk_input input);
void dmx_walk_run(dmx_walk *w, const dmx_recipe_table *table,
                  const dmx_hooks *hooks);
void dmx_walk_close(dmx_walk *w);

/* Name of an input; tokens in the order `rows` (see above). */
dmx_name dmx_walk_in(dmx_walk *w, const dmx_node *n, int i);
dmx_name dmx_walk_tokens(dmx_walk *w, dmx_value v, int64_t rows);
/* The same in NCHW, in the order in which they were emitted. */
dmx_name dmx_walk_nchw(dmx_walk *w, dmx_value v);
/* Whether tokens have so far been emitted only in NCHW. */
bool dmx_walk_is_nchw(const dmx_walk *w, dmx_value v);
/* Shape of `length` tokens of the order `rows`; returns the rank. */
size_t dmx_walk_token_shape(dmx_walk *w, dmx_extent length, int64_t rows,
                            int64_t width, dmx_extent dim[4]);
/* Order in which an input's tokens were emitted. */
int64_t dmx_walk_rows(const dmx_walk *w, dmx_value v);
/* Dimensions of a value: [C, F, T] or [L, D, 0]; T and L may be free. */
const dmx_extent *dmx_walk_dim(const dmx_walk *w, dmx_value v);
/* Marks n as emitted, with the result `name`. */
void dmx_walk_set(dmx_walk *w, const dmx_node *n, dmx_name name);
/* The same for tokens as NCHW. */
void dmx_walk_set_nchw(dmx_walk *w, const dmx_node *n, dmx_name name);
/* Marks a node that a recipe absorbed as emitted, without a result. */
void dmx_walk_skip(dmx_walk *w, const dmx_node *n);

/* ---- recipes, one file per family -------------------------------------- */
/* One for each operation of the graph: dmx_recipe_<name>. */
#define DMX_OPERATION(NAME, name, ...) dmx_recipe dmx_recipe_##name;
#include "graph/operations.def"
#undef DMX_OPERATION
extern const dmx_recipe_table dmx_recipes;

/* Parts shared by recipes. */
/* Mean over time of [1, C, F, T] -> [1, C, F, 1]; dim is C, F, T. Long rows are
 * summed in two stages, so that length does not cost accuracy. */
dmx_name dmx_emit_mean_time(dmx_emitter *e, dmx_name x,
                            const dmx_extent dim[3]);
/* Sum of squares over time, in the same way. */
dmx_name dmx_emit_energy_time(dmx_emitter *e, dmx_name x,
                              const dmx_extent dim[3]);
/* conv 1x1 -> group norm per row -> GLU [-> scale]; false: not the pattern. */
bool dmx_recipe_folded_norm(dmx_walk *w, const dmx_node *conv);
/* Tokens [.., in] -> [.., out], the result times scale[out] (or NULL) times
 * factor. bias may be NULL. */
dmx_name dmx_emit_linear(dmx_emitter *e, dmx_name x, const dmx_tensor *weight,
                         const dmx_tensor *bias, const dmx_tensor *scale,
                         double factor);
/* Whether a linear layer is to be in 8 bits; the layer, its result as tokens,
 * times scale[out] (or NULL) times factor. Of attention's values it is that
 * plus a shift. */
bool dmx_is_int8(const dmx_walk *w, const dmx_node *n);
dmx_name dmx_emit_int8(dmx_walk *w, const dmx_node *n, const dmx_tensor *scale,
                       double factor);
/* A position table times alpha, as tokens of the order `rows`. */
dmx_name dmx_emit_position(dmx_walk *w, const dmx_node *n, double alpha,
                           int64_t rows);

#endif
