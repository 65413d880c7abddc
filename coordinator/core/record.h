/* Tasks as they are stored: the blobs of a record and of an event. Pure.
 *
 * Every blob begins with its format's version. To change a format: add fields at the end and read
 * them only where bytes are left (older blobs lack them), or raise the version and keep reading the
 * old one for as long as tasks may live. */
#ifndef MARATHON_CORE_RECORD_H
#define MARATHON_CORE_RECORD_H

#include "base/err.h"
#include "core/definitions.h"
#include "core/storage.h"
#include "core/task.h"
#include "model/message.h"

#define RECORD_FORMAT 1u

/* What only some steps' records have. */
#define STEP_FANS      1u
#define STEP_SIGNALLED 2u /* and what by */

void record_put_spec(const struct task *t, struct buf *out);
void record_put_head(const struct task *t, mono_ms now, struct buf *out);
void record_put_step(const struct step *s, struct buf *out);
/* An item's: its mark, then the same as of a step. */
void record_put_item(const struct step *item, struct buf *out);
void record_put_event(const struct task_event *e, struct buf *out);

/* A task from its record, its steps' needs counted, its running times stopped. ERR_INVALID: not a
 * record that we can read. d may be NULL (definitions.h). */
enum err MUST_CHECK record_get_task(struct definitions *d, const struct task_record *r,
                                    struct task **ret_task);
/* An item as it is stored, its result's length aside. */
enum err MUST_CHECK record_get_item(struct bytes blob, struct step *item);
/* The event borrows its texts from blob. */
enum err MUST_CHECK record_get_event(struct bytes blob, struct task_event *ret_event);
/* The dead letter by which t has failed (task_is_dead): all that its list shows, so that no other
 * blob is needed. */
void record_put_dead(const struct task *t, struct buf *out);
/* Texts are copied to arena. */
enum err MUST_CHECK record_get_dead(const struct task_record *r, struct arena *arena,
                                    struct dead_letter *ret_letter);
/* What a list shows, from a record without steps. Texts are borrowed from the record, or copied to
 * arena. */
enum err MUST_CHECK record_get_summary(const struct task_record *r, struct arena *arena,
                                       struct task_summary *ret_summary);

#endif
