/* Hybrid Demucs, Demucs and HTDemucs of any length: the float64 reference
 * against recordings of the original's float64 pass. */
#include "family.h"

#include <stdio.h>
#include <unistd.h>

/* Rounding of the recording to float32 alone is 6e-8 of the peak. */
#define TOLERANCE 2e-7

static bool check(golden *g, const char *name)
{
    const double error = golden_error(g);
    printf("%-40s %7lld %.2e of the peak\n", name, (long long)g->samples,
           error);
    return error <= TOLERANCE;
}

static void test_recordings(void **state)
{
    (void)state;
    assert_int_equal(family_each(FAMILY_SHORT, check), 0);
    assert_int_equal(family_each(FAMILY_QUANTIZED, check), 0);
}

static void test_whole_recordings(void **state)
{
    (void)state;
    if (access(test_data(FAMILY_WHOLE), R_OK) != 0)
        skip();
    assert_int_equal(family_each(FAMILY_WHOLE, check), 0);
}

/* The weights of a training run; its configuration states the arguments. */
static void test_training(void **state)
{
    (void)state;
#define RUN FAMILY_WHOLE "training_hdemucs"
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
