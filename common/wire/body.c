#include "wire/messages.h"

#include <stddef.h>

const struct body body_nothing = {.layout = {.fields = NULL, .count = 0, .size = 0}, .offset = 0};

/* A test checks that all types known to message_type_name are here. */
static const struct body *const bodies[] = {
    [MSG_HELLO] = &body_hello,
    [MSG_WELCOME] = &body_welcome,
    [MSG_BEAT] = &body_beat,
    [MSG_OWNED] = &body_owned,
    [MSG_CREDIT] = &body_credit,
    [MSG_RUNNING] = &body_running,
    [MSG_OUTCOME] = &body_outcome,
    [MSG_PROGRESS] = &body_progress,
    [MSG_ORDER] = &body_order,
    [MSG_ACK] = &body_ack,
    [MSG_STOP] = &body_stop,
    [MSG_DRAINING] = &body_nothing,
    [MSG_DECLINE] = &body_decline,
    [MSG_START] = &body_start,
    [MSG_CANCEL] = &body_task,
    [MSG_RECOVER] = &body_recover,
    [MSG_GET_STATUS] = &body_task,
    [MSG_GET_DOC] = &body_get_doc,
    [MSG_GET_HISTORY] = &body_get_history,
    [MSG_WATCH] = &body_task,
    [MSG_UNWATCH] = &body_task,
    [MSG_GET_LIST] = &body_get_list,
    [MSG_GET_WORKERS] = &body_nothing,
    [MSG_GET_PIPELINES] = &body_get_pipelines,
    [MSG_GET_READY] = &body_nothing,
    [MSG_GET_DEAD] = &body_get_list,
    [MSG_REQUEUE] = &body_requeue,
    [MSG_PAUSE] = &body_task,
    [MSG_RESUME] = &body_task,
    [MSG_SIGNAL] = &body_signal,
    [MSG_SIGNALLED] = &body_signalled,
    [MSG_GET_FORK] = &body_recover,
    [MSG_FORK] = &body_start,
    [MSG_REFUSED] = &body_refused,
    [MSG_STARTED] = &body_started,
    [MSG_DONE] = &body_done,
    [MSG_STATUS] = &body_status,
    [MSG_DOC] = &body_doc,
    [MSG_EVENTS] = &body_events,
    [MSG_WATCHED] = &body_watched,
    [MSG_LIST] = &body_list,
    [MSG_WORKERS] = &body_workers,
    [MSG_PIPELINES] = &body_pipelines,
    [MSG_READY] = &body_ready,
    [MSG_DEAD] = &body_dead,
    [MSG_MEMBERS] = &body_members,
    [MSG_GET_ITEMS] = &body_get_items,
    [MSG_ITEMS] = &body_items,
    [MSG_PUT_PIPELINE] = &body_put_pipeline,
    [MSG_PIPELINE_STORED] = &body_pipeline_stored,
    [MSG_GET_VERSIONS] = &body_get_versions,
    [MSG_VERSIONS] = &body_versions,
    [MSG_GET_USAGE] = &body_get_usage,
    [MSG_USAGE] = &body_usage,
};

const struct body *body_of(uint8_t type)
{
    return type < sizeof bodies / sizeof *bodies ? bodies[type] : NULL;
}
