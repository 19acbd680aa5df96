/* Infers the arguments of a Demucs from the names and shapes of a bare state
 * dict. */
#include "arch/demucs_config.h"
#include "arch/infer.h"

#include <stdio.h>
#include <string.h>

/* A tensor of level i of a list: "encoder.<i>.<place>.<name>". */
static const dmx_tensor *at(const struct dmx_checkpoint *c, const char *list,
                            int64_t i, int64_t place, const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s.%lld.%lld.%s", list, (long long)i,
             (long long)place, name);
    return dmx_checkpoint_find(c, full);
}

/* In files of the previous version the rewrite has another index, since there
 * is no activation before it (Demucs.load_state_dict). */
const char *dmx_demucs_rename(char *text, const struct dmx_checkpoint *c,
                              const char *name)
{
    int level, used = 0;
    char list[8], last[8];
    if (sscanf(name, "%7[a-z].%3d.2.%7[a-z]%n", list, &level, last, &used) !=
            3 ||
        (size_t)used != strlen(name))
        return name;
    if ((strcmp(list, "encoder") != 0 && strcmp(list, "decoder") != 0) ||
        (strcmp(last, "weight") != 0 && strcmp(last, "bias") != 0))
        return name;
    snprintf(text, DMX_NAME_SIZE, "%s.%d.3.%s", list, level, last);
    return dmx_checkpoint_find(c, text) == NULL ? text : name;
}

bool dmx_demucs_recognise(const struct dmx_checkpoint *c)
{
    const dmx_tensor *first = dmx_checkpoint_find(c, "encoder.0.0.weight");
    return first != NULL && first->rank == 3 &&
           dmx_infer_any(c, "decoder.0.0.");
}

/* The indices of DConv in the encoder's and decoder's levels. */
typedef struct places {
    int64_t depth, last;     /* last: the outermost decoder level */
    bool rewrite, enc, dec;  /* DConv */
    int64_t in_dec, conv_tr; /* of DConv, of the transposed convolution */
} places;

static places find_places(const struct dmx_checkpoint *c)
{
    places p = {.depth = dmx_infer_count(c, "encoder.%lld.")};
    p.last = p.depth - 1;
    p.enc = dmx_infer_any(c, "encoder.0.3.layers.");
    p.rewrite = at(c, "encoder", 0, p.enc ? 4 : 3, "weight") != NULL;
    p.in_dec = p.rewrite ? 3 : 0;
    char prefix[64];
    snprintf(prefix, sizeof prefix, "decoder.%lld.%lld.layers.",
             (long long)p.last, (long long)p.in_dec);
    p.dec = dmx_infer_any(c, prefix);
    p.conv_tr = p.in_dec + (p.dec ? 1 : 0);
    return p;
}

/* A weight of level i's DConv, "layers.0.0.weight". */
static const dmx_tensor *dconv(const struct dmx_checkpoint *c, const places *p,
                               int64_t i, const char *name)
{
    if (p->enc)
        return at(c, "encoder", i, 3, name);
    return p->dec ? at(c, "decoder", p->last - i, p->in_dec, name) : NULL;
}

static int64_t first_level(const struct dmx_checkpoint *c, const places *p,
                           const char *name, const char *other)
{
    for (int64_t i = 0; i < p->depth; i++)
        if (dconv(c, p, i, name) != NULL || dconv(c, p, i, other) != NULL)
            return i;
    return 1000;
}

/* The integer compression that explains every hidden width; where several do, 4
 * is preferred, as in the released models. */
static int64_t compression(const struct dmx_checkpoint *c, const places *p)
{
    int64_t best = 4;
    for (int64_t k = 64; k >= 1; k--) {
        bool fits = true;
        for (int64_t i = 0; fits && i < p->depth; i++) {
            const dmx_tensor *t = dconv(c, p, i, "layers.0.0.weight");
            fits = t == NULL || t->rank != 3 || t->dim[1] / k == t->dim[0];
        }
        if (fits && k == 4)
            return 4;
        if (fits)
            best = k;
    }
    return best;
}

static dmx_status infer_dconv(struct dmx_model *m, const places *p,
                              dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    int64_t sublayers = 0;
    char name[64];
    DMX_FORWARD(dmx_infer_number(m, "dconv_mode",
                                 (p->enc ? 1 : 0) + (p->dec ? 2 : 0), err));
    if (!p->enc && !p->dec)
        return DMX_OK;
    do
        snprintf(name, sizeof name, "layers.%lld.0.weight",
                 (long long)sublayers);
    while (dconv(c, p, 0, name) != NULL && ++sublayers < 16);
    DMX_FORWARD(dmx_infer_number(m, "dconv_depth", (double)sublayers, err));
    DMX_FORWARD(
        dmx_infer_number(m, "dconv_comp", (double)compression(c, p), err));
    DMX_FORWARD(dmx_infer_number(
        m, "dconv_lstm",
        (double)first_level(c, p, "layers.0.3.lstm.weight_ih_l0",
                            "layers.0.3.lstm.weight_ih_l0"),
        err));
    return dmx_infer_number(m, "dconv_attn",
                            (double)first_level(c, p,
                                                "layers.0.3.content.weight",
                                                "layers.0.4.content.weight"),
                            err);
}

