/* Proved choices of precision, which the host keeps: small texts by name. */
#include "module.h"

#include "api/precision.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 65536 };

static bool path_of(char *path, size_t size, const char *folder,
                    const dmx_choice_key *key)
{
    char name[DMX_CHOICE_NAME];
    return dmx_choice_name(name, key) &&
           snprintf(path, size, "%s/%s", folder, name) < (int)size;
}

bool dmx_choice_read(dmx_choice *out, const char *folder,
                     const dmx_choice_key *key)
{
    char path[2 * DMX_CHOICE_NAME];
    dmx_blob bytes;
    if (!path_of(path, sizeof path, folder, key) ||
        dmx_file_read(&bytes, path, MOST_BYTES, NULL) != DMX_OK)
        return false;
    const bool good = dmx_choice_parse(out, (const char *)bytes.data,
                                       bytes.size, key->precision);
    dmx_blob_free(&bytes);
    return good;
}

void dmx_choice_write(const dmx_choice *choice, const char *folder,
                      const dmx_choice_key *key, const dmx_hooks *hooks)
{
    char path[2 * DMX_CHOICE_NAME];
    char *text = dmx_choice_print(choice, key);
    if (text == NULL || !path_of(path, sizeof path, folder, key) ||
        host_keep(path, text) != 0)
        dmx_warn(hooks, "what was proved can't be kept; the precision will be "
                        "proved again next time");
    free(text);
}
