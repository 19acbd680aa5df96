/* Does the golden test notice mistakes? Each operation is broken on purpose,
 * by changing its nodes or by a mistake compiled into this program's copy of
 * the reference; the named fixture must then miss its recording. */
#include "golden.h"

#include "reference/mutation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 2e-7 /* as test_reference_golden.c */

enum dmx_mutant dmx_active_mutant;

typedef struct mutant {
    const char *name;
    const char *fixture;
    dmx_op op; /* whose nodes are changed */
    void (*change)(dmx_node *node);
    enum dmx_mutant inside; /* or the mistake inside the operation */
} mutant;

static void no_bias(dmx_node *n)
{
    n->n_operand = 1;
}

static void bias_for_weight(dmx_node *n)
{
    static const dmx_tensor *twice[1024][2];
    static size_t used;
    assert_true(n->n_operand == 2 && used < 1024);
    twice[used][0] = twice[used][1] = n->operand[1];
    n->operand = twice[used++];
}

static void no_epsilon(dmx_node *n)
{
    n->at.epsilon = 0.0;
}

static void identity(dmx_node *n)
{
    n->op = DMX_OP_RESHAPE;
}

static void all_rows(dmx_node *n)
{
    n->at.rows = DMX_ROWS_TOGETHER;
}

static void each_row(dmx_node *n)
{
    n->at.rows = DMX_ROWS_BATCH;
}

static void one_group(dmx_node *n)
{
    n->at.groups = 1;
}

static void negate_alpha(dmx_node *n)
{
    n->at.alpha = -n->at.alpha;
}

static void unit_alpha(dmx_node *n)
{
    n->at.alpha = 1.0;
}

static void shift_padding(dmx_node *n)
{
    const int k = n->at.conv.padding[0][0] > 0 ? 0 : 1;
    if (n->at.conv.padding[k][0] > 0)
        n->at.conv.padding[k][0]--;
}

static void no_dilation(dmx_node *n)
{
    n->at.conv.dilation[1] = 1;
}

static void shift_crop(dmx_node *n)
{
    if (n->at.start > 0)
        n->at.start--;
}

static void swap_padding(dmx_node *n)
{
    const int64_t before = n->at.before;
    n->at.before = n->at.after;
    n->at.after = before;
}

static void as_relu(dmx_node *n)
{
    n->op = DMX_OP_RELU;
}

static void as_gelu(dmx_node *n)
{
    n->op = DMX_OP_GELU;
}

static void scale_by_width(dmx_node *n)
{
    n->at.scale /= __builtin_sqrt((double)n->at.heads);
}

static void one_head(dmx_node *n)
{
    n->at.heads = 1;
}

enum { MOST_INPUTS = 16 };
static dmx_value other_inputs[1024][MOST_INPUTS];
static size_t n_other_inputs;

/* Swaps inputs a and b of the node. */
static void swap_inputs(dmx_node *n, int a, int b)
{
    assert_true(n->n_in <= MOST_INPUTS && n_other_inputs < 1024);
    dmx_value *in = other_inputs[n_other_inputs++];
    memcpy(in, n->in, (size_t)n->n_in * sizeof *in);
    in[a] = n->in[b];
    in[b] = n->in[a];
    n->in = in;
}

static void swap_keys_and_values(dmx_node *n)
{
    swap_inputs(n, 1, 2);
}

static void reverse_two(dmx_node *n)
{
    /* Parts of different height would not fit; their order in the list does
     * not matter to anything but the result. */
    swap_inputs(n, 0, n->n_in - 1);
}

static void not_cape(dmx_node *n)
{
    n->at.position = DMX_POSITION_SIN;
}

static void no_mean(dmx_node *n)
{
    n->at.mean_normalize = false;
}

static void longer_period(dmx_node *n)
{
    n->at.max_period *= 1.01;
}

static void soft_mask(dmx_node *n)
{
    n->at.epsilon = 1e-3;
}

static void once_more(dmx_node *n)
{
    n->at.iterations++;
}

static void with_residual(dmx_node *n)
{
    n->at.residual = true;
}

