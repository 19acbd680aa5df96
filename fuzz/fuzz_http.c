/* Headers of an answer, line by line as libcurl hands them over, and a URL in
 * a message. */
#include "fuzz_open.h"

#include "hub/transport.h"

#include <stdlib.h>
#include <string.h>

static void check(const dmx_http_head *head)
{
    if (head->length < -1 || head->range_start < -1 || head->range_total < -1 ||
        head->retry_after < -1 ||
        memchr(head->etag, '\0', sizeof head->etag) == NULL ||
        memchr(head->last_modified, '\0', sizeof head->last_modified) == NULL)
        abort();
}

static void redact(const uint8_t *data, size_t size)
{
    char shown[200], *url = malloc(size + 1);
    if (url == NULL)
        return;
    memcpy(url, data, size);
    url[size] = '\0';
    dmx_redact_url(shown, sizeof shown, url);
    if (strlen(shown) >= sizeof shown)
        abort();
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dmx_http_head head;
    dmx_http_head_clear(&head);
    redact(data, size);
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        const size_t length = end != NULL ? (size_t)(end - data) + 1 : size;
        /* A copy of exactly this size, so that overruns are noticed. */
        char *line = malloc(length);
        if (line == NULL)
            return 0;
        memcpy(line, data, length);
        dmx_http_header_line(&head, line, length);
        free(line);
        check(&head);
        data += length;
        size -= length;
    }
    return 0;
}
