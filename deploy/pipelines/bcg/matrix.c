#include "bcg/matrix.h"

#include <math.h>
#include <stdlib.h>

const char *bcg_class_name(enum bcg_class class)
{
    static const char *const names[BCG_CLASS_COUNT] = {
        [BCG_STAR] = "star",
        [BCG_CASH_COW] = "cash_cow",
        [BCG_QUESTION_MARK] = "question_mark",
        [BCG_DOG] = "dog",
    };
    return names[class];
}

const char *bcg_recommendation(enum bcg_class class, bool low_margin)
{
    static const char *const advice[BCG_CLASS_COUNT][2] = {
        [BCG_STAR] =
            {"Keep recipe and place at the top of the menu, and let campaigns lead with it.",
             "Wins guests but earns little: a small price rise or cheaper goods come first."},
        [BCG_CASH_COW] = {"Keep it as it is, steady quality and no discounts; its earnings pay for "
                          "trying new things.",
                          "Sells well but earns little: raise the price in small steps, check the "
                          "portion."},
        [BCG_QUESTION_MARK] = {"Growing and well paid: give it a better place and a campaign to "
                               "make it a star.",
                               "Growing but thin: cut its cost before promoting it."},
        [BCG_DOG] =
            {"Sells little but earns well: rename it or move it, and look again in a month.",
             "Sells and earns little: take it off the menu or remake it."},
    };
    return advice[class][low_margin ? 1 : 0];
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static struct matrix_dish measure(const struct sales_dish *dish, double revenue)
{
    const struct sales_totals *recent = &dish->recent;
    return (struct matrix_dish){
        .name = dish->name,
        .share = recent->revenue / revenue,
        .growth = ratio(recent->revenue, dish->before.revenue) - 1,
        .margin = recent->cost_known ? ratio(recent->revenue - recent->cost, recent->revenue) : NAN,
        .revenue = recent->revenue,
        .revenue_before = dish->before.revenue,
        .quantity = recent->quantity,
        .average_price = ratio(recent->revenue, recent->quantity),
    };
}

static enum bcg_class class_of(const struct matrix *m, const struct matrix_dish *dish)
{
    bool large = dish->share >= m->share_threshold;
    bool growing = isnan(dish->growth) || dish->growth >= m->growth_threshold;
    if (large) {
        return growing ? BCG_STAR : BCG_CASH_COW;
    }
    return growing ? BCG_QUESTION_MARK : BCG_DOG;
}

static int by_revenue(const void *left, const void *right)
{
    const struct matrix_dish *a = left, *b = right;
    if (a->revenue != b->revenue) {
        return a->revenue > b->revenue ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static void sum_menu(struct matrix *m, const struct sales *s)
{
    double cost = 0, paid = 0; /* over the dishes whose cost is known */
    for (size_t i = 0; i < s->dish_count; i++) {
        const struct sales_dish *dish = &s->dishes[i];
        m->revenue += dish->recent.revenue;
        m->revenue_before += dish->before.revenue;
        if (dish->recent.cost_known) {
            cost += dish->recent.cost;
            paid += dish->recent.revenue;
        }
        if (dish->recent.quantity > 0 || dish->before.quantity > 0) {
            m->count++;
        }
    }
    m->no_longer_sold = s->dish_count - m->count;
    m->growth = ratio(m->revenue, m->revenue_before) - 1;
    m->margin = cost > 0 ? ratio(paid - cost, paid) : NAN;
}

enum err matrix_make(struct matrix *m, const struct sales *s, const struct matrix_options *options)
{
    *m = (struct matrix){0};
    sum_menu(m, s);
    if (m->revenue <= 0) {
        *m = (struct matrix){0};
        return ERR_INVALID;
    }
    m->share_threshold =
        isnan(options->share_threshold) ? 1.0 / (double)m->count : options->share_threshold;
    m->growth_threshold = options->growth_threshold;
    if (isnan(m->growth_threshold)) {
        m->growth_threshold = isnan(m->growth) ? 0 : m->growth;
    }
    m->dishes = mem_zalloc(m->count * sizeof *m->dishes);
    size_t next = 0;
    for (size_t i = 0; i < s->dish_count; i++) {
        if (s->dishes[i].recent.quantity > 0 || s->dishes[i].before.quantity > 0) {
            struct matrix_dish *dish = &m->dishes[next++];
            *dish = measure(&s->dishes[i], m->revenue);
            dish->class = class_of(m, dish);
            m->of_class[dish->class]++;
        }
    }
    qsort(m->dishes, m->count, sizeof *m->dishes, by_revenue);
    return ERR_OK;
}

void matrix_finish(struct matrix *m)
{
    free(m->dishes);
    *m = (struct matrix){0};
}
