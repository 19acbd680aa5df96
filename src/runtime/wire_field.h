/* Reads a protobuf message field by field, in place. */
#ifndef DMX_RUNTIME_WIRE_FIELD_H
#define DMX_RUNTIME_WIRE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct dmx_wire_span {
    const unsigned char *at, *end;
} dmx_wire_span;

typedef struct dmx_wire_field {
    unsigned number;
    uint64_t value;     /* of a varint */
    dmx_wire_span span; /* of anything that has a length; else empty */
} dmx_wire_field;

static inline uint64_t dmx_wire_varint(dmx_wire_span *s)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && s->at < s->end; shift += 7) {
        const unsigned char byte = *s->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

/* The next field; false at the end, or at bytes that are not valid protobuf. */
static inline bool dmx_wire_next(dmx_wire_field *f, dmx_wire_span *s)
{
    if (s->at >= s->end)
        return false;
    const uint64_t key = dmx_wire_varint(s);
    *f = (dmx_wire_field){.number = (unsigned)(key >> 3)};
    if ((key & 7) == 0) {
        f->value = dmx_wire_varint(s);
        return true;
    }
    const uint64_t length = (key & 7) == 1   ? 8
                            : (key & 7) == 5 ? 4
                                             : dmx_wire_varint(s);
    if ((key & 7) > 5 || length > (size_t)(s->end - s->at))
        return false;
    if ((key & 7) == 2)
        f->span = (dmx_wire_span){s->at, s->at + length};
    s->at += length;
    return true;
}

static inline bool dmx_wire_is(dmx_wire_span s, const char *text)
{
    const size_t n = strlen(text);
    return (size_t)(s.end - s.at) == n && memcmp(s.at, text, n) == 0;
}

#endif
