/* Two sides of a transport on one loop, and what each has seen. */
#ifndef MARATHON_TESTS_UNIT_TRANSPORT_STAGE_H
#define MARATHON_TESTS_UNIT_TRANSPORT_STAGE_H

#include <stdbool.h>

#include "transport/transport.h"

enum stage_kind { STAGE_MEMORY, STAGE_IPC, STAGE_TCP, STAGE_TLS };

#define CONNS_MAX 16

struct seen {
    conn_id id;
    uint32_t dialer;
    bool closed;
    enum transport_closed why;
    uint64_t frames;
    uint64_t bytes;  /* of payload */
    uint32_t next;   /* number that the next numbered frame, or message, must have */
    uint64_t urgent; /* urgent frames among them */
    bool large_is_right;
};

struct side {
    struct transport *transport;
    struct seen conns[CONNS_MAX];
    int conn_count;
    int open_count;
    bool echo; /* sends each frame back */
    bool down; /* its shutdown is done */
};

struct stage {
    struct loop *loop;
    enum stage_kind kind;
    char dir[64];
    char url[128];
    struct side server;
    struct side client; /* the same transport as the server's where that is in memory */
    bool (*until)(struct stage *s);
    uint32_t dialer;
    uint32_t sent; /* for stories that send as they go */
};

/* Neither listens nor dials yet. */
void stage_begin(struct stage *s, enum stage_kind kind);
void stage_listen(struct stage *s);
void stage_dial(struct stage *s);
/* Runs the loop until the condition holds at a turn's end; fails the test after 30 s. */
void stage_run(struct stage *s, bool (*until)(struct stage *s));
/* A transport of the stage's kind; over TLS with that role's certificate. */
struct transport *stage_transport(struct stage *s, const char *role);
/* The folder of an authority and certificates for all roles, made by deploy/certs once a process
 * (and for those that it starts); and the identity of one of them. */
const char *stage_certs(void);
struct tls_identity *stage_identity(const char *folder, const char *role);
/* Shuts down what still stands, and frees all. */
void stage_end(struct stage *s);

void side_shutdown(struct side *side);
struct transport_handler side_handler(struct side *side);
struct seen *side_seen(struct side *side, conn_id id);
/* The newest connection. */
struct seen *side_last(struct side *side);

/* Both sides have one open connection. */
bool connected(struct stage *s);

enum frame_kind { FRAME_NUMBERED = 1, FRAME_URGENT = 2, FRAME_LARGE = 3, FRAME_MESSAGE = 0x4d };
/* A frame with its length; fill is the number of bytes behind its head of 20. */
void frame_add(struct buf *out, enum frame_kind kind, uint32_t number, size_t fill);
void send_frame(struct side *side, conn_id conn, enum frame_kind kind, uint32_t number,
                size_t fill);
/* A message of that number, with so many bytes in it. */
enum err try_message(struct side *side, conn_id conn, uint32_t number, size_t fill);

#endif
