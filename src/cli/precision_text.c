#include "precision_text.h"
#include "json_field.h"

#include <stdio.h>
#include <string.h>

void cli_precision_line(char *out, size_t size, const cJSON *document)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(document, "layers");
    const cJSON *item;
    const char *precision = cli_field_text(document, "precision");
    if (cli_field_text(document, "note")[0] != '\0') {
        snprintf(out, size, "%s: %s", precision,
                 cli_field_text(document, "note"));
        return;
    }
    int n = snprintf(out, size, "%s: %.1f dB of %.0f promised (%s)", precision,
                     cli_field_number(document, "snr_db"),
                     cli_field_number(document, "promise_db"),
                     cli_field_text(document, "isa"));
    cJSON_ArrayForEach(item, layers)
    {
        if (cJSON_IsString(item) && n > 0 && (size_t)n < size &&
            strcmp(item->valuestring, precision) != 0)
            n += snprintf(out + n, size - (size_t)n, ", %s %s", item->string,
                          item->valuestring);
    }
}
