#include "http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FILES 64

struct test_server {
    int listener;
    char url[64];
    pthread_t thread;
    pthread_mutex_t lock; /* counters, and `open` */
    server_file file[MAX_FILES];
    size_t n_file;
    int open; /* connections */
    atomic_bool stop;
};

typedef struct connection {
    test_server *server;
    int fd;
} connection;

typedef struct request {
    char path[400];
    long start; /* of Range, -1: none */
    char if_range[300];
} request;

static bool send_all(int fd, const void *data, size_t size)
{
    const char *from = data;
    while (size > 0) {
        const ssize_t n = send(fd, from, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        from += n;
        size -= (size_t)n;
    }
    return true;
}

static bool read_request(int fd, request *r)
{
    char text[4096];
    size_t used = 0;
    for (;;) {
        const ssize_t n = recv(fd, text + used, sizeof text - 1 - used, 0);
        if (n <= 0)
            return false;
        used += (size_t)n;
        text[used] = '\0';
        if (strstr(text, "\r\n\r\n") != NULL)
            break;
        if (used + 1 >= sizeof text)
            return false;
    }
    *r = (request){.start = -1};
    if (sscanf(text, "GET %399s", r->path) != 1)
        return false;
    const char *range = strcasestr(text, "\r\nRange: bytes=");
    if (range != NULL)
        r->start = strtol(range + 15, NULL, 10);
    const char *if_range = strcasestr(text, "\r\nIf-Range: ");
    if (if_range != NULL)
        snprintf(r->if_range, sizeof r->if_range, "%.*s",
                 (int)strcspn(if_range + 12, "\r\n"), if_range + 12);
    return true;
}

static server_file *find(test_server *s, const char *path)
{
    for (size_t i = 0; i < s->n_file; i++)
        if (strcmp(s->file[i].path, path) == 0)
            return &s->file[i];
    return NULL;
}

static void status_only(int fd, int status, const server_file *f)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "HTTP/1.1 %d Status\r\n", status);
    if (f != NULL && f->retry_after >= 0)
        n += snprintf(text + n, sizeof text - (size_t)n, "Retry-After: %d\r\n",
                      f->retry_after);
    if (f != NULL && f->location != NULL)
        n += snprintf(text + n, sizeof text - (size_t)n, "Location: %s\r\n",
                      f->location);
    if (status == 416 && f != NULL)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "Content-Range: bytes */%zu\r\n", f->size);
    n += snprintf(text + n, sizeof text - (size_t)n,
                  "Content-Length: 6\r\nConnection: close\r\n\r\nsorry\n");
    send_all(fd, text, (size_t)n);
}

static void pause_for(double seconds)
{
    const struct timespec t = {
        (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

static void count(test_server *s, server_file *f, size_t sent)
{
    pthread_mutex_lock(&s->lock);
    f->sent += sent;
    pthread_mutex_unlock(&s->lock);
}

static void send_body(test_server *s, int fd, server_file *f, size_t start,
                      size_t end)
{
    const size_t piece = f->rate > 0 ? (size_t)f->rate / 20 + 1 : 65536;
    while (start < end && !s->stop) {
        const size_t n = end - start < piece ? end - start : piece;
        count(s, f, n); /* before the client can see that it is there */
        if (!send_all(fd, (const char *)f->data + start, n))
            return;
        start += n;
        if (f->rate > 0)
            pause_for(0.05);
    }
}

static void send_endless(test_server *s, int fd)
{
    static const char zeros[65536];
    while (!s->stop && send_all(fd, zeros, sizeof zeros))
        ;
}

static bool matches(const server_file *f, const request *r)
{
    if (r->if_range[0] == '\0')
        return true;
    return (f->etag != NULL && strcmp(r->if_range, f->etag) == 0) ||
           (f->last_modified != NULL &&
            strcmp(r->if_range, f->last_modified) == 0);
}

static void send_head(int fd, const server_file *f, size_t start, bool partial)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nConnection: close\r\n",
                     partial ? "206 Partial Content" : "200 OK");
    if (!f->no_length && !f->endless)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "Content-Length: %zu\r\n", f->size - start);
    if (f->etag != NULL)
        n += snprintf(text + n, sizeof text - (size_t)n, "ETag: %s\r\n",
                      f->etag);
    if (f->last_modified != NULL)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "Last-Modified: %s\r\n", f->last_modified);
    if (partial)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "Content-Range: bytes %zu-%zu/%zu\r\n",
                      start + (f->lie_range ? 1 : 0), f->size - 1, f->size);
    n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
    send_all(fd, text, (size_t)n);
}

