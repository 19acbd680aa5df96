/* Converts packed levels to float32. */
#include "checkpoint/quantized.h"

#include "checkpoint/bytes.h"
#include "checkpoint/rename.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- unpacking */

/* A packed stream: level k is spread over `width` words. As int64
 * [lines][width] [32] a line holds 2048 levels, level k in bit k / 32 of word k
 * % 32; as torch_pack's int16 [width][G], level k is in bit k / G of word k %
 * G. */
typedef struct stream {
    const unsigned char *data;
    int width;
    bool words; /* torch_pack */
    uint64_t per_plane, capacity;
} stream;

enum { LINE = 2048, LINE_WORDS = 32, WORD_BITS = 16 };

static bool stream_open(stream *s, const dmx_raw *raw, bool torch_pack)
{
    const int axis = torch_pack ? 0 : 1;
    *s = (stream){.data = raw->data, .words = torch_pack};
    if (raw->data == NULL || raw->dtype != (torch_pack ? -1 : DMX_I64) ||
        raw->item_size != (torch_pack ? 2 : 8) ||
        raw->rank != (torch_pack ? 2 : 3) || raw->dim[axis] > WORD_BITS)
        return false;
    s->width = (int)raw->dim[axis];
    s->per_plane = (uint64_t)raw->dim[torch_pack ? 1 : 0];
    if (!torch_pack && raw->dim[2] != LINE_WORDS)
        return false;
    s->capacity = s->per_plane * (torch_pack ? WORD_BITS : LINE);
    return true;
}

static unsigned bit_of(uint64_t word, uint64_t bit)
{
    return (unsigned)(word >> bit) & 1u;
}

static unsigned stream_at(const stream *s, uint64_t k)
{
    unsigned level = 0;
    if (s->words) {
        uint64_t at = 2 * (k % s->per_plane);
        for (int b = 0; b < s->width; b++, at += 2 * s->per_plane)
            level |= bit_of(dmx_le16(s->data + at), k / s->per_plane) << b;
        return level;
    }
    const uint64_t line = k / LINE, in = k % LINE;
    uint64_t at =
        8 * LINE_WORDS * line * (uint64_t)s->width + 8 * (in % LINE_WORDS);
    for (int b = 0; b < s->width; b++, at += 8 * LINE_WORDS)
        level |= bit_of(dmx_le64(s->data + at), in / LINE_WORDS) << b;
    return level;
}

/* ------------------------------------------------------------- dequantizing */

/* Rounds three times, as the original does: level times unit, times the range,
 * plus the range's minimum. */
typedef struct scale {
    float range, low;
} scale;

static scale scale_of(const dmx_quantized_entry *e)
{
    return (scale){(float)(e->high - e->low), (float)e->low};
}

static float value_of(unsigned level, int bits, scale s)
{
    const float unit = 1.0f / (float)((1u << bits) - 1u);
    const float part = (float)level * unit;
    const float wide = part * s.range;
    return wide + s.low;
}

static dmx_status damaged(dmx_error *err, const char *what)
{
    DMX_RETURN_ERROR(err, DMX_ERROR_FORMAT,
                     "a quantized weight: %s; the file is damaged", what);
}

/* One uint8 or int16 level per element, not packed. */
static bool plain_level(unsigned *out, const dmx_raw *raw, uint64_t k)
{
    if (raw->item_size == 1)
        *out = raw->data[k];
    else
        *out = dmx_le16(raw->data + 2 * k);
    return *out < 1u << 15;
}

static bool unpacked_levels(const dmx_raw *raw, uint64_t count)
{
    return raw->data != NULL && raw->dtype < 0 &&
           (raw->item_size == 1 || raw->item_size == 2) && raw->count == count;
}

