/* Downloads against a real HTTP server on loopback, with every fault. */
#include "test_support.h"

#include "base/file.h"
#include "base/hash.h"
#include "http_server.h"
#include "hub/download.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 300007

static unsigned char data[SIZE], other[SIZE];
static char hash[DMX_SHA256_HEX], other_hash[DMX_SHA256_HEX];
static test_server *server;
static dmx_transport *transport;
static const dmx_patience patience = {.connect_ms = 2000,
                                      .stall_seconds = 1,
                                      .stall_rate = 1000,
                                      .answer_seconds = 1,
                                      .back_off = 0.01,
                                      .max_back_off = 0.02,
                                      .max_retry_after = 3,
                                      .tries = 3,
                                      .max_bytes = 1 << 20};

typedef struct watch {
    char last[1024]; /* warning */
    int warnings;
    int cancel_after; /* calls of progress, -1: never */
    double top;       /* largest fraction */
} watch;

static void on_warn(void *user, const char *message)
{
    watch *w = user;
    w->warnings++;
    snprintf(w->last, sizeof w->last, "%s", message);
}

static int on_progress(void *user, const char *stage, double fraction)
{
    watch *w = user;
    assert_non_null(stage);
    assert_true(fraction >= 0 && fraction <= 1);
    if (fraction > w->top)
        w->top = fraction;
    return w->cancel_after >= 0 && w->cancel_after-- == 0;
}

static const char *target(const char *name)
{
    static char path[8][1200];
    static int next;
    char *text = path[next++ % 8];
    snprintf(text, sizeof path[0], "%s/%s", test_folder(), name);
    return text;
}

static const char *beside(const char *path, const char *suffix)
{
    static char text[4][1300];
    static int next;
    char *t = text[next++ % 4];
    snprintf(t, sizeof text[0], "%s%s", path, suffix);
    return t;
}

static bool there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static server_file *serve(const char *path)
{
    return test_server_add(server, path, data, SIZE);
}

static dmx_status fetch_as(const dmx_patience *how, const server_file *f,
                           const char *path, const char *sha256, uint64_t bytes,
                           watch *w, dmx_error *err)
{
    char url[300];
    snprintf(url, sizeof url, "%s%s", test_server_url(server), f->path);
    const dmx_hooks hooks = {.size = sizeof(dmx_hooks),
                             .user = w,
                             .warn = on_warn,
                             .progress = on_progress};
    const dmx_download want = {path, url, sha256, bytes};
    *err = (dmx_error)DMX_ERROR_INIT;
    const dmx_status status =
        dmx_download_file(transport, how, &want, &hooks, err);
    test_server_rest(server);
    return status;
}

static dmx_status fetch_with(const server_file *f, const char *path,
                             const char *sha256, uint64_t bytes, watch *w,
                             dmx_error *err)
{
    return fetch_as(&patience, f, path, sha256, bytes, w, err);
}

static dmx_status fetch(const server_file *f, const char *path, watch *w,
                        dmx_error *err)
{
    *w = (watch){.cancel_after = -1};
    return fetch_with(f, path, hash, SIZE, w, err);
}

static void assert_file(const char *path, const void *wanted)
{
    dmx_blob blob;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_file_read(&blob, path, SIZE, &err), &err);
    assert_int_equal(blob.size, SIZE);
    assert_memory_equal(blob.data, wanted, SIZE);
    dmx_blob_free(&blob);
    assert_false(there(beside(path, ".part")));
    assert_false(there(beside(path, ".part.from")));
}

static void assert_nothing(const char *path)
{
    assert_false(there(path));
    assert_false(there(beside(path, ".part")));
    assert_false(there(beside(path, ".part.from")));
}

/* ---------------------------------------------------------------- ordinary */

static void whole_file(void **state)
{
    (void)state;
    watch w;
    dmx_error err;
    server_file *f = serve("/whole.th");
    const char *path = target("whole.th");
    assert_ok(fetch(f, path, &w, &err), &err);
    assert_file(path, data);
    assert_int_equal(f->requests, 1);
    assert_int_equal(w.warnings, 0);
    assert_true(w.top == 1);
}

