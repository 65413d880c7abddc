/* libmicrohttpd, loaded at run time only if a daemon has a monitoring port: it pulls in GnuTLS and
 * nine more libraries, 2.4 MiB per process. */
#ifndef MARATHON_MONITOR_MICROHTTPD_LIBRARY_H
#define MARATHON_MONITOR_MICROHTTPD_LIBRARY_H

#include <microhttpd.h>

/* Members are named as in libmicrohttpd, without MHD_. */
struct microhttpd_library {
    struct MHD_Daemon *(*start_daemon)(unsigned flags, uint16_t port,
                                       MHD_AcceptPolicyCallback accept, void *accept_user,
                                       MHD_AccessHandlerCallback handler, void *handler_user, ...);
    void (*stop_daemon)(struct MHD_Daemon *daemon);
    const union MHD_DaemonInfo *(*get_daemon_info)(struct MHD_Daemon *daemon,
                                                   enum MHD_DaemonInfoType type, ...);
    enum MHD_Result (*get_timeout)(struct MHD_Daemon *daemon, MHD_UNSIGNED_LONG_LONG *wait_ms);
    enum MHD_Result (*run)(struct MHD_Daemon *daemon);
    const char *(*lookup_connection_value)(struct MHD_Connection *connection,
                                           enum MHD_ValueKind kind, const char *name);
    struct MHD_Response *(*create_response_from_buffer)(size_t size, void *bytes,
                                                        enum MHD_ResponseMemoryMode mode);
    enum MHD_Result (*add_response_header)(struct MHD_Response *response, const char *name,
                                           const char *text);
    enum MHD_Result (*queue_response)(struct MHD_Connection *connection, unsigned status,
                                      struct MHD_Response *response);
    void (*destroy_response)(struct MHD_Response *response);
};

/* Dies if the library is not installed. */
const struct microhttpd_library *microhttpd(void);

#endif
