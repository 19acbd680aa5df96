#include "hub/transport.h"

#include "base/clock.h"
#include "hub/curl_library.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_REDIRECTS 5
#define MAX_URL       4096
/* The limit for one request in total: interim responses ("100 Continue"), the
 * headers of the last, and the trailers after a chunked body. */
#define MAX_HEADER_BYTES ((size_t)64 << 10)

typedef struct curl_transport {
    dmx_transport base;
    CURL *curl;
    dmx_patience patience;
    /* of the request under way: */
    dmx_http_head *head;
    const dmx_http_sink *sink;
    bool begun;
    bool late;           /* aborted because no response came */
    size_t header_bytes; /* so far */
    double start;        /* of this request, dmx_seconds */
    char url[MAX_URL];   /* of this request */
    dmx_status status;   /* what a callback failed with */
    dmx_error *err;
    char problem[CURL_ERROR_SIZE];
} curl_transport;

/* ------------------------------------------------------------- callbacks */

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    curl_transport *t = user;
    const size_t length = size * count;
    char text[512];
    t->header_bytes += length;
    if (t->header_bytes > MAX_HEADER_BYTES) {
        t->status = dmx_fail(t->err, DMX_ERROR_NETWORK,
                             "%s: the answer has more than %zu bytes of "
                             "headers",
                             dmx_redact_url(text, sizeof text, t->url),
                             MAX_HEADER_BYTES);
        return length + 1; /* an error to libcurl: ends the transfer */
    }
    if (!t->begun) /* otherwise a trailer, which is ignored */
        dmx_http_header_line(t->head, line, length);
    return length;
}

static dmx_status begin(curl_transport *t)
{
    if (t->begun)
        return DMX_OK;
    t->begun = true;
    return t->sink->begin(t->sink->user, t->head, t->err);
}

static int answer_status(curl_transport *t)
{
    long code = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
    t->head->status = (int)code;
    return (int)code;
}

static size_t on_data(char *bytes, size_t size, size_t count, void *user)
{
    curl_transport *t = user;
    const size_t length = size * count;
    const int code = answer_status(t);
    /* Bodies of errors and redirects are discarded, whatever size the server
     * claims for them. */
    if (code != 200 && code != 206)
        return length <= CURL_MAX_WRITE_SIZE ? length : 0;
    t->status = begin(t);
    if (t->status == DMX_OK)
        t->status = t->sink->data(t->sink->user, bytes, length, t->err);
    return t->status == DMX_OK ? length : length + 1;
}

/* libcurl's own limits do not catch a server that sends its headers byte by
 * byte. */
static bool is_late(const curl_transport *t)
{
    const double most =
        t->patience.answer_seconds > 0 ? t->patience.answer_seconds : 60;
    return dmx_seconds() - t->start > most;
}

static dmx_status no_answer(curl_transport *t)
{
    char text[512];
    t->late = true;
    return dmx_fail(t->err, DMX_ERROR_NETWORK, "%s: no answer in time",
                    dmx_redact_url(text, sizeof text, t->url));
}

static int on_progress(void *user, curl_off_t total, curl_off_t now,
                       curl_off_t up_total, curl_off_t up_now)
{
    (void)total;
    (void)up_total;
    (void)up_now;
    curl_transport *t = user;
    const int code = answer_status(t);
    if (t->status == DMX_OK)
        t->status = t->sink->tick(t->sink->user, t->err);
    const bool late = !t->begun && is_late(t);
    if (t->status == DMX_OK && late && code < 200)
        t->status = no_answer(t);
    /* This was an endless body of an error page. */
    const bool endless =
        code >= 200 && code != 200 && code != 206 && (late || now > 1 << 20);
    return t->status != DMX_OK || endless;
}

/* ----------------------------------------------------------------- setup */

static long or_default(long value, long fallback)
{
    return value > 0 ? value : fallback;
}

/* The variables that OpenSSL and the curl program use, for networks whose proxy
 * has its own certificate. */
