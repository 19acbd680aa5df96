/* Time that passes. */
#ifndef DMX_BASE_CLOCK_H
#define DMX_BASE_CLOCK_H

/* Seconds of a clock that never jumps, from some moment on. */
double dmx_seconds(void);

#endif
