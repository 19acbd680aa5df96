/* Models by name: cache, mirror, second source, concurrency, offline. */
#include "test_support.h"

#include "base/file.h"
#include "base/hash.h"
#include "http_server.h"
#include "hub/hub.h"
#include "hub/repository.h"

#include "base/json.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static test_server *server;
static dmx_blob first, second; /* two small checkpoints */
static char first_hash[DMX_SHA256_HEX], second_hash[DMX_SHA256_HEX];
static char registry_path[1200], named_path[100];
static int warnings;
static char warned[8192];

static void on_warn(void *user, const char *message)
{
    (void)user;
    warnings++;
    strncat(warned, message, sizeof warned - strlen(warned) - 2);
    strcat(warned, "\n");
}

static const dmx_hooks hooks = {.size = sizeof(dmx_hooks), .warn = on_warn};

static char *made[256]; /* freed at the end */

static char *path_in(const char *folder, const char *name)
{
    static size_t next;
    assert_true(next < 256);
    assert_true(asprintf(&made[next], "%s/%s", folder, name) > 0);
    return made[next++];
}

static char *fresh_folder(const char *name)
{
    char *path = path_in(test_folder(), name);
    assert_int_equal(mkdir(path, 0755), 0);
    return path;
}

static bool there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static int entries;

static int count_entry(const char *path, const struct stat *st, int flag,
                       struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)flag;
    (void)ftw;
    entries++;
    return 0;
}

/* Files and folders below a folder, itself included. */
static int count(const char *folder)
{
    entries = 0;
    nftw(folder, count_entry, 8, FTW_PHYS);
    return entries;
}

/* A hub with a fresh cache, our registry and the server as its mirror. */
static dmx_hub *open_hub(const char *cache, int offline)
{
    dmx_hub *hub;
    dmx_error err = DMX_ERROR_INIT;
    dmx_hub_options o = DMX_HUB_OPTIONS_INIT;
    o.hooks = &hooks;
    o.cache_dir = cache;
    o.registry = registry_path;
    o.mirror = test_server_url(server);
    o.offline = offline;
    assert_ok(dmx_hub_open(&hub, &o, &err), &err);
    hub->patience = (dmx_patience){.connect_ms = 2000,
                                   .stall_seconds = 2,
                                   .back_off = 0.01,
                                   .max_back_off = 0.02,
                                   .tries = 2};
    warnings = 0;
    warned[0] = '\0';
    return hub;
}

static server_file *file_of(const char *path)
{
    static const char *known[16];
    static server_file *file[16];
    test_server_rest(server);
    for (int i = 0; i < 16; i++) {
        if (known[i] == NULL) {
            known[i] = path;
            file[i] = test_server_add(server, path, NULL, 0);
            file[i]->status = 404;
            file[i]->status_times = -1;
        }
        if (strcmp(known[i], path) == 0)
            return file[i];
    }
    fail();
    return NULL;
}

static server_file *serve(const char *path, const dmx_blob *blob)
{
    server_file *f = file_of(path);
    f->data = blob->data;
    f->size = blob->size;
    f->status = 0;
    f->requests = 0;
    f->cut_times = 0;
    f->rate = 0;
    return f;
}

static void serve_nothing(const char *path)
{
    server_file *f = file_of(path);
    f->status = 404;
    f->requests = 0;
}

#define FIRST  "/hybrid_transformer/955717e8.th"
#define SECOND "/hybrid_transformer/f7e0c4bc.th"
#define TENSOR "/adefossez/HTDemucs/955717e8.safetensors"

static void serve_all(void)
{
    serve(FIRST, &first);
    serve(SECOND, &second);
    serve(TENSOR, &second);
}

/* ------------------------------------------------------------------- tests */

