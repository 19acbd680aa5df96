#include "base/error.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for a line before the untrusted text in it is escaped. */
enum { RAW = 2 * sizeof((dmx_error *)NULL)->message };

void dmx_error_clear(dmx_error *err)
{
    if (err != NULL)
        *err = (dmx_error)DMX_ERROR_INIT;
}

static dmx_status fill(dmx_error *err, dmx_status code, int64_t offset,
                       const char *fmt, va_list args)
{
    if (err != NULL && err->code == DMX_OK) {
        err->code = code;
        err->offset = offset;
        char raw[RAW];
        dmx_vformat(raw, sizeof raw, fmt, args);
        dmx_text_printable(err->message, sizeof err->message, raw);
    }
    return code;
}

dmx_status dmx_fail(dmx_error *err, dmx_status code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fill(err, code, -1, fmt, args);
    va_end(args);
    return code;
}

dmx_status dmx_fail_at(dmx_error *err, dmx_status code, int64_t offset,
                       const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fill(err, code, offset, fmt, args);
    va_end(args);
    return code;
}

dmx_status dmx_error_set(dmx_error *err, dmx_status code, const char *fmt, ...)
{
    dmx_error_clear(err);
    va_list args;
    va_start(args, fmt);
    fill(err, code, -1, fmt, args);
    va_end(args);
    return code;
}

void dmx_error_prefix(dmx_error *err, const char *fmt, ...)
{
    if (err == NULL || err->code == DMX_OK)
        return;
    char joined[RAW];
    va_list args;
    va_start(args, fmt);
    const int n = dmx_vformat(joined, sizeof err->message, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    const size_t used = strlen(joined);
    snprintf(joined + used, sizeof joined - used, ": %s", err->message);
    dmx_text_printable(err->message, sizeof err->message, joined);
}

dmx_hooks dmx_hooks_of(const dmx_hooks *hooks)
{
    dmx_hooks all = DMX_HOOKS_INIT;
    if (hooks != NULL && hooks->size >= sizeof hooks->size)
        memcpy(&all, hooks,
               hooks->size < sizeof all ? hooks->size : sizeof all);
    return all;
}

static void tell(void (*hear)(void *, const char *), void *user,
                 const char *fmt, va_list args)
{
    if (hear == NULL)
        return;
    char raw[RAW], line[sizeof((dmx_error *)NULL)->message];
    dmx_vformat(raw, sizeof raw, fmt, args);
    dmx_text_printable(line, sizeof line, raw);
    hear(user, line);
}

void dmx_warn(const dmx_hooks *hooks, const char *fmt, ...)
{
    const dmx_hooks all = dmx_hooks_of(hooks);
    va_list args;
    va_start(args, fmt);
    tell(all.warn, all.user, fmt, args);
    va_end(args);
}

void dmx_detail(const dmx_hooks *hooks, const char *fmt, ...)
{
    const dmx_hooks all = dmx_hooks_of(hooks);
    va_list args;
    va_start(args, fmt);
    tell(all.detail, all.user, fmt, args);
    va_end(args);
}

dmx_status dmx_progress(const dmx_hooks *hooks, const char *stage,
                        double fraction, dmx_error *err)
{
    const dmx_hooks all = dmx_hooks_of(hooks);
    if (all.progress == NULL)
        return DMX_OK;
    if (all.progress(all.user, stage, fraction) != 0)
        return dmx_fail(err, DMX_ERROR_CANCELLED, "interrupted");
    return DMX_OK;
}

const char *dmx_status_name(dmx_status status)
{
    static const char *const names[] = {
        "ok",    "argument",    "memory",  "io",   "format",
        "limit", "unsupported", "model",   "hash", "runtime",
        "check", "cancelled",   "network",
    };
    const size_t i = (size_t)status;
    return i < sizeof names / sizeof names[0] ? names[i] : "unknown";
}
