/* demucs-onnx: Demucs music-separation checkpoints to ONNX, and to stems.
 *
 * A checkpoint exported and verified:
 *
 *   dmx_error err = DMX_ERROR_INIT;
 *   dmx_checkpoint *checkpoint = NULL;
 *   dmx_model *model = NULL;
 *   dmx_status s = dmx_checkpoint_open(&checkpoint, "x.th", NULL, &err);
 *   if (s == DMX_OK)
 *       s = dmx_model_open(&model, checkpoint, NULL, &err);
 *   if (s == DMX_OK)
 *       s = dmx_export(model, "x.onnx", NULL, NULL, &err);
 *   puts(s == DMX_OK ? "exported" : err.message);
 *
 * Rules that hold everywhere:
 *  - Every function that can fail returns dmx_status and fills an optional
 *    dmx_error. Nothing prints, exits, aborts or keeps global state.
 *  - NULL for a required handle, path, name or result is DMX_ERROR_ARGUMENT;
 *    functions that only query a handle return 0 or NULL for NULL.
 *  - Numbers in files and texts have a decimal point in every locale.
 *  - Handles are opaque; xxx_close(NULL) is allowed. An open checkpoint or
 *    model is immutable and may be shared by any number of threads.
 *  - Structs that callers fill begin with their size; start with DMX_..._INIT,
 *    which sets it. A NULL options pointer means exactly those defaults.
 *  - Strings are UTF-8; paths are passed to the system as they are.
 *  - Files are untrusted: a checkpoint is never executed, whatever it holds.
 *
 * ABI. The soname is libdemucs-onnx.so.MAJOR; below version 1.0 it is
 * libdemucs-onnx.so.0.MINOR, as every minor version may break there. Under one
 * soname
 *  - functions and enumerators are added, never removed, renumbered or given
 *    another meaning;
 *  - a struct that begins with `size` grows at its end, beyond the sizeof that
 *    it had (never into its padding). The library reads and writes only up to
 *    the caller's size and uses defaults for the rest, so that programs built
 *    against an older or a newer header work. A default of a field never
 *    changes;
 *  - other structs (dmx_error, dmx_song_output) do not change;
 *  - texts of messages may change, JSON documents may gain fields, and numbers
 *    may change within the documented accuracy.
 * The version is that of the header, here and nowhere else.
 */
#ifndef DEMUCS_ONNX_H
#define DEMUCS_ONNX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DMX_API                __attribute__((visibility("default")))
#define DMX_MUST_CHECK         __attribute__((warn_unused_result))
#define DMX_FORMAT_(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define DMX_API
#define DMX_MUST_CHECK
#define DMX_FORMAT_(fmt, args)
#endif

/* Used by the DMX_..._INIT macros below: a struct of zeros except for its size
 * and the named fields. */
#ifdef __cplusplus
#define DMX_FILLED_(type, a, x)                                                \
    ([] {                                                                      \
        type filled_ = type();                                                 \
        filled_.a = x;                                                         \
        return filled_;                                                        \
    }())
#define DMX_SIZED_2_(type, a, x, b, y)                                         \
    ([] {                                                                      \
        type filled_ = type();                                                 \
        filled_.size = sizeof(type);                                           \
        filled_.a = x;                                                         \
        filled_.b = y;                                                         \
        return filled_;                                                        \
    }())
#else
#define DMX_FILLED_(type, a, x)                                                \
    {                                                                          \
        .a = (x)                                                               \
    }
#define DMX_SIZED_2_(type, a, x, b, y)                                         \
    {                                                                          \
        .size = sizeof(type), .a = (x), .b = (y)                               \
    }
#endif
#define DMX_SIZED_(type) DMX_FILLED_(type, size, sizeof(type))

#define DMX_VERSION_MAJOR 0
#define DMX_VERSION_MINOR 1
#define DMX_VERSION_PATCH 0

/* The version of the linked library, "0.1.0", for comparison with the macros.
 */
DMX_API const char *dmx_version(void);

/* ---------------------------------------------------------------- errors */

typedef enum dmx_status {
    DMX_OK = 0,
    DMX_ERROR_ARGUMENT,    /* the caller asked for something impossible */
    DMX_ERROR_MEMORY,      /* an allocation failed */
    DMX_ERROR_IO,          /* the system could not read or write a file */
    DMX_ERROR_FORMAT,      /* a file is malformed, truncated or corrupt */
    DMX_ERROR_LIMIT,       /* a file exceeds a safety budget */
    DMX_ERROR_UNSUPPORTED, /* a valid file that is not supported */
    DMX_ERROR_MODEL,       /* weights and architecture do not fit together */
    DMX_ERROR_HASH,        /* a checksum differs */
    DMX_ERROR_RUNTIME,     /* ONNX Runtime is missing or failed */
    DMX_ERROR_CHECK,       /* a verification failed */
    DMX_ERROR_CANCELLED,   /* the progress callback asked to stop */
    DMX_ERROR_NETWORK,     /* a download failed */
} dmx_status;

/* Lower-case name of a status, for machines ("format"). Never NULL. */
DMX_API const char *dmx_status_name(dmx_status status);

typedef struct dmx_error {
    dmx_status code;
    int64_t offset;     /* byte offset in the file, or -1 */
    char message[1024]; /* one line: what, where and what to do */
} dmx_error;

/* Messages of errors and warnings are safe to print on a terminal
 * (dmx_text_printable). A dmx_error may be reused: each call clears it first.
 */
#define DMX_ERROR_INIT DMX_FILLED_(dmx_error, offset, -1)

/* Fills *err (may be NULL) in a callback that fails: code, and a printf-style
 * message, which is escaped and truncated to fit. Returns code. */
DMX_API dmx_status dmx_error_set(dmx_error *err, dmx_status code,
                                 const char *fmt, ...) DMX_FORMAT_(3, 4);

/* Makes untrusted text (names in files, servers' responses, names of songs)
 * safe for a terminal or a log: one line of valid UTF-8 in which control
 * characters (C0, DEL, C1), line separators, bidirectional controls and other
 * invisible format characters appear as "\n", "\x1b" or "\u202e", and invalid
 * bytes as "\xff". Filtering twice changes nothing. At most `size` bytes with
 * the terminating zero go to out, whole characters only; the return value is
 * the length without a limit, as snprintf's. NULL gives "(null)". */
DMX_API size_t dmx_text_printable(char *out, size_t size, const char *text);

/* The same text as a JSON string with its quotes: the characters above are
 * escaped as "\u001b", bytes that are not UTF-8 become U+FFFD. Only when the
 * value returned is below `size` is *out the whole string. NULL gives "\"\"".
 */
DMX_API size_t dmx_text_json(char *out, size_t size, const char *text);

/* The edit distance between a and b (Levenshtein, in bytes), for suggestions
 * such as "did you mean". SIZE_MAX if a text is NULL or longer than 63 bytes.
 */
DMX_API size_t dmx_text_distance(const char *a, const char *b);

/* Whether the text has this ending, ignoring ASCII case. 0 if either is NULL.
 */
DMX_API int dmx_text_ends_with(const char *text, const char *ending);

/* The number of whole samples in a duration in seconds given as text: "7.8",
 * "39/5", "10", with at most nine decimals; computed exactly. 0 if the text is
 * not a duration, is NULL, or the result exceeds 2^62. */
DMX_API int64_t dmx_seconds_samples(const char *seconds, int64_t samplerate);

/* Callbacks shared by every long call; all may be NULL. They are called from
 * the thread that made the call. */
typedef struct dmx_hooks {
    size_t size; /* sizeof this struct */
    void *user;
    /* One line for the user; the call continues. */
    void (*warn)(void *user, const char *message);
    /* fraction in [0, 1] of a named stage; non-zero return cancels the call,
     * which then fails with DMX_ERROR_CANCELLED and leaves no file. Most calls
     * return within a fraction of a second; one in which ONNX Runtime is
     * loading a model waits until that ends, which a hostile model can delay
     * for hours. A program that must exit calls dmx_remove_part_files first. */
    int (*progress)(void *user, const char *stage, double fraction);
    /* One line for whoever asked for more of them: nothing is wrong. */
    void (*detail)(void *user, const char *message);
} dmx_hooks;

#define DMX_HOOKS_INIT DMX_SIZED_(dmx_hooks)

/* ------------------------------------------------------------ checkpoints */

/* A checkpoint file, read, hashed and checked, never executed. */
typedef struct dmx_checkpoint dmx_checkpoint;

