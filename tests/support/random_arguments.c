#include "random_arguments.h"

#include "random_tensor.h"
#include "test_support.h"

#include <string.h>

typedef struct draw {
    const char *name;
    const char *choice[8]; /* JSON */
} draw;

#define SOURCES                                                                \
    {                                                                          \
        "sources",                                                             \
        {                                                                      \
            "[\"a\"]", "[\"a\",\"b\"]", "[\"a\",\"b\",\"c\"]",                 \
                "[\"a\",\"b\",\"c\",\"d\"]",                                   \
                "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]"                        \
        }                                                                      \
    }

static const draw of_htdemucs[] = {
    SOURCES,
    {"audio_channels", {"1", "2", "2", "3"}},
    {"channels", {"8", "8", "12", "16"}},
    {"growth", {"1", "2", "2"}},
    {"nfft", {"256", "1024", "1024", "2048"}},
    {"depth", {"1", "2", "3", "3"}},
    {"rewrite", {"true", "true", "false"}},
    {"freq_emb", {"0", "0.2", "0.5"}},
    {"emb_scale", {"10", "1"}},
    {"multi_freqs", {"null", "null", "null", "[0.25,0.625]"}},
    {"multi_freqs_depth", {"1", "2"}},
    {"context", {"0", "1", "1", "2"}},
    {"context_enc", {"0", "0", "1"}},
    {"norm_starts", {"0", "1", "2", "4", "4"}},
    {"norm_groups", {"1", "2", "4"}},
    {"dconv_mode", {"0", "1", "2", "3", "3"}},
    {"dconv_depth", {"0", "1", "2", "2", "3"}},
    {"dconv_comp", {"2", "3", "4", "8"}},
    {"bottom_channels", {"0", "16", "32", "48"}},
    {"t_layers", {"0", "1", "2", "3", "4"}},
    {"t_emb", {"\"sin\"", "\"sin\"", "\"cape\"", "\"scaled\""}},
    {"t_hidden_scale", {"1", "2", "4"}},
    {"t_heads", {"1", "2", "4"}},
    {"t_norm_in", {"true", "false"}},
    {"t_norm_in_group", {"false", "false", "2", "1"}},
    {"t_group_norm", {"false", "false", "2", "1"}},
    {"t_norm_first", {"true", "true", "false"}},
    {"t_norm_out", {"true", "true", "false"}},
    {"t_max_period", {"10000.0", "100.0"}},
    {"t_layer_scale", {"true", "false"}},
    {"t_gelu", {"true", "false"}},
    {"t_weight_pos_embed", {"1.0", "0.5"}},
    {"t_cape_mean_normalize", {"true", "false"}},
    {"t_cross_first", {"true", "false"}},
    {"segment", {"0.37", "0.5", "0.501", "0.7301", "1.01"}},
    {"use_train_segment", {"true", "true", "false"}},
    {NULL, {NULL}},
};

/* Widths are divisible by 4, the heads, wherever local attention may be
 * used. */
static const draw of_hdemucs[] = {
    SOURCES,
    {"audio_channels", {"1", "2", "2", "2", "3", "6"}},
    {"channels", {"16", "16", "32", "48"}},
    {"channels_time", {"null", "null", "null", "16", "32"}},
    {"growth", {"1", "2", "2", "1.5"}},
    {"nfft", {"64", "256", "256", "512", "1024"}},
    {"wiener_iters", {"0", "0", "0", "-1", "1", "2"}},
    {"wiener_residual", {"false", "true"}},
    {"cac", {"true", "true", "false"}},
    {"depth", {"1", "2", "3", "4", "4", "5"}},
    {"rewrite", {"true", "true", "false"}},
    {"hybrid", {"true", "true", "true", "false"}},
    {"hybrid_old", {"false", "false", "true"}},
    {"multi_freqs", {"[]", "[]", "null", "[0.25,0.625]", "[0.1,0.3]", "[0.5]"}},
    {"multi_freqs_depth", {"1", "2", "3"}},
    {"freq_emb", {"0", "0.2", "0.5"}},
    {"emb_scale", {"10", "1"}},
    {"kernel_size", {"8", "8", "4", "6"}},
    {"stride", {"4", "4", "2"}},
    {"time_stride", {"2", "2", "1", "4"}},
    {"context", {"0", "1", "1", "2"}},
    {"context_enc", {"0", "0", "1"}},
    {"norm_starts", {"0", "1", "2", "4", "4", "999"}},
    {"norm_groups", {"1", "2", "4"}},
    {"dconv_mode", {"0", "1", "1", "2", "3"}},
    {"dconv_depth", {"0", "1", "2", "2", "3", "-2"}},
    {"dconv_comp", {"1", "2", "4", "4"}},
    {"dconv_attn", {"0", "1", "2", "3", "4", "99"}},
    {"dconv_lstm", {"0", "1", "2", "3", "4", "99"}},
    {"samplerate", {"44100", "8000", "48000"}},
    {"segment", {"1", "44", "0.5"}},
    {NULL, {NULL}},
};

