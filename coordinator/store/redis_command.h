/* Builds one Redis command in RESP2, in place: the number of arguments is written in front when the
 * command is complete. Zero-initialise it, command_free when done. */
#ifndef MARATHON_STORE_REDIS_COMMAND_H
#define MARATHON_STORE_REDIS_COMMAND_H

#include "base/bytes.h"

struct redis_command {
    struct buf buf;
    uint32_t args;
};

void command_begin(struct redis_command *c, const char *name); /* discards what was there */
void command_add(struct redis_command *c, struct bytes arg);
void command_add_str(struct redis_command *c, const char *arg);
void command_add_uint(struct redis_command *c, uint64_t arg);
/* The complete command, borrowed until the next change. */
struct bytes command_end(struct redis_command *c);
void command_free(struct redis_command *c);

/* Append one encoded argument: either of len bytes, which the caller writes next and ends with
 * command_put_end, or a whole one. */
void command_put_start(struct buf *out, size_t len);
void command_put_end(struct buf *out);
void command_put(struct buf *out, struct bytes arg);
void command_put_uint(struct buf *out, uint64_t arg);

#endif
