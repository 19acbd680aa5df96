/* The engine as the separator's runner. */
#ifndef WEB_RUNNER_H
#define WEB_RUNNER_H

/* Of the runners made from now on: float16 weights stay as they are. */
void web_set_low_memory(int on);

#endif