static void size_not_known(void **state)
{
    (void)state;
    watch w = {.cancel_after = -1};
    dmx_error err;
    server_file *f = serve("/nolength.th");
    f->no_length = 1;
    const char *path = target("nolength.th");
    assert_ok(fetch_with(f, path, "", 0, &w, &err), &err);
    assert_file(path, data);
    char sha8[9] = "";
    memcpy(sha8, hash, 8);
    unlink(path);
    assert_ok(fetch_with(f, path, sha8, 0, &w, &err), &err);
    assert_file(path, data);
}

/* ------------------------------------------------------------------ faults */

static void refusals(void **state)
{
    (void)state;
    static const struct {
        int status;
        int requests;
        const char *says;
    } cases[] = {
        {404, 1, "not there"}, {403, 1, "denied"},   {410, 1, "HTTP 410"},
        {418, 1, "HTTP 418"},  {304, 1, "HTTP 304"}, {503, 3, "HTTP 503"},
        {500, 3, "HTTP 500"},  {429, 3, "HTTP 429"}, {416, 1, "HTTP 416"},
        {204, 1, "HTTP 204"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        watch w;
        dmx_error err;
        char name[64];
        snprintf(name, sizeof name, "/status%d.th", cases[i].status);
        server_file *f = serve(name);
        f->status = cases[i].status;
        f->status_times = -1;
        const char *path = target(name + 1);
        assert_int_equal(fetch(f, path, &w, &err), DMX_ERROR_NETWORK);
        if (strstr(err.message, cases[i].says) == NULL)
            fail_msg("%d: %s", cases[i].status, err.message);
        assert_int_equal(f->requests, cases[i].requests);
        assert_false(there(path));
    }
}

static void busy_then_fine(void **state)
{
    (void)state;
    watch w;
    dmx_error err;
    server_file *f = serve("/busy.th");
    f->status = 503;
    f->status_times = 2;
    f->retry_after = 1;
    const char *path = target("busy.th");
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_ok(fetch(f, path, &w, &err), &err);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_file(path, data);
    assert_int_equal(f->requests, 3);
    assert_int_equal(w.warnings, 2);
    assert_true(end.tv_sec - start.tv_sec >= 1);
    /* A server that asks us to wait longer than we are willing to. */
    f = serve("/later.th");
    f->status = 503;
    f->status_times = 1;
    f->retry_after = 3600;
    assert_int_equal(fetch(f, target("later.th"), &w, &err), DMX_ERROR_NETWORK);
    assert_int_equal(f->requests, 1);
}

static void cut_lines_are_resumed(void **state)
{
    (void)state;
    watch w;
    dmx_error err;
    server_file *f = serve("/cut.th");
    f->cut = 50000; /* every answer: seven rounds, more than `tries` */
    const char *path = target("cut.th");
    assert_ok(fetch(f, path, &w, &err), &err);
    assert_file(path, data);
    assert_int_equal(f->requests, 7);
    assert_int_equal(f->partial, 6);
    assert_int_equal(f->sent, SIZE);
    f = serve("/nothing.th");
    f->cut = 0;
    assert_int_equal(fetch(f, target("nothing.th"), &w, &err),
                     DMX_ERROR_NETWORK);
    assert_int_equal(f->requests, 3);
}

static void without_ranges(void **state)
{
    (void)state;
    watch w;
    dmx_error err;
    server_file *f = serve("/noranges.th");
    f->no_range = 1;
    f->cut = 70000;
    f->cut_times = 2;
    const char *path = target("noranges.th");
    assert_ok(fetch(f, path, &w, &err), &err);
    assert_file(path, data);
    assert_int_equal(f->requests, 3);
    assert_int_equal(f->ranges, 2);
    assert_int_equal(f->partial, 0);
}

static void lying_range(void **state)
{
    (void)state;
    watch w;
    dmx_error err;
    server_file *f = serve("/lie.th");
    f->lie_range = 1;
    f->cut = 70000;
    f->cut_times = 1;
    const char *path = target("lie.th");
    assert_ok(fetch(f, path, &w, &err), &err);
    assert_file(path, data);
    assert_int_equal(f->requests, 3); /* cut, lie, whole */
}

static void wrong_content(void **state)
{
    (void)state;
    watch w = {.cancel_after = -1};
    dmx_error err;
    server_file *f = serve("/wrong.th");
    f->data = other;
    const char *path = target("wrong.th");
    assert_int_equal(fetch(f, path, &w, &err), DMX_ERROR_HASH);
    assert_non_null(strstr(err.message, "removed"));
    assert_nothing(path);
    assert_int_equal(f->requests, 1);
    /* An error page of a proxy, with status 200. */
    f = test_server_add(server, "/page.th", "<html>log in</html>", 19);
    assert_int_equal(fetch(f, target("page.th"), &w, &err), DMX_ERROR_HASH);
    assert_non_null(strstr(err.message, "19 bytes"));
    assert_nothing(target("page.th"));
    f->no_length = 1;
    assert_int_equal(fetch(f, target("page.th"), &w, &err), DMX_ERROR_HASH);
    assert_nothing(target("page.th"));
}

static void too_much(void **state)
{
    (void)state;
    watch w = {.cancel_after = -1};
    dmx_error err;
    server_file *f = serve("/endless.th");
    f->endless = 1;
    const char *path = target("endless.th");
    assert_int_equal(fetch(f, path, &w, &err), DMX_ERROR_LIMIT);
    assert_nothing(path);
    assert_int_equal(fetch_with(f, path, hash, 0, &w, &err), DMX_ERROR_LIMIT);
    assert_nothing(path);
    /* A download whose announced length exceeds the limit is not even
     * started. */
    static unsigned char big[2 << 20];
    f = test_server_add(server, "/big.th", big, sizeof big);
    assert_int_equal(fetch_with(f, path, hash, 0, &w, &err), DMX_ERROR_LIMIT);
    assert_non_null(strstr(err.message, "2097152"));
    assert_nothing(path);
}

static void stalls(void **state)
{
    (void)state;
    watch w;
    dmx_error err;
    server_file *f = serve("/slow.th");
    f->rate = 100;
    const char *path = target("slow.th");
    assert_int_equal(fetch(f, path, &w, &err), DMX_ERROR_NETWORK);
    assert_int_equal(f->requests, 3);
    f->rate = 0;
    assert_ok(fetch(f, path, &w, &err), &err);
    assert_file(path, data);
}

/* Bytes that trickle in, or stop and continue with each attempt: the whole
 * download is too slow, and what arrived is kept for the next call. */
static void drips(void **state)
{
    (void)state;
    server_file *f = serve("/drip.th");
    f->rate = 2000;
    for (int whole = 0; whole < 2; whole++) {
        dmx_patience less = patience;
        less.stall_rate = whole ? 1000 : 4000;
        less.slow_seconds = whole ? 0 : 1.5;
        less.whole_seconds = whole ? 1.5 : 0;
        const int before = f->requests;
        const char *path = target(whole ? "whole.th" : "drip.th");
        watch w = {.cancel_after = -1};
        dmx_error err;
        assert_int_equal(fetch_as(&less, f, path, hash, SIZE, &w, &err),
                         DMX_ERROR_NETWORK);
        assert_non_null(
            strstr(err.message, whole ? "not whole after" : "too slow"));
        assert_int_equal(f->requests, before + 1);
        assert_true(there(beside(path, ".part")));
        f->rate = whole ? 0 : 2000;
        if (whole)
            assert_ok(fetch(f, path, &w, &err), &err);
    }
}

static void redirects(void **state)
{
    (void)state;
    watch w;
    dmx_error err;
    serve("/end.th");
    server_file *f = serve("/good.th");
    f->status = 302;
    f->status_times = -1;
    f->location = "/end.th";
    assert_ok(fetch(f, target("good.th"), &w, &err), &err);
    static const char *const bad[][2] = {
        {"file:///etc/passwd", "refused"},   {"ftp://127.0.0.1/x", "refused"},
        {"gopher://127.0.0.1/x", "refused"}, {NULL, "nowhere"},
        {"/loop.th", "redirects"},
    };
    f = serve("/loop.th");
    f->status = 301;
    f->status_times = -1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        f->location = bad[i][0];
        f->requests = 0;
        assert_int_equal(fetch(f, target("loop.th"), &w, &err),
                         DMX_ERROR_NETWORK);
        if (strstr(err.message, bad[i][1]) == NULL)
            fail_msg("%s: %s", bad[i][0], err.message);
        assert_int_equal(f->requests, i == 4 ? 6 : 1);
        assert_false(there(target("loop.th")));
    }
}

