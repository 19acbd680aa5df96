/* Proved reduced precision: which arithmetic a model's layers may use, and how
 * the result is stored. */
#ifndef DMX_API_PRECISION_H
#define DMX_API_PRECISION_H

#include "arch/arch.h"
#include "engine/engine.h"

/* The choice made for a model. */
typedef struct dmx_choice {
    dmx_precision_plan plan;
    double decibels; /* of the worst source; INFINITY: nothing is reduced */
    int64_t samples; /* of the signals that it was proved on */
} dmx_choice;

/* The SNR that a precision guarantees, in dB. */
double dmx_precision_promise(dmx_engine_precision precision);

/* The first plan: every class at the requested precision where that is faster.
 * Returns the number of classes that are not float32. */
int dmx_precision_first(dmx_precision_plan *plan,
                        dmx_engine_precision precision,
                        const bool pays[DMX_NUMBERS]);

/* Runs the test signals until the promise is kept (api/precision_prove.c). */
DMX_MUST_CHECK dmx_status dmx_precision_prove(dmx_choice *out,
                                              const dmx_graph *graph,
                                              const dmx_engine_options *options,
                                              dmx_error *err);

/* What a choice depends on, besides the version. Lengths of one octave (between
 * powers of two) share a choice. */
typedef struct dmx_choice_key {
    const dmx_model *model;
    dmx_engine_precision precision;
    const char *isa; /* dmx_engine_integers */
    int64_t samples;
    bool low_memory, unfused; /* other products are made of the same layers */
} dmx_choice_key;

/* The file name of a choice. False when memory is short. */
#define DMX_CHOICE_NAME 40
bool dmx_choice_name(char name[DMX_CHOICE_NAME], const dmx_choice_key *key);
/* Reads its document; false unless it promises enough. */
bool dmx_choice_parse(dmx_choice *out, const char *text, size_t size,
                      dmx_engine_precision precision);
/* Its document, malloc'd; NULL when memory is short. */
char *dmx_choice_print(const dmx_choice *choice, const dmx_choice_key *key);

dmx_precision_report dmx_choice_report(const dmx_choice *choice,
                                       dmx_engine_precision precision);

/* Reads a stored choice (api/precision_keep.c). True when there is one. */
bool dmx_choice_read(dmx_choice *out, const char *folder,
                     const dmx_choice_key *key);
/* Stores a choice; a failure is only a warning. */
void dmx_choice_write(const dmx_choice *choice, const char *folder,
                      const dmx_choice_key *key, const dmx_hooks *hooks);

/* The document returned by dmx_engine_precision_json. */
dmx_json *dmx_precision_document(const dmx_precision_report *report,
                                 const dmx_precision_plan *plan,
                                 const char *isa);

const char *dmx_number_name(dmx_number number);
const char *dmx_layers_name(dmx_layers layers);

#endif
