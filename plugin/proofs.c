#include "proofs.h"

#include <stdio.h>
#include <stdlib.h>

/* An absolute path; NULL when it is unset or another text. */
static const char *folder_of(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

bool plug_proofs(char *out, size_t size)
{
    static const struct {
        const char *name, *below;
    } places[] = {{"DEMUCS_ONNX_CACHE", ""},
                  {"XDG_CACHE_HOME", "/demucs-onnx"},
                  {"HOME", "/.cache/demucs-onnx"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *folder = folder_of(places[i].name);
        if (folder == NULL)
            continue;
        const int n =
            snprintf(out, size, "%s%s/precision", folder, places[i].below);
        return n > 0 && (size_t)n < size;
    }
    return false;
}
