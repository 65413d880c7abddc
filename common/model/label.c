#include "model/label.h"

#include "base/id.h"
#include "model/limits.h"

bool label_part_valid(struct bytes part)
{
    return part.len <= LABEL_PART_BYTES_MAX && id_valid(part);
}

static size_t name_len(struct bytes label)
{
    const uint8_t *at = label.len > 0 ? memchr(label.ptr, '=', label.len) : NULL;
    return at != NULL ? (size_t)(at - label.ptr) : label.len;
}

struct bytes label_name(struct bytes label)
{
    return bytes_part(label, 0, name_len(label));
}

bool label_valid(struct bytes label)
{
    size_t n = name_len(label);
    return n < label.len && label_part_valid(bytes_part(label, 0, n)) &&
           label_part_valid(bytes_part(label, n + 1, label.len - n - 1));
}

bool labels_next(struct bytes *rest, struct bytes *ret_label)
{
    if (rest->len == 0) {
        return false;
    }
    const uint8_t *comma = memchr(rest->ptr, ',', rest->len);
    size_t n = comma != NULL ? (size_t)(comma - rest->ptr) : rest->len;
    *ret_label = bytes_part(*rest, 0, n);
    *rest = comma != NULL ? bytes_part(*rest, n + 1, rest->len - n - 1) : BYTES_NONE;
    return true;
}

bool labels_meet(const struct bytes *labels, size_t count, struct bytes required)
{
    struct bytes label;
    while (labels_next(&required, &label)) {
        size_t i = 0;
        while (i < count && !bytes_eq(labels[i], label)) {
            i++;
        }
        if (i == count) {
            return false;
        }
    }
    return true;
}

void labels_put_json(struct buf *out, struct bytes labels)
{
    struct bytes label;
    const char *comma = "";
    buf_add_char(out, '{');
    while (labels_next(&labels, &label)) { /* the alphabet of labels needs no escapes */
        size_t n = name_len(label);
        buf_addf(out, "%s\"%.*s\":\"%.*s\"", comma, (int)n, (const char *)label.ptr,
                 (int)(label.len - n - 1), (const char *)label.ptr + n + 1);
        comma = ",";
    }
    buf_add_char(out, '}');
}
