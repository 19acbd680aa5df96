#include "check_options.h"
#include "text_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

dmx_verify_options cli_verify_options(const cli_terminal *t,
                                      const cli_check_options *o)
{
    dmx_verify_options v = DMX_VERIFY_OPTIONS_INIT;
    v.hooks = &t->hooks;
    v.tolerance = o->tolerance;
    v.min_snr = o->min_snr;
    v.skip_parity = o->no_parity;
    v.bisect = t->verbose;
    v.threads = (int)o->threads;
    v.onnxruntime = o->onnxruntime;
    v.providers = o->providers;
    return v;
}

static void show_parity(cli_terminal *t, const dmx_parity *p)
{
    char snr[32] = "equal";
    if (isfinite(p->snr))
        snprintf(snr, sizeof snr, "SNR %.1f dB", p->snr);
    cli_print(t, "  %-9s %-10s max %.2e, %.2e of peak, %s%s", p->signal,
              p->source, p->max_difference, p->relative, snr,
              p->passed ? "" : "   FAILED");
}

static void show_text(cli_terminal *t, const char *name,
                      const dmx_report *report)
{
    dmx_parity p = DMX_PARITY_INIT;
    for (size_t i = 0; dmx_report_parity(report, i, &p); i++) {
        if (i == 0)
            cli_print(t, "%s", name);
        show_parity(t, &p);
    }
    const char *finding;
    for (size_t i = 0; (finding = dmx_report_finding(report, i)) != NULL; i++)
        cli_print(t, "  %s", finding);
    cli_print(t, "  sha256    %s", dmx_report_sha256(report));
}

int cli_show_report(cli_terminal *t, const cli_check_options *o,
                    const char *name, const dmx_report *report)
{
    char *json = dmx_report_json(report);
    if (json == NULL) {
        cli_error(t, "no memory for the report");
        return CLI_FAILED;
    }
    if (t->json)
        cli_print_document(t, json);
    else if (!t->quiet)
        show_text(t, name, report);
    const int code =
        o->report != NULL ? cli_write_text(t, o->report, json) : CLI_DONE;
    dmx_free(json);
    return code;
}