static void no_server(void **state)
{
    (void)state;
    watch w = {.cancel_after = -1};
    dmx_error err = DMX_ERROR_INIT;
    const dmx_hooks hooks = {.size = sizeof(dmx_hooks),
                             .user = &w,
                             .warn = on_warn,
                             .progress = on_progress};
    dmx_download want = {target("none.th"), "http://user:secret@127.0.0.1:1/x",
                         hash, SIZE};
    assert_int_equal(
        dmx_download_file(transport, &patience, &want, &hooks, &err),
        DMX_ERROR_NETWORK);
    assert_null(strstr(err.message, "secret"));
    assert_int_equal(w.warnings, 2);
    want.url = "file:///etc/passwd";
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(
        dmx_download_file(transport, &patience, &want, &hooks, &err),
        DMX_ERROR_NETWORK);
    want.path = "/nonexistent/x.th";
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(
        dmx_download_file(transport, &patience, &want, &hooks, &err),
        DMX_ERROR_IO);
}

static void cancellation(void **state)
{
    (void)state;
    dmx_error err;
    server_file *f = serve("/cancel.th");
    f->cut = 20000;
    const char *path = target("cancel.th");
    int cancelled = 0;
    for (int calls = 0; calls < 200; calls++) {
        watch w = {.cancel_after = calls};
        const dmx_status status = fetch_with(f, path, hash, SIZE, &w, &err);
        if (status == DMX_OK)
            break;
        assert_int_equal(status, DMX_ERROR_CANCELLED);
        assert_false(there(path));
        cancelled++;
    }
    assert_true(cancelled > 3);
    assert_file(path, data);
}