static const char *certificates(void)
{
    const char *file = getenv("SSL_CERT_FILE");
    if (file == NULL || file[0] == '\0')
        file = getenv("CURL_CA_BUNDLE");
    return file != NULL && file[0] != '\0' ? file : NULL;
}

static bool allow_http_only(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS,
                            (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) ==
           CURLE_OK;
#endif
}

static bool configure(curl_transport *t)
{
    CURL *c = t->curl;
    const dmx_patience *p = &t->patience;
    bool fine = allow_http_only(c);
#define SET(option, value) (fine &= curl_easy_setopt(c, option, value) == 0)
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L); /* each target is checked here */
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, or_default(p->connect_ms, 20000));
    SET(CURLOPT_LOW_SPEED_TIME, or_default(p->stall_seconds, 30));
    SET(CURLOPT_LOW_SPEED_LIMIT, or_default(p->stall_rate, 1000));
    SET(CURLOPT_USERAGENT, "demucs-onnx");
    SET(CURLOPT_ERRORBUFFER, t->problem);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_data);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, t);
    SET(CURLOPT_NOPROGRESS, 0L);
    if (certificates() != NULL)
        SET(CURLOPT_CAINFO, certificates());
#undef SET
    return fine;
}

/* --------------------------------------------------------------- request */

