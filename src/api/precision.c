#include "api/precision.h"

#include <math.h>
#include <string.h>

static const struct precision {
    const char *name;
    double promise;
    dmx_number of[DMX_LAYERS_COUNT];
} precisions[] = {
    [DMX_ENGINE_EXACT] = {.name = "exact"},
    [DMX_ENGINE_INT16] = {.name = "int16",
                          .promise = 60,
                          .of = {[DMX_LAYERS_FEED] = DMX_INT16,
                                 [DMX_LAYERS_HEADS] = DMX_INT16,
                                 [DMX_LAYERS_LINEAR] = DMX_INT16,
                                 [DMX_LAYERS_ATTENTION] = DMX_INT8,
                                 [DMX_LAYERS_CONV] = DMX_INT16,
                                 [DMX_LAYERS_TRANSPOSED] = DMX_INT16,
                                 [DMX_LAYERS_WINOGRAD] = DMX_INT16}},
    /* 8 bits are too few for convolutions and for linear maps whose results
     * stay in the residual path: docs/precision.md */
    [DMX_ENGINE_INT8] = {.name = "int8",
                         .promise = 45,
                         .of = {[DMX_LAYERS_FEED] = DMX_INT8,
                                [DMX_LAYERS_HEADS] = DMX_INT8,
                                [DMX_LAYERS_LINEAR] = DMX_INT16,
                                [DMX_LAYERS_ATTENTION] = DMX_INT8,
                                [DMX_LAYERS_CONV] = DMX_INT16,
                                [DMX_LAYERS_TRANSPOSED] = DMX_INT16,
                                [DMX_LAYERS_WINOGRAD] = DMX_INT16}},
};
#define N_PRECISION (sizeof precisions / sizeof precisions[0])

const char *dmx_engine_precision_name(dmx_engine_precision precision)
{
    return (size_t)precision < N_PRECISION ? precisions[precision].name : NULL;
}

int dmx_engine_precision_find(dmx_engine_precision *out, const char *name)
{
    for (size_t i = 0; out != NULL && name != NULL && i < N_PRECISION; i++)
        if (strcmp(name, precisions[i].name) == 0) {
            *out = (dmx_engine_precision)i;
            return 1;
        }
    return 0;
}

double dmx_precision_promise(dmx_engine_precision precision)
{
    return precisions[precision].promise;
}

/* A precision whose own numbers are not faster is replaced by the next higher
 * one, and so are a class's numbers. */
int dmx_precision_first(dmx_precision_plan *plan,
                        dmx_engine_precision precision,
                        const bool pays[DMX_NUMBERS])
{
    static const dmx_number own[] = {[DMX_ENGINE_EXACT] = DMX_FLOAT32,
                                     [DMX_ENGINE_INT16] = DMX_INT16,
                                     [DMX_ENGINE_INT8] = DMX_INT8};
    int reduced = 0;
    while (precision != DMX_ENGINE_EXACT && !pays[own[precision]])
        precision--;
    for (int i = 0; i < DMX_LAYERS_COUNT; i++) {
        dmx_number n = precisions[precision].of[i];
        while (n != DMX_FLOAT32 && !pays[n])
            n--;
        plan->of[i] = n;
        reduced += n != DMX_FLOAT32;
    }
    return reduced;
}

/* ---- the document ------------------------------------------------------- */

const char *dmx_number_name(dmx_number number)
{
    static const char *const names[] = {"float32", "int16", "int8"};
    return names[number];
}

const char *dmx_layers_name(dmx_layers layers)
{
    static const char *const names[] = {
        [DMX_LAYERS_FEED] = "feed_forward",
        [DMX_LAYERS_HEADS] = "queries_keys_values",
        [DMX_LAYERS_LINEAR] = "linear",
        [DMX_LAYERS_ATTENTION] = "attention",
        [DMX_LAYERS_CONV] = "convolution",
        [DMX_LAYERS_TRANSPOSED] = "transposed_convolution",
        [DMX_LAYERS_WINOGRAD] = "winograd_convolution",
    };
    return names[layers];
}

static bool is_exact(const dmx_precision_plan *plan)
{
    for (int i = 0; i < DMX_LAYERS_COUNT; i++)
        if (plan->of[i] != DMX_FLOAT32)
            return false;
    return true;
}

dmx_json *dmx_precision_document(const dmx_precision_report *report,
                                 const dmx_precision_plan *plan,
                                 const char *isa)
{
    dmx_json *o = dmx_json_new(DMX_JSON_OBJECT);
    dmx_json_add_string(
        o, "precision",
        dmx_engine_precision_name((dmx_engine_precision)report->wanted));
    dmx_json_add_number(o, "promise_db", report->promise);
    dmx_json_add_number(o, "snr_db", report->decibels);
    if (report->samples > 0)
        dmx_json_add_number(o, "samples", (double)report->samples);
    dmx_json_add_string(o, "isa", isa);
    dmx_json_add_bool(o, "exact", is_exact(plan));
    if (report->note != NULL)
        dmx_json_add_string(o, "note", report->note);
    dmx_json *layers = dmx_json_add_object(o, "layers");
    for (int i = 0; i < DMX_LAYERS_COUNT; i++)
        dmx_json_add_string(layers, dmx_layers_name((dmx_layers)i),
                            dmx_number_name(plan->of[i]));
    return o;
}
