#include "make_checkpoint.h"

#include "arch/registration.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COMMON                                                                 \
    "{\"sources\": [\"drums\", \"bass\", \"other\", \"vocals\"], "             \
    "\"audio_channels\": 2, \"samplerate\": 44100, \"segment\": 44"
#define HYBRID COMMON ", \"dconv_init\": 0.001"

/* The released members' arguments, as far as they differ from the classes'. */
static const family_preset presets[] = {
    {"hdemucs_mmi", "HDemucs", "demucs.hdemucs", HYBRID "}"},
    {"mdx_time", "Demucs", "demucs.demucs",
     COMMON ", \"rewrite\": false, \"normalize\": true}"},
    {"mdx_magnitude", "HDemucs", "demucs.hdemucs",
     HYBRID ", \"cac\": false, \"hybrid_old\": true, \"norm_starts\": 999}"},
    {"mdx_bands", "HDemucs", "demucs.hdemucs",
     HYBRID ", \"multi_freqs\": [0.1, 0.3], \"multi_freqs_depth\": 2, "
            "\"norm_starts\": 999}"},
    {"repro_time", "Demucs", "demucs.demucs", COMMON ", \"normalize\": true}"},
};

const family_preset *family_find(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}

bool family_of_class(family_preset *out, const char *klass, const char *kwargs)
{
    static const char *const module[][2] = {{"Demucs", "demucs.demucs"},
                                            {"HDemucs", "demucs.hdemucs"},
                                            {"HTDemucs", "demucs.htdemucs"}};
    for (size_t i = 0; i < sizeof module / sizeof module[0]; i++)
        if (strcmp(module[i][0], klass) == 0) {
            *out = (family_preset){klass, klass, module[i][1], kwargs};
            return true;
        }
    return false;
}

typedef struct walk {
    void (*add)(void *user, const char *name, int rank, const int64_t *dim,
                double centre, double spread);
    void *user;
} walk;

/* Weights uniform within 1/sqrt(inputs), as PyTorch initialises them; vectors
 * away from their initial values, so that no branch is idle. */
static void one(void *user, const char *name, int rank, const int64_t *dim)
{
    const walk *w = user;
    double inputs = 1.0;
    for (int k = 1; k < rank; k++)
        inputs *= (double)dim[k];
    if (strncmp(name, "freq_emb.", 9) == 0)
        w->add(w->user, name, rank, dim, 0.0, 0.2);
    else if (rank > 1)
        w->add(w->user, name, rank, dim, 0.0, 1.0 / sqrt(inputs));
    else if (dmx_text_ends_with(name, ".scale"))
        w->add(w->user, name, rank, dim, 0.3, 0.2);
    else if (dmx_text_ends_with(name, ".weight"))
        w->add(w->user, name, rank, dim, 1.0, 0.3);
    else
        w->add(w->user, name, rank, dim, 0.0, 0.05);
}

int family_list(const family_preset *preset,
                void (*add)(void *user, const char *name, int rank,
                            const int64_t *dim, double centre, double spread),
                void *user)
{
    walk w = {add, user};
    dmx_error err = DMX_ERROR_INIT;
    dmx_json *kwargs = dmx_json_read(preset->kwargs);
    dmx_status status =
        dmx_network_parameters(preset->klass, kwargs, one, &w, &err);
    dmx_json_free(kwargs);
    if (status != DMX_OK)
        fprintf(stderr, "make-checkpoint: %s\n", err.message);
    return status != DMX_OK;
}
