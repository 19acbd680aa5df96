/* One function per opcode. Each reads its argument, checks the stack and
 * leaves the machine as CPython's unpickler would, minus the execution. */
#include "checkpoint/pickle_machine.h"
#include "checkpoint/bytes.h"
#include "checkpoint/pickle_text.h"

#include <string.h>

/* ------------------------------------------------------ reading arguments */

static dmx_status need(dmx_machine *m, uint64_t n)
{
    if (n > m->end - m->pos)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "truncated: needs %llu bytes, %zu are left",
                                (unsigned long long)n, m->end - m->pos);
    return DMX_OK;
}

/* An unsigned little-endian number of n <= 8 bytes. */
static dmx_status number(uint64_t *out, dmx_machine *m, size_t n)
{
    DMX_FORWARD(need(m, n));
    *out = 0;
    for (size_t i = n; i-- > 0;)
        *out = *out << 8 | m->data[m->pos + i];
    m->pos += n;
    return DMX_OK;
}

/* ------------------------------------------------------------- the stack */

static dmx_status push(dmx_machine *m, dmx_pickled *v)
{
    if (m->n_stack >= DMX_PICKLE_MAX_STACK)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "more than %zu values on the stack",
                                DMX_PICKLE_MAX_STACK);
    if (!dmx_grow(&m->stack, &m->stack_capacity, m->n_stack + 1,
                  sizeof(dmx_pickled *)))
        return dmx_machine_fail(m, DMX_ERROR_MEMORY, "no memory");
    m->stack[m->n_stack++] = v;
    return DMX_OK;
}

/* Nothing below the innermost mark may be touched. */
static size_t floor_of(const dmx_machine *m)
{
    return m->n_mark == 0 ? 0 : m->mark[m->n_mark - 1];
}

static dmx_status want(dmx_machine *m, size_t n)
{
    if (m->n_stack - floor_of(m) < n)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "needs %zu values on the stack", n);
    return DMX_OK;
}

static dmx_status pop(dmx_pickled **out, dmx_machine *m)
{
    DMX_FORWARD(want(m, 1));
    *out = m->stack[--m->n_stack];
    return DMX_OK;
}

/* Removes the innermost mark; the values above it start at stack[*first]. */
static dmx_status pop_mark(size_t *first, dmx_machine *m)
{
    if (m->n_mark == 0)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "no mark on the stack");
    *first = m->mark[--m->n_mark];
    return DMX_OK;
}

static dmx_status push_new(dmx_pickled **out, dmx_machine *m,
                           dmx_pickled_kind kind)
{
    dmx_status status;
    *out = dmx_machine_new(m, kind, &status);
    return status != DMX_OK ? status : push(m, *out);
}

static dmx_status push_integer(dmx_machine *m, int64_t x)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(push_new(&v, m, DMX_PICKLED_INT));
    v->as.integer = x;
    return DMX_OK;
}

static dmx_status push_opaque(dmx_machine *m, const char *name)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(push_new(&v, m, DMX_PICKLED_OPAQUE));
    v->as.opaque = name;
    return DMX_OK;
}

static dmx_status push_boolean(dmx_machine *m, bool x)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(push_new(&v, m, DMX_PICKLED_BOOL));
    v->as.boolean = x;
    return DMX_OK;
}

static dmx_status push_real(dmx_machine *m, double x)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(push_new(&v, m, DMX_PICKLED_FLOAT));
    v->as.real = x;
    return DMX_OK;
}

/* The values from stack[first] on become one list, tuple or dict. */
static dmx_status gather(dmx_machine *m, dmx_pickled_kind kind, size_t first)
{
    dmx_status status;
    dmx_pickled *v = dmx_machine_new(m, kind, &status);
    DMX_FORWARD(status);
    v->depth = 1;
    for (size_t i = first; i < m->n_stack; i++)
        DMX_FORWARD(dmx_machine_append(m, v, m->stack[i]));
    m->n_stack = first;
    return push(m, v);
}

static dmx_status gather_marked(dmx_machine *m, dmx_pickled_kind kind)
{
    size_t first = 0;
    DMX_FORWARD(pop_mark(&first, m));
    if (kind == DMX_PICKLED_DICT && (m->n_stack - first) % 2 != 0)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "a key without a value");
    return gather(m, kind, first);
}

static dmx_status gather_last(dmx_machine *m, size_t n)
{
    DMX_FORWARD(want(m, n));
    return gather(m, DMX_PICKLED_TUPLE, m->n_stack - n);
}