static dmx_status infer_rewrite(struct dmx_model *m, const places *p,
                                dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const dmx_tensor *enc = at(c, "encoder", 0, p->enc ? 4 : 3, "weight");
    const dmx_tensor *dec = at(c, "decoder", p->last, 0, "weight");
    DMX_FORWARD(dmx_infer_bool(m, "rewrite", p->rewrite, err));
    if (enc == NULL || enc->rank != 3)
        return dmx_model_assume(m, "glu", "true", err);
    DMX_FORWARD(dmx_infer_bool(m, "glu", enc->dim[0] != enc->dim[1], err));
    if (dec != NULL && dec->rank == 3)
        DMX_FORWARD(dmx_infer_number(m, "context",
                                     (double)((dec->dim[2] - 1) / 2), err));
    return DMX_OK;
}

static dmx_status infer_levels(struct dmx_model *m, const places *p,
                               dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const dmx_tensor *first = at(c, "encoder", 0, 0, "weight");
    const dmx_tensor *next = at(c, "encoder", 1, 0, "weight");
    int64_t norm = 0;
    char stride[32];
    while (norm < p->depth && at(c, "encoder", norm, 1, "weight") == NULL)
        norm++;
    DMX_RETURN_IF(first->dim[0] < 1 || p->depth > DMX_DEMUCS_MAX_DEPTH, err,
                  DMX_ERROR_MODEL, "%s: encoder.0.0.weight has an odd shape",
                  c->path);
    DMX_FORWARD(dmx_infer_number(m, "depth", (double)p->depth, err));
    DMX_FORWARD(dmx_infer_number(m, "channels", (double)first->dim[0], err));
    DMX_FORWARD(
        dmx_infer_number(m, "audio_channels", (double)first->dim[1], err));
    DMX_FORWARD(dmx_infer_number(m, "kernel_size", (double)first->dim[2], err));
    if (next != NULL)
        DMX_FORWARD(dmx_infer_number(
            m, "growth", (double)next->dim[0] / (double)first->dim[0], err));
    DMX_FORWARD(dmx_infer_number(m, "norm_starts",
                                 norm < p->depth ? (double)norm : 1000.0, err));
    snprintf(stride, sizeof stride, "%lld",
             (long long)(first->dim[2] > 1 ? first->dim[2] / 2 : 1));
    return dmx_model_assume(m, "stride", stride, err);
}

/* Assumes the default names for this number of sources. */
static dmx_status infer_sources(struct dmx_model *m, const places *p,
                                dmx_error *err)
{
    const dmx_tensor *t =
        at(m->weights, "decoder", p->last, p->conv_tr, "weight");
    const double channels = dmx_infer_known(m, "audio_channels", 2.0);
    const double ratio = t != NULL && t->rank == 3 && channels > 0.0
                             ? (double)t->dim[1] / channels
                             : 0.0;
    DMX_RETURN_IF(!(ratio >= 1.0 && ratio <= DMX_DEMUCS_MAX_SOURCES), err,
                  DMX_ERROR_MODEL,
                  "%s: the number of sources can't be told from the weights",
                  m->weights->path);
    return dmx_infer_sources(m, (size_t)ratio, err);
}

dmx_status dmx_demucs_infer(struct dmx_model *m, dmx_error *err)
{
    const struct dmx_checkpoint *c = m->weights;
    const places p = find_places(c);
    DMX_FORWARD(infer_levels(m, &p, err));
    DMX_FORWARD(infer_rewrite(m, &p, err));
    DMX_FORWARD(infer_dconv(m, &p, err));
    DMX_FORWARD(dmx_infer_number(
        m, "lstm_layers",
        (double)dmx_infer_count(c, "lstm.lstm.weight_ih_l%lld"), err));
    DMX_FORWARD(infer_sources(m, &p, err));
    /* Networks without DConv are from the previous version. */
    DMX_FORWARD(
        dmx_model_assume(m, "gelu", p.enc || p.dec ? "true" : "false", err));
    if (dmx_infer_known(m, "norm_starts", 1e9) < (double)p.depth)
        DMX_FORWARD(dmx_model_assume(m, "norm_groups", "4", err));
    DMX_FORWARD(dmx_model_assume(m, "normalize", "true", err));
    DMX_FORWARD(dmx_model_assume(m, "resample", "true", err));
    DMX_FORWARD(dmx_model_assume(m, "samplerate", "44100", err));
    return dmx_model_assume(m, "segment", "40", err);
}
