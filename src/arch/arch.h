/* From a checkpoint to a network: arguments, validation, graph. */
#ifndef DMX_ARCH_ARCH_H
#define DMX_ARCH_ARCH_H

#include "arch/arguments.h"
#include "checkpoint/checkpoint.h"
#include "graph/graph.h"
#include "graph/identity.h"

/* A checkpoint with all arguments known. Owned by the model and immutable. */
struct dmx_model {
    const struct dmx_checkpoint *checkpoint;
    const struct dmx_checkpoint *weights; /* the same, or own_weights */
    struct dmx_checkpoint *own_weights;   /* with names of the architecture, or
                                             NULL */
    const char *architecture;             /* "htdemucs" */
    dmx_json *arguments; /* every constructor argument, as resolved */
    char **source;       /* names, in output order */
    size_t n_source;
    int64_t audio_channels;
    int64_t samplerate;       /* Hz */
    int64_t segment[2];       /* numerator, denominator, seconds; reduced */
    int64_t training_samples; /* int(segment * samplerate) */
    bool use_train_segment;   /* shorter input is padded to the segment */
    bool free_length; /* not trained on one fixed length: exports accept any
                         length unless one is requested */
    int64_t draws_position; /* the original draws a random position below this
                               in every pass, even in inference; 0: none */
    char **assumed;         /* arguments neither given nor proved by the */
    size_t n_assumed;       /*   weights: "t_heads = 8" */
    const struct dmx_architecture *implementation;
    bool shapes_only;        /* the weights are absent, and none are required */
    void *config;            /* the architecture's parsed arguments */
    struct dmx_graph *graph; /* of any length, or NULL */
};

/* One file in arch/ defines one of these. */
struct dmx_builder;
struct dmx_architecture {
    const char *name;              /* "htdemucs" */
    const char *klass_name;        /* "HTDemucs" */
    const char *other_klass_name;  /* another name of it, or NULL */
    const dmx_argument *arguments; /* ends with a NULL name */
    /* Whether the names of a bare state dict look like this architecture. */
    bool (*recognise)(const struct dmx_checkpoint *checkpoint);
    /* The architecture's name for a tensor of the checkpoint: `name` itself,
     * another one written to text[256], or NULL for a tensor that is not
     * needed. A NULL function: no name changes. */
    const char *(*rename)(char *text, const struct dmx_checkpoint *checkpoint,
                          const char *name);
    bool quantized; /* quantized checkpoints are supported: registration.h has
                       the order of its parameters */
    /* Adds the missing arguments that follow from the weights to
     * model->arguments, and records those that do not as assumptions
     * (dmx_model_assume). */
    dmx_status (*infer)(struct dmx_model *model, dmx_error *err);
    /* Parses model->arguments (complete) into model->config and fills the
     * model's public fields; checks every weight. */
    dmx_status (*open)(struct dmx_model *model, const dmx_hooks *hooks,
                       dmx_error *err);
    void (*close)(struct dmx_model *model);
    /* model->draws_position for these arguments; NULL: nothing is drawn. */
    int64_t (*draws_position)(const dmx_json *arguments);
    /* The length at which a network of these arguments runs a piece of n
     * samples of a track, filled up with the surrounding audio; NULL: n
     * itself. */
    int64_t (*run_length)(const dmx_json *arguments, int64_t n);
    /* Builds the network for `samples` input samples or, with DMX_ANY, for any
     * length, which fails with UNSUPPORTED when a length inside it follows no
     * rule (graph/length.h). */
    void (*build)(const struct dmx_model *model, int64_t samples, dmx_graph *g);
    /* The body of `build` (network.h, dmx_assemble); NULL where it is not
     * needed. */
    dmx_status (*assemble)(const struct dmx_model *model, int64_t samples,
                           struct dmx_builder *b, dmx_error *err);
};

/* Sets argument `name` to a JSON text unless it is already given, and records
 * it as assumed. */
DMX_MUST_CHECK dmx_status dmx_model_assume(struct dmx_model *model,
                                           const char *name, const char *json,
                                           dmx_error *err);

/* architecture.run_length, or n itself where that is NULL. */
int64_t dmx_model_run_length(const struct dmx_model *model, int64_t n);

/* The network for any length: the model's own, shared and immutable. Fails with
 * UNSUPPORTED when it has none. */
DMX_MUST_CHECK dmx_status dmx_model_graph_any(const dmx_graph **out,
                                              const struct dmx_model *model,
                                              dmx_error *err);

/* The network for an input of `samples` samples; 0 means the model's own
 * segment. With use_train_segment the length must be the length that runs, not
 * a shorter one that the caller will pad. Close with dmx_graph_close; the
 * model must outlive the graph. */
DMX_MUST_CHECK dmx_status dmx_model_graph(dmx_graph **out,
                                          const struct dmx_model *model,
                                          int64_t samples, dmx_error *err);

/* The model's description of itself; valid as long as the model. */
dmx_identity dmx_model_identity(const struct dmx_model *model);

#endif
