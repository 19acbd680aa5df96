#include "verify/expected.h"

#include <stdlib.h>
#include <string.h>

struct dmx_expected_stems {
    dmx_expected_stems *next;
    const char *signal;
    int64_t samples;
    double stems[];
};

const double *dmx_expected_find(const dmx_expected *expected,
                                const char *signal, int64_t samples)
{
    for (const dmx_expected_stems *e = expected->first; e != NULL; e = e->next)
        if (e->samples == samples && strcmp(e->signal, signal) == 0)
            return e->stems;
    return NULL;
}

dmx_status dmx_expected_keep(dmx_expected *expected, const char *signal,
                             int64_t samples, const double *stems, size_t n,
                             dmx_error *err)
{
    dmx_expected_stems *e = malloc(sizeof *e + n * sizeof *stems);
    DMX_RETURN_IF(e == NULL, err, DMX_ERROR_MEMORY, "no memory for the check");
    e->next = expected->first;
    e->signal = signal;
    e->samples = samples;
    memcpy(e->stems, stems, n * sizeof *stems);
    expected->first = e;
    return DMX_OK;
}

void dmx_expected_free(dmx_expected *expected)
{
    while (expected->first != NULL) {
        dmx_expected_stems *e = expected->first;
        expected->first = e->next;
        free(e);
    }
}