typedef struct dmx_checkpoint_options {
    size_t size;             /* sizeof this struct */
    const dmx_hooks *hooks;  /* warnings */
    uint64_t max_file_bytes; /* 0: 4 GiB */
    int strict_checksum;     /* non-zero: a file name "<sig>-<sha8>.th" whose
                                sha8 is not the file's is DMX_ERROR_HASH;
                                zero: a warning (sha8 may be a date) */
    const char
        *weights; /* for a training checkpoint with several sets of weights:
                     "best", "state", "ema_batch_0", ...; for bare weights:
                     those whose names start with it and a dot. NULL: the best,
                     else a moving average, else the first */
} dmx_checkpoint_options;

#define DMX_CHECKPOINT_OPTIONS_INIT DMX_SIZED_(dmx_checkpoint_options)

/* Opens a PyTorch checkpoint (zip or legacy container, pickle protocols 2 to 5)
 * or a .safetensors file: a Demucs package (klass, args, kwargs, state), a bare
 * state dict, or a dict that wraps one. The file is read once into private
 * memory; it may change or vanish afterwards. *out: close it with
 * dmx_checkpoint_close, after all its models. Fails with IO, FORMAT, LIMIT,
 * UNSUPPORTED, MODEL, HASH or MEMORY. Source: torch.serialization, pickletools,
 * the safetensors format. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_checkpoint_open(dmx_checkpoint **out, const char *path,
                    const dmx_checkpoint_options *options, dmx_error *err);

/* The same for a checkpoint in memory: no file is opened. `name` takes the
 * place of the path in messages, and may contain a checksum as a file name
 * does. The caller keeps the bytes, unchanged, until the checkpoint is closed.
 * Fails as dmx_checkpoint_open does, but never with IO. */
DMX_API DMX_MUST_CHECK dmx_status dmx_checkpoint_open_memory(
    dmx_checkpoint **out, const void *data, size_t size, const char *name,
    const dmx_checkpoint_options *options, dmx_error *err);
DMX_API void dmx_checkpoint_close(dmx_checkpoint *checkpoint);

/* SHA-256 of the whole file, 64 lower-case hexadecimal digits. */
DMX_API const char *dmx_checkpoint_sha256(const dmx_checkpoint *checkpoint);

/* Everything known about the file as one JSON document: container, class,
 * arguments, tensors (name, dtype, shape), globals seen. malloc'd, free with
 * dmx_free; NULL when memory is short. */
DMX_API char *dmx_checkpoint_json(const dmx_checkpoint *checkpoint);

/* A tensor of a checkpoint, as stored in the file. */
typedef struct dmx_tensor_info {
    size_t size;       /* sizeof this struct */
    const char *name;  /* "encoder.0.conv.weight"; the checkpoint's */
    const char *dtype; /* "float16", "bfloat16", "float32", "float64", "int64":
                          NumPy's names, except bfloat16, which NumPy lacks */
    size_t bytes;      /* of all elements, without gaps */
    int rank;          /* 0 to 8 */
    int64_t dim[8];    /* [rank] */
} dmx_tensor_info;

#define DMX_TENSOR_INFO_INIT DMX_SIZED_(dmx_tensor_info)

/* Number of tensors, in the order of the file; 0 for a quantized checkpoint. */
DMX_API size_t dmx_checkpoint_tensors(const dmx_checkpoint *checkpoint);
/* Writes tensor `index` to *out, up to its size; 0 past the end, or when the
 * size is not set. */
DMX_API int dmx_checkpoint_tensor_info(const dmx_checkpoint *checkpoint,
                                       size_t index, dmx_tensor_info *out);
/* Copies its elements, in row-major order and the machine's byte order, to out;
 * `size` must be dmx_tensor_info.bytes. Fails with ARGUMENT. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_checkpoint_tensor_data(const dmx_checkpoint *checkpoint, size_t index,
                           void *out, size_t size, dmx_error *err);

/* Frees malloc'd memory returned by the library. */
DMX_API void dmx_free(void *memory);

/* Bytes of memory that this process may still take before the system runs out:
 * what is free or can be freed, with swap, and no more than its control groups
 * leave (Linux); 0: not known. The program asks for no more than that
 * (RLIMIT_DATA), so that a hostile model meets an error. */
DMX_API int64_t dmx_memory_available(void);

/* ----------------------------------------------------------------- models */

/* A checkpoint of a known architecture, with resolved arguments and every
 * weight present in the right shape. */
typedef struct dmx_model dmx_model;

typedef struct dmx_model_options {
    size_t size;             /* sizeof this struct */
    const dmx_hooks *hooks;  /* warnings: unknown and assumed arguments */
    const char *config_path; /* JSON or YAML file of constructor arguments
                                (top level, or under "htdemucs"), or NULL */
    const char *const *set;  /* "key=value" overrides, NULL-terminated list
                                (values as JSON, bare words are strings), or
                                NULL; win over the file and the checkpoint */
} dmx_model_options;

#define DMX_MODEL_OPTIONS_INIT DMX_SIZED_(dmx_model_options)

/* Resolves arguments (checkpoint < config file < set) and checks all weights.
 * For a bare state dict, arguments are inferred from names and shapes where
 * possible; the others take their usual defaults and are reported as assumed.
 * *out: closed with dmx_model_close; the checkpoint must outlive it. Fails with
 * MODEL (weights missing, unexpected or misshapen: the first ten are named),
 * UNSUPPORTED, ARGUMENT, FORMAT, IO or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_model_open(dmx_model **out, const dmx_checkpoint *checkpoint,
               const dmx_model_options *options, dmx_error *err);
DMX_API void dmx_model_close(dmx_model *model);

/* Number of sources, and the name of each ("drums"); NULL past the end. */
DMX_API size_t dmx_model_sources(const dmx_model *model);
DMX_API const char *dmx_model_source(const dmx_model *model, size_t index);
DMX_API int64_t dmx_model_channels(const dmx_model *model);
DMX_API int64_t dmx_model_samplerate(const dmx_model *model); /* Hz */
/* Samples of the training segment: int(segment * samplerate). */
DMX_API int64_t dmx_model_samples(const dmx_model *model);
/* Whether shorter input must be right-padded with zeros to that length. */
DMX_API int dmx_model_pads_to_segment(const dmx_model *model);

/* Architecture, arguments, assumptions and sources as one JSON document.
 * malloc'd, free with dmx_free; NULL when memory is short. */
DMX_API char *dmx_model_json(const dmx_model *model);

/* The semantic graph for `samples` input samples (0: the training segment) as
 * text, one node a line; malloc'd into *out, free with dmx_free. */
DMX_API DMX_MUST_CHECK dmx_status dmx_model_graph_text(char **out,
                                                       const dmx_model *model,
                                                       int64_t samples,
                                                       dmx_error *err);

/* ---------------------------------------------------------- native engine */

/* A model compiled for this processor and one input length: fused steps,
 * packed weights, a memory plan. Immutable; shared by any number of states. */
typedef struct dmx_engine dmx_engine;

/* The memory and threads for one run at a time; reused for every segment. */
typedef struct dmx_engine_state dmx_engine_state;

/* The engine's arithmetic. All but exact are faster, and proved: opening an
 * engine separates the two test signals both in this arithmetic and exactly,
 * and requires the given SNR for every source. Until that is reached, classes
 * of layers are raised to higher precision, worst first (docs/precision.md). */
typedef enum dmx_engine_precision {
    DMX_ENGINE_EXACT = 0, /* float32 */
    DMX_ENGINE_INT16,     /* 60 dB: products of 16-bit integers */
    DMX_ENGINE_INT8,      /* 45 dB: of 8-bit and 16-bit ones */
} dmx_engine_precision;

/* "exact", "int16", "int8"; NULL for any other value. */
DMX_API const char *dmx_engine_precision_name(dmx_engine_precision precision);
/* The precision of that name into *out; 0 when there is none. */
DMX_API int dmx_engine_precision_find(dmx_engine_precision *out,
                                      const char *name);

typedef struct dmx_engine_options {
    size_t size;            /* sizeof this struct */
    const dmx_hooks *hooks; /* progress while weights are packed, and of the
                               stage "prove" */
    int threads;            /* of each state; 0: all cores of the process */
    const char *isa;        /* "avx512", "avx2", "neon", "portable"; NULL: the
                               best one that the processor has */
    int low_memory; /* non-zero: keep weights as float16 where that is exact,
                       and widen them when used; weights of a reduced precision
                       are as narrow as it, and never transformed to larger
                       ones. Slower (docs/precision.md) */
    int unfused;    /* non-zero: one step per node, for debugging */
    dmx_engine_precision precision;
    const char *choices; /* folder that stores proofs for later use; NULL: prove
                            every time */
    const struct dmx_engine
        *like; /* NULL, or an engine of the same model at another length, which
                  shares its weights with the new one and must outlive it */
} dmx_engine_options;

#define DMX_ENGINE_OPTIONS_INIT DMX_SIZED_(dmx_engine_options)

