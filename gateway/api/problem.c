#include "api/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/scan.h"

/* Repairs a cut in the middle of a UTF-8 character: removes an incomplete last character from text
 * that filled its buffer. */
static void text_mend(char *text, size_t size)
{
    size_t len = strlen(text);
    if (len + 1 < size) {
        return;
    }
    while (len > 0 && ((unsigned char)text[len - 1] & 0xC0) == 0x80) {
        len--;
    }
    if (len > 0 && ((unsigned char)text[len - 1] & 0x80) != 0) {
        len--;
    }
    text[len] = '\0';
}

__attribute__((format(printf, 3, 0))) static void text_set(char *text, size_t size,
                                                           const char *format, va_list args)
{
    (void)vsnprintf(text, size, format, args);
    text_mend(text, size);
}

/* Every body that is read has a problem, most often unused: its texts, 7 KiB, are not cleared. */
void problem_begin(struct problem *p, enum code code)
{
    memset(p, 0, offsetof(struct problem, detail));
    p->code = code;
    p->detail[0] = '\0';
}

void problem_set(struct problem *p, enum code code, const char *format, ...)
{
    problem_begin(p, code);
    va_list args;
    va_start(args, format);
    text_set(p->detail, sizeof p->detail, format, args);
    va_end(args);
}

void problem_add(struct problem *p, const char *pointer, const char *format, ...)
{
    if (p->fault_count == PROBLEM_FAULTS_MAX) {
        return;
    }
    struct problem_fault *f = &p->faults[p->fault_count++];
    (void)snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
    text_mend(f->pointer, sizeof f->pointer);
    f->parameter[0] = '\0';
    va_list args;
    va_start(args, format);
    text_set(f->detail, sizeof f->detail, format, args);
    va_end(args);
}

void problem_add_parameter(struct problem *p, struct bytes name, const char *format, ...)
{
    size_t at = p->fault_count;
    va_list args;
    char detail[sizeof p->faults[0].detail];
    va_start(args, format);
    text_set(detail, sizeof detail, format, args);
    va_end(args);
    problem_add(p, "", "%s", detail);
    if (p->fault_count > at) {
        struct problem_fault *f = &p->faults[at];
        (void)snprintf(f->parameter, sizeof f->parameter, "%.*s", (int)name.len,
                       (const char *)name.ptr);
        text_mend(f->parameter, sizeof f->parameter);
    }
}

void problem_add_member(struct problem *p, struct bytes key, const char *detail)
{
    struct buf pointer = {0};
    buf_add_char(&pointer, '/');
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] == '~') {
            buf_add_str(&pointer, "~0");
        } else if (key.ptr[i] == '/') {
            buf_add_str(&pointer, "~1");
        } else {
            buf_add_char(&pointer, (char)key.ptr[i]);
        }
    }
    problem_add(p, buf_cstr(&pointer), "%s", detail);
    buf_free(&pointer);
}

void problem_from_refusal(struct problem *p, const struct message *refused, struct bytes task_id)
{
    enum code code = refused->refused.code;
    if (code <= CODE_NONE || code >= CODE_COUNT || code_info(code)->http_status == 0) {
        /* a newer coordinator's code, or one of steps, which never answers a request */
        code = CODE_INTERNAL;
    }
    struct bytes detail = refused->refused.detail;
    if (detail.len == 0) {
        detail = bytes_str(code_info(code)->title);
    }
    problem_set(p, code, "%.*s", (int)detail.len, (const char *)detail.ptr);
    struct bytes pointer = refused->refused.pointer;
    if (pointer.len > 0) {
        char *text = mem_str_bytes(pointer);
        problem_add(p, text, "%.*s", (int)detail.len, (const char *)detail.ptr);
        free(text);
    }
    bool about_state = code == CODE_TASK_EXISTS || code == CODE_TASK_ENDED ||
                       code == CODE_NOTHING_TO_RECOVER || code == CODE_RESULT_NOT_READY ||
                       code == CODE_NOT_PAUSED || code == CODE_BUDGET_EXCEEDED ||
                       code == CODE_SIGNAL_TAKEN || code == CODE_NOT_A_DEAD_LETTER;
    if (about_state && refused->refused.state < TASK_STATE_COUNT) {
        p->has_state = true;
        p->state = refused->refused.state;
    }
    if (code == CODE_TASK_EXISTS && task_id.len <= ID_BYTES_MAX) {
        memcpy(p->task_id, task_id.ptr, task_id.len);
    }
    p->retry_after_s = refused->refused.retry_after_s;
    if (p->retry_after_s == 0 && code_info(code)->http_status == 503) {
        p->retry_after_s = 1;
    }
}

int problem_status(const struct problem *p)
{
    int status = code_info(p->code)->http_status;
    return status != 0 ? status : 500;
}

static void member_put(struct buf *out, const char *name, struct bytes text)
{
    buf_addf(out, ",\"%s\":", name);
    json_put_string(out, text);
}

void problem_render(const struct problem *p, struct bytes request_id, struct buf *out)
{
    problem_members_put(out, &(struct problem_members){.code = p->code,
                                                       .status = problem_status(p),
                                                       .detail = bytes_str(p->detail),
                                                       .request_id = request_id});
    if (p->has_state) {
        member_put(out, "task_status", bytes_str(task_state_name(p->state)));
    }
    if (p->task_id[0] != '\0') {
        member_put(out, "task_id", bytes_str(p->task_id));
        buf_addf(out, ",\"status_url\":\"/api/v1/marathon/status/%s\"", p->task_id);
    }
    if (p->fault_count > 0) {
        buf_add_str(out, ",\"errors\":[");
        for (size_t i = 0; i < p->fault_count; i++) {
            const struct problem_fault *f = &p->faults[i];
            bool outside = f->parameter[0] != '\0';
            buf_addf(out, "%s{\"%s\":", i == 0 ? "" : ",", outside ? "parameter" : "pointer");
            json_put_string(out, bytes_str(outside ? f->parameter : f->pointer));
            member_put(out, "detail", bytes_str(p->faults[i].detail));
            buf_add_char(out, '}');
        }
        buf_add_char(out, ']');
    }
    buf_add_char(out, '}');
}
