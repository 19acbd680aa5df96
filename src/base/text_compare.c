/* Texts against each other. */
#include "demucs_onnx.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define LONGEST 63

static size_t smallest(size_t a, size_t b, size_t c)
{
    const size_t m = a < b ? a : b;
    return m < c ? m : c;
}

size_t dmx_text_distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1];
    const size_t na = a != NULL ? strlen(a) : SIZE_MAX;
    const size_t nb = b != NULL ? strlen(b) : SIZE_MAX;
    if (na > LONGEST || nb > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = smallest(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[nb];
}

int dmx_text_ends_with(const char *text, const char *ending)
{
    if (text == NULL || ending == NULL)
        return 0;
    const size_t n = strlen(text), k = strlen(ending);
    return n >= k && strcasecmp(text + n - k, ending) == 0;
}
