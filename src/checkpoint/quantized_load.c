/* Reads a quantized state from a pickle: lists without names, and the
 * quantizer's parameters. */
#include "checkpoint/bytes.h"
#include "checkpoint/finite.h"
#include "checkpoint/quantized.h"

#include <math.h>
#include <string.h>

#define MAX_ENTRIES DMX_STATE_MAX_TENSORS

static dmx_status malformed(dmx_load *load, const char *what)
{
    DMX_RETURN_ERROR(load->err, DMX_ERROR_FORMAT,
                     "the quantized state is malformed: %s", what);
}

bool dmx_is_quantized(const dmx_pickled *state)
{
    return dmx_pickled_get(state, "__quantized") != NULL ||
           (dmx_pickled_get(state, "quantized") != NULL &&
            dmx_pickled_get(state, "meta") != NULL);
}

/* ------------------------------------------------------------ raw tensors */

/* Sizes and row-major strides of a tensor's arguments. */
static bool contiguous(dmx_raw *raw, const dmx_pickled *value)
{
    dmx_pickled *const *argument = value->as.tensor.arguments->as.list.item;
    const dmx_pickled *size = argument[2], *stride = argument[3];
    if (argument[1]->kind != DMX_PICKLED_INT ||
        size->kind != DMX_PICKLED_TUPLE || stride->kind != DMX_PICKLED_TUPLE ||
        size->as.list.count > DMX_TENSOR_RANK ||
        stride->as.list.count != size->as.list.count)
        return false;
    raw->rank = (int)size->as.list.count;
    raw->count = 1;
    uint64_t after;
    for (int i = raw->rank; i-- > 0;) {
        const dmx_pickled *n = size->as.list.item[i];
        const dmx_pickled *step = stride->as.list.item[i];
        if (n->kind != DMX_PICKLED_INT || step->kind != DMX_PICKLED_INT ||
            n->as.integer < 0 ||
            dmx_mul_overflow(&after, raw->count, (uint64_t)n->as.integer) ||
            after > INT64_MAX / 16)
            return false;
        /* The stride of an axis of one element, or of none, is irrelevant. */
        if (n->as.integer > 1 && raw->count != 0 &&
            (uint64_t)step->as.integer != raw->count)
            return false;
        raw->dim[i] = n->as.integer;
        raw->count = after;
    }
    return true;
}

static dmx_status take_raw(dmx_raw *raw, dmx_load *load,
                           const dmx_pickled *value, dmx_locate *locate)
{
    size_t at = 0, bytes = 0;
    *raw = (dmx_raw){0};
    DMX_FORWARD(dmx_load_needs_all(load));
    if (value->kind != DMX_PICKLED_TENSOR || !contiguous(raw, value))
        return malformed(load, "a tensor that is none, or not contiguous");
    const dmx_storage *s = value->as.tensor.storage;
    const int64_t offset =
        value->as.tensor.arguments->as.list.item[1]->as.integer;
    if (s->item_size == 0 || offset < 0 || offset > s->view_size ||
        raw->count > (uint64_t)(s->view_size - offset))
        return malformed(load, "a tensor reaches outside its storage");
    DMX_FORWARD(locate(&at, &bytes, load, s));
    size_t needed;
    if (dmx_mul_overflow(&needed, (size_t)s->count, (size_t)s->item_size) ||
        needed > bytes)
        return malformed(load, "a storage is shorter than it says");
    raw->data =
        load->data + at + (size_t)(s->view + offset) * (size_t)s->item_size;
    raw->item_size = s->item_size;
    raw->dtype = s->dtype;
    return DMX_OK;
}

/* ----------------------------------------------------------------- entries */

static bool number_of(double *out, const dmx_pickled *v)
{
    *out = v->kind == DMX_PICKLED_INT     ? (double)v->as.integer
           : v->kind == DMX_PICKLED_FLOAT ? v->as.real
                                          : NAN;
    return isfinite((float)*out);
}

