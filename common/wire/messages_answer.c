/* Answers of coordinators to gateways; views and events are in messages_view.c. */
#include "wire/messages.h"

static const struct field refused[] = {
    FIELD_OF_ENUM(struct message, refused.code, CODE_COUNT),
    FIELD(struct message, refused.detail),
    FIELD(struct message, refused.pointer),
    FIELD_OF_ENUM(struct message, refused.state, TASK_STATE_COUNT),
    FIELD(struct message, refused.retry_after_s),
};
const struct body body_refused = BODY(refused);

static const struct field started[] = {
    FIELD(struct message, started.task_id),
    FIELD(struct message, started.replayed),
};
const struct body body_started = BODY(started);

static const struct field done[] = {
    FIELD(struct message, done.task_id),
    FIELD_OF_ENUM(struct message, done.state, TASK_STATE_COUNT),
};
const struct body body_done = BODY(done);

static const struct field signalled[] = {
    FIELD(struct message, signalled.task_id),
    FIELD_OF_ENUM(struct message, signalled.state, TASK_STATE_COUNT),
    FIELD(struct message, signalled.step),
    FIELD(struct message, signalled.kept),
    FIELD(struct message, signalled.key),
};
const struct body body_signalled = BODY(signalled);

static const struct field doc[] = {FIELD(struct message, doc.data)};
const struct body body_doc = BODY(doc);

static const struct field watched[] = {
    FIELD(struct message, watched.task_id), FIELD(struct message, watched.seq),
    FIELD(struct message, watched.exists), FIELD_OF_NOTHING, /* was the task's state */
};
const struct body body_watched = BODY(watched);

static const struct field ready[] = {
    FIELD(struct message, ready.ready),      FIELD(struct message, ready.detail),
    FIELD(struct message, ready.backend),    FIELD(struct message, ready.partitions),
    FIELD(struct message, ready.store_full), FIELD(struct message, ready.store_unsafe),
};
const struct body body_ready = BODY(ready);
