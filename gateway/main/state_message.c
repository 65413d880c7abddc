#include "main/state_message.h"

#include "api/event_json.h"

uint64_t state_message_plan(const struct task_view *v, bool final, bool lines,
                            struct body_plan *plan)
{
    uint64_t seq = final ? v->seq : initial_state_seq(v);
    if (lines) {
        buf_addf(&plan->text, "id: %llu\ndata: ", (unsigned long long)seq);
    }
    if (final) {
        final_render(v, plan);
    } else {
        initial_state_render(v, plan);
    }
    if (lines) {
        buf_add_str(&plan->text, "\n\n");
    }
    return seq;
}