static void downloads_once(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    char *cache = path_in(test_folder(), "cache/deep");
    serve_all();
    dmx_hub *hub = open_hub(cache, 0);
    dmx_bag *bag;
    assert_int_equal(dmx_hub_missing_bytes(hub, "htdemucs", NULL), first.size);
    assert_false(there(cache));
    assert_ok(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err), &err);
    assert_int_equal(dmx_bag_members(bag), 1);
    assert_string_equal(dmx_bag_name(bag), "htdemucs");
    assert_string_equal(dmx_bag_signature(bag, 0), "955717e8");
    char name[64];
    snprintf(name, sizeof name, "checkpoints/955717e8-%.8s.th", first_hash);
    assert_string_equal(dmx_bag_path(bag, 0), path_in(cache, name));
    dmx_bag_close(bag);
    assert_int_equal(dmx_hub_missing_bytes(hub, "htdemucs", NULL), 0);
    assert_ok(dmx_hub_resolve(&bag, hub, "955717e8", NULL, &err), &err);
    dmx_bag_close(bag);
    assert_int_equal(file_of(FIRST)->requests, 1);
    assert_int_equal(warnings, 0);
    assert_int_equal(count(cache), 3); /* no lock, no part */
    dmx_hub_close(hub);
    hub = open_hub(cache, 1);
    assert_ok(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err), &err);
    dmx_bag_close(bag);
    assert_int_equal(dmx_hub_resolve(&bag, hub, "pair", NULL, &err),
                     DMX_ERROR_NETWORK);
    assert_non_null(strstr(err.message, "offline"));
    assert_non_null(strstr(err.message, "f7e0c4bc"));
    assert_int_equal(file_of(FIRST)->requests, 1);
    assert_int_equal(file_of(SECOND)->requests, 0);
    dmx_hub_close(hub);
}

static void only_the_stem_that_is_wanted(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    serve_all();
    dmx_hub *hub = open_hub(path_in(test_folder(), "stem"), 0);
    dmx_bag *bag;
    assert_ok(dmx_hub_resolve(&bag, hub, "pair", "bass", &err), &err);
    assert_int_equal(dmx_bag_members(bag), 1);
    assert_string_equal(dmx_bag_signature(bag, 0), "f7e0c4bc");
    assert_int_equal(file_of(FIRST)->requests, 0);
    dmx_bag_close(bag);
    assert_int_equal(dmx_hub_resolve(&bag, hub, "pair", "piano", &err),
                     DMX_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "drums, bass"));
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_hub_resolve(&bag, hub, "htdemuks", NULL, &err),
                     DMX_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "did you mean 'htdemucs'"));
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_hub_resolve(&bag, hub, "./no.th", NULL, &err),
                     DMX_ERROR_IO);
    assert_non_null(strstr(err.message, "no such file, and no model"));
    err = (dmx_error)DMX_ERROR_INIT;
    assert_int_equal(dmx_hub_resolve(&bag, hub, "htdemucs.th", NULL, &err),
                     DMX_ERROR_IO);
    assert_non_null(strstr(err.message, "'htdemucs' is the name of a model"));
    dmx_hub_close(hub);
}

static void second_source(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    serve_all();
    serve_nothing(FIRST);
    char *cache = path_in(test_folder(), "second");
    dmx_hub *hub = open_hub(cache, 0);
    dmx_bag *bag;
    assert_ok(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err), &err);
    assert_non_null(strstr(dmx_bag_path(bag, 0), ".safetensors"));
    assert_non_null(strstr(warned, "second source"));
    dmx_bag_close(bag);
    assert_ok(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err), &err);
    assert_int_equal(file_of(TENSOR)->requests, 1);
    dmx_bag_close(bag);
    dmx_hub_close(hub);
    serve_nothing(TENSOR);
    hub = open_hub(path_in(test_folder(), "neither"), 0);
    assert_int_equal(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err),
                     DMX_ERROR_NETWORK);
    assert_non_null(strstr(err.message, "second source"));
    dmx_hub_close(hub);
}

