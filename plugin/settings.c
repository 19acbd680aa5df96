#include "settings.h"

#include <math.h>
#include <string.h>

const plug_range plug_ranges[PLUG_NUMBERS] = {
    [PLUG_SEGMENT] = {0.1F, 60, 2},   [PLUG_HOP] = {0, 10, 0.5F},
    [PLUG_LOOKAHEAD] = {0, 5, 0.04F}, [PLUG_THREADS] = {0, 256, 0},
    [PLUG_PRECISION] = {0, 2, 0},
};

void plug_settings_init(plug_settings *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 0; i < PLUG_NUMBERS; i++)
        out->number[i] = plug_ranges[i].usual;
}

bool plug_set_number(plug_settings *s, plug_number which, double value)
{
    const plug_range *r = &plug_ranges[which];
    if (!isfinite(value) || value < (double)r->least || value > (double)r->most)
        return false;
    s->number[which] = (float)value;
    return true;
}

bool plug_set_model(plug_settings *s, const char *path, size_t size)
{
    if (size == 0 || size > PLUG_PATH || memchr(path, '\0', size) == NULL ||
        (path[0] != '/' && path[0] != '\0'))
        return false;
    const size_t length = strlen(path);
    memmove(s->model, path, length);
    memset(s->model + length, 0, PLUG_PATH - length);
    return true;
}
