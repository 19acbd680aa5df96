/* Separation with callbacks, as a plug-in or another program would do it:
 *
 *   separate MODEL IN.f32 OUT-FOLDER
 *
 * IN.f32 is interleaved float32 at the model's rate and channels; each stem is
 * written in the same form as OUT-FOLDER/<stem>.f32. */
#include <demucs_onnx.h>

#include <stdio.h>
#include <stdlib.h>

enum { MOST_STEMS = 16, BLOCK = 4096 };

typedef struct track {
    FILE *in;
    FILE *out[MOST_STEMS];
    size_t channels, stems;
    float block[BLOCK];
} track;

static dmx_status problem(dmx_error *err, const char *message)
{
    err->code = DMX_ERROR_IO;
    snprintf(err->message, sizeof err->message, "%s", message);
    return err->code;
}

/* The library asks for the next frames, channel by channel. */
static dmx_status next_frames(void *user, float *const *planes, size_t capacity,
                              size_t *got, dmx_error *err)
{
    track *t = user;
    size_t most = BLOCK / t->channels;
    if (most > capacity)
        most = capacity;
    *got = fread(t->block, sizeof(float) * t->channels, most, t->in);
    for (size_t i = 0; i < *got; i++)
        for (size_t c = 0; c < t->channels; c++)
            planes[c][i] = t->block[i * t->channels + c];
    return ferror(t->in) ? problem(err, "can't read the track") : DMX_OK;
}

/* Levels are measured in a first pass over the track. */
static dmx_status from_the_start(void *user, dmx_error *err)
{
    track *t = user;
    return fseek(t->in, 0, SEEK_SET) != 0 ? problem(err, "can't rewind")
                                          : DMX_OK;
}

/* Stems arrive as they are ready; the mix comes with them. */
static dmx_status finished_frames(void *user, const float *const *stems,
                                  const float *const *mix, size_t frames,
                                  dmx_error *err)
{
    track *t = user;
    (void)mix;
    for (size_t s = 0; s < t->stems; s++)
        for (size_t i = 0; i < frames; i++)
            for (size_t c = 0; c < t->channels; c++)
                if (fwrite(&stems[s * t->channels + c][i], sizeof(float), 1,
                           t->out[s]) != 1)
                    return problem(err, "can't write a stem");
    return DMX_OK;
}

static dmx_status open_files(track *t, const dmx_separator *separator,
                             const char *in, const char *folder, dmx_error *err)
{
    char path[4096];
    t->channels = (size_t)dmx_separator_channels(separator);
    t->in = fopen(in, "rb");
    if (t->in == NULL || dmx_separator_stems(separator) > MOST_STEMS)
        return problem(err, "can't open the track");
    while (t->stems < dmx_separator_stems(separator)) {
        snprintf(path, sizeof path, "%s/%s.f32", folder,
                 dmx_separator_stem(separator, t->stems));
        t->out[t->stems] = fopen(path, "wb");
        if (t->out[t->stems] == NULL)
            return problem(err, "can't create a stem");
        t->stems++;
    }
    return DMX_OK;
}

static dmx_status close_files(track *t, dmx_status status, dmx_error *err)
{
    if (t->in != NULL)
        fclose(t->in);
    for (size_t s = 0; s < t->stems; s++)
        if (fclose(t->out[s]) != 0 && status == DMX_OK)
            status = problem(err, "can't write a stem");
    return status;
}

static dmx_status separate(const char *model, const char *in,
                           const char *folder, dmx_error *err)
{
    dmx_separator *separator;
    dmx_separator_options options = DMX_SEPARATOR_OPTIONS_INIT;
    dmx_status status =
        dmx_separator_open_file(&separator, model, &options, err);
    if (status != DMX_OK)
        return status;
    track t = {0};
    dmx_separator_io io = DMX_SEPARATOR_IO_INIT;
    io.user = &t;
    io.read = next_frames;
    io.rewind = from_the_start;
    io.write = finished_frames;
    status = open_files(&t, separator, in, folder, err);
    if (status == DMX_OK)
        status = dmx_separator_run(separator, &io, NULL, err);
    status = close_files(&t, status, err);
    dmx_separator_close(separator);
    return status;
}

int main(int argc, char **argv)
{
    dmx_error err = DMX_ERROR_INIT;
    if (argc != 4) {
        fprintf(stderr, "usage: %s MODEL IN.f32 OUT-FOLDER\n", argv[0]);
        return 2;
    }
    if (separate(argv[1], argv[2], argv[3], &err) == DMX_OK)
        return 0;
    fprintf(stderr, "error: %s\n", err.message);
    return 1;
}
