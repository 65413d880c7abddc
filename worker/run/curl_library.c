#include "run/curl_library.h"

#include <stdbool.h>

#include "base/library.h"

static const struct library_symbol symbols[] = {
    {"curl_global_init", offsetof(struct curl_library, global_init)},
    {"curl_global_cleanup", offsetof(struct curl_library, global_cleanup)},
    {"curl_easy_init", offsetof(struct curl_library, easy_init)},
    {"curl_easy_cleanup", offsetof(struct curl_library, easy_cleanup)},
    {"curl_easy_setopt", offsetof(struct curl_library, easy_setopt)},
    {"curl_easy_getinfo", offsetof(struct curl_library, easy_getinfo)},
    {"curl_easy_strerror", offsetof(struct curl_library, easy_strerror)},
    {"curl_slist_append", offsetof(struct curl_library, slist_append)},
    {"curl_slist_free_all", offsetof(struct curl_library, slist_free_all)},
    {"curl_multi_init", offsetof(struct curl_library, multi_init)},
    {"curl_multi_cleanup", offsetof(struct curl_library, multi_cleanup)},
    {"curl_multi_setopt", offsetof(struct curl_library, multi_setopt)},
    {"curl_multi_add_handle", offsetof(struct curl_library, multi_add_handle)},
    {"curl_multi_remove_handle", offsetof(struct curl_library, multi_remove_handle)},
    {"curl_multi_socket_action", offsetof(struct curl_library, multi_socket_action)},
    {"curl_multi_assign", offsetof(struct curl_library, multi_assign)},
    {"curl_multi_info_read", offsetof(struct curl_library, multi_info_read)},
};

static const struct library libcurl = {
    .soname = "libcurl.so.4", /* the soname of every libcurl since 7.16 */
    .user = "functions over HTTP",
    .symbols = symbols,
    .symbol_count = sizeof symbols / sizeof symbols[0],
};

const struct curl_library *curl_library(void)
{
    static struct curl_library table;
    static bool loaded;
    if (!loaded) {
        library_load(&libcurl, &table);
        loaded = true;
    }
    return &table;
}
