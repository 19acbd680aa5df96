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

static void tell_model(cli_terminal *t, const cJSON *item)
{
    char text[CLI_PRECISION_LINE];
    cli_precision_line(text, sizeof text, item);
    const char *file = cli_field_text(item, "model");
    const char *slash = strrchr(file, '/');
    const bool met =
        !cJSON_IsString(cJSON_GetObjectItemCaseSensitive(item, "note"));
    (met ? cli_detail : cli_say)(t, "%s: %s", slash != NULL ? slash + 1 : file,
                                 text);
}

void cli_tell_precision(cli_terminal *t, const char *json)
{
    cJSON *list = json != NULL ? cJSON_Parse(json) : NULL;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        tell_model(t, item);
    }
    cJSON_Delete(list);
}
