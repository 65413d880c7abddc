/* Inside of assert_same_message: how members are compared, and the bodies that same_request.c
 * knows. */
#ifndef MARATHON_TESTS_UNIT_WIRE_SAME_MEMBER_H
#define MARATHON_TESTS_UNIT_WIRE_SAME_MEMBER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/message.h"

#define SAME(member)       assert_true(a->member == b->member)
#define SAME_BYTES(member) assert_true(bytes_eq(a->member, b->member))

void same_get_items_body(const struct message *a, const struct message *b);
void same_start_body(const struct message *a, const struct message *b);
void same_recover_body(const struct message *a, const struct message *b);
void same_get_doc_body(const struct message *a, const struct message *b);
void same_get_history_body(const struct message *a, const struct message *b);
void same_get_list_body(const struct message *a, const struct message *b);
void same_task(const struct message *a, const struct message *b);
void same_signal_body(const struct message *a, const struct message *b);
/* same_usage.c */
void same_sum(const struct usage_sum *a, const struct usage_sum *b);
void same_used(const struct usage_part *a, const struct usage_part *b, uint32_t count);
void same_get_usage(const struct message *a, const struct message *b);
void same_usage(const struct message *a, const struct message *b);
void same_budget(const struct budget *a, const struct budget *b);
/* same_dead.c */
void same_dead(const struct message *a, const struct message *b);
void same_members(const struct message *a, const struct message *b);
void same_requeue(const struct message *a, const struct message *b);
/* same_pipeline.c */
void same_get_pipelines(const struct message *a, const struct message *b);
void same_pipelines(const struct message *a, const struct message *b);
void same_put_pipeline(const struct message *a, const struct message *b);
void same_pipeline_stored(const struct message *a, const struct message *b);
void same_get_versions(const struct message *a, const struct message *b);
void same_versions(const struct message *a, const struct message *b);

#endif
