#include "samples.h"

#define TEXT(s)                                                                                    \
    {                                                                                              \
        (const uint8_t *)("" s), sizeof(s) - 1                                                     \
    }
#define REF(n)                                                                                     \
    {                                                                                              \
        .task_id = TEXT("analysis_12" #n), .run = 2##n, .step = 3##n, .generation = 4##n,          \
        .attempt = 5##n, .delivery = 6##n, .item = 7##n, .token = {                                \
            n,                                                                                     \
            2,                                                                                     \
            3,                                                                                     \
            4,                                                                                     \
            5,                                                                                     \
            6,                                                                                     \
            7,                                                                                     \
            8,                                                                                     \
            9,                                                                                     \
            10,                                                                                    \
            11,                                                                                    \
            12,                                                                                    \
            13,                                                                                    \
            14,                                                                                    \
            15,                                                                                    \
            255                                                                                    \
        }                                                                                          \
    }

static struct item_view item_views[] = {
    {.item = 7,
     .state = STEP_FAILED,
     .started_at = 1,
     .completed_at = 2,
     .retry_at = 3,
     .duration_ms = 4,
     .retry_count = 5,
     .deaths = 1,
     .progress = 0.5,
     .error_code = CODE_FUNCTION_FAILED,
     .error = TEXT("it broke")},
    {.item = 8, .state = STEP_COMPLETED, .result = TEXT("{}")},
};
static struct bytes labels[] = {TEXT("gpu=true"), TEXT("region=eu")};

static struct bytes functions[] = {TEXT("menu.extract"), TEXT(""), TEXT("echo")};

static struct attempt_ref refs[] = {REF(1), REF(2), REF(3)};

static struct usage_part used[] = {
    {TEXT("small"), {1200, 340, 15000000}},
    {TEXT(""), {UINT64_MAX, 1, 0}},
};

static struct usage_group usage_rows[] = {
    {.day = 20784, .model = TEXT("small"), .task_type = TEXT("menu"), .sum = {1, 2, 3}},
    {.day = INT32_MIN, .model = TEXT("other"), .sum = {4, 5, UINT64_MAX}},
};

static struct step_view steps[] = {
    {
        .state = STEP_COMPLETED,
        .started_at = 1770056000123,
        .completed_at = 1770056001326,
        .retry_at = 1770056002000,
        .duration_ms = 1203,
        .retry_count = 2,
        .deaths = 1,
        .max_retries = 3,
        .progress = 1.0,
        .order = 7,
        .result_offset = 0x100000001,
        .result_len = 512,
        .error_code = CODE_STEP_TIMEOUT,
        .error = TEXT("ran past 120 s"),
        .waiting_for = TEXT("nothing"),
        .fans_out = true,
        .items = 100,
        .items_done = 50,
        .items_failed = 3,
        .items_running = 8,
        .checkpoint_bytes = 10,
        .checkpoint_at = 1700000000123,
        .checkpoint = TEXT("{\"page\":7}"),
        .usage = used,
        .usage_count = 2,
        .name = TEXT("extract_menu"),
        .function_code = TEXT("QUOTA"),
        .description = TEXT("reads the menu"),
        .function = TEXT("menu.extract"),
    },
    {
        .state = STEP_CANCELLED,
        .started_at = 1,
        .completed_at = 2,
        .retry_at = 3,
        .duration_ms = 4,
        .retry_count = 5,
        .deaths = 6,
        .max_retries = 7,
        .progress = 0.25,
        .order = 8,
        .result_offset = 9,
        .result_len = 10,
        .error_code = CODE_CANCELLED,
        .error = TEXT("cancelled"),
        .waiting_for = TEXT("no worker offers function x"),
        .name = TEXT("b"),
        .description = TEXT("c"),
        .function = TEXT("d"),
        .waiting_until = 12,
    },
};

static struct task_event events[] = {
    {
        .seq = 17,
        .type = EVENT_STEP_RETRY,
        .at = 1770056000123,
        .state = TASK_RUNNING,
        .progress = 0.5,
        .step = 1,
        .step_name = TEXT("analyze_bcg"),
        .total_steps = 4,
        .attempt = 2,
        .retry_at = 1770056004123,
        .code = CODE_FUNCTION_CRASHED,
        .message = TEXT("signal 11"),
        .can_recover = true,
    },
    {
        .seq = 18,
        .type = EVENT_TASK_RECOVERING,
        .at = 5,
        .state = TASK_CANCELLED,
        .progress = 0.75,
        .step = 6,
        .step_name = TEXT("x"),
        .total_steps = 7,
        .attempt = 8,
        .retry_at = 9,
        .code = CODE_CANCELLED,
        .message = TEXT("y"),
        .can_recover = true,
        .deed = {TEXT("ann"), TEXT("because")},
        .items = 10,
        .items_done = 5,
        .items_failed = 1,
        .checkpoint_bytes = 5000,
        .checkpoint = TEXT("{\"page\":8}"),
        .usage = {7, 8, 9},
    },
};

