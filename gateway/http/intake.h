/* What libwebsockets reads of a client's connection: one request at a time, and of that no more
 * than it is good for. It reads by recv(), which is ours in this program (it is libc's for all
 * other descriptors and threads).
 *
 * Its reader of HTTP (4.1, that of Debian 12) loses its step at names that begin like those it
 * knows, takes what follows a POST for its body, answers by itself what it does not like, repeats
 * for ever what stands behind a body, and looks at the socket again and again while an answer is
 * awaited. So requests are read here (head.h), and told to intake_hooks, and libwebsockets hears of
 * none. What it is shown in place of a connection's first one is always the same, a POST with a
 * body of one byte, since only behind a body does it go on to ask whether there is more. That POST
 * is never answered: from then on libwebsockets only says when there is something to read, or room
 * to write, and its reads find nothing. In place of a WebSocket's handshake it is shown a plain
 * one; where requests were before it, libwebsockets is made to believe that its POST is answered.
 * What has been read behind the request in hand waits here until its answer is out, and what has
 * not, in the kernel.
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

/* Shares of what deploy/ gives a gateway (tests/lint/room.py adds all of them up). Who would pass
 * one is closed, or told so where its request is whole.
 *
 * Of bodies being gathered, together, with the heads before them: 31 of the largest, or 8,000 that
 * have hardly begun, of which each counts as a page at least. One that comes at once, up to 32 KiB,
 * needs nothing of it. */
#define INTAKE_BODIES_BYTES_MAX (32u << 20)
/* Of heads that are not whole, of what came behind a request in hand, and of what is kept of large
 * heads until their answers are out: 600 of the largest of all. A head of up to 1 KiB that comes at
 * once needs nothing of it. */
#define INTAKE_HEADS_BYTES_MAX (12u << 20)

enum intake_at { INTAKE_HEAD, INTAKE_BODY, INTAKE_ANSWER, INTAKE_SOCKET, INTAKE_REFUSED };

/* Of one connection; zero-initialised. */
struct intake {
    int fd;
    enum intake_at at;
    struct buf kept; /* read, and not yet given: at most a head and one read */
    size_t looked;   /* at so much of it for the end of a head */
    size_t held;     /* bytes of the head in hand, kept elsewhere */
    size_t counted;  /* of both, in the share of heads */
    bool dropped;    /* there was no room for what came behind the request in hand: its answer is
                        the last one */
    struct gathering body; /* one that is there with its head is not gathered */
    size_t body_bytes;     /* its length; of one in chunks it is not known */
    bool is_chunked;
    bool is_shown;        /* libwebsockets has been shown its POST, and waits for an answer to it */
    struct chunks chunks; /* of such a one */
    struct frames frames;
    void *user;
};

/* From within a read. */
struct intake_hooks {
    /* The head of a request, not of a handshake, is there, and its body if it is at ANSWER. */
    void (*request)(void *user);
    /* The rest of its body, too. */
    void (*whole)(void *user);
    /* A handshake behind a request: at the end of the turn libwebsockets is to believe that one to
     * be answered, and to read. */
    void (*handshake)(void *user);
    /* While an answer is due: its client has said more, or that it will say no more. */
    void (*more)(void *user);
    /* What it says over its WebSocket is out of order, and thrown away from there on: a Close with
     * this code is due. */
    void (*broken)(void *user, unsigned code);
};

/* Once in the process. */
void intake_setup(uint64_t body_bytes_max, const struct intake_hooks *hooks);
/* What all of them take of those shares. */
struct intake_room {
    size_t body_bytes, head_bytes;
};
struct intake_room intake_room(void);
/* From the moment on at which libwebsockets may read it. in stays where it is until its end, which
 * may come after fd is another's. */
void intake_begin(struct intake *in, int fd, void *user);
void intake_end(struct intake *in);

/* Of the request that has just begun: from within that hook, or libwebsockets' callback, only. */
const struct head *intake_head(const struct intake *in);
/* The body is whole: from within the hook that says so. It lies in *ret_lender, of which the caller
 * is a holder then; NULL: it is there until that hook returns. */
struct bytes intake_body(struct intake *in, struct shared **ret_lender);
/* Likewise: what is wrong with its chunks, CODE_NONE: nothing. */
enum code intake_fault(const struct intake *in, const char **ret_why);
/* There is something to give of which the kernel does not know: it is to be read, by libwebsockets
 * where it has not been shown its POST, or is at frames. */
bool intake_is_ready(const struct intake *in);
/* The next request, without libwebsockets. False: that was the end of the connection. */
bool intake_read(struct intake *in);
/* So many bytes of the head in hand are kept until intake_next or intake_refuse. False: there is no
 * room for them, but they are counted. */
bool intake_hold(struct intake *in, size_t bytes);
/* Something is behind the request in hand. */
bool intake_holds(const struct intake *in);

/* The answer is out. */
void intake_next(struct intake *in);
void intake_refuse(struct intake *in);
/* The handshake is. */
void intake_socket(struct intake *in);

#endif
