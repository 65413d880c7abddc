#include "main/fanout.h"

#include <stdlib.h>

#include "wire/frame.h"

struct fanout_ask {
    struct fanout *fanout;
    size_t index; /* of its answer */
    wire_id request;
};

/* What else is asked of all is short, and must be heard where a gateway is full, too: whether it is
 * ready, and that all have read a definition of which its client is to be told. */
static bool may_be_long(enum message_type type)
{
    return type == MSG_LIST || type == MSG_DEAD || type == MSG_USAGE || type == MSG_WORKERS;
}

/* False: there is no room for it. */
static bool answer_keep(struct fanout *f, struct fanout_answer *a, const struct reply *reply)
{
    struct problem full;
    if (may_be_long(reply->message->type) && answers_full(f->gateway, reply->frame.len, &full)) {
        return false;
    }
    buf_add_bytes(&a->frame, reply->frame);
    a->err = frame_decode(buf_bytes(&a->frame), &a->arena, &a->message);
    size_t memory = a->frame.cap + a->arena.used_bytes;
    f->counted += memory;
    f->gateway->fanout_bytes += memory;
    return true;
}

static void on_reply(void *user, const struct reply *reply)
{
    struct fanout_ask *ask = user;
    struct fanout *f = ask->fanout;
    struct fanout_answer *a = &f->answers[ask->index];
    ask->request = 0;
    a->err = reply->err;
    f->no_room = reply->err == ERR_OK && !answer_keep(f, a, reply);
    if (--f->waiting == 0 || f->no_room) {
        f->done(f->user, f);
    }
}

static void ask_one(struct fanout *f, int peer, struct message *m)
{
    struct fanout_ask *ask = mem_zalloc(sizeof *ask);
    ask->fanout = f;
    ask->index = f->count;
    struct target target = {TARGET_PEER, 0, peer};
    ask->request = requests_send(&f->gateway->requests, target, m, on_reply, ask);
    f->asks[f->count] = ask;
    f->answers[f->count] = (struct fanout_answer){
        .peer = peer, .told = f->gateway->peers.items[peer].claims.told, .err = ERR_FULL};
    f->count++;
    f->waiting += ask->request != 0;
}

struct fanout *fanout_start(struct gateway *g, uint64_t peers, struct message *m,
                            void (*done)(void *user, struct fanout *f), void *user)
{
    struct fanout *f = mem_zalloc(sizeof *f);
    f->gateway = g;
    f->done = done;
    f->user = user;
    for (int i = 0; i < g->peers.count; i++) {
        if ((peers >> i & 1) != 0) {
            ask_one(f, i, m);
        }
    }
    if (f->waiting == 0) {
        fanout_stop(f);
        return NULL;
    }
    return f;
}

void fanout_stop(struct fanout *f)
{
    if (f == NULL) {
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        requests_drop(&f->gateway->requests, f->asks[i]->request);
        free(f->asks[i]);
        buf_free(&f->answers[i].frame);
        arena_free(&f->answers[i].arena);
    }
    f->gateway->fanout_bytes -= f->counted;
    free(f);
}

size_t fanout_messages(const struct fanout *f, enum message_type type,
                       const struct message *ret_messages[PEERS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (f->answers[i].err == ERR_OK && f->answers[i].message.type == type) {
            ret_messages[n++] = &f->answers[i].message;
        }
    }
    return n;
}
