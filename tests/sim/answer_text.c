#include "answer_text.h"

#include <stdlib.h>

#include "crypto/hash.h"

#define NONCE_HEX (2 * NONCE_BYTES + 1)

/* Appends one word; escapes in hex what is not printable, or would look like two words. */
static void word(struct buf *out, struct bytes b)
{
    buf_add_str(out, " '");
    for (size_t i = 0; i < b.len; i++) {
        if (b.ptr[i] > ' ' && b.ptr[i] < 0x7f && b.ptr[i] != '\\' && b.ptr[i] != '\'') {
            buf_add_char(out, (char)b.ptr[i]);
        } else {
            buf_addf(out, "\\%02x", b.ptr[i]);
        }
    }
    buf_add_char(out, '\'');
}

static void number(struct buf *out, const char *name, uint64_t n)
{
    buf_addf(out, " %s=%llu", name, (unsigned long long)n);
}

static void fence(struct buf *out, const struct fence *f)
{
    char hex[NONCE_HEX];
    buf_addf(out, " %llu:%s", (unsigned long long)f->epoch, hex_encode(f->nonce, NONCE_BYTES, hex));
}

static void items(struct buf *out, const struct stored_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        number(out, "item", items[i].item);
        word(out, items[i].blob);
        word(out, items[i].result);
    }
}

/* A store returns steps in any order. */
static void steps(struct buf *out, const struct task_record *t)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < t->step_count; i++) {
        last = t->steps[i].index > last ? t->steps[i].index : last;
    }
    for (uint32_t i = 0; i < t->items_count; i++) {
        last = t->items[i].step > last ? t->items[i].step : last;
    }
    for (uint32_t index = 0; index <= last; index++) {
        for (uint32_t i = 0; i < t->step_count; i++) {
            if (t->steps[i].index == index) {
                number(out, "step", index);
                word(out, t->steps[i].blob);
            }
        }
        for (uint32_t i = 0; i < t->items_count; i++) {
            if (t->items[i].step == index) {
                number(out, "items_of", index);
                word(out, t->items[i].marks);
                items(out, t->items[i].begun, t->items[i].begun_count);
            }
        }
    }
}

static void record(struct buf *out, const struct task_record *t)
{
    buf_add_str(out, "task");
    word(out, t->task_id);
    word(out, t->dead);
    number(out, "version", t->version);
    number(out, "run", t->run);
    word(out, t->spec);
    word(out, t->head);
    steps(out, t);
    buf_add_char(out, '\n');
}

static void owners(struct buf *out, const struct owner_record *o)
{
    for (uint32_t i = 0; i < PARTITION_COUNT; i++) {
        char hex[NONCE_HEX];
        if (!o[i].exists) {
            continue;
        }
        buf_addf(out, "p%u", i);
        fence(out, &o[i].fence);
        word(out, o[i].owner);
        number(out, "beat", o[i].beat);
        if (o[i].wished) {
            buf_addf(out, " wish=%s", hex_encode(o[i].wish, NONCE_BYTES, hex));
        }
        buf_add_char(out, '\n');
    }
}

static void audit(struct buf *out, const struct store_answer *a)
{
    buf_add_str(out, "fence");
    fence(out, &a->fence);
    buf_add_char(out, '\n');
    for (uint32_t i = 0; i < a->audit_count; i++) {
        const struct audit_entry *e = &a->audits[i];
        buf_addf(out, "audit %u found=%d ended=%d listed=%d expires=%d version=%llu\n", i, e->found,
                 e->ended, e->listed, e->expires, (unsigned long long)e->version);
    }
    for (uint32_t i = 0; i < a->listed_count; i++) {
        buf_add_str(out, "listed");
        word(out, a->listed[i]);
        buf_add_char(out, '\n');
    }
}

static void parts(struct buf *out, const struct store_answer *a)
{
    buf_add_str(out, "input");
    word(out, a->input);
    buf_add_str(out, "\nitem");
    word(out, a->item);
    buf_add_char(out, '\n');
    for (uint32_t i = 0; i < a->part_count; i++) {
        buf_add_str(out, "part");
        word(out, a->parts[i]);
        buf_add_char(out, '\n');
    }
}

static void events(struct buf *out, const struct store_answer *a)
{
    number(out, "oldest", a->oldest_seq);
    buf_add_char(out, '\n');
    for (uint32_t i = 0; i < a->event_count; i++) {
        number(out, "event", a->events[i].seq);
        word(out, a->events[i].blob);
        buf_add_char(out, '\n');
    }
}

static void pipelines(struct buf *out, const struct store_answer *a)
{
    number(out, "version", a->version);
    word(out, a->source);
    buf_addf(out, " more=%d\n", a->more);
    for (uint32_t i = 0; i < a->version_count; i++) {
        number(out, "version", a->versions[i].version);
        word(out, a->versions[i].hash);
        number(out, "at", (uint64_t)a->versions[i].at);
        word(out, a->versions[i].by);
        buf_add_char(out, '\n');
    }
}

void answer_text(const struct store_answer *a, struct buf *out)
{
    if (a->err != ERR_OK) {
        buf_addf(out, "error %s\n", err_text(a->err));
        return;
    }
    switch (a->kind) {
    case READ_OWNERS:
        owners(out, a->owners);
        break;
    case READ_LIVE:
    case READ_TASK:
    case READ_LIST:
    case READ_DEAD:
        for (uint32_t i = 0; i < a->task_count; i++) {
            record(out, &a->tasks[i]);
        }
        buf_addf(out, "more=%d\n", a->more);
        break;
    case READ_PARTS:
        parts(out, a);
        break;
    case READ_EVENTS:
        events(out, a);
        break;
    case READ_ITEMS:
        items(out, a->items, a->items_count);
        number(out, "next", a->next_item);
        buf_add_char(out, '\n');
        break;
    case READ_PIPELINE:
    case READ_VERSIONS:
        pipelines(out, a);
        break;
    case READ_AUDIT:
        audit(out, a);
        break;
    case READ_PING:
    case READ_USAGE:
    case READ_LIMITS:
        break;
    }
}

void written_text(const struct store_written *w, struct buf *out)
{
    static const char *const names[] = {"ok",       "fenced", "version", "exists", "replay",
                                        "mismatch", "full",   "gone",    "unknown"};
    buf_addf(out, "%s", names[w->verdict]);
    number(out, "run", w->run);
    if (w->verdict == STORE_REPLAY) {
        word(out, w->task_id);
    }
    buf_add_char(out, '\n');
}

void published_text(const struct store_published *p, struct buf *out)
{
    buf_addf(out, "verdict %d", (int)p->verdict);
    if (p->verdict == PUBLISH_CREATED || p->verdict == PUBLISH_SAME) {
        number(out, "version", p->version);
    }
    buf_add_char(out, '\n');
}

static int by_text(const void *a, const void *b)
{
    return bytes_cmp(*(const struct bytes *)a, *(const struct bytes *)b);
}

void lines_sort(struct buf *text)
{
    struct bytes *lines = NULL;
    size_t count = 0, cap = 0, from = 0;
    for (size_t i = 0; i < text->len; i++) {
        if (text->ptr[i] == '\n') {
            MEM_GROW(lines, count, cap);
            lines[count++] = bytes_of(text->ptr + from, i + 1 - from);
            from = i + 1;
        }
    }
    struct buf sorted = {0};
    if (count > 0) {
        qsort(lines, count, sizeof *lines, by_text);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !bytes_eq(lines[i], lines[i - 1])) {
            buf_add_bytes(&sorted, lines[i]);
        }
    }
    free(lines);
    buf_free(text);
    *text = sorted;
}