static void wrong_hash_everywhere(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_blob damaged = first;
    damaged.data = malloc(first.size);
    assert_non_null(damaged.data);
    memcpy(damaged.data, first.data, first.size);
    damaged.data[first.size / 2] ^= 1;
    serve_all();
    serve(FIRST, &damaged);
    serve_nothing(TENSOR);
    char *cache = path_in(test_folder(), "damaged");
    dmx_hub *hub = open_hub(cache, 0);
    dmx_bag *bag;
    assert_int_equal(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err),
                     DMX_ERROR_HASH);
    assert_int_equal(count(cache), 2);
    /* Damage in the cache is found, removed and repaired. */
    err = (dmx_error)DMX_ERROR_INIT;
    serve_all();
    assert_ok(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err), &err);
    write_bytes(dmx_bag_path(bag, 0), damaged.data, damaged.size);
    dmx_bag_close(bag);
    dmx_hub_close(hub);
    hub = open_hub(cache, 0);
    assert_ok(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err), &err);
    assert_non_null(strstr(warned, "damaged"));
    assert_int_equal(file_of(FIRST)->requests, 2);
    write_bytes(dmx_bag_path(bag, 0), damaged.data, damaged.size);
    char *path = path_in(dmx_bag_path(bag, 0), "");
    path[strlen(path) - 1] = '\0';
    dmx_bag_close(bag);
    dmx_hub_close(hub);
    hub = open_hub(cache, 1);
    assert_int_equal(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err),
                     DMX_ERROR_NETWORK);
    assert_false(there(path));
    dmx_hub_close(hub);
    free(damaged.data);
}

/* Endless headers at the first source: the second one is tried. */
static void second_source_after_odd_answers(void **state)
{
    (void)state;
    static char long_line[20000];
    memset(long_line, 'y', sizeof long_line - 1);
    static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                  "chunked\r\n\r\n1\r\nx\r\n0\r\n";
    const char *const odd[][2] = {{"HTTP/1.1 200 OK\r\nX: ", long_line},
                                  {chunked, "a: b\r\n"}};
    for (size_t i = 0; i < 2; i++) {
        dmx_error err = DMX_ERROR_INIT;
        serve_all();
        server_file *f = file_of(FIRST);
        f->raw = odd[i][0];
        f->raw_repeat = odd[i][1];
        dmx_hub *hub =
            open_hub(path_in(test_folder(), i == 0 ? "odd0" : "odd1"), 0);
        dmx_bag *bag;
        assert_ok(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err), &err);
        assert_non_null(strstr(dmx_bag_path(bag, 0), ".safetensors"));
        assert_non_null(strstr(warned, "second source"));
        dmx_bag_close(bag);
        dmx_hub_close(hub);
        test_server_rest(server);
        f->raw = f->raw_repeat = NULL;
    }
}

/* Models that are known not to run. */
static void not_runnable(void **state)
{
    (void)state;
    dmx_error err;
    dmx_bag *bag;
    char *cache = path_in(test_folder(), "not_runnable");
    dmx_hub *hub = open_hub(cache, 0);
    static const char *const fine[] = {"htdemucs", "955717e8", "pair",
                                       "no such model", "./file.th"};
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        assert_ok(dmx_hub_runnable(hub, fine[i], &err), &err);
    /* Of a private registry, so that it stays true when the library grows. */
    assert_int_equal(dmx_hub_runnable(hub, "strange", &err),
                     DMX_ERROR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "strange can't be run yet (Unheard)"));
    assert_non_null(strstr(err.message, "htdemucs"));
    assert_int_equal(dmx_hub_runnable(hub, "abcd0001", &err),
                     DMX_ERROR_UNSUPPORTED);
    assert_int_equal(dmx_hub_prewarm(&bag, hub, "strange", NULL, &err),
                     DMX_ERROR_UNSUPPORTED);
    assert_null(bag);
    assert_int_equal(count(cache), 0);
    dmx_hub_close(hub);
}

