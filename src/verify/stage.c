#include "verify/stage.h"

static void pass_warning(void *user, const char *message)
{
    const dmx_stage *s = user;
    dmx_warn(s->outer, "%s", message);
}

static void pass_detail(void *user, const char *message)
{
    const dmx_stage *s = user;
    dmx_detail(s->outer, "%s", message);
}

static int pass_progress(void *user, const char *stage, double fraction)
{
    (void)stage;
    const dmx_stage *s = user;
    const double whole = s->from + (s->to - s->from) * fraction;
    return dmx_progress(s->outer, s->name, whole, NULL) != DMX_OK;
}

const dmx_hooks *dmx_stage_open(dmx_stage *stage, const dmx_hooks *outer,
                                const char *name, double from, double to)
{
    *stage = (dmx_stage){{.size = sizeof(dmx_hooks),
                          .user = stage,
                          .warn = pass_warning,
                          .progress = pass_progress,
                          .detail = pass_detail},
                         outer,
                         name,
                         from,
                         to};
    return outer != NULL ? &stage->hooks : NULL;
}
