/* make-checkpoint OUT.safetensors [--preset NAME] [--sources A,B] [--seed N]
 * make-checkpoint OUT.safetensors --class NAME --arguments JSON [--seed N]
 *
 * A checkpoint of random weights with the shape of a released model, stored as
 * halves in the safetensors form of the Demucs 4.1 release, for benchmarks and
 * tests. Presets: htdemucs (default), htdemucs_6s, and tiny, which has
 * htdemucs' structure at an eighth of the width and a tenth of the segment;
 * hdemucs_mmi (also mdx_extra's e51eebcc), mdx_time (mdx's 0d19c1c6),
 * mdx_magnitude (c511e2ab), mdx_bands (7d865c68) and repro_time (repro_mdx_a's
 * 9a6b4851). --sources gives a preset of HTDemucs other sources. --class Demucs
 * or HDemucs makes any network of the class. Weights keep activations near 1;
 * norms, biases and LayerScale are away from their initial values, so that no
 * branch is idle. */
#include "make_checkpoint.h"

#include "base/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TENSORS 1024
#define DEPTH       4

typedef struct preset {
    const char *name;
    int channels, bottom, heads, sources;
    const char *source_names;
    const char *segment;
} preset;

static const preset presets[] = {
    {"htdemucs", 48, 512, 8, 4, "\"drums\", \"bass\", \"other\", \"vocals\"",
     "\"numerator\": 39, \"denominator\": 5"},
    {"htdemucs_6s", 48, 0, 8, 6,
     "\"drums\", \"bass\", \"other\", \"vocals\", \"guitar\", \"piano\"",
     "\"numerator\": 39, \"denominator\": 5"},
    {"tiny", 8, 64, 8, 4, "\"drums\", \"bass\", \"other\", \"vocals\"",
     "\"numerator\": 39, \"denominator\": 50"},
};

/* value = centre + spread * u, u uniform in [-1, 1] */
typedef struct entry {
    char name[160];
    int rank;
    int64_t dim[4];
    double centre, spread;
} entry;

typedef struct list {
    entry item[MAX_TENSORS];
    size_t count;
} list;

static void add(list *l, const char *path, const char *name, double centre,
                double spread, int rank, const int64_t dim[4])
{
    if (l->count == MAX_TENSORS)
        abort();
    entry *e = &l->item[l->count++];
    snprintf(e->name, sizeof e->name, "%.120s.%.30s", path, name);
    e->rank = rank;
    memcpy(e->dim, dim, sizeof e->dim);
    e->centre = centre;
    e->spread = spread;
}

static void add_family(void *user, const char *name, int rank,
                       const int64_t *dim, double centre, double spread)
{
    list *l = user;
    if (l->count == MAX_TENSORS)
        abort();
    entry *e = &l->item[l->count++];
    snprintf(e->name, sizeof e->name, "%s", name);
    e->rank = rank;
    memcpy(e->dim, dim, (size_t)rank * sizeof *dim);
    e->centre = centre;
    e->spread = spread;
}

static void vector(list *l, const char *path, const char *name, double centre,
                   double spread, int64_t n)
{
    const int64_t dim[4] = {n};
    add(l, path, name, centre, spread, 1, dim);
}

/* A square root precise enough for weights, without libm. */
static double root(double x)
{
    double y = x > 1.0 ? x : 1.0;
    for (int i = 0; i < 60; i++)
        y = 0.5 * (y + x / y);
    return y;
}

/* 1 / sqrt(x) */
static double inverse_root(double x)
{
    return root(x) / x;
}

/* Weight and bias as PyTorch initialises them, uniform within 1/sqrt(inputs);
 * then, as Demucs does for convolutions, divided by sqrt(std / 0.1). */
static void kernel(list *l, const char *path, bool rescaled, int64_t inputs,
                   int rank, const int64_t dim[4], int64_t outputs)
{
    double spread = inverse_root((double)inputs);
    if (rescaled)
        spread /= root(spread * 0.57735 / 0.1);
    add(l, path, "weight", 0.0, spread, rank, dim);
    vector(l, path, "bias", 0.0, spread, outputs);
}