static const dmx_pickled *item(const dmx_pickled *list, uint32_t index)
{
    const bool sequence =
        list->kind == DMX_PICKLED_TUPLE || list->kind == DMX_PICKLED_LIST;
    return sequence && index < list->as.list.count ? list->as.list.item[index]
                                                   : NULL;
}

static dmx_status take_range(dmx_quantized_entry *e, dmx_load *load,
                             const dmx_pickled *range)
{
    const dmx_pickled *low = item(range, 0), *high = item(range, 1);
    if (low == NULL || high == NULL || range->as.list.count != 2 ||
        !number_of(&e->low, low) || !number_of(&e->high, high) ||
        !isfinite((float)(e->high - e->low)))
        return malformed(load, "a range that is no two finite numbers");
    return DMX_OK;
}

/* Packed levels of DiffQ: one tensor, or None, for each width. */
static dmx_status take_widths(dmx_quantized_entry *e, dmx_load *load,
                              const dmx_pickled *list, dmx_locate *locate)
{
    if (list->kind != DMX_PICKLED_LIST ||
        list->as.list.count > DMX_QUANTIZED_WIDTHS)
        return malformed(load, "no list of levels by width");
    for (uint32_t i = 0; i < list->as.list.count; i++)
        if (list->as.list.item[i]->kind != DMX_PICKLED_NONE)
            DMX_FORWARD(
                take_raw(&e->level[i], load, list->as.list.item[i], locate));
    return DMX_OK;
}

static dmx_status take_entry(dmx_quantized_entry *e, dmx_load *load,
                             const dmx_quantized *q, const dmx_pickled *v,
                             dmx_locate *locate)
{
    const dmx_pickled *levels = item(v, 0), *range = item(v, 1),
                      *bits = item(v, 2);
    if (levels == NULL || range == NULL || (bits == NULL) != q->uniform ||
        v->as.list.count != (q->uniform ? 2u : 3u))
        return malformed(load, "an entry of another form");
    DMX_FORWARD(take_range(e, load, range));
    if (q->uniform || !q->packed)
        DMX_FORWARD(take_raw(&e->level[0], load, levels, locate));
    else
        DMX_FORWARD(take_widths(e, load, levels, locate));
    return q->uniform ? DMX_OK : take_raw(&e->bits, load, bits, locate);
}