/* Compiles the model for inputs of `samples` samples (0: the training segment).
 * *out: close it with dmx_engine_close after all its states; the model may be
 * closed earlier. Fails with ARGUMENT (an instruction set this processor
 * lacks), MODEL, UNSUPPORTED, CANCELLED or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_engine_open(dmx_engine **out, const dmx_model *model, int64_t samples,
                const dmx_engine_options *options, dmx_error *err);
DMX_API void dmx_engine_close(dmx_engine *engine);

/* Shapes of a run, and the name of the instruction set in use. */
DMX_API int64_t dmx_engine_samples(const dmx_engine *engine);
DMX_API int64_t dmx_engine_inputs(const dmx_engine *engine);  /* channels */
DMX_API int64_t dmx_engine_outputs(const dmx_engine *engine); /* sources
                                                                 x channels */
DMX_API const char *dmx_engine_isa(const dmx_engine *engine);

/* The requested precision, the result and its SNR as one JSON document
 * {"precision": "int16", "promise_db": 60, "snr_db": 65.3, "samples": 343980,
 * "isa": "avx512vnni",
 * "exact": false, "note": "...", "layers": {"attention": "int16", ...}}. snr_db
 * (null: as exact) is that of the worst source. malloc'd, free with dmx_free;
 * NULL when memory is short. */
DMX_API char *dmx_engine_precision_json(const dmx_engine *engine);

/* An array of such documents of a model that are stored in the folder and valid
 * for this processor and version, of engines that are neither low_memory nor
 * unfused; malloc'd, free with dmx_free; NULL when out of memory. */
DMX_API char *dmx_engine_choices_json(const dmx_model *model,
                                      const char *folder);

/* Bytes of packed weights and constants, and of one state, which works in the
 * memory of the stems besides. */
DMX_API size_t dmx_engine_weight_bytes(const dmx_engine *engine);
DMX_API size_t dmx_engine_state_bytes(const dmx_engine *engine);

/* Memory and sleeping threads for runs. Fails with MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_engine_state_open(
    dmx_engine_state **out, const dmx_engine *engine, dmx_error *err);
DMX_API void dmx_engine_state_close(dmx_engine_state *state);

/* One segment: stems [sources][channels][samples] from mix [channels][samples],
 * float32. Deterministic for any number of threads; NaN or infinity in mix
 * affects only these stems. The run works in the memory of stems, too: they are
 * undefined until it ends and when it fails, and mix may not lie there. Only
 * one thread at a time may use a state. hooks (may be NULL): progress of stage
 * "separate", cancellation. Fails with CANCELLED. */
DMX_API DMX_MUST_CHECK dmx_status dmx_engine_run(dmx_engine_state *state,
                                                 float *stems, const float *mix,
                                                 const dmx_hooks *hooks,
                                                 dmx_error *err);

/* Time and work of every step of the last run as one JSON document; malloc'd,
 * free with dmx_free; NULL when memory is short. */
DMX_API char *dmx_engine_profile_json(const dmx_engine_state *state);

/* ------------------------------------------------------------ ONNX graphs */

typedef enum dmx_precision {
    DMX_PRECISION_FP32 = 0,
    /* Weights that are exactly representable as halves are stored as halves
     * and widened when the model is loaded: the same numbers in half the
     * file. Weights that are not stay float32. */
    DMX_PRECISION_FP16_WEIGHTS,
    /* The linear layers of transformers in 8-bit integers
     * (DynamicQuantizeLinear, MatMulInteger; a scale for each output), the rest
     * as FP16_WEIGHTS: smaller and faster on processors, and not the same
     * numbers. The checks ask for a signal-to-noise ratio of each source
     * instead of a tolerance (dmx_verify_options.min_snr). While one is too
     * low, attention's output projections go back to float32, then those of its
     * queries, keys and values; then there is no file. Networks without a
     * transformer are refused. */
    DMX_PRECISION_INT8,
} dmx_precision;

/* "fp32", "fp16weights", "int8": as the command line and the metadata of
 * exported models have it; NULL for any other number. */
DMX_API const char *dmx_precision_name(dmx_precision precision);
/* The precision of that name into *out; 0 when there is none. */
DMX_API int dmx_precision_find(dmx_precision *out, const char *name);

/* Dimensions of an exported model's input that may be free. */
enum {
    DMX_DYNAMIC_SAMPLES = 1, /* any length, symbolic "samples" */
    DMX_DYNAMIC_BATCH = 2,   /* any number of inputs at once, "batch" */
};

typedef struct dmx_export_options {
    size_t size;            /* sizeof this struct */
    const dmx_hooks *hooks; /* warnings, progress, cancellation */
    int64_t samples;        /* length of the input; 0: training segment. With
                               DMX_DYNAMIC_SAMPLES: the length that the file is
                               optimised for */
    int opset;              /* ONNX operator set, 17 or newer; 0: 17 */
    dmx_precision precision;
    const char *const *stems; /* sources wanted, NULL-terminated; NULL: all */
    int prune;        /* non-zero: compute only `stems`, output has their rows;
                         zero: every row is kept */
    const char *stem; /* metadata: the source that this member of a bag is
                         for, or NULL */
    int threads;      /* 0: every core this process may use */
    const struct dmx_verify_options *checks; /* NULL: all, with defaults */
    int dynamic;   /* DMX_DYNAMIC_SAMPLES | DMX_DYNAMIC_BATCH; 0: both are
                      fixed, except the length of models that were trained
                      without one, where samples is 0 */
    int64_t batch; /* inputs at once where that is fixed, at most 4096; 0: 1 */
} dmx_export_options;

#define DMX_EXPORT_OPTIONS_INIT DMX_SIZED_(dmx_export_options)

/* Writes the short-time Fourier transform of Demucs as a separate ONNX model,
 * in plain operators (two small matrix products; no STFT, DFT or complex
 * types), for use in other pipelines. Input `signal` (1, channels, samples)
 * float32; output `spectrogram` (1, 2 * channels, nfft / 2, ceil(samples /
 * hop)): real and imaginary part of each channel in turn, hop = nfft / 4,
 * periodic Hann window, normalised by 1/sqrt(nfft), reflected edges, Nyquist
 * bin dropped, as in HTDemucs._spec and torch.stft. nfft: a multiple of 8, 16
 * to 65536. opset 0: 17. The file appears under its name complete or not at
 * all. Fails with ARGUMENT, LIMIT, MEMORY or IO. */
DMX_API DMX_MUST_CHECK dmx_status dmx_stft_onnx(const char *path, int64_t nfft,
                                                int64_t channels,
                                                int64_t samples, int opset,
                                                dmx_error *err);

/* Its inverse, as in HTDemucs._ispec and torch.istft: input `spectrogram` as
 * above, output `signal` (1, channels, samples). */
DMX_API DMX_MUST_CHECK dmx_status dmx_istft_onnx(const char *path, int64_t nfft,
                                                 int64_t channels,
                                                 int64_t samples, int opset,
                                                 dmx_error *err);

/* --------------------------------------------------------- models by name */

/* One model, or several whose outputs are averaged (a "bag"): checkpoint files
 * and their weights for each source. Immutable. */
typedef struct dmx_bag dmx_bag;

/* The source of released models and the cache for them. For one thread at a
 * time. */
typedef struct dmx_hub dmx_hub;

typedef struct dmx_hub_options {
    size_t size;            /* sizeof this struct */
    const dmx_hooks *hooks; /* warnings, progress of downloads, cancellation */
    const char *cache_dir;  /* NULL: $DEMUCS_ONNX_CACHE, or demucs-onnx below
                               $XDG_CACHE_HOME or ~/.cache (of $HOME, or what
                               the user database says) */
    const char *mirror;     /* http(s) URL in place of every server's, paths
                               below it unchanged; NULL: $DEMUCS_ONNX_MIRROR,
                               or the servers themselves */
    const char *registry;   /* JSON file of further models (docs/models.md);
                               NULL: $DEMUCS_ONNX_REGISTRY, or none */
    const char *repository; /* folder to take models from instead: files
                               "<signature>-<sha8>.th" and "<bag>.yaml", as
                               Demucs' --repo; NULL: none */
    int offline;            /* non-zero: never use the network */
} dmx_hub_options;

#define DMX_HUB_OPTIONS_INIT DMX_SIZED_(dmx_hub_options)

/* Reads the environment and the registry; touches neither network nor cache.
 * *out: closed with dmx_hub_close; bags may outlive it. Fails with ARGUMENT (a
 * mirror that is no http(s) URL), IO, FORMAT, LIMIT (registry) or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_hub_open(dmx_hub **out,
                                               const dmx_hub_options *options,
                                               dmx_error *err);
DMX_API void dmx_hub_close(dmx_hub *hub);

/* The cache folder, which may not exist yet. NULL when the user has no home
 * folder: then only calls that need the cache fail, with ARGUMENT. */
DMX_API const char *dmx_hub_cache_dir(const dmx_hub *hub);