/* ------------------------------------------------- framing, stack, memo */

static dmx_status op_proto(dmx_machine *m)
{
    uint64_t version = 0;
    DMX_FORWARD(number(&version, m, 1));
    if (version < 2 || version > 5)
        return dmx_machine_fail(m, DMX_ERROR_UNSUPPORTED,
                                "protocol %u; 2 to 5 are read",
                                (unsigned)version);
    m->pickle->protocol = (int)version;
    return DMX_OK;
}

static dmx_status op_frame(dmx_machine *m)
{
    uint64_t size = 0;
    DMX_FORWARD(number(&size, m, 8));
    return need(m, size);
}

static dmx_status op_stop(dmx_machine *m)
{
    if (m->n_mark != 0 || m->n_stack != 1)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "%zu values left on the stack instead of one",
                                m->n_stack);
    m->stopped = true;
    return DMX_OK;
}

static dmx_status op_mark(dmx_machine *m)
{
    if (m->n_mark == DMX_PICKLE_MAX_DEPTH)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT, "nested deeper than %u",
                                DMX_PICKLE_MAX_DEPTH);
    m->mark[m->n_mark++] = m->n_stack;
    return DMX_OK;
}

/* CPython: POP on an empty frame removes the mark. */
static dmx_status op_pop(dmx_machine *m)
{
    dmx_pickled *v = NULL;
    if (m->n_mark != 0 && m->n_stack == floor_of(m)) {
        m->n_mark--;
        return DMX_OK;
    }
    return pop(&v, m);
}

static dmx_status op_pop_mark(dmx_machine *m)
{
    return pop_mark(&m->n_stack, m);
}

static dmx_status op_dup(dmx_machine *m)
{
    DMX_FORWARD(want(m, 1));
    return push(m, m->stack[m->n_stack - 1]);
}

static dmx_status memo_put(dmx_machine *m, uint64_t index)
{
    DMX_FORWARD(want(m, 1));
    if (index >= DMX_PICKLE_MAX_MEMO)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "memo entry %llu; the limit is %zu",
                                (unsigned long long)index, DMX_PICKLE_MAX_MEMO);
    if (!dmx_grow(&m->memo, &m->memo_capacity, (size_t)index + 1,
                  sizeof(dmx_pickled *)))
        return dmx_machine_fail(m, DMX_ERROR_MEMORY, "no memory");
    while (m->n_memo <= index)
        m->memo[m->n_memo++] = NULL;
    m->memo_used += m->memo[index] == NULL;
    m->memo[index] = m->stack[m->n_stack - 1];
    return DMX_OK;
}

static dmx_status memo_get(dmx_machine *m, uint64_t index)
{
    if (index >= m->n_memo || m->memo[index] == NULL)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "memo entry %llu does not exist",
                                (unsigned long long)index);
    return push(m, m->memo[index]);
}

static dmx_status op_binput(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(number(&index, m, 1));
    return memo_put(m, index);
}

static dmx_status op_long_binput(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(number(&index, m, 4));
    return memo_put(m, index);
}

static dmx_status op_memoize(dmx_machine *m)
{
    return memo_put(m, m->memo_used);
}

static dmx_status op_binget(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(number(&index, m, 1));
    return memo_get(m, index);
}

static dmx_status op_long_binget(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(number(&index, m, 4));
    return memo_get(m, index);
}

/* ---------------------------------------------------------------- scalars */

static dmx_status op_none(dmx_machine *m)
{
    dmx_pickled *v = NULL;
    return push_new(&v, m, DMX_PICKLED_NONE);
}

static dmx_status op_true(dmx_machine *m)
{
    return push_boolean(m, true);
}

static dmx_status op_false(dmx_machine *m)
{
    return push_boolean(m, false);
}

static dmx_status op_binint(dmx_machine *m)
{
    uint64_t x = 0;
    DMX_FORWARD(number(&x, m, 4));
    return push_integer(m, (int32_t)(uint32_t)x);
}

static dmx_status op_binint1(dmx_machine *m)
{
    uint64_t x = 0;
    DMX_FORWARD(number(&x, m, 1));
    return push_integer(m, (int64_t)x);
}

static dmx_status op_binint2(dmx_machine *m)
{
    uint64_t x = 0;
    DMX_FORWARD(number(&x, m, 2));
    return push_integer(m, (int64_t)x);
}

