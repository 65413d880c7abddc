/* Attempt tokens and idempotency keys: HMACs under the cluster's secret, so that a dispatch needs
 * no write. Pure. */
#ifndef MARATHON_CORE_TOKEN_H
#define MARATHON_CORE_TOKEN_H

#include "core/task.h"
#include "crypto/hash.h"
#include "model/message.h"

struct run;

/* The current delivery of a step; ref->task_id borrows from the task. */
void token_mint(const struct hmac_key *key, const struct step *s, struct attempt_ref *ret_ref);
/* Was this reference minted for this task? (Whether it is current is another question.) */
bool token_valid(const struct hmac_key *key, const struct task *t, const struct attempt_ref *ref);
/* Minted for that run, which keeps it: when it comes back it need not be made again. */
void token_keep(struct run *r, const struct task *t, const struct attempt_ref *ref);
/* token_valid; run: what is kept of that attempt, or NULL. */
bool token_valid_in(const struct hmac_key *key, const struct run *run, const struct task *t,
                    const struct attempt_ref *ref);
/* The same for all attempts of a step's generation, unguessable. text: IDEMPOTENCY_KEY_TEXT_BYTES.
 */
void idempotency_key_make(const struct hmac_key *key, const struct step *s,
                          char text[IDEMPOTENCY_KEY_TEXT_BYTES]);

#endif
