#include "run/exit_result.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "json/scan.h"
#include "model/limits.h"

struct attempt_result result_failure(enum code code, bool permanent, struct buf *text,
                                     const struct tail *tail)
{
    if (tail != NULL && tail->written > 0) {
        buf_add_char(text, '\n');
        tail_write(tail, text);
    }
    return (struct attempt_result){.code = code,
                                   .permanent = permanent,
                                   .message = bytes_part(buf_bytes(text), 0, ERROR_BYTES_MAX)};
}

struct attempt_result result_of_value(struct bytes value, struct buf *text, const struct tail *tail)
{
    if (value.len > RESULT_BYTES_MAX) {
        buf_addf(text, "the result is larger than %u bytes", RESULT_BYTES_MAX);
        return result_failure(CODE_RESULT_TOO_LARGE, true, text, tail);
    }
    return (struct attempt_result){.ok = true, .result = value};
}

struct attempt_result result_of_output(struct bytes output, struct buf *text,
                                       const struct tail *tail)
{
    struct bytes value;
    struct json_fault fault;
    if (json_check(output, &value, &fault) == ERR_OK) {
        return result_of_value(value, text, tail);
    }
    if (output.len == 0) {
        buf_add_str(text, "no output; expected one JSON value");
    } else {
        buf_addf(text, "the output is not one JSON value: %s at byte %zu of %zu", fault.reason,
                 fault.offset, output.len);
    }
    return result_failure(CODE_FUNCTION_BAD_OUTPUT, false, text, tail);
}

struct attempt_result result_of_end(const struct process_end *end, const char *program,
                                    struct buf *text, const struct tail *tail)
{
    if (end->error != NULL) {
        bool unmarked =
            strcmp(end->stage, "exec") == 0 && strcmp(end->error, strerror(EACCES)) == 0;
        buf_addf(text, "cannot start %s: %s: %s%s", program, end->stage, end->error,
                 unmarked ? " (is it marked as executable? chmod +x)" : "");
        struct attempt_result r = result_failure(CODE_FUNCTION_UNAVAILABLE, false, text, NULL);
        r.not_begun = end->lacking;
        return r;
    }
    if (WIFSIGNALED(end->status)) {
        int signo = WTERMSIG(end->status);
        buf_addf(text, "died by signal %d (%s)", signo, strsignal(signo));
        return result_failure(CODE_FUNCTION_CRASHED, false, text, tail);
    }
    int status = WEXITSTATUS(end->status);
    buf_addf(text, "exit status %d", status);
    bool permanent = status == EXIT_PERMANENT;
    return result_failure(permanent ? CODE_FUNCTION_REJECTED : CODE_FUNCTION_FAILED, permanent,
                          text, tail);
}