/* n bytes, two's complement; what exceeds int64 is an opaque number. */
static dmx_status long_of(dmx_machine *m, uint64_t n)
{
    DMX_FORWARD(need(m, n));
    const unsigned char *p = m->data + m->pos;
    m->pos += (size_t)n;
    if (n > 8)
        return push_opaque(m, "builtins.int");
    uint64_t x = n != 0 && (p[n - 1] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = (size_t)n; i-- > 0;)
        x = x << 8 | p[i];
    return push_integer(m, (int64_t)x);
}

static dmx_status op_long1(dmx_machine *m)
{
    uint64_t n = 0;
    DMX_FORWARD(number(&n, m, 1));
    return long_of(m, n);
}

static dmx_status op_long4(dmx_machine *m)
{
    uint64_t n = 0;
    DMX_FORWARD(number(&n, m, 4));
    if (n > INT32_MAX)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "a negative length");
    return long_of(m, n);
}

/* Big-endian IEEE 754 double. */
static dmx_status op_binfloat(dmx_machine *m)
{
    DMX_FORWARD(need(m, 8));
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | m->data[m->pos + i];
    m->pos += 8;
    double x;
    memcpy(&x, &bits, sizeof x);
    return push_real(m, x);
}

/* ------------------------------------------------------ strings and bytes */

static dmx_status text_of(dmx_machine *m, dmx_pickled_kind kind, size_t width)
{
    uint64_t n = 0;
    DMX_FORWARD(number(&n, m, width));
    DMX_FORWARD(need(m, n));
    if (n > DMX_PICKLE_MAX_STRING)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "a string of %llu bytes; the limit is %zu",
                                (unsigned long long)n, DMX_PICKLE_MAX_STRING);
    dmx_pickled *v = NULL;
    DMX_FORWARD(push_new(&v, m, kind));
    v->as.text.data = (const char *)m->data + m->pos;
    v->as.text.size = (size_t)n;
    m->pos += (size_t)n;
    return DMX_OK;
}

static dmx_status op_string1(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_STRING, 1);
}

static dmx_status op_string4(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_STRING, 4);
}

static dmx_status op_string8(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_STRING, 8);
}

static dmx_status op_bytes1(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_BYTES, 1);
}

static dmx_status op_bytes4(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_BYTES, 4);
}

static dmx_status op_bytes8(dmx_machine *m)
{
    return text_of(m, DMX_PICKLED_BYTES, 8);
}

/* ------------------------------------------- the text opcodes of protocol 0 */

/* The argument up to a newline, which is consumed but not part of it. */
static dmx_status line(const char **text, size_t *size, dmx_machine *m)
{
    const size_t left = m->end - m->pos;
    const unsigned char *p = m->data + m->pos;
    const unsigned char *end = left != 0 ? memchr(p, '\n', left) : NULL;
    if (end == NULL)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "truncated: a line without an end");
    *text = (const char *)p;
    *size = (size_t)(end - p);
    if (*size > DMX_PICKLE_MAX_STRING)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT, "a line of %zu bytes",
                                *size);
    m->pos += *size + 1;
    return DMX_OK;
}

static dmx_status bad_line(dmx_machine *m, const char *text, size_t size)
{
    char shown[64];
    return dmx_machine_fail(m, DMX_ERROR_FORMAT, "malformed argument: %s",
                            dmx_text_show(shown, sizeof shown, text, size));
}

static dmx_status decimal(dmx_machine *m, const char *text, size_t size)
{
    int64_t x;
    const dmx_parsed parsed = dmx_parse_decimal(&x, text, size);
    if (parsed == DMX_PARSED_HUGE)
        return push_opaque(m, "builtins.int");
    return parsed == DMX_PARSED ? push_integer(m, x) : bad_line(m, text, size);
}

static dmx_status op_int(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    DMX_FORWARD(line(&text, &size, m));
    if (size == 2 && text[0] == '0' && (text[1] == '0' || text[1] == '1'))
        return push_boolean(m, text[1] == '1');
    return decimal(m, text, size);
}

static dmx_status op_long(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    DMX_FORWARD(line(&text, &size, m));
    return decimal(m, text, size - (size != 0 && text[size - 1] == 'L'));
}

static dmx_status op_float(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    double x;
    DMX_FORWARD(line(&text, &size, m));
    return dmx_parse_real(&x, text, size) ? push_real(m, x)
                                          : bad_line(m, text, size);
}

