#include "names.h"

#include <lv2/atom/atom.h>
#include <lv2/buf-size/buf-size.h>
#include <lv2/log/log.h>
#include <lv2/patch/patch.h>

const plug_kind plug_kinds[PLUG_KINDS] = {
    {PLUG_URI "stems4", 4},
    {PLUG_URI "stems6", 6},
};

void plug_names_map(plug_names *out, LV2_URID_Map *map)
{
    const struct {
        LV2_URID *urid;
        const char *uri;
    } names[] = {
        {&out->model, PLUG_URI "model"},
        {&out->number[PLUG_SEGMENT], PLUG_URI "segment"},
        {&out->number[PLUG_HOP], PLUG_URI "hop"},
        {&out->number[PLUG_LOOKAHEAD], PLUG_URI "lookahead"},
        {&out->number[PLUG_THREADS], PLUG_URI "threads"},
        {&out->number[PLUG_PRECISION], PLUG_URI "precision"},
        {&out->atom_float, LV2_ATOM__Float},
        {&out->atom_int, LV2_ATOM__Int},
        {&out->atom_path, LV2_ATOM__Path},
        {&out->atom_urid, LV2_ATOM__URID},
        {&out->patch_get, LV2_PATCH__Get},
        {&out->patch_set, LV2_PATCH__Set},
        {&out->patch_property, LV2_PATCH__property},
        {&out->patch_value, LV2_PATCH__value},
        {&out->log_error, LV2_LOG__Error},
        {&out->log_note, LV2_LOG__Note},
        {&out->max_block, LV2_BUF_SIZE__maxBlockLength},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        *names[i].urid = map->map(map->handle, names[i].uri);
}
