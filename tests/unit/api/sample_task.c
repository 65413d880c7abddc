#include "sample_task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const names[SAMPLE_STEPS_MAX] = {"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"};

void sample_init(struct sample_task *t, uint32_t steps)
{
    *t = (struct sample_task){.view = {.task_id = BYTES_LIT("t1"),
                                       .task_type = BYTES_LIT("p"),
                                       .run = 2,
                                       .state = TASK_RUNNING,
                                       .seq = 7,
                                       .created_at = 1770057000000,
                                       .started_at = 1770057000123,
                                       .checkpoints = true,
                                       .checkpoint_interval_s = 60,
                                       .max_retries = 3,
                                       .recovery_enabled = true,
                                       .backend = BYTES_LIT("redis"),
                                       .results_bytes = 2,
                                       .step_count = steps}};
    t->view.steps = t->steps;
    for (uint32_t i = 0; i < steps; i++) {
        t->steps[i].name = bytes_str(names[i]);
        t->steps[i].function = BYTES_LIT("echo");
        t->steps[i].max_retries = 3;
    }
    buf_add_str(&t->doc, "{\"results\":{}");
}

void sample_free(struct sample_task *t)
{
    buf_free(&t->doc);
}

void sample_complete(struct sample_task *t, uint32_t step, const char *result)
{
    struct step_view *s = &t->steps[step];
    uint32_t order = 0;
    for (uint32_t i = 0; i < t->view.step_count; i++) {
        order += t->steps[i].state == STEP_COMPLETED;
    }
    t->doc.len--;
    buf_addf(&t->doc, "%s\"%s\":", order > 0 ? "," : "", names[step]);
    s->state = STEP_COMPLETED;
    s->order = order;
    s->progress = 1;
    s->completed_at = 1770057001000 + step;
    s->duration_ms = 5;
    s->result_offset = t->doc.len;
    s->result_len = (uint32_t)strlen(result);
    buf_addf(&t->doc, "%s}", result);
    t->view.results_bytes = t->doc.len - RESULTS_OFFSET;
}

void sample_grow(struct sample_task *t)
{
    t->doc.ptr[t->doc.len - 1] = ',';
    buf_add_str(&t->doc, "\"later\":1}");
}

struct doc *sample_parse(const struct sample_task *t, struct body_plan *plan)
{
    struct buf out = {0};
    struct doc *d = NULL;
    struct doc_fault fault;
    body_plan_finish(plan);
    body_plan_write(plan, buf_bytes(&t->doc), 0, &out);
    assert_int_equal(out.len, plan->total);
    if (doc_parse(buf_bytes(&out), &d, &fault) != ERR_OK) {
        print_error("%s\n%s\n", fault.reason, buf_cstr(&out));
        fail();
    }
    buf_free(&out);
    body_plan_free(plan);
    return d;
}
