#include "runtime/wire_scan.h"
#include "runtime/onnx_fields.h"

#include <stdbool.h>
#include <string.h>

#define MAX_DEPTH  32
#define MAX_LENGTH 0x7fffffffu /* protobuf's own limit */

/* What parsers allocate in addition to the bytes themselves: for any field, for
 * a message, and for a one-byte number in a packed list. Measured with
 * protobuf-c and libprotobuf, rounded up. */
enum { FIELD_COST = 96, MESSAGE_COST = 128, NUMBER_COST = 8 };

/* The limit of their sum: this amount plus a multiple of the file's size; real
 * models stay below half of the factor. */
#define BASE_COST   ((size_t)64 << 20)
#define COST_FACTOR 16
#define MOST_COST   ((size_t)256 << 20)

/* Items of one list; networks of this kind have a few thousand nodes and a few
 * hundred initializers. */
enum { MOST_NODES = 20000, MOST_ITEMS = 8192 };

#define ASK_EVERY 65536 /* fields between checks for cancellation */

typedef struct level {
    dmx_onnx_type type;
    size_t end;
    uint32_t count[32]; /* of its fields, by group */
} level;

typedef struct scanner {
    const unsigned char *bytes;
    size_t at, end; /* of the innermost message */
    size_t size, cost, fields;
    int depth;
    level stack[MAX_DEPTH];
    const dmx_hooks *hooks;
    dmx_error *err;
} scanner;

static dmx_status malformed(const scanner *s)
{
    return dmx_fail_at(s->err, DMX_ERROR_FORMAT, (int64_t)s->at,
                       "not an ONNX model: malformed at byte %zu", s->at);
}

static dmx_status not_canonical(const scanner *s, const char *what)
{
    return dmx_fail_at(s->err, DMX_ERROR_FORMAT, (int64_t)s->at,
                       "%s at byte %zu, as no writer of ONNX has it: refused",
                       what, s->at);
}

static dmx_status charge(scanner *s, size_t cost)
{
    size_t most = BASE_COST + COST_FACTOR * s->size;
    if (most > MOST_COST)
        most = MOST_COST;
    DMX_RETURN_IF(cost > most - s->cost, s->err, DMX_ERROR_LIMIT,
                  "too many small fields: reading %zu bytes would take more "
                  "than %zu MiB of memory",
                  s->size, most >> 20);
    s->cost += cost;
    return DMX_OK;
}

static const dmx_onnx_field *find_field(dmx_onnx_type parent, uint64_t number)
{
    for (size_t i = 0; i < sizeof dmx_onnx_fields / sizeof dmx_onnx_fields[0];
         i++)
        if (dmx_onnx_fields[i].parent == parent &&
            dmx_onnx_fields[i].number == number)
            return &dmx_onnx_fields[i];
    return NULL;
}

/* Reads a varint, which must be minimal and at most 64 bits: parsers disagree
 * on others. */
static dmx_status read_varint(scanner *s, size_t end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (s->at >= end)
            return malformed(s);
        const unsigned char byte = s->bytes[s->at++];
        if (shift == 63 && byte > 1)
            return malformed(s);
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte >= 0x80)
            continue;
        return byte == 0 && shift > 0
                   ? not_canonical(s, "a number in more bytes than it takes")
                   : DMX_OK;
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

/* ----------------------------------------------------------------- numbers */

/* Parsers keep only 32 bits of these; the rest must carry no information. */
static bool fits(dmx_onnx_type type, uint64_t value)
{
    return type != ONNX_INT32 || value <= INT32_MAX ||
           value >= (uint64_t)INT32_MIN;
}

static dmx_status read_number(scanner *s, size_t end, dmx_onnx_type type,
                              uint64_t *value)
{
    DMX_FORWARD(read_varint(s, end, value));
    return fits(type, *value) ? DMX_OK
                              : not_canonical(s, "a number beyond its range");
}

static dmx_status read_packed(scanner *s, dmx_onnx_type type, uint64_t length)
{
    const size_t size = type == ONNX_FLOAT ? 4 : type == ONNX_DOUBLE ? 8 : 0;
    if (length > s->end - s->at || (size > 0 && length % size != 0))
        return malformed(s);
    if (size > 0)
        return skip(s, length);
    const size_t end = s->at + (size_t)length;
    DMX_FORWARD(charge(s, NUMBER_COST * (size_t)length));
    while (s->at < end) {
        uint64_t value;
        DMX_FORWARD(read_number(s, end, type, &value));
    }
    return DMX_OK;
}

/* ------------------------------------------------------------------ fields */

static dmx_status refuse_external(const scanner *s)
{
    DMX_RETURN_ERROR(s->err, DMX_ERROR_UNSUPPORTED,
                     "the model keeps tensors in other files (external data); "
                     "only self-contained models are read");
}

