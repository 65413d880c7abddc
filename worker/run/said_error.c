#include "run/said_error.h"

#include "base/id.h"
#include "json/scan.h"
#include "model/limits.h"

static uint32_t wait_ms(struct bytes value)
{
    double ms = json_number(value) * 1000;
    return ms <= 0 ? 0 : ms < RETRY_AFTER_MS_MAX ? (uint32_t)ms : RETRY_AFTER_MS_MAX;
}

bool said_error_read(struct bytes value, struct buf *text, struct attempt_error *ret_error)
{
    if (json_kind_of(value) != JSON_OBJECT) {
        return false;
    }
    struct attempt_error e = {.given = true, .retryable = -1};
    static const char *const names[] = {"code", "message", "retryable", "retry_after"};
    struct bytes members[sizeof names / sizeof *names];
    json_members(value, names, sizeof names / sizeof *names, members);
    struct bytes code = members[0], message = members[1], retryable = members[2],
                 after = members[3];
    if ((code.len > 0 && json_kind_of(code) != JSON_STRING) ||
        (message.len > 0 && json_kind_of(message) != JSON_STRING) ||
        (retryable.len > 0 && json_kind_of(retryable) != JSON_TRUE &&
         json_kind_of(retryable) != JSON_FALSE) ||
        (after.len > 0 && json_kind_of(after) != JSON_NUMBER)) {
        return false;
    }
    if (code.len > 0) { /* the alphabet has nothing that JSON escapes */
        e.code = bytes_part(code, 1, code.len - 2);
        if (!id_valid(e.code) || e.code.len > FUNCTION_CODE_BYTES_MAX) {
            return false;
        }
    }
    if (message.len > 0) {
        buf_clear(text);
        json_unquote(message, text);
        e.message = bytes_part(buf_bytes(text), 0, ERROR_BYTES_MAX);
    }
    if (retryable.len > 0) {
        e.retryable = json_kind_of(retryable) == JSON_TRUE;
    }
    e.retry_after_ms = after.len > 0 ? wait_ms(after) : 0;
    *ret_error = e;
    return true;
}

void said_error_take(struct said_error *e, const struct attempt_error *error)
{
    buf_clear(&e->code);
    buf_clear(&e->message);
    buf_add_bytes(&e->code, error->code);
    buf_add_bytes(&e->message, error->message);
    e->given = true;
    e->retryable = error->retryable;
    e->retry_after_ms = error->retry_after_ms;
}

/* `text` without `line` if that is its last line: functions often write the same message to stderr
 * too. */
static struct bytes without_last(struct bytes text, struct bytes line)
{
    size_t end = text.len - line.len;
    bool said = text.len > line.len && text.ptr[end - 1] == '\n' &&
                bytes_eq(bytes_part(text, end, line.len), line);
    return said ? bytes_part(text, 0, end - 1) : text;
}

void said_error_apply(struct said_error *e, struct attempt_result *result)
{
    bool of_function = result->code == CODE_FUNCTION_FAILED ||
                       result->code == CODE_FUNCTION_REJECTED ||
                       result->code == CODE_FUNCTION_BAD_OUTPUT;
    if (!e->given || result->ok || !of_function) {
        return;
    }
    if (result->code == CODE_FUNCTION_BAD_OUTPUT) { /* it exited well, but reported an error */
        result->code = CODE_FUNCTION_FAILED;
    }
    if (e->retryable >= 0) {
        result->permanent = e->retryable == 0;
        result->code = result->permanent ? CODE_FUNCTION_REJECTED : CODE_FUNCTION_FAILED;
    }
    result->function_code = buf_bytes(&e->code);
    result->retry_after_ms =
        e->retry_after_ms > result->retry_after_ms ? e->retry_after_ms : result->retry_after_ms;
    if (e->message.len > 0) {
        buf_clear(&e->text);
        buf_addf(&e->text, "%s\n", buf_cstr(&e->message));
        buf_add_bytes(&e->text, without_last(result->message, buf_bytes(&e->message)));
        result->message = bytes_part(buf_bytes(&e->text), 0, ERROR_BYTES_MAX);
    }
}

void said_error_free(struct said_error *e)
{
    buf_free(&e->code);
    buf_free(&e->message);
    buf_free(&e->text);
}
