#include "comma_locale.h"

#include "test_support.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

static bool take_one(void)
{
    static const char *const known[] = {"de_DE.UTF-8", "de_DE.utf8",
                                        "fr_FR.UTF-8", "pt_BR.UTF-8"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (setlocale(LC_ALL, known[i]) != NULL &&
            localeconv()->decimal_point[0] == ',')
            return true;
    setlocale(LC_ALL, "C");
    return false;
}

bool test_comma_locale(void)
{
    char command[1500];
    if (take_one())
        return true;
    snprintf(command, sizeof command,
             "localedef -c -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1",
             test_folder());
    if (system(command) < 0)
        return false;
    setenv("LOCPATH", test_folder(), 1);
    return take_one();
}
