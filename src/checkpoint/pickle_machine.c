#include "checkpoint/pickle_machine.h"
#include "checkpoint/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dmx_pickle_open(dmx_pickle *p)
{
    *p = (dmx_pickle){.arena = {.limit = DMX_PICKLE_MAX_MEMORY}};
}

void dmx_pickle_close(dmx_pickle *p)
{
    dmx_arena_free(&p->arena);
    free(p->storage);
    *p = (dmx_pickle){0};
}

dmx_status dmx_machine_fail(dmx_machine *m, dmx_status code, const char *fmt,
                            ...)
{
    char what[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    const dmx_opcode *op =
        m->op < m->end ? dmx_machine_opcode(m->data[m->op]) : NULL;
    const size_t at = m->pickle->base + m->op;
    return dmx_fail_at(m->err, code, (int64_t)at, "pickle at byte %zu%s%s: %s",
                       at, op != NULL && op->run != NULL ? ", opcode " : "",
                       op != NULL && op->run != NULL ? op->name : "", what);
}

static dmx_status no_memory(dmx_machine *m)
{
    if (m->pickle->arena.used > DMX_PICKLE_MAX_MEMORY / 2)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "its values exceed the budget of %zu MiB",
                                DMX_PICKLE_MAX_MEMORY >> 20);
    return dmx_machine_fail(m, DMX_ERROR_MEMORY, "no memory");
}

dmx_pickled *dmx_machine_new(dmx_machine *m, dmx_pickled_kind kind,
                             dmx_status *status)
{
    dmx_pickled *v = dmx_arena_alloc(&m->pickle->arena, 1, sizeof *v);
    *status = DMX_OK;
    if (v != NULL)
        v->kind = (uint8_t)kind;
    else
        *status = no_memory(m);
    return v;
}

/* Arrays double inside the arena; the old copies together take no more than the
 * last one. */
static dmx_status reserve(dmx_machine *m, dmx_pickled *list)
{
    if (list->as.list.count < list->as.list.capacity)
        return DMX_OK;
    const uint32_t wanted =
        list->as.list.capacity == 0 ? 4 : 2 * list->as.list.capacity;
    dmx_pickled **grown =
        dmx_arena_alloc(&m->pickle->arena, wanted, sizeof *grown);
    if (grown == NULL)
        return no_memory(m);
    if (list->as.list.count != 0)
        memcpy(grown, list->as.list.item, list->as.list.count * sizeof *grown);
    list->as.list.item = grown;
    list->as.list.capacity = wanted;
    return DMX_OK;
}

dmx_status dmx_machine_append(dmx_machine *m, dmx_pickled *list,
                              dmx_pickled *item)
{
    if (list->as.list.count >= DMX_PICKLE_MAX_OPCODES)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "more than %zu items in one container",
                                DMX_PICKLE_MAX_OPCODES);
    DMX_FORWARD(reserve(m, list));
    list->as.list.item[list->as.list.count++] = item;
    if (item->depth + 1 > list->depth)
        list->depth = item->depth + 1;
    if (list->depth > DMX_PICKLE_MAX_DEPTH)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "values nested deeper than %u",
                                DMX_PICKLE_MAX_DEPTH);
    return DMX_OK;
}

static bool same_symbol(const dmx_symbol *s, const char *module,
                        size_t module_size, const char *name, size_t name_size)
{
    return s->full_size == module_size + 1 + name_size &&
           memcmp(s->full + module_size + 1, name, name_size) == 0 &&
           memcmp(s->full, module, module_size) == 0 &&
           s->module[module_size] == '\0';
}

static dmx_status new_symbol(dmx_symbol **out, dmx_machine *m,
                             const char *module, size_t module_size,
                             const char *name, size_t name_size)
{
    dmx_arena *arena = &m->pickle->arena;
    dmx_symbol *s = dmx_arena_alloc(arena, 1, sizeof *s);
    char *full = dmx_arena_alloc(arena, module_size + name_size + 2, 1);
    if (s == NULL || full == NULL)
        return no_memory(m);
    memcpy(full, module, module_size);
    full[module_size] = '.';
    memcpy(full + module_size + 1, name, name_size);
    s->module = dmx_arena_strndup(arena, module, module_size);
    s->name = full + module_size + 1;
    s->full = full;
    s->full_size = module_size + 1 + name_size;
    if (s->module == NULL)
        return no_memory(m);
    *out = s;
    return DMX_OK;
}

dmx_status dmx_machine_symbol(const dmx_symbol **out, dmx_machine *m,
                              const char *module, size_t module_size,
                              const char *name, size_t name_size)
{
    dmx_pickle *p = m->pickle;
    for (size_t i = 0; i < p->n_symbol; i++)
        if (same_symbol(p->symbol[i], module, module_size, name, name_size)) {
            *out = p->symbol[i];
            return DMX_OK;
        }
    if (name_size == 0 || module_size == 0 ||
        !dmx_text_clean(module, module_size) ||
        !dmx_text_clean(name, name_size))
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "a class name that is none");
    if (module_size + name_size > DMX_PICKLE_MAX_NAME)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "a class name of %zu bytes; the limit is %zu",
                                module_size + name_size, DMX_PICKLE_MAX_NAME);
    if (p->n_symbol == DMX_PICKLE_MAX_SYMBOLS)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT,
                                "more than %zu different class names",
                                DMX_PICKLE_MAX_SYMBOLS);
    dmx_symbol *s = NULL;
    DMX_FORWARD(new_symbol(&s, m, module, module_size, name, name_size));
    p->symbol[p->n_symbol++] = s;
    *out = s;
    return DMX_OK;
}

static dmx_status step(dmx_machine *m)
{
    m->op = m->pos;
    if (m->pos >= m->end)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "truncated: it ends without a STOP");
    if (m->pickle->opcodes++ >= DMX_PICKLE_MAX_OPCODES)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT, "more than %zu opcodes",
                                DMX_PICKLE_MAX_OPCODES);
    const unsigned char byte = m->data[m->pos++];
    const dmx_opcode *op = dmx_machine_opcode(byte);
    if (op->run == NULL)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT, "0x%02x is not an opcode",
                                byte);
    return op->run(m);
}

static dmx_status run(dmx_pickled **out, dmx_machine *m)
{
    const size_t at = m->pickle->base + m->pos;
    if (m->end - m->pos > DMX_PICKLE_MAX_BYTES)
        return dmx_fail_at(m->err, DMX_ERROR_LIMIT, (int64_t)at,
                           "pickle at byte %zu: %zu bytes; the limit is %zu",
                           at, m->end - m->pos, DMX_PICKLE_MAX_BYTES);
    if (m->end - m->pos < 2 || m->data[m->pos] != 0x80)
        return dmx_fail_at(m->err, DMX_ERROR_FORMAT, (int64_t)at,
                           "no pickle of protocol 2 to 5 at byte %zu", at);
    while (!m->stopped)
        DMX_FORWARD(step(m));
    *out = m->stack[m->n_stack - 1];
    return DMX_OK;
}

dmx_status dmx_pickle_run(dmx_pickled **out, dmx_pickle *p,
                          const unsigned char *data, size_t *at, size_t end,
                          dmx_error *err)
{
    dmx_machine *m = calloc(1, sizeof *m);
    DMX_RETURN_IF(m == NULL, err, DMX_ERROR_MEMORY, "no memory for a pickle");
    m->pickle = p;
    m->data = data;
    m->pos = m->op = *at;
    m->end = end;
    m->err = err;
    const dmx_status status = run(out, m);
    *at = m->pos;
    free(m->stack);
    free(m->memo);
    free(m);
    return status;
}