static void norm(list *l, const char *path, int64_t n)
{
    vector(l, path, "weight", 1.0, 0.3, n);
    vector(l, path, "bias", 0.0, 0.2, n);
}

static void linear(list *l, const char *path, int64_t out, int64_t in)
{
    const int64_t dim[4] = {out, in};
    kernel(l, path, false, in, 2, dim, out);
}

static void dconv(list *l, const char *layer, int64_t channels)
{
    const int64_t hidden = channels / 8;
    for (int d = 0; d < 2; d++) {
        char p[64], q[96];
        const int64_t first[4] = {hidden, channels, 3};
        const int64_t second[4] = {2 * channels, hidden, 1};
        snprintf(p, sizeof p, "%s.dconv.layers.%d", layer, d);
        snprintf(q, sizeof q, "%s.0", p);
        kernel(l, q, true, 3 * channels, 3, first, hidden);
        snprintf(q, sizeof q, "%s.1", p);
        norm(l, q, hidden);
        snprintf(q, sizeof q, "%s.3", p);
        kernel(l, q, true, hidden, 3, second, 2 * channels);
        snprintf(q, sizeof q, "%s.4", p);
        norm(l, q, 2 * channels);
        snprintf(q, sizeof q, "%s.6", p);
        vector(l, q, "scale", 0.3, 0.2, channels);
    }
}

static void encoder(list *l, int level, bool freq, int64_t in, int64_t out)
{
    char p[32], q[48];
    const int64_t conv[4] = {out, in, 8, 1}, point[4] = {2 * out, out, 1, 1};
    snprintf(p, sizeof p, "%sencoder.%d", freq ? "" : "t", level);
    snprintf(q, sizeof q, "%s.conv", p);
    kernel(l, q, true, 8 * in, freq ? 4 : 3, conv, out);
    dconv(l, p, out);
    snprintf(q, sizeof q, "%s.rewrite", p);
    kernel(l, q, true, out, freq ? 4 : 3, point, 2 * out);
}

static void decoder(list *l, int index, bool freq, int64_t in, int64_t out)
{
    char p[32], q[48];
    const int64_t conv[4] = {in, out, 8, 1};
    const int64_t wide[4] = {2 * in, in, 3, freq ? 3 : 0};
    snprintf(p, sizeof p, "%sdecoder.%d", freq ? "" : "t", index);
    snprintf(q, sizeof q, "%s.conv_tr", p);
    kernel(l, q, true, 2 * in, freq ? 4 : 3, conv, out);
    dconv(l, p, in);
    snprintf(q, sizeof q, "%s.rewrite", p);
    kernel(l, q, true, in * (freq ? 9 : 3), freq ? 4 : 3, wide, 2 * in);
}

static void attention_layer(list *l, const char *branch, int index, int64_t d)
{
    char p[64], q[128];
    const bool cross = index % 2 == 1;
    const char *const parts[] = {"norm1", "norm2", "norm3", "norm_out"};
    const int64_t packed[4] = {3 * d, d};
    snprintf(p, sizeof p, "crosstransformer.%.16s.%d", branch, index);
    snprintf(q, sizeof q, "%s.%s_attn", p, cross ? "cross" : "self");
    add(l, q, "in_proj_weight", 0.0, root(3.0 / (double)d), 2, packed);
    vector(l, q, "in_proj_bias", 0.0, 0.1, 3 * d);
    snprintf(q, sizeof q, "%s.%s_attn.out_proj", p, cross ? "cross" : "self");
    linear(l, q, d, d);
    snprintf(q, sizeof q, "%s.linear1", p);
    linear(l, q, 4 * d, d);
    snprintf(q, sizeof q, "%s.linear2", p);
    linear(l, q, d, 4 * d);
    for (int k = 0; k < 4; k++) {
        if (k == 2 && !cross)
            continue;
        snprintf(q, sizeof q, "%s.%s", p, parts[k]);
        norm(l, q, d);
    }
    snprintf(q, sizeof q, "%s.gamma_1", p);
    vector(l, q, "scale", 0.4, 0.3, d);
    snprintf(q, sizeof q, "%s.gamma_2", p);
    vector(l, q, "scale", 0.4, 0.3, d);
}

