/* Whose turn it is: a step runs only where its labels are. */
#include "books.h"
#include "model/label.h"

void audit_order_placed(struct audit *a, const struct book_task *t, const struct conn *k,
                        const struct step_order *o)
{
    const struct worker_host *h = (const struct worker_host *)(const void *)k->ends[1];
    const char *required = t->pipeline->steps[o->ref.step].requires;
    REQUIRE(a, "I17", labels_meet(h->labels, h->label_count, bytes_str(required)),
            "%.*s/%u requires %s, and is ordered from %s", (int)t->id.len, (const char *)t->id.ptr,
            o->ref.step, required, h->process.name);
}
