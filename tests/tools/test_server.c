/* test_server PATH=FILE...: serves these files on loopback until it is killed;
 * prints its URL. PATH~BYTES=FILE closes the connection after so many bytes of
 * the first answer. */
#include "http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    const long length = ftell(f);
    rewind(f);
    void *data = malloc((size_t)length + 1);
    if (data == NULL || length < 0 ||
        fread(data, 1, (size_t)length, f) != (size_t)length)
        exit(1);
    fclose(f);
    *size = (size_t)length;
    return data;
}

int main(int argc, char **argv)
{
    test_server *server = test_server_open();
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals == NULL)
            return 2;
        *equals = '\0';
        char *cut = strchr(argv[i], '~');
        if (cut != NULL)
            *cut = '\0';
        size_t size;
        void *data = read_file(equals + 1, &size);
        server_file *f = test_server_add(server, argv[i], data, size);
        if (cut != NULL) {
            f->cut = strtol(cut + 1, NULL, 10);
            f->cut_times = 1;
        }
    }
    printf("%s\n", test_server_url(server));
    fflush(stdout);
    for (;;)
        pause();
}
