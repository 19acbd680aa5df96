#include "verify/report.h"

#include "base/options.h"

#include "base/json.h"
#include "base/number.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dmx_status no_memory(dmx_error *err)
{
    return dmx_fail(err, DMX_ERROR_MEMORY, "no memory for the report");
}

static const char *copy(struct dmx_report *r, const char *text)
{
    return dmx_arena_strndup(&r->arena, text, strlen(text));
}

dmx_status dmx_report_open(struct dmx_report **out, const dmx_model_file *file,
                           dmx_gate gate, dmx_error *err)
{
    struct dmx_report *r = calloc(1, sizeof *r);
    *out = r;
    if (r == NULL || (r->path = copy(r, file->path)) == NULL) {
        dmx_report_close(r);
        *out = NULL;
        return no_memory(err);
    }
    memcpy(r->sha256, file->sha256, sizeof r->sha256);
    r->bytes = file->bytes.size;
    r->gate = gate;
    r->opset = dmx_model_file_opset(file);
    r->ir_version = file->proto->ir_version;
    r->nodes = file->proto->graph->n_node;
    return DMX_OK;
}

void dmx_report_close(struct dmx_report *r)
{
    if (r == NULL)
        return;
    dmx_arena_free(&r->arena);
    free(r->finding);
    free(r->parity);
    free(r->timing);
    free(r->divergence);
    free(r);
}

static dmx_status add_finding(struct dmx_report *r, const char *lead,
                              const char *fmt, va_list args, dmx_error *err)
{
    char raw[1024], text[1024];
    dmx_vformat(raw, sizeof raw, fmt, args);
    dmx_text_printable(text, sizeof text, raw);
    const char *finding = dmx_arena_printf(&r->arena, "%s: %s", lead, text);
    if (finding == NULL || !dmx_grow(&r->finding, &r->finding_capacity,
                                     r->n_finding + 1, sizeof *r->finding))
        return no_memory(err);
    r->finding[r->n_finding++] = finding;
    return DMX_OK;
}

dmx_status dmx_report_error(struct dmx_report *r, dmx_error *err,
                            const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const dmx_status status = add_finding(r, "error", fmt, args, err);
    va_end(args);
    r->failed = true;
    return status;
}

dmx_status dmx_report_note(struct dmx_report *r, dmx_error *err,
                           const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const dmx_status status = add_finding(r, "note", fmt, args, err);
    va_end(args);
    return status;
}

dmx_status dmx_report_add_parity(struct dmx_report *r, const dmx_parity *parity,
                                 dmx_error *err)
{
    dmx_parity p = *parity;
    p.signal = copy(r, parity->signal);
    p.source = copy(r, parity->source);
    if (p.signal == NULL || p.source == NULL ||
        !dmx_grow(&r->parity, &r->parity_capacity, r->n_parity + 1,
                  sizeof *r->parity))
        return no_memory(err);
    r->parity[r->n_parity++] = p;
    r->failed = r->failed || !p.passed;
    return DMX_OK;
}

dmx_status dmx_report_add_timing(struct dmx_report *r, const char *stage,
                                 double seconds, dmx_error *err)
{
    const dmx_timing t = {copy(r, stage), seconds};
    if (t.stage == NULL || !dmx_grow(&r->timing, &r->timing_capacity,
                                     r->n_timing + 1, sizeof *r->timing))
        return no_memory(err);
    r->timing[r->n_timing++] = t;
    return DMX_OK;
}

dmx_status dmx_report_add_divergence(struct dmx_report *r,
                                     const dmx_divergence *d, dmx_error *err)
{
    const dmx_divergence kept = {copy(r, d->path), copy(r, d->op),
                                 copy(r, d->node), d->relative};
    if (kept.path == NULL || kept.op == NULL || kept.node == NULL ||
        !dmx_grow(&r->divergence, &r->divergence_capacity, r->n_divergence + 1,
                  sizeof *r->divergence))
        return no_memory(err);
    r->divergence[r->n_divergence++] = kept;
    return DMX_OK;
}

/* ---------------------------------------------------------------- verdict */

/* By the gate that was missed: ratios where they decide, else differences. */
static bool is_worse(const struct dmx_report *r, const dmx_parity *a,
                     const dmx_parity *b)
{
    return isfinite(r->gate.min_snr) ? !(a->snr >= b->snr)
                                     : !(a->relative <= b->relative);
}

const dmx_parity *dmx_report_worst(const struct dmx_report *r)
{
    const dmx_parity *w = NULL;
    for (size_t i = 0; i < r->n_parity; i++)
        if (!r->parity[i].passed &&
            (w == NULL || is_worse(r, &r->parity[i], w)))
            w = &r->parity[i];
    return w;
}

/* "differs by 1e-3 of its peak, ...": what was missed. */
static void describe(char *text, size_t size, const struct dmx_report *r,
                     const dmx_parity *w)
{
    if (w->relative <= r->gate.tolerance)
        snprintf(text, size,
                 "is %.1f dB from the reference on %s, less than the %.4g dB "
                 "that it must have (%.2e of its peak)",
                 w->snr, w->signal, r->gate.min_snr, w->relative);
    else
        snprintf(text, size,
                 "differs on %s by %.2e of its peak, more than the tolerance "
                 "of %.2e (SNR %.1f dB)",
                 w->signal, w->relative, r->gate.tolerance, w->snr);
}

dmx_status dmx_report_verdict(const struct dmx_report *r, dmx_error *err)
{
    if (!r->failed)
        return DMX_OK;
    for (size_t i = 0; i < r->n_finding; i++)
        DMX_RETURN_IF(strncmp(r->finding[i], "error: ", 7) == 0, err,
                      DMX_ERROR_CHECK, "%s: %s", r->path, r->finding[i] + 7);
    const dmx_parity *w = dmx_report_worst(r);
    DMX_RETURN_IF(w == NULL, err, DMX_ERROR_CHECK, "%s: a check failed",
                  r->path);
    char where[256] = "", how[256];
    if (r->n_divergence > 0)
        snprintf(where, sizeof where, "; the numbers part at %s (%s)",
                 r->divergence[0].path, r->divergence[0].op);
    describe(how, sizeof how, r, w);
    DMX_RETURN_ERROR(err, DMX_ERROR_CHECK, "%s: %s %s%s", r->path, w->source,
                     how, where);
}

/* -------------------------------------------------------------- questions */

const char *dmx_report_sha256(const struct dmx_report *r)
{
    return r != NULL ? r->sha256 : NULL;
}

int dmx_report_parity(const struct dmx_report *r, size_t index, dmx_parity *out)
{
    if (r == NULL || out == NULL || out->size < sizeof out->size ||
        index >= r->n_parity)
        return 0;
    dmx_report_give(out, &r->parity[index], sizeof r->parity[index]);
    return 1;
}

const char *dmx_report_finding(const struct dmx_report *r, size_t index)
{
    return r != NULL && index < r->n_finding ? r->finding[index] : NULL;
}
