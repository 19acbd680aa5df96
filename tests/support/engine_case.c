#include "engine_case.h"
#include "test_support.h"

#include "engine/engine.h"
#include "graph/builders.h"
#include "reference/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dmx_graph *engine_case_graph(dmx_value *x, int64_t channels, int64_t rows,
                             int64_t cols)
{
    dmx_graph *g = dmx_graph_open();
    assert_non_null(g);
    *x = dmx_graph_reshape(g, "rows", dmx_graph_input(g, channels, rows * cols),
                           (dmx_shape){3, {channels, rows, cols}});
    return g;
}

void engine_case_output(dmx_graph *g, dmx_value y)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_shape s = dmx_graph_shape(g, y);
    const dmx_shape flat = {3, {s.dim[0], 1, s.dim[1] * s.dim[2]}};
    dmx_graph_output(g, dmx_graph_reshape(g, "out", y, flat));
    assert_ok(dmx_graph_status(g, &err), &err);
}

engine_case engine_case_make(const dmx_graph *g, double growth, uint64_t *seed)
{
    dmx_error err = DMX_ERROR_INIT;
    const dmx_shape in = dmx_graph_shape(g, g->input);
    const dmx_shape out = dmx_graph_shape(g, g->output);
    engine_case s = {.n_in = (size_t)dmx_shape_count(&in),
                     .n_out = (size_t)dmx_shape_count(&out)};
    s.mix = calloc(s.n_in, sizeof *s.mix);
    s.mix32 = calloc(s.n_in, sizeof *s.mix32);
    s.expected = calloc(s.n_out, sizeof *s.expected);
    for (size_t i = 0; i < s.n_in; i++) {
        const double t = (double)((int64_t)i % in.dim[2]) / (double)in.dim[2];
        s.mix32[i] = (float)(test_normal(seed) * exp(growth * t));
        s.mix[i] = (double)s.mix32[i];
    }
    assert_ok(dmx_reference_run(s.expected, g, s.mix, NULL, &err), &err);
    return s;
}

void engine_case_free(engine_case *s)
{
    free(s->mix);
    free(s->mix32);
    free(s->expected);
}

/* How often `kind` appears in the profile. */
static int count_steps(const dmx_engine_state *state, const char *kind)
{
    char *profile = dmx_engine_profile_json(state), wanted[64];
    assert_non_null(profile);
    snprintf(wanted, sizeof wanted, "\"%s\"", kind);
    int count = 0;
    for (const char *p = profile; (p = strstr(p, wanted)) != NULL; p++)
        count++;
    dmx_free(profile);
    return count;
}

double engine_case_error(const dmx_graph *g, const engine_case *s,
                         const dmx_engine_options *options, const char *kind,
                         int expected)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_engine *engine;
    dmx_engine_state *state;
    float *got = calloc(s->n_out, sizeof *got);
    assert_ok(dmx_engine_open_graph(&engine, g, options, &err), &err);
    assert_ok(dmx_engine_state_open(&state, engine, &err), &err);
    assert_ok(dmx_engine_run(state, got, s->mix32, NULL, &err), &err);
    if (!options->unfused && expected != ANY_STEPS)
        assert_int_equal(count_steps(state, kind), expected);
    double peak = 0.0, worst = 0.0;
    for (size_t i = 0; i < s->n_out; i++) {
        peak = fmax(peak, fabs(s->expected[i]));
        const double d = fabs(s->expected[i] - (double)got[i]);
        worst = d <= worst ? worst : isnan(d) ? INFINITY : d;
    }
    dmx_engine_state_close(state);
    dmx_engine_close(engine);
    free(got);
    return worst / peak;
}
