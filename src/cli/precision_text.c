#include "precision_text.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const cJSON *o, const char *key)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
    return text != NULL ? text : "";
}

static double number_of(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

void cli_precision_line(char *out, size_t size, const cJSON *document)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(document, "layers");
    const cJSON *item;
    const char *precision = text_of(document, "precision");
    if (text_of(document, "note")[0] != '\0') {
        snprintf(out, size, "%s: %s", precision, text_of(document, "note"));
        return;
    }
    int n =
        snprintf(out, size, "%s: %.1f dB of %.0f promised (%s)", precision,
                 number_of(document, "snr_db"),
                 number_of(document, "promise_db"), text_of(document, "isa"));
    cJSON_ArrayForEach(item, layers)
    {
        if (cJSON_IsString(item) && n > 0 && (size_t)n < size &&
            strcmp(item->valuestring, precision) != 0)
            n += snprintf(out + n, size - (size_t)n, ", %s %s", item->string,
                          item->valuestring);
    }
}
