/* Keep-alive HTTP/1.1 connections to one server on this machine, each with up to `depth` requests
 * on the wire: the bench's client. One thread, one epoll; it costs a few microseconds a request, so
 * that it is never what is measured. */
#ifndef MARATHON_BENCH_POOL_H
#define MARATHON_BENCH_POOL_H

#include "base/bytes.h"

#define POOL_DEPTH_MAX 256u

struct pool_answer {
    uint64_t tag;
    int status;        /* 0: the connection ended before the answer */
    struct bytes head; /* status line and headers; both slices live as long as the call */
    struct bytes body;
};

struct pool_user {
    /* Appends the next request to out and names it; false: none for now. */
    bool (*next)(void *user, struct buf *out, uint64_t *ret_tag);
    void (*answer)(void *user, const struct pool_answer *a);
    void *user;
};

struct pool;

/* Ends the program where the server cannot be reached. */
struct pool *pool_open(int port, unsigned conns, unsigned depth, struct pool_user user);
/* Asks for requests while there is room, then waits up to ms for the network. */
void pool_turn(struct pool *p, int ms);
unsigned pool_outstanding(const struct pool *p);
void pool_close(struct pool *p);

/* "GET <path> HTTP/1.1" and its headers. */
void request_get(struct buf *out, const char *path);
void request_post(struct buf *out, const char *path, struct bytes json);

#endif
