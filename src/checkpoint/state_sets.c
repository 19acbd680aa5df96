#include "checkpoint/state_sets.h"
#include "checkpoint/bytes.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 4, BEST = 0, AVERAGE, USUAL, OTHER };
#define MAX_ITEMS ((size_t)1 << 20) /* visited, in all dicts together */

/* Keys that say nothing about which weights they hold. */
static const char *const containers[] = {
    "state_dict", "model_state_dict", "state",  "model",   "model_state",
    "net",        "params",           "module", "weights", "shadow",
};

static bool is_container(const char *key)
{
    for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++)
        if (strcmp(key, containers[i]) == 0)
            return true;
    return false;
}

/* What a training run saves in addition to its weights. */
static bool is_excluded(const char *key)
{
    static const char *const starts[] = {
        "optim", "sched",         "lr_sched",  "scaler", "grad_scaler",
        "amp",   "hyper_param",   "callbacks", "loops",  "history",
        "args",  "training_args", "config",    "rng",
    };
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(key, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static int rank_of(const char *key)
{
    if (strncmp(key, "best", 4) == 0)
        return BEST;
    if (strstr(key, "ema") != NULL || strstr(key, "average") != NULL ||
        strcmp(key, "shadow") == 0 || strcmp(key, "swa") == 0)
        return AVERAGE;
    return is_container(key) ? USUAL : OTHER;
}

bool dmx_pickled_has_tensors(const dmx_pickled *v)
{
    if (v == NULL || v->kind != DMX_PICKLED_DICT)
        return false;
    for (uint32_t i = 1; i < v->as.list.count; i += 2)
        if (v->as.list.item[i]->kind == DMX_PICKLED_TENSOR)
            return true;
    return false;
}

/* Derives the displayed name: "ema_batch_0" for "ema_batch_0.state", "best" for
 * "best_state". */
static void set_name(dmx_state_set *s)
{
    char *last;
    strcpy(s->name, s->path);
    while ((last = strrchr(s->name, '.')) != NULL && is_container(last + 1))
        *last = '\0';
    if (strcmp(s->name, "best_state") == 0)
        strcpy(s->name, "best");
}

/* A dict that is being searched. */
typedef struct level {
    const dmx_pickled *dict;
    uint32_t next; /* its next entry to visit */
    size_t used;   /* bytes of the path that lead to it */
    int rank;      /* the best of its keys so far */
} level;

typedef struct search {
    dmx_state_sets *out;
    level stack[MAX_DEPTH];
    int depth;
    size_t items;
    char path[DMX_STATE_SET_NAME];
} search;

static void add_set(search *s, const dmx_pickled *state, int rank)
{
    if (s->out->count == DMX_STATE_SETS)
        return;
    dmx_state_set *set = &s->out->set[s->out->count++];
    set->state = state;
    set->rank = rank;
    strcpy(set->path, s->path);
    set_name(set);
}

/* Appends ".key" to the first `used` bytes of the path and returns the key;
 * NULL for keys that are not searched. */
static const char *extend(search *s, size_t used, const dmx_pickled *key)
{
    const size_t size = key->as.text.size;
    s->path[used] = '\0';
    if (key->kind != DMX_PICKLED_STRING || size == 0 ||
        !dmx_text_clean(key->as.text.data, size) ||
        size + 2 > sizeof s->path - used)
        return NULL;
    snprintf(s->path + used, sizeof s->path - used, "%s%.*s",
             used != 0 ? "." : "", (int)size, key->as.text.data);
    const char *text = s->path + used + (used != 0);
    return is_excluded(text) ? NULL : text;
}

static void push(search *s, const dmx_pickled *dict, int rank)
{
    if (s->depth < MAX_DEPTH)
        s->stack[s->depth++] = (level){dict, 0, strlen(s->path), rank};
}

static void visit(search *s, const dmx_pickled *key, const dmx_pickled *value,
                  const level *in)
{
    if (value->kind != DMX_PICKLED_DICT)
        return;
    const char *text = extend(s, in->used, key);
    if (text == NULL)
        return;
    const int own = rank_of(text);
    const int rank = own < in->rank ? own : in->rank;
    s->items += value->as.list.count / 2;
    if (!dmx_pickled_has_tensors(value))
        push(s, value, rank);
    else if (value->as.list.item[0]->kind == DMX_PICKLED_STRING)
        add_set(s, value, rank);
}

void dmx_state_sets_find(dmx_state_sets *out, const dmx_pickled *top)
{
    search s = {.out = out};
    out->count = 0;
    push(&s, top, OTHER);
    while (s.depth > 0 && s.items++ < MAX_ITEMS) {
        level *in = &s.stack[s.depth - 1];
        const uint32_t i = in->next;
        in->next += 2;
        if (i + 1 < in->dict->as.list.count)
            visit(&s, in->dict->as.list.item[i], in->dict->as.list.item[i + 1],
                  &(level){.used = in->used, .rank = in->rank});
        else
            s.depth--;
    }
}

const dmx_state_set *dmx_state_sets_choose(const dmx_state_sets *sets,
                                           const char *wanted)
{
    const dmx_state_set *best = NULL;
    for (size_t i = 0; i < sets->count; i++) {
        const dmx_state_set *s = &sets->set[i];
        if (wanted != NULL &&
            (strcmp(s->name, wanted) == 0 || strcmp(s->path, wanted) == 0))
            return s;
        if (best == NULL || s->rank < best->rank)
            best = s;
    }
    return wanted == NULL || strcmp(wanted, "best") == 0 ? best : NULL;
}

const char *dmx_state_sets_list(char *text, size_t size,
                                const dmx_state_sets *sets)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sets->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 i != 0 ? ", " : "", sets->set[i].name);
    return text;
}
