/* What the WebAssembly module exports to its host, and what it asks of it. The
 * host may be a page's worker, node, or anything else that runs WebAssembly:
 * nothing here knows JavaScript.
 *
 * Beside these, the module exports `memory` (with threads: imports env.memory,
 * shared) and __stack_pointer, which a thread's instance sets to the end of a
 * stack of its own before it calls web_thread. Texts are UTF-8 and end in a
 * zero. Everything but web_thread is called from one thread. */
#ifndef WEB_MODULE_H
#define WEB_MODULE_H

#include "demucs_onnx.h"

#include <stdint.h>

/* CMakeLists.txt tells the linker their names. */
#define WEB_EXPORT
#define WEB_IMPORT(name)                                                       \
    __attribute__((import_module("host"), import_name(name)))

/* ------------------------------------------------------ given by the host */

/* Bytes of a model file that the host knows under this name; negative: there
 * is none. */
WEB_IMPORT("file_size") double host_file_size(const char *name);
/* Copies `size` bytes from `offset` on into `out`; not 0: it failed. */
WEB_IMPORT("file_read")
int host_file_read(const char *name, double offset, void *out, size_t size);

/* Keeps a text under a name, by which later modules of any version may read it
 * as a file; not 0: it can't. */
WEB_IMPORT("keep") int host_keep(const char *name, const char *text);

/* Reports progress; returns nonzero to cancel. */
WEB_IMPORT("progress") int host_progress(const char *stage, double fraction);
/* Shows the user a one-line warning. */
WEB_IMPORT("warn") void host_warn(const char *message);

/* The next frames of the track into planes[channel]; how many, 0: the end,
 * negative: it failed. */
WEB_IMPORT("read") int host_read(float *const *planes, size_t capacity);
/* Back to the first frame; not 0: it failed. */
WEB_IMPORT("rewind") int host_rewind(void);
/* The next finished frames, planes[stem * channels + channel]; not 0: the host
 * can't take them. */
WEB_IMPORT("write") int host_write(const float *const *planes, size_t frames);

/* ---------------------------------------------------------------- exports */

WEB_EXPORT void *web_alloc(size_t bytes); /* NULL when memory is short */
WEB_EXPORT void web_free(void *p);

/* Describe the last call that failed. */
WEB_EXPORT const char *web_error(void);      /* one line */
WEB_EXPORT const char *web_error_kind(void); /* as dmx_status_name */

/* How many threads beside the caller may be had, and how many there are;
 * each calls web_thread with its number, 0 to count - 1, and never returns. */
WEB_EXPORT int web_most_threads(void);
WEB_EXPORT void web_threads(int count);
WEB_EXPORT void web_thread(int number);

/* The released models that this module can run, as JSON: [{name, kind,
 * licence, sources, bytes, segment, weights, members: [{signature, files:
 * [{url, name, sha256, bytes}]}]}]. Free with web_free_text; NULL when memory
 * is short. */
WEB_EXPORT char *web_released(void);
WEB_EXPORT void web_free_text(char *text);

/* Opens models from the host's files. `options` is JSON:
 *   models          names of files
 *   weights         [model][source] of their average; missing: all 1
 *   segment, overlap, transition_power, shifts, seed, threads, stems
 *                   as in dmx_separator_options
 *   low_memory      keeps float16 weights as they are
 *   precision       "exact", "int16" or "int8". The proof of a reduced one is
 *                   kept by the host as "precision/NAME"
 *   integers        which of "int16" and "int8" are faster than float32, and
 *                   than the one before; missing: measured when it matters
 *   unusable        which of them this host computes wrong: never taken
 *   graphs          models are ONNX files that the host runs itself, none of
 *                   which is read here: {name: {inputs, outputs: [{name,
 *                   float32, dims (-1: free)}], metadata: {key: text}}}
 * Unknown keys are refused. NULL when it fails; close with
 * web_close. Files are read by ranges, one file after another: what describes
 * the weights, all of it for its checksums, then weight by weight as they are
 * packed. They are asked for again by models that take any length. */
WEB_EXPORT dmx_separator *web_open(const char *options);
WEB_EXPORT void web_close(dmx_separator *separator);

/* What was opened, as JSON: {stems, sources, sample_rate, channels, segment
 * (frames), isa, threads}, and for a reduced precision `precision`, an array of
 * what dmx_engine_precision_json says about each model. Free with
 * web_free_text. */
WEB_EXPORT char *web_describe(const dmx_separator *separator);

/* Separates a track of `frames` frames, which host_read gives, into stems,
 * which host_write takes. exact_sum not 0: what is left of the mix is spread
 * over the stems, so that they sum to it; all sources must be wanted. 0, or
 * not 0 when it fails. */
WEB_EXPORT int web_separate(dmx_separator *separator, double frames,
                            int exact_sum);

/* The same in steps, which the host may take at any time, and the only way for
 * models of "graphs":
 *   1. the whole track, block by block: fill web_track_input,
 * web_track_measure;
 *   2. it again: fill, web_track_push, which takes as many frames as have room;
 *      at last one push of 0 frames, which ends the track;
 *   3. after each push web_track_pull until it returns 0.
 * All rows have room for web_track_block frames. NULL, -1 and not 0 are
 * failures (web_error). Close a track before its separator. */
typedef struct web_track web_track;
WEB_EXPORT web_track *web_track_open(dmx_separator *separator, int exact_sum);
WEB_EXPORT void web_track_close(web_track *track);
WEB_EXPORT int web_track_block(void);
WEB_EXPORT float **web_track_input(web_track *track); /* [channel] */
WEB_EXPORT float **web_track_stems(web_track *track); /* as host_write */
WEB_EXPORT int web_track_measure(web_track *track, int frames);
WEB_EXPORT int web_track_push(web_track *track, int frames);
/* The frames that web_track_stems got, 0: none before the next push, or
 * WEB_RUN_GRAPH: run web_graph_request, then pull again. */
WEB_EXPORT int web_track_pull(web_track *track);
enum { WEB_RUN_GRAPH = -2 };

/* The run of a network that the last pull waits for; NULL: none. The host runs
 * file `name` on input[dim[0]][dim[1]][dim[2]], writes the `floats` numbers of
 * its first output and calls web_graph_answer. The addresses stay valid until
 * then. */
typedef struct web_request {
    const char *name;
    const float *input;
    float *output;
    uint32_t floats;
    uint32_t dim[3]; /* batch, channels, samples */
} web_request;
WEB_EXPORT const web_request *web_graph_request(void);
WEB_EXPORT void web_graph_answer(void);

/* Incremental SHA-256; open returns NULL when memory is short. finish also
 * closes; hex has room for 65 bytes. */
WEB_EXPORT void *web_sha256_open(void);
WEB_EXPORT void web_sha256_update(void *state, const void *data, size_t size);
WEB_EXPORT void web_sha256_finish(void *state, char *hex);

/* For benchmarks: GFLOP/s of `rounds` rounds of multiply-adds in registers (the
 * most that one thread can reach), and of the engine's matrix product with k
 * columns in cache; number: 0 float32, 1 int16, 2 int8. */
WEB_EXPORT double web_measure_fma(int rounds);
WEB_EXPORT double web_measure_product(int number, int k, int repeats);

#endif
