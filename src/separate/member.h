/* One model file of a bag: what it says about itself, then its runner. */
#ifndef DMX_SEPARATE_MEMBER_H
#define DMX_SEPARATE_MEMBER_H

#include "separate/runners.h"

/* Segments that one run may take at once, at most. */
#define DMX_SEPARATOR_MOST_BATCH 64

/* What all members are opened with. */
typedef struct dmx_member_options {
    const dmx_hooks *hooks;
    dmx_backend backend;
    int threads;
    const char *onnxruntime;
    const char *providers;
    double segment; /* seconds; 0: the member's own */
    const dmx_model_options *model;
    const char *bag_config; /* arguments of the bag's checkpoints, where `model`
                               has none; or NULL */
    const char *weights;    /* as in dmx_checkpoint_options */
    bool unpadded;          /* as in dmx_separator_options */
    dmx_engine_precision precision;
    const char *choices; /* as in dmx_engine_options */
    int64_t batch;       /* as in dmx_separator_options */
} dmx_member_options;

typedef struct dmx_member {
    const char *path; /* borrowed */
    dmx_backend backend;
    dmx_checkpoint *checkpoint; /* these two only of a checkpoint */
    struct dmx_model *model;
    struct dmx_monitor *lock; /* of the checkpoint's rest */
    dmx_session *session;     /* only of an .onnx file; NULL once it runs */
    char **source;
    size_t n_source;
    int64_t channels, samplerate;
    int64_t training; /* samples of the training segment; of an .onnx file the
                         length of its input; 0: free and not stated */
    bool fixed;       /* training is the only length that runs */
    bool unpadded;    /* longer segments are cut to training, too */
    bool unlimited;   /* pieces may be longer than the training segment */
    int64_t margin;   /* a run takes this many samples more than its piece, at
                          most: the track around it */
    char *stem;       /* the source that an .onnx file is for, or NULL */
    const char *provider;   /* of ONNX Runtime, or NULL */
    int64_t piece;          /* samples cut from the track */
    int64_t file_batch;     /* that an .onnx file fixes; 0: any number */
    int64_t draws_position; /* as dmx_model has it */
    char *architecture;     /* of an .onnx file that names it, with its */
    dmx_json *arguments;    /* arguments; else NULL */
    dmx_runner runner;
} dmx_member;

/* Reads the file. *runtime is opened when the first member needs it. */
DMX_MUST_CHECK dmx_status dmx_member_open(dmx_member *out, const char *path,
                                          const dmx_member_options *options,
                                          dmx_runtime **runtime,
                                          dmx_error *err);

/* Sets piece; *_start does it too. Fails with ARGUMENT. */
DMX_MUST_CHECK dmx_status dmx_member_choose_piece(dmx_member *member,
                                                  double segment,
                                                  dmx_error *err);

/* Makes the runner; what is not needed any more is closed. */
DMX_MUST_CHECK dmx_status dmx_member_start(dmx_member *member,
                                           const dmx_member_options *options,
                                           dmx_runtime **runtime,
                                           dmx_error *err);
/* A runner of another length; only for members that are not fixed. */
DMX_MUST_CHECK dmx_status dmx_member_tail(dmx_member *member, dmx_runner *out,
                                          const dmx_member_options *options,
                                          int64_t samples,
                                          dmx_runtime **runtime,
                                          dmx_error *err);

/* Closes all but what the file says about itself. */
void dmx_member_idle(dmx_member *member);
void dmx_member_close(dmx_member *member);

/* The length at which it runs a piece of n samples, for members that are not
 * fixed. */
int64_t dmx_member_run_length(const dmx_member *member, int64_t n);

/* Fills source, rate, segment and architecture of an open session from its
 * ports and its metadata. */
DMX_MUST_CHECK dmx_status dmx_member_describe_onnx(
    dmx_member *member, const dmx_member_options *options, dmx_error *err);

#endif
