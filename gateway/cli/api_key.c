#include "cli/api_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_BYTES_MAX 4096

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The key becomes part of a header line, so it must have neither blanks nor control characters. */
static bool plain(struct bytes key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] <= ' ' || key.ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

enum err api_key_read(struct buf *ret_key, struct buf *ret_message)
{
    const char *direct = environment("MARATHON_API_KEY");
    const char *path = environment("MARATHON_API_KEY_FILE");
    char text[KEY_BYTES_MAX + 2];
    size_t len = 0;
    if (direct != NULL && path != NULL) {
        buf_add_str(ret_message, "MARATHON_API_KEY and MARATHON_API_KEY_FILE are both given; give "
                                 "one of them");
        return ERR_INVALID;
    }
    if (direct != NULL) {
        len = strlen(direct);
        memcpy(text, direct, len < sizeof text ? len : sizeof text);
    } else if (path != NULL) {
        FILE *f = fopen(path, "re");
        if (f == NULL) {
            buf_addf(ret_message, "MARATHON_API_KEY_FILE is \"%s\": %s", path, strerror(errno));
            return ERR_INVALID;
        }
        len = fread(text, 1, sizeof text, f);
        (void)fclose(f);
        len -= len > 0 && text[len - 1] == '\n';
    }
    if (len > KEY_BYTES_MAX || !plain(bytes_of(text, len))) {
        buf_addf(ret_message, "%s holds no key: it must be one word of at most %d letters",
                 direct != NULL ? "MARATHON_API_KEY" : path, KEY_BYTES_MAX);
        return ERR_INVALID;
    }
    buf_add(ret_key, text, len);
    return ERR_OK;
}
