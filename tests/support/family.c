#include "family.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct recording {
    const char *folder;
    int64_t length[5]; /* the first is the mixture's own */
} recording;

static const recording recordings[] = {
    {"demucs_mdx", {30011, 16384, 900}},
    {"demucs_repro", {110011, 44100, 4779}},
    {"demucs_v2", {30011, 12288, 1}},
    {"demucs_odd", {60000, 22051, 77}},
    {"demucs_undilated", {9001, 4000, 2}},
    {"hdemucs_mdx_old", {30011, 16384, 900}},
    {"hdemucs_mdx_multi", {30011, 16384, 900}},
    {"hdemucs_cac_false", {30011, 16384, 900}},
    {"hdemucs_lengths", {210001, 44100, 1025, 2}},
    {"hdemucs_odd", {30011, 8192, 255}},
    {"hdemucs_no_rewrite", {30011, 20000, 1024}},
    {"hdemucs_magnitude", {30011, 16384, 2049}},
    {"hdemucs_wiener", {30011}},
    {"hdemucs_softmask", {30011}},
    {"hdemucs_spectral", {0}},
    {"hdemucs_hybrid_old", {0}},
    {"hdemucs_mmi", {0}},
    {"hdemucs_long", {0}},
    {"demucs_q", {30011, 16384}},
    {"demucs_q8", {30011}},
    {"hdemucs_q", {30011, 16384}},
    {"hdemucs_q_float16", {30011}},
    {"htdemucs_dynamic", {44101, 30000, 21498, 8000}},
};

/* "stems_900.npy"; of the mixture's own length "stems.npy". */
static bool stems_of(char *text, size_t size, const char *folder,
                     const recording *r, int i)
{
    char path[512];
    if (i == 0)
        snprintf(text, size, "stems.npy");
    else
        snprintf(text, size, "stems_%lld.npy", (long long)r->length[i]);
    snprintf(path, sizeof path, "%s/%s", test_data(folder), text);
    return access(path, R_OK) == 0;
}

static int each_length(const char *folder, const char *file, const recording *r,
                       bool (*check)(golden *, const char *))
{
    char stems[64], name[128];
    int failed = 0;
    snprintf(name, sizeof name, "%s %s", r->folder, file);
    for (int i = 0; i < 5 && (i == 0 || r->length[i] > 0); i++) {
        if (!stems_of(stems, sizeof stems, folder, r, i))
            continue;
        golden g;
        const golden_case c = {.folder = folder,
                               .file = file,
                               .stems = stems,
                               .first = i == 0 ? 0 : r->length[i]};
        golden_open_case(&g, &c);
        failed += !check(&g, name);
        golden_close(&g);
    }
    return failed;
}

int family_each(const char *base, bool (*check)(golden *g, const char *name))
{
    return family_some(base, "", check);
}

int family_some(const char *base, const char *part,
                bool (*check)(golden *g, const char *name))
{
    static const char *const files[] = {
        "model.th", "model.safetensors", "model_old_names.th",
        "model_torch_pack.th", "model_unpacked.th"};
    int failed = 0;
    for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++) {
        char folder[256], path[512];
        if (strstr(recordings[i].folder, part) == NULL)
            continue;
        snprintf(folder, sizeof folder, "%s%s", base, recordings[i].folder);
        for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
            snprintf(path, sizeof path, "%s/%s", folder, files[k]);
            if (access(test_data(path), R_OK) == 0)
                failed += each_length(folder, files[k], &recordings[i], check);
        }
    }
    return failed;
}
