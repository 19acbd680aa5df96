/* Formats and parses numbers with a decimal point, whatever locale the calling
 * program has set. */
#ifndef DMX_BASE_NUMBER_H
#define DMX_BASE_NUMBER_H

#include "base/printf.h"

#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* As snprintf and vsnprintf. */
int dmx_format(char *out, size_t size, const char *fmt, ...) DMX_PRINTF(3, 4);
int dmx_vformat(char *out, size_t size, const char *fmt, va_list args)
    DMX_PRINTF(3, 0);

/* The decimal number at the start of `text`, such as "-1", "0.25", ".5", "3.",
 * "1e-8": no blanks, no hexadecimals, no "inf" or "nan", at most 63 characters.
 * Returns its length; 0 when there is none, and then *out is 0. The value is
 * infinite on overflow. */
size_t dmx_number_read(double *out, const char *text);
/* The same for a text that must consist of the number alone. */
bool dmx_number_parse(double *out, const char *text);

/* For libraries that format numbers themselves: the calling thread has the "C"
 * locale between these two calls. */
typedef struct dmx_plain_locale {
    locale_t plain, before;
} dmx_plain_locale;
dmx_plain_locale dmx_plain_locale_enter(void);
void dmx_plain_locale_leave(dmx_plain_locale scope);

#endif
