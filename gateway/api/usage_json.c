#include "api/usage_json.h"

#include "json/scan.h"

static const struct {
    const char *name;
    uint32_t by;
} groupings[] = {
    {"day", USAGE_BY_DAY}, {"task_type", USAGE_BY_TASK_TYPE}, {"model", USAGE_BY_MODEL}};

#define GROUPINGS (sizeof groupings / sizeof groupings[0])

void usage_sum_member_put(struct buf *out, const struct usage_sum *sum)
{
    if (!usage_sum_none(sum)) {
        buf_add_str(out, ",\"usage\":{");
        usage_sum_put(out, sum);
        buf_add_char(out, '}');
    }
}

static struct usage_sum total_of(const struct usage_part *parts, uint32_t count)
{
    struct usage_sum total = {0};
    for (uint32_t i = 0; i < count; i++) {
        usage_sum_add(&total, &parts[i].sum);
    }
    return total;
}

void usage_header_put(struct buf *out, const struct usage_part *parts, uint32_t count)
{
    struct usage_sum total = total_of(parts, count);
    if (count > 0) {
        buf_add_char(out, '{');
        usage_sum_put(out, &total);
        buf_add_char(out, '}');
    }
}

/* Models that have used tokens but never reported a cost, or only 0: a cost_usd of 0 need not mean
 * that they are free, and a budget in dollars does not stop them. */
static void without_cost_put(struct buf *out, const struct usage_part *parts, uint32_t count)
{
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        if (usage_tokens(&parts[i].sum) > 0 && parts[i].sum.cost_nano == 0) {
            buf_add_str(out, any ? "," : ",\"without_cost\":[");
            json_put_string(out, parts[i].model);
            any = true;
        }
    }
    buf_add_str(out, any ? "]" : "");
}