static dmx_status escaped(dmx_machine *m, dmx_unescape *unescape,
                          const char *text, size_t size)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(push_new(&v, m, DMX_PICKLED_STRING));
    char *plain = dmx_arena_strndup(&m->pickle->arena, text, size);
    if (plain == NULL)
        return dmx_machine_fail(m, DMX_ERROR_MEMORY, "no memory");
    if (!unescape(plain, &v->as.text.size, text, size))
        return bad_line(m, text, size);
    v->as.text.data = plain;
    return DMX_OK;
}

static dmx_status op_string(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    DMX_FORWARD(line(&text, &size, m));
    if (size < 2 || (text[0] != '\'' && text[0] != '"') ||
        text[size - 1] != text[0])
        return bad_line(m, text, size);
    return escaped(m, dmx_unescape_bytes, text + 1, size - 2);
}

static dmx_status op_unicode(dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    DMX_FORWARD(line(&text, &size, m));
    return escaped(m, dmx_unescape_unicode, text, size);
}

static dmx_status text_index(uint64_t *out, dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    int64_t x;
    DMX_FORWARD(line(&text, &size, m));
    if (dmx_parse_decimal(&x, text, size) != DMX_PARSED || x < 0)
        return bad_line(m, text, size);
    *out = (uint64_t)x;
    return DMX_OK;
}

static dmx_status op_get(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(text_index(&index, m));
    return memo_get(m, index);
}

static dmx_status op_put(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(text_index(&index, m));
    return memo_put(m, index);
}

/* ------------------------------------------------------------- containers */

static dmx_status op_empty_list(dmx_machine *m)
{
    return gather(m, DMX_PICKLED_LIST, m->n_stack);
}

static dmx_status op_empty_tuple(dmx_machine *m)
{
    return gather(m, DMX_PICKLED_TUPLE, m->n_stack);
}

static dmx_status op_empty_dict(dmx_machine *m)
{
    return gather(m, DMX_PICKLED_DICT, m->n_stack);
}

static dmx_status op_list(dmx_machine *m)
{
    return gather_marked(m, DMX_PICKLED_LIST);
}

static dmx_status op_tuple(dmx_machine *m)
{
    return gather_marked(m, DMX_PICKLED_TUPLE);
}

static dmx_status op_dict(dmx_machine *m)
{
    return gather_marked(m, DMX_PICKLED_DICT);
}

static dmx_status op_tuple1(dmx_machine *m)
{
    return gather_last(m, 1);
}

static dmx_status op_tuple2(dmx_machine *m)
{
    return gather_last(m, 2);
}

static dmx_status op_tuple3(dmx_machine *m)
{
    return gather_last(m, 3);
}

/* Moves stack[first...] into the container below; objects that we do not
 * model swallow them. */
static dmx_status extend(dmx_machine *m, dmx_pickled_kind kind, size_t first)
{
    if (first == floor_of(m))
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "no container on the stack");
    dmx_pickled *into = m->stack[first - 1];
    if (into->kind != kind && into->kind != DMX_PICKLED_OPAQUE &&
        into->kind != DMX_PICKLED_CONFIG)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "can't add items to %s",
                                dmx_pickled_describe(into));
    if (kind == DMX_PICKLED_DICT && (m->n_stack - first) % 2 != 0)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "a key without a value");
    for (size_t i = first; i < m->n_stack && into->kind == kind; i++)
        DMX_FORWARD(dmx_machine_append(m, into, m->stack[i]));
    m->n_stack = first;
    return DMX_OK;
}

static dmx_status op_append(dmx_machine *m)
{
    DMX_FORWARD(want(m, 2));
    return extend(m, DMX_PICKLED_LIST, m->n_stack - 1);
}

static dmx_status op_appends(dmx_machine *m)
{
    size_t first = 0;
    DMX_FORWARD(pop_mark(&first, m));
    return extend(m, DMX_PICKLED_LIST, first);
}

static dmx_status op_setitem(dmx_machine *m)
{
    DMX_FORWARD(want(m, 3));
    return extend(m, DMX_PICKLED_DICT, m->n_stack - 2);
}

static dmx_status op_setitems(dmx_machine *m)
{
    size_t first = 0;
    DMX_FORWARD(pop_mark(&first, m));
    return extend(m, DMX_PICKLED_DICT, first);
}