static dmx_status take_entries(dmx_quantized *q, dmx_load *load,
                               const dmx_pickled *list, dmx_locate *locate)
{
    if (list == NULL || list->kind != DMX_PICKLED_LIST ||
        list->as.list.count > MAX_ENTRIES)
        return malformed(load, "no list of quantized tensors");
    q->entry = dmx_arena_alloc(load->arena, list->as.list.count + 1u,
                               sizeof *q->entry);
    DMX_RETURN_IF(q->entry == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for quantized weights");
    for (uint32_t i = 0; i < list->as.list.count; i++)
        DMX_FORWARD(take_entry(&q->entry[q->n_entry++], load, q,
                               list->as.list.item[i], locate));
    return DMX_OK;
}

static bool all_finite(const dmx_raw *raw)
{
    const dmx_tensor t = {.data = raw->data,
                          .dtype = (dmx_dtype)raw->dtype,
                          .rank = 1,
                          .dim = {(int64_t)raw->count},
                          .stride = {1}};
    size_t index;
    double value;
    return !dmx_tensor_nonfinite(&index, &value, &t);
}

/* Takes the tensors that are not quantized: a list of float16 ones or a list of
 * others; the other list is empty. */
static dmx_status take_plain(dmx_quantized *q, dmx_load *load,
                             const dmx_pickled *state, dmx_locate *locate)
{
    const dmx_pickled *halves = dmx_pickled_get(state, "float16");
    const dmx_pickled *others = dmx_pickled_get(state, "others");
    if (halves == NULL || halves->kind != DMX_PICKLED_LIST || others == NULL ||
        others->kind != DMX_PICKLED_LIST ||
        (halves->as.list.count != 0 && others->as.list.count != 0))
        return malformed(load, "no single list of other tensors");
    const dmx_pickled *list = halves->as.list.count != 0 ? halves : others;
    if (list->as.list.count > MAX_ENTRIES)
        return malformed(load, "too many tensors");
    q->plain = dmx_arena_alloc(load->arena, list->as.list.count + 1u,
                               sizeof *q->plain);
    DMX_RETURN_IF(q->plain == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for weights");
    for (uint32_t i = 0; i < list->as.list.count; i++) {
        dmx_raw *raw = &q->plain[q->n_plain++];
        DMX_FORWARD(take_raw(raw, load, list->as.list.item[i], locate));
        if (raw->dtype < 0 || raw->dtype == DMX_I64)
            return malformed(load, "a weight of integers");
        if (!all_finite(raw))
            return malformed(load, "a weight that is not finite");
    }
    return DMX_OK;
}

/* -------------------------------------------------------------------- meta */

static double setting(const dmx_pickled *kwargs, const char *name,
                      double fallback)
{
    double x;
    const dmx_pickled *v = dmx_pickled_get(kwargs, name);
    return v != NULL && number_of(&x, v) ? x : fallback;
}

static bool flag(const dmx_pickled *meta, const char *name, bool fallback)
{
    const dmx_pickled *v = dmx_pickled_get(meta, name);
    return v != NULL && v->kind == DMX_PICKLED_BOOL ? v->as.boolean : fallback;
}

/* Source: the defaults of DiffQuantizer and UniformQuantizer; torch_pack is
 * newer than the released files. */
static dmx_status take_meta(dmx_quantized *q, dmx_load *load,
                            const dmx_pickled *meta)
{
    const dmx_pickled *klass = dmx_pickled_get(meta, "klass");
    const dmx_pickled *kwargs = dmx_pickled_get(meta, "init_kwargs");
    const char *name = klass != NULL ? dmx_pickled_describe(klass) : "";
    q->uniform = strcmp(name, "diffq.uniform.UniformQuantizer") == 0;
    DMX_RETURN_IF(!q->uniform && strcmp(name, "diffq.diffq.DiffQuantizer") != 0,
                  load->err, DMX_ERROR_UNSUPPORTED,
                  "weights quantized by '%.80s' are not supported, only by "
                  "DiffQ",
                  name);
    q->packed = flag(meta, "packed", true);
    q->torch_pack = flag(meta, "torch_pack", false);
    const double bits = setting(kwargs, "bits", 8);
    const double least = setting(kwargs, "min_bits", 2);
    const double group = setting(kwargs, "group_size", 1);
    const double size = setting(kwargs, "min_size", 0.01);
    if (bits != floor(bits) ||
        !(bits >= 1 && bits <= (double)DMX_QUANTIZED_WIDTHS) ||
        least != floor(least) ||
        !(least >= 1 && least <= (double)DMX_QUANTIZED_WIDTHS) ||
        group != floor(group) || !(group >= 1 && group <= 1 << 20) ||
        !(size >= 0 && size <= 1e6))
        return malformed(load, "settings out of range");
    q->bits = (int)bits;
    q->min_bits = (int)least;
    q->group = (int64_t)group;
    q->largest = (uint64_t)floor(size * 0x1p20 / 4);
    return DMX_OK;
}

dmx_status dmx_load_quantized(dmx_quantized **out, dmx_load *load,
                              const dmx_pickled *state, dmx_locate *locate)
{
    dmx_quantized *q = dmx_arena_alloc(load->arena, 1, sizeof *q);
    DMX_RETURN_IF(q == NULL, load->err, DMX_ERROR_MEMORY, "no memory");
    DMX_FORWARD(take_meta(q, load, dmx_pickled_get(state, "meta")));
    DMX_FORWARD(
        take_entries(q, load, dmx_pickled_get(state, "quantized"), locate));
    DMX_FORWARD(take_plain(q, load, state, locate));
    *out = q;
    return DMX_OK;
}
