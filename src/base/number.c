#include "base/number.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

dmx_plain_locale dmx_plain_locale_enter(void)
{
    dmx_plain_locale scope = {newlocale(LC_ALL_MASK, "C", (locale_t)0),
                              (locale_t)0};
    if (scope.plain != (locale_t)0)
        scope.before = uselocale(scope.plain);
    return scope;
}

void dmx_plain_locale_leave(dmx_plain_locale scope)
{
    if (scope.plain == (locale_t)0)
        return;
    uselocale(scope.before);
    freelocale(scope.plain);
}

int dmx_vformat(char *out, size_t size, const char *fmt, va_list args)
{
    const dmx_plain_locale scope = dmx_plain_locale_enter();
    const int n = vsnprintf(out, size, fmt, args);
    dmx_plain_locale_leave(scope);
    return n;
}

int dmx_format(char *out, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = dmx_vformat(out, size, fmt, args);
    va_end(args);
    return n;
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Length of [+-] digits [. digits] [e [+-] digits]; at least one digit is
 * required. */
static size_t number_length(const char *text)
{
    size_t n = text[0] == '+' || text[0] == '-';
    size_t count = digits(text + n);
    n += count;
    if (text[n] == '.') {
        const size_t decimals = digits(text + n + 1);
        count += decimals;
        n += 1 + decimals;
    }
    if (count == 0)
        return 0;
    if (text[n] == 'e' || text[n] == 'E') {
        const size_t sign = text[n + 1] == '+' || text[n + 1] == '-';
        const size_t power = digits(text + n + 1 + sign);
        n += power > 0 ? 1 + sign + power : 0;
    }
    return n;
}

size_t dmx_number_read(double *out, const char *text)
{
    char copy[64];
    const size_t n = number_length(text);
    *out = 0;
    if (n == 0 || n >= sizeof copy)
        return 0;
    memcpy(copy, text, n);
    copy[n] = '\0';
    const dmx_plain_locale scope = dmx_plain_locale_enter();
    *out = strtod(copy, NULL);
    dmx_plain_locale_leave(scope);
    return n;
}

bool dmx_number_parse(double *out, const char *text)
{
    const size_t n = dmx_number_read(out, text);
    return n != 0 && text[n] == '\0';
}