/* ------------------------------------------------------------ kill, resume */

static void die(void *user, const char *message)
{
    (void)user;
    (void)message;
    raise(SIGKILL);
}

static int die_at_hash(void *user, const char *stage, double fraction)
{
    (void)user;
    (void)fraction;
    if (strstr(stage, "hash") != NULL)
        raise(SIGKILL);
    return 0;
}

/* A process that downloads and is killed as soon as the line is cut, or
 * between the last byte and the end. */
static void run_and_kill(const char *url, const char *path)
{
    test_server_rest(server); /* what is served is set */
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const dmx_hooks hooks = {
            .size = sizeof(dmx_hooks), .warn = die, .progress = die_at_hash};
        const dmx_download want = {path, url, hash, SIZE};
        dmx_transport *own;
        if (dmx_transport_curl(&own, &patience, NULL) == DMX_OK &&
            dmx_download_file(own, &patience, &want, &hooks, NULL) == DMX_OK)
            _exit(0);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    test_server_rest(server); /* the caller changes what is served */
}

static size_t part_size(const char *path)
{
    struct stat st;
    return stat(beside(path, ".part"), &st) == 0 ? (size_t)st.st_size : 0;
}

static void killed_at_any_byte(void **state)
{
    (void)state;
    server_file *f = serve("/kill.th");
    char url[300];
    snprintf(url, sizeof url, "%s%s", test_server_url(server), f->path);
    for (int i = 0; i < 50; i++) {
        /* 0, 1, ..., SIZE - 1, SIZE */
        const size_t cut = i == 1    ? 1
                           : i == 48 ? SIZE - 1
                                     : (size_t)((double)SIZE * i / 49);
        char name[64];
        snprintf(name, sizeof name, "kill%d.th", i);
        const char *path = target(name);
        f->cut = (long)cut;
        f->cut_times = 1;
        run_and_kill(url, path);
        assert_int_equal(part_size(path), cut);
        assert_false(there(path));
        f->cut_times = 0;
        f->sent = 0;
        watch w;
        dmx_error err;
        assert_ok(fetch(f, path, &w, &err), &err);
        assert_file(path, data);
        assert_int_equal(f->sent, SIZE - cut);
        assert_int_equal(w.warnings, 0);
        unlink(path);
    }
}

