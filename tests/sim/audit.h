/* The outside checker: sees every row that the store applies, every message that a coordinator
 * sends and every execution of a function, keeps its own books, and trusts nobody. A violation ends
 * the program with the invariant's name (listed in coordinator/core/README.md). */
#ifndef MARATHON_SIM_AUDIT_H
#define MARATHON_SIM_AUDIT_H

#include "world.h"

struct audit *audit_create(struct world *w);
void audit_free(struct audit *a);
/* Checks that nothing is left undone; call once, when the world is over. */
void audit_end(struct audit *a);
/* From here on it observes nothing: the books are no longer right. */
void audit_blind(struct audit *a);

/* The store has executed a row that c submitted at sent_at. */
void audit_row(struct audit *a, const struct coordinator *c, const struct store_row *row,
               mono_ms sent_at, const struct store_written *written);
/* c sends m over k. */
void audit_sent(struct audit *a, const struct coordinator *c, const struct conn *k,
                const struct message *m);
/* A function begins; the number names it for audit_ended. */
uint64_t audit_began(struct audit *a, const char *worker, const struct step_order *order);
void audit_ended(struct audit *a, uint64_t record, bool ok, struct bytes result);
void audit_stopped(struct audit *a, uint64_t record);
/* The same, for a step with limits. */
void audit_order_began(struct audit *a, const struct worker_host *h, const struct step_order *o,
                       uint64_t record);
/* h receives an OWNED; h obeys a STOP. */
void audit_once_told(struct audit *a, const struct worker_host *h, const struct message *owned);
void audit_once_obeyed(struct audit *a, const struct worker_host *h, const struct conn *k,
                       const struct attempt_ref *ref);
void audit_once_began(struct audit *a, const struct worker_host *h, const struct step_order *o,
                      uint64_t record);
/* For a step with a progress_timeout: it begins; it gives news; it is stopped, for any reason; it
 * ends; its outcome is sent. */
void audit_silence_began(struct audit *a, const struct worker_host *h,
                         const struct attempt_call *call, uint64_t record);
void audit_silence_broken(struct audit *a, const struct worker_host *h, uint64_t record,
                          const struct attempt_news *news);
void audit_silence_stopped(struct audit *a, const struct worker_host *h, uint64_t record);
void audit_silence_ended(struct audit *a, const struct worker_host *h, uint64_t record);
void audit_silence_told(struct audit *a, const struct worker_host *h,
                        const struct step_outcome *outcome);
/* A connection of this worker is lost for another reason than its coordinator's death. */
void audit_order_lost(struct audit *a, const struct process *worker);
/* The store has executed a request about limits. */
void audit_limits(struct audit *a, const struct store_read *read,
                  const struct store_answer *answer);
/* A worker sends this outcome: its acknowledgement will be checked against it. */
void audit_outcome(struct audit *a, uint64_t life, const struct step_outcome *outcome);
/* The total usage of an execution so far, as its worker reports it. */
void audit_used(struct audit *a, const struct attempt_ref *ref, uint64_t execution,
                const struct usage_part *parts, uint32_t count);
/* A client was given this part of a document, these items, these dead letters, or this event. */
void audit_doc(struct audit *a, const char *task_id, uint32_t run, uint32_t revision,
               struct bytes data, uint32_t results_bytes);
void audit_items(struct audit *a, const char *task_id, uint32_t step, const struct message *m);
void audit_dead(struct audit *a, const struct dead_letter *items, uint32_t count);
/* A client asks for this; what it was told that a fork takes over; that it starts such a fork. */
void audit_asked(struct audit *a, const char *task_id, const struct message *m);
void audit_fork(struct audit *a, const char *source, const char *from_step,
                const struct start_request *fork);
void audit_fork_start(struct audit *a, const char *task_id, const struct start_request *fork);
/* A client was told that a step has received this signal, or that its task has ended without it. */
void audit_signalled(struct audit *a, const char *task_id, struct bytes step,
                     const struct signal_request *signal);
void audit_unsignalled(struct audit *a, const char *task_id, const struct signal_request *signal);
void audit_seen(struct audit *a, uint32_t client, const char *task_id,
                const struct task_event *event);

#endif
