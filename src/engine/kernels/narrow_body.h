/* Everything that narrow_<isa>.c compiles: bodies and table. Before inclusion:
 * LANES, MR, VECS as in the float32 table that it accompanies (BASE, a string);
 * DOT, see narrow_dot.h; TABLE and ISA_NAME; PAYS_16 and PAYS_8. */
#include "engine/kernels/narrow.h"

#include "engine/kernels/vector.h"

#include "engine/kernels/narrow_dot.h"

#define NR (VECS * LANES)

#include "engine/kernels/narrow_pack_body.h"

#include "engine/kernels/narrow_gemm_body.h"

#include "engine/kernels/narrow_attention_body.h"

const dmx_narrow_kernels TABLE = {
    .name = ISA_NAME,
    .base = BASE,
    .mr = MR,
    .nr = NR,
    .pays = {[DMX_INT16] = PAYS_16, [DMX_INT8] = PAYS_8},
    .most_weight = MOST_WEIGHT,
    .panel = narrow_panel,
    .tile = narrow_tile,
    .multiply = narrow_multiply,
    .keys = narrow_keys,
    .values = narrow_values,
    .attend = narrow_attend,
};
