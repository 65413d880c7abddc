/* For a library that runs on a loop of ours and speaks to libuv by itself: libwebsockets asks for
 * a socket's readability and writability six times a request, most of the time for what it has
 * already. In a program that gives its loop away uv_poll_start() and uv_poll_stop() are ours, for
 * each loop in it. No other has them: a plugin may bring a loop of its own. */
#include "loop/loop_impl.h"

__attribute__((visibility("default"))) int uv_poll_start(uv_poll_t *poll, int events, uv_poll_cb fn)
{
    return interest_start(poll, events, fn);
}

__attribute__((visibility("default"))) int uv_poll_stop(uv_poll_t *poll)
{
    return interest_stop(poll);
}

void *loop_uv(struct loop *l)
{
    return &l->uv;
}
