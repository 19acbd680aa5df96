/* A locale whose decimal point is a comma. */
#ifndef DMX_TEST_COMMA_LOCALE_H
#define DMX_TEST_COMMA_LOCALE_H

#include <stdbool.h>

/* Makes it the program's, compiled by localedef into the test's folder where
 * the system has none; false when that fails too. Undo with setlocale(LC_ALL,
 * "C"). */
bool test_comma_locale(void);

#endif