static void transformer(list *l, const preset *s)
{
    const char *const suffixes[] = {"", "_t"};
    const int64_t width = (int64_t)s->channels << (DEPTH - 1);
    const int64_t d = s->bottom != 0 ? s->bottom : width;
    const int64_t up[4] = {d, width, 1}, down[4] = {width, d, 1};
    char p[64];
    for (int k = 0; k < 2; k++) {
        if (s->bottom != 0) {
            snprintf(p, sizeof p, "channel_upsampler%s", suffixes[k]);
            kernel(l, p, true, width, 3, up, d);
            snprintf(p, sizeof p, "channel_downsampler%s", suffixes[k]);
            kernel(l, p, true, d, 3, down, width);
        }
        snprintf(p, sizeof p, "crosstransformer.norm_in%s", suffixes[k]);
        norm(l, p, d);
        snprintf(p, sizeof p, "layers%s", suffixes[k]);
        for (int i = 0; i < 5; i++)
            attention_layer(l, p, i, d);
    }
}

static void network(list *l, const preset *s)
{
    for (int i = 0; i < DEPTH; i++) {
        const int64_t out = (int64_t)s->channels << i;
        encoder(l, i, true, i == 0 ? 4 : out / 2, out);
        encoder(l, i, false, i == 0 ? 2 : out / 2, out);
        decoder(l, DEPTH - 1 - i, true, out, i == 0 ? 4 * s->sources : out / 2);
        decoder(l, DEPTH - 1 - i, false, out,
                i == 0 ? 2 * s->sources : out / 2);
    }
    const int64_t rows[4] = {512, s->channels};
    add(l, "freq_emb.embedding", "weight", 0.0, 0.2, 2, rows);
    transformer(l, s);
}

static size_t count_of(const entry *e)
{
    size_t n = 1;
    for (int k = 0; k < e->rank; k++)
        n *= (size_t)e->dim[k];
    return n;
}

/* ---- writing ------------------------------------------------------------ */
/* JSON inside JSON: the release keeps the arguments as text. */
static void write_arguments(FILE *f, const char *module, const char *klass,
                            const char *kwargs)
{
    fprintf(f,
            "{\"__metadata__\":{\"klass\":\"%s.%s\",\"args\":\"[]\","
            "\"kwargs\":\"",
            module, klass);
    for (const char *c = kwargs; *c != '\0'; c++) {
        if (*c == '"')
            fputc('\\', f);
        fputc(*c, f);
    }
    fprintf(f, "\"}");
}

static void write_metadata(FILE *f, const preset *s)
{
    char kwargs[1024];
    snprintf(kwargs, sizeof kwargs,
             "{\"sources\": [%s], \"audio_channels\": 2, \"samplerate\": "
             "44100, \"segment\": {\"_type\": \"fraction\", %s}, "
             "\"channels\": %d, \"dconv_mode\": 3, \"bottom_channels\": %d, "
             "\"t_layers\": 5, \"t_heads\": %d}",
             s->source_names, s->segment, s->channels, s->bottom, s->heads);
    write_arguments(f, "demucs.htdemucs", "HTDemucs", kwargs);
}

static void write_index(FILE *f, const list *l)
{
    size_t at = 0;
    for (size_t i = 0; i < l->count; i++) {
        const entry *e = &l->item[i];
        const size_t bytes = 2 * count_of(e);
        fprintf(f, ",\"%s\":{\"dtype\":\"F16\",\"shape\":[", e->name);
        for (int k = 0; k < e->rank; k++)
            fprintf(f, "%s%" PRId64, k > 0 ? "," : "", e->dim[k]);
        fprintf(f, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
        at += bytes;
    }
    fputc('}', f);
}

/* splitmix64 */
static double uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-52 - 1.0;
}

static void write_values(FILE *f, const list *l, uint64_t seed)
{
    uint16_t block[4096];
    for (size_t i = 0; i < l->count; i++) {
        const entry *e = &l->item[i];
        size_t left = count_of(e);
        while (left > 0) {
            const size_t n = left < 4096 ? left : 4096;
            for (size_t k = 0; k < n; k++)
                block[k] = dmx_f32_to_f16(
                    (float)(e->centre + e->spread * uniform(&seed)));
            fwrite(block, sizeof block[0], n, f);
            left -= n;
        }
    }
}

