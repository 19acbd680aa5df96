/* Runs a target on every file of the folders and files named: the corpus as an
 * ordinary test, with any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    (void)data;
    (void)max_size;
    return size;
}

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (f == NULL || fstat(fileno(f), &st) != 0) {
        perror(path);
        if (f != NULL)
            fclose(f);
        return 1;
    }
    const size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size + (size == 0));
    const int ok = data != NULL && fread(data, 1, size, f) == size;
    fclose(f);
    if (ok) {
        /* The last line before a crash names the file. */
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return ok ? 0 : 1;
}

static int replay_folder(const char *path, int *count)
{
    int bad = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return (*count)++, replay_file(path);
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        bad |= replay_file(name);
        (*count)++;
    }
    closedir(folder);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0, count = 0;
    for (int i = 1; i < argc; i++)
        bad |= replay_folder(argv[i], &count);
    printf("%d inputs\n", count);
    return bad || count == 0;
}