static dmx_status unpack_uniform(float *out, uint64_t count,
                                 const dmx_quantized *q,
                                 const dmx_quantized_entry *e, dmx_error *err)
{
    const scale s = scale_of(e);
    stream levels;
    if (q->packed ? !stream_open(&levels, &e->level[0], q->torch_pack) ||
                        levels.capacity < count || levels.width > q->bits
                  : !unpacked_levels(&e->level[0], count))
        return damaged(err, "its levels do not fit its shape");
    for (uint64_t k = 0; k < count; k++) {
        unsigned level = 0;
        if (q->packed)
            level = stream_at(&levels, k);
        else if (!plain_level(&level, &e->level[0], k))
            return damaged(err, "a level out of range");
        out[k] = value_of(level, q->bits, s);
    }
    return DMX_OK;
}

/* The number of bits in row `row`; 0: out of range. */
static int row_bits(const dmx_quantized *q, const dmx_quantized_entry *e,
                    const stream *bits, uint64_t row)
{
    unsigned n = 0;
    if (q->packed)
        n = (bits->width > 0 ? stream_at(bits, row) : 0) +
            (unsigned)q->min_bits;
    else if (!plain_level(&n, &e->bits, row))
        return 0;
    return n <= DMX_QUANTIZED_WIDTHS ? (int)n : 0;
}

static dmx_status unpack_rows(float *out, uint64_t rows, const dmx_quantized *q,
                              const dmx_quantized_entry *e, const stream *bits,
                              dmx_error *err)
{
    const scale s = scale_of(e);
    stream of_width[DMX_QUANTIZED_WIDTHS + 1];
    uint64_t taken[DMX_QUANTIZED_WIDTHS + 1] = {0};
    bool open[DMX_QUANTIZED_WIDTHS + 1] = {false};
    for (uint64_t row = 0; row < rows; row++) {
        const int n = row_bits(q, e, bits, row);
        if (n < 1)
            return damaged(err, "a row of no possible width");
        if (q->packed && !open[n]) {
            if (!stream_open(&of_width[n], &e->level[n - 1], q->torch_pack) ||
                of_width[n].width != n)
                return damaged(err, "levels of a width are missing");
            open[n] = true;
        }
        for (int64_t i = 0; i < q->group; i++) {
            const uint64_t at = row * (uint64_t)q->group + (uint64_t)i;
            unsigned level = 0;
            if (!q->packed && !plain_level(&level, &e->level[0], at))
                return damaged(err, "a level out of range");
            if (q->packed && taken[n] >= of_width[n].capacity)
                return damaged(err, "levels of a width are missing");
            if (q->packed)
                level = stream_at(&of_width[n], taken[n]++);
            out[at] = value_of(level, n, s);
        }
    }
    return DMX_OK;
}

static dmx_status unpack_diffq(float *out, uint64_t count,
                               const dmx_quantized *q,
                               const dmx_quantized_entry *e, dmx_error *err)
{
    const uint64_t rows = count / (uint64_t)q->group;
    stream bits = {0};
    if (count % (uint64_t)q->group != 0)
        return damaged(err, "its shape is not made of whole groups");
    if (q->packed ? !stream_open(&bits, &e->bits, q->torch_pack) ||
                        (bits.width > 0 && bits.capacity < rows)
                  : !unpacked_levels(&e->level[0], count) ||
                        !unpacked_levels(&e->bits, rows))
        return damaged(err, "its bits do not fit its shape");
    return unpack_rows(out, rows, q, e, &bits, err);
}

dmx_status dmx_quantized_unpack(float *out, uint64_t count,
                                const dmx_quantized *q,
                                const dmx_quantized_entry *e, dmx_error *err)
{
    return q->uniform ? unpack_uniform(out, count, q, e, err)
                      : unpack_diffq(out, count, q, e, err);
}

/* ------------------------------------------------------ a named checkpoint */

static uint64_t elements(const dmx_parameter *p)
{
    uint64_t n = 1;
    for (int i = 0; i < p->rank; i++)
        if (p->dim[i] < 1 || dmx_mul_overflow(&n, n, (uint64_t)p->dim[i]))
            return 0;
    return n;
}

