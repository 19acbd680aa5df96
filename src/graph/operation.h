/* The properties of each operation, from the one table (operations.def). */
#ifndef DMX_GRAPH_OPERATION_H
#define DMX_GRAPH_OPERATION_H

#include <stdbool.h>

typedef enum dmx_op {
#define DMX_OPERATION(NAME, ...) DMX_OP_##NAME,
#include "graph/operations.def"
#undef DMX_OPERATION
    DMX_OP_COUNT,
} dmx_op;

/* How an operation's output channels depend on its inputs' channels: needed to
 * select some output channels (select.h). */
typedef enum dmx_channel_rule {
    DMX_CHANNELS_MIXED, /* on any of them */
    DMX_CHANNELS_KEPT,  /* each on the same one of all inputs and operands */
    DMX_CHANNELS_KEPT_SIGNAL,     /* each on the same one of the input */
    DMX_CHANNELS_KEPT_OFF_AXIS,   /* the same, unless axis is channels */
    DMX_CHANNELS_MADE_BY_ROWS,    /* each on all, through a row of the weight */
    DMX_CHANNELS_MADE_BY_COLUMNS, /* ... a column of the weight */
    DMX_CHANNELS_PAIRED,          /* c on 2c and 2c + 1 */
} dmx_channel_rule;

typedef struct dmx_operation {
    const char *name; /* "conv_transpose" */
    int least_inputs, most_inputs;
    int outputs;
    const char *operands; /* "weight bias?" */
    dmx_channel_rule channels;
    bool in_place;
} dmx_operation;

/* op must be in the enumeration. */
const dmx_operation *dmx_operation_of(dmx_op op);

/* Its name, or "unknown". */
const char *dmx_op_name(dmx_op op);

/* Writes the name of operand `index` into text ("weight"; in a repeating list
 * with the number of the repetition, "weight_hh.3"); returns text. */
char *dmx_operand_name(dmx_op op, int index, char *text, int size);

/* Whether a node of this operation may have `count` operands, and whether
 * operand `index` is required. */
bool dmx_operand_count_fits(dmx_op op, int count);
bool dmx_operand_required(dmx_op op, int index);

#endif
