/* The LV2 plug-in's inside. Four threads of a host may meet in it:
 *
 *   audio    run: real-time, never waits
 *   worker   work: loads and frees engines (the worker extension)
 *   state    save: beside the others; restore: beside work, never beside run
 *   control  instantiate, activate, cleanup: never beside the others
 *
 * The worker hands a loaded engine to the audio thread through `handed`, which
 * hands the old one back by scheduling work. */
#ifndef DMX_PLUGIN_PLUGIN_H
#define DMX_PLUGIN_PLUGIN_H

#include "engine.h"
#include "names.h"
#include "settings.h"

#include <lv2/atom/forge.h>
#include <lv2/core/lv2.h>
#include <lv2/log/log.h>
#include <lv2/state/state.h>
#include <lv2/urid/urid.h>
#include <lv2/worker/worker.h>
#include <pthread.h>
#include <stdatomic.h>

enum { PLUG_CHUNK = 1024 }; /* frames processed at a time */

/* What `status` shows. */
typedef enum plug_status {
    PLUG_NO_MODEL,
    PLUG_LOADING,
    PLUG_RUNNING,
    PLUG_FAILED,
} plug_status;

typedef struct plug_ports {
    const float *in[2];
    float *out[2 * PLUG_MOST_STEMS];
    const float *gain[PLUG_MOST_STEMS]; /* dB */
    const float *enabled, *freewheel;
    float *latency, *status, *load;
    const LV2_Atom_Sequence *control; /* may be NULL, and so notify */
    LV2_Atom_Sequence *notify;
} plug_ports;

typedef struct plug_instance {
    size_t stems; /* that it has outputs for */
    double rate;
    int64_t block;                 /* frames of the largest block */
    LV2_URID_Map *map;             /* NULL: no state, no messages */
    LV2_Log_Log *log;              /* NULL: standard error */
    LV2_Worker_Schedule *schedule; /* NULL: models come with the state only */
    plug_names name;
    LV2_Atom_Forge forge;
    plug_ports port;

    /* audio */
    plug_engine *engine;          /* NULL: the mix goes through */
    plug_settings wanted;         /* as messages have set them */
    bool dirty;                   /* `wanted` has to be loaded */
    bool loading;                 /* one load is on its way */
    bool tell;                    /* `wanted` has to be sent to the host */
    plug_engine *trash;           /* waits for room in the worker's queue */
    float level[PLUG_MOST_STEMS]; /* gains, on their way to those asked for */
    float wet;                    /* 1: stems, 0: bypassed */
    float scratch[2][PLUG_CHUNK];

    /* between threads */
    _Atomic(plug_engine *) handed; /* by the worker */
    pthread_mutex_t lock;          /* of `kept`; never taken by audio */
    plug_settings kept;            /* what save stores */
    unsigned generation; /* of `wanted`: loads begun before a restore are old */
} plug_instance;

/* One line to the host's log. Not on the audio thread. */
void plug_say(const plug_instance *plug, bool is_error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Loads what `settings` ask for. An engine without a stream says that it
 * failed, or that no model is wanted; NULL: no memory even for that. Not on the
 * audio thread. */
plug_engine *plug_load(const plug_instance *plug,
                       const plug_settings *settings);

/* run */
void plug_run(LV2_Handle handle, uint32_t frames);

/* Messages: reads those of the block, and answers. */
void plug_read_messages(plug_instance *plug);
void plug_write_messages(plug_instance *plug);

/* Work: what the audio thread wants done. True when it is scheduled. */
bool plug_schedule_load(plug_instance *plug);
bool plug_schedule_free(plug_instance *plug, plug_engine *engine);

extern const LV2_Worker_Interface plug_worker;
extern const LV2_State_Interface plug_state;

#endif
