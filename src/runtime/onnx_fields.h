/* The messages of onnx.proto and their fields, including those of newer
 * versions, for the wire scan. Source: onnx/onnx.proto of ONNX 1.12, and of
 * 1.17 for additions. */
#ifndef DMX_RUNTIME_ONNX_FIELDS_H
#define DMX_RUNTIME_ONNX_FIELDS_H

typedef enum dmx_onnx_type {
    /* messages */
    ONNX_MODEL,
    ONNX_GRAPH,
    ONNX_NODE,
    ONNX_ATTRIBUTE,
    ONNX_TENSOR,
    ONNX_SEGMENT,
    ONNX_SPARSE,
    ONNX_VALUE,
    ONNX_TYPE,
    ONNX_TENSOR_TYPE,
    ONNX_SHAPE,
    ONNX_DIMENSION,
    ONNX_ELEMENT, /* sequence and optional types */
    ONNX_MAP,
    ONNX_ENTRY, /* key and value */
    ONNX_OPSET,
    ONNX_ANNOTATION,
    ONNX_TRAINING,
    ONNX_FUNCTION,
    /* other types */
    ONNX_STRING, /* text */
    ONNX_BYTES,
    ONNX_INT64,
    ONNX_INT32, /* enumerations too */
    ONNX_FLOAT,
    ONNX_DOUBLE,
    ONNX_UNKNOWN,
} dmx_onnx_type;

typedef struct dmx_onnx_field {
    unsigned char parent, number, type;
    unsigned char many;  /* repeated */
    unsigned char group; /* number of the first field of a oneof, or its own */
} dmx_onnx_field;

#define ONNX_ONE(parent, number, type)                                         \
    {                                                                          \
        ONNX_##parent, number, ONNX_##type, 0, number                          \
    }
#define ONNX_MANY(parent, number, type)                                        \
    {                                                                          \
        ONNX_##parent, number, ONNX_##type, 1, number                          \
    }
#define ONNX_CHOICE(parent, number, type, group)                               \
    {                                                                          \
        ONNX_##parent, number, ONNX_##type, 0, group                           \
    }

