/* Export of models, shared by single models and bags. */
#ifndef DMX_CLI_EXPORT_BAG_H
#define DMX_CLI_EXPORT_BAG_H

#include "check_options.h"
#include "files.h"
#include "hub_options.h"
#include "model_options.h"

#include <stdbool.h>

/* The location of a model in an NVIDIA Triton repository: export_triton.h. */
typedef struct cli_triton {
    char *folder[3]; /* the repository's, the model's, the version's */
    bool made[3];    /* by this run */
    char *config, *model;
} cli_triton;

typedef struct export_options {
    cli_model_options model;
    cli_hub_options hub;
    cli_check_options check;
    const char *stem;
    const char *stems;
    int prune;
    int64_t samples;
    int64_t opset;
    const char *precision;
    const char *dynamic;
    int64_t batch;
    const char *triton;
    const cli_triton *place; /* with --triton */
    const dmx_bag *bag;      /* once it is found */
    cli_files inputs;        /* every file that is read: none is written */
} export_options;

/* The stems asked for, by the names of their sources; free the list. NULL: all,
 * or no memory. */
const char **cli_wanted_stems(const export_options *o);

/* Exports one checkpoint. stem: metadata of a bag's member, or NULL; strict:
 * the checksum in the file name must match. Returns an exit code. */
int cli_export_one(cli_terminal *t, const export_options *o,
                   const char *checkpoint, const char *output, const char *stem,
                   int strict);

/* Exports the members of a bag: one member to `output`; a bag with one model
 * per source to <output>/<bag>_<stem>.onnx; any other to
 * <output>/<bag>_<index>.onnx and <bag>.json with the weights. */
int cli_export_bag(cli_terminal *t, const export_options *o, const dmx_bag *bag,
                   const char *output);

#endif