void usage_member_put(struct buf *out, const struct usage_part *parts, uint32_t count)
{
    struct usage_sum total = total_of(parts, count);
    if (count == 0) {
        return;
    }
    buf_add_str(out, ",\"usage\":{");
    usage_sum_put(out, &total);
    buf_add_str(out, ",\"models\":[");
    for (uint32_t i = 0; i < count; i++) {
        buf_add_str(out, i > 0 ? ",{\"model\":" : "{\"model\":");
        json_put_string(out, parts[i].model);
        buf_add_char(out, ',');
        usage_sum_put(out, &parts[i].sum);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
    without_cost_put(out, parts, count);
    buf_add_char(out, '}');
}

void budget_member_put(struct buf *out, const struct task_view *v)
{
    struct usage_sum used = total_of(v->usage, v->usage_count);
    const char *comma = "";
    if (budget_none(&v->budget)) {
        return;
    }
    buf_add_str(out, ",\"budget\":");
    budget_put(out, &v->budget);
    out->len--; /* its brace: one more member follows */
    buf_add_str(out, ",\"spent\":{");
    if (v->budget.cost_nano > 0) {
        buf_add_str(out, "\"cost_usd\":");
        usd_put(out, used.cost_nano);
        comma = ",";
    }
    if (v->budget.tokens > 0) {
        buf_addf(out, "%s\"tokens\":%llu", comma, (unsigned long long)usage_tokens(&used));
        comma = ",";
    }
    if (v->budget.steps > 0) {
        buf_addf(out, "%s\"steps\":%llu", comma, (unsigned long long)v->attempts_over);
    }
    buf_add_char(out, '}');
    if (v->budget.cost_nano > 0) {
        without_cost_put(out, v->usage, v->usage_count);
    }
    buf_add_char(out, '}');
}

/* ---- the query ---- */

static bool group_by_read(struct bytes text, uint32_t *ret_by, struct problem *p)
{
    while (text.len > 0) {
        const uint8_t *comma = memchr(text.ptr, ',', text.len);
        size_t n = comma != NULL ? (size_t)(comma - text.ptr) : text.len;
        size_t i = 0;
        while (i < GROUPINGS && !bytes_is(bytes_part(text, 0, n), groupings[i].name)) {
            i++;
        }
        if (i == GROUPINGS || (*ret_by & groupings[i].by) != 0) {
            return query_fault(p, "group_by",
                               "any of model, task_type and day, each once, separated by commas");
        }
        *ret_by |= groupings[i].by;
        text = bytes_part(text, n + 1, text.len);
    }
    return true;
}

static bool day_read(const struct query *q, const char *name, int32_t *ret_day, struct problem *p)
{
    struct bytes text;
    return !query_get(q, name, &text) || day_parse(text, ret_day) == ERR_OK ||
           query_fault(p, name, "a day such as 2026-11-27");
}

bool usage_query_parse(const struct query *q, int32_t today, struct usage_request *ret_request,
                       struct problem *ret_problem)
{
    struct usage_request r = {.first_day = -1, .last_day = today};
    struct bytes text;
    if (query_get(q, "group_by", &text) && !group_by_read(text, &r.by, ret_problem)) {
        return false;
    }
    if (!day_read(q, "until", &r.last_day, ret_problem)) {
        return false;
    }
    r.first_day = r.last_day >= USAGE_DAYS_DEFAULT ? r.last_day - USAGE_DAYS_DEFAULT + 1 : 0;
    if (!day_read(q, "since", &r.first_day, ret_problem)) {
        return false;
    }
    if (r.first_day > r.last_day) {
        return query_fault(ret_problem, "since", "a day not after `until`");
    }
    if (r.last_day - r.first_day >= (int32_t)USAGE_DAYS_MAX) {
        return query_fault(ret_problem, "since",
                           "at most 92 days before `until`: older sums are not kept");
    }
    *ret_request = r;
    return true;
}

/* ---- the answer ---- */

static void row_put(const struct usage_group *row, uint32_t by, bool others, struct buf *out)
{
    char day[DAY_TEXT_BYTES];
    buf_add_char(out, '{');
    if ((by & USAGE_BY_DAY) != 0 && others) {
        buf_add_str(out, "\"day\":null,");
    } else if ((by & USAGE_BY_DAY) != 0) {
        buf_addf(out, "\"day\":\"%s\",", day_format(row->day, day));
    }
    if ((by & USAGE_BY_TASK_TYPE) != 0) {
        buf_add_str(out, "\"task_type\":");
        json_put_string(out, row->task_type);
        buf_add_char(out, ',');
    }
    if ((by & USAGE_BY_MODEL) != 0) {
        buf_add_str(out, "\"model\":");
        json_put_string(out, row->model);
        buf_add_char(out, ',');
    }
    usage_sum_put(out, &row->sum);
    buf_add_char(out, '}');
}

static void groups_put(const struct usage_groups *g, struct buf *out)
{
    const char *comma = "";
    buf_add_str(out, "{\"group_by\":[");
    for (size_t i = 0; i < GROUPINGS; i++) {
        if ((g->by & groupings[i].by) != 0) {
            buf_addf(out, "%s\"%s\"", comma, groupings[i].name);
            comma = ",";
        }
    }
    buf_add_str(out, "],\"items\":[");
    for (uint32_t i = 0; i < g->count; i++) {
        buf_add_str(out, i > 0 ? "," : "");
        row_put(&g->rows[i], g->by, g->cut && i + 1 == g->count, out);
    }
    buf_add_str(out, "],\"total\":{");
    struct usage_sum total = {0};
    for (uint32_t i = 0; i < g->count; i++) {
        usage_sum_add(&total, &g->rows[i].sum);
    }
    usage_sum_put(out, &total);
    buf_add_char(out, '}');
}

void usage_render(const struct message *const *replies, size_t count,
                  const struct usage_request *request, struct buf *out)
{
    struct usage_groups g = {.by = request->by};
    char since[DAY_TEXT_BYTES], until[DAY_TEXT_BYTES];
    bool cut = false;
    for (size_t i = 0; i < count; i++) {
        cut = cut || replies[i]->usage.cut;
        for (uint32_t k = 0; k < replies[i]->usage.count; k++) {
            usage_groups_add(&g, &replies[i]->usage.rows[k]);
        }
    }
    usage_groups_sort(&g);
    groups_put(&g, out);
    buf_addf(out, ",\"since\":\"%s\",\"until\":\"%s\",\"truncated\":%s}",
             day_format(request->first_day, since), day_format(request->last_day, until),
             g.cut || cut ? "true" : "false");
    usage_groups_free(&g);
}
