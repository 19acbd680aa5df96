/* What a session stores: the model and how it is streamed. */
#ifndef DMX_PLUGIN_SETTINGS_H
#define DMX_PLUGIN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    PLUG_PATH = 2048, /* bytes of a path, with its end */
    PLUG_NUMBERS = 5,
};

typedef enum plug_number {
    PLUG_SEGMENT,
    PLUG_HOP,
    PLUG_LOOKAHEAD,
    PLUG_THREADS,
    PLUG_PRECISION, /* a dmx_engine_precision */
} plug_number;

/* Plain memory: it is copied between threads and through queues. */
typedef struct plug_settings {
    char model[PLUG_PATH]; /* absolute path; "": none */
    float number[PLUG_NUMBERS];
} plug_settings;

/* Range and default of a number, as the plug-in's description has them. */
typedef struct plug_range {
    float least, most, usual;
} plug_range;
extern const plug_range plug_ranges[PLUG_NUMBERS];

void plug_settings_init(plug_settings *out);

/* Sessions are untrusted files: true when the value was valid and has been
 * taken. */
bool plug_set_number(plug_settings *settings, plug_number which, double value);
/* `size` bytes that should end with 0 and hold an absolute path or nothing. */
bool plug_set_model(plug_settings *settings, const char *path, size_t size);

#endif