static dmx_status enter(scanner *s, dmx_onnx_type type, size_t length)
{
    /* Functions that call others twice could expand a model exponentially. */
    DMX_RETURN_IF(type == ONNX_FUNCTION, s->err, DMX_ERROR_UNSUPPORTED,
                  "the model has local functions, which are not read; put "
                  "them in place with onnx.inliner.inline_local_functions");
    DMX_FORWARD(charge(s, MESSAGE_COST));
    DMX_RETURN_IF(s->depth == MAX_DEPTH, s->err, DMX_ERROR_LIMIT,
                  "messages nested deeper than %d", MAX_DEPTH);
    s->stack[s->depth++] = (level){.type = type, .end = s->end};
    s->end = s->at + length;
    return DMX_OK;
}

static dmx_status read_text(scanner *s, size_t length)
{
    if (memchr(s->bytes + s->at, 0, length) != NULL)
        return not_canonical(s, "a text with a zero byte in it");
    return skip(s, length);
}

static dmx_status read_length(scanner *s, const dmx_onnx_field *f)
{
    uint64_t length;
    DMX_FORWARD(read_varint(s, s->end, &length));
    if (length > s->end - s->at || length > MAX_LENGTH)
        return malformed(s);
    const dmx_onnx_type type = f != NULL ? f->type : ONNX_UNKNOWN;
    if (f != NULL && f->parent == ONNX_TENSOR && f->number == 13)
        return refuse_external(s);
    if (type < ONNX_STRING)
        return enter(s, type, (size_t)length);
    if (type == ONNX_STRING)
        return read_text(s, (size_t)length);
    if (type == ONNX_BYTES)
        return skip(s, length);
    if (type != ONNX_UNKNOWN)
        return f->many ? read_packed(s, type, length) : malformed(s);
    /* A newer parser may know this field, as a message of two-byte fields. */
    DMX_FORWARD(charge(s, FIELD_COST / 2 * (size_t)length));
    return skip(s, length);
}

static dmx_status read_varint_field(scanner *s, const dmx_onnx_field *f)
{
    uint64_t value;
    const dmx_onnx_type type = f != NULL ? f->type : ONNX_INT64;
    if (type != ONNX_INT64 && type != ONNX_INT32)
        return malformed(s);
    DMX_FORWARD(read_number(s, s->end, type, &value));
    return f != NULL && f->parent == ONNX_TENSOR && f->number == 14 &&
                   value != 0
               ? refuse_external(s)
               : DMX_OK;
}

static dmx_status read_fixed(scanner *s, const dmx_onnx_field *f,
                             dmx_onnx_type type, uint64_t size)
{
    return f == NULL || f->type == type ? skip(s, size) : malformed(s);
}

/* Parsers merge or replace a singular field that is repeated; no writer
 * produces that. Some readers take quadratic time for long lists. */
static dmx_status count_field(scanner *s, const dmx_onnx_field *f)
{
    if (f == NULL)
        return DMX_OK;
    const uint32_t count = ++s->stack[s->depth - 1].count[f->group];
    if (!f->many && count > 1)
        return not_canonical(s, "a field that is there twice");
    const bool body =
        f->type == ONNX_NODE || (f->parent == ONNX_GRAPH && f->number == 13);
    DMX_RETURN_IF(
        f->type <= ONNX_BYTES && count > (body ? MOST_NODES : MOST_ITEMS),
        s->err, DMX_ERROR_LIMIT,
        "more than %d %s in one place: too many to be a model of "
        "this kind",
        body ? MOST_NODES : MOST_ITEMS, body ? "nodes or values" : "items");
    return DMX_OK;
}

static dmx_status scan_field(scanner *s)
{
    uint64_t key;
    if (s->fields++ % ASK_EVERY == 0)
        DMX_FORWARD(dmx_progress(s->hooks, "reading",
                                 (double)s->at / (double)s->size, s->err));
    DMX_FORWARD(charge(s, FIELD_COST));
    DMX_FORWARD(read_varint(s, s->end, &key));
    if (key > UINT32_MAX || key >> 3 == 0)
        return malformed(s);
    const dmx_onnx_field *f = find_field(s->stack[s->depth - 1].type, key >> 3);
    DMX_FORWARD(count_field(s, f));
    switch (key & 7) {
    case 0:
        return read_varint_field(s, f);
    case 1:
        return read_fixed(s, f, ONNX_DOUBLE, 8);
    case 2:
        return read_length(s, f);
    case 5:
        return read_fixed(s, f, ONNX_FLOAT, 4);
    default: /* groups, long obsolete */
        return malformed(s);
    }
}

dmx_status dmx_wire_scan(const void *bytes, size_t size, const dmx_hooks *hooks,
                         dmx_error *err)
{
    scanner s = {.bytes = bytes,
                 .end = size,
                 .size = size,
                 .depth = 1,
                 .hooks = hooks,
                 .err = err};
    s.stack[0] = (level){.type = ONNX_MODEL, .end = size};
    while (s.depth > 0) {
        if (s.at < s.end)
            DMX_FORWARD(scan_field(&s));
        else
            s.end = s.stack[--s.depth].end;
    }
    return DMX_OK;
}
