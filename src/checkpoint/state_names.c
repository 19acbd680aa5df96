/* The names of weights: removes the prefixes and extra tensors that training
 * wrappers add, and sorts the rest. */
#include "checkpoint/bytes.h"
#include "checkpoint/load.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- counters */

/* Counters that norms and moving averages store with the weights. */
static bool counter_name(const char *name, size_t size)
{
    static const char *const names[] = {
        "num_batches_tracked",
        "n_averaged",
        "num_updates",
        "global_step",
        "step",
        "steps",
        "initted",
        "decay",
        "ema_decay",
        "epoch",
    };
    size_t start = size;
    while (start > 0 && name[start - 1] != '.')
        start--;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == size - start &&
            memcmp(names[i], name + start, size - start) == 0)
            return true;
    return false;
}

bool dmx_is_counter(const char *name, size_t size, bool integer, int rank,
                    const int64_t *dim)
{
    for (int i = 0; i < rank; i++)
        if (dim[i] != 1)
            return false;
    return integer || counter_name(name, size);
}

void dmx_load_skip(dmx_load *load, const char *name, size_t size)
{
    if (load->n_skipped++ == 0)
        dmx_text_show(load->skipped, sizeof load->skipped, name, size);
}

/* ---------------------------------------------------------------- prefixes */

/* Length of a name's first part with its dot; 0: it has only one part. */
static size_t first_part(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot != NULL && dot != name && dot[1] != '\0'
               ? (size_t)(dot - name) + 1
               : 0;
}

/* The prefix that all names share. A network has several modules, so a common
 * prefix can only be a wrapper's attribute: "module.", "net.". */
static size_t common_part(const struct dmx_checkpoint *c)
{
    const size_t n = c->n_tensor > 1 ? first_part(c->tensor[0].name) : 0;
    for (size_t i = 1; i < c->n_tensor && n != 0; i++)
        if (strncmp(c->tensor[i].name, c->tensor[0].name, n) != 0 ||
            c->tensor[i].name[n] == '\0')
            return 0;
    return n;
}

static dmx_status strip_prefixes(dmx_load *load)
{
    struct dmx_checkpoint *c = load->checkpoint;
    const char *whole = c->n_tensor != 0 ? c->tensor[0].name : "";
    size_t total = 0, n;
    while ((n = common_part(c)) != 0) {
        for (size_t k = 0; k < c->n_tensor; k++)
            c->tensor[k].name += n;
        total += n;
    }
    if (total == 0)
        return DMX_OK;
    c->prefix = dmx_arena_strndup(load->arena, whole, total);
    DMX_RETURN_IF(c->prefix == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for the names");
    return DMX_OK;
}

/* ------------------------------------------------------------------ groups */

static bool in_group(const char *name, const char *group)
{
    const size_t n = strlen(group);
    return strncmp(name, group, n) == 0 && name[n] == '.' &&
           name[n + 1] != '\0';
}

dmx_status dmx_load_group(dmx_load *load)
{
    struct dmx_checkpoint *c = load->checkpoint;
    size_t kept = 0;
    for (size_t i = 0; i < c->n_tensor; i++)
        if (in_group(c->tensor[i].name, load->weights))
            kept++;
    const bool state = strcmp(load->weights, "state") == 0;
    if (kept == 0 && (strcmp(load->weights, "best") == 0 ||
                      (state && c->klass_name != NULL)))
        return DMX_OK; /* the only ones are the best */
    DMX_RETURN_IF(kept == 0, load->err, DMX_ERROR_ARGUMENT,
                  "no weights called '%s': it holds one state dict, whose "
                  "first name is %s",
                  load->weights, c->tensor[0].name);
    kept = 0;
    for (size_t i = 0; i < c->n_tensor; i++)
        if (in_group(c->tensor[i].name, load->weights))
            c->tensor[kept++] = c->tensor[i];
    c->n_tensor = kept;
    c->weights =
        dmx_arena_strndup(load->arena, load->weights, strlen(load->weights));
    DMX_RETURN_IF(c->weights == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for the names");
    return DMX_OK;
}

/* ----------------------------------------------------------------- sorting */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const dmx_tensor *const *)a)->name,
                  (*(const dmx_tensor *const *)b)->name);
}

dmx_status dmx_load_names(dmx_load *load)
{
    struct dmx_checkpoint *c = load->checkpoint;
    if (load->n_skipped != 0)
        dmx_warn(load->hooks,
                 "%s: %zu counters that no module computes with are left "
                 "out, the first is %s",
                 c->path, load->n_skipped, load->skipped);
    DMX_FORWARD(strip_prefixes(load));
    c->by_name = calloc(c->n_tensor + 1, sizeof *c->by_name);
    DMX_RETURN_IF(c->by_name == NULL, load->err, DMX_ERROR_MEMORY,
                  "no memory for the names");
    for (size_t i = 0; i < c->n_tensor; i++)
        c->by_name[i] = &c->tensor[i];
    qsort(c->by_name, c->n_tensor, sizeof *c->by_name, by_name);
    for (size_t i = 1; i < c->n_tensor; i++)
        DMX_RETURN_IF(strcmp(c->by_name[i - 1]->name, c->by_name[i]->name) == 0,
                      load->err, DMX_ERROR_FORMAT, "weight %s is there twice",
                      c->by_name[i]->name);
    return DMX_OK;
}
