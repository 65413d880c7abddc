/* Both ends of a connection to Redis: replies are sent at one, and received at the other. */
#ifndef MARATHON_TESTS_INCOMING_WIRE_H
#define MARATHON_TESTS_INCOMING_WIRE_H

#include "store/redis_incoming.h"

struct wire {
    int ours, theirs;
    struct redis_incoming in;
};

void wire_open(struct wire *w);
void wire_close(struct wire *w);
/* As much as the socket takes is sent, and received. Returns how much. */
size_t wire_pass(struct wire *w, struct bytes b);

/* So many strings of so many bytes, in an array where they are more than one. */
struct buf long_reply(size_t strings, size_t bytes, uint8_t fill);
/* All of it, until it is there. */
const redisReply *wire_pass_reply(struct wire *w, const struct buf *b);
/* The same in pieces of so many bytes, looked at after each, as the link does; what comes behind
 * the reply is not sent. */
const redisReply *wire_read_reply(struct wire *w, const struct buf *b, size_t piece);
bool filled_with(const redisReply *r, uint8_t fill);

#endif
