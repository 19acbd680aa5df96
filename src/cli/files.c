#include "files.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ------------------------------------------------------------------- set */

static cli_file *slot_of(const cli_files *f, dev_t volume, ino_t file)
{
    const uint64_t mixed =
        ((uint64_t)file ^ ((uint64_t)volume << 40)) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(mixed >> 20) & (f->slots - 1);
    while (f->slot[i].path != NULL &&
           (f->slot[i].volume != volume || f->slot[i].file != file))
        i = (i + 1) & (f->slots - 1);
    return &f->slot[i];
}

static bool grow(cli_files *f)
{
    if (2 * f->count < f->slots)
        return true;
    cli_files larger = {NULL, f->slots > 0 ? 2 * f->slots : 16, f->count};
    larger.slot = calloc(larger.slots, sizeof *larger.slot);
    if (larger.slot == NULL)
        return false;
    for (size_t i = 0; i < f->slots; i++)
        if (f->slot[i].path != NULL)
            *slot_of(&larger, f->slot[i].volume, f->slot[i].file) = f->slot[i];
    free(f->slot);
    *f = larger;
    return true;
}

bool cli_files_add(cli_files *f, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return true;
    if (!grow(f))
        return false;
    cli_file *slot = slot_of(f, st.st_dev, st.st_ino);
    if (slot->path != NULL)
        return true;
    *slot = (cli_file){st.st_dev, st.st_ino, strdup(path)};
    f->count += slot->path != NULL;
    return slot->path != NULL;
}

const char *cli_files_find(const cli_files *f, const char *path)
{
    struct stat st;
    return f->slots > 0 && stat(path, &st) == 0
               ? slot_of(f, st.st_dev, st.st_ino)->path
               : NULL;
}

void cli_files_free(cli_files *f)
{
    for (size_t i = 0; i < f->slots; i++)
        free(f->slot[i].path);
    free(f->slot);
    *f = (cli_files){0};
}

/* ----------------------------------------------------------------- outputs */

/* Whether two paths name the same file that does not exist yet: the same name
 * in the same folder. */
static bool same_place(const char *a, const char *b)
{
    const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');
    const char *base_a = slash_a != NULL ? slash_a + 1 : a;
    const char *base_b = slash_b != NULL ? slash_b + 1 : b;
    if (strcmp(base_a, base_b) != 0)
        return false;
    char *folder_a = slash_a != NULL ? strndup(a, (size_t)(base_a - a)) : NULL;
    char *folder_b = slash_b != NULL ? strndup(b, (size_t)(base_b - b)) : NULL;
    struct stat x, y;
    const bool same = stat(folder_a != NULL ? folder_a : ".", &x) == 0 &&
                      stat(folder_b != NULL ? folder_b : ".", &y) == 0 &&
                      x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    free(folder_a);
    free(folder_b);
    return same;
}

bool cli_same_file(const char *a, const char *b)
{
    struct stat x, y;
    const bool there_a = stat(a, &x) == 0, there_b = stat(b, &y) == 0;
    if (there_a != there_b)
        return false;
    if (there_a)
        return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    return same_place(a, b);
}

int cli_check_output(cli_terminal *t, const char *command,
                     const cli_files *inputs, const char *output)
{
    struct stat st;
    const char *input =
        output != NULL && stat(output, &st) == 0 && S_ISREG(st.st_mode)
            ? cli_files_find(inputs, output)
            : NULL;
    if (input == NULL)
        return CLI_DONE;
    if (strcmp(input, output) == 0)
        return cli_misuse(t, command,
                          "%s: is read by this command; write to another file",
                          output);
    return cli_misuse(t, command,
                      "%s: is the same file as %s, which this command reads; "
                      "write to another file",
                      output, input);
}