/* The file on the server changed between the kill and the next run. */
static void changed_meanwhile(void **state)
{
    (void)state;
    server_file *f = serve("/changed.th");
    char url[300];
    snprintf(url, sizeof url, "%s%s", test_server_url(server), f->path);
    for (int i = 0; i < 3; i++) {
        const char *path = target("changed.th");
        watch w = {.cancel_after = -1};
        dmx_error err;
        f->data = other;
        f->etag = i < 2 ? "\"old\"" : NULL;
        f->last_modified = i == 1 ? "Mon, 02 Jan 2023 03:04:05 GMT" : NULL;
        if (i == 1)
            f->etag = "W/\"weak\"";
        f->cut = 100000;
        f->cut_times = 1;
        run_and_kill(url, path);
        assert_int_equal(part_size(path), 100000);
        f->data = data;
        f->etag = i < 2 ? "\"new\"" : NULL;
        f->last_modified = i == 1 ? "Tue, 03 Jan 2023 03:04:05 GMT" : NULL;
        f->partial = 0;
        f->requests = 0;
        assert_ok(fetch_with(f, path, hash, SIZE, &w, &err), &err);
        assert_file(path, data);
        /* With a validator the server sends all at once; without one the hash
         * finds out. */
        assert_int_equal(f->partial, i == 2 ? 1 : 0);
        assert_int_equal(f->requests, i == 2 ? 2 : 1);
        unlink(path);
    }
}

/* A part file of another URL, or one with a corrupt note, is judged by its
 * hash. */
static void foreign_parts(void **state)
{
    (void)state;
    static const char *const rubbish[] = {"", "\n\n\n", "demucs-onnx part 1\n",
                                          "demucs-onnx part 1\nxx\n\"e\"\n"};
    server_file *f = serve("/foreign.th");
    const char *path = target("foreign.th");
    for (size_t i = 0; i < 4; i++) {
        FILE *part = fopen(beside(path, ".part"), "wb");
        FILE *from = fopen(beside(path, ".part.from"), "wb");
        assert_true(part != NULL && from != NULL);
        fwrite(i % 2 == 0 ? data : other, 1, 1000, part);
        fputs(rubbish[i], from);
        fclose(part);
        fclose(from);
        watch w;
        dmx_error err;
        f->sent = 0;
        assert_ok(fetch(f, path, &w, &err), &err);
        assert_file(path, data);
        assert_int_equal(f->sent, i % 2 == 0 ? SIZE - 1000 : 2 * SIZE - 1000);
        unlink(path);
    }
    /* Longer than the file can be. */
    assert_int_equal(truncate(target("foreign.th"), 0), -1);
    FILE *part = fopen(beside(path, ".part"), "wb");
    assert_non_null(part);
    fwrite(data, 1, SIZE, part);
    fwrite(data, 1, 10, part);
    fclose(part);
    watch w;
    dmx_error err;
    assert_ok(fetch(f, path, &w, &err), &err);
    assert_file(path, data);
    /* A symbolic link in its place is not followed. */
    unlink(path);
    assert_int_equal(symlink(target("victim"), beside(path, ".part")), 0);
    assert_int_equal(fetch(f, path, &w, &err), DMX_ERROR_IO);
    assert_false(there(target("victim")));
    unlink(beside(path, ".part"));
}

