#include "bcg/dish_name.h"

#define LETTERS_PER_SLIP 8u

/* Letters and digits in lower case; bytes of other scripts stay as they are. */
static size_t plain_letters(struct bytes name, uint8_t out[DISH_NAME_LETTERS_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < DISH_NAME_LETTERS_MAX; i++) {
        uint8_t c = name.ptr[i];
        if (c >= 'A' && c <= 'Z') {
            c = (uint8_t)(c + 32);
        }
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80) {
            out[len++] = c;
        }
    }
    return len;
}

/* Levenshtein's distance, one row at a time. */
static size_t distance(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    size_t row[DISH_NAME_LETTERS_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = corner + (a[i - 1] != b[j - 1]);
            size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            corner = row[j];
            row[j] = change < shorter ? change : shorter;
        }
    }
    return row[b_len];
}

bool dish_name_same(struct bytes a, struct bytes b)
{
    uint8_t left[DISH_NAME_LETTERS_MAX], right[DISH_NAME_LETTERS_MAX];
    size_t left_len = plain_letters(a, left), right_len = plain_letters(b, right);
    size_t longer = left_len > right_len ? left_len : right_len;
    size_t shorter = left_len > right_len ? right_len : left_len;
    size_t slips = longer / LETTERS_PER_SLIP;
    return shorter > 0 && longer - shorter <= slips &&
           distance(left, left_len, right, right_len) <= slips;
}
