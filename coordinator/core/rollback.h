/* A store that came back with older data (rollback.c). */
#ifndef MARATHON_CORE_ROLLBACK_H
#define MARATHON_CORE_ROLLBACK_H

#include "core/storage.h"

struct core;
struct partition;
struct task;

/* True, after counting and logging it: the record that was seen is older than what we know of the
 * partition. */
bool rollback_seen(struct core *c, struct partition *p, const struct owner_record *r);
void rollback_note_acked(struct core *c, struct partition *p, const struct task *t,
                         uint64_t version);
/* After a load: does the store still hold the last row that it acknowledged? */
void rollback_check_loaded(struct core *c, struct partition *p);
void rollback_found(struct core *c, const struct partition *p, const char *what);

#endif