/* A user without a home, as in some containers: only the cache is missing. */
static void homeless(void)
{
    dmx_error err = DMX_ERROR_INIT;
    dmx_hub *hub;
    dmx_bag *bag = NULL;
    char *json;
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("DEMUCS_ONNX_CACHE");
    const bool fine =
        setuid(54321) == 0 && dmx_hub_open(&hub, NULL, &err) == DMX_OK &&
        dmx_hub_cache_dir(hub) == NULL &&
        (json = dmx_hub_list_json(hub)) != NULL &&
        strstr(json, "\"cache\":null") != NULL &&
        dmx_hub_missing_bytes(hub, "htdemucs", NULL) > 0 &&
        dmx_hub_resolve(&bag, hub, "/some/file.onnx", NULL, &err) ==
            DMX_ERROR_IO &&
        dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err) ==
            DMX_ERROR_ARGUMENT &&
        strstr(err.message, "options.cache_dir") != NULL &&
        dmx_hub_prewarm(&bag, hub, "htdemucs", NULL, &err) ==
            DMX_ERROR_ARGUMENT;
    if (!fine)
        fprintf(stderr, "without a home: %s\n", err.message);
    _exit(fine ? 0 : 1);
}

static void without_home(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_hub *hub;
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("DEMUCS_ONNX_CACHE");
    assert_ok(dmx_hub_open(&hub, NULL, &err), &err);
    const struct passwd *user = getpwuid(geteuid());
    if (user != NULL && user->pw_dir[0] == '/')
        assert_string_equal(dmx_hub_cache_dir(hub),
                            path_in(user->pw_dir, ".cache/demucs-onnx"));
    dmx_hub_close(hub);
    setenv("HOME", test_folder(), 1);
    if (geteuid() != 0) {
        print_message("not root: no user without a home can be tried\n");
        return;
    }
    test_server_rest(server);
    const pid_t child = fork();
    if (child == 0)
        homeless();
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void pytorch_cache(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    char *torch = fresh_folder("torch"), name[100];
    mkdir(path_in(torch, "hub"), 0755);
    mkdir(path_in(torch, "hub/checkpoints"), 0755);
    setenv("TORCH_HOME", torch, 1);
    snprintf(name, sizeof name, "hub/checkpoints/f7e0c4bc-%.8s.th",
             second_hash);
    char *there_already = path_in(torch, name);
    write_bytes(there_already, second.data, second.size);
    serve_all();
    char *cache = path_in(test_folder(), "torch_cache");
    dmx_hub *hub = open_hub(cache, 1);
    dmx_bag *bag;
    assert_ok(dmx_hub_resolve(&bag, hub, "named", NULL, &err), &err);
    assert_string_equal(dmx_bag_path(bag, 0), there_already);
    dmx_bag_close(bag);
    dmx_hub_close(hub);
    assert_false(there(cache));
    /* A damaged one is neither used nor touched. */
    write_bytes(there_already, first.data, first.size);
    serve(named_path, &second);
    hub = open_hub(cache, 0);
    assert_ok(dmx_hub_resolve(&bag, hub, "named", NULL, &err), &err);
    assert_non_null(strstr(dmx_bag_path(bag, 0), "torch_cache"));
    assert_non_null(strstr(warned, "not used"));
    assert_true(there(there_already));
    dmx_bag_close(bag);
    dmx_hub_close(hub);
    unsetenv("TORCH_HOME");
}

/* Several processes at once: one download, one good file. */
static void processes_share_a_download(void **state)
{
    (void)state;
    serve_all();
    server_file *f = file_of(FIRST);
    f->rate = 1500000; /* long enough for all to meet */
    char *cache = path_in(test_folder(), "shared");
    pid_t child[4];
    test_server_rest(server);
    for (int i = 0; i < 4; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i] == 0) {
            dmx_bag *bag = NULL;
            dmx_error err = DMX_ERROR_INIT;
            dmx_hub *hub = open_hub(cache, 0);
            const dmx_status status =
                dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err);
            if (status != DMX_OK)
                fprintf(stderr, "%s\n", err.message);
            _exit(status == DMX_OK ? 0 : 1);
        }
    }
    for (int i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    test_server_rest(server);
    assert_int_equal(f->requests, 1);
    assert_int_equal(count(cache), 3);
}

