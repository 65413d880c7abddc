#include "bcg/report.h"

#include <math.h>

#include "bcg/dish_name.h"
#include "json/scan.h"

#define METHOD "{\"kind\":\"deterministic\",\"name\":\"bcg-share-growth-v1\"}"

/* Shares, growth and margins carry six decimals, money two: more would only be noise in the text.
 */
static void put_rounded(struct buf *out, const char *key, double value, double scale)
{
    buf_addf(out, "\"%s\":", key);
    if (isnan(value)) {
        buf_add_str(out, "null");
    } else {
        json_put_number(out, round(value * scale) / scale);
    }
    buf_add_char(out, ',');
}

static void put_ratio(struct buf *out, const char *key, double value)
{
    put_rounded(out, key, value, 1e6);
}

static void put_money(struct buf *out, const char *key, double value)
{
    put_rounded(out, key, value, 1e2);
}

/* NULL where the menu does not have the dish. */
static const struct doc_value *on_menu(const struct doc_value *menu, const char *name)
{
    for (size_t i = 0; i < doc_count(menu); i++) {
        const struct doc_value *dish = doc_at(menu, i);
        if (dish_name_same(doc_string(doc_get(dish, "name")), bytes_str(name))) {
            return dish;
        }
    }
    return NULL;
}

static void put_menu_place(struct buf *out, const struct doc_value *menu, const char *name)
{
    if (menu == NULL) {
        buf_add_str(out, "\"on_menu\":null,\"menu_price\":null,");
        return;
    }
    const struct doc_value *dish = on_menu(menu, name);
    buf_addf(out, "\"on_menu\":%s,", dish != NULL ? "true" : "false");
    const struct doc_value *price = doc_get(dish, "price");
    put_money(out, "menu_price", doc_kind(price) == JSON_NUMBER ? doc_number(price) : NAN);
}

static void put_dish(struct buf *out, const struct matrix *m, const struct matrix_dish *dish,
                     const struct doc_value *menu)
{
    buf_add_str(out, "{\"dish\":");
    json_put_string(out, bytes_str(dish->name));
    buf_addf(out, ",\"class\":\"%s\",", bcg_class_name(dish->class));
    put_ratio(out, "share", dish->share);
    put_ratio(out, "growth", dish->growth);
    put_ratio(out, "margin", dish->margin);
    put_money(out, "revenue", dish->revenue);
    put_money(out, "revenue_before", dish->revenue_before);
    put_money(out, "quantity", dish->quantity);
    put_money(out, "average_price", dish->average_price);
    put_menu_place(out, menu, dish->name);
    bool low_margin = dish->margin < m->margin; /* false where one of them is not known */
    buf_add_str(out, "\"recommendation\":");
    json_put_string(out, bytes_str(bcg_recommendation(dish->class, low_margin)));
    buf_add_char(out, '}');
}

static void put_window(struct buf *out, const struct report_source *source)
{
    char first[11], last[11];
    sales_day_text(source->sales->last_day - source->window_days + 1, first);
    sales_day_text(source->sales->last_day, last);
    buf_addf(out, "\"window\":{\"days\":%d,\"first\":\"%s\",\"last\":\"%s\"},", source->window_days,
             first, last);
}

static void put_menu_numbers(struct buf *out, const struct matrix *m)
{
    buf_add_str(out, "\"menu\":{");
    put_money(out, "revenue", m->revenue);
    put_money(out, "revenue_before", m->revenue_before);
    put_ratio(out, "growth", m->growth);
    put_ratio(out, "margin", m->margin);
    out->len--; /* the comma behind the last member */
    buf_add_str(out, "},\"thresholds\":{");
    put_ratio(out, "share", m->share_threshold);
    put_ratio(out, "growth", m->growth_threshold);
    out->len--;
    buf_add_str(out, "},");
}

void report_write(const struct matrix *m, const struct report_source *source, struct buf *out)
{
    buf_add_char(out, '{');
    put_window(out, source);
    put_menu_numbers(out, m);
    buf_add_str(out, "\"classes\":{");
    for (enum bcg_class c = 0; c < BCG_CLASS_COUNT; c++) {
        buf_addf(out, "%s\"%s\":%zu", c > 0 ? "," : "", bcg_class_name(c), m->of_class[c]);
    }
    buf_addf(out, "},\"rows\":%zu,\"no_longer_sold\":%zu,\"dishes\":[", source->sales->row_count,
             m->no_longer_sold);
    for (size_t i = 0; i < m->count; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        put_dish(out, m, &m->dishes[i], source->menu);
    }
    buf_add_str(out, "],\"method\":" METHOD "}");
}
