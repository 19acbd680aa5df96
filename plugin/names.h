/* The plug-in's URIs and the numbers to which a host maps them. */
#ifndef DMX_PLUGIN_NAMES_H
#define DMX_PLUGIN_NAMES_H

#include "settings.h"

#include <lv2/urid/urid.h>

#define PLUG_URI "urn:demucs-onnx:"

enum { PLUG_KINDS = 2, PLUG_MOST_STEMS = 6 };

/* One for models of up to four stems, one for six. */
typedef struct plug_kind {
    const char *uri;
    size_t stems;
} plug_kind;
extern const plug_kind plug_kinds[PLUG_KINDS];

typedef struct plug_names {
    LV2_URID model;
    LV2_URID number[PLUG_NUMBERS]; /* "urn:demucs-onnx:hop" ... */
    LV2_URID atom_float, atom_int, atom_path, atom_urid;
    LV2_URID patch_get, patch_set, patch_property, patch_value;
    LV2_URID log_error, log_note;
    LV2_URID max_block; /* option */
} plug_names;

void plug_names_map(plug_names *out, LV2_URID_Map *map);

#endif