static const draw of_demucs[] = {
    SOURCES,
    {"audio_channels", {"1", "2", "2", "3", "6"}},
    {"channels", {"16", "16", "32", "48"}},
    {"growth", {"1", "2", "2", "1.5"}},
    {"depth", {"1", "2", "3", "4", "5"}},
    {"rewrite", {"true", "true", "false"}},
    {"lstm_layers", {"0", "0", "1", "2", "3"}},
    {"kernel_size", {"8", "8", "4", "5", "7"}},
    {"stride", {"4", "4", "2", "3"}},
    {"context", {"0", "1", "1", "2"}},
    {"gelu", {"true", "true", "false"}},
    {"glu", {"true", "true", "false"}},
    {"norm_starts", {"0", "1", "2", "4", "4", "999"}},
    {"norm_groups", {"1", "2", "4"}},
    {"dconv_mode", {"0", "1", "1", "2", "3"}},
    {"dconv_depth", {"0", "1", "2", "2", "3", "-2"}},
    {"dconv_comp", {"1", "2", "4", "4"}},
    {"dconv_attn", {"0", "1", "2", "3", "4", "99"}},
    {"dconv_lstm", {"0", "1", "2", "3", "4", "99"}},
    {"normalize", {"true", "true", "false"}},
    {"resample", {"true", "true", "false"}},
    {"samplerate", {"44100", "8000", "48000"}},
    {"segment", {"1", "44", "0.5"}},
    {NULL, {NULL}},
};

static const char *pick(const draw *d, uint64_t *seed)
{
    size_t count = 0;
    while (count < sizeof d->choice / sizeof d->choice[0] &&
           d->choice[count] != NULL)
        count++;
    return d->choice[test_random(seed) % count];
}

static dmx_json *pick_all(const draw *draws, uint64_t seed)
{
    dmx_json *a = dmx_json_new(DMX_JSON_OBJECT);
    seed = (seed + 1) * 0x9e3779b97f4a7c15u;
    for (const draw *d = draws; d->name != NULL; d++)
        dmx_json_add(a, d->name, dmx_json_read(pick(d, &seed)));
    return a;
}

static double number(const dmx_json *a, const char *name)
{
    return dmx_json_get(a, name)->valuedouble;
}

static void set(dmx_json *a, const char *name, const char *value)
{
    dmx_json_remove(a, name);
    dmx_json_add(a, name, dmx_json_read(value));
}

/* ---------------------------------------------------------------- HTDemucs */

static dmx_json *htdemucs(uint64_t seed)
{
    dmx_json *a = pick_all(of_htdemucs, seed);
    dmx_json_add_number(a, "samplerate", 8000);
    /* A time branch of another width allows neither transformer nor merge. */
    const double depth = number(a, "depth");
    if (number(a, "t_layers") == 0 && depth < 3)
        dmx_json_add_number(a, "channels_time", 20);
    /* 256 / 2 rows are one row after three levels. */
    if (number(a, "nfft") == 256 && depth > 2)
        dmx_json_get(a, "t_layers")->valuedouble = 0;
    /* Bands have no norms, and need rows to share. */
    if (number(a, "norm_starts") < 4 || number(a, "nfft") == 256 || depth < 2)
        dmx_json_remove(a, "multi_freqs");
    /* Groups of the outermost decoder are those of the sources' channels. */
    dmx_json *groups = dmx_json_get(a, "norm_groups");
    if (number(a, "norm_starts") == 0)
        groups->valuedouble = 1;
    return a;
}

static int64_t training_length(uint64_t seed, const dmx_json *a)
{
    (void)seed;
    (void)a;
    return 0;
}

/* -------------------------------------------------------- HDemucs, Demucs */

/* What the original's constructor or its forward pass refuses. */
static dmx_json *hdemucs(uint64_t seed)
{
    dmx_json *a = pick_all(of_hdemucs, seed);
    const bool hybrid = dmx_json_is_true(dmx_json_get(a, "hybrid"));
    if (!hybrid)
        set(a, "hybrid_old", "false");
    if (number(a, "audio_channels") > 2)
        set(a, "wiener_iters", "0");
    if (number(a, "norm_starts") == 0)
        set(a, "norm_groups", "1");
    /* Bands have no norms, and need rows to share. */
    if (number(a, "norm_starts") < 4 || number(a, "nfft") < 512)
        set(a, "multi_freqs", "[]");
    return a;
}

static dmx_json *demucs(uint64_t seed)
{
    dmx_json *a = pick_all(of_demucs, seed);
    if (number(a, "norm_starts") == 0)
        set(a, "norm_groups", "1");
    return a;
}

/* One sample, primes, less than a hop, more than 200 steps of an LSTM. */
static int64_t any_length(uint64_t seed, const dmx_json *a)
{
    static const int64_t length[] = {1,    2,    17,   100,  255,   1021,
                                     4096, 4099, 7919, 8192, 13337, 20011};
    const uint64_t n = sizeof length / sizeof length[0];
    const int64_t samples = length[(seed * 7 + seed / 11) % n];
    const dmx_json *hybrid = dmx_json_get(a, "hybrid");
    /* Centred frames reflect half a window. */
    if (hybrid != NULL && !dmx_json_is_true(hybrid))
        return samples + (int64_t)number(a, "nfft");
    return samples;
}

static const random_class classes[] = {
    {"HTDemucs", htdemucs, training_length},
    {"HDemucs", hdemucs, any_length},
    {"Demucs", demucs, any_length},
};

const random_class *random_class_find(const char *klass)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strcmp(classes[i].klass, klass) == 0)
            return &classes[i];
    return NULL;
}
