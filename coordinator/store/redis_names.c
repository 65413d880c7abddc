#include "store/redis_names.h"

enum name_form {
    BY_PARTITION,        /* ends with the partition */
    BY_PARTITION_AND_ID, /* ... and then the id */
    BY_TASK,             /* ends with a task's id; the partition appears only as a tag */
    SHARED,              /* belongs to no partition */
    SHARED_BY_ID,
};

static const struct redis_name_form {
    const char *prefix;
    enum name_form form;
} forms[] = {
    [KEY_DOC] = {"checkpoint:", BY_TASK},
    [KEY_ERROR] = {"error:", BY_TASK},
    [KEY_TASK] = {"marathon:task:", BY_TASK},
    [KEY_ITEMS] = {"marathon:items:", BY_TASK},
    [KEY_OWNER] = {"marathon:owner:", BY_PARTITION},
    [KEY_FENCE] = {"marathon:fence:", BY_PARTITION},
    [KEY_LIVE] = {"marathon:live:", BY_PARTITION},
    [KEY_LIST] = {"marathon:list:", BY_PARTITION},
    [KEY_DEAD] = {"marathon:dead:", BY_PARTITION},
    [KEY_IDEM] = {"marathon:idem:", BY_PARTITION_AND_ID},
    [KEY_USAGE] = {"marathon:usage:", BY_PARTITION_AND_ID},
    [KEY_NEVER] = {"marathon:none:", BY_PARTITION},
    [KEY_LIMIT] = {"marathon:limit:", SHARED_BY_ID},
    [KEY_LINE] = {"marathon:line:", SHARED_BY_ID},
    [KEY_RATE] = {"marathon:rate:", SHARED_BY_ID},
    [KEY_PIPELINE] = {"marathon:pipeline:", SHARED_BY_ID},
    [KEY_VERSIONS] = {"marathon:versions:", SHARED_BY_ID},
    [KEY_SECRET] = {"marathon:secret", SHARED},
    [KEY_PIPELINES] = {"marathon:pipelines", SHARED},
    [KEY_CHANGED] = {"marathon:pipelines:changed", SHARED},
};

static void put_partition(const struct redis_names *names, partition_id partition, struct buf *out)
{
    char text[] = "{p00}";
    text[2] = (char)('0' + partition / 10 % 10);
    text[3] = (char)('0' + partition % 10);
    buf_add(out, names->tags ? text : text + 1, names->tags ? 5 : 3);
}

void redis_name(const struct redis_names *names, enum redis_key key, partition_id partition,
                struct bytes id, struct buf *out)
{
    buf_add_str(out, forms[key].prefix);
    switch (forms[key].form) {
    case BY_TASK:
        if (names->tags) {
            put_partition(names, partition, out);
            buf_add_char(out, ':');
        }
        break;
    case BY_PARTITION:
        put_partition(names, partition, out);
        break;
    case BY_PARTITION_AND_ID:
        put_partition(names, partition, out);
        buf_add_char(out, ':');
        break;
    case SHARED:
        buf_add_str(out, names->tags ? ":{shared}" : "");
        break;
    case SHARED_BY_ID:
        buf_add_str(out, names->tags ? "{shared}:" : "");
        break;
    }
    buf_add_bytes(out, id);
}
