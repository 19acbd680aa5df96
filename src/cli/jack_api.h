/* JACK's library, loaded when it is used: the program runs without it. */
#ifndef DMX_CLI_JACK_API_H
#define DMX_CLI_JACK_API_H

#include <jack/jack.h>

#define CLI_JACK_FUNCTIONS(X)                                                  \
    X(client_open)                                                             \
    X(client_close)                                                            \
    X(get_sample_rate)                                                         \
    X(get_buffer_size)                                                         \
    X(get_client_name)                                                         \
    X(set_process_callback)                                                    \
    X(set_latency_callback)                                                    \
    X(set_xrun_callback)                                                       \
    X(set_buffer_size_callback)                                                \
    X(recompute_total_latencies)                                               \
    X(set_error_function)                                                      \
    X(set_info_function)                                                       \
    X(on_shutdown)                                                             \
    X(activate)                                                                \
    X(port_register)                                                           \
    X(port_get_buffer)                                                         \
    X(port_get_latency_range)                                                  \
    X(port_set_latency_range)

typedef struct cli_jack_api {
    void *library;
#define CLI_JACK_MEMBER(name) __typeof__(&jack_##name) name;
    CLI_JACK_FUNCTIONS(CLI_JACK_MEMBER)
#undef CLI_JACK_MEMBER
} cli_jack_api;

/* NULL, or what is wrong. Once loaded, it stays. */
const char *cli_jack_load(cli_jack_api *api);

#endif
