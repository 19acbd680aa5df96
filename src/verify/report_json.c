#include "verify/report.h"

#include "base/json.h"
#include <math.h>
#include <stdlib.h>

/* JSON has no infinity: an SNR without any difference is null, and so is a gate
 * that is open. */
static void add_number(dmx_json *object, const char *key, double value)
{
    if (isfinite(value))
        dmx_json_add_number(object, key, value);
    else
        dmx_json_add_null(object, key);
}

static void add_parity(dmx_json *list, const dmx_parity *p)
{
    dmx_json *o = dmx_json_new(DMX_JSON_OBJECT);
    dmx_json_add_string(o, "signal", p->signal);
    dmx_json_add_string(o, "source", p->source);
    dmx_json_add_bool(o, "passed", p->passed);
    add_number(o, "reference_peak", p->peak);
    add_number(o, "max_abs_difference", p->max_difference);
    add_number(o, "relative_to_peak", p->relative);
    add_number(o, "snr_db", p->snr);
    dmx_json_add_number(o, "worst_channel", (double)p->channel);
    dmx_json_add_number(o, "worst_sample", (double)p->sample);
    dmx_json_append(list, o);
}

static void add_divergence(dmx_json *list, const dmx_divergence *d)
{
    dmx_json *o = dmx_json_new(DMX_JSON_OBJECT);
    dmx_json_add_string(o, "module", d->path);
    dmx_json_add_string(o, "operation", d->op);
    dmx_json_add_string(o, "value", d->node);
    add_number(o, "relative_difference", d->relative);
    dmx_json_append(list, o);
}

static void add_model(dmx_json *root, const struct dmx_report *r)
{
    dmx_json *o = dmx_json_add_object(root, "model");
    dmx_json_add_string(o, "path", r->path);
    dmx_json_add_string(o, "sha256", r->sha256);
    dmx_json_add_number(o, "bytes", (double)r->bytes);
    dmx_json_add_number(o, "opset", (double)r->opset);
    dmx_json_add_number(o, "ir_version", (double)r->ir_version);
    dmx_json_add_number(o, "nodes", (double)r->nodes);
    if (r->checkpoint_sha256 != NULL)
        dmx_json_add_string(root, "checkpoint_sha256", r->checkpoint_sha256);
}

static void add_tools(dmx_json *root, const struct dmx_report *r)
{
    dmx_json_add_string(root, "demucs_onnx", dmx_version());
    dmx_json_add_bool(root, "onnx_checker", r->checker_ran);
    if (r->runtime_version != NULL) {
        dmx_json_add_string(root, "onnxruntime", r->runtime_version);
        dmx_json_add_string(root, "provider", r->provider);
    }
}

char *dmx_report_json(const struct dmx_report *r)
{
    if (r == NULL)
        return NULL;
    dmx_json *root = dmx_json_new(DMX_JSON_OBJECT);
    dmx_json_add_bool(root, "passed", !r->failed);
    add_model(root, r);
    add_tools(root, r);
    add_number(root, "tolerance", r->gate.tolerance);
    add_number(root, "min_snr_db", r->gate.min_snr);
    dmx_json *parity = dmx_json_add_array(root, "parity");
    for (size_t i = 0; i < r->n_parity; i++)
        add_parity(parity, &r->parity[i]);
    dmx_json *findings = dmx_json_add_array(root, "findings");
    for (size_t i = 0; i < r->n_finding; i++)
        dmx_json_append(findings, dmx_json_new_string(r->finding[i]));
    dmx_json *divergences = dmx_json_add_array(root, "divergences");
    for (size_t i = 0; i < r->n_divergence; i++)
        add_divergence(divergences, &r->divergence[i]);
    dmx_json *seconds = dmx_json_add_object(root, "seconds");
    for (size_t i = 0; i < r->n_timing; i++)
        dmx_json_add_number(seconds, r->timing[i].stage, r->timing[i].seconds);
    char *text = dmx_json_print(root);
    dmx_json_free(root);
    return text;
}
