#include "stage.h"

static struct bytes functions[] = {{(const uint8_t *)"f", 1}, {(const uint8_t *)"g", 1}};

struct agent_config stage_config(void)
{
    struct agent_config c = agent_config_default();
    c.id = BYTES_LIT("worker-1");
    c.host = BYTES_LIT("host");
    c.software = BYTES_LIT("0.1");
    c.pid = 7;
    c.version_min = c.version_max = 1;
    c.slots = 2;
    c.prefetch = 0;
    c.functions = functions;
    c.function_count = 2;
    return c;
}

struct stage stage_open(const struct agent_config *config)
{
    struct agent_config c = config != NULL ? *config : stage_config();
    return (struct stage){.agent = agent_create(&c), .now = {1000000, 1700000000000}};
}

void stage_close(struct stage *s)
{
    agent_destroy(s->agent);
    agent_effects_free(&s->fx);
}

void stage_event(struct stage *s, struct agent_event event)
{
    agent_step(s->agent, s->now, &event, &s->fx);
    agent_check(s->agent);
}

void stage_pass(struct stage *s, mono_ms ms)
{
    s->now.mono += ms;
    s->now.wall += ms;
    stage_event(s, (struct agent_event){.kind = AGENT_EV_TIME});
}

void stage_message(struct stage *s, peer_id peer, struct message m)
{
    stage_event(s, (struct agent_event){.kind = AGENT_EV_MESSAGE, .peer = peer, .message = &m});
}

void stage_join(struct stage *s, peer_id peer, uint64_t partitions)
{
    stage_event(s, (struct agent_event){.kind = AGENT_EV_PEER_UP, .peer = peer});
    stage_message(s, peer, (struct message){.type = MSG_WELCOME, .welcome = {.version = 1}});
    stage_message(s, peer,
                  (struct message){.type = MSG_OWNED, .owned = {.partitions = partitions}});
}

void stage_owns(struct stage *s, peer_id peer, uint64_t epoch)
{
    struct owned_epoch epochs[PARTITION_COUNT];
    for (int i = 0; i < PARTITION_COUNT; i++) {
        epochs[i].epoch = epoch;
    }
    stage_message(s, peer,
                  (struct message){.type = MSG_OWNED,
                                   .owned = {.partitions = EVERY_PARTITION,
                                             .epochs = epochs,
                                             .epoch_count = PARTITION_COUNT}});
}

struct step_order stage_order(const char *task, uint32_t step)
{
    return (struct step_order){.ref = {.task_id = bytes_str(task),
                                       .run = 1,
                                       .step = step,
                                       .attempt = 1,
                                       .token = {1, 2, 3}},
                               .name = BYTES_LIT("extract"),
                               .function = BYTES_LIT("f"),
                               .idempotency_key = BYTES_LIT("key"),
                               .timeout_ms = 60000,
                               .input.whole = BYTES_LIT("{\"n\":1}"),
                               .results.whole = BYTES_LIT("{}")};
}

void stage_send_order(struct stage *s, peer_id peer, struct step_order order)
{
    stage_message(s, peer, (struct message){.type = MSG_ORDER, .order = order});
}

void stage_succeed(struct stage *s, uint64_t number)
{
    struct attempt_result r = {.ok = true, .result = BYTES_LIT("1")};
    stage_event(s, (struct agent_event){.kind = AGENT_EV_ENDED, .number = number, .result = &r});
}

void stage_fail(struct stage *s, uint64_t number, const char *message)
{
    struct attempt_result r = {.code = CODE_FUNCTION_FAILED, .message = bytes_str(message)};
    stage_event(s, (struct agent_event){.kind = AGENT_EV_ENDED, .number = number, .result = &r});
}

void stage_ack(struct stage *s, peer_id peer, uint64_t number)
{
    struct message m = {.type = MSG_ACK, .ack = {number, VERDICT_APPLIED}};
    stage_message(s, peer, m);
}

size_t stage_count(const struct stage *s, enum agent_effect_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < s->fx.count; i++) {
        n += s->fx.items[i].kind == kind;
    }
    return n;
}

const struct agent_effect *stage_find(const struct stage *s, enum agent_effect_kind kind)
{
    for (size_t i = 0; i < s->fx.count; i++) {
        if (s->fx.items[i].kind == kind) {
            return &s->fx.items[i];
        }
    }
    return NULL;
}

const struct message *stage_sent(const struct stage *s, peer_id peer, enum message_type type,
                                 size_t nth)
{
    for (size_t i = 0; i < s->fx.count; i++) {
        const struct agent_effect *e = &s->fx.items[i];
        if (e->kind == AGENT_FX_SEND && e->peer == peer && e->message->type == type && nth-- == 0) {
            return e->message;
        }
    }
    return NULL;
}

uint64_t stage_started(const struct stage *s)
{
    const struct agent_effect *e = stage_find(s, AGENT_FX_START);
    assert_non_null(e);
    return e->call.number;
}
