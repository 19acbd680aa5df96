#include "hub/download.h"

#include "base/clock.h"
#include "hub/cache.h"
#include "hub/part.h"
#include "hub/repository.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 100
#define PROGRESS   16384 /* bytes that make another round worthwhile */

typedef struct transfer {
    const dmx_download *want;
    const dmx_patience *patience;
    const dmx_hooks *hooks;
    dmx_part part;
    uint64_t total; /* 0: not known */
    uint64_t limit;
    bool resumed;  /* bytes of different answers are joined */
    bool again;    /* another try may help */
    double pause;  /* seconds that the server asks for, 0: none */
    double start;  /* dmx_seconds */
    uint64_t came; /* bytes since then */
    char stage[128];
} transfer;

static const char *shown_url(char text[512], const transfer *t)
{
    return dmx_redact_url(text, 512, t->want->url);
}

static double done(const transfer *t)
{
    if (t->total == 0)
        return 0;
    const double fraction = (double)t->part.have / (double)t->total;
    return fraction < 1 ? fraction : 1;
}

/* ------------------------------------------------------------------ sink */

static dmx_status check_total(transfer *t, int64_t total, dmx_error *err)
{
    char url[512];
    if (total < 0)
        return DMX_OK;
    t->total = (uint64_t)total;
    DMX_RETURN_IF(t->want->bytes != 0 && t->total != t->want->bytes, err,
                  DMX_ERROR_HASH,
                  "%s: offers %lld bytes instead of %llu: not the file that "
                  "was released",
                  shown_url(url, t), (long long)total,
                  (unsigned long long)t->want->bytes);
    DMX_RETURN_IF(t->total > t->limit, err, DMX_ERROR_LIMIT,
                  "%s: %lld bytes are more than the limit of %llu",
                  shown_url(url, t), (long long)total,
                  (unsigned long long)t->limit);
    return t->total > t->part.have
               ? dmx_part_room(&t->part, t->total - t->part.have, err)
               : DMX_OK;
}

static dmx_status on_begin(void *user, const dmx_http_head *head,
                           dmx_error *err)
{
    transfer *t = user;
    char url[512];
    if (head->status == 200) {
        t->resumed = false;
        DMX_FORWARD(dmx_part_restart(&t->part, err));
        DMX_FORWARD(dmx_part_remember(&t->part, t->want->url, head, err));
        return check_total(t, head->length, err);
    }
    if (t->part.have == 0 || head->range_start != (int64_t)t->part.have) {
        t->again = true;
        DMX_FORWARD(dmx_part_restart(&t->part, err));
        return dmx_fail(err, DMX_ERROR_NETWORK,
                        "%s: answered with other bytes than it was asked for",
                        shown_url(url, t));
    }
    t->resumed = true;
    DMX_FORWARD(dmx_part_remember(&t->part, t->want->url, head, err));
    return check_total(t, head->range_total, err);
}

static dmx_status on_data(void *user, const void *bytes, size_t size,
                          dmx_error *err)
{
    transfer *t = user;
    char url[512];
    DMX_RETURN_IF(size > t->limit - t->part.have, err, DMX_ERROR_LIMIT,
                  "%s: sends more than %llu bytes", shown_url(url, t),
                  (unsigned long long)t->limit);
    t->came += size;
    return dmx_part_append(&t->part, bytes, size, err);
}

static double or_default(double value, double fallback)
{
    return value > 0 ? value : fallback;
}

/* A server that stops and goes on, again and again, is as slow as one that
 * drips. */