/* Every known model: name, kind, sources, bytes, whether it is in the cache
 * and can run here, licence; one JSON document. malloc'd, free with dmx_free;
 * NULL when memory is short. */
DMX_API char *dmx_hub_list_json(const dmx_hub *hub);

/* The number of bytes that resolving this registered model would download: 0
 * when everything is cached or the name is not registered, -1 when some sizes
 * are not published. Checks only names and sizes of files, for an announcement
 * to the user. */
DMX_API int64_t dmx_hub_missing_bytes(const dmx_hub *hub, const char *name,
                                      const char *stem);

/* Whether this library can run the model `name`, before anything is downloaded:
 * DMX_OK, also for names that are not registered (a file may still turn out to
 * be unsupported), else UNSUPPORTED with the reason and the names that can be
 * run. Touches neither network nor cache. Also fails with ARGUMENT. */
DMX_API DMX_MUST_CHECK dmx_status dmx_hub_runnable(const dmx_hub *hub,
                                                   const char *name,
                                                   dmx_error *err);

/* Resolves `name` to files, downloading missing ones:
 *  - with options.repository, a bag or a signature in that folder; else
 *  - a released or registered model ("htdemucs_ft"), or one of its members by
 *    signature ("04573f0d"); else
 *  - a file: checkpoint, .onnx model, or bag (.yaml, .json).
 * stem (may be NULL): only this source is needed, so members of a known bag
 * that contribute nothing to it are omitted and not downloaded. Downloads are
 * resumed, retried, checked against the release's SHA-256 and appear in the
 * cache complete or not at all; a file with a wrong hash is removed. Files of
 * PyTorch's own download cache are used where they are. *out: closed with
 * dmx_bag_close. Fails with ARGUMENT (unknown name or stem), NETWORK, HASH, IO,
 * LIMIT, FORMAT, CANCELLED or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_hub_resolve(dmx_bag **out, dmx_hub *hub,
                                                  const char *name,
                                                  const char *stem,
                                                  dmx_error *err);

/* As dmx_hub_resolve, but for ONNX files: what `name` stands for is exported
 * (dmx_export with these options; NULL: defaults, so checked) into the cache,
 * unless it is there already. Exports are kept under the checkpoint's SHA-256,
 * this library's version and the options, and are used again only while their
 * own SHA-256 is the recorded one. *out names the .onnx files. Fails with what
 * dmx_hub_resolve, dmx_model_open and dmx_export fail with. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_hub_prewarm(dmx_bag **out, dmx_hub *hub, const char *name,
                const dmx_export_options *options, dmx_error *err);

/* Replaces members of the bag by their exports from dmx_hub_prewarm with
 * default options, where these are in the cache and unchanged; the other
 * members stay, and nothing is exported. Fails with IO or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_hub_use_exports(dmx_bag *bag,
                                                      dmx_hub *hub,
                                                      dmx_error *err);

/* Reads a bag file: YAML or JSON with `models` (signatures, or names of files
 * in the same folder), `weights` (one row a model, one column a source; none:
 * all 1) and `segment` (seconds). Each model's file must exist. Fails with IO,
 * FORMAT, LIMIT or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_bag_open(dmx_bag **out, const char *path,
                                               dmx_error *err);
DMX_API void dmx_bag_close(dmx_bag *bag);

/* Writes the bag file, JSON, that dmx_bag_open reads: models file[0] ...
 * file[members - 1] in the folder of `path` (which need not exist yet), the
 * bag's weights and its segment. Fails with ARGUMENT (a name that is not one of
 * a file in that folder), IO or MEMORY; then no file is left. */
DMX_API DMX_MUST_CHECK dmx_status dmx_bag_write(const char *path,
                                                const dmx_bag *bag,
                                                const char *const *file,
                                                dmx_error *err);

/* "htdemucs_ft", or the file's name without folder and extension. */
DMX_API const char *dmx_bag_name(const dmx_bag *bag);
/* Number of members, and each one's file and signature (NULL past the end). */
DMX_API size_t dmx_bag_members(const dmx_bag *bag);
DMX_API const char *dmx_bag_path(const dmx_bag *bag, size_t member);
DMX_API const char *dmx_bag_signature(const dmx_bag *bag, size_t member);
/* The file with the constructor arguments of members that are bare weights,
 * which registered models may have (config_path of dmx_model_options); NULL:
 * there is none. dmx_separator_open uses it where the options name none. */
DMX_API const char *dmx_bag_config(const dmx_bag *bag);
/* The extensions of bag files in the order in which a repository is searched
 * for them, from index 0 on: ".yaml", ...; NULL past the end. */
DMX_API const char *dmx_bag_extension(size_t index);
/* The source that a stem's other name stands for ("kick": "bombo" of drumsep);
 * stem itself where it is no such name. dmx_separator_open takes both. */
DMX_API const char *dmx_bag_stem(const dmx_bag *bag, const char *stem);
/* Columns of the weights matrix; 0 when the bag has none. */
DMX_API size_t dmx_bag_sources(const dmx_bag *bag);
/* Weight of a member in a source; 1 when the bag has no matrix. The source is
 * the weighted sum over members divided by the sum of the weights. */
DMX_API double dmx_bag_weight(const dmx_bag *bag, size_t member, size_t source);
/* The only member that contributes to this source, or -1 when several do. */
DMX_API int64_t dmx_bag_specialist(const dmx_bag *bag, size_t source);
/* The bag's segment length in seconds; 0: the model's own. */
DMX_API double dmx_bag_segment(const dmx_bag *bag);

/* ----------------------------------------------------------- verification */

/* Options of the checks of a model file. */
typedef struct dmx_verify_options {
    size_t size;             /* sizeof this struct */
    const dmx_hooks *hooks;  /* warnings, progress, cancellation; dmx_export
                                uses its own instead */
    double tolerance;        /* largest difference allowed, relative to each
                                source's reference peak; 0: 1e-5, or none
                                where min_snr holds */
    int skip_parity;         /* non-zero: no comparison with the reference
                                (a warning says so) */
    int bisect;              /* non-zero: when the comparison fails, find the
                                module where the numbers part */
    int threads;             /* 0: every core this process may use */
    const char *onnxruntime; /* ONNX Runtime's library or its folder; NULL:
                                $DEMUCS_ONNXRUNTIME, beside the program, the
                                system */
    const char *providers;   /* "auto", or execution providers in order of
                                preference, "cuda,cpu"; NULL: cpu */
    int64_t samples;         /* of a file of any length: the one length to
                                compare at; 0: the segment, a short one, a
                                prime and one above the segment */
    double min_snr;          /* smallest signal-to-noise ratio allowed of each
                                source, dB, in place of the tolerance (both
                                hold where both are given); at most 200; 0: 45
                                of a file that says it is int8, else none */
} dmx_verify_options;

#define DMX_VERIFY_OPTIONS_INIT DMX_SIZED_(dmx_verify_options)

/* The findings of the checks. Also returned when a function below fails with
 * DMX_ERROR_CHECK; the caller closes it, NULL is accepted. */
typedef struct dmx_report dmx_report;
DMX_API void dmx_report_close(dmx_report *report);

/* Everything as one JSON document: the model's SHA-256, every figure, every
 * finding. malloc'd, free with dmx_free; NULL when memory is short. */
DMX_API char *dmx_report_json(const dmx_report *report);

/* SHA-256 of the model's bytes, 64 hexadecimal digits. */
DMX_API const char *dmx_report_sha256(const dmx_report *report);

/* How one source of one test signal compared with the reference. */
typedef struct dmx_parity {
    size_t size;           /* sizeof this struct */
    const char *signal;    /* "noise", "music", "recording"; of a file of any
                              length or batch also "noise at 1000", "noise in a
                              batch" */
    const char *source;    /* "drums" */
    double peak;           /* largest magnitude of the reference */
    double max_difference; /* largest absolute difference */
    double relative;       /* max_difference / peak */
    double snr;            /* 10 log10(sum ref^2 / sum difference^2), dB;
                              infinite when they are equal */
    int64_t channel;       /* where the largest difference is */
    int64_t sample;
    int passed; /* relative is within the tolerance, snr is enough */
} dmx_parity;

#define DMX_PARITY_INIT DMX_SIZED_(dmx_parity)

/* Writes comparison `index` to *out, up to its size; 0 past the end, or when
 * the size is not set. */
DMX_API int dmx_report_parity(const dmx_report *report, size_t index,
                              dmx_parity *out);

/* The findings, one line each, in order: "error: ..." for a broken promise,
 * "note: ..." for anything else. NULL past the end. */
DMX_API const char *dmx_report_finding(const dmx_report *report, size_t index);

