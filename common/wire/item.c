#include "wire/item.h"

#include <endian.h>

#define NO_FORMAT 0xc1u
#define SHORT_BIN 0xc4u

/* Meaning of the formats 0xc0 to 0xdf. */
enum format { NIL, BOOL, BIN, EXT, FRACTION, UNSIGNED, SIGNED, EXT_FIXED, STR, ARRAY, MAP };

static const struct {
    uint8_t format;
    uint8_t width; /* bytes of the number that follows: a value, length or count */
} marks[32] = {
    {NIL, 0},       {NIL, 0},      {BOOL, 0},      {BOOL, 0},      {BIN, 1},       {BIN, 2},
    {BIN, 4},       {EXT, 1},      {EXT, 2},       {EXT, 4},       {FRACTION, 4},  {FRACTION, 8},
    {UNSIGNED, 1},  {UNSIGNED, 2}, {UNSIGNED, 4},  {UNSIGNED, 8},  {SIGNED, 1},    {SIGNED, 2},
    {SIGNED, 4},    {SIGNED, 8},   {EXT_FIXED, 0}, {EXT_FIXED, 0}, {EXT_FIXED, 0}, {EXT_FIXED, 0},
    {EXT_FIXED, 0}, {STR, 1},      {STR, 2},       {STR, 4},       {ARRAY, 2},     {ARRAY, 4},
    {MAP, 2},       {MAP, 4},
};

static uint64_t big_endian(const uint8_t *p, unsigned width)
{
    uint64_t v8 = 0;
    uint32_t v4 = 0;
    uint16_t v2 = 0;
    switch (width) {
    case 1:
        return *p;
    case 2:
        memcpy(&v2, p, sizeof v2);
        return be16toh(v2);
    case 4:
        memcpy(&v4, p, sizeof v4);
        return be32toh(v4);
    case 8:
        memcpy(&v8, p, sizeof v8);
        return be64toh(v8);
    default:
        return 0;
    }
}

static void set_signed(struct item *item, uint64_t v, unsigned width)
{
    unsigned above = 64 - 8 * width;
    int64_t number = (int64_t)(v << above) >> above;
    item->kind = number < 0 ? ITEM_NEGATIVE : ITEM_UNSIGNED;
    item->number = (uint64_t)number;
}

static void set_fraction(struct item *item, uint64_t v, unsigned width)
{
    uint32_t low = (uint32_t)v;
    float narrow;
    item->kind = ITEM_FRACTION;
    memcpy(&item->fraction, &v, sizeof v);
    if (width == sizeof narrow) {
        memcpy(&narrow, &low, sizeof narrow);
        item->fraction = (double)narrow;
    }
}

/* mark: 0xc0 to 0xdf; v: the number that follows it. Sets only the length of the content. */
static void set_marked(struct item *item, uint8_t mark, uint64_t v)
{
    item->number = v;
    switch ((enum format)marks[mark & 0x1f].format) {
    case NIL:
        item->kind = ITEM_NIL;
        return;
    case BOOL:
        item->kind = ITEM_BOOL;
        item->number = mark & 1;
        return;
    case UNSIGNED:
        item->kind = ITEM_UNSIGNED;
        return;
    case SIGNED:
        set_signed(item, v, marks[mark & 0x1f].width);
        return;
    case FRACTION:
        set_fraction(item, v, marks[mark & 0x1f].width);
        return;
    case BIN:
        item->kind = ITEM_BIN;
        item->content.len = v;
        return;
    case STR:
        item->content.len = v;
        return;
    case EXT: /* plus a type byte */
        item->content.len = v + 1;
        return;
    case EXT_FIXED: /* 1, 2, 4, 8 or 16 bytes, plus a type byte */
        item->content.len = ((size_t)1 << (mark - 0xd4)) + 1;
        return;
    case ARRAY:
        item->kind = ITEM_ARRAY;
        return;
    case MAP:
        item->kind = ITEM_MAP;
        item->number = 2 * v;
        return;
    }
}

static bool has_elements(const struct item *item)
{
    return (item->kind == ITEM_ARRAY || item->kind == ITEM_MAP) && item->number > 0;
}

enum err item_next_long(struct items *from, struct item *ret_item)
{
    const uint8_t *p = from->rest.ptr;
    size_t left = from->rest.len;
    if (left == 0 || *p == NO_FORMAT || from->seen++ == ELEMENTS_MAX) {
        return ERR_PROTOCOL;
    }
    uint8_t mark = *p++;
    left--;
    /* the most frequent case after small numbers */
    if (mark == SHORT_BIN && left > 0 && *p < left) {
        ret_item->kind = ITEM_BIN;
        ret_item->content = bytes_of(p + 1, *p);
        from->rest = bytes_of(p + 1 + *p, left - 1 - *p);
        return ERR_OK;
    }
    ret_item->kind = ITEM_OTHER;
    ret_item->content.len = 0;
    if (mark <= 0x7f || mark >= 0xe0) {
        set_signed(ret_item, mark, 1);
    } else if (mark >= 0xc0) {
        unsigned width = marks[mark & 0x1f].width;
        if (width > left) {
            return ERR_PROTOCOL;
        }
        set_marked(ret_item, mark, big_endian(p, width));
        p += width;
        left -= width;
    } else if (mark >= 0xa0) {
        ret_item->content.len = mark & 0x1f;
    } else {
        ret_item->kind = mark >= 0x90 ? ITEM_ARRAY : ITEM_MAP;
        ret_item->number = mark >= 0x90 ? mark & 0x0f : 2 * (mark & 0x0f);
    }
    /* Each element takes at least one byte. */
    size_t content = ret_item->content.len;
    if (content > left || (has_elements(ret_item) && ret_item->number > left)) {
        return ERR_PROTOCOL;
    }
    ret_item->content.ptr = p;
    from->rest = bytes_of(p + content, left - content);
    return ERR_OK;
}

enum err items_skip(struct items *from, uint64_t count)
{
    enum err e = ERR_OK;
    for (; count > 0 && e == ERR_OK; count--) {
        struct item item;
        e = item_next(from, &item);
        if (e != ERR_OK || !has_elements(&item)) {
            continue;
        }
        if (from->depth == NESTING_MAX) {
            return ERR_PROTOCOL;
        }
        from->depth++;
        e = items_skip(from, item.number);
        from->depth--;
    }
    return e;
}
