#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "model/label.h"
#include "wire/frame.h"

static const uint8_t secret[SECRET_BYTES] = "a secret for the tests of core";
static peer_id next_peer = 1; /* never used again, as in a process */

static void keep_sent(struct stage *s, const struct effect *e)
{
    struct slices frame = {0};
    struct lenders lenders = arena_lenders(&s->fx.arena, 0);
    MEM_GROW(s->sent, s->sent_count, s->sent_cap);
    struct stage_sent *sent = &s->sent[s->sent_count++];
    *sent = (struct stage_sent){.peer = e->peer};
    assert_int_equal(frame_encode_lent(e->message, &lenders, &frame), ERR_OK);
    struct buf copy = arena_buf(&s->arena, slices_len(&frame));
    slices_copy(&frame, (struct slices_place){0}, slices_len(&frame), &copy);
    assert_int_equal(
        frame_decode(bytes_part(buf_bytes(&copy), 4, copy.len), &s->arena, &sent->message), ERR_OK);
    s->sent_lent += frame.lent_bytes;
    slices_free(&frame);
}

static size_t blob_lent(const struct store_row *row, const struct parts *blob)
{
    struct lenders lenders = row->lenders;
    size_t lent = 0;
    for (uint32_t i = 0; i < blob->count; i++) {
        lent += lenders_find(&lenders, blob->items[i]) != NULL ? blob->items[i].len : 0;
    }
    return lent;
}

static size_t values_lent(const struct store_row *row, const struct items_change *change)
{
    struct lenders lenders = row->lenders;
    size_t lent = 0;
    for (uint32_t i = 0; i < change->count; i++) {
        lent += lenders_find(&lenders, change->values[i]) != NULL ? change->values[i].len : 0;
    }
    return lent;
}

static void count_written(struct stage *s, const struct store_row *row)
{
    bool whole = shared_has(row->doc_text, row->doc[0]) && shared_has(row->doc_text, row->doc[1]);
    s->written_lent += whole ? row->doc[1].len : 0;
    for (uint32_t i = 0; i < row->step_count; i++) {
        s->written_lent += blob_lent(row, &row->steps[i].blob);
    }
    for (uint32_t i = 0; i < row->items_count; i++) {
        s->written_lent += blob_lent(row, &row->items[i].blob) + values_lent(row, &row->items[i]);
    }
    for (uint32_t i = 0; i < row->event_count; i++) {
        s->written_lent += blob_lent(row, &row->events[i].blob);
    }
}

static struct stage_peer *peer_of(struct stage *s, peer_id id)
{
    for (uint32_t i = 0; i < s->peer_count; i++) {
        if (s->peers[i].id == id) {
            return &s->peers[i];
        }
    }
    return NULL;
}

static void perform(struct stage *s, const struct effect *e)
{
    struct stage_op op = {0};
    switch (e->kind) {
    case FX_SEND:
        keep_sent(s, e);
        return;
    case FX_CLOSE:
        peer_of(s, e->peer)->gone = true;
        return;
    case FX_PUBLISH:
        op.publish = store_publish_copy(e->publish, &s->arena);
        break;
    case FX_LOG:
        assert_non_null(e->text);
        return;
    case FX_DRAINED:
        s->drained = true;
        return;
    case FX_WRITE:
        op.row = store_row_copy(e->row, &s->arena);
        count_written(s, e->row);
        break;
    case FX_READ:
        op.read = store_read_copy(e->read, &s->arena);
        break;
    }
    MEM_GROW(s->ops, s->op_count, s->op_cap);
    s->ops[s->op_count++] = op;
}

static void step(struct stage *s, const struct event *e)
{
    core_step(s->core, s->now, e, &s->fx);
    for (size_t i = 0; i < s->fx.count; i++) {
        perform(s, &s->fx.items[i]);
    }
    if (!s->unchecked) {
        core_check(s->core);
    }
}

