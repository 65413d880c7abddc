/* A stage for the core's tests: one core, a store that answers at once (or when it is let), peers
 * that are played by the test. Time stands still until the test moves it; whoever is not made mute
 * is heard every 500 ms. After every event core_check holds. */
#ifndef MARATHON_TESTS_CORE_STAGE_H
#define MARATHON_TESTS_CORE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/core.h"
#include "sim/store_model.h"

struct stage_sent {
    peer_id peer;
    struct message message;
    bool taken;
};

struct stage_op {
    struct store_row *row;   /* or */
    struct store_read *read; /* or */
    struct store_publish *publish;
};

struct stage_peer {
    peer_id id;
    bool mute, gone;
};

struct stage {
    struct core *core;
    struct core_config config;
    struct store_model *store;
    struct moment now;
    struct effects fx;
    struct arena arena; /* of everything below, until the end of the test */
    struct stage_sent *sent;
    size_t sent_count, sent_cap;
    struct stage_op *ops;
    size_t op_count, op_cap;
    struct stage_peer peers[16];
    uint32_t peer_count;
    bool hold_store; /* rows and reads wait for stage_store_go */
    bool drained;
    bool unchecked; /* its state is damaged: core_check would say so */
    mono_ms beat_at;
    uint64_t next_request;
    size_t sent_lent, written_lent; /* bytes of messages and rows that need no copy to go out */
};

/* A core of this name whose store is up, with all partitions that nobody else holds. */
void stage_open(struct stage *s, struct store_model *store, const char *name);
/* The same with settings: change s->config between the two. */
void stage_prepare(struct stage *s, struct store_model *store, const char *name);
void stage_begin(struct stage *s);
void stage_close(struct stage *s);

void stage_event(struct stage *s, const struct event *e);
void stage_time(struct stage *s, mono_ms ms);
/* The core stands still for so long, and then has a second to find its feet again. */
void stage_sleep(struct stage *s, mono_ms ms);
/* Carries out what waits; the answers are delivered. */
void stage_store_go(struct stage *s);
/* Only what waits now, not what its answers lead to. */
void stage_store_round(struct stage *s);
/* The first so many of what waits; what comes of that waits behind the rest. */
void stage_store_first(struct stage *s, size_t count);
/* Everything that waits has an unknown outcome (executed or not), then the store is away. */
void stage_store_lost(struct stage *s, bool executed);
void stage_store_up(struct stage *s);

peer_id stage_gateway(struct stage *s);
/* functions: names with commas between, and behind a semicolon labels: "f,g;gpu=true". It says
 * HELLO, RUNNING nothing, CREDIT slots. */
peer_id stage_worker(struct stage *s, const char *id, uint32_t slots, const char *functions);
/* HELLO only. */
peer_id stage_worker_hello(struct stage *s, const char *id, uint32_t slots, const char *functions);
/* It has heard all that it was told. */
void stage_running(struct stage *s, peer_id worker, struct attempt_ref *refs, uint32_t count);
/* It has this one, and was told to stop it. */
void stage_stopping(struct stage *s, peer_id worker, struct attempt_ref *ref);
void stage_credit(struct stage *s, peer_id worker, uint32_t count);
void stage_leave(struct stage *s, peer_id peer);
void stage_mute(struct stage *s, peer_id peer);
void stage_send(struct stage *s, peer_id peer, const struct message *m);

/* The row that the last event led to; the test fails without. */
static inline const struct store_row *stage_row(const struct stage *s)
{
    for (size_t i = 0; i < s->fx.count; i++) {
        if (s->fx.items[i].kind == FX_WRITE) {
            return s->fx.items[i].row;
        }
    }
    fail_msg("no row is written");
    return NULL;
}

/* The oldest message of this type to this peer that was not taken yet; the test fails without. */
const struct message *stage_take(struct stage *s, peer_id peer, enum message_type type);
/* The same, NULL where there is none. */
const struct message *stage_poll(struct stage *s, peer_id peer, enum message_type type);
#define stage_nothing(s, peer, type) assert_null(stage_poll(s, peer, type))

/* ---- requests; each gives the answer ---- */

struct message stage_start_request(const char *id, const char *steps);
const struct message *stage_ask(struct stage *s, peer_id gateway, struct message *m);
/* Started or the test fails. steps: JSON array. */
void stage_start(struct stage *s, peer_id gateway, const char *id, const char *steps);
const struct message *stage_task_request(struct stage *s, peer_id gateway, enum message_type type,
                                         const char *id);
const struct task_view *stage_status(struct stage *s, peer_id gateway, const char *id);
const struct message *stage_recover(struct stage *s, peer_id gateway, const char *id,
                                    const char *from_step, const char *checkpoint_id);

/* ---- outcomes; each gives the verdict ---- */

struct message stage_success(const struct step_order *o, const char *result);
struct message stage_failure(const struct step_order *o, enum code code, bool permanent);
enum verdict stage_succeed(struct stage *s, peer_id worker, const struct step_order *o,
                           const char *result);
enum verdict stage_fail(struct stage *s, peer_id worker, const struct step_order *o);

/* The order that the worker must have been sent; credit for a next one is granted. */
const struct step_order *stage_order(struct stage *s, peer_id worker);

#endif
