#include "audio/downmix.h"

#include <stdbool.h>
#include <string.h>

/* Where each bit of a WAVE channel mask (and of FFmpeg's extension of it) is
 * heard: L, R front sides; C front centre; l, r, c surround, height and floor
 * speakers on the sides and in the middle; '.' low frequency or unknown. */
static const char places[] = "LRC."        /* FL FR FC LFE */
                             "lrLRc"       /* BL BR FLC FRC BC */
                             "lrc"         /* SL SR TC */
                             "lcrlcr"      /* TFL TFC TFR TBL TBC TBR */
                             "..........." /* 18 to 28: not assigned */
                             "LRLRlr"      /* DL DR WL WR SDL SDR */
                             ".lrclr";     /* LFE2 TSL TSR BFC BFL BFR */

typedef struct gains {
    double left, right;
} gains;

static gains place_gains(char place)
{
    static const double root = 0.70710678118654752; /* sqrt(1/2): -3 dB */
    switch (place) {
    case 'L':
        return (gains){1, 0};
    case 'R':
        return (gains){0, 1};
    case 'C':
        return (gains){root, root};
    case 'l':
        return (gains){root, 0};
    case 'r':
        return (gains){0, root};
    case 'c':
        return (gains){0.5, 0.5};
    default:
        return (gains){0, 0};
    }
}

static int speakers(uint64_t layout)
{
    return __builtin_popcountll(layout);
}

/* Gains of every input channel, before scaling. */
static void layout_gains(gains *gain, int in, uint64_t layout)
{
    size_t bit = 0;
    for (int c = 0; c < in; c++, bit++) {
        while (!(layout >> bit & 1))
            bit++;
        gain[c] = place_gains(bit < sizeof places - 1 ? places[bit] : '.');
    }
}

static void alternate_gains(gains *gain, int in)
{
    for (int c = 0; c < in; c++)
        gain[c] = c % 2 == 0 ? (gains){1, 0} : (gains){0, 1};
}

static gains sum(const gains *gain, int in)
{
    gains total = {0, 0};
    for (int c = 0; c < in; c++) {
        total.left += gain[c].left;
        total.right += gain[c].right;
    }
    return total;
}

static void many_to_few(dmx_downmix *mix, uint64_t layout)
{
    gains gain[DMX_AUDIO_MAX_CHANNELS];
    const bool known = speakers(layout) == mix->in;
    if (known)
        layout_gains(gain, mix->in, layout);
    gains total = known ? sum(gain, mix->in) : (gains){0, 0};
    if (total.left + total.right <= 0) {
        alternate_gains(gain, mix->in);
        total = sum(gain, mix->in);
    }
    /* One factor for both sides keeps the balance. */
    const double loudest = total.left > total.right ? total.left : total.right;
    for (int c = 0; c < mix->in; c++) {
        const double left = gain[c].left / loudest;
        const double right = gain[c].right / loudest;
        mix->gain[0][c] = (float)(mix->out == 1 ? (left + right) / 2 : left);
        mix->gain[1][c] = (float)right;
    }
}

dmx_status dmx_downmix_init(dmx_downmix *mix, int in, uint64_t layout, int out,
                            dmx_error *err)
{
    *mix = (dmx_downmix){.in = in, .out = out};
    DMX_RETURN_IF(in < 1 || in > DMX_AUDIO_MAX_CHANNELS, err,
                  DMX_ERROR_ARGUMENT, "%d channels; 1 to %d can be read", in,
                  DMX_AUDIO_MAX_CHANNELS);
    DMX_RETURN_IF(out < 1 || out > 2, err, DMX_ERROR_ARGUMENT,
                  "the model wants %d channels; songs can be read for "
                  "models of 1 or 2",
                  out);
    if (in == 1)
        mix->gain[0][0] = mix->gain[1][0] = 1;
    else if (in == out)
        mix->gain[0][0] = mix->gain[1][1] = 1;
    else if (in == 2)
        mix->gain[0][0] = mix->gain[0][1] = 0.5f;
    else
        many_to_few(mix, layout);
    return DMX_OK;
}

static void mix_one(float *out, const float *const *in, const float *gain,
                    int channels, size_t frames)
{
    memset(out, 0, frames * sizeof *out);
    for (int c = 0; c < channels; c++) {
        if (gain[c] == 0)
            continue;
        for (size_t i = 0; i < frames; i++)
            out[i] += gain[c] * in[c][i];
    }
}

void dmx_downmix_apply(const dmx_downmix *mix, float *const *out,
                       const float *const *in, size_t frames)
{
    for (int c = 0; c < mix->out; c++) {
        const int same = mix->in == 1 ? 0 : c;
        if (mix->in > mix->out)
            mix_one(out[c], in, mix->gain[c], mix->in, frames);
        else if (out[c] != in[same])
            memcpy(out[c], in[same], frames * sizeof *out[c]);
    }
}
