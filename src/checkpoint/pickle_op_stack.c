/* Opcodes of framing, stack and memo. */
#include "checkpoint/pickle_opcodes.h"
#include "checkpoint/pickle_stack.h"
#include "checkpoint/pickle_text.h"

dmx_status dmx_pickle_op_proto(dmx_machine *m)
{
    uint64_t version = 0;
    DMX_FORWARD(dmx_machine_number(&version, m, 1));
    if (version < 2 || version > 5)
        return dmx_machine_fail(m, DMX_ERROR_UNSUPPORTED,
                                "protocol %u; 2 to 5 are read",
                                (unsigned)version);
    m->pickle->protocol = (int)version;
    return DMX_OK;
}

dmx_status dmx_pickle_op_frame(dmx_machine *m)
{
    uint64_t size = 0;
    DMX_FORWARD(dmx_machine_number(&size, m, 8));
    return dmx_machine_need(m, size);
}

dmx_status dmx_pickle_op_stop(dmx_machine *m)
{
    if (m->n_mark != 0 || m->n_stack != 1)
        return dmx_machine_fail(m, DMX_ERROR_FORMAT,
                                "%zu values left on the stack instead of one",
                                m->n_stack);
    m->stopped = true;
    return DMX_OK;
}

dmx_status dmx_pickle_op_mark(dmx_machine *m)
{
    if (m->n_mark == DMX_PICKLE_MAX_DEPTH)
        return dmx_machine_fail(m, DMX_ERROR_LIMIT, "nested deeper than %u",
                                DMX_PICKLE_MAX_DEPTH);
    m->mark[m->n_mark++] = m->n_stack;
    return DMX_OK;
}

/* CPython: POP on an empty frame removes the mark. */
dmx_status dmx_pickle_op_pop(dmx_machine *m)
{
    dmx_pickled *v = NULL;
    if (m->n_mark != 0 && m->n_stack == dmx_machine_floor(m)) {
        m->n_mark--;
        return DMX_OK;
    }
    return dmx_machine_pop(&v, m);
}

dmx_status dmx_pickle_op_pop_mark(dmx_machine *m)
{
    return dmx_machine_pop_mark(&m->n_stack, m);
}

dmx_status dmx_pickle_op_dup(dmx_machine *m)
{
    DMX_FORWARD(dmx_machine_want(m, 1));
    return dmx_machine_push(m, m->stack[m->n_stack - 1]);
}

static dmx_status memo_put(dmx_machine *m, uint64_t index)
{
    DMX_FORWARD(dmx_machine_want(m, 1));
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
    return dmx_machine_push(m, m->memo[index]);
}

dmx_status dmx_pickle_op_binput(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(dmx_machine_number(&index, m, 1));
    return memo_put(m, index);
}

dmx_status dmx_pickle_op_long_binput(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(dmx_machine_number(&index, m, 4));
    return memo_put(m, index);
}

dmx_status dmx_pickle_op_memoize(dmx_machine *m)
{
    return memo_put(m, m->memo_used);
}

dmx_status dmx_pickle_op_binget(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(dmx_machine_number(&index, m, 1));
    return memo_get(m, index);
}

dmx_status dmx_pickle_op_long_binget(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(dmx_machine_number(&index, m, 4));
    return memo_get(m, index);
}

static dmx_status text_index(uint64_t *out, dmx_machine *m)
{
    const char *text = NULL;
    size_t size = 0;
    int64_t x;
    DMX_FORWARD(dmx_machine_line(&text, &size, m));
    if (dmx_parse_decimal(&x, text, size) != DMX_PARSED || x < 0)
        return dmx_machine_bad_line(m, text, size);
    *out = (uint64_t)x;
    return DMX_OK;
}

dmx_status dmx_pickle_op_get(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(text_index(&index, m));
    return memo_get(m, index);
}

dmx_status dmx_pickle_op_put(dmx_machine *m)
{
    uint64_t index = 0;
    DMX_FORWARD(text_index(&index, m));
    return memo_put(m, index);
}
