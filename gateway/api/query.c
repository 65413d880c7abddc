#include "api/query.h"

#include <stdio.h>

bool query_get(const struct query *q, const char *name, struct bytes *ret_value)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < q->count; i++) {
        struct bytes arg = q->args[i];
        if (arg.len < n || memcmp(arg.ptr, name, n) != 0) {
            continue;
        }
        if (arg.len == n || arg.ptr[n] == '=') {
            *ret_value = bytes_part(arg, n + 1, arg.len);
            return true;
        }
    }
    return false;
}

bool number_parse(struct bytes text, uint64_t max, uint64_t *ret_value)
{
    if (text.len == 0 || text.len > 20) {
        return false;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (digit > max || v > (max - digit) / 10) {
            return false;
        }
        v = v * 10 + digit;
    }
    *ret_value = v;
    return true;
}

bool query_fault(struct problem *p, const char *name, const char *wanted)
{
    problem_set(p, CODE_INVALID_FIELD, "the query parameter `%s` must be %s", name, wanted);
    problem_add_parameter(p, bytes_str(name), "must be %s", wanted);
    return false;
}

bool query_wait(const struct query *q, mono_ms *ret_wait, struct problem *ret_problem)
{
    struct bytes text;
    if (!query_get(q, "wait", &text)) {
        return true;
    }
    uint64_t scale = 1000;
    if (text.len > 2 && bytes_is(bytes_part(text, text.len - 2, 2), "ms")) {
        scale = 1;
        text.len -= 2;
    } else if (text.len > 1 && text.ptr[text.len - 1] == 's') {
        text.len -= 1;
    }
    uint64_t v;
    if (!number_parse(text, 1000000000, &v)) {
        return query_fault(ret_problem, "wait", "a time such as 30s or 500ms");
    }
    uint64_t ms = v * scale;
    *ret_wait = ms > QUERY_WAIT_MS_MAX ? QUERY_WAIT_MS_MAX : (mono_ms)ms;
    return true;
}

bool query_flag(const struct query *q, const char *name, bool *ret_value,
                struct problem *ret_problem)
{
    struct bytes text;
    if (!query_get(q, name, &text)) {
        return true;
    }
    if (text.len == 0 || bytes_is(text, "true") || bytes_is(text, "1")) {
        *ret_value = true;
        return true;
    }
    if (bytes_is(text, "false") || bytes_is(text, "0")) {
        *ret_value = false;
        return true;
    }
    return query_fault(ret_problem, name, "true or false");
}

bool query_limit(const struct query *q, uint64_t max, uint64_t *ret_value,
                 struct problem *ret_problem)
{
    struct bytes text;
    uint64_t limit = 0;
    if (!query_get(q, "limit", &text)) {
        return true;
    }
    if (!number_parse(text, max, &limit) || limit == 0) {
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "a whole number from 1 to %llu",
                       (unsigned long long)max);
        return query_fault(ret_problem, "limit", wanted);
    }
    *ret_value = limit;
    return true;
}

bool query_number(const struct query *q, const char *name, uint64_t max, uint64_t *ret_value,
                  struct problem *ret_problem)
{
    struct bytes text;
    if (!query_get(q, name, &text)) {
        return true;
    }
    if (!number_parse(text, max, ret_value)) {
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "a whole number, at most %llu",
                       (unsigned long long)max);
        return query_fault(ret_problem, name, wanted);
    }
    return true;
}
