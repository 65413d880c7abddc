/* What a worker and its plugin host say to each other over the host's stdin and fd 3:
 *
 *   u32 length of what follows, big-endian | u8 kind | payload
 *
 * CALL (worker to host): the function's name, a NUL, the envelope. The rest goes the other way:
 * NEWS is one line as an exec function writes it; RESULT is the JSON value; TRY_AGAIN and PERMANENT
 * are messages of failures; TOO_LARGE is a result over its bound; UNUSABLE says why the plugin
 * cannot be used at all. Each CALL is answered by any NEWS and exactly one of the others. Pure. */
#ifndef MARATHON_RUN_PLUGIN_FRAME_H
#define MARATHON_RUN_PLUGIN_FRAME_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "model/limits.h"

enum plugin_frame_kind {
    PLUGIN_CALL = 'C',
    PLUGIN_NEWS = 'N',
    PLUGIN_RESULT = 'R',
    PLUGIN_TRY_AGAIN = 'T',
    PLUGIN_PERMANENT = 'P',
    PLUGIN_TOO_LARGE = 'L',
    PLUGIN_UNUSABLE = 'U',
};

#define PLUGIN_FRAME_HEAD_BYTES 5u
#define PLUGIN_FRAME_BYTES_MAX  (ENVELOPE_BYTES_MAX + 1024u)

struct plugin_frame {
    enum plugin_frame_kind kind;
    struct bytes payload;
};

/* Makes a frame in an empty buffer: append the payload between these two calls. */
void plugin_frame_begin(struct buf *out, enum plugin_frame_kind kind);
void plugin_frame_end(struct buf *out);
/* Reads the frame at the front of in, and how many bytes it takes. ERR_NOT_FOUND: incomplete;
 * ERR_PROTOCOL: malformed. */
enum err MUST_CHECK plugin_frame_read(struct bytes in, struct plugin_frame *ret_frame,
                                      size_t *ret_taken);

#endif