/* As a user who may not write there. */
static void read_only_cache(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    serve_all();
    char *cache = fresh_folder("read_only");
    dmx_hub *hub = open_hub(cache, 0);
    dmx_bag *bag;
    assert_ok(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err), &err);
    dmx_bag_close(bag);
    dmx_hub_close(hub);
    assert_int_equal(chmod(test_folder(), 0755), 0);
    assert_int_equal(chmod(path_in(cache, "checkpoints"), 0555), 0);
    assert_int_equal(chmod(cache, 0555), 0);
    test_server_rest(server);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && seteuid(65534) != 0)
            _exit(9);
        hub = open_hub(cache, 0);
        if (dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err) != DMX_OK)
            _exit(1);
        err = (dmx_error)DMX_ERROR_INIT;
        if (dmx_hub_resolve(&bag, hub, "pair", NULL, &err) != DMX_ERROR_IO)
            _exit(2);
        _exit(strstr(err.message, "options.cache_dir") != NULL ? 0 : 3);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(cache, 0755), 0);
    assert_int_equal(chmod(path_in(cache, "checkpoints"), 0755), 0);
}

static void nothing_outside_the_cache(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    char *home = fresh_folder("home");
    char *work = fresh_folder("work");
    char before[1000];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(work), 0);
    setenv("HOME", home, 1);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("DEMUCS_ONNX_CACHE");
    serve_all();
    dmx_hub *hub = open_hub(NULL, 0);
    assert_string_equal(dmx_hub_cache_dir(hub),
                        path_in(home, ".cache/demucs-onnx"));
    char *json = dmx_hub_list_json(hub);
    assert_non_null(json);
    dmx_free(json);
    assert_int_equal(count(home), 1);
    dmx_bag *bag;
    assert_ok(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err), &err);
    dmx_bag_close(bag);
    dmx_hub_close(hub);
    assert_int_equal(count(work), 1);
    assert_int_equal(count(home), 5);
    setenv("XDG_CACHE_HOME", path_in(home, "xdg"), 1);
    hub = open_hub(NULL, 0);
    assert_string_equal(dmx_hub_cache_dir(hub),
                        path_in(home, "xdg/demucs-onnx"));
    dmx_hub_close(hub);
    setenv("DEMUCS_ONNX_CACHE", path_in(home, "mine"), 1);
    hub = open_hub(NULL, 0);
    assert_string_equal(dmx_hub_cache_dir(hub), path_in(home, "mine"));
    dmx_hub_close(hub);
    unsetenv("DEMUCS_ONNX_CACHE");
    assert_int_equal(chdir(before), 0);
}

static void lists_models(void **state)
{
    (void)state;
    char *cache = path_in(test_folder(), "listed");
    serve_all();
    dmx_hub *hub = open_hub(cache, 0);
    dmx_bag *bag;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_hub_resolve(&bag, hub, "pair", "drums", &err), &err);
    dmx_bag_close(bag);
    char *json = dmx_hub_list_json(hub);
    dmx_json *list = dmx_json_read(json);
    dmx_free(json);
    const dmx_json *models = dmx_json_get(list, "models"), *m;
    int seen = 0;
    DMX_JSON_EACH (m, models) {
        const char *name = dmx_json_get(m, "name")->valuestring;
        const bool cached = dmx_json_is_true(dmx_json_get(m, "cached"));
        const bool runs = dmx_json_is_true(dmx_json_get(m, "runnable"));
        const int n = (int)dmx_json_get(m, "cached_members")->valuedouble;
        if (strcmp(name, "htdemucs") == 0) {
            seen++;
            assert_true(cached && runs);
            assert_true(dmx_json_get(m, "bytes")->valuedouble ==
                        (double)first.size);
        } else if (strcmp(name, "pair") == 0) {
            assert_true(!cached && n == 1);
        } else if (strcmp(name, "mdx_q") == 0) {
            assert_true(runs && n == 0);
        }
        assert_non_null(dmx_json_get(m, "licence")->valuestring);
    }
    assert_int_equal(seen, 1);
    assert_int_equal(dmx_json_count(models), 20); /* 11, 6 and ours */
    dmx_json_free(list);
    dmx_hub_close(hub);
}

