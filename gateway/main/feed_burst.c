/* What a feed's clients are given: the bytes of the events behind the place where they stand. A
 * thousand watchers stand at the same one, so what was made for the first serves all. */
#include "api/event_json.h"
#include "main/feed.h"

void feed_bursts_forget(struct feed *f)
{
    for (int i = 0; i < FORM_COUNT; i++) {
        buf_free(&f->bursts[i].bytes);
        f->bursts[i] = (struct feed_burst){0};
    }
    feed_count(f);
}

void feed_line_put(struct buf *out, uint64_t seq, struct bytes json)
{
    if (seq > 0) {
        buf_add_str(out, "id: ");
        buf_add_uint(out, seq);
        buf_add_char(out, '\n');
    }
    buf_add_str(out, "data: ");
    buf_add_bytes(out, json);
    buf_add_str(out, "\n\n");
}

static void burst_make(const struct feed *f, enum feed_form form, struct feed_burst *b)
{
    buf_clear(&b->bytes);
    b->last = b->after;
    b->head = f->head;
    while (b->last < f->head && b->bytes.len < FEED_BURST_BYTES_MAX) {
        const struct feed_event *e = feed_event(f, b->last + 1);
        if (e == NULL || event_is_final(e->type)) {
            break;
        }
        b->last++;
        if (form == FORM_FRAMES) {
            server_frame_put(&b->bytes, buf_bytes(&e->text));
        } else {
            feed_line_put(&b->bytes, b->last, buf_bytes(&e->text));
        }
    }
}

struct bytes feed_burst(struct feed *f, enum feed_form form, uint64_t after, uint64_t *ret_last)
{
    struct feed_burst *b = &f->bursts[form];
    if (b->after != after || b->head != f->head) {
        b->after = after;
        burst_make(f, form, b);
        feed_count(f);
    }
    *ret_last = b->last;
    return buf_bytes(&b->bytes);
}
