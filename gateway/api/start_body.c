#include "api/start_body.h"

#include <stdio.h>

#include "api/fields.h"
#include "json/scan.h"
#include "model/limits.h"

/* Includes the parts' lengths in the hash, so that no two lists of parts have the same input. */
static struct sha256 parts_hash(const char *label, uint32_t place, struct bytes a, struct bytes b)
{
    struct buf text = {0};
    buf_add_str(&text, label);
    if (place > 0) {
        buf_add_char(&text, ' ');
        buf_add_uint(&text, place);
    }
    buf_add_char(&text, ' ');
    buf_add_uint(&text, a.len);
    buf_add_char(&text, ' ');
    buf_add_uint(&text, b.len);
    buf_add_char(&text, ' ');
    buf_add_bytes(&text, a);
    buf_add_bytes(&text, b);
    struct sha256 hash = sha256_of(buf_bytes(&text));
    buf_free(&text);
    return hash;
}

/* 26 characters of lower-case Crockford base32, like generated ids. */
static void id_from_hash(const struct sha256 *hash, char *text)
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    for (int i = 0; i < ID_TEXT_BYTES - 1; i++) {
        unsigned bit = (unsigned)i * 5;
        unsigned pair = (unsigned)hash->digest[bit / 8] << 8 | hash->digest[bit / 8 + 1];
        text[i] = alphabet[(pair >> (11 - bit % 8)) & 31];
    }
    text[ID_TEXT_BYTES - 1] = '\0';
}

/* True if the request names its task. */
static bool id_choose(const struct start_input *in, struct bytes given, struct start_call *call)
{
    struct bytes session = call->request.session_id;
    if (given.len == 0 && id_valid(session)) {
        given = session;
    }
    if (given.len > 0) {
        memcpy(call->task_id, given.ptr, given.len);
        call->task_id[given.len] = '\0';
    } else if (in->idempotency_key.len > 0) {
        struct sha256 hash = parts_hash("task-id", in->place, in->credential, in->idempotency_key);
        id_from_hash(&hash, call->task_id);
    } else {
        char text[ID_TEXT_BYTES];
        memcpy(call->task_id, id_make(in->now, in->random, text), ID_TEXT_BYTES);
    }
    call->request.task_id = bytes_str(call->task_id);
    return given.len > 0;
}

/* If the client gave no idempotency key, makes one for this request, so that it can safely be sent
 * again to another owner. A key's record lies in the partition of its task. So if the request names
 * the task, the key is bound to that id: otherwise it would depend on the other id's partition
 * whether the key is known there. */
static void key_choose(const struct start_input *in, bool named, struct start_call *call)
{
    call->key = in->idempotency_key.len > 0
                    ? parts_hash("key", in->place, in->credential, in->idempotency_key)
                    : parts_hash("own", 0, in->credential, bytes_of(in->random + 10, 16));
    if (named && in->idempotency_key.len > 0) {
        struct bytes key = bytes_of(call->key.digest, SHA256_BYTES);
        call->key = parts_hash("key-of-id", 0, key, call->request.task_id);
    }
    call->body_hash = sha256_of(in->body);
    call->request.idempotency_key = bytes_of(call->key.digest, SHA256_BYTES);
    call->request.own_key = in->idempotency_key.len == 0;
    call->request.body_hash = bytes_of(call->body_hash.digest, SHA256_BYTES);
}

static bool key_check(struct bytes key, struct problem *ret_problem)
{
    bool good = key.len <= IDEMPOTENCY_TEXT_MAX;
    for (size_t i = 0; i < key.len && good; i++) {
        good = key.ptr[i] >= 0x20 && key.ptr[i] < 0x7f;
    }
    if (!good) {
        problem_set(ret_problem, CODE_INVALID_FIELD,
                    "the header Idempotency-Key must be 1 to %d printable ASCII characters",
                    IDEMPOTENCY_TEXT_MAX);
        problem_add_parameter(ret_problem, BYTES_LIT("Idempotency-Key"),
                              "header: must be 1 to %d printable ASCII characters",
                              IDEMPOTENCY_TEXT_MAX);
    }
    return good;
}

/* An empty value means no budget. */
static bool budget_parse(struct bytes value, struct budget *ret_budget, struct problem *ret_problem)
{
    struct budget_fault f;
    if (value.len == 0 || budget_read(value, "budget", ret_budget, &f)) {
        return true;
    }
    problem_set(ret_problem, CODE_INVALID_FIELD, "`budget`: %s", f.detail);
    if (f.field[0] == '\0') {
        problem_add(ret_problem, "/budget", "%s", f.detail);
        return false;
    }
    problem_add_member(ret_problem, bytes_str(f.field), f.detail);
    struct problem_fault *last = &ret_problem->faults[ret_problem->fault_count - 1];
    char pointer[sizeof last->pointer];
    (void)snprintf(pointer, sizeof pointer, "/budget%.100s", last->pointer);
    memcpy(last->pointer, pointer, sizeof pointer);
    return false;
}