static dmx_status check_time(const transfer *t, dmx_error *err)
{
    char url[512];
    const dmx_patience *p = t->patience;
    const double spent = dmx_seconds() - t->start;
    const double rate = or_default((double)p->stall_rate, 1000);
    const double came = (double)t->came;
    DMX_RETURN_IF(
        spent > or_default(p->whole_seconds, 43200), err, DMX_ERROR_NETWORK,
        "%s: not whole after %.0f seconds; what came is kept, and the "
        "next call goes on with it",
        shown_url(url, t), spent);
    DMX_RETURN_IF(
        spent > or_default(p->slow_seconds, 600) && came < rate * spent, err,
        DMX_ERROR_NETWORK,
        "%s: too slow: %.0f bytes in %.0f seconds; what came is kept, "
        "and the next call goes on with it",
        shown_url(url, t), came, spent);
    return DMX_OK;
}

static dmx_status on_tick(void *user, dmx_error *err)
{
    const transfer *t = user;
    DMX_FORWARD(check_time(t, err));
    return dmx_progress(t->hooks, t->stage, done(t), err);
}

/* ------------------------------------------------------------- one round */

static dmx_status refused(transfer *t, const dmx_http_head *head,
                          dmx_error *err)
{
    char url[512];
    const char *hint = "";
    switch (head->status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        t->again = true;
        t->pause = head->retry_after > 0 ? (double)head->retry_after : 0;
        break;
    case 404:
    case 410:
        hint = ": not there";
        break;
    case 401:
    case 403:
    case 407:
        hint = ": access is denied";
        break;
    default:
        break;
    }
    return dmx_fail(err, DMX_ERROR_NETWORK, "%s: HTTP %d%s", shown_url(url, t),
                    head->status, hint);
}

/* 416: nothing lies after the bytes that we have. */
static dmx_status nothing_left(transfer *t, const dmx_http_head *head,
                               dmx_error *err)
{
    if (t->part.have > 0 && head->range_total == (int64_t)t->part.have)
        return DMX_OK;
    t->again = t->part.have > 0;
    DMX_FORWARD(dmx_part_restart(&t->part, err));
    return refused(t, head, err);
}

static dmx_status check_whole(transfer *t, dmx_error *err)
{
    char url[512];
    if (t->total == 0 || t->part.have >= t->total)
        return DMX_OK;
    t->again = true;
    return dmx_fail(err, DMX_ERROR_NETWORK,
                    "%s: ended after %llu of %llu bytes", shown_url(url, t),
                    (unsigned long long)t->part.have,
                    (unsigned long long)t->total);
}

static dmx_status one_round(transfer *t, dmx_transport *transport,
                            dmx_error *err)
{
    const dmx_http_sink sink = {t, on_begin, on_data, on_tick};
    const dmx_http_request request = {
        t->want->url, t->part.have,
        t->part.validator[0] != '\0' ? t->part.validator : NULL};
    dmx_http_head head;
    bool again = false;
    t->again = false;
    t->pause = 0;
    const dmx_status status =
        transport->get(transport, &head, &again, &request, &sink, err);
    t->again |= again;
    if (status != DMX_OK)
        return status;
    if (head.status == 416)
        return nothing_left(t, &head, err);
    if (head.status != 200 && head.status != 206)
        return refused(t, &head, err);
    return check_whole(t, err);
}

/* --------------------------------------------------------------- retries */

/* Half to one and a half times the value: clients that failed together do not
 * come back together. */
static double jitter(double seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t x = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^
                 (uint64_t)getpid() * 0xbf58476d1ce4e5b9u;
    x ^= x >> 31;
    return seconds * (0.5 + (double)(x % 1000) / 1000.0);
}

static double pause_before(const transfer *t, int failures)
{
    const double most = or_default(t->patience->max_back_off, 30);
    double seconds = or_default(t->patience->back_off, 0.5);
    for (int i = 1; i < failures && seconds < most; i++)
        seconds *= 2;
    seconds = jitter(seconds < most ? seconds : most);
    return t->pause > seconds ? t->pause : seconds;
}

/* Rounds until all bytes are there. Every round that brings some renews the
 * patience: a bad line gets there in the end. */
