/* Attempt tokens and idempotency keys: HMACs under the cluster's secret, so that a dispatch needs
 * no write. Pure. */
#ifndef MARATHON_CORE_TOKEN_H
#define MARATHON_CORE_TOKEN_H

#include "core/task.h"
#include "crypto/hash.h"
#include "model/message.h"

struct run;

/* The reference of the step's current delivery; ref->task_id borrows from the task. */
void token_mint(const struct hmac_key *key, const struct step *s, struct attempt_ref *ret_ref);
/* Was this reference minted for this task? (Whether it is current is another question.) */
bool token_valid(const struct hmac_key *key, const struct task *t, const struct attempt_ref *ref);
/* Notes in the run that this reference was minted for it: when it comes back, its token need not be
 * computed again. */
void token_keep(struct run *r, const struct task *t, const struct attempt_ref *ref);
/* The same as token_valid; run: that attempt's, where token_keep may have noted it, or NULL. */
bool token_valid_in(const struct hmac_key *key, const struct run *run, const struct task *t,
                    const struct attempt_ref *ref);
/* Unguessable, and the same for all attempts of a step's generation. text:
 * IDEMPOTENCY_KEY_TEXT_BYTES. */
void idempotency_key_make(const struct hmac_key *key, const struct step *s,
                          char text[IDEMPOTENCY_KEY_TEXT_BYTES]);

#endif
