/* What the core does alone: a checkpoint out of memory, the native engine on
 * every instruction set that this processor has, against the float64 reference.
 * No test library: the core needs none either. */
#include "arch/arch.h"
#include "base/hash.h"
#include "reference/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-5 /* of the reference's peak */

static int failures;

static void check(bool right, const char *what, const char *why)
{
    if (right)
        return;
    fprintf(stderr, "failed: %s: %s\n", what, why);
    failures++;
}

/* Exactly as many bytes as the file has, so that a read beyond them shows. */
static unsigned char *read_file(size_t *size, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        return NULL;
    *size = (size_t)ftell(f);
    rewind(f);
    unsigned char *data = malloc(*size);
    if (data != NULL && fread(data, 1, *size, f) != *size) {
        free(data);
        data = NULL;
    }
    fclose(f);
    return data;
}

/* A chirp that differs in both channels; repeatable everywhere. */
static double *make_mix(int64_t channels, int64_t samples)
{
    double *mix = malloc((size_t)(channels * samples) * sizeof *mix);
    for (int64_t c = 0; mix != NULL && c < channels; c++)
        for (int64_t i = 0; i < samples; i++)
            mix[c * samples + i] =
                (float)(0.5 * sin(1e-6 * (double)((c + 2) * i * i)) +
                        0.25 * cos(0.03 * (double)((i + c * 7) % 811)));
    return mix;
}

static float *as_floats(const double *x, int64_t n)
{
    float *out = malloc((size_t)n * sizeof *out);
    for (int64_t i = 0; out != NULL && i < n; i++)
        out[i] = (float)x[i];
    return out;
}

static double *run_reference(const dmx_model *model, const double *mix)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_graph *graph = NULL;
    double *stems =
        malloc((size_t)dmx_model_samples(model) * dmx_model_sources(model) *
               (size_t)dmx_model_channels(model) * sizeof *stems);
    dmx_status status = dmx_model_graph(&graph, model, 0, &err);
    if (status == DMX_OK)
        status = dmx_reference_run(stems, graph, mix, NULL, &err);
    check(status == DMX_OK, "reference", err.message);
    dmx_graph_close(graph);
    return stems;
}

static void compare(const char *what, const float *x, const double *reference,
                    int64_t n)
{
    double peak = 0, worst = 0;
    for (int64_t i = 0; i < n; i++) {
        const double difference = fabs((double)x[i] - reference[i]);
        peak = fmax(peak, fabs(reference[i]));
        worst = difference <= worst ? worst : difference; /* NaN counts */
    }
    printf("%s: %.2g of the peak\n", what, worst / peak);
    check(peak > 0 && worst <= TOLERANCE * peak, what, "too far away");
}

static void check_engine(const dmx_model *model, const char *isa,
                         const float *mix, const double *reference)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_engine_options options = DMX_ENGINE_OPTIONS_INIT;
    dmx_engine *engine = NULL;
    dmx_engine_state *state = NULL;
    options.isa = isa;
    options.threads = 2;
    dmx_status status = dmx_engine_open(&engine, model, 0, &options, &err);
    if (status == DMX_ERROR_ARGUMENT)
        return; /* this processor lacks it */
    if (status == DMX_OK)
        status = dmx_engine_state_open(&state, engine, &err);
    check(status == DMX_OK, isa, err.message);
    const int64_t n = dmx_engine_outputs(engine) * dmx_engine_samples(engine);
    float *stems = malloc((size_t)n * sizeof *stems);
    if (status == DMX_OK)
        check(dmx_engine_run(state, stems, mix, NULL, &err) == DMX_OK, isa,
              err.message);
    compare(isa, stems, reference, n);
    char *profile = dmx_engine_profile_json(state);
    check(profile != NULL && strstr(profile, "\"steps\"") != NULL, isa,
          "no profile");
    dmx_free(profile);
    free(stems);
    dmx_engine_state_close(state);
    dmx_engine_close(engine);
}

static void check_model(const dmx_checkpoint *checkpoint)
{
    static const char *const isas[] = {"portable", "avx2", "avx512", "neon"};
    dmx_error err = DMX_ERROR_INIT;
    dmx_model *model = NULL;
    const dmx_status status = dmx_model_open(&model, checkpoint, NULL, &err);
    check(status == DMX_OK, "model", err.message);
    if (status != DMX_OK)
        return;
    const int64_t channels = dmx_model_channels(model);
    const int64_t samples = dmx_model_samples(model);
    double *mix = make_mix(channels, samples);
    float *mix32 = as_floats(mix, channels * samples);
    double *reference = run_reference(model, mix);
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++)
        check_engine(model, isas[i], mix32, reference);
    char *json = dmx_model_json(model);
    check(json != NULL && strstr(json, "htdemucs") != NULL, "model", "no JSON");
    dmx_free(json);
    free(reference);
    free(mix32);
    free(mix);
    dmx_model_close(model);
}

static void check_hash(void)
{
    /* The examples of FIPS 180-4's validation, one and two blocks. */
    static const char *const pairs[][2] = {
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
                "ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < 2; i++) {
        char hex[DMX_SHA256_HEX];
        dmx_error err = DMX_ERROR_INIT;
        check(dmx_sha256_hex(hex, pairs[i][0], strlen(pairs[i][0]), &err) ==
                      DMX_OK &&
                  strcmp(hex, pairs[i][1]) == 0,
              "SHA-256", pairs[i][0]);
    }
    check(dmx_crc32("123456789", 9) == 0xcbf43926u, "CRC-32", "123456789");
}

int main(int argc, char **argv)
{
    dmx_error err = DMX_ERROR_INIT;
    size_t size = 0;
    unsigned char *data = argc == 2 ? read_file(&size, argv[1]) : NULL;
    if (data == NULL) {
        fprintf(stderr, "usage: test_core CHECKPOINT\n");
        return 2;
    }
    check_hash();
    dmx_checkpoint *checkpoint = NULL;
    dmx_status status = dmx_checkpoint_open_memory(&checkpoint, data, size,
                                                   "memory", NULL, &err);
    check(status == DMX_OK, "checkpoint", err.message);
    if (status == DMX_OK)
        check_model(checkpoint);
    dmx_checkpoint_close(checkpoint);
    dmx_error refused = DMX_ERROR_INIT;
    status = dmx_checkpoint_open_memory(&checkpoint, data, size / 2, "memory",
                                        NULL, &refused);
    check(status == DMX_ERROR_FORMAT && checkpoint == NULL, "half a checkpoint",
          refused.message);
    free(data);
    printf("%s\n", failures == 0 ? "passed" : "FAILED");
    return failures == 0 ? 0 : 1;
}