static void answer(struct stage *s, struct stage_op op, enum store_verdict *forced, bool execute)
{
    if (op.row != NULL) {
        struct store_written w = {.write_id = op.row->write_id};
        if (execute) {
            w = store_model_write(s->store, op.row, s->now.mono, &s->arena);
        }
        w.verdict = forced != NULL ? *forced : w.verdict;
        step(s, &(struct event){.kind = EV_WRITTEN, .written = &w});
        return;
    }
    if (op.publish != NULL) {
        struct store_published p = {.publish_id = op.publish->publish_id,
                                    .verdict = PUBLISH_UNKNOWN};
        if (execute) {
            p = store_model_publish(s->store, op.publish);
            step(s, &(struct event){
                        .kind = EV_PIPELINE, .text = op.publish->source, .version = p.version});
        }
        p.verdict = forced != NULL ? PUBLISH_UNKNOWN : p.verdict;
        step(s, &(struct event){.kind = EV_PUBLISHED, .published = &p});
        return;
    }
    struct store_answer away = {
        .kind = op.read->kind, .read_id = op.read->read_id, .err = ERR_UNAVAILABLE};
    struct store_answer *a =
        forced != NULL ? &away : store_model_read(s->store, op.read, s->now.mono, &s->arena);
    struct shared *input = a->input.len > 0 ? shared_copy(a->input) : NULL;
    if (input != NULL) { /* it lies in a text, as with a real store */
        a->input = shared_bytes(input);
        a->lenders = (struct lenders){.items = &input, .count = 1};
    }
    step(s, &(struct event){.kind = EV_READ, .answer = a});
    shared_drop(input);
}

void stage_store_go(struct stage *s)
{
    for (size_t i = 0; i < s->op_count; i++) {
        answer(s, s->ops[i], NULL, true);
    }
    s->op_count = 0;
}

void stage_store_first(struct stage *s, size_t count)
{
    assert_true(count <= s->op_count);
    for (size_t i = 0; i < count; i++) {
        answer(s, s->ops[i], NULL, true);
    }
    s->op_count -= count;
    memmove(s->ops, s->ops + count, s->op_count * sizeof *s->ops);
}

void stage_store_round(struct stage *s)
{
    stage_store_first(s, s->op_count);
}

void stage_store_lost(struct stage *s, bool executed)
{
    enum store_verdict unknown = STORE_UNKNOWN;
    size_t count = s->op_count;
    for (size_t i = 0; i < count; i++) {
        answer(s, s->ops[i], &unknown, executed);
    }
    /* What the core still asked for meanwhile goes nowhere. */
    for (size_t i = count; i < s->op_count; i++) {
        answer(s, s->ops[i], &unknown, false);
    }
    s->op_count = 0;
    s->hold_store = true;
    step(s, &(struct event){.kind = EV_STORE_DOWN});
}

void stage_store_up(struct stage *s)
{
    s->hold_store = false;
    stage_event(s, &(struct event){.kind = EV_STORE_UP, .secret = secret});
    stage_time(s, 1000);
}

void stage_event(struct stage *s, const struct event *e)
{
    step(s, e);
    if (!s->hold_store) {
        stage_store_go(s);
    }
}

static void beat(struct stage *s)
{
    struct message m = {.type = MSG_BEAT};
    for (uint32_t i = 0; i < s->peer_count; i++) {
        if (!s->peers[i].mute && !s->peers[i].gone) {
            stage_send(s, s->peers[i].id, &m);
        }
    }
}

void stage_time(struct stage *s, mono_ms ms)
{
    mono_ms end = s->now.mono + ms;
    while (s->now.mono < end) {
        mono_ms next = core_next_deadline(s->core);
        next = next < s->now.mono + 1 ? s->now.mono + 1 : next;
        next = next < end ? next : end;
        next = next < s->beat_at || s->beat_at <= s->now.mono ? next : s->beat_at;
        s->now.wall += next - s->now.mono;
        s->now.mono = next;
        if (next >= s->beat_at) {
            s->beat_at = next + 500;
            beat(s);
        }
        stage_event(s, &(struct event){.kind = EV_TIME});
    }
}

void stage_sleep(struct stage *s, mono_ms ms)
{
    s->now.wall += ms;
    s->now.mono += ms;
    stage_time(s, 1000);
}

void stage_prepare(struct stage *s, struct store_model *store, const char *name)
{
    *s = (struct stage){.store = store, .now = {1000000, 1700000000000}, .next_request = 1};
    s->config = core_config_default();
    s->config.name = name;
    s->config.seed = (uint64_t)name[0];
    memset(s->config.instance, name[0], NONCE_BYTES);
}

void stage_begin(struct stage *s)
{
    s->core = core_create(&s->config);
    stage_store_up(s);
}

