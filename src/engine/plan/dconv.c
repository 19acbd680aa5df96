/* Emits a residual branch that is one unit. */
#include "engine/plan/planner.h"

#include <stdlib.h>

/* The tensors of a residual branch. */
enum { W1, B1, WEIGHT1, BIAS1, W2, B2, WEIGHT2, BIAS2, SCALE, DCONV_TENSORS };

static const dmx_tensor *dconv_tensor(const dmx_planner *p, const dmx_unit *u,
                                      int i)
{
    const int32_t node[] = {u->leader, u->norm1, u->conv2, u->norm2, u->scale};
    if (node[i / 2] < 0)
        return NULL;
    const dmx_node *n = dmx_node_at(p, node[i / 2]);
    return i % 2 == 0 ? dmx_weight_of(n) : dmx_bias_of(n);
}

static dmx_status load_dconv(float *w[DCONV_TENSORS], const dmx_planner *p,
                             const dmx_unit *u, dmx_error *err)
{
    const dmx_node *n = dmx_node_at(p, u->leader);
    const int64_t C = dmx_shape_at(p, u->other)->dim[0];
    const int64_t H = dmx_weight_of(n)->dim[0];
    const int64_t count[DCONV_TENSORS] = {[W1] = H * C * n->at.conv.kernel[1],
                                          [B1] = H,
                                          [WEIGHT1] = H,
                                          [BIAS1] = H,
                                          [W2] = 2 * C * H,
                                          [B2] = 2 * C,
                                          [WEIGHT2] = 2 * C,
                                          [BIAS2] = 2 * C,
                                          [SCALE] = C};
    for (int i = 0; i < DCONV_TENSORS; i++)
        if (i != SCALE || u->scale >= 0)
            DMX_FORWARD(
                dmx_plan_elements(&w[i], dconv_tensor(p, u, i), count[i], err));
    return DMX_OK;
}

static dmx_status add_dconv(dmx_planner *p, const dmx_unit *u,
                            float *const w[DCONV_TENSORS], dmx_error *err)
{
    const dmx_node *n = dmx_node_at(p, u->leader);
    dmx_dconv d = {
        .path = n->path,
        .x = p->buf[u->other],
        .hidden = dmx_weight_of(n)->dim[0],
        .channels = dmx_shape_at(p, u->other)->dim[0],
        .taps = n->at.conv.kernel[1],
        .dilation = n->at.conv.dilation[1],
        .padding = n->at.conv.padding[1][0],
        .w1 = w[W1],
        .b1 = w[B1],
        .weight1 = w[WEIGHT1],
        .bias1 = w[BIAS1],
        .w2 = w[W2],
        .b2 = w[B2],
        .weight2 = w[WEIGHT2],
        .bias2 = w[BIAS2],
        .scale = w[SCALE],
        .epsilon1 = dmx_node_at(p, u->norm1)->at.epsilon,
        .epsilon2 = dmx_node_at(p, u->norm2)->at.epsilon,
    };
    DMX_FORWARD(dmx_plan_output(&d.out, p, dmx_node_at(p, u->last)->out[0],
                                u->other, 2, err));
    return dmx_step_dconv(p->e, &d, err);
}

dmx_status dmx_emit_dconv(dmx_planner *p, const dmx_unit *u, dmx_error *err)
{
    float *w[DCONV_TENSORS] = {NULL};
    dmx_status status = load_dconv(w, p, u, err);
    if (status == DMX_OK)
        status = add_dconv(p, u, w, err);
    for (int i = 0; i < DCONV_TENSORS; i++)
        free(w[i]);
    if (status != DMX_OK)
        dmx_error_prefix(err, "%s", dmx_node_at(p, u->leader)->path);
    return status;
}
