#include "api/fields.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/near.h"
#include "json/scan.h"
#include "model/pipeline.h"

#define FIELDS_MAX 32 /* most fields in the body of any call */

static void fault_add(struct problem *p, const char *name, const char *wanted)
{
    char detail[240];
    (void)snprintf(detail, sizeof detail, "must be %s", wanted);
    problem_add_member(p, bytes_str(name), detail);
}

/* Reads an integer, also one written as 60.0 or 6e1, as some clients' encoders do. */
static bool int_of(struct bytes value, int64_t min, int64_t max, int32_t *ret_int)
{
    char text[40];
    if (json_kind_of(value) != JSON_NUMBER || value.len >= sizeof text) {
        return false;
    }
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    double v = strtod(text, NULL);
    if (!(v >= (double)min && v <= (double)max) || v != (double)(int64_t)v) {
        return false;
    }
    *ret_int = (int32_t)v;
    return true;
}

static void int_read(const struct field *f, struct bytes value, struct problem *p)
{
    if (!int_of(value, f->min, f->max, f->target)) {
        char wanted[80];
        (void)snprintf(wanted, sizeof wanted, "a whole number from %lld to %lld", (long long)f->min,
                       (long long)f->max);
        fault_add(p, f->name, wanted);
    }
}

static void string_read(const struct field *f, struct bytes value, struct arena *arena,
                        struct problem *p)
{
    if (json_kind_of(value) != JSON_STRING) {
        fault_add(p, f->name, "a string");
        return;
    }
    struct buf text = {0};
    json_unquote(value, &text);
    bool fits = f->kind == FIELD_ID     ? id_valid(buf_bytes(&text))
                : f->kind == FIELD_STEP ? step_name_valid(buf_bytes(&text))
                                        : text.len <= (size_t)f->max;
    if (fits) {
        *(struct bytes *)f->target = arena_bytes(arena, buf_bytes(&text));
    } else if (f->kind == FIELD_ID) {
        fault_add(p, f->name, "1 to 128 of the characters A-Z a-z 0-9 _ . : -");
    } else if (f->kind == FIELD_STEP) {
        fault_add(p, f->name,
                  "a step's name or step_id: 1 to 128 of the characters A-Z a-z 0-9 _ . : -; for a "
                  "step inside a pipeline that is a step, several such parts joined by /");
    } else {
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "at most %lld bytes", (long long)f->max);
        fault_add(p, f->name, wanted);
    }
    buf_free(&text);
}

static bool is_empty(struct bytes array)
{
    size_t i = 1;
    while (i < array.len && strchr(" \n\t\r", array.ptr[i]) != NULL) {
        i++;
    }
    return i < array.len && array.ptr[i] == ']';
}

/* A payload over its bound is a different problem (413), which outranks wrong fields. */
static void raw_read(const struct field *f, struct bytes value, struct problem *p)
{
    enum json_kind wanted = f->kind == FIELD_OBJECT ? JSON_OBJECT : JSON_ARRAY;
    if (f->kind != FIELD_ANY && json_kind_of(value) != wanted) {
        fault_add(p, f->name, f->kind == FIELD_OBJECT ? "an object" : "an array");
        return;
    }
    if (f->max > 0 && value.len > (size_t)f->max) {
        char detail[160];
        (void)snprintf(detail, sizeof detail,
                       "has %zu bytes, at most %lld are allowed: put large data into a file or an "
                       "object store and pass its name",
                       value.len, (long long)f->max);
        problem_set(p, CODE_TOO_LARGE, "`%s` %s", f->name, detail);
        problem_add_member(p, bytes_str(f->name), detail);
        return;
    }
    if (f->kind == FIELD_ARRAY && is_empty(value)) {
        return;
    }
    *(struct bytes *)f->target = value;
}

static void field_read(const struct field *f, struct bytes value, struct arena *arena,
                       struct problem *p)
{
    enum json_kind kind = json_kind_of(value);
    if (kind == JSON_NULL) {
        return;
    }
    switch (f->kind) {
    case FIELD_ID:
    case FIELD_STEP:
    case FIELD_TEXT:
        string_read(f, value, arena, p);
        return;
    case FIELD_OBJECT:
    case FIELD_ARRAY:
    case FIELD_ANY:
        raw_read(f, value, p);
        return;
    case FIELD_BOOL:
        if (kind != JSON_TRUE && kind != JSON_FALSE) {
            fault_add(p, f->name, "true or false");
            return;
        }
        *(bool *)f->target = kind == JSON_TRUE;
        return;
    case FIELD_INT:
        int_read(f, value, p);
        return;
    }
}

