/* Everything that kernels_<isa>.c compiles: the bodies and their table.
 * Before inclusion: LANES, MR (rows of a tile), VECS (vectors of a tile's
 * row), TABLE (name of the table) and ISA_NAME. */
#include "engine/kernels/kernels.h"
#include "engine/kernels/fourier.h"

#include "engine/kernels/vector.h"

#include "engine/kernels/gemm_body.h"

#include "engine/kernels/finish_body.h"

#include "engine/kernels/pack_body.h"

#include "engine/kernels/half_body.h"

#include "engine/kernels/attention_body.h"

#include "engine/kernels/recurrent_body.h"

#include "engine/kernels/winograd_body.h"

#include "engine/kernels/two_tap_body.h"

#include "engine/kernels/strassen_body.h"

#include "engine/kernels/elementwise_body.h"

#include "engine/kernels/fourier_body.h"

const dmx_kernels TABLE = {
    .name = ISA_NAME,
    .lanes = LANES,
    .mr = MR,
    .nr = NR,
    .fma = fma_rounds,
    .gemm = gemm,
    .gemm_add = gemm_add,
    .gemm_taps = gemm_taps,
    .pack_taps = pack_taps,
    .finish = finish,
    .interleave = interleave,
    .pack_window = pack_window,
    .pack_normed = pack_normed,
    .pack_left = pack_left,
    .split_tile = split_tile,
    .widen_half = widen_half,
    .softmax_weights = softmax_weights,
    .softmax_block = softmax_block,
    .accumulate = accumulate,
    .divide_by_sums = divide_by_sums,
    .gates = gates,
    .lstm_cell = lstm_cell,
    .filter = filter,
    .winograd_line_in = winograd_line_in,
    .winograd_line_out = winograd_line_out,
    .winograd_in = winograd_in,
    .winograd_out = winograd_out,
    .two_tap_in = two_tap_in,
    .two_tap_out = two_tap_out,
    .strassen_left = strassen_left,
    .strassen_right = strassen_right,
    .strassen_sums = strassen_sums,
    .stft = stft,
    .istft = istft,
    .activate = activate,
    .glu = glu,
    .affine = affine_row,
    .add = add_row,
    .moments = moments,
    .affine_gelu = affine_gelu,
    .sum = sum_of_row,
    .covariance = covariance,
};
