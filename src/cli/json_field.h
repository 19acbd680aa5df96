/* Fields of JSON documents from the library. */
#ifndef DMX_CLI_JSON_FIELD_H
#define DMX_CLI_JSON_FIELD_H

#include <cJSON.h>

/* A field of an object; "" or 0 if it is missing or of another type. */
const char *cli_field_text(const cJSON *object, const char *key);
double cli_field_number(const cJSON *object, const char *key);

#endif
