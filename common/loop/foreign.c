/* Replaces uv_poll_start() and uv_poll_stop() for a library that drives libuv itself on one of our
 * loops. libwebsockets changes a socket's interest six times per request, most of the time to what
 * it already is. In a program that hands its loop out, these two functions are ours and apply to
 * every loop in it. No other program overrides them: a plugin may bring its own libuv loop. */
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
