#include "main/keys_file.h"

#include <errno.h>
#include <stdio.h>

#define KEYS_FILE_BYTES_MAX (1u << 20) /* API_KEYS_MAX lines with the longest ids, and comments */

enum err keys_file_load(const char *path, struct api_keys *keys, char *message, size_t message_size)
{
    struct buf text = {0};
    struct api_keys fresh = {0};
    char piece[4096];
    size_t n;
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        (void)snprintf(message, message_size, "%s", strerror(errno));
        return ERR_IO;
    }
    while ((n = fread(piece, 1, sizeof piece, f)) > 0 && text.len <= KEYS_FILE_BYTES_MAX) {
        buf_add(&text, piece, n);
    }
    enum err e = ferror(f) != 0 ? ERR_IO : ERR_OK;
    (void)fclose(f);
    if (e != ERR_OK) {
        (void)snprintf(message, message_size, "it cannot be read");
    } else if (text.len > KEYS_FILE_BYTES_MAX) {
        (void)snprintf(message, message_size, "it is larger than %u bytes", KEYS_FILE_BYTES_MAX);
        e = ERR_INVALID;
    } else {
        e = api_keys_parse(buf_bytes(&text), &fresh, message, message_size);
    }
    buf_free(&text);
    if (e == ERR_OK) {
        api_keys_free(keys);
        *keys = fresh;
    }
    return e;
}