/* How much of each list has been assigned to parameters. */
typedef struct naming {
    struct dmx_checkpoint *out;
    const dmx_quantized *q;
    size_t entry, plain;
    uint64_t spent, budget; /* float32 elements produced */
    dmx_error *err;
} naming;

static void lay_out(dmx_tensor *t, const dmx_parameter *p)
{
    int64_t step = 1;
    t->name = p->name;
    t->rank = p->rank;
    for (int i = p->rank; i-- > 0;) {
        t->dim[i] = p->dim[i];
        t->stride[i] = step;
        step *= p->dim[i];
    }
}

static dmx_status name_plain(naming *n, dmx_tensor *t, const dmx_parameter *p)
{
    DMX_RETURN_IF(n->plain == n->q->n_plain, n->err, DMX_ERROR_MODEL,
                  "the quantized state has no numbers for %s", p->name);
    const dmx_raw *raw = &n->q->plain[n->plain++];
    bool same = raw->rank == p->rank;
    for (int i = 0; same && i < p->rank; i++)
        same = raw->dim[i] == p->dim[i];
    DMX_RETURN_IF(!same, n->err, DMX_ERROR_MODEL,
                  "the quantized state's tensor %zu is not of the shape of %s",
                  n->plain - 1, p->name);
    t->data = raw->data;
    t->dtype = (dmx_dtype)raw->dtype;
    return DMX_OK;
}

static dmx_status name_packed(naming *n, dmx_tensor *t, const dmx_parameter *p,
                              uint64_t count)
{
    DMX_RETURN_IF(n->entry == n->q->n_entry, n->err, DMX_ERROR_MODEL,
                  "the quantized state has no levels for %s", p->name);
    DMX_RETURN_IF(count > n->budget - n->spent, n->err, DMX_ERROR_LIMIT,
                  "%s has more numbers than the file can hold", p->name);
    n->spent += count;
    float *data =
        dmx_arena_alloc(&n->out->memory->arena, (size_t)count, sizeof *data);
    DMX_RETURN_IF(data == NULL, n->err, DMX_ERROR_MEMORY, "no memory for %s",
                  p->name);
    const dmx_status status = dmx_quantized_unpack(
        data, count, n->q, &n->q->entry[n->entry++], n->err);
    if (status != DMX_OK)
        dmx_error_prefix(n->err, "%s", p->name);
    t->data = data;
    t->dtype = DMX_F32;
    return status;
}

static dmx_status name_all(naming *n, const dmx_parameter *parameter,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dmx_tensor *t = &n->out->tensor[n->out->n_tensor++];
        const uint64_t size = elements(&parameter[i]);
        DMX_RETURN_IF(size == 0, n->err, DMX_ERROR_MODEL, "%s has no elements",
                      parameter[i].name);
        lay_out(t, &parameter[i]);
        DMX_FORWARD(size > n->q->largest
                        ? name_packed(n, t, &parameter[i], size)
                        : name_plain(n, t, &parameter[i]));
    }
    DMX_RETURN_IF(n->entry != n->q->n_entry || n->plain != n->q->n_plain,
                  n->err, DMX_ERROR_MODEL,
                  "the quantized state has %zu tensors more than the network",
                  n->q->n_entry - n->entry + n->q->n_plain - n->plain);
    return DMX_OK;
}

dmx_status dmx_quantized_open(struct dmx_checkpoint **out,
                              const struct dmx_checkpoint *from,
                              const dmx_parameter *parameter, size_t n,
                              dmx_error *err)
{
    struct dmx_checkpoint *c;
    *out = NULL;
    DMX_FORWARD(dmx_checkpoint_new(&c, from, n, err));
    naming names = {.out = c,
                    .q = from->quantized,
                    .budget = 8 * (uint64_t)from->file_size,
                    .err = err};
    dmx_status status = name_all(&names, parameter, n);
    if (status == DMX_OK)
        status = dmx_checkpoint_sort(c, err);
    if (status != DMX_OK) {
        dmx_checkpoint_close(c);
        return status;
    }
    *out = c;
    return DMX_OK;
}
