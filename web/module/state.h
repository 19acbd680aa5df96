/* Shared inside the module. */
#ifndef WEB_STATE_H
#define WEB_STATE_H

#include "base/error.h"
#include "base/platform.h"

/* What web_error tells. */
dmx_error *web_last_error(void);

/* The host's warn and progress. */
dmx_hooks web_hooks(void);

#endif