/* The header's length precedes it, so it is written twice. */
static int write_file(const char *path, const list *l, const preset *s,
                      const family_preset *family, uint64_t seed)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    unsigned char length[8] = {0};
    fwrite(length, 1, sizeof length, f);
    if (family != NULL)
        write_arguments(f, family->module, family->klass, family->kwargs);
    else
        write_metadata(f, s);
    write_index(f, l);
    while (ftell(f) % 8 != 0)
        fputc(' ', f);
    const uint64_t bytes = (uint64_t)ftell(f) - 8;
    for (int k = 0; k < 8; k++)
        length[k] = (unsigned char)(bytes >> 8 * k);
    write_values(f, l, seed);
    fseek(f, 0, SEEK_SET);
    fwrite(length, 1, sizeof length, f);
    const int bad = ferror(f);
    if (fclose(f) != 0 || bad) {
        perror(path);
        return 1;
    }
    return 0;
}

/* ------------------------------------------------------------ command line */

typedef struct request {
    preset network;
    family_preset family; /* instead of it, if it has a class */
    const char *klass, *arguments;
    char source_names[512];
    uint64_t seed;
} request;

static bool choose_preset(request *r, const char *name)
{
    const family_preset *family = family_find(name);
    if (family != NULL) {
        r->family = *family;
        return true;
    }
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].name, name) == 0) {
            r->network = presets[i];
            return true;
        }
    return false;
}

/* "a,b" as "a", "b" */
static bool choose_sources(request *r, const char *names)
{
    size_t used = 0;
    r->network.sources = 0;
    for (const char *c = names;; c += *c == ',') {
        const int n = (int)strcspn(c, ",");
        if (n == 0 || used + (size_t)n + 5 > sizeof r->source_names)
            return false;
        used += (size_t)snprintf(r->source_names + used,
                                 sizeof r->source_names - used, "%s\"%.*s\"",
                                 r->network.sources++ > 0 ? ", " : "", n, c);
        c += n;
        if (*c == '\0')
            break;
    }
    r->network.source_names = r->source_names;
    return true;
}

static bool read_option(request *r, const char *name, const char *value)
{
    if (strcmp(name, "--preset") == 0)
        return choose_preset(r, value);
    if (strcmp(name, "--sources") == 0)
        return choose_sources(r, value);
    if (strcmp(name, "--seed") == 0)
        r->seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--class") == 0)
        r->klass = value;
    else if (strcmp(name, "--arguments") == 0)
        r->arguments = value;
    else
        return false;
    return true;
}

static bool read_command(request *r, int argc, char **argv)
{
    *r = (request){.network = presets[0], .seed = 1};
    if (argc < 2 || argc % 2 != 0 || argv[1][0] == '-')
        return false;
    for (int i = 2; i < argc; i += 2)
        if (!read_option(r, argv[i], argv[i + 1]))
            return false;
    if (r->klass == NULL && r->arguments == NULL)
        return true;
    return r->klass != NULL && r->arguments != NULL &&
           family_of_class(&r->family, r->klass, r->arguments);
}

int main(int argc, char **argv)
{
    request r;
    if (!read_command(&r, argc, argv)) {
        fprintf(stderr,
                "usage: make-checkpoint OUT.safetensors [--preset htdemucs|"
                "htdemucs_6s|tiny|hdemucs_mmi|mdx_time|mdx_magnitude|"
                "mdx_bands|repro_time] [--sources A,B] [--seed N]\n"
                "       make-checkpoint OUT.safetensors --class Demucs|HDemucs "
                "--arguments JSON [--seed N]\n");
        return 2;
    }
    const family_preset *family = r.family.klass != NULL ? &r.family : NULL;
    list *l = calloc(1, sizeof *l);
    if (l == NULL)
        return 1;
    int status = 0;
    if (family != NULL)
        status = family_list(family, add_family, l);
    else
        network(l, &r.network);
    if (status == 0)
        status = write_file(argv[1], l, &r.network, family, r.seed);
    free(l);
    return status;
}