static const dmx_onnx_field dmx_onnx_fields[] = {
    ONNX_ONE(MODEL, 1, INT64),
    ONNX_ONE(MODEL, 2, STRING),
    ONNX_ONE(MODEL, 3, STRING),
    ONNX_ONE(MODEL, 4, STRING),
    ONNX_ONE(MODEL, 5, INT64),
    ONNX_ONE(MODEL, 6, STRING),
    ONNX_ONE(MODEL, 7, GRAPH),
    ONNX_MANY(MODEL, 8, OPSET),
    ONNX_MANY(MODEL, 14, ENTRY),
    ONNX_MANY(MODEL, 20, TRAINING),
    ONNX_MANY(MODEL, 25, FUNCTION),
    ONNX_MANY(GRAPH, 1, NODE),
    ONNX_ONE(GRAPH, 2, STRING),
    ONNX_MANY(GRAPH, 5, TENSOR),
    ONNX_ONE(GRAPH, 10, STRING),
    ONNX_MANY(GRAPH, 11, VALUE),
    ONNX_MANY(GRAPH, 12, VALUE),
    ONNX_MANY(GRAPH, 13, VALUE),
    ONNX_MANY(GRAPH, 14, ANNOTATION),
    ONNX_MANY(GRAPH, 15, SPARSE),
    ONNX_MANY(GRAPH, 16, ENTRY),
    ONNX_MANY(NODE, 1, STRING),
    ONNX_MANY(NODE, 2, STRING),
    ONNX_ONE(NODE, 3, STRING),
    ONNX_ONE(NODE, 4, STRING),
    ONNX_MANY(NODE, 5, ATTRIBUTE),
    ONNX_ONE(NODE, 6, STRING),
    ONNX_ONE(NODE, 7, STRING),
    ONNX_ONE(NODE, 8, STRING),
    ONNX_MANY(NODE, 9, ENTRY),
    ONNX_ONE(ATTRIBUTE, 1, STRING),
    ONNX_ONE(ATTRIBUTE, 2, FLOAT),
    ONNX_ONE(ATTRIBUTE, 3, INT64),
    ONNX_ONE(ATTRIBUTE, 4, BYTES),
    ONNX_ONE(ATTRIBUTE, 5, TENSOR),
    ONNX_ONE(ATTRIBUTE, 6, GRAPH),
    ONNX_MANY(ATTRIBUTE, 7, FLOAT),
    ONNX_MANY(ATTRIBUTE, 8, INT64),
    ONNX_MANY(ATTRIBUTE, 9, BYTES),
    ONNX_MANY(ATTRIBUTE, 10, TENSOR),
    ONNX_MANY(ATTRIBUTE, 11, GRAPH),
    ONNX_ONE(ATTRIBUTE, 13, STRING),
    ONNX_ONE(ATTRIBUTE, 14, TYPE),
    ONNX_MANY(ATTRIBUTE, 15, TYPE),
    ONNX_ONE(ATTRIBUTE, 20, INT32),
    ONNX_ONE(ATTRIBUTE, 21, STRING),
    ONNX_ONE(ATTRIBUTE, 22, SPARSE),
    ONNX_MANY(ATTRIBUTE, 23, SPARSE),
    ONNX_MANY(TENSOR, 1, INT64),
    ONNX_ONE(TENSOR, 2, INT32),
    ONNX_ONE(TENSOR, 3, SEGMENT),
    ONNX_MANY(TENSOR, 4, FLOAT),
    ONNX_MANY(TENSOR, 5, INT32),
    ONNX_MANY(TENSOR, 6, BYTES),
    ONNX_MANY(TENSOR, 7, INT64),
    ONNX_ONE(TENSOR, 8, STRING),
    ONNX_ONE(TENSOR, 9, BYTES),
    ONNX_MANY(TENSOR, 10, DOUBLE),
    ONNX_MANY(TENSOR, 11, INT64),
    ONNX_ONE(TENSOR, 12, STRING),
    ONNX_MANY(TENSOR, 13, ENTRY),
    ONNX_ONE(TENSOR, 14, INT32),
    ONNX_MANY(TENSOR, 16, ENTRY),
    ONNX_ONE(SEGMENT, 1, INT64),
    ONNX_ONE(SEGMENT, 2, INT64),
    ONNX_ONE(SPARSE, 1, TENSOR),
    ONNX_ONE(SPARSE, 2, TENSOR),
    ONNX_MANY(SPARSE, 3, INT64),
    ONNX_ONE(VALUE, 1, STRING),
    ONNX_ONE(VALUE, 2, TYPE),
    ONNX_ONE(VALUE, 3, STRING),
    ONNX_MANY(VALUE, 4, ENTRY),
    ONNX_CHOICE(TYPE, 1, TENSOR_TYPE, 1),
    ONNX_CHOICE(TYPE, 4, ELEMENT, 1),
    ONNX_CHOICE(TYPE, 5, MAP, 1),
    ONNX_ONE(TYPE, 6, STRING),
    ONNX_CHOICE(TYPE, 8, TENSOR_TYPE, 1),
    ONNX_CHOICE(TYPE, 9, ELEMENT, 1),
    ONNX_ONE(TENSOR_TYPE, 1, INT32),
    ONNX_ONE(TENSOR_TYPE, 2, SHAPE),
    ONNX_MANY(SHAPE, 1, DIMENSION),
    ONNX_CHOICE(DIMENSION, 1, INT64, 1),
    ONNX_CHOICE(DIMENSION, 2, STRING, 1),
    ONNX_ONE(DIMENSION, 3, STRING),
    ONNX_ONE(ELEMENT, 1, TYPE),
    ONNX_ONE(MAP, 1, INT32),
    ONNX_ONE(MAP, 2, TYPE),
    ONNX_ONE(ENTRY, 1, STRING),
    ONNX_ONE(ENTRY, 2, STRING),
    ONNX_ONE(OPSET, 1, STRING),
    ONNX_ONE(OPSET, 2, INT64),
    ONNX_ONE(ANNOTATION, 1, STRING),
    ONNX_MANY(ANNOTATION, 2, ENTRY),
    ONNX_ONE(TRAINING, 1, GRAPH),
    ONNX_ONE(TRAINING, 2, GRAPH),
    ONNX_MANY(TRAINING, 3, ENTRY),
    ONNX_MANY(TRAINING, 4, ENTRY),
    ONNX_ONE(FUNCTION, 1, STRING),
    ONNX_MANY(FUNCTION, 4, STRING),
    ONNX_MANY(FUNCTION, 5, STRING),
    ONNX_MANY(FUNCTION, 6, STRING),
    ONNX_MANY(FUNCTION, 7, NODE),
    ONNX_ONE(FUNCTION, 8, STRING),
    ONNX_MANY(FUNCTION, 9, OPSET),
    ONNX_ONE(FUNCTION, 10, STRING),
    ONNX_MANY(FUNCTION, 11, ATTRIBUTE),
    ONNX_MANY(FUNCTION, 12, VALUE),
    ONNX_ONE(FUNCTION, 13, STRING),
    ONNX_MANY(FUNCTION, 14, ENTRY),
};

#endif
