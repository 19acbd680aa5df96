#include "text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool cli_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Writes and syncs; 0, or an errno. */
static int write_all(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return errno;
    errno = 0;
    const bool written = fputs(text, f) >= 0 && fputc('\n', f) != EOF &&
                         fflush(f) == 0 && fsync(fileno(f)) == 0;
    const int problem = written ? 0 : errno != 0 ? errno : EIO;
    return fclose(f) == 0 || problem != 0 ? problem : errno;
}

int cli_write_text(cli_terminal *t, const char *path, const char *text)
{
    const size_t size = strlen(path) + 64;
    char *part = malloc(size);
    int problem = part == NULL ? ENOMEM : 0;
    if (problem == 0 && cli_is_folder(path))
        problem = EISDIR;
    if (problem == 0) {
        snprintf(part, size, "%s.%ld-0.dmx-part", path, (long)getpid());
        problem = write_all(part, text);
        if (problem == 0 && rename(part, path) != 0)
            problem = errno;
        if (problem != 0)
            unlink(part);
    }
    free(part);
    if (problem == 0)
        return CLI_DONE;
    cli_error(t, "%s: can't write: %s", path, strerror(problem));
    return CLI_FAILED;
}
