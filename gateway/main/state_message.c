#include "main/state_message.h"

#include "api/event_json.h"

uint64_t state_message_plan(const struct task_view *v, enum state_message which,
                            enum feed_form form, struct body_plan *plan)
{
    uint64_t seq = which == STATE_FINAL ? v->seq : initial_state_seq(v);
    if (form == FORM_LINES) {
        buf_addf(&plan->text, "id: %llu\ndata: ", (unsigned long long)seq);
    }
    if (which == STATE_FINAL) {
        final_render(v, plan);
    } else {
        initial_state_render(v, plan);
    }
    if (form == FORM_LINES) {
        buf_add_str(&plan->text, "\n\n");
    }
    return seq;
}
