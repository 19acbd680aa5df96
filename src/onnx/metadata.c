#include "onnx/metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(dmx_metadata *m, dmx_emitter *e, const char *key,
                const char *value)
{
    if (value == NULL || m->n_entry == DMX_METADATA_MOST)
        return;
    Onnx__StringStringEntryProto *entry =
        dmx_emitter_alloc(e, 1, sizeof *entry);
    char *copy = dmx_emitter_alloc(e, strlen(value) + 1, 1);
    if (entry == NULL || copy == NULL)
        return;
    memcpy(copy, value, strlen(value) + 1);
    onnx__string_string_entry_proto__init(entry);
    entry->key = (char *)key;
    entry->value = copy;
    m->entry[m->n_entry++] = entry;
}

static void put_number(dmx_metadata *m, dmx_emitter *e, const char *key,
                       int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    put(m, e, key, text);
}

static void put_json(dmx_metadata *m, dmx_emitter *e, const char *key,
                     const dmx_json *json)
{
    char *text = json != NULL ? dmx_json_print_compact(json) : NULL;
    if (text == NULL) {
        dmx_emitter_fail(e, DMX_ERROR_MEMORY, "no memory for metadata");
        return;
    }
    put(m, e, key, text);
    free(text);
}

static bool is_kept(const dmx_onnx_options *o, size_t source)
{
    bool kept = o->n_chosen == 0;
    for (size_t i = 0; i < o->n_chosen; i++)
        kept = kept || o->chosen[i] == source;
    return kept;
}

/* Names of the output's rows, in order: JSON. */
static void put_sources(dmx_metadata *m, dmx_emitter *e,
                        const dmx_identity *who, const dmx_onnx_options *o)
{
    dmx_json *list = dmx_json_new(DMX_JSON_ARRAY);
    for (size_t i = 0; i < who->n_source; i++)
        if (is_kept(o, i))
            dmx_json_append(list, dmx_json_new_string(who->source[i]));
    put_json(m, e, "sources", list);
    dmx_json_free(list);
}

static void put_model(dmx_metadata *m, dmx_emitter *e, const dmx_identity *who,
                      const dmx_onnx_options *o)
{
    char segment[64];
    snprintf(segment, sizeof segment, "%lld/%lld", (long long)who->segment[0],
             (long long)who->segment[1]);
    put_sources(m, e, who, o);
    put_number(m, e, "samplerate", who->samplerate);
    put(m, e, "segment", segment);
    put(m, e, "pads_to_segment", who->pads_to_segment ? "true" : "false");
    put(m, e, "architecture", who->architecture);
    put_json(m, e, "arguments", who->arguments);
    put(m, e, "checkpoint_sha256", who->checkpoint_sha256);
}

/* For a file of any length, the useful lengths: input longer than the training
 * segment has positions that the network has not seen in training. */
static void put_dimensions(dmx_metadata *m, dmx_emitter *e, const dmx_graph *g,
                           const dmx_identity *who, const dmx_onnx_options *o)
{
    const bool batch = o->batch == DMX_ANY;
    if (g->any_length || batch)
        put(m, e, "dynamic",
            !batch          ? "samples"
            : g->any_length ? "batch,samples"
                            : "batch");
    if (o->batch > 1)
        put_number(m, e, "batch", o->batch);
    if (!g->any_length) {
        put_number(m, e, "samples", g->value[g->input].shape.dim[2]);
        return;
    }
    put_number(m, e, "shortest_samples",
               dmx_graph_shortest(g, dmx_onnx_typical(who, o)));
    if (who != NULL && who->training_samples > 0)
        put_number(m, e, "longest_samples", who->training_samples);
}

/* The classes of layers that are in 8 bits: JSON. */
static void put_quantised(dmx_metadata *m, dmx_emitter *e,
                          const dmx_onnx_options *o)
{
    const unsigned int8 = dmx_onnx_int8(o);
    if (int8 == 0)
        return;
    dmx_json *list = dmx_json_new(DMX_JSON_ARRAY);
    for (unsigned i = 0; dmx_int8_class(i) != NULL; i++)
        if ((int8 & 1u << i) != 0)
            dmx_json_append(list, dmx_json_new_string(dmx_int8_class(i)));
    put_json(m, e, "quantised", list);
    dmx_json_free(list);
}

void dmx_metadata_fill(dmx_metadata *m, dmx_emitter *e, const dmx_graph *g,
                       const dmx_identity *who, const dmx_onnx_options *o)
{
    m->graph_name = who != NULL ? who->architecture : "graph";
    put(m, e, "contract", DMX_CONTRACT_VERSION);
    if (who != NULL)
        put_model(m, e, who, o);
    put_number(m, e, "audio_channels", g->value[g->input].shape.dim[0]);
    put_dimensions(m, e, g, who, o);
    put(m, e, "precision", dmx_precision_name(o->precision));
    put_quantised(m, e, o);
    put(m, e, "stem", o->stem);
    put(m, e, "bag", o->bag);
    put(m, e, "pruned", o->n_chosen > 0 ? "true" : NULL);
    put(m, e, "tool", "demucs-onnx");
    put(m, e, "tool_version", dmx_version());
}