/* Writes the model as ONNX, checks those very bytes, and only then gives the
 * file its name: (1) ONNX Runtime against the float64 reference on noise and
 * on a music-like signal, (2) the official ONNX checker with strict shape
 * inference, (3) the promises of docs/graph-contract.md. On any failure, and
 * when cancelled, no file is left. With DMX_PRECISION_INT8 that may be
 * done again, and a warning says what goes back to float32.
 * *report: NULL, or receives what was found, also on DMX_ERROR_CHECK.
 * Fails with ARGUMENT, UNSUPPORTED, LIMIT, IO, RUNTIME (no ONNX Runtime, no
 * checker), CHECK, CANCELLED or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_export(const dmx_model *model,
                                             const char *path,
                                             const dmx_export_options *options,
                                             dmx_report **report,
                                             dmx_error *err);

/* The same checks of an existing file against a checkpoint's model: a file of
 * this or another exporter with input mix (1, channels, samples) and output
 * stems (1, sources, channels, samples), float32. For another exporter's
 * file, promises that only ours makes are notes. External data is refused. */
DMX_API DMX_MUST_CHECK dmx_status dmx_verify_model(
    const char *path, const dmx_model *model, const dmx_verify_options *options,
    dmx_report **report, dmx_error *err);

/* Checks 2 and 3, and ONNX Runtime's output against a recording of another
 * implementation: .npy files, float32, row-major, of the shapes of the model's
 * input and output; the model's input may be longer, then the mix is padded
 * with zeros and the output trimmed. */
DMX_API DMX_MUST_CHECK dmx_status dmx_verify_recorded(
    const char *path, const char *mix_path, const char *stems_path,
    const dmx_verify_options *options, dmx_report **report, dmx_error *err);

/* A model file's description as JSON: inputs, outputs, opset, metadata,
 * operators with counts, parameters. With graph non-zero, also every node.
 * malloc'd into *out, free with dmx_free. Fails with IO, LIMIT, FORMAT,
 * UNSUPPORTED (external data) or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_onnx_json(char **out, const char *path,
                                                int graph, dmx_error *err);

/* A deterministic test signal of the checks, float32 [channels][samples]:
 * "noise" is N(0,1), "music" has full-scale transients, silence, a passage at
 * -60 dB, DC and hard-panned parts, "music over noise" is the same with noise
 * at -60 dB, for networks that divide a spectrogram by its magnitudes.
 * Bit-identical on every machine. Fails with ARGUMENT. */
DMX_API DMX_MUST_CHECK dmx_status dmx_test_signal(float *out, const char *name,
                                                  int64_t channels,
                                                  int64_t samples,
                                                  dmx_error *err);
/* ------------------------------------------------------------- separation */

/* Models ready to separate tracks of any length in bounded memory. Immutable:
 * any number of threads may run tracks on one separator at a time; they take
 * turns segment by segment. */
typedef struct dmx_separator dmx_separator;

typedef enum dmx_backend {
    DMX_BACKEND_AUTO = 0,    /* native for checkpoints, else ONNX Runtime */
    DMX_BACKEND_ONNXRUNTIME, /* .onnx files; checkpoints are exported in
                                memory */
    DMX_BACKEND_NATIVE,      /* checkpoints only */
    DMX_BACKEND_REFERENCE,   /* checkpoints only: float64, slow, exact */
} dmx_backend;

/* "auto", "onnxruntime", "native", "reference": as the command line has it;
 * NULL for any other number. */
DMX_API const char *dmx_backend_name(dmx_backend backend);
/* Finds the backend with this name; 0 when there is none. */
DMX_API int dmx_backend_find(dmx_backend *out, const char *name);

typedef struct dmx_separator_options {
    size_t size;            /* sizeof this struct */
    const dmx_hooks *hooks; /* while opening: warnings, progress */
    dmx_backend backend;
    int threads;                /* of a run; 0: all cores of the process */
    const char *onnxruntime;    /* ONNX Runtime's library, or its folder; NULL:
                                   $DEMUCS_ONNXRUNTIME, or the usual places */
    const char *providers;      /* "auto", "cpu", or ONNX Runtime's execution
                                   providers in order: "cuda,cpu"; NULL: "cpu" */
    const char *const *stems;   /* sources wanted, NULL-terminated; NULL: all */
    const char *const *without; /* sources not wanted, NULL-terminated, or
                                   NULL; not together with stems */
    double segment; /* seconds, at most the training segment; 0: that, or a
                       bag's own */
    double overlap; /* of neighbouring segments, 0 to 0.99 */
    double transition_power; /* of the triangular weights, 1 to 32 */
    int shifts;              /* random time offsets averaged, 0 to 100; 0: one
                                pass without offset */
    int64_t seed;            /* of the offsets, as Python's random.seed */
    const dmx_model_options *model; /* arguments of checkpoints; NULL: what
                                       the files say */
    const char *weights; /* the set of weights in a training checkpoint, as in
                            dmx_checkpoint_options; NULL: the best */
    int unpadded; /* non-zero, for streams: shorter segments are not padded to
                     the training segment for models that allow this. A longer
                     segment, or any for an .onnx file of one length, is set to
                     the training segment */

    const char *choices;            /* as in dmx_engine_options; NULL:
                                       "precision" in the cache folder */
    dmx_engine_precision precision; /* of the native engine */
    int batch; /* segments that ONNX Runtime computes at once, 1 to 64, for
                  files of that or of any batch (exports in memory are); other
                  engines take one. Memory and latency grow with it. 0: what
                  an .onnx file fixes, else 1. With DMX_NORMALIZE_RUNNING, in
                  streams and for last pieces of a length of their own, the
                  rest of a fixed batch is silence */
} dmx_separator_options;

#define DMX_SEPARATOR_OPTIONS_INIT                                             \
    DMX_SIZED_2_(dmx_separator_options, overlap, 0.25, transition_power, 1)

/* Loads the models of a bag that the wanted stems need. All of its models must
 * have the same sources, channels and sample rate. The bag may be closed
 * afterwards.
 * *out: closed with dmx_separator_close after all its runs. Fails with
 * ARGUMENT (a value out of range, a stem that the model does not have: the
 * message lists what is allowed), what dmx_checkpoint_open, dmx_model_open and
 * dmx_engine_open fail with, or RUNTIME. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_separator_open(dmx_separator **out, const dmx_bag *bag,
                   const dmx_separator_options *options, dmx_error *err);

/* The same for one file: checkpoint, .onnx model or bag file. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_separator_open_file(dmx_separator **out, const char *path,
                        const dmx_separator_options *options, dmx_error *err);
DMX_API void dmx_separator_close(dmx_separator *separator);

/* The stems that it separates, in the model's order; NULL past the end. */
DMX_API size_t dmx_separator_stems(const dmx_separator *separator);
DMX_API const char *dmx_separator_stem(const dmx_separator *separator,
                                       size_t index);
/* All sources of the model. */
DMX_API size_t dmx_separator_sources(const dmx_separator *separator);
DMX_API const char *dmx_separator_source(const dmx_separator *separator,
                                         size_t index);
DMX_API int64_t dmx_separator_channels(const dmx_separator *separator);
DMX_API int64_t dmx_separator_samplerate(const dmx_separator *separator);
/* Samples of a segment: of the longest one in a bag. */
DMX_API int64_t dmx_separator_samples(const dmx_separator *separator);
/* "native", "onnxruntime" (with the provider: "onnxruntime/cuda") or
 * "reference". */
DMX_API const char *dmx_separator_backend(const dmx_separator *separator);
/* dmx_engine_precision_json of every model that runs on the native engine, with
 * its file as "model": an array; malloc'd, free with dmx_free; NULL when memory
 * is short. */
DMX_API char *dmx_separator_precision_json(const dmx_separator *separator);

typedef enum dmx_normalization {
    DMX_NORMALIZE_TRACK = 0, /* by a first pass over the input; needs rewind */
    DMX_NORMALIZE_GIVEN,     /* by the mean and std in the struct */
    DMX_NORMALIZE_NONE,      /* the input is normalised already */
    DMX_NORMALIZE_RUNNING,   /* each segment by the track up to its end */
} dmx_normalization;

/* The source of a track and the destination of its stems. Audio is planar
 * float32 at the separator's rate and channels. Each callback returns DMX_OK,
 * or any other status (with *err filled, which may be NULL) to end the run with
 * it. They are called from the thread that called run. */
typedef struct dmx_separator_io {
    size_t size; /* sizeof this struct */
    void *user;
    /* Fills planes[channel][0 .. *got), *got <= capacity; *got == 0: the end.
     * Samples must be finite. */
    dmx_status (*read)(void *user, float *const *planes, size_t capacity,
                       size_t *got, dmx_error *err);
    /* Returns to the first sample; needed for DMX_NORMALIZE_TRACK, and for
     * shifts when frames is unknown. */
    dmx_status (*rewind)(void *user, dmx_error *err);
    /* Takes the next frames: stems[stem * channels + channel], and beside them
     * the same frames of the input, mix[channel]. As many frames come out as
     * went in. */
    dmx_status (*write)(void *user, const float *const *stems,
                        const float *const *mix, size_t frames, dmx_error *err);
    dmx_normalization normalize;
    double mean, std; /* of the mono mix; std unbiased, 0 or more */
    int64_t frames;   /* length when it is known, else -1: for progress, and
                         for shifts, which depend on it (then it must be
                         right) */
} dmx_separator_io;