/* Sets are never part of a model: they stay opaque and swallow their items. */
static dmx_status op_empty_set(dmx_machine *m)
{
    return push_opaque(m, "builtins.set");
}

static dmx_status op_additems(dmx_machine *m)
{
    size_t first = 0;
    DMX_FORWARD(pop_mark(&first, m));
    if (first == floor_of(m) || m->stack[first - 1]->kind != DMX_PICKLED_OPAQUE)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "no set on the stack");
    m->n_stack = first;
    return DMX_OK;
}

static dmx_status op_frozenset(dmx_machine *m)
{
    DMX_FORWARD(pop_mark(&m->n_stack, m));
    return push_opaque(m, "builtins.frozenset");
}

/* ---------------------------------------------------- classes and objects */

static dmx_status push_symbol(dmx_machine *m, const char *module,
                              size_t module_size, const char *name,
                              size_t name_size)
{
    const dmx_symbol *symbol = NULL;
    DMX_FORWARD(
        dmx_machine_symbol(&symbol, m, module, module_size, name, name_size));
    dmx_pickled *v = NULL;
    DMX_FORWARD(push_new(&v, m, DMX_PICKLED_SYMBOL));
    v->as.symbol = symbol;
    return DMX_OK;
}

static dmx_status op_global(dmx_machine *m)
{
    const char *module = NULL, *name = NULL;
    size_t module_size = 0, name_size = 0;
    DMX_FORWARD(line(&module, &module_size, m));
    DMX_FORWARD(line(&name, &name_size, m));
    return push_symbol(m, module, module_size, name, name_size);
}

static dmx_status op_stack_global(dmx_machine *m)
{
    dmx_pickled *name = NULL, *module = NULL;
    DMX_FORWARD(want(m, 2));
    DMX_FORWARD(pop(&name, m));
    DMX_FORWARD(pop(&module, m));
    if (name->kind != DMX_PICKLED_STRING || module->kind != DMX_PICKLED_STRING)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "a class name that is no string");
    return push_symbol(m, module->as.text.data, module->as.text.size,
                       name->as.text.data, name->as.text.size);
}

static dmx_status construct(dmx_machine *m, dmx_pickled *callable,
                            dmx_pickled *arguments)
{
    dmx_pickled *v = NULL;
    DMX_FORWARD(dmx_machine_construct(&v, m, callable, arguments));
    return push(m, v);
}

static dmx_status op_reduce(dmx_machine *m)
{
    dmx_pickled *callable = NULL, *arguments = NULL;
    DMX_FORWARD(want(m, 2));
    DMX_FORWARD(pop(&arguments, m));
    DMX_FORWARD(pop(&callable, m));
    return construct(m, callable, arguments);
}

static dmx_status op_newobj_ex(dmx_machine *m)
{
    dmx_pickled *keywords = NULL;
    DMX_FORWARD(want(m, 3));
    DMX_FORWARD(pop(&keywords, m));
    if (keywords->kind != DMX_PICKLED_DICT)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "keyword arguments are no dict");
    return op_reduce(m);
}

static dmx_status op_inst(dmx_machine *m)
{
    DMX_FORWARD(gather_marked(m, DMX_PICKLED_TUPLE));
    DMX_FORWARD(op_global(m));
    dmx_pickled *callable = NULL, *arguments = NULL;
    DMX_FORWARD(pop(&callable, m));
    DMX_FORWARD(pop(&arguments, m));
    return construct(m, callable, arguments);
}

static dmx_status op_obj(dmx_machine *m)
{
    size_t first = 0;
    DMX_FORWARD(pop_mark(&first, m));
    if (first == m->n_stack)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "no class on the stack");
    DMX_FORWARD(gather(m, DMX_PICKLED_TUPLE, first + 1));
    return op_reduce(m);
}

/* An object's __dict__ or __setstate__ argument. A dict keeps its items (a
 * state dict's _metadata is no weight); of ours only a configuration node has
 * a state, which may lead back to the node. */
static dmx_status op_build(dmx_machine *m)
{
    dmx_pickled *state = NULL;
    DMX_FORWARD(want(m, 2));
    DMX_FORWARD(pop(&state, m));
    dmx_pickled *object = m->stack[m->n_stack - 1];
    if (object->kind == DMX_PICKLED_CONFIG)
        object->as.config.state =
            state->kind == DMX_PICKLED_DICT ? state : NULL;
    return DMX_OK;
}

