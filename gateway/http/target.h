/* Parses a request's target (RFC 9112, 3.2) into its path and the arguments of its query, decoded.
 * Pure. */
#ifndef MARATHON_HTTP_TARGET_H
#define MARATHON_HTTP_TARGET_H

#include "base/bytes.h"
#include "model/code.h"

#define TARGET_ARGS_MAX       32 /* more are refused */
#define TARGET_ARG_BYTES_MAX  1024
#define TARGET_PATH_BYTES_MAX 2048
#define TARGET_TOO_LONG       "the path or its query is longer than this server takes"

struct target {
    /* Adjacent slashes are merged. Nothing else is normalised: `..` is an ordinary name. */
    struct bytes path;
    const struct bytes *args; /* "name=value" */
    size_t arg_count;
};

/* The texts live in the arena, NUL-terminated. CODE_URI_TOO_LONG; CODE_BAD_REQUEST: malformed. */
enum code target_read(struct bytes text, struct arena *arena, struct target *ret_target);

#endif