#define DMX_SEPARATOR_IO_INIT                                                  \
    DMX_SIZED_2_(dmx_separator_io, normalize, DMX_NORMALIZE_TRACK, frames, -1)

/* Separates one track as Demucs' apply_model does: normalised by mean and
 * unbiased standard deviation of the mono mix (plus 1e-8), overlapping segments
 * weighted by a triangle, models and shifts averaged (docs/separate.md).
 * Results do not depend on block sizes or threads. Memory: a few segments of
 * input and stems, whatever the length of the track. hooks (may be NULL):
 * progress of the stages "measure" and "separate", cancellation. Fails with
 * what a callback returned, ARGUMENT (a callback is missing), CANCELLED, MEMORY
 * or RUNTIME. Source: demucs.apply.apply_model, demucs.api.Separator. */
DMX_API DMX_MUST_CHECK dmx_status dmx_separator_run(dmx_separator *separator,
                                                    const dmx_separator_io *io,
                                                    const dmx_hooks *hooks,
                                                    dmx_error *err);

/* ------------------------------------------------- separation, pushed, pulled
 */

/* Separates one track incrementally: samples are pushed as they arrive, in
 * blocks of any size, and finished stems are pulled. The output is
 * bit-identical to that of dmx_separator_run with the same level, whatever the
 * blocks; that function is a loop around this one. For one thread at a time;
 * the separator must outlive it and may be shared. */
typedef struct dmx_separation dmx_separation;

typedef struct dmx_separation_options {
    size_t size;                 /* sizeof this struct */
    dmx_normalization normalize; /* RUNNING, GIVEN or NONE; TRACK can't be */
    double mean, std;            /* of GIVEN, as in dmx_separator_io */
    int64_t frames; /* length when it is known, else -1: for progress, and for
                       shifts, which may depend on it (then it must be right) */
} dmx_separation_options;

#define DMX_SEPARATION_OPTIONS_INIT                                            \
    DMX_SIZED_2_(dmx_separation_options, normalize, DMX_NORMALIZE_RUNNING,     \
                 frames, -1)

/* *out: closed with dmx_separation_close. Fails with ARGUMENT or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_separation_open(dmx_separation **out, dmx_separator *separator,
                    const dmx_separation_options *options, dmx_error *err);
DMX_API void dmx_separation_close(dmx_separation *separation);

/* Takes samples mix[channel][0 .. frames), planar float32, finite, as far as
 * there is room: *taken of them, at least one unless stems must be pulled
 * first. Only copies; the network runs in pull. Fails with ARGUMENT (not
 * finite; after a flush). */
DMX_API DMX_MUST_CHECK dmx_status
dmx_separation_push(dmx_separation *separation, const float *const *mix,
                    size_t frames, size_t *taken, dmx_error *err);

/* Returns the next finished frames, *got of them, at most `capacity` (1 or
 * more), and runs a segment when one is complete: stems[stem * channels +
 * channel] and, unless mix is NULL, the same frames of the input, mix[channel].
 * *got == 0: nothing more until the next push or, after a flush, at all. hooks
 * (may be NULL): progress of the stage "separate" (0 while the length is not
 * known), cancellation, after which the same pull may be tried again. Fails
 * with CANCELLED, MEMORY, MODEL or RUNTIME. */
DMX_API DMX_MUST_CHECK dmx_status dmx_separation_pull(
    dmx_separation *separation, float *const *stems, float *const *mix,
    size_t capacity, size_t *got, const dmx_hooks *hooks, dmx_error *err);

/* Ends the track: pull then returns the rest, to the last frame. Fails with
 * ARGUMENT when options.frames was another length and shifts depend on it. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_separation_flush(dmx_separation *separation, dmx_error *err);

/* Discards the track, including output that has not been pulled, and starts
 * another with the same options. */
DMX_API void dmx_separation_reset(dmx_separation *separation);

/* The maximum delay of the stems in samples: when n frames have been pushed and
 * pull has nothing more, at least n - latency have come out. It is the longest
 * segment minus one. */
DMX_API int64_t dmx_separation_latency(const dmx_separation *separation);

/* ---------------------------------------------------------------- streams */

/* Live separation: every `hop` the models run over the newest segment of input.
 * Their output, except its newest `lookahead`, is crossfaded into the stems,
 * which are delayed by a constant number of frames (docs/streaming.md). Weights
 * belong to the separator and are shared by any number of streams. Each segment
 * is normalised by the mean and standard deviation of all input since the last
 * reset.
 *
 * Three threads may meet in a stream: one audio thread (process), one worker
 * (work; by default a thread of the stream's own), and any that resets, asks
 * for statistics or status. */
typedef struct dmx_stream dmx_stream;

typedef struct dmx_stream_options {
    size_t size; /* sizeof this struct */
    double hop; /* seconds between two runs, 0.005 to 60: a stream costs one run
                   per hop; 0: 0.25 */
    double lookahead; /* seconds of its future that an output waits for; 0:
                         0.04, negative: none */
    double fade;      /* seconds of crossfade between runs, at most the hop; 0:
                         0.01, negative: none */
    int covers;   /* 2 to 64: every output is the triangle-weighted mean of this
                     many runs, and `fade` is not used */
    double slack; /* seconds that a run may take before its output is late;
                     0: a hop (none with `manual`), negative: none */
    double block; /* seconds of the largest block passed to process, at most 1;
                     larger ones may be late. 0: 1024 frames */
    int manual;   /* non-zero: the caller's thread calls dmx_stream_work */
    int dry;      /* non-zero: where stems are late, each is the mix; zero:
                     silence */
} dmx_stream_options;

#define DMX_STREAM_OPTIONS_INIT DMX_SIZED_(dmx_stream_options)

/* The models run over segments of the separator's length; open it with
 * `unpadded` and a short segment for short runs, and without shifts; it must
 * outlive the stream. *out: closed with dmx_stream_close. Fails with ARGUMENT
 * (what is out of range, or longer than the segment) or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_stream_open(dmx_stream **out, dmx_separator *separator,
                const dmx_stream_options *options, dmx_error *err);
/* Must not be called while another thread is in a function of this stream.
 * Cancels a run in progress. */
DMX_API void dmx_stream_close(dmx_stream *stream);

/* The delay of the stems against the mix in frames; constant. It is the
 * algorithmic latency (lookahead + hop + fade, or lookahead + covers * hop) +
 * slack + block. */
DMX_API int64_t dmx_stream_latency(const dmx_stream *stream);

/* Takes mix[channel][0 .. frames) and returns stems[stem * channels + channel]
 * [0 .. frames), delayed by `latency` frames. Real-time safe: no allocation, no
 * lock, no system call, no waiting. stems may be the same memory as mix. Late
 * frames are replaced by silence or the mix, without clicks, and counted. Input
 * that is not finite counts as 0. One thread at a time. */
DMX_API void dmx_stream_process(dmx_stream *stream, float *const *stems,
                                const float *const *mix, size_t frames);

/* Discards the history, as after a jump of the transport, from the next block
 * on, in sync with the audio: earlier input is still output, but its last
 * lookahead + hop fades out early, and new input fades in. Real-time safe, from
 * any thread. */
DMX_API void dmx_stream_reset(dmx_stream *stream);

/* With options.manual: runs the models once if the input of a hop is complete;
 * *ran says whether it did. One thread at a time. Fails with ARGUMENT (the
 * stream has its own thread), or as dmx_stream_status. */
DMX_API DMX_MUST_CHECK dmx_status dmx_stream_work(dmx_stream *stream, int *ran,
                                                  dmx_error *err);

/* Waits until the next `frames` frames of output are ready (or need more input
 * first), and does the work itself with options.manual: for files and pipes,
 * which may be read faster than they are separated. Not real-time safe; on the
 * audio thread, before process. hooks (may be NULL): cancellation. Fails with
 * CANCELLED, or as dmx_stream_status. */
DMX_API DMX_MUST_CHECK dmx_status dmx_stream_wait(dmx_stream *stream,
                                                  size_t frames,
                                                  const dmx_hooks *hooks,
                                                  dmx_error *err);

/* OK, or what made a run fail (RUNTIME, MEMORY): from then on there are no
 * stems. From any thread; real-time safe with err NULL only. */
