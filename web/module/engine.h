/* How the separator's engines are opened here. */
#ifndef WEB_ENGINE_H
#define WEB_ENGINE_H

#include <stddef.h>

/* Of the engines opened from now on: float16 weights stay as they are. */
void web_set_low_memory(int on);

/* How much the next engine's weights are likely to take. */
void web_expect_pages(size_t bytes);

#endif
