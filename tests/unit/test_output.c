/* Files that appear when they are complete, and what may already exist under
 * their names. */
#include "test_support.h"

#include "base/output.h"
#include "base/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *in_folder(const char *name)
{
    static char path[8][1400];
    static int next;
    char *text = path[next++ % 8];
    snprintf(text, sizeof path[0], "%s/%s", test_folder(), name);
    return text;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void assert_text(const char *path, const char *wanted)
{
    char text[64] = "";
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) < sizeof text);
    fclose(f);
    assert_string_equal(text, wanted);
}

static mode_t type_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

static void put(const char *path, const char *text)
{
    dmx_output out;
    dmx_error err = DMX_ERROR_INIT;
    assert_ok(dmx_output_open(&out, path, &err), &err);
    assert_ok(dmx_output_write(&out, text, strlen(text), &err), &err);
    assert_ok(dmx_output_commit(&out, NULL, &err), &err);
}

static void test_commit(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_output out;
    const char *path = in_folder("out.bin");
    assert_ok(dmx_output_open(&out, path, &err), &err);
    assert_ok(dmx_output_write(&out, "abc", 3, &err), &err);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_ok(dmx_output_commit(&out, NULL, &err), &err);
    assert_text(path, "abc");
}

static void test_abandon(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_output out;
    const char *path = in_folder("gone.bin");
    assert_ok(dmx_output_open(&out, path, &err), &err);
    char *temporary = strdup(out.temporary_path);
    assert_int_equal(access(temporary, F_OK), 0);
    dmx_output_abandon(&out);
    dmx_output_abandon(&out);
    assert_int_not_equal(access(temporary, F_OK), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    free(temporary);
}

/* Two simultaneous outputs of one name do not mix; the last one wins. */
static void test_two_at_a_time(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_output a, b;
    const char *path = in_folder("two.bin");
    assert_ok(dmx_output_open(&a, path, &err), &err);
    assert_ok(dmx_output_open(&b, path, &err), &err);
    assert_string_not_equal(a.temporary_path, b.temporary_path);
    assert_ok(dmx_output_write(&a, "a", 1, &err), &err);
    assert_ok(dmx_output_commit(&a, NULL, &err), &err);
    assert_text(path, "a");
    assert_ok(dmx_output_write(&b, "b", 1, &err), &err);
    assert_ok(dmx_output_commit(&b, NULL, &err), &err);
    assert_text(path, "b");
}

/* A process that was killed leaves its part file; the next one for the same
 * name removes it, but none that is locked and no other file. */
static void test_dead_parts(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_output out;
    char *living;
    const char *dead = in_folder("m.onnx.0123456789abcdef.dmx-part");
    const char *kept[] = {in_folder("m.onnx.x.part"),
                          in_folder("m.onnx.0123456789abcde.dmx-part"),
                          in_folder("m.onnx.0123456789abcdeg.dmx-part"),
                          in_folder("n.onnx.0123456789abcdef.dmx-part")};
    write_text(dead, "x");
    for (size_t i = 0; i < 4; i++)
        write_text(kept[i], "x");
    const int fd = dmx_part_file_create(&living, in_folder("m.onnx"));
    assert_true(fd >= 0);
    assert_ok(dmx_output_open(&out, in_folder("m.onnx"), &err), &err);
    dmx_output_abandon(&out);
    assert_int_not_equal(access(dead, F_OK), 0);
    assert_int_equal(access(living, F_OK), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(access(kept[i], F_OK), 0);
    close(fd);
    unlink(living);
    free(living);
}

/* Another file has taken the part's name: it is neither renamed nor removed. */
static void test_part_replaced(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_output out;
    assert_ok(dmx_output_open(&out, in_folder("r.bin"), &err), &err);
    char *part = strdup(out.temporary_path);
    assert_int_equal(unlink(part), 0);
    write_text(part, "another's");
    assert_int_equal(dmx_output_commit(&out, NULL, &err), DMX_ERROR_IO);
    assert_text(part, "another's");
    assert_int_not_equal(access(in_folder("r.bin"), F_OK), 0);
    free(part);
}

static void test_long_names(void **state)
{
    (void)state;
    for (size_t length = 230; length <= 255; length++) {
        char name[300];
        memset(name, 'x', length);
        name[length] = '\0';
        put(in_folder(name), "long");
        assert_text(in_folder(name), "long");
    }
    char wide[300] = ""; /* three bytes a character */
    for (int i = 0; i < 85; i++)
        strcat(wide, "\xe2\x82\xac");
    put(in_folder(wide), "wide");
    char name[257];
    memset(name, 'x', 256);
    name[256] = '\0';
    dmx_output out;
    assert_int_equal(dmx_output_open(&out, in_folder(name), NULL),
                     DMX_ERROR_IO);
}

static void test_links(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("links"), 0700), 0);
    write_text(in_folder("links/target"), "old");
    assert_int_equal(symlink("links/target", in_folder("one")), 0);
    assert_int_equal(symlink("one", in_folder("two")), 0);
    put(in_folder("two"), "new");
    assert_text(in_folder("links/target"), "new");
    assert_int_equal(type_of(in_folder("one")), S_IFLNK);
    assert_int_equal(type_of(in_folder("two")), S_IFLNK);
    assert_int_equal(symlink("links/none", in_folder("dangling")), 0);
    put(in_folder("dangling"), "made");
    assert_text(in_folder("links/none"), "made");
    assert_int_equal(type_of(in_folder("dangling")), S_IFLNK);
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    dmx_output out;
    assert_int_equal(dmx_output_open(&out, in_folder("loop"), NULL),
                     DMX_ERROR_IO);
    assert_int_equal(type_of(in_folder("loop")), S_IFLNK);
}