static void options_are_checked(void **state)
{
    (void)state;
    static const char *const mirrors[] = {
        "ftp://x/", "x", "http://", "http:///x", "http://a b/", "file:///tmp/"};
    for (size_t i = 0; i < sizeof mirrors / sizeof mirrors[0]; i++) {
        dmx_hub *hub;
        dmx_error err = DMX_ERROR_INIT;
        dmx_hub_options o = DMX_HUB_OPTIONS_INIT;
        o.mirror = mirrors[i];
        assert_int_equal(dmx_hub_open(&hub, &o, &err), DMX_ERROR_ARGUMENT);
        assert_null(hub);
    }
    dmx_hub *hub;
    dmx_error err = DMX_ERROR_INIT;
    dmx_hub_options o = DMX_HUB_OPTIONS_INIT;
    o.repository = test_data("model_repository");
    assert_ok(dmx_hub_open(&hub, &o, &err), &err);
    dmx_bag *bag;
    assert_ok(dmx_hub_resolve(&bag, hub, "pair", NULL, &err), &err);
    assert_int_equal(dmx_bag_members(bag), 2);
    dmx_bag_close(bag);
    assert_int_equal(dmx_hub_resolve(&bag, hub, "htdemucs", NULL, &err),
                     DMX_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "specialists"));
    dmx_hub_close(hub);
}

/* --------------------------------------------------------------- registries */

static void released_table_is_sound(void **state)
{
    (void)state;
    const dmx_registry *r = &dmx_registry_released;
    assert_int_equal(r->n_model, 11);
    for (size_t i = 0; i < r->n_model; i++) {
        const dmx_registry_model *m = &r->model[i];
        assert_ptr_equal(dmx_registry_find(r, m->name), m);
        for (size_t k = 0; k < m->n_member; k++) {
            const dmx_registry_member *f = m->member[k];
            for (size_t s = 0; s < f->n_source; s++) {
                const dmx_registry_source *at = &f->source[s];
                const size_t digits = strlen(at->sha256);
                char name[100];
                assert_int_equal(digits, 64);
                assert_int_equal(strspn(at->sha256, "0123456789abcdef"),
                                 digits);
                assert_true(strncmp(at->base, "https://", 8) == 0);
                assert_non_null(strstr(at->path, f->signature));
                /* The release's own names hold the first eight digits. */
                dmx_registry_file_name(name, sizeof name, f, at);
                if (s == 0)
                    assert_non_null(strstr(at->path, name));
            }
        }
        dmx_error err = DMX_ERROR_INIT;
        struct dmx_bag *bag;
        assert_ok(dmx_hub_bag(&bag, m, NULL, &err), &err);
        dmx_bag_close(bag);
    }
    struct dmx_bag *bag;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(
        dmx_hub_bag(&bag, dmx_registry_find(r, "htdemucs_ft"), "other", &err),
        &err);
    assert_string_equal(dmx_bag_signature(bag, 0), "92cfc3b6");
    dmx_bag_close(bag);
}