bool start_body_parse(const struct start_input *in, struct start_call *ret_call,
                      struct problem *ret_problem)
{
    struct start_request *r = &ret_call->request;
    *r = (struct start_request){.enable_checkpoints = true,
                                .checkpoint_interval_s = -1,
                                .max_retries = -1,
                                .max_duration_s = -1,
                                .priority = PRIORITY_UNSET};
    struct bytes task_id = BYTES_NONE;
    int32_t pipeline_version = 0;
    struct bytes budget = BYTES_NONE;
    const struct field fields[] = {
        {"pipeline_version", FIELD_INT, 1, PIPELINE_VERSIONS_MAX, &pipeline_version},
        {"task_type", FIELD_ID, 0, 0, &r->task_type},
        {"steps", FIELD_ARRAY, 0, 0, &r->steps},
        {"session_id", FIELD_TEXT, 0, SESSION_ID_BYTES_MAX, &r->session_id},
        {"task_id", FIELD_ID, 0, 0, &task_id},
        {"input_data", FIELD_OBJECT, 0, INPUT_BYTES_MAX, &r->input},
        {"enable_checkpoints", FIELD_BOOL, 0, 0, &r->enable_checkpoints},
        {"checkpoint_interval_seconds", FIELD_INT, 1, INTERVAL_S_MAX, &r->checkpoint_interval_s},
        {"max_retries_per_step", FIELD_INT, 0, RETRIES_MAX, &r->max_retries},
        {"max_task_duration_seconds", FIELD_INT, 1, TASK_DURATION_S_MAX, &r->max_duration_s},
        {"priority", FIELD_INT, PRIORITY_MIN, PRIORITY_MAX, &r->priority},
        {"budget", FIELD_ANY, 0, 0, &budget},
    };
    const size_t count = sizeof fields / sizeof *fields;
    struct arena *arena = &ret_call->arena;
    if (!key_check(in->idempotency_key, ret_problem)) {
        return false;
    }
    struct json_place place = {in->index, in->node};
    if (!(in->index != NULL ? fields_read_place(place, fields, count, arena, ret_problem)
                            : fields_read(in->body, fields, count, arena, ret_problem))) {
        return false;
    }
    if (r->task_type.len == 0 && r->steps.len == 0) {
        problem_set(ret_problem, CODE_INVALID_FIELD,
                    "`task_type` (the name of a pipeline) or `steps` (an inline one) is needed");
        problem_add(ret_problem, "/task_type", "is missing, and so is `steps`");
        return false;
    }
    if (pipeline_version > 0 && r->steps.len > 0) {
        problem_set(ret_problem, CODE_INVALID_FIELD,
                    "`pipeline_version` is a version of the stored pipeline `task_type`: an inline "
                    "one (`steps`) has none");
        problem_add(ret_problem, "/pipeline_version",
                    "can only be given together with `task_type`");
        return false;
    }
    r->pipeline_version = (uint32_t)pipeline_version;
    if (r->input.len == 0) {
        r->input = BYTES_LIT("{}");
    }
    key_choose(in, id_choose(in, task_id, ret_call), ret_call);
    return budget_parse(budget, &r->budget, ret_problem);
}

void start_call_free(struct start_call *call)
{
    arena_free(&call->arena);
}

#define DEED_FIELDS(deed)                                                                          \
    {"actor", FIELD_TEXT, 0, ACTOR_BYTES_MAX, &(deed)->actor},                                     \
    {                                                                                              \
        "reason", FIELD_TEXT, 0, REASON_BYTES_MAX, &(deed)->reason                                 \
    }

bool deed_body_parse(struct bytes body, struct arena *arena, struct deed *ret_deed,
                     struct problem *ret_problem)
{
    *ret_deed = (struct deed){0};
    if (body.len == 0) {
        return true;
    }
    const struct field fields[] = {DEED_FIELDS(ret_deed)};
    return fields_read(body, fields, sizeof fields / sizeof *fields, arena, ret_problem);
}

bool resume_body_parse(struct bytes body, struct arena *arena, struct deed *ret_deed,
                       struct budget *ret_budget, struct problem *ret_problem)
{
    struct bytes budget = BYTES_NONE;
    *ret_deed = (struct deed){0};
    *ret_budget = (struct budget){0};
    if (body.len == 0) {
        return true;
    }
    const struct field fields[] = {{"budget", FIELD_ANY, 0, 0, &budget}, DEED_FIELDS(ret_deed)};
    return fields_read(body, fields, sizeof fields / sizeof *fields, arena, ret_problem) &&
           budget_parse(budget, ret_budget, ret_problem);
}

#define BATCH_DEPTH 3 /* the batch's members, its tasks, their members */

static uint32_t node_of(const struct json_index *x, struct bytes member)
{
    uint32_t i = 1;
    while (x->nodes[i].value.ptr != member.ptr) {
        i = x->nodes[i].next;
    }
    return i;
}

