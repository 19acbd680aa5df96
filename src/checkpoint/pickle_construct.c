/* The constructors that weights and their arguments are made of. */
#include "checkpoint/pickle_machine.h"
#include "base/ratio.h"

#include <string.h>

static dmx_status opaque(dmx_pickled **out, dmx_machine *m, const char *name)
{
    dmx_status status;
    *out = dmx_machine_new(m, DMX_PICKLED_OPAQUE, &status);
    if (status == DMX_OK)
        (*out)->as.opaque = name;
    return status;
}

/* --------------------------------------------------------------- tensors */

/* (storage, offset, sizes, strides, ...): the numbers are checked when the
 * tensor turns out to be a weight. */
static dmx_status rebuild_tensor(dmx_pickled **out, dmx_machine *m,
                                 const dmx_symbol *symbol,
                                 dmx_pickled *arguments)
{
    if (arguments->as.list.count < 4 ||
        arguments->as.list.item[0]->kind != DMX_PICKLED_STORAGE)
        return opaque(out, m, symbol->full);
    dmx_status status;
    *out = dmx_machine_new(m, DMX_PICKLED_TENSOR, &status);
    if (status != DMX_OK)
        return status;
    (*out)->as.tensor.storage = arguments->as.list.item[0]->as.storage;
    (*out)->as.tensor.arguments = arguments;
    return DMX_OK;
}

/* A parameter is the tensor it wraps. */
static dmx_status first_argument(dmx_pickled **out, dmx_machine *m,
                                 const dmx_symbol *symbol,
                                 dmx_pickled *arguments)
{
    if (arguments->as.list.count == 0)
        return opaque(out, m, symbol->full);
    *out = arguments->as.list.item[0];
    return DMX_OK;
}

/* -------------------------------------------------------------- fractions */

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Accepts both forms that versions of Python write: one string, or two
 * integers. */
static bool fraction_of(int64_t ratio[2], const dmx_pickled *arguments)
{
    const uint32_t n = arguments->as.list.count;
    dmx_pickled *const *item = arguments->as.list.item;
    if (n == 1 && item[0]->kind == DMX_PICKLED_STRING)
        return dmx_ratio_parse(ratio, item[0]->as.text.data,
                               item[0]->as.text.size);
    if (n == 0 || n > 2 || item[0]->kind != DMX_PICKLED_INT ||
        item[n - 1]->kind != DMX_PICKLED_INT)
        return false;
    ratio[0] = item[0]->as.integer;
    ratio[1] = n == 2 ? item[1]->as.integer : 1;
    return true;
}

static dmx_status fraction(dmx_pickled **out, dmx_machine *m,
                           const dmx_symbol *symbol, dmx_pickled *arguments)
{
    int64_t ratio[2];
    if (!fraction_of(ratio, arguments))
        return opaque(out, m, symbol->full);
    const int64_t p = ratio[0], q = ratio[1];
    /* INT64_MIN has no positive counterpart. */
    if (q <= 0 || p == INT64_MIN)
        return opaque(out, m, symbol->full);
    dmx_status status;
    *out = dmx_machine_new(m, DMX_PICKLED_FRACTION, &status);
    if (status != DMX_OK)
        return status;
    const int64_t divisor = common_divisor(p < 0 ? -p : p, q);
    (*out)->as.fraction.numerator = p / divisor;
    (*out)->as.fraction.denominator = q / divisor;
    return DMX_OK;
}

/* ------------------------------------------------------------ dictionaries */

static dmx_status add_pair(dmx_machine *m, dmx_pickled *dict,
                           const dmx_pickled *pair)
{
    const bool sequence =
        pair->kind == DMX_PICKLED_LIST || pair->kind == DMX_PICKLED_TUPLE;
    if (!sequence || pair->as.list.count != 2)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "a dict made of %s instead of pairs",
                                dmx_pickled_describe(pair));
    DMX_FORWARD(dmx_machine_append(m, dict, pair->as.list.item[0]));
    return dmx_machine_append(m, dict, pair->as.list.item[1]);
}

/* Items of `from`: a dict, or a list of pairs. */
static dmx_status new_dict(dmx_pickled **out, dmx_machine *m,
                           const dmx_pickled *from)
{
    dmx_status status;
    dmx_pickled *dict = dmx_machine_new(m, DMX_PICKLED_DICT, &status);
    DMX_FORWARD(status);
    dict->depth = 1;
    const bool pairs = from != NULL && (from->kind == DMX_PICKLED_LIST ||
                                        from->kind == DMX_PICKLED_TUPLE);
    const bool copy = from != NULL && from->kind == DMX_PICKLED_DICT;
    const uint32_t n = pairs || copy ? from->as.list.count : 0;
    for (uint32_t i = 0; i < n; i++)
        DMX_FORWARD(copy ? dmx_machine_append(m, dict, from->as.list.item[i])
                         : add_pair(m, dict, from->as.list.item[i]));
    *out = dict;
    return DMX_OK;
}