static bool may_help(CURLcode code)
{
    /* A host that can't be resolved is not retried: there is no network, or the
     * name is wrong, and trying the next source tells more. */
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

static dmx_status explain(curl_transport *t, CURLcode code, const char *url)
{
    char text[512];
    const char *what =
        t->problem[0] != '\0' ? t->problem : curl_easy_strerror(code);
    const char *hint = "";
    if (code == CURLE_PEER_FAILED_VERIFICATION ||
        code == CURLE_SSL_CACERT_BADFILE)
        hint = "; behind a proxy with its own certificate, set SSL_CERT_FILE";
    return dmx_fail(t->err, DMX_ERROR_NETWORK, "%s: %s%s",
                    dmx_redact_url(text, sizeof text, url), what, hint);
}

/* libcurl reports "out of memory" (since 8.6: CURLE_TOO_LARGE, 100) also for a
 * header line beyond its limit of 100 KB; if memory has really run out, the
 * next source will fail, too. */
static bool is_too_large(CURLcode code)
{
    return code == CURLE_OUT_OF_MEMORY || (int)code == 100;
}

static dmx_status too_large(curl_transport *t, const char *url)
{
    char text[512];
    return dmx_fail(t->err, DMX_ERROR_NETWORK,
                    "%s: the answer has a header that is too long (or memory "
                    "is short)",
                    dmx_redact_url(text, sizeof text, url));
}

static dmx_status perform(curl_transport *t, bool *again, const char *url,
                          struct curl_slist *headers)
{
    dmx_http_head_clear(t->head);
    t->begun = t->late = false;
    t->header_bytes = 0;
    t->status = DMX_OK;
    t->problem[0] = '\0';
    snprintf(t->url, sizeof t->url, "%s", url);
    t->start = dmx_seconds();
    if (curl_easy_setopt(t->curl, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK)
        return dmx_fail(t->err, DMX_ERROR_MEMORY, "no memory");
    const CURLcode code = curl_easy_perform(t->curl);
    const int answer = answer_status(t);
    *again = t->late;
    if (t->status != DMX_OK)
        return t->status;
    if (is_too_large(code))
        return too_large(t, url);
    /* The status of an error response is known even if its body was cut off. */
    if (code != CURLE_OK && answer < 300) {
        *again = may_help(code);
        return explain(t, code, url);
    }
    if (code == CURLE_OK && (answer == 200 || answer == 206))
        return begin(t); /* an empty body */
    return DMX_OK;
}

/* The target of a redirect; refuses unsafe targets. */
static dmx_status follow(curl_transport *t, char url[MAX_URL])
{
    char text[512], shown[512];
    char *target = NULL;
    curl_easy_getinfo(t->curl, CURLINFO_REDIRECT_URL, &target);
    DMX_RETURN_IF(target == NULL, t->err, DMX_ERROR_NETWORK,
                  "%s: a redirect (HTTP %d) to nowhere",
                  dmx_redact_url(text, sizeof text, url), t->head->status);
    const bool secure = strncasecmp(url, "https:", 6) == 0;
    const bool https = strncasecmp(target, "https:", 6) == 0;
    const bool http = strncasecmp(target, "http:", 5) == 0;
    DMX_RETURN_IF(!(https || (http && !secure)), t->err, DMX_ERROR_NETWORK,
                  "%s: redirected to %.200s: refused (only to https%s)",
                  dmx_redact_url(text, sizeof text, url),
                  dmx_redact_url(shown, sizeof shown, target),
                  secure ? "" : " and http");
    DMX_RETURN_IF(strlen(target) >= MAX_URL, t->err, DMX_ERROR_NETWORK,
                  "%s: redirected to a URL of %zu bytes",
                  dmx_redact_url(text, sizeof text, url), strlen(target));
    snprintf(url, MAX_URL, "%s", target);
    return DMX_OK;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

static dmx_status run(curl_transport *t, bool *again, const char *first,
                      struct curl_slist *headers)
{
    char url[MAX_URL];
    DMX_RETURN_IF(strlen(first) >= sizeof url, t->err, DMX_ERROR_ARGUMENT,
                  "a URL of %zu bytes is too long", strlen(first));
    snprintf(url, sizeof url, "%s", first);
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
        DMX_FORWARD(perform(t, again, url, headers));
        if (!is_redirect(t->head->status))
            return DMX_OK;
        DMX_FORWARD(follow(t, url));
    }
    char text[512];
    DMX_RETURN_ERROR(t->err, DMX_ERROR_NETWORK, "%s: more than %d redirects",
                     dmx_redact_url(text, sizeof text, first), MAX_REDIRECTS);
}

static bool add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);
    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

static dmx_status get(dmx_transport *self, dmx_http_head *head, bool *again,
                      const dmx_http_request *request,
                      const dmx_http_sink *sink, dmx_error *err)
{
    curl_transport *t = (curl_transport *)self;
    struct curl_slist *headers = NULL;
    char line[DMX_VALIDATOR_SIZE + 32];
    t->head = head;
    t->sink = sink;
    t->err = err;
    *again = false;
    bool fine = true;
    if (request->start > 0) {
        snprintf(line, sizeof line, "Range: bytes=%llu-",
                 (unsigned long long)request->start);
        fine = add_header(&headers, line);
        if (fine && request->if_range != NULL) {
            snprintf(line, sizeof line, "If-Range: %s", request->if_range);
            fine = add_header(&headers, line);
        }
    }
    const dmx_status status =
        fine ? run(t, again, request->url, headers)
             : dmx_fail(err, DMX_ERROR_MEMORY, "no memory");
    curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return status;
}

static void close_transport(dmx_transport *self)
{
    curl_transport *t = (curl_transport *)self;
    curl_easy_cleanup(t->curl);
    free(t);
    curl_global_cleanup();
}

dmx_status dmx_transport_curl(dmx_transport **out, const dmx_patience *patience,
                              dmx_error *err)
{
    *out = NULL;
    DMX_FORWARD(dmx_curl_ready(err));
    DMX_RETURN_IF(curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK, err,
                  DMX_ERROR_NETWORK, "libcurl can't be initialised");
    curl_transport *t = calloc(1, sizeof *t);
    CURL *curl = curl_easy_init();
    if (t != NULL) {
        t->base = (dmx_transport){get, close_transport};
        t->curl = curl;
        t->patience = *patience;
    }
    if (t == NULL || curl == NULL || !configure(t)) {
        curl_easy_cleanup(curl);
        free(t);
        curl_global_cleanup();
        DMX_RETURN_ERROR(err, DMX_ERROR_MEMORY, "no memory for a download");
    }
    *out = &t->base;
    return DMX_OK;
}
