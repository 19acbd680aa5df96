/* Limits of nested control groups, in trees made here. */
#include "test_support.h"

#include "base/cgroup.h"
#include "base/parallel.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *root;

static void put(const char *name, const char *text)
{
    char path[1300];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *c = path + strlen(root) + 1; *c != '\0'; c++)
        if (*c == '/') {
            *c = '\0';
            mkdir(path, 0755);
            *c = '/';
        }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static char mount[1200], self[1200];

static void prepare(const char *tree, const char *groups)
{
    put("self", groups);
    snprintf(mount, sizeof mount, "%s/%s", root, tree);
    snprintf(self, sizeof self, "%s/self", root);
}

static int cores(const char *tree, const char *groups)
{
    prepare(tree, groups);
    return dmx_cgroup_cores(mount, self);
}

static int64_t memory(const char *tree, const char *groups)
{
    prepare(tree, groups);
    return dmx_cgroup_memory(mount, self);
}

static void test_version_2(void **state)
{
    (void)state;
    put("v2/a/cpu.max", "250000 100000\n");
    put("v2/a/b/cpu.max", "max 100000\n");
    put("v2/a/b/c/cpu.max", "400000 100000\n");
    put("v2/x/cpu.max", "50000 100000\n");
    assert_int_equal(cores("v2", "0::/\n"), 0);
    assert_int_equal(cores("v2", "0::/a\n"), 3);
    assert_int_equal(cores("v2", "0::/a/b\n"), 3);
    assert_int_equal(cores("v2", "0::/a/b/c\n"), 3); /* the group above */
    assert_int_equal(cores("v2", "0::/x\n"), 1);
    assert_int_equal(cores("v2", "0::/x/no/such\n"), 1);
    assert_int_equal(cores("v2", "0::/../../x\n"), 0);
    /* In a container the mount itself is the process's group. */
    put("inner/cpu.max", "150000 100000\n");
    assert_int_equal(cores("inner", "0::/\n"), 2);
    assert_int_equal(cores("inner", "0::/../elsewhere\n"), 2);
}

static void test_version_1(void **state)
{
    (void)state;
    put("v1/cpu/d/cpu.cfs_quota_us", "300000\n");
    put("v1/cpu/d/cpu.cfs_period_us", "100000\n");
    put("v1/cpu/d/e/cpu.cfs_quota_us", "-1\n");
    put("v1/cpu/d/e/cpu.cfs_period_us", "100000\n");
    put("v1/cpu/f/cpu.cfs_quota_us", "20000\n");
    put("v1/cpu/f/cpu.cfs_period_us", "10000\n");
    assert_int_equal(cores("v1", "5:memory:/f\n4:cpu,cpuacct:/d/e\n"), 3);
    assert_int_equal(cores("v1", "4:cpuacct,cpu:/f\n0::/\n"), 2);
    assert_int_equal(cores("v1", "4:cpuacct:/f\n"), 0);
}

static void test_odd(void **state)
{
    (void)state;
    put("odd/a/cpu.max", "x y\n");
    put("odd/b/cpu.max", "100000 0\n");
    put("odd/c/cpu.max", "9223372036854775807 1\n");
    put("odd/d/cpu.max", "");
    assert_int_equal(cores("odd", "0::/a\n0::/b\n0::/c\n0::/d\n"), 0);
    assert_int_equal(cores("odd", "\n:\n::\n0:\nnonsense\n"), 0);
    assert_int_equal(dmx_cgroup_cores("/no/mount", "/no/self"), 0);
    assert_true(dmx_cpu_count() >= 1);
}

static void test_memory(void **state)
{
    (void)state;
    put("m2/a/memory.max", "1000000\n");
    put("m2/a/memory.stat", "file 900000\nanon 300000\nanon_thp 5\n");
    put("m2/a/b/memory.max", "max\n");
    put("m2/a/b/c/memory.max", "800000\n");
    put("m2/a/b/c/memory.stat", "anon 200000\n");
    put("m2/full/memory.max", "1000\n");
    put("m2/full/memory.stat", "anon 2000\n");
    put("m2/plain/memory.max", "5000\n");
    assert_int_equal(memory("m2", "0::/\n"), 0);
    assert_int_equal(memory("m2", "0::/a\n"), 700000);
    assert_int_equal(memory("m2", "0::/a/b\n"), 700000);
    assert_int_equal(memory("m2", "0::/a/b/c\n"), 600000);
    assert_int_equal(memory("m2", "0::/full\n"), 1);
    assert_int_equal(memory("m2", "0::/plain\n"), 5000);
    put("m1/memory/d/memory.limit_in_bytes", "50000\n");
    put("m1/memory/d/memory.stat", "rss 1\ntotal_rss 20000\n");
    put("m1/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(memory("m1", "4:cpu:/d\n3:memory:/d\n"), 30000);
    assert_int_equal(memory("m1", "4:cpu:/d\n"), 0);
    assert_int_equal(memory("m1", "3:memory:/\n"), 0);
    assert_int_equal(dmx_cgroup_memory("/no/mount", "/no/self"), 0);
    assert_true(dmx_memory_available() >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_2), cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_odd), cmocka_unit_test(test_memory)};
    root = test_folder();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
