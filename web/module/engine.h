/* Settings for the engines that the separator opens. */
#ifndef WEB_ENGINE_H
#define WEB_ENGINE_H

#include "base/arithmetic.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether engines opened from now on keep float16 weights as float16. */
void web_set_low_memory(int on);

/* Which integers are faster than float32, as the host says; NULL: the next
 * engine that asks measures it. */
void web_set_integers(const bool faster[DMX_NUMBERS]);

/* Integers that this host computes wrong: no engine takes them. */
void web_forbid_integers(const bool wrong[DMX_NUMBERS]);

/* Hint: the bytes that the next engine's weights are likely to take. */
void web_expect_pages(size_t bytes);

#endif
