/* A host for the plug-in, in memory: numbers for URIs, a worker that runs on
 * request, a state that can hold anything. host_run, host_work, and saving and
 * restoring may each be done by a thread of their own. */
#ifndef DMX_TESTS_PLUGIN_HOST_H
#define DMX_TESTS_PLUGIN_HOST_H

#include "test_support.h"

#include <lv2/atom/forge.h>
#include <lv2/core/lv2.h>
#include <lv2/state/state.h>
#include <lv2/worker/worker.h>
#include <stdbool.h>

enum { HOST_MOST_STEMS = 6, HOST_BUFFER = 8192, HOST_JOBS = 4 };

typedef struct host_value {
    const char *uri; /* NULL: end of a list */
    const void *data;
    size_t size;
    const char *type;
} host_value;

typedef struct host {
    const LV2_Descriptor *descriptor;
    LV2_Handle handle;
    size_t stems;
    bool has_worker;
    float gain[HOST_MOST_STEMS], enabled, freewheel, latency, status, load;
    uint64_t control[HOST_BUFFER / 8], notify[HOST_BUFFER / 8];
    bool heard_message; /* `control` holds one for the next run */
    struct {
        void *data;
        uint32_t size;
    } job[HOST_JOBS];
    int jobs;
    uint32_t response[HOST_JOBS]; /* of the worker, for the next run */
    int responses;
} host;

/* What was logged since the last call. */
const char *host_log(void);

LV2_URID host_urid(const char *uri);

/* An activated instance at `rate`; features false: none at all. */
host *host_open(size_t stems, double rate, bool features);
void host_close(host *h);

/* One block: in[2], out[2 * stems]. */
void host_run(host *h, const float *const *in, float *const *out, uint32_t n);

/* Does what the plug-in has scheduled. */
void host_work(host *h);

/* Messages for the next run. */
void host_set_path(host *h, const char *property, const char *path);
void host_set_number(host *h, const char *property, float value);
void host_get(host *h);
/* A path or number that the plug-in has sent in the last run: 1 if there. */
int host_told_path(const host *h, const char *property, char *out, size_t size);
int host_told_number(const host *h, const char *property, float *out);

/* State: what save stores, by URI; paths are mapped to "here:" + the path. */
void host_save(host *h);
const host_value *host_saved(const char *uri);
void host_restore(host *h, const host_value *values);
/* The common case: this model, and these seconds. */
void host_load(host *h, const char *model, float segment, float hop,
               float lookahead);

#endif
