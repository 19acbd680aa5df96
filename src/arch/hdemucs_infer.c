#include "arch/hdemucs_infer.h"
#include "arch/infer.h"
#include "arch/unet.h"

#include <stdio.h>
#include <string.h>

/* ---- torchaudio ---------------------------------------------------------- */

static bool torchaudio(const struct dmx_checkpoint *c)
{
    return dmx_infer_any(c, "freq_encoder.0.");
}

/* torchaudio.models.HDemucs has longer names for its lists, and an unused norm
 * in its empty level. */
const char *dmx_hdemucs_rename(char *text, const struct dmx_checkpoint *c,
                               const char *name)
{
    static const char *const list[][2] = {{"freq_encoder.", "encoder."},
                                          {"freq_decoder.", "decoder."},
                                          {"time_encoder.", "tencoder."},
                                          {"time_decoder.", "tdecoder."}};
    int64_t last;
    char unused[64];
    if (!torchaudio(c))
        return name;
    last = dmx_infer_count(c, "time_encoder.%lld.") - 1;
    snprintf(unused, sizeof unused, "time_encoder.%lld.norm1.",
             (long long)last);
    if (strncmp(name, unused, strlen(unused)) == 0 &&
        !dmx_infer_part(c, "time_encoder.%lld.rewrite.", last))
        return NULL;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        const size_t n = strlen(list[i][0]);
        if (strncmp(name, list[i][0], n) == 0 &&
            strlen(name) < DMX_NAME_SIZE - 1) {
            snprintf(text, DMX_NAME_SIZE, "%s%.240s", list[i][1], name + n);
            return text;
        }
    }
    return name;
}

/* ---- inference ----------------------------------------------------------- */

/* Whether a level, in the encoder or the mirrored decoder, has a weight of this
 * name in its DConv. */
static bool level_has(const struct dmx_checkpoint *c, int64_t depth, int64_t i,
                      const char *name)
{
    return dmx_infer_level(c, "encoder", i, name) != NULL ||
           dmx_infer_level(c, "decoder", depth - 1 - i, name) != NULL;
}

/* The first level with either of two names (of DConv's second module, or its
 * third where LSTM and attention are both present); DMX_UNET_NEVER: none. */
static int64_t first_level(const struct dmx_checkpoint *c, int64_t depth,
                           const char *name, const char *other)
{
    for (int64_t i = 0; i < depth; i++)
        if (level_has(c, depth, i, name) || level_has(c, depth, i, other))
            return i;
    return DMX_UNET_NEVER;
}

#define LSTM    "dconv.layers.0.3.lstm.weight_ih_l0"
#define CONTENT "dconv.layers.0.3.content.weight"
#define BEHIND  "dconv.layers.0.4.content.weight"

/* Looks for what HTDemucs lacks: levels over time alone, LSTMs, local
 * attention, or no time branch. */
bool dmx_hdemucs_recognise(const struct dmx_checkpoint *c)
{
    if (torchaudio(c))
        return true;
    const int64_t depth = dmx_infer_count(c, "encoder.%lld.");
    const dmx_tensor *first = dmx_infer_conv(c, 0);
    const dmx_tensor *last = depth > 0 ? dmx_infer_conv(c, depth - 1) : NULL;
    if (first == NULL || first->rank != 4 || last == NULL ||
        !dmx_infer_any(c, "decoder.0.") ||
        dmx_infer_any(c, "crosstransformer."))
        return false;
    return last->rank == 3 || !dmx_infer_any(c, "tencoder.0.") ||
           first_level(c, depth, LSTM, LSTM) < depth ||
           first_level(c, depth, CONTENT, BEHIND) < depth;
}

dmx_status dmx_hdemucs_infer(struct dmx_model *m, dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const int64_t depth = dmx_infer_count(c, "encoder.%lld.");
    DMX_FORWARD(
        dmx_infer_bool(m, "hybrid", dmx_infer_any(c, "tencoder.0."), err));
    DMX_FORWARD(dmx_unet_infer(m, err));
    DMX_FORWARD(dmx_infer_number(
        m, "dconv_lstm", (double)first_level(c, depth, LSTM, LSTM), err));
    DMX_FORWARD(dmx_infer_number(
        m, "dconv_attn", (double)first_level(c, depth, CONTENT, BEHIND), err));
    if (dmx_infer_known(m, "hybrid", 1.0) != 0.0)
        DMX_FORWARD(dmx_model_assume(m, "hybrid_old", "false", err));
    DMX_FORWARD(dmx_unet_infer_rest(m, err));
    return dmx_model_assume(m, "segment", "40", err);
}