void stage_open(struct stage *s, struct store_model *store, const char *name)
{
    stage_prepare(s, store, name);
    stage_begin(s);
}

void stage_close(struct stage *s)
{
    core_destroy(s->core);
    effects_free(&s->fx);
    arena_free(&s->arena);
    free(s->sent);
    free(s->ops);
}

static peer_id add_peer(struct stage *s)
{
    assert_true(s->peer_count < 16);
    s->peers[s->peer_count++] = (struct stage_peer){.id = next_peer};
    return next_peer++;
}

peer_id stage_gateway(struct stage *s)
{
    struct message m = {.type = MSG_HELLO};
    m.hello.role = ROLE_GATEWAY;
    m.hello.version_min = m.hello.version_max = 1;
    m.hello.id = BYTES_LIT("gateway");
    peer_id id = add_peer(s);
    stage_event(s, &(struct event){.kind = EV_PEER_UP, .peer = id, .message = &m});
    return id;
}

peer_id stage_worker_hello(struct stage *s, const char *id, uint32_t slots, const char *functions)
{
    struct bytes names[8], labels[8];
    const char *labels_at = strchr(functions, ';');
    struct message m = {.type = MSG_HELLO};
    m.hello.role = ROLE_WORKER;
    m.hello.version_min = m.hello.version_max = 1;
    m.hello.id = bytes_str(id);
    m.hello.host = BYTES_LIT("here");
    m.hello.software = BYTES_LIT("0.1.0 (abcdef0)");
    m.hello.slots = slots;
    m.hello.functions = names;
    for (const char *at = functions; at != NULL && *at != '\0';) {
        const char *comma = strpbrk(at, ",;");
        names[m.hello.function_count++] =
            bytes_of(at, comma != NULL ? (size_t)(comma - at) : strlen(at));
        at = comma != NULL && *comma == ',' ? comma + 1 : NULL;
    }
    m.hello.labels = labels;
    struct bytes rest = bytes_str(labels_at != NULL ? labels_at + 1 : "");
    while (labels_next(&rest, &labels[m.hello.label_count])) {
        m.hello.label_count++;
    }
    peer_id peer = add_peer(s);
    stage_event(s, &(struct event){.kind = EV_PEER_UP, .peer = peer, .message = &m});
    return peer;
}

peer_id stage_worker(struct stage *s, const char *id, uint32_t slots, const char *functions)
{
    peer_id peer = stage_worker_hello(s, id, slots, functions);
    stage_running(s, peer, NULL, 0);
    stage_credit(s, peer, slots);
    return peer;
}

static void say_running(struct stage *s, peer_id worker, struct message m)
{
    m.type = MSG_RUNNING;
    for (size_t i = 0; i < s->sent_count; i++) {
        if (s->sent[i].peer == worker && s->sent[i].message.type == MSG_OWNED) {
            m.running.heard = s->sent[i].message.owned.number;
        }
    }
    stage_send(s, worker, &m);
}

void stage_running(struct stage *s, peer_id worker, struct attempt_ref *refs, uint32_t count)
{
    say_running(s, worker, (struct message){.running = {.refs = refs, .count = count}});
}

void stage_stopping(struct stage *s, peer_id worker, struct attempt_ref *ref)
{
    struct message m = {.running = {.refs = ref, .count = 1, .stopping = 1}};
    say_running(s, worker, m);
}

void stage_credit(struct stage *s, peer_id worker, uint32_t count)
{
    struct message m = {.type = MSG_CREDIT};
    m.credit.count = count;
    stage_send(s, worker, &m);
}

void stage_leave(struct stage *s, peer_id peer)
{
    peer_of(s, peer)->gone = true;
    stage_event(s, &(struct event){.kind = EV_PEER_DOWN, .peer = peer});
}

void stage_mute(struct stage *s, peer_id peer)
{
    peer_of(s, peer)->mute = true;
}

void stage_send(struct stage *s, peer_id peer, const struct message *m)
{
    stage_event(s, &(struct event){.kind = EV_MESSAGE, .peer = peer, .message = m});
}