bool start_batch_parse(struct bytes body, struct json_index *ret_index, uint32_t *nodes,
                       size_t *ret_count, struct problem *ret_problem)
{
    struct bytes tasks = BYTES_NONE;
    struct arena none = {0};
    const struct field fields[] = {{"tasks", FIELD_ARRAY, 0, 0, &tasks}};
    if (!body_index(body, BATCH_DEPTH, ret_index, ret_problem) ||
        !fields_read_place((struct json_place){ret_index, 0}, fields, 1, &none, ret_problem)) {
        return false;
    }
    if (tasks.len == 0) {
        problem_set(ret_problem, CODE_INVALID_FIELD,
                    "`tasks` must be an array of 1 to %u bodies of POST /start", START_BATCH_MAX);
        problem_add(ret_problem, "/tasks", "is missing or empty");
        return false;
    }
    size_t count = 0;
    uint32_t list = node_of(ret_index, tasks), end = ret_index->nodes[list].next;
    for (uint32_t i = list + 1; i < end; i = ret_index->nodes[i].next) {
        if (count == START_BATCH_MAX) {
            problem_set(ret_problem, CODE_INVALID_FIELD,
                        "`tasks` has more than %u entries: send them in several batches",
                        START_BATCH_MAX);
            problem_add(ret_problem, "/tasks", "must have at most %u entries", START_BATCH_MAX);
            return false;
        }
        nodes[count++] = i;
    }
    *ret_count = count;
    return true;
}

bool fork_body_parse(const struct start_input *in, struct bytes source, struct start_call *ret_call,
                     struct fork_body *ret_fork, struct problem *ret_problem)
{
    struct bytes task_id = BYTES_NONE;
    *ret_fork = (struct fork_body){.from = {.task_id = source}};
    const struct field fields[] = {
        {"from_step", FIELD_STEP, 0, 0, &ret_fork->from.from_step},
        {"checkpoint_id", FIELD_TEXT, 0, 256, &ret_fork->from.checkpoint_id},
        {"task_id", FIELD_ID, 0, 0, &task_id},
        {"input_data", FIELD_OBJECT, 0, INPUT_BYTES_MAX, &ret_fork->input},
        DEED_FIELDS(&ret_call->request.deed),
    };
    if (!key_check(in->idempotency_key, ret_problem) ||
        (in->body.len > 0 && !fields_read(in->body, fields, sizeof fields / sizeof *fields,
                                          &ret_call->arena, ret_problem))) {
        return false;
    }
    key_choose(in, id_choose(in, task_id, ret_call), ret_call);
    ret_call->body_hash = parts_hash("fork", 0, source, ret_call->request.body_hash);
    return true;
}

bool signal_body_parse(struct bytes body, struct arena *arena, struct signal_request *ret_request,
                       struct problem *ret_problem)
{
    *ret_request = (struct signal_request){.data = BYTES_LIT("null")};
    const struct field fields[] = {
        {"name", FIELD_ID, 0, 0, &ret_request->name},
        {"data", FIELD_ANY, 0, SIGNAL_BYTES_MAX, &ret_request->data},
        DEED_FIELDS(&ret_request->deed),
    };
    if (!fields_read(body, fields, sizeof fields / sizeof *fields, arena, ret_problem)) {
        return false;
    }
    if (ret_request->name.len == 0) {
        problem_set(ret_problem, CODE_INVALID_FIELD, "`name` (of the signal) is needed");
        problem_add(ret_problem, "/name", "is missing");
        return false;
    }
    return true;
}

bool recover_body_parse(struct bytes body, struct bytes task_id, struct arena *arena,
                        struct recover_request *ret_request, struct problem *ret_problem)
{
    *ret_request = (struct recover_request){.task_id = task_id};
    if (body.len == 0) {
        return true;
    }
    const struct field fields[] = {
        {"from_step", FIELD_STEP, 0, 0, &ret_request->from_step},
        {"checkpoint_id", FIELD_TEXT, 0, 256, &ret_request->checkpoint_id},
        {"input_data", FIELD_OBJECT, 0, INPUT_BYTES_MAX, &ret_request->input},
        {"only_failed", FIELD_BOOL, 0, 0, &ret_request->only_failed},
        DEED_FIELDS(&ret_request->deed),
    };
    if (!fields_read(body, fields, sizeof fields / sizeof *fields, arena, ret_problem)) {
        return false;
    }
    if (ret_request->only_failed && ret_request->from_step.len == 0) {
        problem_set(ret_problem, CODE_INVALID_FIELD,
                    "only_failed needs from_step, a step with for_each: without one only failed "
                    "items run again anyway");
        problem_add(ret_problem, "/only_failed", "needs from_step");
        return false;
    }
    if (ret_request->only_failed && ret_request->input.len > 0) {
        problem_set(
            ret_problem, CODE_INVALID_FIELD,
            "only_failed keeps the completed items, but with another input the step may have other "
            "items: leave out input_data, or leave out only_failed to run the whole step again");
        problem_add(ret_problem, "/only_failed", "not together with input_data");
        return false;
    }
    return true;
}
