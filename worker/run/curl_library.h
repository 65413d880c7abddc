/* libcurl, loaded when the first HTTP function needs it: it pulls in two dozen libraries, several
 * MiB per worker, and most workers call nothing over HTTP. */
#ifndef MARATHON_RUN_CURL_LIBRARY_H
#define MARATHON_RUN_CURL_LIBRARY_H

#include <curl/curl.h>

/* Members are named as in libcurl, without curl_. */
struct curl_library {
    CURLcode (*global_init)(long flags);
    void (*global_cleanup)(void);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *easy);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *multi);
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t fd, int events, int *running);
    CURLMcode (*multi_assign)(CURLM *multi, curl_socket_t fd, void *user);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
};

/* Dies if the library is not installed. */
const struct curl_library *curl_library(void);

#endif
