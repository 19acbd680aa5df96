/* Rules of operations over channels and time that treat each row independently.
 */
#include "graph/rules.h"

const char *dmx_rule_mono(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    (void)node;
    out[0] = in[0];
    if (in[0].rank != 3)
        return "the input is not a signal";
    out[0].dim[0] = dmx_length_fixed(1);
    return NULL;
}

/* floor(N * up / down), as in julius.resample_frac. */
const char *dmx_rule_resample(dmx_dims out[2], const dmx_dims *in,
                              dmx_node *node)
{
    const dmx_tensor *weight = dmx_weight_of(node);
    const int64_t most = 1 << 16, down = node->at.down;
    out[0] = in[0];
    if (in[0].rank != 3 || dmx_number(in[0].dim[1]) != 1)
        return "the input is not a waveform";
    if (weight == NULL || weight->rank != 2 || weight->dim[0] < 1 ||
        weight->dim[0] > most || weight->dim[1] > most || down < 1 ||
        weight->dim[1] < down || (weight->dim[1] - down) % 2 != 0)
        return "the filter does not fit the ratio";
    node->at.up = weight->dim[0];
    return dmx_length_multiply(&out[0].dim[2], in[0].dim[2], node->at.up) &&
                   dmx_length_floor(&out[0].dim[2], out[0].dim[2], down)
               ? NULL
               : dmx_no_rule;
}

/* ---- lstm ---------------------------------------------------------------- */

dmx_chunks dmx_lstm_chunks(int64_t chunk, int64_t steps)
{
    if (chunk < 2 || steps <= chunk)
        return (dmx_chunks){1, steps, steps};
    const int64_t hop = chunk / 2;
    return (dmx_chunks){(steps + hop - 1) / hop, chunk, hop};
}

/* The four weights of one direction of a layer. */
static bool fits_direction(const dmx_tensor *const *w, int64_t in,
                           int64_t hidden)
{
    const int64_t input[] = {4 * hidden, in}, state[] = {4 * hidden, hidden};
    for (int k = 0; k < 4; k++)
        if (w[k] == NULL)
            return false;
    return dmx_tensor_is(w[0], 2, input) && dmx_tensor_is(w[1], 2, state) &&
           dmx_tensor_is(w[2], 1, input) && dmx_tensor_is(w[3], 1, input);
}

const char *dmx_rule_lstm(dmx_dims out[2], const dmx_dims *in, dmx_node *node)
{
    static const char misfit[] = "the weights of the LSTM do not fit its input";
    const int64_t channels = dmx_channels_of(&in[0]), most = 1 << 20;
    out[0] = in[0];
    if (in[0].rank != 3)
        return "the input is not a signal";
    if (node->n_operand % 8 != 0 || node->operand[1] == NULL ||
        node->operand[1]->rank != 2)
        return misfit;
    const int64_t hidden = node->operand[1]->dim[1];
    if (hidden < 1 || hidden > most || channels > most)
        return misfit;
    for (int i = 0; i < node->n_operand; i += 4)
        if (!fits_direction(node->operand + i, i < 8 ? channels : 2 * hidden,
                            hidden))
            return misfit;
    if (node->at.chunk < 0 || node->at.chunk % 4 != 0 || node->at.chunk > most)
        return "chunks need a length that four divides";
    node->at.hidden = hidden;
    node->at.layers = node->n_operand / 8;
    out[0].dim[0] = dmx_length_fixed(2 * hidden);
    return NULL;
}

/* ---- local attention ----------------------------------------------------- */

/* demucs.demucs.LocalState between its convolutions. Heads are blocks of
 * C / heads channels, and n = decay channels / heads. Of head h and row f,
 *   a[s]    = sum over i = 1..n of i sigmoid(decay[h n + i - 1][s]) /
 *             (2 sqrt(n))
 *   score[t][s] = k[t] . q[s] / sqrt(C / heads) - |t - s| a[s],  t != s
 *   score[s][s] = -100
 *   out[s]  = sum over t of softmax over t of score[t][s], times v[t] */
const char *dmx_rule_local_attention(dmx_dims out[2], const dmx_dims *in,
                                     dmx_node *node)
{
    static const char misfit[] = "query, key, content and decay do not fit";
    const int64_t channels = dmx_channels_of(&in[0]), heads = node->at.heads;
    const char *problem = NULL;
    for (int i = 0; problem == NULL && i < 4; i++) {
        if (in[i].rank != 3 || (i < 3 && dmx_channels_of(&in[i]) != channels))
            return misfit;
        for (int k = 1; problem == NULL && k < 3; k++)
            problem = dmx_compare_lengths(in[0].dim[k], in[i].dim[k], misfit);
    }
    if (problem != NULL)
        return problem;
    if (heads < 1 || channels % heads != 0 ||
        dmx_channels_of(&in[3]) % heads != 0 || dmx_channels_of(&in[3]) < 1)
        return "the channels do not divide into heads";
    out[0] = in[0];
    node->at.scale = 1.0 / __builtin_sqrt((double)(channels / heads));
    return NULL;
}
