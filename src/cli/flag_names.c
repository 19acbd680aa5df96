#include "flag_names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LEAD "options."

/* Fields whose flag is not simply the field with dashes for underscores. Longer
 * names come before their prefixes. */
static const struct {
    const char *field, *flag;
} other[] = {
    {"bits = 32", "--float32"},
    {"clip", "--clip-mode"},
    {"repository", "--repo"},
};

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool starts(const char *text, const char *field)
{
    const size_t n = strlen(field);
    return strncmp(text, field, n) == 0 && !is_word(text[n]);
}

/* A field follows a space or a bracket and, unlike a file name, ends at the end
 * of its word. */
static bool is_field(const char *message, const char *at)
{
    const size_t lead = strlen(LEAD);
    if (at == message || strchr(" (", at[-1]) == NULL ||
        strncmp(at, LEAD, lead) != 0 || !islower((unsigned char)at[lead]))
        return false;
    at += lead;
    while (is_word(*at))
        at++;
    return *at != '/' && (*at != '.' || !is_word(at[1]));
}

/* Writes the flag of the field that `from` begins with; returns what follows
 * the field. No flag is longer than LEAD and its field by more than one. */
static const char *put_flag(char **to, const char *from)
{
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (starts(from, other[i].field)) {
            const size_t n = strlen(other[i].flag);
            memcpy(*to, other[i].flag, n);
            *to += n;
            return from + strlen(other[i].field);
        }
    *(*to)++ = '-';
    *(*to)++ = '-';
    for (; is_word(*from); from++)
        *(*to)++ = *from == '_' ? '-' : *from;
    return from;
}

char *cli_with_flags(const char *message)
{
    char *out = malloc(2 * strlen(message) + 1), *to = out;
    const char *from = message;
    while (out != NULL && *from != '\0')
        if (is_field(message, from))
            from = put_flag(&to, from + strlen(LEAD));
        else
            *to++ = *from++;
    if (out != NULL)
        *to = '\0';
    return out;
}
