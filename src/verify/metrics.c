#include "verify/metrics.h"

#include <math.h>
#include <stdbool.h>

static bool has_ratio(const dmx_parity *p, double min_snr)
{
    return p->peak > 0 ? p->snr >= min_snr
                       : p->relative <= pow(10, -min_snr / 20);
}

void dmx_compare(dmx_parity *out, const double *reference, const float *value,
                 int64_t channels, int64_t samples, int64_t stride,
                 dmx_gate gate)
{
    double signal = 0, noise = 0;
    out->peak = out->max_difference = 0;
    out->channel = out->sample = 0;
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < samples; i++) {
            const double r = reference[c * samples + i];
            double d = fabs((double)value[c * stride + i] - r);
            if (!isfinite(d))
                d = INFINITY;
            signal += r * r;
            noise += d * d;
            out->peak = fmax(out->peak, fabs(r));
            if (d > out->max_difference) {
                out->max_difference = d;
                out->channel = c;
                out->sample = i;
            }
        }
    const double unit = out->peak > 0 ? out->peak : 1;
    out->relative = out->max_difference / unit;
    out->snr = noise > 0 ? 10 * log10(signal / noise) : INFINITY;
    out->passed = isfinite(out->peak) && out->relative <= gate.tolerance &&
                  has_ratio(out, gate.min_snr);
}
