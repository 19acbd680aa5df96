/* Settings for the engines that the separator opens. */
#ifndef WEB_ENGINE_H
#define WEB_ENGINE_H

#include <stddef.h>

/* Whether engines opened from now on keep float16 weights as float16. */
void web_set_low_memory(int on);

/* Hint: the bytes that the next engine's weights are likely to take. */
void web_expect_pages(size_t bytes);

#endif
