#include "verify/stage.h"

static void pass_warning(void *user, const char *message)
{
    const dmx_stage *s = user;
    if (s->outer->warn != NULL)
        s->outer->warn(s->outer->user, message);
}

static int pass_progress(void *user, const char *stage, double fraction)
{
    (void)stage;
    const dmx_stage *s = user;
    if (s->outer->progress == NULL)
        return 0;
    return s->outer->progress(s->outer->user, s->name,
                              s->from + (s->to - s->from) * fraction);
}

const dmx_hooks *dmx_stage_open(dmx_stage *stage, const dmx_hooks *outer,
                                const char *name, double from, double to)
{
    *stage = (dmx_stage){
        {stage, pass_warning, pass_progress}, outer, name, from, to};
    return outer != NULL ? &stage->hooks : NULL;
}
