#include "core/token.h"

#include "base/pack.h"
#include "core/plant.h"
#include "core/workers.h"
#include "crypto/hash.h"

#define SIGNED_BYTES_MAX (16u + ID_BYTES_MAX + 9 * 10u) /* a purpose, the id, nine numbers */

/* created_at is signed too: an id that is used again after its record expired starts at run 1
 * again, and must get other keys. */
static struct sha256 sign(const struct hmac_key *key, const struct task *t, const char *what,
                          const struct attempt_ref *ref)
{
    uint8_t space[SIGNED_BYTES_MAX];
    struct buf b = {.ptr = space, .cap = sizeof space}; /* never grows */
    buf_add_str(&b, what);
    pack_bytes(&b, t->id);
    pack_int(&b, t->created_at);
    pack_uint(&b, ref->run);
    pack_uint(&b, ref->step);
    pack_uint(&b, ref->item);
    pack_uint(&b, ref->generation);
    pack_uint(&b, ref->attempt);
    pack_uint(&b, ref->delivery);
    return hmac_sha256_by(key, buf_bytes(&b));
}

void token_mint(const struct hmac_key *key, const struct step *s, struct attempt_ref *ret_ref)
{
    *ret_ref = (struct attempt_ref){.task_id = s->task->id,
                                    .run = s->task->run,
                                    .step = s->index,
                                    .item = s->item,
                                    .generation = s->generation,
                                    .attempt = s->failures + 1,
                                    .delivery = s->deliveries};
    struct sha256 mac = sign(key, s->task, "attempt", ret_ref);
    memcpy(ret_ref->token, mac.digest, TOKEN_BYTES);
}

bool token_valid(const struct hmac_key *key, const struct task *t, const struct attempt_ref *ref)
{
    struct sha256 mac = sign(key, t, "attempt", ref);
    return planted(PLANT_TOKEN_UNCHECKED) || secret_eq(mac.digest, ref->token, TOKEN_BYTES);
}

void token_keep(struct run *r, const struct task *t, const struct attempt_ref *ref)
{
    r->minted_for = t->created_at;
    r->ref.attempt = ref->attempt;
    memcpy(r->ref.token, ref->token, TOKEN_BYTES);
}

/* An id that is used again names another task: what token_keep noted for the old one does not
 * count. */
bool token_valid_in(const struct hmac_key *key, const struct run *run, const struct task *t,
                    const struct attempt_ref *ref)
{
    bool kept = run != NULL && run->minted_for != 0 && run->minted_for == t->created_at &&
                run->ref.attempt == ref->attempt;
    return (kept && secret_eq(run->ref.token, ref->token, TOKEN_BYTES)) || token_valid(key, t, ref);
}

void idempotency_key_make(const struct hmac_key *key, const struct step *s,
                          char text[IDEMPOTENCY_KEY_TEXT_BYTES])
{
    struct attempt_ref ref = {
        .run = s->task->run, .step = s->index, .item = s->item, .generation = s->generation};
    ref.attempt = planted(PLANT_KEY_OF_ATTEMPT) ? s->failures : 0;
    struct sha256 mac = sign(key, s->task, "step", &ref);
    hex_encode(mac.digest, (IDEMPOTENCY_KEY_TEXT_BYTES - 1) / 2, text);
}