/* Decodes a key, which may contain escapes. */
static struct bytes key_decode(struct bytes raw, struct buf *quoted, struct buf *out)
{
    if (raw.len == 0 || memchr(raw.ptr, '\\', raw.len) == NULL) {
        return raw;
    }
    buf_clear(quoted);
    buf_clear(out);
    buf_add_char(quoted, '"');
    buf_add_bytes(quoted, raw);
    buf_add_char(quoted, '"');
    json_unquote(buf_bytes(quoted), out);
    return buf_bytes(out);
}

static const struct field *field_find(const struct field *fields, size_t count, struct bytes key)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_is(key, fields[i].name)) {
            return &fields[i];
        }
    }
    return NULL;
}

static void unknown_add(struct problem *p, struct bytes key, const struct field *fields,
                        size_t count)
{
    const char *names[FIELDS_MAX];
    struct buf detail = {0};
    for (size_t i = 0; i < count && i < FIELDS_MAX; i++) {
        names[i] = fields[i].name;
    }
    buf_add_str(&detail, "is not a field of this call");
    near_put(&detail, key, names, count < FIELDS_MAX ? count : FIELDS_MAX);
    problem_add_member(p, key, buf_cstr(&detail));
    buf_free(&detail);
}

static void members_read(struct json_place object, const struct field *fields, size_t count,
                         struct arena *arena, struct problem *p)
{
    uint64_t seen = 0;
    struct buf quoted = {0}, decoded = {0};
    const struct json_node *nodes = object.index->nodes;
    uint32_t end = nodes[object.node].next;
    for (uint32_t i = object.node + 1; i < end && p->code != CODE_TOO_LARGE; i = nodes[i].next) {
        struct bytes value = nodes[i].value;
        struct bytes key = key_decode(nodes[i].key, &quoted, &decoded);
        const struct field *f = field_find(fields, count, key);
        if (f == NULL) {
            unknown_add(p, key, fields, count);
        } else if ((seen & (1ULL << (f - fields))) != 0) {
            problem_add_member(p, key, "is given twice");
        } else {
            seen |= 1ULL << (f - fields);
            field_read(f, value, arena, p);
        }
    }
    buf_free(&quoted);
    buf_free(&decoded);
}

bool body_index(struct bytes body, unsigned depth, struct json_index *ret_index,
                struct problem *ret_problem)
{
    struct json_fault fault;
    if (json_check_index(body, depth, ret_index, &fault) != ERR_OK) {
        problem_set(ret_problem, CODE_INVALID_JSON, "the body is not JSON: %s at byte %zu",
                    fault.reason, fault.offset);
        return false;
    }
    return true;
}

bool fields_read(struct bytes body, const struct field *fields, size_t count, struct arena *arena,
                 struct problem *ret_problem)
{
    struct json_index index = {0};
    bool read =
        body_index(body, 1, &index, ret_problem) &&
        fields_read_place((struct json_place){&index, 0}, fields, count, arena, ret_problem);
    json_index_free(&index);
    return read;
}

bool fields_read_place(struct json_place place, const struct field *fields, size_t count,
                       struct arena *arena, struct problem *ret_problem)
{
    if (json_kind_of(place.index->nodes[place.node].value) != JSON_OBJECT) {
        problem_set(ret_problem, CODE_INVALID_FIELD, "the body must be a JSON object");
        problem_add(ret_problem, "", "must be an object");
        return false;
    }
    problem_begin(ret_problem, CODE_INVALID_FIELD);
    members_read(place, fields, count, arena, ret_problem);
    if (ret_problem->fault_count == 0) {
        return true;
    }
    if (ret_problem->code == CODE_INVALID_FIELD) {
        const struct problem_fault *first = &ret_problem->faults[0];
        const char *name = first->pointer[0] == '/' ? first->pointer + 1 : first->pointer;
        (void)snprintf(ret_problem->detail, sizeof ret_problem->detail, "`%.150s` %.480s", name,
                       first->detail);
    }
    return false;
}
