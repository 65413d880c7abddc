/* libcurl's multi interface on our loop: its sockets as watches, its time-out as a timer. Used by
 * run_http.c only. */
#ifndef MARATHON_RUN_HTTP_LOOP_H
#define MARATHON_RUN_HTTP_LOOP_H

#include "loop/loop.h"
#include "run/curl_library.h"

struct http_loop;

/* Called once per transfer that has ended by itself; the handle is still added. http_loop_remove is
 * allowed inside. */
typedef void http_done_fn(void *user, CURLcode rc);

struct http_loop *http_loop_create(struct loop *loop);
/* Borrows easy until http_loop_remove. user also becomes its CURLOPT_PRIVATE. */
void http_loop_add(struct http_loop *h, CURL *easy, http_done_fn *fn, void *user);
void http_loop_remove(struct http_loop *h, CURL *easy);
/* All handles must have been removed. */
void http_loop_destroy(struct http_loop *h);

#endif
