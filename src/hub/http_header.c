/* Parses the few HTTP headers that a download needs. */
#include "hub/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

void dmx_http_head_clear(dmx_http_head *head)
{
    *head = (dmx_http_head){
        .length = -1, .range_start = -1, .range_total = -1, .retry_after = -1};
}

/* Decimal digits up to `end`; -1 when there is anything else. */
static int64_t digits(const char *text, const char *end)
{
    if (text == end || end - text > 18)
        return -1;
    int64_t value = 0;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
    }
    return value;
}

/* "bytes 5-9/10" (RFC 9110, 14.4); a total of "*" stays unknown. */
static void content_range(dmx_http_head *head, const char *value)
{
    if (strncasecmp(value, "bytes ", 6) != 0)
        return;
    const char *start = value + 6 + strspn(value + 6, " ");
    const char *slash = strchr(start, '/');
    if (slash == NULL)
        return;
    head->range_total = digits(slash + 1, slash + strlen(slash));
    const char *dash = memchr(start, '-', (size_t)(slash - start));
    if (dash != NULL)
        head->range_start = digits(start, dash);
}

static int64_t retry_after(const char *value)
{
    const int64_t seconds = digits(value, value + strlen(value));
    if (seconds >= 0)
        return seconds;
    struct tm tm = {0};
    if (strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
        return -1;
    const double left = difftime(timegm(&tm), time(NULL));
    return left > 0 ? (int64_t)left : 0;
}

/* Validators are sent back unchanged; one that does not fit, or is not a valid
 * header value, is ignored. */
static void keep(char text[DMX_VALIDATOR_SIZE], const char *value)
{
    text[0] = '\0';
    if (strlen(value) >= DMX_VALIDATOR_SIZE)
        return;
    for (const char *c = value; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return;
    snprintf(text, DMX_VALIDATOR_SIZE, "%s", value);
}

void dmx_http_header(dmx_http_head *head, const char *name, const char *value)
{
    if (strcasecmp(name, "content-length") == 0)
        head->length = digits(value, value + strlen(value));
    else if (strcasecmp(name, "content-range") == 0)
        content_range(head, value);
    else if (strcasecmp(name, "retry-after") == 0)
        head->retry_after = retry_after(value);
    else if (strcasecmp(name, "etag") == 0)
        keep(head->etag, value);
    else if (strcasecmp(name, "last-modified") == 0)
        keep(head->last_modified, value);
}

void dmx_http_header_line(dmx_http_head *head, const char *line, size_t length)
{
    char text[1024];
    /* A status line starts the headers of another response (after 100
     * Continue). */
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
        dmx_http_head_clear(head);
    if (length >= sizeof text)
        return;
    memcpy(text, line, length);
    text[length] = '\0';
    char *colon = strchr(text, ':');
    if (colon == NULL)
        return;
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    size_t end = strlen(value);
    while (end > 0 && strchr(" \t\r\n", value[end - 1]) != NULL)
        end--;
    value[end] = '\0';
    dmx_http_header(head, text, value);
}

const char *dmx_redact_url(char *text, size_t size, const char *url)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    const size_t authority = strcspn(host, "/?#");
    const char *at = NULL;
    for (size_t i = 0; i < authority; i++)
        if (host[i] == '@')
            at = host + i;
    if (at == NULL)
        snprintf(text, size, "%s", url);
    else
        snprintf(text, size, "%.*s%s", (int)(host - url), url, at + 1);
    return text;
}