DMX_API DMX_MUST_CHECK dmx_status dmx_stream_status(const dmx_stream *stream,
                                                    dmx_error *err);

typedef struct dmx_stream_statistics {
    size_t size;          /* sizeof this struct */
    int64_t runs;         /* of the models */
    int64_t skipped_runs; /* skipped because the worker was behind */
    int64_t late_frames; /* replaced by silence or mix because a run was late */
    int64_t lost_frames; /* of input, because the worker was far behind */
    int64_t nonfinite;   /* samples, of input or of a model, that became 0 */
    double mean_load;    /* time of a run over the hop; above 1 can't last */
    double worst_load;
    int64_t latency, algorithmic_latency; /* frames */
} dmx_stream_statistics;

#define DMX_STREAM_STATISTICS_INIT DMX_SIZED_(dmx_stream_statistics)

/* Fills *out (its size set) as far as that says. Real-time safe, from any
 * thread. */
DMX_API void dmx_stream_stats(const dmx_stream *stream,
                              dmx_stream_statistics *out);

/* Measures this machine: runs the separator's models a few times over one
 * segment of noise and sets options->hop to the smallest hop of which a run
 * takes at most three quarters; *seconds: the slowest run. Other options are
 * unchanged. hooks (may be NULL): progress of the stage "measure",
 * cancellation. Fails with ARGUMENT when that hop does not fit into a segment,
 * CANCELLED, MEMORY or RUNTIME. */
DMX_API DMX_MUST_CHECK dmx_status dmx_stream_suggest(
    dmx_stream_options *options, double *seconds, dmx_separator *separator,
    const dmx_hooks *hooks, dmx_error *err);

/* One output of dmx_stream_pipe: a sum of stems, or all of them. */
typedef struct dmx_pipe_output {
    int fd; /* interleaved PCM is written here; owned by the caller */
    const double *gain; /* [dmx_separator_stems]; NULL: every stem in turn, as
                           channels side by side */
} dmx_pipe_output;

typedef struct dmx_pipe_options {
    size_t size;            /* sizeof this struct */
    const dmx_hooks *hooks; /* cancellation, in stage "stream" */
    const dmx_pipe_output *output;
    size_t outputs;                   /* 1 to DMX_SONG_OUTPUTS */
    const dmx_stream_options *stream; /* NULL: the exact separation, each
                                         segment by the running level */
    int input;                        /* file descriptor; 0: standard input */
    const char *raw; /* headerless input: "s16le,44100,2"; NULL: WAV, and WAV
                        goes out */
    int bits;        /* 16, 24, or 32 (float), little-endian; 0: as the input,
                        or the nearest */
    int live; /* non-zero: the input arrives in real time, and output not ready
                 in time is late (dmx_stream_options.dry); zero: wait for
                 output, and let the input wait */
} dmx_pipe_options;

#define DMX_PIPE_OPTIONS_INIT DMX_SIZED_(dmx_pipe_options)

typedef struct dmx_pipe_report {
    size_t size;     /* sizeof this struct */
    int64_t frames;  /* in, and out */
    int64_t clipped; /* samples cut off at full scale */
} dmx_pipe_report;

#define DMX_PIPE_REPORT_INIT DMX_SIZED_(dmx_pipe_report)

/* Reads PCM until its end and writes stems as they are ready, in bounded
 * memory. The input must have the model's rate. Outputs are aligned with the
 * mix and equally long: the latency is dropped at the start and flushed at the
 * end. report and statistics (may be NULL, else their sizes set) are filled on
 * success and when it is cancelled. Fails with ARGUMENT, FORMAT, UNSUPPORTED,
 * LIMIT, IO, CANCELLED, MEMORY or RUNTIME. */
DMX_API DMX_MUST_CHECK dmx_status dmx_stream_pipe(
    dmx_separator *separator, const dmx_pipe_options *options,
    dmx_pipe_report *report, dmx_stream_statistics *statistics, dmx_error *err);

typedef struct dmx_evaluation_options {
    size_t size;            /* sizeof this struct */
    const dmx_hooks *hooks; /* progress of "read", "separate", "stream";
                               cancellation */
    const double *hop;      /* seconds, 1 to 64 of them */
    size_t hops;
    const double *lookahead; /* seconds, 1 to 64; 0: none */
    size_t lookaheads;
    double fade;            /* as in dmx_stream_options */
    int covers;             /* the same */
    double seconds;         /* of the song at most, to 3600; 0: 60 */
    dmx_separator *offline; /* separates the whole song, to compare with; NULL:
                               that is left out */
} dmx_evaluation_options;

#define DMX_EVALUATION_OPTIONS_INIT DMX_SIZED_(dmx_evaluation_options)

/* Measures what live separation costs in quality: the SDR (as dmx_sound_sdr, in
 * dB) of every pair of hop and lookahead on a song whose stems are known.
 * truth[stem]: a path for each of dmx_separator_stems. *json: one JSON document
 * with `modes` (hop, lookahead, algorithmic latency, load of this machine, SDR
 * of each stem and their mean; no SDR where a pair does not fit into a
 * segment), `offline`, `window`, `run_seconds`; malloc'd, free with dmx_free.
 * The song is held in memory. Fails as reading sound files does, with ARGUMENT,
 * MEMORY, CANCELLED or RUNTIME. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_stream_evaluate(char **json, dmx_separator *separator, const char *song,
                    const char *const *truth,
                    const dmx_evaluation_options *options, dmx_error *err);

/* -------------------------------------------------------------- benchmark */

typedef struct dmx_bench_options {
    size_t size;             /* sizeof this struct */
    const dmx_hooks *hooks;  /* progress, cancellation */
    int64_t samples;         /* length of the input; 0: training segment */
    int threads;             /* 0: every core this process may use */
    int runs;                /* of each contestant after a cold one; 0: 5 */
    int low_memory;          /* of the native engine */
    const char *contestants; /* names separated by commas: "native",
                                "native:avx2" (or another instruction set),
                                "native:int16", "native:int8",
                                "native:avx2:int16",
                                every name of a dmx_backend ("onnxruntime" is
                                our graph there, "onnxruntime:int8" that of a
                                dmx_precision, unchecked); NULL: "native" for
                                every instruction set. The program knows "usual"
                                too */
    const char *onnxruntime; /* the library or its folder; NULL: searched */
    const char *choices;     /* as in dmx_engine_options */
} dmx_bench_options;

#define DMX_BENCH_OPTIONS_INIT DMX_SIZED_(dmx_bench_options)

/* Separates one segment of noise with each contestant, taking turns, so that
 * other load on the machine affects all of them equally. *json: one JSON
 * document with the measured FMA peak, and for each contestant load time, cold
 * run, every run, median and best (wall clock and processor time, seconds),
 * GFLOP/s by the textbook operation count, the ratio of its median to the
 * first's, and the native engine's profile; malloc'd, free with dmx_free. Fails
 * with ARGUMENT, RUNTIME, CANCELLED, MEMORY or as export does. */
DMX_API DMX_MUST_CHECK dmx_status dmx_bench(char **json, const dmx_model *model,
                                            const dmx_bench_options *options,
                                            dmx_error *err);

/* ------------------------------------------------------------------ songs */

typedef enum dmx_clip {
    DMX_CLIP_RESCALE = 0, /* x / max(1.01 * peak, 1) per file, as the original;
                             kept aside as float32 until the peak is known */
    DMX_CLIP_CLAMP,       /* to [-0.99, 0.99], as the original */
    DMX_CLIP_TANH,        /* tanh(x), as the original */
    DMX_CLIP_NONE,        /* integer formats cut off at full scale */
} dmx_clip;

/* One file to write: a sum of stems and of the mix itself. */
typedef struct dmx_song_output {
    const char *name;   /* "vocals": in messages and pictures */
    const char *path;   /* NULL: standard output */
    const double *gain; /* [dmx_separator_stems] */
    double mix_gain;
} dmx_song_output;

#define DMX_SONG_OUTPUTS 32 /* at most */

