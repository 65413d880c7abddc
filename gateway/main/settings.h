/* The gateway's settings, checked: one table, read once at start. */
#ifndef MARATHON_GATEWAY_SETTINGS_H
#define MARATHON_GATEWAY_SETTINGS_H

#include "base/log.h"
#include "conf/conf.h"
#include "http/server.h"

struct settings {
    struct conf *conf; /* owns all texts */
    struct log_options log;
    struct http_options http;
    const char *const *coordinators;
    size_t coordinator_count;
    const char *keys_path; /* "" = no keys */
    mono_ms drain_ms;
};

/* Prints and exits where argv, environment or file are wrong (2), or the address is not allowed
 * (78). */
struct settings settings_load(int argc, char **argv);

#endif
