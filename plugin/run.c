/* The audio thread: no allocation, no lock, no system call, no wait unless the
 * host is free-wheeling. */
#include "plugin.h"

#include <math.h>
#include <string.h>

#define FADE 0.01 /* seconds from one gain to another */

/* ------------------------------------------------------------------ engine */

/* Replaces the current engine with the one that the worker has loaded. */
static void take_engine(plug_instance *p)
{
    if (p->trash != NULL && plug_schedule_free(p, p->trash))
        p->trash = NULL;
    if (p->trash != NULL || atomic_load(&p->handed) == NULL)
        return;
    plug_engine *e = atomic_exchange(&p->handed, NULL);
    p->loading = false;
    if (e->generation != p->generation) { /* a restore came after it */
        p->trash = e;
        return;
    }
    p->trash = p->engine;
    p->engine = e;
    p->tell = true;
}

static void load_wanted(plug_instance *p)
{
    if (!p->dirty || p->loading || p->trash != NULL || p->schedule == NULL)
        return;
    if (plug_schedule_load(p)) {
        p->dirty = false;
        p->loading = true;
    }
}

static bool plays(const plug_instance *p)
{
    return p->engine != NULL && p->engine->stream != NULL;
}

static plug_status status_of(const plug_instance *p)
{
    if (p->loading || p->dirty)
        return PLUG_LOADING;
    if (plays(p))
        return dmx_stream_status(p->engine->stream, NULL) == DMX_OK
                   ? PLUG_RUNNING
                   : PLUG_FAILED;
    return p->wanted.model[0] != '\0' ? PLUG_FAILED : PLUG_NO_MODEL;
}

/* ------------------------------------------------------------------- sound */

static float value_of(const float *port, float otherwise)
{
    return port != NULL && isfinite(*port) ? *port : otherwise;
}

/* dB; -60 and below is silence. */
static float gain_of(const float *port)
{
    const float db = value_of(port, 0);
    return db <= -60 ? 0 : powf(10, fminf(db, 12) / 20);
}

static float towards(float now, float goal, float step)
{
    return now < goal ? fminf(now + step, goal) : fmaxf(now - step, goal);
}

/* Without a model: the mix on the first pair, so that the sum is the mix. */
static void pass(plug_instance *p, size_t at, uint32_t n)
{
    for (size_t r = 0; r < 2 * p->stems; r++) {
        float *out = p->port.out[r];
        if (out != NULL && r < 2 && p->port.in[r] != NULL)
            memmove(out + at, p->port.in[r] + at, n * sizeof *out);
        else if (out != NULL)
            memset(out + at, 0, n * sizeof *out);
    }
}

/* The outputs of a stem: its gain, and the mix where the plug-in is bypassed.
 * At unity gain samples are unchanged, bit for bit. */
static void level_stem(plug_instance *p, size_t stem, float *const out[2],
                       float *const dry[2], uint32_t n, float wet, float goal)
{
    const float step = (float)(1 / (FADE * p->rate));
    const float gain = gain_of(p->port.gain[stem]);
    float level = p->level[stem];
    for (uint32_t i = 0; i < n; i++) {
        level = towards(level, gain, step);
        wet = towards(wet, goal, step);
        for (int c = 0; c < 2; c++) {
            if (level != 1 || wet != 1)
                out[c][i] *= level * wet;
            if (stem == 0 && wet != 1)
                out[c][i] += (1 - wet) * dry[c][i];
        }
    }
    p->level[stem] = level;
}

/* Where the stream writes the channels of every stem. */
static void point_rows(plug_instance *p, float **row, size_t at)
{
    const plug_engine *e = p->engine;
    const size_t channels = (size_t)e->channels;
    for (size_t k = 0; k < e->stems; k++)
        for (size_t c = 0; c < channels; c++) {
            float *out = p->port.out[2 * k + c];
            row[k * channels + c] = out != NULL ? out + at : p->scratch[c];
        }
}

/* All outputs after the stream has written: one channel becomes two, stems that
 * the model does not have are silent. */
static void finish(plug_instance *p, float *const dry[2], size_t at, uint32_t n)
{
    const plug_engine *e = p->engine;
    const float goal = value_of(p->port.enabled, 1) > 0 ? 1 : 0;
    const float step = (float)(1 / (FADE * p->rate)) * (float)n;
    for (size_t k = 0; k < p->stems; k++) {
        float *out[2];
        for (size_t c = 0; c < 2; c++) {
            float *port = p->port.out[2 * k + c];
            out[c] = port != NULL ? port + at : p->scratch[c];
            if (k >= e->stems)
                memset(out[c], 0, n * sizeof(float));
            else if (c == 1 && e->channels == 1)
                memcpy(out[1], out[0], n * sizeof(float));
        }
        level_stem(p, k, out, dry, n, p->wet, goal);
    }
    p->wet = towards(p->wet, goal, step);
}

static void process(plug_instance *p, size_t at, uint32_t n, bool waits)
{
    float in[2][PLUG_CHUNK] = {{0}}, delayed[2][PLUG_CHUNK];
    float *row[2 * PLUG_MOST_STEMS];
    plug_engine *e = p->engine;
    for (int c = 0; c < 2; c++)
        if (p->port.in[c] != NULL)
            memcpy(in[c], p->port.in[c] + at, n * sizeof(float));
    plug_engine_delay(e, (float *const[]){delayed[0], delayed[1]},
                      (const float *const[]){in[0], in[1]}, n);
    for (uint32_t i = 0; e->channels == 1 && i < n; i++)
        in[0][i] = 0.5F * (in[0][i] + in[1][i]);
    point_rows(p, row, at);
    if (waits) /* failing shows in `status` */
        (void)!dmx_stream_wait(e->stream, n, NULL, NULL);
    dmx_stream_process(e->stream, row, (const float *const[]){in[0], in[1]}, n);
    e->used = true;
    finish(p, (float *const[]){delayed[0], delayed[1]}, at, n);
}

static void tell_host(plug_instance *p)
{
    dmx_stream_statistics s = DMX_STREAM_STATISTICS_INIT;
    if (plays(p))
        dmx_stream_stats(p->engine->stream, &s);
    if (p->port.latency != NULL)
        *p->port.latency = plays(p) ? (float)p->engine->latency : 0;
    if (p->port.status != NULL)
        *p->port.status = (float)status_of(p);
    if (p->port.load != NULL)
        *p->port.load = (float)(100 * s.mean_load);
}

void plug_run(LV2_Handle handle, uint32_t frames)
{
    plug_instance *p = handle;
    const bool waits = value_of(p->port.freewheel, 0) > 0;
    plug_read_messages(p);
    take_engine(p);
    load_wanted(p);
    for (size_t at = 0; at < frames;) {
        const size_t left = frames - at;
        const uint32_t n = left < PLUG_CHUNK ? (uint32_t)left : PLUG_CHUNK;
        if (plays(p))
            process(p, at, n, waits);
        else
            pass(p, at, n);
        at += n;
    }
    tell_host(p);
    plug_write_messages(p);
}