const struct message *stage_poll(struct stage *s, peer_id peer, enum message_type type)
{
    for (size_t i = 0; i < s->sent_count; i++) {
        struct stage_sent *sent = &s->sent[i];
        if (sent->peer == peer && sent->message.type == type && !sent->taken) {
            sent->taken = true;
            struct message *m = arena_alloc(&s->arena, sizeof *m); /* s->sent may move */
            *m = sent->message;
            return m;
        }
    }
    return NULL;
}

const struct message *stage_take(struct stage *s, peer_id peer, enum message_type type)
{
    const struct message *m = stage_poll(s, peer, type);
    if (m == NULL) {
        fail_msg("no %s was sent to peer %d", message_type_name(type), (int)peer);
    }
    return m;
}

struct message stage_start_request(const char *id, const char *steps)
{
    struct message m = {.type = MSG_START};
    m.start.task_id = bytes_str(id);
    m.start.task_type = BYTES_LIT("trial");
    m.start.steps = bytes_str(steps);
    m.start.input = BYTES_LIT("{\"n\":1}");
    m.start.enable_checkpoints = true;
    m.start.checkpoint_interval_s = m.start.max_retries = m.start.max_duration_s = -1;
    return m;
}

const struct message *stage_ask(struct stage *s, peer_id gateway, struct message *m)
{
    m->request = s->next_request++;
    stage_send(s, gateway, m);
    for (size_t i = s->sent_count; i-- > 0;) {
        struct stage_sent *sent = &s->sent[i];
        if (sent->peer == gateway && sent->message.request == m->request) {
            sent->taken = true;
            struct message *copy = arena_alloc(&s->arena, sizeof *copy);
            *copy = sent->message;
            return copy;
        }
    }
    return NULL;
}

void stage_start(struct stage *s, peer_id gateway, const char *id, const char *steps)
{
    struct message m = stage_start_request(id, steps);
    const struct message *r = stage_ask(s, gateway, &m);
    assert_non_null(r);
    assert_string_equal(message_type_name(r->type), "STARTED");
}

const struct message *stage_task_request(struct stage *s, peer_id gateway, enum message_type type,
                                         const char *id)
{
    struct message m = {.type = type};
    m.task.task_id = bytes_str(id);
    return stage_ask(s, gateway, &m);
}

const struct task_view *stage_status(struct stage *s, peer_id gateway, const char *id)
{
    const struct message *r = stage_task_request(s, gateway, MSG_GET_STATUS, id);
    assert_non_null(r);
    assert_string_equal(message_type_name(r->type), "STATUS");
    return &r->status;
}

const struct message *stage_recover(struct stage *s, peer_id gateway, const char *id,
                                    const char *from_step, const char *checkpoint_id)
{
    struct message m = {.type = MSG_RECOVER};
    m.recover.task_id = bytes_str(id);
    m.recover.from_step = bytes_str(from_step);
    m.recover.checkpoint_id = bytes_str(checkpoint_id);
    return stage_ask(s, gateway, &m);
}

struct message stage_success(const struct step_order *o, const char *result)
{
    static uint64_t number;
    struct message m = {.type = MSG_OUTCOME};
    m.outcome.ref = o->ref;
    m.outcome.number = ++number;
    m.outcome.ok = true;
    m.outcome.result = bytes_str(result);
    m.outcome.started_at = 1700000000500;
    m.outcome.duration_ms = 30;
    return m;
}

struct message stage_failure(const struct step_order *o, enum code code, bool permanent)
{
    struct message m = stage_success(o, "");
    m.outcome.ok = false;
    m.outcome.code = code;
    m.outcome.permanent = permanent;
    m.outcome.message = BYTES_LIT("it broke");
    return m;
}

enum verdict stage_succeed(struct stage *s, peer_id worker, const struct step_order *o,
                           const char *result)
{
    struct message m = stage_success(o, result);
    stage_send(s, worker, &m);
    return stage_take(s, worker, MSG_ACK)->ack.verdict;
}

enum verdict stage_fail(struct stage *s, peer_id worker, const struct step_order *o)
{
    struct message m = stage_failure(o, CODE_FUNCTION_FAILED, false);
    stage_send(s, worker, &m);
    return stage_take(s, worker, MSG_ACK)->ack.verdict;
}

const struct step_order *stage_order(struct stage *s, peer_id worker)
{
    const struct step_order *o = &stage_take(s, worker, MSG_ORDER)->order;
    stage_credit(s, worker, 1);
    return o;
}