#define NODES(name, fixture, op, change)                                       \
    {                                                                          \
        name, fixture, DMX_OP_##op, change, DMX_MUTANT_NONE                    \
    }
#define INSIDE(name, fixture, op, mistake)                                     \
    {                                                                          \
        name, fixture, DMX_OP_##op, NULL, DMX_MUTANT_##mistake                 \
    }

#define TIME          "family/demucs_mdx"
#define CHUNKS        "family/demucs_repro"
#define OLD           "family/hdemucs_mdx_old"
#define SILENCE       "family/hdemucs_cac_false"
#define MAGNITUDES    "family/hdemucs_magnitude"
#define WIENER_FILTER "family/hdemucs_wiener"

static const mutant mutants[] = {
    INSIDE("zeros for reflection", "nfft_2048", STFT, STFT_ZERO_PAD),
    INSIDE("frames cut late", "nfft_2048", STFT, STFT_LATE_FRAMES),
    INSIDE("symmetric Hann window", "nfft_2048", STFT, STFT_SYMMETRIC_HANN),
    INSIDE("STFT not normalised", "nfft_2048", STFT, STFT_UNNORMALIZED),
    INSIDE("first bin dropped", "nfft_2048", STFT, STFT_DROP_FIRST_BIN),
    INSIDE("conjugate STFT", "nfft_2048", STFT, STFT_CONJUGATE),
    INSIDE("planar complex channels", "nfft_2048", STFT, STFT_PLANAR),
    INSIDE("no window envelope", "nfft_2048", ISTFT, ISTFT_NO_ENVELOPE),
    INSIDE("iSTFT cropped late", "nfft_2048", ISTFT, ISTFT_LATE),
    INSIDE("half a spectrum", "nfft_2048", ISTFT, ISTFT_ONE_SIDED),
    INSIDE("biased std", "nfft_2048", STATISTICS, STATISTICS_BIASED),
    INSIDE("mean kept", "nfft_2048", STANDARDIZE, STANDARDIZE_NO_MEAN),
    NODES("std without epsilon", "nfft_2048", STANDARDIZE, no_epsilon),
    INSIDE("mean lost", "nfft_2048", UNSTANDARDIZE, UNSTANDARDIZE_NO_MEAN),
    NODES("not undone", "nfft_2048", UNSTANDARDIZE, identity),
    INSIDE("flipped kernels", "nfft_2048", CONV, CONV_FLIPPED),
    NODES("no bias", "nfft_2048", CONV, no_bias),
    NODES("padding off by one", "nfft_2048", CONV, shift_padding),
    NODES("no dilation", "nfft_2048", CONV, no_dilation),
    INSIDE("flipped kernels", "nfft_2048", CONV_TRANSPOSE,
           CONV_TRANSPOSE_FLIPPED),
    NODES("no bias", "nfft_2048", CONV_TRANSPOSE, no_bias),
    INSIDE("unbiased variance", "nfft_2048", GROUP_NORM, NORM_UNBIASED),
    NODES("rows together", "nfft_2048", GROUP_NORM, all_rows),
    NODES("no epsilon", "nfft_2048", GROUP_NORM, no_epsilon),
    NODES("bias for weight", "nfft_2048", GROUP_NORM, bias_for_weight),
    NODES("one group", "group_norms", GROUP_NORM, one_group),
    NODES("rows apart", "merged_branches", GROUP_NORM, each_row),
    INSIDE("epsilon outside", "nfft_2048", GROUP_NORM, NORM_EPSILON_OUTSIDE),
    INSIDE("unbiased variance", "nfft_2048", LAYER_NORM, LAYER_NORM_UNBIASED),
    NODES("no epsilon", "nfft_2048", LAYER_NORM, no_epsilon),
    NODES("bias for weight", "nfft_2048", LAYER_NORM, bias_for_weight),
    NODES("skipped", "nfft_2048", LAYER_NORM, identity),
    INSIDE("tanh", "nfft_2048", GELU, GELU_TANH),
    NODES("as ReLU", "nfft_2048", GELU, as_relu),
    NODES("as GELU", "post_norm", RELU, as_gelu),
    INSIDE("halves swapped", "nfft_2048", GLU, GLU_SWAPPED),
    NODES("no LayerScale", "nfft_2048", SCALE, identity),
    NODES("two biases", "multi_freqs", BIAS, identity),
    NODES("subtracted", "nfft_2048", ADD, negate_alpha),
    NODES("weight ignored", "emb_scaled", ADD, unit_alpha),
    NODES("no bias", "nfft_2048", LINEAR, no_bias),
    NODES("scale of the width", "nfft_2048", ATTENTION, scale_by_width),
    NODES("one head", "nfft_2048", ATTENTION, one_head),
    NODES("keys for values", "nfft_2048", ATTENTION, swap_keys_and_values),
    INSIDE("heads interleaved", "nfft_2048", ATTENTION,
           ATTENTION_HEADS_INTERLEAVED),
    INSIDE("frequency major", "nfft_2048", TOKENS, TOKENS_FREQ_MAJOR),
    INSIDE("frequency major", "nfft_2048", UNTOKENS, UNTOKENS_FREQ_MAJOR),
    NODES("scale ignored", "nfft_2048", FREQ_EMBEDDING, unit_alpha),
    INSIDE("interleaved", "nfft_2048", POSITION_1D, POSITION_1D_INTERLEAVED),
    INSIDE("sin first", "nfft_2048", POSITION_1D, POSITION_1D_SIN_FIRST),
    NODES("other period", "nfft_2048", POSITION_1D, longer_period),
    NODES("sin for cape", "emb_cape", POSITION_1D, not_cape),
    NODES("mean not removed", "emb_cape", POSITION_1D, no_mean),
    NODES("scale ignored", "emb_scaled", POSITION_1D, unit_alpha),
    INSIDE("rows first", "nfft_2048", POSITION_2D, POSITION_2D_ROWS_FIRST),
    INSIDE("sin and cos in halves", "nfft_2048", POSITION_2D,
           POSITION_2D_HALVES),
    NODES("other period", "nfft_2048", POSITION_2D, longer_period),
    NODES("early", "nfft_2048", CROP, shift_crop),
    NODES("before and after swapped", "nfft_2048", PAD, swap_padding),
    NODES("reversed", "multi_freqs", CONCAT, reverse_two),
    INSIDE("hybrid_old reflects", OLD, STFT, OLD_REFLECTED),
    INSIDE("hybrid_old in time", OLD, ISTFT, OLD_IN_TIME),
    INSIDE("zeros for reflection", MAGNITUDES, STFT, CENTRED_ZERO_PAD),
    INSIDE("the same envelope all along", MAGNITUDES, ISTFT, ENVELOPE_CONSTANT),
    INSIDE("the same envelope all along", OLD, ISTFT, ENVELOPE_CONSTANT),
    INSIDE("power", SILENCE, MAGNITUDE, MAGNITUDE_SQUARED),
    INSIDE("the sign of m lost", SILENCE, MASK, MASK_ABSOLUTE),
    INSIDE("nothing in silent bins", SILENCE, MASK, MASK_SILENT_BINS),
    INSIDE("conjugate", SILENCE, MASK, MASK_CONJUGATE),
    NODES("soft", SILENCE, MASK, soft_mask),
    INSIDE("no regularization", WIENER_FILTER, WIENER, WIENER_UNREGULARIZED),
    INSIDE("transposed", WIENER_FILTER, WIENER, WIENER_TRANSPOSED),
    NODES("twice", WIENER_FILTER, WIENER, once_more),
    NODES("with a residual", WIENER_FILTER, WIENER, with_residual),
    INSIDE("sum of channels", TIME, MONO, MONO_SUM),
    INSIDE("phases swapped", TIME, RESAMPLE, RESAMPLE_PHASES_SWAPPED),
    INSIDE("flipped filters", TIME, RESAMPLE, RESAMPLE_FLIPPED),
    INSIDE("as a whole", CHUNKS, LSTM, LSTM_WHOLE),
    INSIDE("joined early", CHUNKS, LSTM, LSTM_EARLY_JOIN),
    INSIDE("cell and output gate swapped", TIME, LSTM, LSTM_CELL_LAST),
    INSIDE("bias_hh forgotten", TIME, LSTM, LSTM_ONE_BIAS),
    INSIDE("reverse first", TIME, LSTM, LSTM_REVERSE_FIRST),
    INSIDE("forward twice", SILENCE, LSTM, LSTM_FORWARD_TWICE),
    INSIDE("heads interleaved", SILENCE, LOCAL_ATTENTION,
           LOCAL_HEADS_INTERLEAVED),
    INSIDE("decay not divided", SILENCE, LOCAL_ATTENTION, LOCAL_DECAY_UNSCALED),
    INSIDE("softmax over queries", SILENCE, LOCAL_ATTENTION,
           LOCAL_KEYS_FOR_QUERIES),
    INSIDE("with itself", SILENCE, LOCAL_ATTENTION, LOCAL_WITH_ITSELF),
    NODES("one head", SILENCE, LOCAL_ATTENTION, one_head),
};
#define N_MUTANTS (sizeof mutants / sizeof mutants[0])