static dmx_status ordered_dict(dmx_pickled **out, dmx_machine *m,
                               const dmx_symbol *symbol, dmx_pickled *arguments)
{
    (void)symbol;
    const uint32_t n = arguments->as.list.count;
    return new_dict(out, m, n != 0 ? arguments->as.list.item[0] : NULL);
}

/* The first argument is the factory. */
static dmx_status default_dict(dmx_pickled **out, dmx_machine *m,
                               const dmx_symbol *symbol, dmx_pickled *arguments)
{
    (void)symbol;
    const uint32_t n = arguments->as.list.count;
    return new_dict(out, m, n > 1 ? arguments->as.list.item[1] : NULL);
}

/* --------------------------------------------------------------- dispatch */

/* An empty node; the BUILD opcode adds its content. */
static dmx_status config_node(dmx_pickled **out, dmx_machine *m,
                              const dmx_symbol *symbol, dmx_pickled *arguments)
{
    dmx_status status;
    (void)arguments;
    *out = dmx_machine_new(m, DMX_PICKLED_CONFIG, &status);
    if (status == DMX_OK)
        (*out)->as.config.name = symbol->full;
    return status;
}

typedef dmx_status constructor(dmx_pickled **out, dmx_machine *m,
                               const dmx_symbol *symbol,
                               dmx_pickled *arguments);

static const struct {
    const char *name;
    constructor *make;
} known[] = {
    {"torch._utils._rebuild_tensor", rebuild_tensor},
    {"torch._utils._rebuild_tensor_v2", rebuild_tensor},
    {"torch._utils._rebuild_parameter", first_argument},
    {"torch._utils._rebuild_parameter_with_state", first_argument},
    {"torch.Size", first_argument},
    {"fractions.Fraction", fraction},
    {"collections.OrderedDict", ordered_dict},
    {"collections.defaultdict", default_dict},
    {"builtins.dict", ordered_dict},
    {"__builtin__.dict", ordered_dict},
    {"omegaconf.dictconfig.DictConfig", config_node},
    {"omegaconf.listconfig.ListConfig", config_node},
    {"omegaconf.nodes.AnyNode", config_node},
    {"omegaconf.nodes.IntegerNode", config_node},
    {"omegaconf.nodes.FloatNode", config_node},
    {"omegaconf.nodes.BooleanNode", config_node},
    {"omegaconf.nodes.StringNode", config_node},
};

/* Unwraps a tensor with attributes: (function, class, arguments, attributes).
 * Tuples are finite, so this terminates. */
static void unwrap_subclass(dmx_pickled **callable, dmx_pickled **arguments)
{
    while ((*callable)->kind == DMX_PICKLED_SYMBOL &&
           strcmp((*callable)->as.symbol->full,
                  "torch._tensor._rebuild_from_type_v2") == 0 &&
           (*arguments)->as.list.count == 4 &&
           (*arguments)->as.list.item[2]->kind == DMX_PICKLED_TUPLE) {
        *callable = (*arguments)->as.list.item[0];
        *arguments = (*arguments)->as.list.item[2];
    }
}

dmx_status dmx_machine_construct(dmx_pickled **out, dmx_machine *m,
                                 dmx_pickled *callable, dmx_pickled *arguments)
{
    if (arguments->kind != DMX_PICKLED_TUPLE)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "constructor arguments are %s, not a tuple",
                                dmx_pickled_describe(arguments));
    unwrap_subclass(&callable, &arguments);
    if (callable->kind == DMX_PICKLED_OPAQUE)
        return opaque(out, m, callable->as.opaque);
    if (callable->kind != DMX_PICKLED_SYMBOL)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "%s is no constructor",
                                dmx_pickled_describe(callable));
    const dmx_symbol *symbol = callable->as.symbol;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(symbol->full, known[i].name) == 0)
            return known[i].make(out, m, symbol, arguments);
    return opaque(out, m, symbol->full);
}

/* --------------------------------------------------------------- storages */