typedef struct dmx_song_options {
    size_t size;            /* sizeof this struct */
    const dmx_hooks *hooks; /* warnings; progress of the stages "measure",
                               "separate" and "write"; cancellation */
    const dmx_song_output *output;
    size_t outputs;
    const char *raw;    /* headerless input: "f32le,44100,2"; NULL: a file */
    const char *format; /* "wav", "flac", "mp3", "ogg", "opus", "m4a"; or
                           "stem.mp4": one DJ stem file at output[0].path (the
                           other paths are not used) of five stereo tracks, of
                           which output[0] is the mix (mix_gain 1) and the rest
                           the stems, named in the file; RESCALE then takes one
                           factor for all, so that they still sum to the mix */
    int bits;           /* WAV: 16, 24 or 32 (float); FLAC: 16 or 24 */
    int bitrate;        /* kbit/s of lossy formats; 0: their default. MP3: one
                           of those that MPEG audio has */
    int rate;           /* Hz of the files; 0: the song's own */
    int mono;           /* non-zero: one channel, the mean of all; not in a
                           stem file */
    int dither;         /* non-zero: TPDF dither of integer formats */
    int exact_sum;      /* non-zero: spread the mix minus the sum of all files
                           over the files, so that they sum to the song; in an
                           integer format exactly, sample by sample, to the
                           song at that depth. Outputs must make up the whole
                           mix; not with a lossy format, dither, RESCALE (NONE
                           is used), or another rate */
    dmx_clip clip;      /* RESCALE becomes NONE for float and standard output */
    const char *plot;   /* "x.png" or "x.svg": a picture; NULL: none */
    int stream;         /* which audio stream of the song's file, from 1
                           (ARGUMENT when there are fewer); 0: the first, with a
                           warning when there are more */
} dmx_song_options;

#define DMX_SONG_OPTIONS_INIT                                                  \
    DMX_SIZED_2_(dmx_song_options, format, "wav", bits, 16)

typedef struct dmx_song_report {
    size_t size;        /* sizeof this struct */
    int rate, channels; /* of the song */
    int64_t frames;
    int64_t nonfinite;          /* samples that were replaced by 0 */
    int out_rate, out_channels; /* of the files */
    int64_t out_frames;
    double peak[DMX_SONG_OUTPUTS];     /* before clipping, full scale 1; peak,
                                          scale and clipped of a stem file are
                                          the same for all of its tracks */
    double scale[DMX_SONG_OUTPUTS];    /* of RESCALE; else 1 */
    int64_t clipped[DMX_SONG_OUTPUTS]; /* samples cut off at full scale */
    int64_t mix_clipped; /* exact_sum, integers: samples of the song beyond
                            full scale, where the files sum to full scale */
} dmx_song_report;

#define DMX_SONG_REPORT_INIT DMX_SIZED_(dmx_song_report)

/* Separates one sound file (path "-": standard input, stored first) into files:
 * decoded, mixed down to the model's channels, resampled, separated, and back
 * to the song's rate and exact length; title, artist and cover are copied.
 * Memory does not grow with the song. Files appear when all are complete, none
 * on failure; existing ones are replaced. report (may be NULL) is filled on
 * success, up to its size. Fails with ARGUMENT, IO, FORMAT, UNSUPPORTED, LIMIT,
 * CANCELLED, MEMORY or RUNTIME. */
DMX_API DMX_MUST_CHECK dmx_status dmx_separate_song(
    dmx_separator *separator, const char *path, const dmx_song_options *options,
    dmx_song_report *report, dmx_error *err);

/* Signal-to-distortion ratio of an estimate in dB, over all channels of both
 * files: 10 log10(sum truth^2 / sum (truth - estimate)^2). The files must have
 * the same rate, channels and length. Infinite for equal files, NaN for a
 * silent truth. Fails as reading sound files does, or with ARGUMENT. */
DMX_API DMX_MUST_CHECK dmx_status dmx_sound_sdr(double *out, const char *truth,
                                                const char *estimate,
                                                dmx_error *err);

/* ----------------------------------------------------------- sound files */

/* A sound file, decoded as songs are: every format, one audio stream. For one
 * thread at a time. */
typedef struct dmx_sound dmx_sound;

typedef struct dmx_sound_info {
    size_t size; /* sizeof this struct */
    int rate;    /* Hz */
    int channels;
    int bits;          /* of a lossless source, 0 of a lossy one */
    int exact;         /* `frames` is not an estimate */
    int64_t frames;    /* as the file says; -1: it does not */
    const char *codec; /* "flac"; the sound's */
} dmx_sound_info;

#define DMX_SOUND_INFO_INIT DMX_SIZED_(dmx_sound_info)

/* Opens a sound file (path "-": standard input, stored first). hooks (may be
 * NULL) must live until it is closed: warnings. *out: closed with
 * dmx_sound_close. Fails with IO, FORMAT, LIMIT, UNSUPPORTED or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_sound_open(dmx_sound **out,
                                                 const char *path,
                                                 const dmx_hooks *hooks,
                                                 dmx_error *err);
/* One of the file's audio streams, from 1, such as the tracks of a stem file;
 * 0: the first, as dmx_sound_open takes it. Fails with ARGUMENT too: the file
 * has fewer. */
DMX_API DMX_MUST_CHECK dmx_status dmx_sound_open_stream(dmx_sound **out,
                                                        const char *path,
                                                        int stream,
                                                        const dmx_hooks *hooks,
                                                        dmx_error *err);
DMX_API void dmx_sound_close(dmx_sound *sound);
/* Describes the sound in *out, up to its size; 0 when sound is NULL, or the
 * size is not set. */
DMX_API int dmx_sound_about(const dmx_sound *sound, dmx_sound_info *out);
/* From here on, dmx_sound_read gives the sound at another rate (1000 to 1536000
 * Hz) and with 1 or 2 channels, as dmx_separate_song gives it to a model of
 * that rate: other layouts mixed down (ITU-R BS.775), n frames become exactly
 * ceil(n * rate / own rate), by a linear-phase filter without delay. Once a
 * sound, before its first read; dmx_sound_about describes the file still. Fails
 * with ARGUMENT or MEMORY, and the sound is as it was. */
DMX_API DMX_MUST_CHECK dmx_status dmx_sound_convert(dmx_sound *sound, int rate,
                                                    int channels,
                                                    dmx_error *err);
/* Reads the next frames to planes[channel][0 .. *got), *got <= capacity, full
 * scale 1; *got == 0: the end. Samples are finite. Fails with IO or FORMAT. */
DMX_API DMX_MUST_CHECK dmx_status dmx_sound_read(dmx_sound *sound,
                                                 float *const *planes,
                                                 size_t capacity, size_t *got,
                                                 dmx_error *err);

typedef struct dmx_sound_options {
    size_t size;            /* sizeof this struct */
    const dmx_hooks *hooks; /* progress of the stage "write", cancellation */
    const char *format;     /* as in dmx_song_options, and so bits, bitrate */
    int bits;
    int bitrate;
    int rate;     /* Hz: one that the format has; must be set */
    int channels; /* MP3: 1 or 2; others 1 to 8, WAV 64; must be set */
    int dither;   /* non-zero: TPDF dither of integer formats */
} dmx_sound_options;

#define DMX_SOUND_OPTIONS_INIT                                                 \
    DMX_SIZED_2_(dmx_sound_options, format, "wav", bits, 16)

/* Writes planes[channel][0 .. frames) as a sound file, which appears complete
 * or not at all and replaces an existing one. Integer formats are rounded and
 * clipped at full scale. Fails with ARGUMENT, IO, UNSUPPORTED (no such
 * encoder), CANCELLED or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status
dmx_sound_write(const char *path, const float *const *planes, int64_t frames,
                const dmx_sound_options *options, dmx_error *err);

/* ----------------------------------------------------------- names, files */

#define DMX_FILE_NAME_SIZE 256 /* of a component of a path, with its zero */

/* Turns untrusted text - a source in a checkpoint, a name in a bag, the name or
 * a tag of a song - into the name of one file or folder that stays in its
 * folder and displays as it is: "/", "\", control and disguising characters and
 * bytes that are not UTF-8 become "_", as do dots and blanks at its ends; an
 * empty one is "_"; at most `most` bytes (1 to 255), cut between characters.
 * out may not overlap text. Different texts can give the same name. */
DMX_API void dmx_safe_file_name(char out[DMX_FILE_NAME_SIZE], const char *text,
                                size_t most);
/* Non-zero for a text that dmx_safe_file_name leaves unchanged at 255 bytes. */
DMX_API int dmx_is_safe_file_name(const char *text);

/* Writes a file in the way of every output of this library: under another name
 * until complete, so that it appears whole or not at all, and an existing file
 * stays until then. For a symbolic link the target is written; a pipe or
 * character device is written to directly; anything else is refused. Fails with
 * IO, ARGUMENT (an empty path) or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_write_file(const char *path,
                                                 const void *data, size_t size,
                                                 dmx_error *err);

/* SHA-256 of a file, 64 lower-case hexadecimal digits and a zero; "" on
 * failure. hooks (may be NULL): progress, cancellation. Fails with IO (also for
 * what is not a regular file), CANCELLED or MEMORY. */
DMX_API DMX_MUST_CHECK dmx_status dmx_file_sha256(char hex[65],
                                                  const char *path,
                                                  const dmx_hooks *hooks,
                                                  dmx_error *err);

/* Removes the part files of every output that is being written by this process.
 * For a program that exits at once, without waiting for the functions that
 * write them: these then fail. Async-signal-safe. */
DMX_API void dmx_remove_part_files(void);

#ifdef __cplusplus
}
#endif

#endif