static size_t tried;

/* Applies the mutant, judges, and undoes it; 0 when the golden test fails, as
 * it should. */
static int survives(golden *g, const mutant *m)
{
    const size_t size = g->graph->n_node * sizeof *g->graph->node;
    dmx_node *saved = malloc(size);
    size_t changed = 0;
    assert_non_null(saved);
    memcpy(saved, g->graph->node, size);
    n_other_inputs = 0;
    for (size_t n = 0; n < g->graph->n_node; n++)
        if (g->graph->node[n].op == m->op) {
            changed++;
            if (m->change != NULL)
                m->change(&g->graph->node[n]);
        }
    dmx_active_mutant = m->inside;
    const double error = golden_error(g);
    tried++;
    dmx_active_mutant = DMX_MUTANT_NONE;
    memcpy(g->graph->node, saved, size);
    free(saved);
    printf("%-14s %-25s %-15s %.2e%s\n", dmx_op_name(m->op), m->name,
           m->fixture, error, error > TOLERANCE ? "" : "  NOT NOTICED");
    return changed == 0 || !(error > TOLERANCE);
}

static int survivors_of(golden *g)
{
    int survivors = 0;
    assert_true(golden_error(g) <= TOLERANCE);
    for (size_t i = 0; i < N_MUTANTS; i++)
        if (strcmp(mutants[i].fixture, g->name) == 0)
            survivors += survives(g, &mutants[i]);
    golden_close(g);
    return survivors;
}