static void community_table_is_sound(void **state)
{
    (void)state;
    const dmx_registry *r = &dmx_registry_community;
    assert_int_equal(r->n_model, 6);
    for (size_t i = 0; i < r->n_model; i++) {
        const dmx_registry_model *m = &r->model[i];
        dmx_error err = DMX_ERROR_INIT;
        struct dmx_bag *bag;
        assert_ptr_equal(dmx_registry_find(r, m->name), m);
        assert_null(dmx_registry_find(&dmx_registry_released, m->name));
        for (size_t k = 0; k < m->n_member; k++) {
            const dmx_registry_member *f = m->member[k];
            assert_null(strchr(f->signature, '-'));
            assert_null(
                dmx_registry_find_member(&dmx_registry_released, f->signature));
            assert_int_equal(strlen(f->source[0].sha256), 64);
            assert_int_equal(strspn(f->source[0].sha256, "0123456789abcdef"),
                             64);
            assert_string_equal(dmx_extension(f->source[0].path),
                                m->config != NULL ? ".ckpt" : ".th");
        }
        if (m->config != NULL) {
            assert_int_equal(strlen(m->config->source[0].sha256), 64);
            assert_string_equal(dmx_extension(m->config->source[0].path),
                                ".yaml");
        }
        assert_ok(dmx_hub_bag(&bag, m, NULL, &err), &err);
        dmx_bag_close(bag);
    }
    struct dmx_bag *bag;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_hub_bag(&bag, dmx_registry_find(r, "drumsep"), "kick", &err),
              &err);
    assert_string_equal(dmx_bag_stem(bag, "kick"), "bombo");
    assert_string_equal(dmx_bag_stem(bag, "bombo"), "bombo");
    assert_string_equal(dmx_bag_stem(bag, "cowbell"), "cowbell");
    dmx_bag_close(bag);
}

#define REGISTRY(models)                                                       \
    "{\"format\": \"demucs-onnx registry 1\", \"base\": "                      \
    "\"https://a.example/x/\", \"models\": [" models "]}"
#define MODEL(name, files)                                                     \
    "{\"name\": \"" name "\", \"sources\": [\"drums\"], \"classes\": "         \
    "[\"HTDemucs\"], \"members\": [{\"signature\": \"s\", \"files\": [" files  \
    "]}]}"
#define FILE_OF(url, sha)                                                      \
    "{\"url\": \"" url "\", \"sha256\": \"" sha "\", \"bytes\": 7}"

static void private_registries(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        dmx_status code;
    } cases[] = {
        {REGISTRY(MODEL("m", FILE_OF("a/b.th", "01234567"))), DMX_OK},
        {REGISTRY(MODEL("m", FILE_OF("http://h/b.th", "01234567"))), DMX_OK},
        {REGISTRY(""), DMX_OK},
        {"", DMX_ERROR_FORMAT},
        {"[]", DMX_ERROR_FORMAT},
        {"{\"format\": \"demucs-onnx registry 2\", \"models\": []}",
         DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("../m", FILE_OF("b.th", "01234567"))),
         DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("-m", FILE_OF("b.th", "01234567"))), DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("m", FILE_OF("../b.th", "01234567"))),
         DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("m", FILE_OF("/b.th", "01234567"))), DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("m", FILE_OF("file:///b.th", "01234567"))),
         DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("m", FILE_OF("ftp://h/b.th", "01234567"))),
         DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("m", FILE_OF("b.exe", "01234567"))), DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("m", FILE_OF("b.th", "0123456"))), DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("m", FILE_OF("b.th", "0123456g"))), DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("m", "")), DMX_ERROR_FORMAT},
        {REGISTRY(MODEL("m", FILE_OF("b.th", "01234567")) ", " MODEL(
             "m", FILE_OF("b.th", "01234567"))),
         DMX_ERROR_FORMAT},
        {REGISTRY("{}"), DMX_ERROR_FORMAT},
        {REGISTRY("3"), DMX_ERROR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dmx_registry r;
        dmx_error err = DMX_ERROR_INIT;
        const dmx_status status = dmx_registry_parse(
            &r, cases[i].text, strlen(cases[i].text), "r.json", &err);
        if (status != cases[i].code)
            fail_msg("%s: %s", cases[i].text, err.message);
        dmx_registry_free(&r);
    }
    /* Changed bytes are either refused or read; nothing worse happens. */
    uint64_t seed = 9;
    const char *good = cases[0].text;
    char text[1000];
    for (int round = 0; round < 5000; round++) {
        const size_t size = strlen(good);
        memcpy(text, good, size);
        for (int k = 0; k < 3; k++)
            text[test_random(&seed) % size] = (char)test_random(&seed);
        dmx_registry r;
        if (dmx_registry_parse(&r, text, size, "r", NULL) == DMX_OK)
            dmx_registry_free(&r);
    }
}

