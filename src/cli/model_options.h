/* Options of every command that opens a checkpoint, and functions to open it.
 */
#ifndef DMX_CLI_MODEL_OPTIONS_H
#define DMX_CLI_MODEL_OPTIONS_H

#include "command.h"

typedef struct cli_model_options {
    const char *config;
    const char *sources; /* "drums,bass" */
    const char *segment; /* seconds: "7.8" or "39/5" */
    const char *weights; /* "best", "ema_batch_0" */
    cli_list set;
} cli_model_options;

/* Rows for an option table whose struct S has a member `m` of this type. */
#define CLI_MODEL_OPTIONS(S, m)                                                \
    {"config",                                                                 \
     0,                                                                        \
     CLI_STRING,                                                               \
     "FILE",                                                                   \
     "constructor arguments of the model, JSON or YAML",                       \
     offsetof(S, m.config),                                                    \
     0,                                                                        \
     0},                                                                       \
        {"set",                                                                \
         0,                                                                    \
         CLI_LIST,                                                             \
         "KEY=VALUE",                                                          \
         "one constructor argument (can be repeated)",                         \
         offsetof(S, m.set),                                                   \
         0,                                                                    \
         0},                                                                   \
        {"weights",                                                            \
         0,                                                                    \
         CLI_STRING,                                                           \
         "NAME",                                                               \
         "of a training checkpoint: best (default), state, ema_batch_0, ...",  \
         offsetof(S, m.weights),                                               \
         0,                                                                    \
         0},                                                                   \
    {                                                                          \
        "sources", 0, CLI_STRING, "A,B,...",                                   \
            "names of the sources, for bare weights that have none",           \
            offsetof(S, m.sources), 0, 0                                       \
    }

typedef struct cli_model {
    dmx_checkpoint *checkpoint;
    dmx_model *model;
} cli_model;

/* All --set values and --sources as one NULL-terminated list in one block of
 * memory, free with free; NULL when memory is short. `segment` (NULL: none) is
 * an argument too. */
const char **cli_model_settings(const cli_model_options *options,
                                const char *segment);

/* The model of an open checkpoint; *out is NULL on failure. A --segment is an
 * argument of bare weights, which have none of their own. */
dmx_status cli_model_of(dmx_model **out, cli_terminal *t,
                        const dmx_checkpoint *checkpoint,
                        const cli_model_options *options, dmx_error *err);

/* Opens a checkpoint and its model. strict: the checksum in a file name must
 * match. On failure nothing is left open. */
dmx_status cli_model_open(cli_model *out, cli_terminal *t, const char *path,
                          int strict, const cli_model_options *options,
                          dmx_error *err);
void cli_model_close(cli_model *m);

/* "a,b" as a NULL-terminated list in one block of memory, free with free;
 * NULL when memory is short. */
const char **cli_split(const char *text);

#endif
