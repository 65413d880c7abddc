#include "monitor/microhttpd_library.h"

#include <stdbool.h>

#include "base/library.h"

static const struct library_symbol symbols[] = {
    {"MHD_start_daemon", offsetof(struct microhttpd_library, start_daemon)},
    {"MHD_stop_daemon", offsetof(struct microhttpd_library, stop_daemon)},
    {"MHD_get_daemon_info", offsetof(struct microhttpd_library, get_daemon_info)},
    {"MHD_get_timeout", offsetof(struct microhttpd_library, get_timeout)},
    {"MHD_run", offsetof(struct microhttpd_library, run)},
    {"MHD_lookup_connection_value", offsetof(struct microhttpd_library, lookup_connection_value)},
    {"MHD_create_response_from_buffer",
     offsetof(struct microhttpd_library, create_response_from_buffer)},
    {"MHD_add_response_header", offsetof(struct microhttpd_library, add_response_header)},
    {"MHD_queue_response", offsetof(struct microhttpd_library, queue_response)},
    {"MHD_destroy_response", offsetof(struct microhttpd_library, destroy_response)},
};

static const struct library libmicrohttpd = {
    .soname = "libmicrohttpd.so.12", /* the soname of every libmicrohttpd since 0.9.31 */
    .user = "MARATHON_METRICS_LISTEN",
    .symbols = symbols,
    .symbol_count = sizeof symbols / sizeof symbols[0],
};

const struct microhttpd_library *microhttpd(void)
{
    static struct microhttpd_library table;
    static bool loaded;
    if (!loaded) {
        library_load(&libmicrohttpd, &table);
        loaded = true;
    }
    return &table;
}