static void write_registry(void)
{
    char text[4000];
    snprintf(named_path, sizeof named_path, "/named/f7e0c4bc-%.8s.th",
             second_hash);
    const int n = snprintf(
        text, sizeof text,
        "{\"format\": \"demucs-onnx registry 1\","
        " \"base\": \"https://unreachable.invalid/\", \"models\": ["
        "{\"name\": \"htdemucs\", \"sources\": [\"drums\", \"bass\"],"
        " \"classes\": [\"HTDemucs\"], \"members\": [{\"signature\":"
        " \"955717e8\", \"files\": [{\"url\": \"%s\", \"sha256\": \"%s\","
        " \"bytes\": %zu}, {\"url\": \"%s\", \"sha256\": \"%s\"}]}]},"
        "{\"name\": \"pair\", \"sources\": [\"drums\", \"bass\"],"
        " \"classes\": [\"HTDemucs\"], \"weights\": [[1, 0], [0, 1]],"
        " \"members\": [{\"signature\": \"955717e8\", \"files\": [{\"url\":"
        " \"%s\", \"sha256\": \"%s\"}]}, {\"signature\": \"f7e0c4bc\","
        " \"files\": [{\"url\": \"%s\", \"sha256\": \"%.8s\"}]}]},"
        "{\"name\": \"strange\", \"sources\": [\"a\"], \"classes\":"
        " [\"Unheard\"], \"members\": [{\"signature\": \"abcd0001\", \"files\":"
        " [{\"url\": \"abcd.th\", \"sha256\": \"00000000\"}]}]},"
        "{\"name\": \"named\", \"sources\": [\"drums\"], \"classes\": "
        "[\"HTDemucs\"], \"members\": [{\"signature\": \"f7e0c4bc\","
        " \"files\": [{\"url\": \"named/f7e0c4bc-%.8s.th\", \"sha256\":"
        " \"%s\"}]}]}]}",
        &FIRST[1], first_hash, first.size, &TENSOR[1], second_hash, &FIRST[1],
        first_hash, &SECOND[1], second_hash, second_hash, second_hash);
    assert_true(n > 0 && (size_t)n < sizeof text);
    snprintf(registry_path, sizeof registry_path, "%s/registry.json",
             test_folder());
    write_bytes(registry_path, text, (size_t)n);
}

static int set_up(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    unsetenv("TORCH_HOME");
    unsetenv("DEMUCS_ONNX_MIRROR");
    setenv("HOME", test_folder(), 1);
    unsetenv("XDG_CACHE_HOME");
    assert_ok(
        dmx_file_read(&first, test_data("htdemucs/model.th"), 1 << 24, &err),
        &err);
    assert_ok(dmx_file_read(&second, test_data("full_length/model.th"), 1 << 24,
                            &err),
              &err);
    assert_ok(dmx_sha256_hex(first_hash, first.data, first.size, &err), &err);
    assert_ok(dmx_sha256_hex(second_hash, second.data, second.size, &err),
              &err);
    server = test_server_open();
    write_registry();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_server_close(server);
    dmx_blob_free(&first);
    dmx_blob_free(&second);
    for (size_t i = 0; i < 256; i++)
        free(made[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(downloads_once),
        cmocka_unit_test(only_the_stem_that_is_wanted),
        cmocka_unit_test(second_source),
        cmocka_unit_test(second_source_after_odd_answers),
        cmocka_unit_test(not_runnable),
        cmocka_unit_test(without_home),
        cmocka_unit_test(wrong_hash_everywhere),
        cmocka_unit_test(pytorch_cache),
        cmocka_unit_test(processes_share_a_download),
        cmocka_unit_test(read_only_cache),
        cmocka_unit_test(nothing_outside_the_cache),
        cmocka_unit_test(lists_models),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(released_table_is_sound),
        cmocka_unit_test(community_table_is_sound),
        cmocka_unit_test(private_registries),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