static struct kept_step kept[] = {
    {.step = 2, .result = TEXT("7"), .started_at = 8, .completed_at = 9, .duration_ms = 1},
    {.step = 0,
     .result = TEXT("{}"),
     .started_at = 10,
     .completed_at = 12,
     .duration_ms = 2,
     .failures = 3,
     .error_code = CODE_FUNCTION_FAILED,
     .error = TEXT("it broke")},
};

static struct task_summary summaries[] = {{
    .task_id = TEXT("analysis_123"),
    .task_type = TEXT("full_analysis"),
    .session_id = TEXT("s1"),
    .state = TASK_FAILED,
    .progress = 0.125,
    .created_at = 11,
    .started_at = 12,
    .completed_at = 13,
    .steps_completed = 3,
    .step_count = 4,
    .current_step = TEXT("generate"),
    .error = TEXT("it broke"),
}};

static struct bytes member_urls[] = {TEXT("tcp://c1:7400"), TEXT("ipc:///run/c2")};

static struct dead_letter dead_letters[] = {{
    .task_id = TEXT("analysis_123"),
    .task_type = TEXT("full_analysis"),
    .step = 2,
    .name = TEXT("generate"),
    .function = TEXT("menu.campaigns"),
    .deaths = 3,
    .error_code = CODE_WORKER_DEATHS,
    .at = 14,
    .error = TEXT("it killed its worker"),
}};

static struct worker_view workers[] = {{
    .worker_id = TEXT("w1"),
    .host = TEXT("h1"),
    .pid = 4711,
    .slots = 8,
    .busy = 3,
    .last_heard_at = 1770056000123,
    .state = TEXT("draining"),
    .functions = functions,
    .function_count = 3,
    .labels = labels,
    .label_count = 2,
}};

static struct waiting_view waiting[] = {
    {.function = TEXT("echo"), .requires = TEXT("gpu=true"), .steps = 3}};

static struct pipeline_view pipelines[] = {{
    .name = TEXT("full_analysis"),
    .description = TEXT("all of it"),
    .version = 3,
    .step_count = 5,
    .source = TEXT("{\"name\":\"full_analysis\"}"),
    .hash = TEXT("0f1e"),
}};

static struct version_view versions[] = {
    {.version = 7, .hash = TEXT("ab12"), .at = 1790000000000, .by = TEXT("ci")},
    {.version = 6, .hash = TEXT("cd34"), .at = 1780000000000, .by = TEXT("")}};

#define TASK(t)                                                                                    \
    {                                                                                              \
        .type = (t), .request = 0x0102030405060708, .task = {.task_id = TEXT("analysis_123") }     \
    }
#define EMPTY(t)                                                                                   \
    {                                                                                              \
        .type = (t), .request = 21                                                                 \
    }

