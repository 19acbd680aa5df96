/* Hybrid Demucs, Demucs and HTDemucs of any length against recordings of the
 * original's float64 pass: every network at several lengths. Shortened copies
 * lie in tests/data/family; where the whole recordings are at hand, they are
 * used too. */
#include "golden.h"

#include <stdio.h>
#include <unistd.h>

/* Rounding of the recording to float32 alone is 6e-8 of the peak. */
#define TOLERANCE 2e-7

#define WHOLE "../../../shared/fixtures/"

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

static int compare(const char *folder, const char *file, const recording *r)
{
    char stems[64];
    int failed = 0;
    for (int i = 0; i < 5 && (i == 0 || r->length[i] > 0); i++) {
        if (!stems_of(stems, sizeof stems, folder, r, i))
            continue;
        golden g;
        const golden_case c = {.folder = folder,
                               .file = file,
                               .stems = stems,
                               .first = i == 0 ? 0 : r->length[i]};
        golden_open_case(&g, &c);
        const double error = golden_error(&g);
        printf("%-18s %-20s %7lld %.2e of the peak\n", r->folder, file,
               (long long)g.samples, error);
        failed += !(error <= TOLERANCE);
        golden_close(&g);
    }
    return failed;
}

static int compare_in(const char *base)
{
    static const char *const files[] = {
        "model.th", "model.safetensors", "model_old_names.th",
        "model_torch_pack.th", "model_unpacked.th"};
    int failed = 0;
    for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++) {
        char folder[256];
        snprintf(folder, sizeof folder, "%s%s", base, recordings[i].folder);
        for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
            char path[512];
            snprintf(path, sizeof path, "%s/%s", folder, files[k]);
            if (access(test_data(path), R_OK) == 0)
                failed += compare(folder, files[k], &recordings[i]);
        }
    }
    return failed;
}

static void test_recordings(void **state)
{
    (void)state;
    assert_int_equal(compare_in("family/"), 0);
    assert_int_equal(compare_in("quantized/"), 0);
}

static void test_whole_recordings(void **state)
{
    (void)state;
    if (access(test_data(WHOLE), R_OK) != 0)
        skip();
    assert_int_equal(compare_in(WHOLE), 0);
}

/* The weights of a training run; its configuration states the arguments. */
static void test_training(void **state)
{
    (void)state;
#define RUN WHOLE "training_hdemucs"
    static const golden_case cases[] = {
        {.folder = RUN, .file = "checkpoint.th", .stems = "stems_best.npy"},
        {.folder = RUN,
         .file = "checkpoint.th",
         .weights = "state",
         .stems = "stems_state.npy"},
        {.folder = RUN, .file = "best.th", .stems = "stems_best.npy"},
        {.folder = RUN,
         .file = "msst.ckpt",
         .config = "config.yaml",
         .stems = "stems_state.npy"},
        {.folder = RUN,
         .file = "msst_bare.ckpt",
         .config = "config.yaml",
         .stems = "stems_state.npy"},
    };
    if (access(test_data(RUN), R_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        golden g;
        golden_open_case(&g, &cases[i]);
        const double error = golden_error(&g);
        printf("%-16s %.2e of the peak\n", cases[i].file, error);
        assert_true(error <= TOLERANCE);
        golden_close(&g);
    }
#undef RUN
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings),
        cmocka_unit_test(test_whole_recordings),
        cmocka_unit_test(test_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
