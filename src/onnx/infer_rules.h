/* The type of each operator's result: one rule an operator. Sources: the ONNX
 * operator specifications. */
#ifndef DMX_ONNX_INFER_RULES_H
#define DMX_ONNX_INFER_RULES_H

#include "onnx/emitter.h"

/* A node, the types of its first inputs, and of its result. */
typedef struct dmx_inference {
    dmx_emitter *e;
    const Onnx__NodeProto *node;
    const dmx_value_type *in[3]; /* NULL: no such input */
    dmx_value_type out;          /* begins as the first input's */
} dmx_inference;

/* Fills i->out; false when the inputs do not fit the operator. */
typedef bool dmx_inference_rule(dmx_inference *i);

/* NULL: no rule for this operator. */
dmx_inference_rule *dmx_inference_rule_of(const char *operator_name);

#endif
