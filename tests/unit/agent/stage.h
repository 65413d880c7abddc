/* A worker's agent on a stage: a clock that only the test moves, coordinators that only the test
 * speaks for. */
#ifndef MARATHON_TESTS_AGENT_STAGE_H
#define MARATHON_TESTS_AGENT_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/agent.h"

#define EVERY_PARTITION UINT64_MAX

struct stage {
    struct agent *agent;
    struct agent_effects fx; /* of the last event */
    struct moment now;
};

/* For tests that set their own configuration: two slots, no prefetch, functions "f" and "g". */
struct agent_config stage_config(void);
struct stage stage_open(const struct agent_config *config);
void stage_close(struct stage *s);

void stage_event(struct stage *s, struct agent_event event);
/* Lets time pass: one event behind it. */
void stage_pass(struct stage *s, mono_ms ms);
void stage_message(struct stage *s, peer_id peer, struct message m);
/* Connected, welcomed, owner of the partitions; the effects of all three are gone. */
void stage_join(struct stage *s, peer_id peer, uint64_t partitions);
/* Owner of every partition, under that epoch. */
void stage_owns(struct stage *s, peer_id peer, uint64_t epoch);
/* An order for step `step` of a task, first attempt, one minute. */
struct step_order stage_order(const char *task, uint32_t step);
void stage_send_order(struct stage *s, peer_id peer, struct step_order order);
/* The runner says: done, with result "1"; or failed. */
void stage_succeed(struct stage *s, uint64_t number);
void stage_fail(struct stage *s, uint64_t number, const char *message);
void stage_ack(struct stage *s, peer_id peer, uint64_t number);

/* Of the last event's effects. */
size_t stage_count(const struct stage *s, enum agent_effect_kind kind);
const struct agent_effect *stage_find(const struct stage *s, enum agent_effect_kind kind);
/* The nth (from 0) message of that type for that peer, or NULL. */
const struct message *stage_sent(const struct stage *s, peer_id peer, enum message_type type,
                                 size_t nth);
/* The number of the attempt that the last event started; fails the test where it started none. */
uint64_t stage_started(const struct stage *s);

#endif
