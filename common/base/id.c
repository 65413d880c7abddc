#include "base/id.h"

static bool id_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == ':' || c == '-';
}

bool id_valid(struct bytes id)
{
    if (id.len < 1 || id.len > ID_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        if (!id_char(id.ptr[i])) {
            return false;
        }
    }
    return true;
}

char *id_make(unix_ms now, const uint8_t random[10], char text[ID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint8_t raw[16];
    uint64_t ms = now > 0 ? (uint64_t)now : 0;
    for (int i = 0; i < 6; i++) {
        raw[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    memcpy(raw + 6, random, 10);

    /* 26 digits hold 130 bits: two zero bits come before the 128. */
    uint32_t bits = 0;
    int held = 2;
    size_t next = 0;
    for (int i = 0; i < ID_TEXT_BYTES - 1; i++) {
        if (held < 5) {
            bits = (bits << 8) | raw[next++];
            held += 8;
        }
        held -= 5;
        text[i] = digits[(bits >> held) & 31];
    }
    text[ID_TEXT_BYTES - 1] = '\0';
    return text;
}

partition_id id_partition(struct bytes task_id)
{
    uint64_t h = bytes_hash(task_id);
    h ^= h >> 32;
    h ^= h >> 16;
    h ^= h >> 8;
    h = (h & 0xff) ^ ((h & 0xff) >> 6);
    return (partition_id)(h % PARTITION_COUNT);
}
