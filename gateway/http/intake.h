/* Controls what libwebsockets reads from a client's connection: one request at a time, and of it no
 * more than it can handle. libwebsockets reads by recv(), which this program replaces (for other
 * descriptors and threads it is libc's).
 *
 * The reason is libwebsockets' HTTP parser (4.1, that of Debian 12): it stumbles over header names
 * that begin like known ones, takes what follows a POST for its body, answers by itself what it
 * dislikes, endlessly repeats what follows a body, and polls the socket again and again while an
 * answer is awaited. So requests are parsed here (head.h) and reported to intake_hooks, and
 * libwebsockets sees none of them. In place of a connection's first request it is always shown the
 * same POST with a body of one byte, since only after a body does it go on to ask whether there is
 * more. That POST is never answered: from then on libwebsockets only reports input and room to
 * write, and its reads find nothing. In place of a WebSocket handshake it is shown a plain one; if
 * there were requests before it, libwebsockets is made to believe that its POST is answered. What
 * was read beyond the current request waits here until its answer is sent; what was not read waits
 * in the kernel.
 *
 *   HEAD --whole--> BODY --its end--> ANSWER --intake_next--> HEAD
 *     `--no body--------------------> ANSWER --intake_socket--> SOCKET (frames that are in order)
 *                                       `-----intake_refuse--> REFUSED (thrown away)
 *
 * Loop's thread. */
#ifndef MARATHON_HTTP_INTAKE_H
#define MARATHON_HTTP_INTAKE_H

#include "base/shared.h"
#include "http/chunks.h"
#include "http/frames.h"
#include "http/gathering.h"
#include "http/head.h"

/* Shares of the memory that deploy/ gives a gateway (tests/lint/room.py adds them up). A connection
 * that would exceed one is closed, or refused if its request is complete.
 *
 * This one: all bodies being gathered, with the heads before them: 31 of the largest, or 8,000 that
 * have hardly begun, each of which counts as at least a page. A body of up to 32 KiB that arrives
 * at once uses none of it. */
#define INTAKE_BODIES_BYTES_MAX (32u << 20)
/* Incomplete heads, input after the current request, and what is kept of large heads until their
 * answers are sent: 600 of the largest. A head of up to 1 KiB that arrives at once uses none of
 * it. */
#define INTAKE_HEADS_BYTES_MAX (12u << 20)

enum intake_at { INTAKE_HEAD, INTAKE_BODY, INTAKE_ANSWER, INTAKE_SOCKET, INTAKE_REFUSED };

/* State of one connection; zero-initialise it. */
struct intake {
    int fd;
    enum intake_at at;
    struct buf kept; /* read but not yet passed on: at most a head and one read */
    size_t looked;   /* how far it was searched for the end of a head */
    size_t held;     /* bytes of the current head that are kept elsewhere */
    size_t counted;  /* bytes of both, counted in the share of heads */
    /* there was no room for input after the current request: its answer is the last one */
    bool dropped;
    struct gathering body; /* unused if the whole body came with the head */
    size_t body_bytes;     /* the body's length; unknown if it is chunked */
    bool is_chunked;
    bool is_shown;        /* libwebsockets has been shown its POST, and waits for an answer to it */
    struct chunks chunks; /* of a chunked body */
    struct frames frames;
    void *user;
};

/* Called from within a read. */
struct intake_hooks {
    /* The head of a request that is no handshake is there; at ANSWER its body too. */
    void (*request)(void *user);
    /* The rest of the body is there too. */
    void (*whole)(void *user);
    /* A handshake after a request: at the end of the turn libwebsockets must be made to believe
     * that the request is answered, and to read. */
    void (*handshake)(void *user);
    /* While an answer is due: the client has sent more, or has ended its half. */
    void (*more)(void *user);
    /* Its WebSocket input is invalid, and is discarded from there on: send a Close with this
     * code. */
    void (*broken)(void *user, unsigned code);
};

/* Once per process. */
void intake_setup(uint64_t body_bytes_max, const struct intake_hooks *hooks);
/* How much all connections use of those shares. */
struct intake_room {
    size_t body_bytes, head_bytes;
};
struct intake_room intake_room(void);
/* Call before libwebsockets may read it. in must stay where it is until intake_end, which may come
 * after fd has been reused. */
void intake_begin(struct intake *in, int fd, void *user);
void intake_end(struct intake *in);

/* The head of the request that has just begun; only from within that hook, or libwebsockets'
 * callback. */
const struct head *intake_head(const struct intake *in);
/* The body; only from within the hook that says that it is complete. *ret_lender: what it lies in,
 * with a reference for the caller; NULL: the body is there only until that hook returns. */
struct bytes intake_body(struct intake *in, struct shared **ret_lender);
/* Likewise: what is wrong with its chunks; CODE_NONE: nothing. */
enum code intake_fault(const struct intake *in, const char **ret_why);
/* There is input that the kernel does not know of: read it, through libwebsockets if that has not
 * been shown its POST, or at SOCKET. */
bool intake_is_ready(const struct intake *in);
/* Reads the next request, without libwebsockets. False: the connection has ended. */
bool intake_read(struct intake *in);
/* So many bytes of the current head are kept until intake_next or intake_refuse. False: there is no
 * room for them, but they are counted. */
bool intake_hold(struct intake *in, size_t bytes);
/* Is there input after the current request? */
bool intake_holds(const struct intake *in);

/* The answer is sent. */
void intake_next(struct intake *in);
void intake_refuse(struct intake *in);
/* The handshake's answer is sent. */
void intake_socket(struct intake *in);

#endif
