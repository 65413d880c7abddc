/* The growth-share matrix of a menu: each dish a star, cash cow, question mark or dog. Pure.
 *
 *                    growth >= threshold     growth < threshold
 *   share >= threshold     star                  cash cow
 *   share <  threshold     question mark         dog
 *
 * share: of the revenue of the last window; by default its threshold is 1 / number of dishes (the
 * mean dish). growth: revenue of the last window against the one before; by default its threshold
 * is the growth of the whole menu, so that a good month for all makes nobody a star. A dish that
 * did not sell in the window before counts as growing. */
#ifndef MARATHON_BCG_MATRIX_H
#define MARATHON_BCG_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "bcg/sales.h"

enum bcg_class { BCG_STAR, BCG_CASH_COW, BCG_QUESTION_MARK, BCG_DOG, BCG_CLASS_COUNT };

struct matrix_options {
    double share_threshold;  /* NAN: 1 / number of dishes */
    double growth_threshold; /* NAN: the menu's growth */
};

struct matrix_dish {
    const char *name; /* borrowed of the sales */
    enum bcg_class class;
    double share;
    double growth; /* NAN: nothing was sold in the window before */
    double margin; /* of the revenue; NAN: cost not known or nothing sold */
    double revenue, revenue_before;
    double quantity;
    double average_price; /* NAN: nothing sold */
};

struct matrix {
    struct matrix_dish *dishes; /* by revenue, largest first; equal ones by name */
    size_t count;
    size_t no_longer_sold; /* dishes of the file without a sale in both windows, left out */
    double revenue, revenue_before, growth, margin; /* of the menu; growth and margin may be NAN */
    double share_threshold, growth_threshold;
    size_t of_class[BCG_CLASS_COUNT];
};

/* s: summed. The matrix borrows names of it. Free with matrix_finish. ERR_INVALID where nothing was
 * sold in the last window. */
enum err MUST_CHECK matrix_make(struct matrix *m, const struct sales *s,
                                const struct matrix_options *options);
void matrix_finish(struct matrix *m);

/* "star", "cash_cow", "question_mark", "dog". */
const char *bcg_class_name(enum bcg_class class);
/* What to do with a dish of that class whose margin is below, or not below, the menu's. */
const char *bcg_recommendation(enum bcg_class class, bool low_margin);

#endif
