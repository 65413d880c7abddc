#include "base/bytes.h"

int bytes_cmp(struct bytes a, struct bytes b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared > 0 ? memcmp(a.ptr, b.ptr, shared) : 0;
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

uint64_t bytes_hash(struct bytes b)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < b.len; i++) {
        hash ^= b.ptr[i];
        hash *= 0x100000001b3u;
    }
    return hash;
}

struct bytes bytes_part(struct bytes b, size_t from, size_t len)
{
    if (from >= b.len) {
        return BYTES_NONE;
    }
    size_t rest = b.len - from;
    return bytes_of(b.ptr + from, len < rest ? len : rest);
}
