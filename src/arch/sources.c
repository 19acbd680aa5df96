#include "arch/sources.h"

#include <stdio.h>

const char *dmx_default_source(char name[32], size_t index, size_t count)
{
    static const char *const usual[] = {"drums",  "bass",   "other",
                                        "vocals", "guitar", "piano"};
    if ((count == 4 || count == 6) && index < count)
        snprintf(name, 32, "%s", usual[index]);
    else
        snprintf(name, 32, "source%zu", index + 1);
    return name;
}
