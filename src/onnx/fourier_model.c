/* STFT and inverse STFT as models of their own. */
#include "onnx/emit_shape.h"
#include "onnx/fourier.h"
#include "onnx/onnx_model.h"

static void emit_forward(dmx_emitter *e, const dmx_transform *t)
{
    const int64_t in[] = {1, t->channels, t->length};
    const int64_t out[] = {1, 2 * t->channels, t->n / 2, t->frames};
    e->path = "stft";
    dmx_emitter_declare(e, &e->input, "signal", in, 3);
    dmx_emitter_declare(e, &e->output, "spectrogram", out, 4);
    const dmx_name x =
        dmx_emit_reshape(e, "signal", DMX_DIMS(1, t->channels, 1, t->length));
    (void)dmx_emit_stft(e, t, x);
    dmx_emitter_rename(e, "spectrogram");
}

static void emit_inverse(dmx_emitter *e, const dmx_transform *t)
{
    const int64_t in[] = {1, 2 * t->channels, t->n / 2, t->frames};
    const int64_t out[] = {1, t->channels, t->length};
    e->path = "istft";
    dmx_emitter_declare(e, &e->input, "spectrogram", in, 4);
    dmx_emitter_declare(e, &e->output, "signal", out, 3);
    const dmx_name x =
        dmx_emit_2(e, "Mul", "spectrogram", dmx_emit_bin_weights(e, t->n / 2));
    (void)dmx_emit_reshape(e, dmx_emit_istft(e, t, x), out, 3);
    dmx_emitter_rename(e, "signal");
}

typedef struct request {
    int64_t nfft, channels, samples;
    int opset;
    bool inverse;
} request;

static dmx_status check(const request *r, dmx_error *err)
{
    DMX_RETURN_IF(r->nfft < 16 || r->nfft > 65536 || r->nfft % 8 != 0, err,
                  DMX_ERROR_ARGUMENT,
                  "nfft must be a multiple of 8 in 16..65536, not %lld",
                  (long long)r->nfft);
    DMX_RETURN_IF(r->channels < 1 || r->channels > 4096 || r->samples < 1 ||
                      r->samples > (int64_t)1 << 31,
                  err, DMX_ERROR_ARGUMENT,
                  "channels must be 1 to 4096 and samples 1 to 2^31");
    DMX_RETURN_IF(r->opset != 0 && (r->opset < DMX_ONNX_OLDEST_OPSET ||
                                    r->opset > DMX_ONNX_NEWEST_OPSET),
                  err, DMX_ERROR_ARGUMENT, "opset must be %d to %d",
                  DMX_ONNX_OLDEST_OPSET, DMX_ONNX_NEWEST_OPSET);
    return DMX_OK;
}

static dmx_status write_transform(dmx_output *out, const request *r,
                                  dmx_error *err)
{
    dmx_emitter e;
    dmx_transform t;
    const dmx_metadata metadata = {.graph_name = r->inverse ? "istft" : "stft"};
    dmx_emitter_open(&e, r->opset != 0 ? r->opset : DMX_ONNX_OLDEST_OPSET,
                     false);
    if (dmx_transform_open(&e, &t, r->nfft, DMX_FRAMES_HYBRID, r->channels,
                           r->samples)) {
        if (r->inverse)
            emit_inverse(&e, &t);
        else
            emit_forward(&e, &t);
    }
    const dmx_status status = dmx_onnx_serialise(out, NULL, &e, &metadata, err);
    dmx_emitter_close(&e);
    return status;
}

static dmx_status write_file(const char *path, const request *r, dmx_error *err)
{
    dmx_output out;
    DMX_RETURN_IF(path == NULL, err, DMX_ERROR_ARGUMENT, "no path");
    DMX_FORWARD(check(r, err));
    DMX_FORWARD(dmx_output_open(&out, path, err));
    const dmx_status status = write_transform(&out, r, err);
    if (status == DMX_OK)
        return dmx_output_commit(&out, NULL, err);
    dmx_output_abandon(&out);
    return status;
}

dmx_status dmx_stft_onnx(const char *path, int64_t nfft, int64_t channels,
                         int64_t samples, int opset, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, path);
    const request r = {nfft, channels, samples, opset, false};
    return write_file(path, &r, err);
}

dmx_status dmx_istft_onnx(const char *path, int64_t nfft, int64_t channels,
                          int64_t samples, int opset, dmx_error *err)
{
    dmx_error_clear(err);
    DMX_NEED(err, path);
    const request r = {nfft, channels, samples, opset, true};
    return write_file(path, &r, err);
}