const struct message samples[] = {
    {.type = MSG_HELLO,
     .hello = {.role = ROLE_GATEWAY,
               .version_min = 1,
               .version_max = 4,
               .id = TEXT("abc"),
               .host = TEXT("node-1"),
               .pid = 4711,
               .software = TEXT("0.1.0"),
               .slots = 16,
               .functions = functions,
               .function_count = 3,
               .labels = labels,
               .label_count = 2}},
    {.type = MSG_WELCOME, .welcome = {.version = 1, .id = TEXT("c1"), .reason = TEXT("none")}},
    {.type = MSG_BEAT, .beat = {.loop_age_ms = 9999}},
    {.type = MSG_OWNED, .owned = {.partitions = 0x8000000000000001}},
    {.type = MSG_CREDIT, .credit = {.count = 12}},
    {.type = MSG_RUNNING, .running = {.refs = refs, .count = 3}},
    {.type = MSG_OUTCOME,
     .outcome = {.ref = REF(4),
                 .number = UINT64_MAX,
                 .ok = true,
                 .result = TEXT("{\"dishes\":[1,2]}"),
                 .code = CODE_FUNCTION_FAILED,
                 .message = TEXT("exit 1"),
                 .permanent = true,
                 .started_at = 1770056000123,
                 .duration_ms = 77,
                 .function_code = TEXT("QUOTA"),
                 .retry_after_ms = 30000,
                 .usage = used,
                 .usage_count = 2,
                 .execution = 0xabcdef0123456789}},
    {.type = MSG_PROGRESS,
     .progress = {.ref = REF(5),
                  .fraction = -1.0,
                  .message = TEXT("half"),
                  .checkpoint = TEXT("{\"at\":3}"),
                  .log = TEXT("a line"),
                  .usage = used,
                  .usage_count = 1,
                  .execution = 9}},
    {.type = MSG_ORDER,
     .order = {.ref = REF(6),
               .name = TEXT("extract_menu"),
               .function = TEXT("menu.extract"),
               .idempotency_key = TEXT("00ff"),
               .timeout_ms = 120000,
               .alone = true,
               .input = TEXT("{}"),
               .results = TEXT("{\"a\":1}"),
               .progress_checkpoint = TEXT("[7]"),
               .progress_timeout_ms = 9000}},
    {.type = MSG_ACK, .ack = {.number = 5, .verdict = VERDICT_REJECTED}},
    {.type = MSG_GET_ITEMS,
     .request = 38,
     .get_items =
         {.task_id = TEXT("t1"), .step = TEXT("each"), .state = -1, .from = 7, .limit = 50}},
    {.type = MSG_ITEMS,
     .request = 57,
     .items = {.items = item_views, .count = 2, .next = 9, .total = 10000}},
    {.type = MSG_STOP, .stop = {.ref = REF(7), .reason = STOP_TASK_ENDED}},
    EMPTY(MSG_DRAINING),
    {.type = MSG_DECLINE, .decline = {.ref = REF(9)}},
    {.type = MSG_START,
     .request = 1,
     .start = {.task_id = TEXT("t"),
               .task_type = TEXT("u"),
               .steps = TEXT("[1]"),
               .session_id = TEXT("s"),
               .input = TEXT("{}"),
               .idempotency_key = TEXT("0123456789abcdef0123456789abcdef"),
               .body_hash = TEXT("fedcba9876543210fedcba9876543210"),
               .enable_checkpoints = true,
               .checkpoint_interval_s = -1,
               .max_retries = 100,
               .max_duration_s = 31536000,
               .priority = -10,
               .fork_of = TEXT("source"),
               .pipeline_version = 3,
               .kept = kept,
               .kept_count = 2,
               .deed = {TEXT("ann"), TEXT("what if")}}},
    {.type = MSG_FORK,
     .request = 2,
     .start = {.steps = TEXT("[1]"), .fork_of = TEXT("t"), .kept = kept, .kept_count = 1}},
    {.type = MSG_GET_FORK,
     .request = 2,
     .recover = {.task_id = TEXT("t"), .from_step = TEXT("step_2")}},
    {.type = MSG_CANCEL,
     .request = 1,
     .task = {.task_id = TEXT("t"), .deed = {TEXT("ann"), TEXT("wrong file")}}},
    {.type = MSG_PAUSE,
     .request = 2,
     .task = {.task_id = TEXT("t"), .deed = {TEXT("ann"), TEXT("wait")}}},
    TASK(MSG_RESUME),
    {.type = MSG_SIGNAL,
     .request = 3,
     .signal = {.task_id = TEXT("t"),
                .name = TEXT("approve"),
                .data = TEXT("{\"ok\":true}"),
                .key = 0x1234567890,
                .deed = {TEXT("ann"), TEXT("fine")}}},
    {.type = MSG_RECOVER,
     .request = 2,
     .recover = {.task_id = TEXT("t"),
                 .only_failed = true,
                 .from_step = TEXT("step_2"),
                 .checkpoint_id = TEXT("t_cp_1"),
                 .deed = {TEXT("bob"), TEXT("again")},
                 .input = TEXT("{\"n\":1}")}},
    TASK(MSG_GET_STATUS),
    {.type = MSG_GET_DOC,
     .request = 3,
     .get_doc = {.task_id = TEXT("t"), .run = 2, .revision = 3, .offset = 0x200000000, .len = 5}},
    {.type = MSG_GET_HISTORY, .request = 4, .get_history = {.task_id = TEXT("t"), .after = 12}},
    TASK(MSG_WATCH),
    TASK(MSG_UNWATCH),
    {.type = MSG_GET_LIST,
     .request = 5,
     .get_list = {.state = -1,
                  .task_type = TEXT("x"),
                  .before = NEVER_MS,
                  .before_id = TEXT("y"),
                  .limit = 200}},
    EMPTY(MSG_GET_WORKERS),
    {.type = MSG_GET_PIPELINES, .request = 6, .get_pipelines = {TEXT("full_analysis"), 7, true}},
    {.type = MSG_PUT_PIPELINE,
     .request = 61,
     .put_pipeline = {TEXT("menu"), TEXT("{\"steps\":[]}"), TEXT("ci"), true}},
    {.type = MSG_PIPELINE_STORED,
     .request = 61,
     .stored = {.name = TEXT("menu"),
                .version = 7,
                .step_count = 3,
                .hash = TEXT("ab12"),
                .created = true}},
    {.type = MSG_GET_VERSIONS, .request = 62, .get_versions = {TEXT("menu"), 8, 50}},
    {.type = MSG_VERSIONS, .request = 62, .versions = {.items = versions, .count = 2, .next = 6}},
    EMPTY(MSG_GET_READY),
    {.type = MSG_GET_DEAD,
     .request = 17,
     .get_list = {.state = -1, .before = 12, .before_id = TEXT("y"), .limit = 50}},
    {.type = MSG_REQUEUE, .request = 18, .requeue = {.task_id = TEXT("t"), .step = TEXT("step_2")}},
    {.type = MSG_REFUSED,
     .request = 7,
     .refused = {.code = CODE_TASK_EXISTS,
                 .detail = TEXT("alive"),
                 .pointer = TEXT("/steps/2"),
                 .state = TASK_RECOVERING,
                 .retry_after_s = 2}},
    {.type = MSG_STARTED, .request = 8, .started = {.task_id = TEXT("t"), .replayed = true}},
    {.type = MSG_SIGNALLED,
     .request = 8,
     .signalled = {.task_id = TEXT("t"),
                   .state = TASK_WAITING,
                   .step = TEXT("ok"),
                   .kept = true,
                   .key = 77}},
    {.type = MSG_DONE, .request = 9, .done = {.task_id = TEXT("t"), .state = TASK_CANCELLED}},
    {.type = MSG_STATUS,
     .request = 10,
     .status = {.task_id = TEXT("t"),
                .task_type = TEXT("u"),
                .session_id = TEXT("s"),
                .run = 2,
                .state = TASK_FAILED,
                .progress = 0.5,
                .seq = 17,
                .created_at = 1,
                .started_at = 2,
                .completed_at = 3,
                .estimated_completion = 4,
                .error_code = CODE_WORKER_DEATHS,
                .error = TEXT("e"),
                .error_step = TEXT("f"),
                .can_recover = true,
                .checkpoints = true,
                .checkpoint_interval_s = 60,
                .max_retries = 3,
                .recovery_enabled = true,
                .backend = TEXT("redis"),
                .doc_revision = 5,
                .results_bytes = 0x300000000,
                .steps = steps,
                .step_count = 2}},
    {.type = MSG_DOC, .request = 11, .doc = {TEXT("{\"a\":\0001}")}},
    {.type = MSG_EVENTS,
     .request = 12,
     .events = {.task_id = TEXT("t"), .events = events, .count = 2, .oldest = 6}},
    {.type = MSG_WATCHED,
     .request = 13,
     .watched = {.task_id = TEXT("t"), .seq = 9, .exists = true, .state = TASK_COMPLETED}},
    {.type = MSG_LIST,
     .request = 14,
     .list = {.items = summaries, .count = 1, .next_before = -5, .next_before_id = TEXT("z")}},
    {.type = MSG_WORKERS,
     .request = 15,
     .workers = {.items = workers, .count = 1, .waiting = waiting, .waiting_count = 1}},
    {.type = MSG_PIPELINES, .request = 16, .pipelines = {.items = pipelines, .count = 1}},
    {.type = MSG_READY,
     .request = UINT64_MAX,
     .ready =
         {.ready = true, .detail = TEXT("warn"), .backend = TEXT("memory"), .partitions = 0xff}},
    {.type = MSG_MEMBERS, .members = {.urls = member_urls, .count = 2}},
    {.type = MSG_GET_USAGE,
     .request = 20,
     .get_usage = {.by = USAGE_BY_ALL, .first_day = 20700, .last_day = 20784}},
    {.type = MSG_USAGE, .request = 20, .usage = {.rows = usage_rows, .count = 2, .cut = true}},
    {.type = MSG_DEAD,
     .request = 19,
     .dead = {.items = dead_letters, .count = 1, .next_before = 7, .next_before_id = TEXT("z")}},
};
const size_t sample_count = sizeof samples / sizeof *samples;
