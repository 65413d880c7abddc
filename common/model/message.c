#include "model/message.h"

const char *message_type_name(enum message_type t)
{
    static const char *const names[] = {
        [MSG_HELLO] = "HELLO",
        [MSG_WELCOME] = "WELCOME",
        [MSG_BEAT] = "BEAT",
        [MSG_OWNED] = "OWNED",
        [MSG_CREDIT] = "CREDIT",
        [MSG_RUNNING] = "RUNNING",
        [MSG_OUTCOME] = "OUTCOME",
        [MSG_PROGRESS] = "PROGRESS",
        [MSG_ORDER] = "ORDER",
        [MSG_ACK] = "ACK",
        [MSG_STOP] = "STOP",
        [MSG_DRAINING] = "DRAINING",
        [MSG_DECLINE] = "DECLINE",
        [MSG_START] = "START",
        [MSG_CANCEL] = "CANCEL",
        [MSG_RECOVER] = "RECOVER",
        [MSG_GET_STATUS] = "GET_STATUS",
        [MSG_GET_DOC] = "GET_DOC",
        [MSG_GET_HISTORY] = "GET_HISTORY",
        [MSG_WATCH] = "WATCH",
        [MSG_UNWATCH] = "UNWATCH",
        [MSG_GET_LIST] = "GET_LIST",
        [MSG_GET_WORKERS] = "GET_WORKERS",
        [MSG_GET_PIPELINES] = "GET_PIPELINES",
        [MSG_GET_READY] = "GET_READY",
        [MSG_PAUSE] = "PAUSE",
        [MSG_RESUME] = "RESUME",
        [MSG_SIGNAL] = "SIGNAL",
        [MSG_SIGNALLED] = "SIGNALLED",
        [MSG_GET_DEAD] = "GET_DEAD",
        [MSG_REQUEUE] = "REQUEUE",
        [MSG_GET_FORK] = "GET_FORK",
        [MSG_FORK] = "FORK",
        [MSG_REFUSED] = "REFUSED",
        [MSG_STARTED] = "STARTED",
        [MSG_DONE] = "DONE",
        [MSG_STATUS] = "STATUS",
        [MSG_DOC] = "DOC",
        [MSG_EVENTS] = "EVENTS",
        [MSG_WATCHED] = "WATCHED",
        [MSG_LIST] = "LIST",
        [MSG_WORKERS] = "WORKERS",
        [MSG_PIPELINES] = "PIPELINES",
        [MSG_READY] = "READY",
        [MSG_DEAD] = "DEAD",
        [MSG_MEMBERS] = "MEMBERS",
        [MSG_GET_ITEMS] = "GET_ITEMS",
        [MSG_ITEMS] = "ITEMS",
    };
    if ((size_t)t >= sizeof names / sizeof names[0] || names[t] == NULL) {
        return "UNKNOWN";
    }
    return names[t];
}
