/* A small HTTP/1.1 server on loopback, with faults on request. */
#ifndef DMX_TEST_HTTP_SERVER_H
#define DMX_TEST_HTTP_SERVER_H

#include <stddef.h>

/* What is served at one path. Look at it, and change it, only while no request
 * runs: after test_server_rest. */
typedef struct server_file {
    char path[200]; /* "/a/b.th" */
    const void *data;
    size_t size;
    const char *etag;          /* with quotes; NULL: none */
    const char *last_modified; /* NULL: none */
    int no_range;              /* ignores Range */
    int no_length;             /* closes the connection instead */
    long cut;             /* >= 0: closes after this many bytes of each body */
    int cut_times;        /* this many times, then sends whole answers */
    long rate;            /* > 0: bytes a second */
    int status;           /* != 0: this status without a body ... */
    int status_times;     /* ... this many times; -1: always */
    int retry_after;      /* >= 0: with this header */
    const char *location; /* with this header */
    int endless;          /* endless body (without a length) */
    int lie_range;        /* 206 that starts at the wrong byte */
    const char *raw;      /* != NULL: these bytes as the answer, and then ... */
    const char *raw_repeat; /* ... these again and again, if not NULL */
    double raw_pause;       /* seconds between them */
    /* seen by the server: */
    int requests;
    int ranges;  /* requests with Range */
    int partial; /* answers with 206 */
    size_t sent; /* bytes of bodies */
} server_file;

typedef struct test_server test_server;

/* Serves until closed, each connection on a thread of its own. */
test_server *test_server_open(void);
void test_server_close(test_server *server);
/* "http://127.0.0.1:PORT" */
const char *test_server_url(const test_server *server);
/* Waits until no request runs. */
void test_server_rest(test_server *server);
/* A new path with no faults; the data is not copied. */
server_file *test_server_add(test_server *server, const char *path,
                             const void *data, size_t size);

#endif