static dmx_status op_binpersid(dmx_machine *m)
{
    dmx_pickled *id, *v = NULL;
    DMX_FORWARD(pop(&id, m));
    DMX_FORWARD(dmx_machine_persistent(&v, m, id));
    return push(m, v);
}

static dmx_status op_refused(dmx_machine *m)
{
    return dmx_machine_fail(m, DMX_ERROR_UNSUPPORTED,
                            "torch.save never writes this opcode; refused");
}

static const dmx_opcode table[256] = {
    ['('] = {"MARK", op_mark},
    [')'] = {"EMPTY_TUPLE", op_empty_tuple},
    ['.'] = {"STOP", op_stop},
    ['0'] = {"POP", op_pop},
    ['1'] = {"POP_MARK", op_pop_mark},
    ['2'] = {"DUP", op_dup},
    ['B'] = {"BINBYTES", op_bytes4},
    ['C'] = {"SHORT_BINBYTES", op_bytes1},
    ['F'] = {"FLOAT", op_float},
    ['G'] = {"BINFLOAT", op_binfloat},
    ['I'] = {"INT", op_int},
    ['J'] = {"BININT", op_binint},
    ['K'] = {"BININT1", op_binint1},
    ['L'] = {"LONG", op_long},
    ['M'] = {"BININT2", op_binint2},
    ['N'] = {"NONE", op_none},
    ['P'] = {"PERSID", op_refused},
    ['Q'] = {"BINPERSID", op_binpersid},
    ['R'] = {"REDUCE", op_reduce},
    ['S'] = {"STRING", op_string},
    ['T'] = {"BINSTRING", op_string4},
    ['U'] = {"SHORT_BINSTRING", op_string1},
    ['V'] = {"UNICODE", op_unicode},
    ['X'] = {"BINUNICODE", op_string4},
    [']'] = {"EMPTY_LIST", op_empty_list},
    ['a'] = {"APPEND", op_append},
    ['b'] = {"BUILD", op_build},
    ['c'] = {"GLOBAL", op_global},
    ['d'] = {"DICT", op_dict},
    ['e'] = {"APPENDS", op_appends},
    ['g'] = {"GET", op_get},
    ['h'] = {"BINGET", op_binget},
    ['i'] = {"INST", op_inst},
    ['j'] = {"LONG_BINGET", op_long_binget},
    ['l'] = {"LIST", op_list},
    ['o'] = {"OBJ", op_obj},
    ['p'] = {"PUT", op_put},
    ['q'] = {"BINPUT", op_binput},
    ['r'] = {"LONG_BINPUT", op_long_binput},
    ['s'] = {"SETITEM", op_setitem},
    ['t'] = {"TUPLE", op_tuple},
    ['u'] = {"SETITEMS", op_setitems},
    ['}'] = {"EMPTY_DICT", op_empty_dict},
    [0x80] = {"PROTO", op_proto},
    [0x81] = {"NEWOBJ", op_reduce},
    [0x82] = {"EXT1", op_refused},
    [0x83] = {"EXT2", op_refused},
    [0x84] = {"EXT4", op_refused},
    [0x85] = {"TUPLE1", op_tuple1},
    [0x86] = {"TUPLE2", op_tuple2},
    [0x87] = {"TUPLE3", op_tuple3},
    [0x88] = {"NEWTRUE", op_true},
    [0x89] = {"NEWFALSE", op_false},
    [0x8a] = {"LONG1", op_long1},
    [0x8b] = {"LONG4", op_long4},
    [0x8c] = {"SHORT_BINUNICODE", op_string1},
    [0x8d] = {"BINUNICODE8", op_string8},
    [0x8e] = {"BINBYTES8", op_bytes8},
    [0x8f] = {"EMPTY_SET", op_empty_set},
    [0x90] = {"ADDITEMS", op_additems},
    [0x91] = {"FROZENSET", op_frozenset},
    [0x92] = {"NEWOBJ_EX", op_newobj_ex},
    [0x93] = {"STACK_GLOBAL", op_stack_global},
    [0x94] = {"MEMOIZE", op_memoize},
    [0x95] = {"FRAME", op_frame},
    [0x96] = {"BYTEARRAY8", op_bytes8},
    [0x97] = {"NEXT_BUFFER", op_refused},
    [0x98] = {"READONLY_BUFFER", op_refused},
};

const dmx_opcode *dmx_machine_opcode(unsigned char byte)
{
    return &table[byte];
}