static void test_pipe(void **state)
{
    (void)state;
    dmx_output out;
    dmx_error err = DMX_ERROR_INIT;
    const char *pipe = in_folder("pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(dmx_output_open(&out, pipe, &err), DMX_ERROR_IO);
    assert_non_null(strstr(err.message, "no program reads"));
    const int reader = open(pipe, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    put(pipe, "through");
    char text[16] = "";
    assert_int_equal(read(reader, text, sizeof text - 1), 7);
    assert_string_equal(text, "through");
    close(reader);
    assert_int_equal(type_of(pipe), S_IFIFO);
}

static void test_devices(void **state)
{
    (void)state;
    put("/dev/null", "gone");
    assert_int_equal(type_of("/dev/null"), S_IFCHR);
    dmx_output out;
    dmx_error err = DMX_ERROR_INIT;
    if (access("/dev/full", W_OK) != 0)
        return;
    assert_ok(dmx_output_open(&out, "/dev/full", &err), &err);
    assert_ok(dmx_output_write(&out, "x", 1, &err), &err);
    assert_int_equal(dmx_output_commit(&out, NULL, &err), DMX_ERROR_IO);
    assert_non_null(strstr(err.message, "No space"));
}

/* What a commit created is removed again; what it replaced, or what has become
 * another file, is not. */
static void test_take_back(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    dmx_output out;
    dmx_output_mark mark;
    const char *path = in_folder("back");
    for (int other = 0; other < 2; other++) {
        assert_ok(dmx_output_open(&out, path, &err), &err);
        assert_ok(dmx_output_commit(&out, &mark, &err), &err);
        if (other) {
            write_text(in_folder("other"), "other");
            assert_int_equal(rename(in_folder("other"), path), 0);
        }
        dmx_output_take_back(&mark);
        assert_int_equal(access(path, F_OK) == 0, other);
    }
    assert_ok(dmx_output_open(&out, path, &err), &err);
    assert_ok(dmx_output_commit(&out, &mark, &err), &err);
    assert_null(mark.path);
    dmx_output_take_back(&mark);
    assert_int_equal(access(path, F_OK), 0);
}

static void test_permissions(void **state)
{
    (void)state;
    struct stat st;
    const char *path = in_folder("private");
    write_text(path, "old");
    assert_int_equal(chmod(path, 0600), 0);
    put(path, "new");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_remove_at_once(void **state)
{
    (void)state;
    dmx_error err = DMX_ERROR_INIT;
    const char *path = in_folder("at-once");
    const pid_t child = fork();
    if (child == 0) {
        dmx_output out;
        if (dmx_output_open(&out, path, &err) != DMX_OK)
            _exit(1);
        char *part = strdup(out.temporary_path);
        if (part == NULL || access(part, F_OK) != 0)
            _exit(2);
        dmx_remove_part_files();
        const int left = access(part, F_OK) == 0;
        _exit(left || dmx_output_commit(&out, NULL, &err) == DMX_OK ? 3 : 0);
    }
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_refuses(void **state)
{
    (void)state;
    dmx_output out;
    assert_int_equal(dmx_output_open(&out, test_folder(), NULL), DMX_ERROR_IO);
    assert_int_equal(dmx_output_open(&out, in_folder("no/such/file"), NULL),
                     DMX_ERROR_IO);
    assert_int_equal(dmx_output_open(&out, "", NULL), DMX_ERROR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_two_at_a_time),
        cmocka_unit_test(test_dead_parts),
        cmocka_unit_test(test_part_replaced),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_take_back),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_remove_at_once),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
