#include "same_member.h"

void same_dead(const struct message *a, const struct message *b)
{
    SAME(dead.count);
    for (uint32_t i = 0; i < a->dead.count; i++) {
        SAME_BYTES(dead.items[i].task_id);
        SAME_BYTES(dead.items[i].task_type);
        SAME(dead.items[i].step);
        SAME_BYTES(dead.items[i].name);
        SAME_BYTES(dead.items[i].function);
        SAME(dead.items[i].deaths);
        SAME(dead.items[i].at);
        SAME_BYTES(dead.items[i].error);
        SAME(dead.items[i].error_code);
        SAME_BYTES(dead.items[i].function_code);
    }
    SAME(dead.next_before);
    SAME_BYTES(dead.next_before_id);
    SAME(dead.partitions);
}

void same_members(const struct message *a, const struct message *b)
{
    SAME(members.count);
    for (uint32_t i = 0; i < a->members.count; i++) {
        SAME_BYTES(members.urls[i]);
    }
}

void same_requeue(const struct message *a, const struct message *b)
{
    SAME_BYTES(requeue.task_id);
    SAME_BYTES(requeue.step);
    SAME(requeue.key);
}
