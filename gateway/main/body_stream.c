#include "main/body_stream.h"

#include <stdlib.h>

#include "model/limits.h"

#define LARGE_BYTES                                                                                \
    (16u << 10) /* sent from where it lies; smaller slices are put together for one write */
#define SLOTS 2 /* the piece being sent, and the one behind it */

struct slot {
    struct body_stream *stream;
    uint64_t part; /* number of the piece: results' bytes [part * DOC_PART_BYTES_MAX, ...) */
    bool used;
    wire_id request; /* under way */
    struct buf data;
};

struct body_stream {
    struct gateway *gateway;
    struct snapshot *snapshot;
    struct body_plan plan;
    struct body_cursor cursor;
    uint64_t given;
    struct slot slots[SLOTS];
    bool broken;
    bool one_line;
    bool lends;
    wake_fn *wake;
    void *user;
};

struct body_stream *body_stream_create(struct gateway *g, struct snapshot *s,
                                       struct body_plan *plan, wake_fn *wake, void *user)
{
    struct body_stream *b = mem_zalloc(sizeof *b);
    body_plan_finish(plan);
    b->gateway = g;
    b->snapshot = snapshot_ref(s);
    b->plan = *plan;
    *plan = (struct body_plan){0};
    b->wake = wake;
    b->user = user;
    return b;
}

static void slot_clear(struct slot *slot)
{
    requests_drop(&slot->stream->gateway->requests, slot->request);
    buf_free(&slot->data);
    *slot = (struct slot){.stream = slot->stream};
}

void body_stream_one_line(struct body_stream *b)
{
    b->one_line = true;
}

void body_stream_lends(struct body_stream *b)
{
    b->lends = true;
}

static void line_ends_blank(uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' || text[i] == '\r') {
            text[i] = ' ';
        }
    }
}

void body_stream_destroy(struct body_stream *b)
{
    if (b == NULL) {
        return;
    }
    for (int i = 0; i < SLOTS; i++) {
        b->slots[i].stream = b;
        slot_clear(&b->slots[i]);
    }
    snapshot_unref(b->snapshot);
    body_plan_free(&b->plan);
    free(b);
}

uint64_t body_stream_total(const struct body_stream *b)
{
    return b->plan.total;
}

/* Bytes of the results that can be read: without the closing brace, which the plan has itself. */
static uint64_t results_size(const struct body_stream *b)
{
    return b->snapshot->view->results_bytes - 1;
}

static void on_part(void *user, const struct reply *reply)
{
    struct slot *slot = user;
    struct body_stream *b = slot->stream;
    slot->request = 0;
    uint64_t left = results_size(b) - slot->part * DOC_PART_BYTES_MAX;
    uint64_t wanted = left < DOC_PART_BYTES_MAX ? left : DOC_PART_BYTES_MAX;
    if (reply->err == ERR_OK && reply->message->type == MSG_DOC &&
        reply->message->doc.data.len == wanted) {
        buf_add_bytes(&slot->data, reply->message->doc.data);
    } else {
        b->broken = true;
    }
    b->wake(b->user);
}

static struct slot *slot_find(struct body_stream *b, uint64_t part)
{
    for (int i = 0; i < SLOTS; i++) {
        if (b->slots[i].used && b->slots[i].part == part) {
            return &b->slots[i];
        }
    }
    return NULL;
}

/* Asks for a piece, in place of the one that is not `keep`. */
static void part_ask(struct body_stream *b, uint64_t part, uint64_t keep)
{
    if (part * DOC_PART_BYTES_MAX >= results_size(b) || slot_find(b, part) != NULL) {
        return;
    }
    struct slot *slot = &b->slots[0];
    if (slot->used && slot->part == keep) {
        slot = &b->slots[1];
    }
    slot->stream = b;
    slot_clear(slot);
    slot->used = true;
    slot->part = part;
    const struct task_view *v = b->snapshot->view;
    uint64_t left = results_size(b) - part * DOC_PART_BYTES_MAX;
    struct message m = {.type = MSG_GET_DOC};
    m.get_doc = (struct doc_request){
        .task_id = v->task_id,
        .run = v->run,
        .revision = v->doc_revision,
        .offset = RESULTS_OFFSET + part * DOC_PART_BYTES_MAX,
        .len = (uint32_t)(left < DOC_PART_BYTES_MAX ? left : DOC_PART_BYTES_MAX)};
    slot->request = requests_send(&b->gateway->requests, target_of(v->task_id), &m, on_part, slot);
    if (slot->request == 0) {
        b->broken = true;
    }
}

/* The document's bytes from `offset` (in the results), as many of `len` as are there; empty where
 * they have to be waited for. */
static struct bytes doc_get(struct body_stream *b, uint64_t offset, size_t len)
{
    const struct snapshot *s = b->snapshot;
    if (s->held) {
        return bytes_part(s->doc, (size_t)offset, len);
    }
    uint64_t part = offset / DOC_PART_BYTES_MAX;
    part_ask(b, part, part + 1);
    part_ask(b, part + 1, part);
    struct slot *slot = slot_find(b, part);
    if (slot == NULL || slot->request != 0) {
        return BYTES_NONE;
    }
    return bytes_part(buf_bytes(&slot->data), (size_t)(offset % DOC_PART_BYTES_MAX), len);
}

struct bytes body_stream_large(struct body_stream *b)
{
    struct body_want want;
    if (!body_plan_next(&b->plan, &b->cursor, SIZE_MAX, &want) || !want.doc) {
        return BYTES_NONE;
    }
    struct bytes bytes = doc_get(b, want.offset - RESULTS_OFFSET, want.len);
    return bytes.len >= LARGE_BYTES ? bytes : BYTES_NONE;
}

bool body_stream_given(struct body_stream *b, size_t len)
{
    body_cursor_move(&b->plan, &b->cursor, len);
    b->given += len;
    return b->given == b->plan.total;
}

enum stream_state body_stream_next(struct body_stream *b, size_t max, struct buf *out)
{
    size_t start = out->len;
    struct body_want want;
    while (out->len - start < max &&
           body_plan_next(&b->plan, &b->cursor, max - (out->len - start), &want)) {
        struct bytes bytes = want.text;
        if (want.doc) {
            bytes = doc_get(b, want.offset - RESULTS_OFFSET, want.len);
        }
        if (b->broken) {
            return STREAM_BROKEN;
        }
        if (bytes.len == 0 || (b->lends && want.doc && bytes.len >= LARGE_BYTES)) {
            break;
        }
        buf_add_bytes(out, bytes);
        if (want.doc && b->one_line) {
            line_ends_blank(out->ptr + out->len - bytes.len, bytes.len);
        }
        (void)body_stream_given(b, bytes.len);
    }
    if (b->given == b->plan.total) {
        return STREAM_LAST;
    }
    return out->len > start ? STREAM_MORE : STREAM_WAIT;
}
