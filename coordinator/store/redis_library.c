#include "store/redis_library.h"

#include <stdio.h>

#include "crypto/hash.h"

#define PLACEHOLDER "@LIBRARY@"

char *library_name(char text[LIBRARY_NAME_BYTES])
{
    struct sha256 hash = sha256_of(bytes_of(library_source, library_source_bytes));
    char hex[13];
    hex_encode(hash.digest, 6, hex);
    snprintf(text, LIBRARY_NAME_BYTES, "marathon_v%d_%s", LIBRARY_VERSION, hex);
    return text;
}

void library_text(const char *name, struct buf *out)
{
    const uint8_t *at = library_source;
    const uint8_t *end = at + library_source_bytes;
    for (;;) {
        const uint8_t *found = memmem(at, (size_t)(end - at), PLACEHOLDER, strlen(PLACEHOLDER));
        if (found == NULL) {
            break;
        }
        buf_add(out, at, (size_t)(found - at));
        buf_add_str(out, name);
        at = found + strlen(PLACEHOLDER);
    }
    buf_add(out, at, (size_t)(end - at));
}
