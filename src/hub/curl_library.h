/* libcurl: linked (curl_linked.c), or found on the machine by the first
 * download that asks for it (curl_loaded.c, DMX_PORTABLE): TLS and certificates
 * are then those that the system keeps up to date. */
#ifndef DMX_HUB_CURL_LIBRARY_H
#define DMX_HUB_CURL_LIBRARY_H

#include "base/error.h"

/* Before any curl_... is called; any thread, any number of times. Fails with
 * NETWORK where there is no libcurl. */
DMX_MUST_CHECK dmx_status dmx_curl_ready(dmx_error *err);

#endif
