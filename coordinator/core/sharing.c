/* Even sharing of the partitions among the live coordinators, without a list of members: whoever
 * holds less than its share asks those that hold the most. A wish is a field of the owner's record;
 * the owner sees it when it next looks at the records, hands the partition over with all that was
 * written before, and the others leave it to the one that asked. Nobody is ever short of its share
 * for long, and nobody takes below another's share, so that it comes to rest. */
#include "core/fx.h"
#include "core/partition.h"
#include "core/state.h"
#include "core/writes.h"

/* A coordinator that holds partitions, as the owners' records show it. */
struct holder {
    uint8_t nonce[NONCE_BYTES];
    uint32_t count;
};

struct census {
    struct holder others[PARTITION_COUNT];
    uint32_t other_count;
    uint32_t ours;    /* partitions that we hold or have asked for */
    uint32_t awaited; /* of these, asked for */
};

static bool held_by_us(const struct partition *p)
{
    return p->state >= PARTITION_CLAIMING && p->state != PARTITION_RELEASING;
}

static struct holder *holder_of(struct census *n, const uint8_t nonce[NONCE_BYTES])
{
    for (uint32_t i = 0; i < n->other_count; i++) {
        if (memcmp(n->others[i].nonce, nonce, NONCE_BYTES) == 0) {
            return &n->others[i];
        }
    }
    struct holder *h = &n->others[n->other_count++];
    memcpy(h->nonce, nonce, NONCE_BYTES);
    h->count = 0;
    return h;
}

static void count(const struct core *c, const struct owner_record *owners,
                  struct census *ret_census)
{
    *ret_census = (struct census){0};
    for (int i = 0; i < PARTITION_COUNT; i++) {
        const struct owner_record *r = &owners[i];
        if (held_by_us(&c->partitions[i])) {
            ret_census->ours++;
            continue;
        }
        if (r->owner.len > 0 && !partition_mine(c, r->fence.nonce)) {
            /* its owner is alive, as far as we know */
            struct holder *h = holder_of(ret_census, r->fence.nonce);
            h->count += !r->wished;
        }
        if (r->wished && partition_mine(c, r->wish)) {
            ret_census->ours++;
            ret_census->awaited++;
        }
    }
}

static void wish(struct core *c, const struct partition *p, const struct owner_record *seen)
{
    struct pending_write *w = write_create(c, ROW_WISH, p->id);
    struct store_row row = {
        .kind = ROW_WISH, .write_id = w->write_id, .partition = p->id, .fence = seen->fence};
    memcpy(row.claim.nonce, c->config.instance, NONCE_BYTES);
    fx_write(c, &row);
}

/* Asks the coordinator with the most partitions for one; false where nobody has more than its
 * share. */
static bool ask_richest(struct core *c, const struct owner_record *owners, struct census *n,
                        uint32_t share, bool *asked)
{
    struct holder *richest = NULL;
    for (uint32_t i = 0; i < n->other_count; i++) {
        if (n->others[i].count > share &&
            (richest == NULL || n->others[i].count > richest->count)) {
            richest = &n->others[i];
        }
    }
    for (int i = 0; richest != NULL && i < PARTITION_COUNT; i++) {
        const struct partition *p = &c->partitions[i];
        if (p->state == PARTITION_FOREIGN && owners[i].owner.len > 0 && !owners[i].wished &&
            !asked[i] && memcmp(owners[i].fence.nonce, richest->nonce, NONCE_BYTES) == 0) {
            asked[i] = true;
            richest->count--;
            wish(c, p, &owners[i]);
            return true;
        }
    }
    return false;
}

bool partitions_share(struct core *c, const struct owner_record *owners)
{
    struct census n;
    count(c, owners, &n);
    uint32_t share = PARTITION_COUNT / (n.other_count + 1);
    bool asked[PARTITION_COUNT] = {false};
    while (n.ours < share && ask_richest(c, owners, &n, share, asked)) {
        n.ours++;
        n.awaited++;
    }
    return n.awaited > 0;
}
