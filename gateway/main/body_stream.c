#include "main/body_stream.h"

#include <stdlib.h>

#include "model/limits.h"

#define NO_PART UINT64_MAX
#define SLOTS   2 /* the part being sent, and the one behind it */

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
    size_t counted; /* bytes, in gateway.stream_bytes */
    struct slot slots[SLOTS];
    bool broken;
    bool one_line;
    wake_fn *wake;
    void *user;
};

size_t body_stream_memory(const struct body_plan *plan)
{
    return plan->text.cap + plan->cap * sizeof *plan->pieces;
}

static void stream_count(struct body_stream *b, size_t bytes)
{
    b->counted += bytes;
    b->gateway->stream_bytes += bytes;
}

struct body_stream *body_stream_create(struct gateway *g, struct snapshot *s,
                                       struct body_plan *plan, wake_fn *wake, void *user)
{
    struct body_stream *b = mem_zalloc(sizeof *b);
    body_plan_finish(plan);
    b->gateway = g;
    struct bytes frame = s->lent; /* or what the results lie in, of which the plan has no slices */
    b->snapshot = snapshot_ref(s);
    body_plan_moved(plan, frame, s->frame.ptr);
    b->plan = *plan;
    stream_count(b, body_stream_memory(plan));
    *plan = (struct body_plan){0};
    b->wake = wake;
    b->user = user;
    return b;
}

static void slot_clear(struct slot *slot)
{
    struct body_stream *b = slot->stream;
    requests_drop(&b->gateway->requests, slot->request);
    b->counted -= slot->data.len;
    b->gateway->stream_bytes -= slot->data.len;
    buf_free(&slot->data);
    *slot = (struct slot){.stream = b};
}

void body_stream_one_line(struct body_stream *b)
{
    b->one_line = true;
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
    b->gateway->stream_bytes -= b->counted;
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
        stream_count(b, slot->data.len);
    } else if (reply->err == ERR_FULL) {
        slot_clear(
            slot); /* its client has taken all that there was, and others have not: asked again */
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

static void piece_add(struct body_pieces *p, struct bytes piece)
{
    p->items[p->count++] = piece;
    p->len += piece.len;
}

static size_t line_len(struct bytes text)
{
    const uint8_t *end = memchr(text.ptr, '\n', text.len);
    size_t n = end != NULL ? (size_t)(end - text.ptr) : text.len;
    end = memchr(text.ptr, '\r', n);
    return end != NULL ? (size_t)(end - text.ptr) : n;
}

/* Up to a line's end, or that, as a space. Returns what is left. */
static struct bytes line_add(struct body_pieces *p, struct bytes text)
{
    size_t n = line_len(text);
    piece_add(p, n > 0 ? bytes_part(text, 0, n) : BYTES_LIT(" "));
    return bytes_part(text, n > 0 ? n : 1, text.len);
}

/* As far as there is room. Returns how many bytes those are. */
static size_t pieces_add(struct body_pieces *p, struct bytes bytes, bool one_line)
{
    size_t before = p->len;
    if (!one_line) {
        piece_add(p, bytes);
        return bytes.len;
    }
    while (bytes.len > 0 && p->count < BODY_PIECES_MAX) {
        bytes = line_add(p, bytes);
    }
    return p->len - before;
}

/* What is wanted there; empty where it has to be waited for, or would push out the part in which
 * pieces lie already. */
static struct bytes want_get(struct body_stream *b, const struct body_want *want, uint64_t *part)
{
    if (want->from != BODY_DOC) {
        return want->text;
    }
    uint64_t at = want->offset - RESULTS_OFFSET;
    bool another = *part != NO_PART && *part != at / DOC_PART_BYTES_MAX;
    if (another && !b->snapshot->held) {
        return BYTES_NONE;
    }
    *part = at / DOC_PART_BYTES_MAX;
    return doc_get(b, at, want->len);
}

enum stream_state body_stream_next(struct body_stream *b, size_t max, struct body_pieces *p)
{
    struct body_cursor at = b->cursor;
    struct body_want want;
    uint64_t part = NO_PART;
    p->count = p->len = 0;
    while (p->len < max && p->count < BODY_PIECES_MAX &&
           body_plan_next(&b->plan, &at, max - p->len, &want)) {
        struct bytes bytes = want_get(b, &want, &part);
        if (bytes.len == 0) {
            break;
        }
        body_cursor_move(&b->plan, &at,
                         pieces_add(p, bytes, want.from != BODY_TEXT && b->one_line));
    }
    if (p->count == 0) {
        return b->broken ? STREAM_BROKEN : STREAM_WAIT;
    }
    return b->given + p->len == b->plan.total ? STREAM_LAST : STREAM_MORE;
}

bool body_stream_taken(struct body_stream *b, size_t len)
{
    struct body_want want;
    b->given += len;
    while (len > 0 && body_plan_next(&b->plan, &b->cursor, len, &want)) {
        body_cursor_move(&b->plan, &b->cursor, want.len);
        len -= want.len;
    }
    return b->given == b->plan.total;
}