static dmx_status rounds(transfer *t, dmx_transport *transport, dmx_error *err)
{
    const int tries = t->patience->tries > 0 ? t->patience->tries : 5;
    const double longest = or_default(t->patience->max_retry_after, 120);
    int failures = 0;
    for (int round = 0;; round++) {
        dmx_error problem = DMX_ERROR_INIT;
        const uint64_t before = t->part.have;
        const dmx_status status = one_round(t, transport, &problem);
        if (status == DMX_OK)
            return DMX_OK;
        failures = t->part.have >= before + PROGRESS ? 1 : failures + 1;
        if (status != DMX_ERROR_NETWORK || !t->again || failures >= tries ||
            round >= MAX_ROUNDS || t->pause > longest) {
            dmx_fail(err, status, "%s", problem.message);
            return status;
        }
        const double pause = pause_before(t, failures);
        dmx_warn(t->hooks, "%s; trying again in %.1f s", problem.message,
                 pause);
        DMX_FORWARD(dmx_wait(pause, t->hooks, t->stage, done(t), err));
    }
}

/* ---------------------------------------------------------- verification */

static bool is_whole(const transfer *t)
{
    return t->want->bytes != 0 && t->part.have == t->want->bytes;
}

static dmx_status verify(transfer *t, bool *right, char hex[DMX_SHA256_HEX],
                         dmx_error *err)
{
    DMX_FORWARD(dmx_file_sha256(hex, t->part.path, t->hooks, err));
    *right = strncasecmp(hex, t->want->sha256, strlen(t->want->sha256)) == 0;
    return DMX_OK;
}

static dmx_status wrong_hash(transfer *t, const char *hex, dmx_error *err)
{
    char url[512];
    return dmx_fail(err, DMX_ERROR_HASH,
                    "%s: the file has SHA-256 %.16s... instead of %.16s: "
                    "damaged or replaced on its way; it was removed",
                    shown_url(url, t), hex, t->want->sha256);
}

static dmx_status run(transfer *t, dmx_transport *transport, dmx_error *err)
{
    char hex[DMX_SHA256_HEX];
    bool right = false;
    t->resumed = t->part.have > 0;
    if (t->part.have > t->limit)
        DMX_FORWARD(dmx_part_restart(&t->part, err));
    if (!is_whole(t))
        DMX_FORWARD(rounds(t, transport, err));
    DMX_FORWARD(verify(t, &right, hex, err));
    if (!right && t->resumed) {
        /* Joined of two different files, or damaged by a crash. */
        dmx_warn(t->hooks, "%s: the resumed file is wrong; from the start",
                 t->stage);
        t->resumed = false;
        DMX_FORWARD(dmx_part_restart(&t->part, err));
        DMX_FORWARD(rounds(t, transport, err));
        DMX_FORWARD(verify(t, &right, hex, err));
    }
    if (!right)
        return wrong_hash(t, hex, err);
    return dmx_part_finish(&t->part, err);
}

dmx_status dmx_download_file(dmx_transport *transport,
                             const dmx_patience *patience,
                             const dmx_download *download,
                             const dmx_hooks *hooks, dmx_error *err)
{
    transfer t = {.want = download, .patience = patience, .hooks = hooks};
    const uint64_t most =
        patience->max_bytes != 0 ? patience->max_bytes : (uint64_t)4 << 30;
    const char *slash = strrchr(download->path, '/');
    t.limit = download->bytes != 0 ? download->bytes : most;
    t.total = download->bytes;
    snprintf(t.stage, sizeof t.stage, "download %.100s",
             slash != NULL ? slash + 1 : download->path);
    DMX_FORWARD(dmx_part_open(&t.part, download->path, download->url, err));
    t.start = dmx_seconds();
    const dmx_status status = run(&t, transport, err);
    const bool nothing = status != DMX_OK && t.part.have == 0;
    if (status == DMX_ERROR_HASH || status == DMX_ERROR_LIMIT || nothing)
        dmx_part_remove(&t.part);
    dmx_part_close(&t.part);
    return status;
}
