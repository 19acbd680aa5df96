#include "separate/track_level.h"

#include <math.h>

static void add(double sum[2], double x)
{
    const double t = sum[0] + x;
    if (fabs(sum[0]) >= fabs(x))
        sum[1] += (sum[0] - t) + x;
    else
        sum[1] += (x - t) + sum[0];
    sum[0] = t;
}

void dmx_track_level_add(dmx_track_level *level, const float *const *planes,
                         size_t channels, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        double mono = 0;
        for (size_t c = 0; c < channels; c++)
            mono += (double)planes[c][i];
        mono /= (double)channels;
        add(level->sum, mono);
        add(level->square, mono * mono);
    }
    level->frames += (int64_t)frames;
}

void dmx_track_level_get(const dmx_track_level *level, double *mean,
                         double *std)
{
    const double n = (double)level->frames;
    const double sum = level->sum[0] + level->sum[1];
    const double square = level->square[0] + level->square[1];
    *mean = n > 0 ? sum / n : 0;
    const double variance = n > 1 ? (square - sum * *mean) / (n - 1) : 0;
    *std = variance > 0 ? sqrt(variance) : 0;
}
