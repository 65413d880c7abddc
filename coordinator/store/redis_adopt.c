/* A store that is one node of a cluster: takes over calls and reads that other nodes have
 * refused. */
#include "store/redis_read.h"

void redis_call_adopt(struct redis_store *s, struct batch_call *call)
{
    s->rows_out[call->partition] += call->row_count;
    batch_queue_adopt(&s->batches, call);
}

static void take(struct redis_store *s, struct redis_read *r)
{
    r->store = s;
    s->reads_waiting++;
    read_link(r);
}

void redis_read_adopt(struct redis_store *s, struct redis_read *r)
{
    take(s, r);
}

void redis_read_give_up(struct redis_store *s, struct redis_read *r)
{
    take(s, r);
    r->answer = (struct store_answer){.err = ERR_UNAVAILABLE};
    read_done(r);
}

void redis_read_part(struct redis_store *s, const struct store_read *read, void *part)
{
    struct redis_read *r = read_create(s, read);
    r->part = part;
    s->stats.reads_total++;
    take(s, r);
}

void redis_reads_recall(struct redis_store *s, partition_id partition)
{
    for (struct redis_read *r = s->reads; r != NULL; r = r->next) {
        if (r->part == NULL && r->ask.partition == partition) {
            r->refused++;
            r->why = (struct redirect){.kind = REDIRECT_LATER};
        }
    }
}
