#include "arch/unsupported.h"

#include <stdio.h>
#include <string.h>

enum { NAMED = 3 };

const char *dmx_architecture_described(const char *klass_name)
{
    static const char *const known[][2] = {
        {"ConvTasNet", "ConvTasNet: "},
        {"TorchHDemucsWrapper", "torchaudio's Hybrid Demucs: "},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(klass_name, known[i][0]) == 0)
            return known[i][1];
    return "";
}

/* The number of bytes before "encoder.0." in a name; 0: not found. */
static size_t group_of(const char *name)
{
    for (const char *p = name; (p = strstr(p, ".encoder.0.")) != NULL; p++)
        return (size_t)(p - name);
    return 0;
}

/* Finds names such as "ema_model.encoder.0..." among others: the file holds
 * several groups of weights. */
static size_t find_group(const char **name, const struct dmx_checkpoint *c)
{
    for (size_t i = 0; i < c->n_tensor; i++) {
        const size_t n = group_of(c->tensor[i].name);
        if (n > 0 && n < 64) {
            *name = c->tensor[i].name;
            return n;
        }
    }
    return 0;
}

const char *dmx_weights_hint(char *text, size_t size,
                             const struct dmx_checkpoint *c)
{
    const char *name = "";
    const bool tasnet =
        dmx_checkpoint_find(c, "encoder.conv1d_U.weight") != NULL;
    size_t used =
        (size_t)snprintf(text, size, "%sits first names are",
                         tasnet ? "they look like a ConvTasNet; " : "");
    for (size_t i = 0; i < c->n_tensor && i < NAMED; i++)
        used += (size_t)snprintf(text + used, size - used, "%s %.60s",
                                 i > 0 ? "," : "", c->tensor[i].name);
    const size_t group = find_group(&name, c);
    if (group > 0)
        snprintf(text + used, size - used,
                 "; choose one set of them, such as weights = %.*s", (int)group,
                 name);
    return text;
}
