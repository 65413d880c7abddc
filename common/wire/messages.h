/* The body of each message: its layout, and which part of struct message it describes. Defined in
 * messages_*.c, by group. */
#ifndef MARATHON_WIRE_MESSAGES_H
#define MARATHON_WIRE_MESSAGES_H

#include "wire/layout.h"

struct body {
    struct layout layout;
    uint32_t offset;
};

/* A body whose fields are relative to struct message (its struct has no name). */
#define BODY(field_array)                                                                          \
    {                                                                                              \
        .layout = LAYOUT(struct message, field_array), .offset = 0                                 \
    }
/* A body that is a named struct: this member of struct message. */
#define BODY_AT(struct_type, member, field_array)                                                  \
    {                                                                                              \
        .layout = LAYOUT(struct_type, field_array),                                                \
        .offset = (uint32_t)offsetof(struct message, member)                                       \
    }

/* Bound of lists without a bound in model/limits.h: more than any installation has, small enough to
 * allocate. */
#define LIST_ANY_MAX 16384u

/* NULL if this version does not know the type. */
const struct body *body_of(uint8_t type);

extern const struct body body_nothing; /* [] */
/* messages_peer.c */
extern const struct body body_hello, body_welcome, body_beat, body_owned, body_members, body_credit;
/* messages_step.c */
extern const struct layout usage_part_layout;
extern const struct body body_running, body_outcome, body_progress, body_order, body_ack, body_stop,
    body_decline;
/* messages_request.c */
extern const struct body body_get_items, body_get_usage, body_signal, body_start, body_task,
    body_recover, body_requeue, body_get_doc, body_get_history, body_get_list;
/* messages_answer.c */
extern const struct body body_items, body_usage, body_signalled, body_refused, body_started,
    body_done, body_status, body_doc, body_events, body_watched, body_list, body_dead, body_workers,
    body_ready;
/* messages_pipeline.c */
extern const struct body body_get_pipelines, body_pipelines, body_put_pipeline,
    body_pipeline_stored, body_get_versions, body_versions;

#endif
