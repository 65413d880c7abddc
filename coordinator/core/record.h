/* The stored form of tasks: the blobs of a record and of an event. Pure.
 *
 * Every blob begins with its format's version. To change a format: append fields and read them only
 * where bytes are left (older blobs lack them), or raise the version and keep reading the old one
 * for as long as tasks may live. */
#ifndef MARATHON_CORE_RECORD_H
#define MARATHON_CORE_RECORD_H

#include "base/err.h"
#include "base/pack.h"
#include "core/definitions.h"
#include "core/storage.h"
#include "core/task.h"
#include "model/message.h"

#define RECORD_FORMAT 1u

/* A reader that stands behind the format's version; it is `bad` where the version is not known. */
struct unpack record_open(struct bytes blob);

/* ---- record.c: tasks ----
 *
 * The head also has what a list shows, so that a list needs no other blob but the spec. Its readers
 * are record_get_task and record_get_summary. */
void record_put_spec(const struct task *t, struct buf *out);
void record_put_head(const struct task *t, mono_ms now, struct buf *out);
/* Makes a task from its record, with its steps' needs counted and its clock stopped. ERR_INVALID:
 * not a record that this program can read. d may be NULL (definitions.h). */
enum err MUST_CHECK record_get_task(struct definitions *d, const struct task_record *r,
                                    struct task **ret_task);
/* What a list shows, from a record without steps. Texts are copied to arena. */
enum err MUST_CHECK record_get_summary(const struct task_record *r, struct arena *arena,
                                       struct task_summary *ret_summary);
/* The dead letter by which t has failed (task_is_dead), with all that a list of them shows, so that
 * it needs no other blob. */
void record_put_dead(const struct task *t, struct buf *out);
/* Texts are copied to arena. */
enum err MUST_CHECK record_get_dead(const struct task_record *r, struct arena *arena,
                                    struct dead_letter *ret_letter);

/* ---- record_step.c: steps ----
 *
 * Reads into a fresh step. Where it is invalid, the whole task must be discarded. */
void record_put_step(const struct step *s, struct slices *out);
enum err MUST_CHECK record_get_step(struct bytes blob, struct step *s);
/* An item's blob: its mark, then the same as a step's, except for its result's length. */
void record_put_item(const struct step *item, struct slices *out);
enum err MUST_CHECK record_get_item(struct bytes blob, struct step *item);
/* Restores the items of a step, whose own blob was read before. */
enum err MUST_CHECK record_get_items(const struct stored_items *stored, struct step *s);

/* record_event.c */
/* Its checkpoint may lie in one of the lenders. */
void record_put_event(const struct task_event *e, struct lenders *lenders, struct slices *out);
/* The event borrows its texts from blob. */
enum err MUST_CHECK record_get_event(struct bytes blob, struct task_event *ret_event);

#endif