static bool has_mutants(const char *fixture)
{
    for (size_t i = 0; i < N_MUTANTS; i++)
        if (strcmp(mutants[i].fixture, fixture) == 0)
            return true;
    return false;
}

static void test_mutants(void **state)
{
    (void)state;
    int survivors = 0;
    golden g;
    for (size_t f = 0; golden_fixture(f) != NULL; f++)
        if (has_mutants(golden_fixture(f))) {
            golden_open(&g, golden_fixture(f));
            survivors += survivors_of(&g);
        }
    for (size_t f = 0; golden_family(f) != NULL; f++)
        if (has_mutants(golden_family(f)->folder)) {
            golden_open_case(&g, golden_family(f));
            survivors += survivors_of(&g);
        }
    assert_int_equal(survivors, 0);
    assert_int_equal(tried, N_MUTANTS); /* every fixture exists */
}

/* Every operation, and every mistake that the reference can make, is tried;
 * but no fixture reshapes anything (test_reference_signal.c does). */
static void test_complete(void **state)
{
    (void)state;
    int of_op[DMX_OP_COUNT] = {[DMX_OP_INPUT] = 1, [DMX_OP_RESHAPE] = 1};
    int inside[DMX_MUTANT_COUNT] = {0};
    for (size_t i = 0; i < N_MUTANTS; i++) {
        of_op[mutants[i].op]++;
        inside[mutants[i].inside]++;
    }
    for (int i = 0; i < DMX_OP_COUNT; i++)
        assert_true(of_op[i] > 0);
    for (int i = 0; i < DMX_MUTANT_COUNT; i++)
        assert_true(inside[i] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_mutants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