static void full_disk(void **state)
{
    (void)state;
    server_file *f = serve("/full.th");
    const char *path = target("full.th");
    char url[300];
    snprintf(url, sizeof url, "%s%s", test_server_url(server), f->path);
    test_server_rest(server); /* what is served is set */
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {100000, 100000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        const dmx_download want = {path, url, hash, SIZE};
        dmx_transport *own;
        if (dmx_transport_curl(&own, &patience, NULL) != DMX_OK)
            _exit(2);
        dmx_error err = DMX_ERROR_INIT;
        const dmx_status status =
            dmx_download_file(own, &patience, &want, NULL, &err);
        _exit(status == DMX_ERROR_IO && strstr(err.message, "is kept") != NULL
                  ? 0
                  : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(there(path));
    watch w;
    dmx_error err;
    test_server_rest(server);
    f->sent = 0;
    assert_ok(fetch(f, path, &w, &err), &err);
    assert_file(path, data);
    assert_true(f->sent < SIZE); /* continued where the disk was full */
}

/* ------------------------------------------------------------------ headers */

static void headers(void **state)
{
    (void)state;
    dmx_http_head h;
    dmx_http_head_clear(&h);
    dmx_http_header(&h, "Content-Range", "bytes 5-9/10");
    assert_true(h.range_start == 5 && h.range_total == 10);
    dmx_http_head_clear(&h);
    dmx_http_header(&h, "content-range", "bytes */77");
    assert_true(h.range_start == -1 && h.range_total == 77);
    static const char *const bad[] = {
        "",
        "bytes",
        "bytes 1",
        "bytes 1-2/x",
        "bytes -/",
        "items 1-2/3",
        "bytes 99999999999999999999-1/99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        dmx_http_head_clear(&h);
        dmx_http_header(&h, "Content-Range", bad[i]);
        assert_int_equal(h.range_total, -1);
    }
    dmx_http_header(&h, "Retry-After", "7");
    assert_int_equal(h.retry_after, 7);
    dmx_http_header(&h, "Retry-After", "soon");
    assert_int_equal(h.retry_after, -1);
    dmx_http_header(&h, "Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT");
    assert_int_equal(h.retry_after, 0);
    dmx_http_header(&h, "Content-Length", "-5");
    assert_int_equal(h.length, -1);
    char long_tag[600];
    memset(long_tag, 'x', sizeof long_tag - 1);
    long_tag[sizeof long_tag - 1] = '\0';
    dmx_http_header(&h, "ETag", long_tag);
    assert_string_equal(h.etag, "");
    char text[64];
    assert_string_equal(dmx_redact_url(text, 64, "https://a:b@c/d?e@f"),
                        "https://c/d?e@f");
    assert_string_equal(dmx_redact_url(text, 64, "https://c/d"), "https://c/d");
}

static int set_up(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (size_t i = 0; i < SIZE; i++) {
        data[i] = (unsigned char)test_random(&seed);
        other[i] = (unsigned char)(data[i] + 1);
    }
    dmx_error err = DMX_ERROR_INIT;
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    assert_ok(dmx_sha256_hex(hash, data, SIZE, &err), &err);
    assert_ok(dmx_sha256_hex(other_hash, other, SIZE, &err), &err);
    assert_ok(dmx_transport_curl(&transport, &patience, &err), &err);
    server = test_server_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    transport->close(transport);
    test_server_close(server);
    return 0;
}

/* The most memory that this process has had, in bytes. */
static double peak_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss;
}

/* Endless answers, anywhere but in a body: abandoned soon, with little memory,
 * without many attempts at the same server, and without leftovers. */
static void endless_headers(void **state)
{
    (void)state;
    static char long_field[2000], long_line[20000];
    memset(long_field, 'y', sizeof long_field - 3);
    memcpy(long_field, "X-T: ", 5);
    strcpy(long_field + sizeof long_field - 3, "\r\n");
    memset(long_line, 'y', sizeof long_line - 1);
    const char *const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                "chunked\r\n\r\n1\r\nx\r\n0\r\n";
    const struct {
        const char *path, *raw, *repeat, *says;
    } odd[] = {
        {"/trailers", chunked, long_field, "bytes of headers"},
        {"/tiny_trailers", chunked, "a:\r\n", "bytes of headers"},
        {"/headers", "HTTP/1.1 200 OK\r\n", long_field, "bytes of headers"},
        {"/tiny", "HTTP/1.1 200 OK\r\n", "a:\r\n", "bytes of headers"},
        {"/long", "HTTP/1.1 200 OK\r\nX: ", long_line, "header"},
        {"/long_error", "HTTP/1.1 404 No\r\nX: ", long_line, ""},
        {"/long_trailer", chunked, long_line, ""},
        {"/continue", "", "HTTP/1.1 100 Continue\r\n\r\n", "of headers"},
        {"/redirect", "HTTP/1.1 302 F\r\nLocation: /", long_line, ""},
    };
    const double before = peak_memory();
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        server_file *f = serve(odd[i].path);
        f->raw = odd[i].raw;
        f->raw_repeat = odd[i].repeat;
        watch w = {.cancel_after = -1};
        dmx_error err;
        const char *path = target(odd[i].path + 1);
        assert_int_equal(fetch(f, path, &w, &err), DMX_ERROR_NETWORK);
        if (strstr(err.message, odd[i].says) == NULL)
            fail_msg("%s: %s", odd[i].path, err.message);
        const bool retried = strcmp(odd[i].path, "/long_trailer") == 0;
        if (f->requests > (retried ? 3 : 1))
            fail_msg("%s: %d requests: %s; %s", odd[i].path, f->requests,
                     err.message, w.last);
        assert_true(f->sent < 8 << 20);
        assert_false(there(path));
    }
    assert_true(peak_memory() - before < 32e6);
}

