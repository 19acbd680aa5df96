/* Shared inside the module. */
#ifndef WEB_STATE_H
#define WEB_STATE_H

#include "base/error.h"
#include "base/platform.h"

/* The error that web_error returns. */
dmx_error *web_last_error(void);

/* Hooks that call the host's warn and progress. */
dmx_hooks web_hooks(void);

#endif
