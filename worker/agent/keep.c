#include "agent/state.h"

bool holder_keep(struct buf *holder, struct bytes *payload)
{
    size_t bytes_max = 2 * payload->len + HOLDER_BYTES_SPARE;
    if (holder == NULL) {
        return false;
    }
    if (holder->cap > bytes_max) {
        size_t at = (size_t)(payload->ptr - holder->ptr);
        if (at + payload->len > bytes_max) {
            return false;
        }
        holder->len = at + payload->len;
        buf_trim(holder);
        *payload = bytes_part(buf_bytes(holder), at, payload->len);
    }
    return true;
}

void order_keep_plain(const void *user, struct step_order *order, struct buf *out)
{
    struct bytes *parts[] = {&order->input.whole, &order->results.whole,
                             &order->progress_checkpoint};
    size_t total = 0;
    (void)user;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        total += parts[i]->len;
    }
    buf_reserve(out, total); /* allocated at once, so that the slices below do not move */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t at = out->len;
        buf_add_bytes(out, *parts[i]);
        *parts[i] = bytes_part(buf_bytes(out), at, parts[i]->len);
    }
}
