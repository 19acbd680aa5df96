/* The table of operations in C. */
#include "graph/operation.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ANY             INT_MAX
#define PLACE_IN_PLACE  true
#define PLACE_ELSEWHERE false

static const dmx_operation table[DMX_OP_COUNT] = {
#define DMX_OPERATION(NAME, name, least, most, outputs, operands, attributes,  \
                      shape, channels, place, work)                            \
    [DMX_OP_##NAME] = {#name,        least,    most,                           \
                       outputs,      operands, DMX_CHANNELS_##channels,        \
                       PLACE_##place},
#include "graph/operations.def"
#undef DMX_OPERATION
};

const dmx_operation *dmx_operation_of(dmx_op op)
{
    return &table[op];
}

const char *dmx_op_name(dmx_op op)
{
    return op >= 0 && op < DMX_OP_COUNT ? table[op].name : "unknown";
}

/* ---- operands ------------------------------------------------------------ */

static bool repeats(const char *list)
{
    return strchr(list, '*') != NULL;
}

static int words(const char *list)
{
    int n = list[0] != '\0' ? 1 : 0;
    for (; *list != '\0'; list++)
        n += *list == ' ';
    return n;
}

/* Word `index` of a list and its length without "?" or "*". */
static const char *word(const char *list, int index, int *length)
{
    while (index-- > 0)
        list = strchr(list, ' ') + 1;
    *length = (int)strcspn(list, " ?*");
    return list;
}

char *dmx_operand_name(dmx_op op, int index, char *text, int size)
{
    const char *list = table[op].operands;
    const int n = words(list);
    int length;
    if (n == 0 || index < 0 || (index >= n && !repeats(list))) {
        snprintf(text, (size_t)size, "operand %d", index);
        return text;
    }
    const char *at = word(list, index % n, &length);
    if (repeats(list))
        snprintf(text, (size_t)size, "%.*s.%d", length, at, index / n);
    else
        snprintf(text, (size_t)size, "%.*s", length, at);
    return text;
}

bool dmx_operand_required(dmx_op op, int index)
{
    const char *list = table[op].operands;
    const int n = words(list);
    int length;
    if (n == 0 || index < 0 || (index >= n && !repeats(list)))
        return false;
    const char *at = word(list, index % n, &length);
    return at[length] != '?';
}

/* Optional operands at the end may be left out. */
bool dmx_operand_count_fits(dmx_op op, int count)
{
    const char *list = table[op].operands;
    const int n = words(list);
    if (repeats(list))
        return count > 0 && count % n == 0;
    while (count < n && count >= 0 && !dmx_operand_required(op, count))
        count++;
    return count == n;
}
