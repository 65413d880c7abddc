/* Effects of the turn (fx.c): what core_step hands to the loop. Messages are copied shallowly: what
 * they point to must live until the next core_step (the arena of the turn, tasks). */
#ifndef MARATHON_CORE_FX_H
#define MARATHON_CORE_FX_H

#include "core/core.h"

void fx_send(struct core *c, peer_id peer, const struct message *m);
/* To a connection whose HELLO is refused; the caller sets the message. */
struct effect *fx_send_stranger(struct core *c, peer_id peer);
void fx_close(struct core *c, peer_id peer, const char *why);
void fx_read(struct core *c, const struct store_read *read);
void fx_write(struct core *c, const struct store_row *row);
void fx_publish(struct core *c, const struct store_publish *publish);
void fx_log(struct core *c, enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
struct arena *fx_arena(struct core *c); /* of the turn */
/* Destroys the thing at the beginning of the next core_step: until then effects may point to it. */
void fx_bury(struct core *c, void (*destroy)(void *), void *thing);
void fx_free_buried(struct core *c);

#endif
