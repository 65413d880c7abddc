#include "store/redis_names.h"

struct redis_name_form {
    const char *prefix;
    bool by_task; /* the name ends with a task's id; the partition is only in it as a tag */
};

static const struct redis_name_form forms[] = {
    [KEY_DOC] = {"checkpoint:", true},        [KEY_ERROR] = {"error:", true},
    [KEY_TASK] = {"marathon:task:", true},    [KEY_ITEMS] = {"marathon:items:", true},
    [KEY_OWNER] = {"marathon:owner:", false}, [KEY_FENCE] = {"marathon:fence:", false},
    [KEY_LIVE] = {"marathon:live:", false},   [KEY_ENDED] = {"marathon:ended:", false},
    [KEY_LIST] = {"marathon:list:", false},   [KEY_DEAD] = {"marathon:dead:", false},
    [KEY_IDEM] = {"marathon:idem:", false},   [KEY_USAGE] = {"marathon:usage:", false},
    [KEY_LIMIT] = {"marathon:limit:", true},  [KEY_LINE] = {"marathon:line:", true},
    [KEY_RATE] = {"marathon:rate:", true},
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
    if (key >= KEY_LIMIT) { /* all limits in one slot: a call may name several */
        buf_add_str(out, names->tags ? "{limits}:" : "");
        buf_add_bytes(out, id);
        return;
    }
    if (forms[key].by_task) {
        if (names->tags) {
            put_partition(names, partition, out);
            buf_add_char(out, ':');
        }
    } else {
        put_partition(names, partition, out);
        if (key == KEY_IDEM || key == KEY_USAGE) {
            buf_add_char(out, ':');
        }
    }
    buf_add_bytes(out, id);
}
