#include "main/settings.h"

#include "conf/log_settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/listen.h"
#include "main/requests.h"
#include "model/limits.h"
#include "tls/tls_settings.h"

#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits: restarting will not help */

#define DRAIN_S     12 /* a call that waits for a coordinator has its answer before */
#define TEXT_OF_(x) #x
#define TEXT_OF(x)  TEXT_OF_(x)
_Static_assert(DRAIN_S * 1000 > ANSWER_MS, "a drain by default outlasts every call");

static const struct conf_entry entries[] = {
    {.env = "MARATHON_LISTEN",
     .kind = CONF_TEXT,
     .fallback = "127.0.0.1:8000",
     .help = "address and port for clients: 127.0.0.1:8000, [::1]:8000, 0.0.0.0:8000"},
    {.env = "MARATHON_INSECURE_LISTEN",
     .kind = CONF_BOOL,
     .fallback = "false",
     .help = "allow to listen beyond this machine without API keys"},
    {.env = "MARATHON_API_KEYS_FILE",
     .kind = CONF_TEXT,
     .fallback = "",
     .help = "file of API keys (marathon keys new), read again on SIGHUP; empty: no key is needed"},
    {.env = "MARATHON_COORDINATORS",
     .kind = CONF_LIST,
     .fallback = "tcp://127.0.0.1:7400",
     .help = "all coordinators: tls+tcp://host:port, tcp://host:port (all addresses of the name "
             "are used) or ipc:///path; comma separated"},
    {.env = "MARATHON_ALLOWED_ORIGINS",
     .kind = CONF_LIST,
     .fallback = "",
     .help = "Origins of pages that may open WebSockets, in addition to this host's own; without "
             "API keys also those that may make changes, and the names other than localhost by "
             "which this gateway may be called: https://marathon.example, comma separated"},
    {.env = "MARATHON_MAX_BODY_BYTES",
     .kind = CONF_INT,
     .fallback = "1048576",
     .min = 1024,
     .max = BODY_BYTES_MAX,
     .help = "largest request body, in bytes"},
    {.env = "MARATHON_MAX_CONNECTIONS",
     .kind = CONF_INT,
     .fallback = "12000",
     .min = 16,
     .max = 1000000,
     .help = "client connections at a time; further ones are closed immediately"},
    {.env = "MARATHON_HEADER_TIMEOUT",
     .kind = CONF_INT,
     .fallback = "10",
     .min = 1,
     .max = 600,
     .help = "seconds that a client may take to send a request's headers"},
    {.env = "MARATHON_BODY_TIMEOUT",
     .kind = CONF_INT,
     .fallback = "30",
     .min = 1,
     .max = 600,
     .help = "seconds a client may take to send a request's body"},
    {.env = "MARATHON_IDLE_TIMEOUT",
     .kind = CONF_INT,
     .fallback = "75",
     .min = 1,
     .max = 3600,
     .help = "seconds an idle connection is kept for its next request"},
    {.env = "MARATHON_STALL_TIMEOUT",
     .kind = CONF_INT,
     .fallback = "10",
     .min = 1,
     .max = 600,
     .help = "seconds after which a client that reads nothing is closed; one that reads less than "
             "1 KiB a second is closed within three times that"},
    {.env = "MARATHON_PING_INTERVAL",
     .kind = CONF_INT,
     .fallback = "22",
     .min = 1,
     .max = 3600,
     .help = "seconds between a WebSocket's pings; closed after two without an answer"},
    {.env = "MARATHON_DRAIN_TIMEOUT",
     .kind = CONF_INT,
     .fallback = TEXT_OF(DRAIN_S),
     .min = 0,
     .max = 600,
     .help = "seconds at most after SIGTERM for answers in progress; clients that still wait then "
             "get an error"},
    CONF_TLS_ENTRIES,
    CONF_LOG_ENTRIES,
};

static const struct conf_program program = {
    .name = "marathon-gateway",
    .summary = "HTTP, WebSocket and event streams for clients; keeps no state of its own.",
    .usage_tail = "Example: marathon-gateway --listen 127.0.0.1:8000 --coordinators "
                  "tcp://127.0.0.1:7400\n",
    .entries = entries,
    .entry_count = sizeof entries / sizeof entries[0],
};

static mono_ms seconds(const struct conf *c, const char *env)
{
    return conf_int(c, env) * 1000;
}

static _Noreturn void refuse(int code, const char *text, const char *value)
{
    (void)fprintf(stderr, "marathon-gateway: MARATHON_LISTEN=%s: %s\n", value, text);
    exit(code);
}

static void listen_check(const struct conf *c)
{
    char host[LISTEN_HOST_BYTES];
    int port;
    bool loopback;
    const char *text = conf_text(c, "MARATHON_LISTEN");
    if (listen_parse(text, host, &port, &loopback) != ERR_OK) {
        refuse(2, "must be an address and a port, such as 127.0.0.1:8000", text);
    }
    if (!loopback && conf_text(c, "MARATHON_API_KEYS_FILE")[0] == '\0' &&
        !conf_bool(c, "MARATHON_INSECURE_LISTEN")) {
        refuse(EXIT_CONFIG,
               "can be reached from other machines, and clients are not authenticated; give a file "
               "of keys with --api-keys-file (marathon keys new makes it), or use "
               "--insecure-listen (MARATHON_INSECURE_LISTEN=true) if that is intended",
               text);
    }
}

struct settings settings_load(int argc, char **argv)
{
    struct conf *c = conf_load(&program, argc, argv, MARATHON_VERSION " (" MARATHON_GIT ")");
    struct settings s = {.conf = c, .log = conf_log_options(c, "gateway")};
    listen_check(c);
    s.http = (struct http_options){
        .listen = conf_text(c, "MARATHON_LISTEN"),
        .body_bytes_max = (size_t)conf_int(c, "MARATHON_MAX_BODY_BYTES"),
        .connections_max = (unsigned)conf_int(c, "MARATHON_MAX_CONNECTIONS"),
        .header_ms = seconds(c, "MARATHON_HEADER_TIMEOUT"),
        .body_ms = seconds(c, "MARATHON_BODY_TIMEOUT"),
        .idle_ms = seconds(c, "MARATHON_IDLE_TIMEOUT"),
        .stall_ms = seconds(c, "MARATHON_STALL_TIMEOUT"),
        .ping_ms = seconds(c, "MARATHON_PING_INTERVAL"),
    };
    s.http.origins.count = conf_list(c, "MARATHON_ALLOWED_ORIGINS", &s.http.origins.allowed);
    s.coordinator_count = conf_list(c, "MARATHON_COORDINATORS", &s.coordinators);
    s.keys_path = conf_text(c, "MARATHON_API_KEYS_FILE");
    s.http.asks_keys = s.keys_path[0] != '\0';
    s.drain_ms = seconds(c, "MARATHON_DRAIN_TIMEOUT");
    return s;
}
