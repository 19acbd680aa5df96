#include "separate/song_sink.h"
#include "audio/raw.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLAMP_LIMIT 0.99f

/* ------------------------------------------------------------------ open */

/* The folder for the spool file, which holds the audio until its peak is known:
 * that of the output, on the same disk; for a pipe or a device, the one for
 * temporary files. */
static char *spool_folder(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
        return dmx_folder_of(path);
    const char *folder = getenv("TMPDIR");
    return strdup(folder != NULL && folder[0] != '\0' ? folder : "/tmp");
}

/* An unlinked file, which disappears with the process. */
static dmx_status open_spool(dmx_song_sink *s, dmx_error *err)
{
    char *folder = spool_folder(s->path);
    char *name = folder != NULL ? malloc(strlen(folder) + 32) : NULL;
    int fd = -1;
    if (name != NULL) {
        sprintf(name, "%s/.dmx-spool-XXXXXX", folder);
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0)
            unlink(name);
    }
    const int code = errno;
    free(name);
    free(folder);
    DMX_RETURN_IF(fd < 0, err, DMX_ERROR_IO,
                  "%s: can't create a temporary file beside it: %s", s->path,
                  strerror(code));
    s->spool = fdopen(fd, "w+b");
    if (s->spool == NULL)
        close(fd);
    DMX_RETURN_IF(s->spool == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  s->path);
    return DMX_OK;
}

static dmx_status open_all(dmx_song_sink *s,
                           const dmx_audio_writer_options *options,
                           dmx_error *err)
{
    s->block = dmx_aligned_alloc(2 * (size_t)s->channels * DMX_SINK_BLOCK,
                                 sizeof *s->block);
    DMX_RETURN_IF(s->block == NULL, err, DMX_ERROR_MEMORY, "%s: no memory",
                  s->path);
    if (s->clip == DMX_CLIP_RESCALE)
        DMX_FORWARD(open_spool(s, err));
    return dmx_audio_writer_open(&s->writer, s->path, options, err);
}

dmx_status dmx_song_sink_open(dmx_song_sink *out, const char *path,
                              const dmx_audio_writer_options *options,
                              dmx_clip clip, dmx_error *err)
{
    *out = (dmx_song_sink){
        .path = path, .clip = clip, .channels = options->channels, .scale = 1};
    const dmx_status status = open_all(out, options, err);
    if (status != DMX_OK)
        dmx_song_sink_close(out, false);
    return status;
}

void dmx_song_sink_close(dmx_song_sink *s, bool keep)
{
    if (s->committed && !keep)
        dmx_audio_writer_take_back(s->writer);
    dmx_audio_writer_close(s->writer);
    if (s->spool != NULL)
        fclose(s->spool);
    dmx_aligned_free(s->block);
    *s = (dmx_song_sink){0};
}

/* ------------------------------------------------------------------- put */

static void find_peak(dmx_song_sink *s, const float *const *planes,
                      size_t frames)
{
    float peak = (float)s->peak;
    for (int c = 0; c < s->channels; c++)
        for (size_t t = 0; t < frames; t++)
            peak = fmaxf(peak, fabsf(planes[c][t]));
    s->peak = (double)peak;
}

static dmx_status spool_block(dmx_song_sink *s, float *const *planes, size_t at,
                              size_t frames, dmx_error *err)
{
    const size_t channels = (size_t)s->channels;
    for (size_t t = 0; t < frames; t++)
        for (size_t c = 0; c < channels; c++)
            s->block[t * channels + c] = planes[c][at + t];
    const size_t count = frames * channels;
    DMX_RETURN_IF(fwrite(s->block, sizeof(float), count, s->spool) != count,
                  err, DMX_ERROR_IO,
                  "%s: can't write the temporary file beside it: %s", s->path,
                  strerror(errno));
    s->spooled += (int64_t)frames;
    return DMX_OK;
}

static void limit(float *row, size_t frames, dmx_clip clip)
{
    for (size_t t = 0; t < frames; t++)
        row[t] = clip == DMX_CLIP_TANH
                     ? tanhf(row[t])
                     : fmaxf(-CLAMP_LIMIT, fminf(CLAMP_LIMIT, row[t]));
}

dmx_status dmx_song_sink_put(dmx_song_sink *s, float *const *planes,
                             size_t frames, dmx_error *err)
{
    find_peak(s, (const float *const *)planes, frames);
    for (size_t at = 0; s->spool != NULL && at < frames; at += DMX_SINK_BLOCK) {
        const size_t left = frames - at;
        DMX_FORWARD(spool_block(
            s, planes, at, left < DMX_SINK_BLOCK ? left : DMX_SINK_BLOCK, err));
    }
    if (s->spool != NULL)
        return DMX_OK;
    if (s->clip == DMX_CLIP_CLAMP || s->clip == DMX_CLIP_TANH)
        for (int c = 0; c < s->channels; c++)
            limit(planes[c], frames, s->clip);
    return dmx_audio_writer_write(s->writer, (const float *const *)planes,
                                  frames, err);
}

dmx_status dmx_song_sink_put_int(dmx_song_sink *s,
                                 const int32_t *const *integers,
                                 const float *const *planes, size_t frames,
                                 dmx_error *err)
{
    find_peak(s, planes, frames);
    return dmx_audio_writer_write_int(s->writer, integers, frames, err);
}

/* ---------------------------------------------------------------- finish */

static dmx_status write_spooled(dmx_song_sink *s, size_t frames, dmx_error *err)
{
    const size_t channels = (size_t)s->channels;
    const size_t count = frames * channels;
    float *out = s->block + channels * DMX_SINK_BLOCK;
    const float *planes[DMX_AUDIO_MAX_CHANNELS];
    DMX_RETURN_IF(fread(s->block, sizeof(float), count, s->spool) != count, err,
                  DMX_ERROR_IO, "%s: can't read the temporary file: %s",
                  s->path, strerror(errno));
    for (size_t c = 0; c < channels; c++) {
        planes[c] = out + c * DMX_SINK_BLOCK;
        for (size_t t = 0; t < frames; t++)
            out[c * DMX_SINK_BLOCK + t] =
                (float)((double)s->block[t * channels + c] * s->scale);
    }
    return dmx_audio_writer_write(s->writer, planes, frames, err);
}

dmx_status dmx_song_sink_finish(dmx_song_sink *s, const dmx_hooks *hooks,
                                dmx_error *err)
{
    if (s->spool == NULL)
        return DMX_OK;
    const double over = 1.01 * s->peak;
    s->scale = over > 1 ? 1 / over : 1;
    DMX_RETURN_IF(fflush(s->spool) != 0, err, DMX_ERROR_IO,
                  "%s: can't write the temporary file beside it: %s", s->path,
                  strerror(errno));
    rewind(s->spool);
    for (int64_t done = 0; done < s->spooled; done += DMX_SINK_BLOCK) {
        const int64_t left = s->spooled - done;
        DMX_FORWARD(dmx_progress(hooks, "write",
                                 (double)done / (double)s->spooled, err));
        DMX_FORWARD(write_spooled(
            s, (size_t)(left < DMX_SINK_BLOCK ? left : DMX_SINK_BLOCK), err));
    }
    return DMX_OK;
}

dmx_status dmx_song_sink_commit(dmx_song_sink *s, dmx_error *err)
{
    DMX_FORWARD(dmx_audio_writer_commit(s->writer, err));
    s->committed = true;
    return DMX_OK;
}
