/* One HTTP GET, behind an interface so that tests can take its place. */
#ifndef DMX_HUB_TRANSPORT_H
#define DMX_HUB_TRANSPORT_H

#include "base/error.h"

#include <stdbool.h>

#define DMX_VALIDATOR_SIZE 256

/* How patient a transport is; zeros mean the values on the right. */
typedef struct dmx_patience {
    long connect_ms;        /* 20000 */
    long stall_seconds;     /* 30: give up after so long below stall_rate */
    long stall_rate;        /* 1000 bytes a second */
    double answer_seconds;  /* 60: for the headers of an answer */
    double back_off;        /* 0.5 s before the second try, then doubled */
    double max_back_off;    /* 30 s */
    double max_retry_after; /* 120 s: a longer Retry-After is a failure */
    int tries;              /* 5 in a row without a new byte */
    uint64_t max_bytes;     /* 4 GiB: of a file whose size is not known */
    double whole_seconds;   /* 43200: for a file, with all tries and pauses */
    double slow_seconds;    /* 600: then it must have come, on average, at
                               stall_rate */
} dmx_patience;

typedef struct dmx_http_request {
    const char *url;
    uint64_t start;       /* first byte wanted; 0: all */
    const char *if_range; /* validator of the bytes that we have, or NULL */
} dmx_http_request;

/* The answer's status and headers, redirects followed. */
typedef struct dmx_http_head {
    int status;
    int64_t length;                   /* of the body, -1: not said */
    int64_t range_start, range_total; /* Content-Range, -1: not said */
    int64_t retry_after;              /* seconds, -1: not said */
    char etag[DMX_VALIDATOR_SIZE];    /* "" when not said */
    char last_modified[DMX_VALIDATOR_SIZE];
} dmx_http_head;

/* Where a body goes: begin once, only for status 200 and 206, then its
 * pieces. A status other than DMX_OK ends the transfer with that status. tick
 * is called again and again, also while nothing arrives. */
typedef struct dmx_http_sink {
    void *user;
    dmx_status (*begin)(void *user, const dmx_http_head *head, dmx_error *err);
    dmx_status (*data)(void *user, const void *bytes, size_t size,
                       dmx_error *err);
    dmx_status (*tick)(void *user, dmx_error *err);
} dmx_http_sink;

typedef struct dmx_transport {
    /* DMX_OK: an answer came, whole (look at head->status).
     * DMX_ERROR_NETWORK: none, or not all of it; *again says whether another
     * try may help. Other codes: from the sink. */
    dmx_status (*get)(struct dmx_transport *self, dmx_http_head *head,
                      bool *again, const dmx_http_request *request,
                      const dmx_http_sink *sink, dmx_error *err);
    void (*close)(struct dmx_transport *self);
} dmx_transport;

/* Through libcurl: certificates are verified; only http and https, at most
 * five redirects, none from https to http. */
DMX_MUST_CHECK dmx_status dmx_transport_curl(dmx_transport **out,
                                             const dmx_patience *patience,
                                             dmx_error *err);

/* A URL without user and password, for messages, into a buffer. */
const char *dmx_redact_url(char *text, size_t size, const char *url);

/* One header line as it came, with its end: a status line begins another head,
 * a field that a download needs is kept; longer ones than 1 KiB, and what is no
 * header, are left out. */
void dmx_http_header_line(dmx_http_head *head, const char *line, size_t length);
/* `value` is zero-terminated and trimmed. */
void dmx_http_header(dmx_http_head *head, const char *name, const char *value);
void dmx_http_head_clear(dmx_http_head *head);

#endif
