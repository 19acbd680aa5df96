/* Lists of songs (--files-from): every name comes from one line, or the list
 * is refused. */
#include "fuzz_open.h"

#include "cli/separate_list.h"

#include <stdlib.h>
#include <string.h>

static void check(const separate_list *list, size_t size)
{
    size_t bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        const size_t n = strlen(list->item[i]);
        if (n == 0 || memchr(list->item[i], '\n', n) != NULL)
            abort();
        bytes += n;
    }
    if (bytes != list->bytes || bytes > size)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cli_terminal t = {.quiet = 1};
    separate_list list = {0};
    FILE *f = fmemopen((void *)(uintptr_t)data, size, "r");
    if (f == NULL) /* an empty file */
        return 0;
    const int code = separate_list_read(&list, &t, "fuzz.txt", f);
    if (code != CLI_DONE && code != CLI_USAGE)
        abort();
    check(&list, size);
    separate_list_free(&list);
    fclose(f);
    return 0;
}