static const struct {
    const char *type;
    int item_size, dtype;
} storage_types[] = {
    {"HalfStorage", 2, DMX_F16},    {"BFloat16Storage", 2, DMX_BF16},
    {"FloatStorage", 4, DMX_F32},   {"DoubleStorage", 8, DMX_F64},
    {"LongStorage", 8, DMX_I64},    {"IntStorage", 4, -1},
    {"ShortStorage", 2, -1},        {"CharStorage", 1, -1},
    {"ByteStorage", 1, -1},         {"BoolStorage", 1, -1},
    {"ComplexFloatStorage", 8, -1}, {"ComplexDoubleStorage", 16, -1},
    {"QInt8Storage", 1, -1},        {"QUInt8Storage", 1, -1},
    {"QInt32Storage", 4, -1},       {"UntypedStorage", 1, -1},
};

static void set_type(dmx_storage *s, const dmx_symbol *symbol)
{
    s->type = symbol->name;
    s->dtype = -1;
    const bool torch = strcmp(symbol->module, "torch") == 0 ||
                       strcmp(symbol->module, "torch.storage") == 0;
    for (size_t i = 0; i < sizeof storage_types / sizeof storage_types[0]; i++)
        if (torch && strcmp(symbol->name, storage_types[i].type) == 0) {
            s->item_size = storage_types[i].item_size;
            s->dtype = storage_types[i].dtype;
        }
}

/* Legacy files: (key of the view, first element, elements), or None. */
static bool set_view(dmx_storage *s, const dmx_pickled *view)
{
    s->view_size = s->count;
    if (view->kind == DMX_PICKLED_NONE)
        return true;
    dmx_pickled *const *item = view->as.list.item;
    if (view->kind != DMX_PICKLED_TUPLE || view->as.list.count != 3 ||
        item[1]->kind != DMX_PICKLED_INT || item[2]->kind != DMX_PICKLED_INT)
        return false;
    s->view = item[1]->as.integer;
    s->view_size = item[2]->as.integer;
    return s->view >= 0 && s->view_size >= 0 && s->view <= s->count &&
           s->view_size <= s->count - s->view;
}

/* ("storage", type, key, device, elements[, view]) */
static bool is_storage_id(const dmx_pickled *id)
{
    dmx_pickled *const *item = id->as.list.item;
    const uint32_t n = id->as.list.count;
    return (n == 5 || n == 6) && item[1]->kind == DMX_PICKLED_SYMBOL &&
           item[2]->kind == DMX_PICKLED_STRING &&
           item[4]->kind == DMX_PICKLED_INT;
}

static dmx_status remember_storage(dmx_machine *m, dmx_storage *s)
{
    dmx_pickle *p = m->pickle;
    if (!dmx_grow(&p->storage, &p->storage_capacity, p->n_storage + 1,
                  sizeof *p->storage))
        return dmx_machine_fail(m, DMX_ERROR_MEMORY, "no memory");
    p->storage[p->n_storage++] = s;
    return DMX_OK;
}

static dmx_status storage_of(dmx_pickled **out, dmx_machine *m,
                             const dmx_pickled *id)
{
    dmx_pickled *const *item = id->as.list.item;
    dmx_storage *s = dmx_arena_alloc(&m->pickle->arena, 1, sizeof *s);
    if (s == NULL)
        return dmx_machine_fail(m, DMX_ERROR_MEMORY, "no memory");
    s->key = item[2]->as.text.data;
    s->key_size = item[2]->as.text.size;
    s->count = item[4]->as.integer;
    s->view_size = s->count;
    s->at = m->pickle->base + m->op;
    set_type(s, item[1]->as.symbol);
    if (s->count < 0 || (id->as.list.count == 6 && !set_view(s, item[5])))
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "a storage of an impossible size");
    dmx_status status;
    *out = dmx_machine_new(m, DMX_PICKLED_STORAGE, &status);
    DMX_FORWARD(status);
    (*out)->as.storage = s;
    return remember_storage(m, s);
}

dmx_status dmx_machine_persistent(dmx_pickled **out, dmx_machine *m,
                                  dmx_pickled *id)
{
    const bool tuple = id->kind == DMX_PICKLED_TUPLE && id->as.list.count >= 2;
    dmx_pickled *const *item = id->as.list.item;
    if (tuple && dmx_pickled_is(item[0], "storage") && is_storage_id(id))
        return storage_of(out, m, id);
    /* In legacy files the name of a class comes with its source text. */
    if (tuple && dmx_pickled_is(item[0], "module") &&
        item[1]->kind == DMX_PICKLED_SYMBOL) {
        *out = item[1];
        return DMX_OK;
    }
    return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                            "a persistent id that torch.save does not write");
}
