#include "model/code.h"

#include <assert.h>

static const struct code_info infos[CODE_COUNT] = {
    [CODE_NONE] = {"", "", 0},
    [CODE_INVALID_JSON] = {"INVALID_JSON", "The body is not valid JSON", 400},
    [CODE_INVALID_FIELD] = {"INVALID_FIELD", "A field is not valid", 422},
    [CODE_INVALID_PIPELINE] = {"INVALID_PIPELINE", "The pipeline is not valid", 422},
    [CODE_UNKNOWN_PIPELINE] = {"UNKNOWN_PIPELINE", "There is no such pipeline", 422},
    [CODE_INVALID_ID] = {"INVALID_ID", "Not a valid task id", 404},
    [CODE_TASK_NOT_FOUND] = {"TASK_NOT_FOUND", "There is no such task", 404},
    [CODE_PIPELINE_NOT_FOUND] = {"PIPELINE_NOT_FOUND", "There is no such pipeline", 404},
    [CODE_NOT_FOUND] = {"NOT_FOUND", "There is no such path", 404},
    [CODE_METHOD_NOT_ALLOWED] = {"METHOD_NOT_ALLOWED", "This path does not support the method",
                                 405},
    [CODE_TASK_EXISTS] = {"TASK_EXISTS", "A task with this id is alive", 409},
    [CODE_TASK_ENDED] = {"TASK_ENDED", "The task has already ended", 409},
    [CODE_NOTHING_TO_RECOVER] = {"NOTHING_TO_RECOVER", "There is nothing to recover", 409},
    [CODE_RESULT_NOT_READY] = {"RESULT_NOT_READY", "The task has not completed", 409},
    [CODE_LENGTH_REQUIRED] = {"LENGTH_REQUIRED",
                              "A body with Content-Length or in chunks is needed", 411},
    [CODE_TOO_LARGE] = {"TOO_LARGE", "The request is too large", 413},
    [CODE_URI_TOO_LONG] = {"URI_TOO_LONG", "The path is too long", 414},
    [CODE_UNSUPPORTED_TYPE] = {"UNSUPPORTED_TYPE", "The body must be application/json", 415},
    [CODE_IDEMPOTENCY_MISMATCH] = {"IDEMPOTENCY_MISMATCH",
                                   "The Idempotency-Key was used with another body", 422},
    [CODE_BAD_REQUEST] = {"BAD_REQUEST", "The request is not valid HTTP", 400},
    [CODE_UPGRADE_REFUSED] = {"UPGRADE_REFUSED", "This upgrade is not accepted", 400},
    [CODE_HEADERS_TOO_LARGE] = {"HEADERS_TOO_LARGE", "The headers are too large", 431},
    [CODE_TOO_MANY_REQUESTS] = {"TOO_MANY_REQUESTS", "Too many requests", 429},
    [CODE_UNAVAILABLE] = {"UNAVAILABLE", "The service is unavailable for the moment", 503},
    [CODE_STORE_FULL] = {"STORE_FULL", "The store is full", 503},
    [CODE_OVERLOADED] = {"OVERLOADED", "The system is full for the moment", 503},
    [CODE_TIMEOUT] = {"TIMEOUT", "No answer in time, the outcome is unknown", 504},
    [CODE_INTERNAL] = {"INTERNAL", "Internal error", 500},
    [CODE_FUNCTION_FAILED] = {"FUNCTION_FAILED", "The function failed", 0},
    [CODE_FUNCTION_REJECTED] = {"FUNCTION_REJECTED", "The function refused its input", 0},
    [CODE_FUNCTION_CRASHED] = {"FUNCTION_CRASHED", "The function was killed by a signal", 0},
    [CODE_FUNCTION_BAD_OUTPUT] = {"FUNCTION_BAD_OUTPUT",
                                  "The function's output is not one JSON value", 0},
    [CODE_RESULT_TOO_LARGE] = {"RESULT_TOO_LARGE", "The function's result is too large", 0},
    [CODE_INPUT_TOO_LARGE] = {"INPUT_TOO_LARGE",
                              "The step's input and the results that it gets are too large", 0},
    [CODE_STEP_TIMEOUT] = {"STEP_TIMEOUT", "The step ran past its time limit", 0},
    [CODE_FUNCTION_UNAVAILABLE] = {"FUNCTION_UNAVAILABLE", "The function could not be started", 0},
    [CODE_WORKER_DEATHS] = {"WORKER_DEATHS", "The step's workers died three times", 0},
    [CODE_TASK_TIMEOUT] = {"TASK_TIMEOUT", "The task ran past its longest duration", 0},
    [CODE_RECOVERY_DISABLED] = {"RECOVERY_DISABLED", "Recovery is switched off", 0},
    [CODE_TASK_TOO_LARGE] = {"TASK_TOO_LARGE", "The task's results are too large in total", 0},
    [CODE_CANCELLED] = {"CANCELLED", "Cancelled", 0},
    [CODE_WAIT_TIMEOUT] = {"WAIT_TIMEOUT", "The signal did not come in time", 0},
    [CODE_SIGNAL_TAKEN] = {"SIGNAL_TAKEN", "The signal was already given", 409},
    [CODE_UNKNOWN_SIGNAL] = {"UNKNOWN_SIGNAL", "No step waits for this signal", 422},
    [CODE_UNAUTHORIZED] = {"UNAUTHORIZED", "A valid API key is needed", 401},
    [CODE_FORBIDDEN] = {"FORBIDDEN", "The API key may not do this", 403},
    [CODE_ORIGIN_REFUSED] = {"ORIGIN_REFUSED", "Pages from another origin may not do this", 403},
    [CODE_NOT_PAUSED] = {"NOT_PAUSED", "The task is not paused", 409},
    [CODE_EXPRESSION_ERROR] = {"EXPRESSION_ERROR", "An expression of the step cannot be evaluated",
                               0},
    [CODE_STEP_NOT_FOUND] = {"STEP_NOT_FOUND", "The task has no such step", 404},
    [CODE_NOT_A_DEAD_LETTER] = {"NOT_A_DEAD_LETTER", "The step is not a dead letter", 409},
    [CODE_STEP_TIMEOUT_TOTAL] = {"STEP_TIMEOUT_TOTAL", "The step's attempts took too long in total",
                                 0},
    [CODE_QUEUE_TIMEOUT] = {"QUEUE_TIMEOUT", "No worker took the step in time", 0},
    [CODE_BUDGET_EXCEEDED] = {"BUDGET_EXCEEDED", "The task has spent its budget", 409},
    [CODE_PROGRESS_TIMEOUT] = {"PROGRESS_TIMEOUT", "The attempt reported nothing for too long", 0},
    [CODE_TOO_MANY_PIPELINES] = {"TOO_MANY_PIPELINES", "The limit of stored pipelines is reached",
                                 409},
};

const struct code_info *code_info(enum code c)
{
    assert((unsigned)c < CODE_COUNT);
    return &infos[c];
}

enum code code_parse(struct bytes name)
{
    for (unsigned i = CODE_NONE + 1; i < CODE_COUNT; i++) {
        if (bytes_is(name, infos[i].name)) {
            return (enum code)i;
        }
    }
    return CODE_NONE;
}