/* Headers byte by byte, an interim answer and silence: a bounded time. */
static void late_headers(void **state)
{
    (void)state;
    const struct {
        const char *path, *raw, *repeat;
    } odd[] = {
        {"/drip", "HTTP/1.1 200 OK\r\n", "a:\r\n"},
        {"/drip_interim", "", "HTTP/1.1 100 Continue\r\n\r\n"},
        {"/drip_error", "HTTP/1.1 403 No\r\n\r\n", "x"},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        server_file *f = serve(odd[i].path);
        f->raw = odd[i].raw;
        f->raw_repeat = odd[i].repeat;
        f->raw_pause = 0.02;
        watch w = {.cancel_after = -1};
        dmx_error err;
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        assert_int_equal(fetch(f, target(odd[i].path + 1), &w, &err),
                         DMX_ERROR_NETWORK);
        clock_gettime(CLOCK_MONOTONIC, &b);
        assert_true(b.tv_sec - a.tv_sec < 20);
        assert_true(f->requests <= 3);
    }
}

/* A trailer says nothing about the body that came before it. */
static void trailers_are_ignored(void **state)
{
    (void)state;
    static char answer[400000];
    server_file *f = serve("/with_trailer");
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                     "Trailer: ETag\r\n\r\n3\r\nabc\r\n0\r\n"
                     "ETag: \"evil\"\r\nContent-Length: 7\r\n\r\n");
    assert_true(n > 0);
    f->raw = answer;
    char hex[DMX_SHA256_HEX];
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_sha256_hex(hex, "abc", 3, &err), &err);
    watch w = {.cancel_after = -1};
    const char *path = target("with_trailer");
    assert_ok(fetch_with(f, path, hex, 3, &w, &err), &err);
    assert_true(there(path));
}

/* An unknown host is reported at once, and once. */
static void no_such_host(void **state)
{
    (void)state;
    watch w = {.cancel_after = -1};
    const dmx_hooks hooks = {.size = sizeof(dmx_hooks),
                             .user = &w,
                             .warn = on_warn,
                             .progress = on_progress};
    const dmx_download want = {target("nohost"),
                               "http://no-such-host.invalid/m.th", hash, SIZE};
    dmx_error err = DMX_ERROR_INIT;
    assert_int_equal(
        dmx_download_file(transport, &patience, &want, &hooks, &err),
        DMX_ERROR_NETWORK);
    assert_non_null(strstr(err.message, "no-such-host.invalid"));
    assert_int_equal(w.warnings, 0); /* no other try */
}

/* A server's Location is shown in a harmless form, without passwords. */
static void hostile_location(void **state)
{
    (void)state;
    server_file *f = serve("/hostile_location");
    f->status = 302;
    f->status_times = -1;
    f->location = "ftp://user:secret@example.org/\033[31m\xc2\x9b\xff";
    watch w;
    dmx_error err;
    assert_int_equal(fetch(f, target("hostile"), &w, &err), DMX_ERROR_NETWORK);
    assert_non_null(strstr(err.message, "refused"));
    assert_null(strstr(err.message, "secret"));
    for (const char *c = err.message; *c != '\0'; c++)
        assert_true(*c >= 0x20 && *c < 0x7f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file),
        cmocka_unit_test(size_not_known),
        cmocka_unit_test(refusals),
        cmocka_unit_test(busy_then_fine),
        cmocka_unit_test(cut_lines_are_resumed),
        cmocka_unit_test(without_ranges),
        cmocka_unit_test(lying_range),
        cmocka_unit_test(wrong_content),
        cmocka_unit_test(too_much),
        cmocka_unit_test(stalls),
        cmocka_unit_test(drips),
        cmocka_unit_test(redirects),
        cmocka_unit_test(no_server),
        cmocka_unit_test(cancellation),
        cmocka_unit_test(killed_at_any_byte),
        cmocka_unit_test(changed_meanwhile),
        cmocka_unit_test(foreign_parts),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(headers),
        cmocka_unit_test(endless_headers),
        cmocka_unit_test(late_headers),
        cmocka_unit_test(trailers_are_ignored),
        cmocka_unit_test(no_such_host),
        cmocka_unit_test(hostile_location),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