/* The body as the test wants it, in pieces of about 64 KiB unless it should be
 * slow. */
static void send_raw(test_server *s, int fd, server_file *f)
{
    char piece[65536];
    size_t used = 0;
    if (!send_all(fd, f->raw, strlen(f->raw)) || f->raw_repeat == NULL)
        return;
    const size_t n = strlen(f->raw_repeat);
    do {
        memcpy(piece + used, f->raw_repeat, n);
        used += n;
    } while (f->raw_pause == 0 && used + n <= sizeof piece);
    while (!s->stop && send_all(fd, piece, used)) {
        count(s, f, used);
        pause_for(f->raw_pause);
    }
}

static void serve(test_server *s, int fd, server_file *f, const request *r)
{
    pthread_mutex_lock(&s->lock);
    f->requests++;
    f->ranges += r->start >= 0;
    const bool fail = f->status != 0 && f->status_times != 0;
    if (fail && f->status_times > 0)
        f->status_times--;
    const bool cut = f->cut >= 0 && f->cut_times != 0;
    if (cut && f->cut_times > 0)
        f->cut_times--;
    const bool range = r->start >= 0 && !f->no_range && matches(f, r);
    const bool partial = range && (size_t)r->start < f->size;
    f->partial += partial && !fail;
    pthread_mutex_unlock(&s->lock);
    if (f->raw != NULL) {
        send_raw(s, fd, f);
        return;
    }
    if (fail || (range && !partial)) {
        status_only(fd, fail ? f->status : 416, f);
        return;
    }
    const size_t start = partial ? (size_t)r->start : 0;
    size_t end = f->size;
    if (cut && start + (size_t)f->cut < end)
        end = start + (size_t)f->cut;
    send_head(fd, f, start, partial);
    if (f->endless)
        send_endless(s, fd);
    else
        send_body(s, fd, f, start, end);
}

static void *handle(void *argument)
{
    connection *c = argument;
    test_server *s = c->server;
    request r;
    if (read_request(c->fd, &r)) {
        server_file *f = find(s, r.path);
        if (f != NULL)
            serve(s, c->fd, f, &r);
        else
            status_only(c->fd, 404, NULL);
    }
    shutdown(c->fd, SHUT_WR);
    close(c->fd);
    free(c);
    pthread_mutex_lock(&s->lock);
    s->open--;
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void *accept_all(void *argument)
{
    test_server *s = argument;
    for (;;) {
        const int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        connection *c = malloc(sizeof *c);
        pthread_t thread;
        pthread_mutex_lock(&s->lock);
        s->open++;
        pthread_mutex_unlock(&s->lock);
        *c = (connection){s, fd};
        if (pthread_create(&thread, NULL, handle, c) == 0)
            pthread_detach(thread);
        else
            abort();
    }
}

test_server *test_server_open(void)
{
    test_server *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_mutex_init(&s->lock, NULL);
    if (s->listener < 0 ||
        bind(s->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(s->listener, 64) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&s->thread, NULL, accept_all, s) != 0) {
        perror("test server");
        abort();
    }
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d",
             ntohs(address.sin_port));
    return s;
}

void test_server_rest(test_server *s)
{
    for (bool busy = true; busy;) {
        pthread_mutex_lock(&s->lock);
        busy = s->open > 0;
        pthread_mutex_unlock(&s->lock);
        if (busy)
            pause_for(0.005);
    }
}

void test_server_close(test_server *s)
{
    s->stop = true;
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
    test_server_rest(s);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *test_server_url(const test_server *s)
{
    return s->url;
}

server_file *test_server_add(test_server *s, const char *path, const void *data,
                             size_t size)
{
    server_file *f = &s->file[s->n_file];
    *f = (server_file){.data = data,
                       .size = size,
                       .etag = "\"first\"",
                       .cut = -1,
                       .cut_times = -1,
                       .retry_after = -1};
    snprintf(f->path, sizeof f->path, "%s", path);
    s->n_file++;
    return f;
}
