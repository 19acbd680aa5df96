#include "verify/wire_scan.h"

#include <stdbool.h>

#define MAX_DEPTH  32
#define MAX_FIELDS ((size_t)2000000)
#define MAX_PACKED ((size_t)64 << 20) /* bytes of packed integers */

/* The message types of onnx.proto that hold other messages. */
typedef enum kind {
    MODEL,
    GRAPH,
    NODE,
    ATTRIBUTE,
    TENSOR,
    SPARSE,
    VALUE,
    TYPE,
    TENSOR_TYPE,
    SHAPE,
    ELEMENT, /* sequence and optional types */
    MAP,
    TRAINING,
    FUNCTION,
    SMALL,  /* messages of plain fields: dimensions, key and value pairs */
    BYTES,  /* strings and raw data: copied as they are */
    PACKED, /* packed integers: up to eight times as large in memory */
    UNKNOWN,
} kind;

static const struct {
    kind parent;
    unsigned field;
    kind child;
} tree[] = {
    {MODEL, 7, GRAPH},       {MODEL, 8, SMALL},         {MODEL, 14, SMALL},
    {MODEL, 20, TRAINING},   {MODEL, 25, FUNCTION},     {GRAPH, 1, NODE},
    {GRAPH, 5, TENSOR},      {GRAPH, 11, VALUE},        {GRAPH, 12, VALUE},
    {GRAPH, 13, VALUE},      {GRAPH, 14, SMALL},        {GRAPH, 15, SPARSE},
    {NODE, 5, ATTRIBUTE},    {ATTRIBUTE, 5, TENSOR},    {ATTRIBUTE, 6, GRAPH},
    {ATTRIBUTE, 8, PACKED},  {ATTRIBUTE, 10, TENSOR},   {ATTRIBUTE, 11, GRAPH},
    {ATTRIBUTE, 14, TYPE},   {ATTRIBUTE, 15, TYPE},     {ATTRIBUTE, 22, SPARSE},
    {ATTRIBUTE, 23, SPARSE}, {TENSOR, 1, PACKED},       {TENSOR, 3, SMALL},
    {TENSOR, 5, PACKED},     {TENSOR, 7, PACKED},       {TENSOR, 9, BYTES},
    {TENSOR, 4, BYTES},      {TENSOR, 10, BYTES},       {TENSOR, 11, PACKED},
    {SPARSE, 1, TENSOR},     {SPARSE, 2, TENSOR},       {SPARSE, 3, PACKED},
    {VALUE, 2, TYPE},        {TYPE, 1, TENSOR_TYPE},    {TYPE, 4, ELEMENT},
    {TYPE, 5, MAP},          {TYPE, 8, TENSOR_TYPE},    {TYPE, 9, ELEMENT},
    {TENSOR_TYPE, 2, SHAPE}, {SHAPE, 1, SMALL},         {ELEMENT, 1, TYPE},
    {MAP, 2, TYPE},          {TRAINING, 1, GRAPH},      {TRAINING, 2, GRAPH},
    {TRAINING, 3, SMALL},    {TRAINING, 4, SMALL},      {FUNCTION, 7, NODE},
    {FUNCTION, 9, SMALL},    {FUNCTION, 11, ATTRIBUTE},
};

static kind child_of(kind parent, uint64_t field)
{
    for (size_t i = 0; i < sizeof tree / sizeof tree[0]; i++)
        if (tree[i].parent == parent && tree[i].field == field)
            return tree[i].child;
    return UNKNOWN;
}

typedef struct scanner {
    const unsigned char *bytes;
    size_t at, end; /* of the innermost message */
    size_t fields, packed;
    int depth;
    struct {
        kind kind;
        size_t end;
    } stack[MAX_DEPTH];
    dmx_error *err;
} scanner;

static dmx_status malformed(scanner *s)
{
    return dmx_fail_at(s->err, DMX_ERROR_FORMAT, (int64_t)s->at,
                       "not an ONNX model: malformed at byte %zu", s->at);
}

static dmx_status read_varint(scanner *s, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (s->at >= s->end)
            return malformed(s);
        const unsigned char byte = s->bytes[s->at++];
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return DMX_OK;
    }
    return malformed(s);
}

static dmx_status skip(scanner *s, uint64_t count)
{
    if (count > s->end - s->at)
        return malformed(s);
    s->at += (size_t)count;
    return DMX_OK;
}

/* Goes into a message, or over bytes. */
static dmx_status enter(scanner *s, kind child, uint64_t length)
{
    if (length > s->end - s->at)
        return malformed(s);
    if (child == PACKED)
        s->packed += (size_t)length;
    DMX_RETURN_IF(s->packed > MAX_PACKED, s->err, DMX_ERROR_LIMIT,
                  "more than %zu bytes of packed integers", MAX_PACKED);
    if (child >= SMALL)
        return skip(s, length);
    DMX_RETURN_IF(s->depth == MAX_DEPTH, s->err, DMX_ERROR_LIMIT,
                  "messages nested deeper than %d", MAX_DEPTH);
    s->stack[s->depth].kind = child;
    s->stack[s->depth++].end = s->end;
    s->end = s->at + (size_t)length;
    return DMX_OK;
}

static dmx_status refuse_external(scanner *s)
{
    DMX_RETURN_ERROR(s->err, DMX_ERROR_UNSUPPORTED,
                     "the model keeps tensors in other files (external data); "
                     "only self-contained models are read");
}

static dmx_status scan_length(scanner *s, kind parent, uint64_t field)
{
    uint64_t length;
    DMX_FORWARD(read_varint(s, &length));
    if (parent == TENSOR && field == 13)
        return refuse_external(s);
    return enter(s, child_of(parent, field), length);
}

static dmx_status scan_field(scanner *s)
{
    const kind parent = s->stack[s->depth - 1].kind;
    uint64_t key, value;
    DMX_RETURN_IF(++s->fields > MAX_FIELDS, s->err, DMX_ERROR_LIMIT,
                  "more than %zu fields", MAX_FIELDS);
    DMX_FORWARD(read_varint(s, &key));
    if (key >> 3 == 0)
        return malformed(s);
    switch (key & 7) {
    case 0:
        DMX_FORWARD(read_varint(s, &value));
        return parent == TENSOR && key >> 3 == 14 && value == 1
                   ? refuse_external(s)
                   : DMX_OK;
    case 1:
        return skip(s, 8);
    case 2:
        return scan_length(s, parent, key >> 3);
    case 5:
        return skip(s, 4);
    default: /* groups, which nothing has used for many years */
        return malformed(s);
    }
}

dmx_status dmx_wire_scan(const void *bytes, size_t size, dmx_error *err)
{
    scanner s = {.bytes = bytes, .end = size, .depth = 1, .err = err};
    s.stack[0].kind = MODEL;
    s.stack[0].end = size;
    while (s.depth > 0) {
        if (s.at < s.end)
            DMX_FORWARD(scan_field(&s));
        else
            s.end = s.stack[--s.depth].end;
    }
    return DMX_OK;
}
