/* The agent's own state, shared by its files only. */
#ifndef MARATHON_AGENT_STATE_H
#define MARATHON_AGENT_STATE_H

#include "agent/agent.h"
#include "base/map.h"
#include "model/limits.h"

struct peer {
    peer_id id;
    bool welcomed;
    bool closing;        /* CLOSE was given out; nothing more is done with it */
    uint32_t granted;    /* credits it has not used */
    uint64_t partitions; /* that it says it owns; of two that say so the one heard of last */
    uint64_t told;       /* place of its last OWNED among all */
    mono_ms heard_at;
};

enum attempt_phase { ATTEMPT_WAITING, ATTEMPT_RUNNING, ATTEMPT_HELD };

enum stop_cause { CAUSE_NONE, CAUSE_TIMEOUT, CAUSE_SILENT, CAUSE_STOPPED, CAUSE_DRAIN };

struct attempt {
    uint64_t number;
    enum attempt_phase phase;
    peer_id from;
    struct arena payload;    /* of order; given back when it has been handed out */
    struct step_order order; /* ref stays valid for the attempt's life */
    struct arena memory;     /* task id, outcome */
    mono_ms started;
    unix_ms started_wall;
    mono_ms
        deadline; /* of the next step towards its end: time limit, then kill; NEVER_MS after that */
    mono_ms silent_at; /* without news until then it is stopped; NEVER_MS: no such limit */
    enum stop_cause cause;

    double fraction; /* news not sent yet */
    struct buf text;
    struct buf checkpoint;
    struct buf log; /* the newest end of its log; kept, for an owner that has not heard it */
    bool log_new;
    bool news;
    mono_ms news_due;

    struct step_outcome outcome; /* HELD */
    peer_id sent_to;
    mono_ms resend_at;
    mono_ms resend_wait;
};

struct agent {
    struct agent_config config;
    struct map functions;
    struct moment now;
    struct agent_effects *fx; /* of the step under way */

    struct peer peers[AGENT_PEERS_MAX];
    uint32_t peer_count;
    mono_ms lend_at;

    struct attempt **attempts; /* in order of arrival */
    size_t attempt_count, attempt_cap;
    uint64_t next_number;
    uint32_t waiting, running, held;
    size_t held_bytes;
    uint32_t alone;  /* waiting or running attempts that want the worker for themselves */
    mono_ms mean_ms; /* of the attempts' durations, weighted towards the latest */

    struct attempt **dead; /* freed at the next step: effects may still point into them */
    size_t dead_count, dead_cap;
    struct arena *spent; /* likewise */
    size_t spent_count, spent_cap;

    uint64_t owned_told; /* OWNED heard so far */
    bool draining, drained;
    mono_ms drain_at;
    struct agent_stats totals;
};

/* effects.c */
struct agent_effect *fx_add(struct agent *a, enum agent_effect_kind kind);
struct message *fx_send(struct agent *a, peer_id peer, enum message_type type);
void fx_log(struct agent *a, enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
const char *fx_ref_text(struct agent *a, const struct attempt_ref *ref);

/* peers.c */
struct peer *peer_find(struct agent *a, peer_id id);
void peer_up(struct agent *a, peer_id id);
void peer_down(struct agent *a, peer_id id);
void peer_welcome(struct agent *a, struct peer *p, const struct message *m);
void peer_owned(struct agent *a, struct peer *p, uint64_t partitions);
void peer_close(struct agent *a, struct peer *p, mono_ms retry_ms);
/* The peer that news and outcomes of a task go to, or NULL. */
const struct peer *peer_for(const struct agent *a, const struct attempt *t);
/* Tells everyone what is here: what they sent and do not find in it goes elsewhere. */
void peers_claim(struct agent *a);
void peers_judge(struct agent *a);
void peers_forgive(struct agent *a);

/* credits.c */
void credits_grant(struct agent *a);

/* attempts.c */
struct attempt *attempt_find(struct agent *a, uint64_t number);
void attempt_ordered(struct agent *a, struct peer *p, const struct step_order *order);
void attempt_stopped(struct agent *a, const struct step_stop *stop);
void attempts_start(struct agent *a);
void attempts_expire(struct agent *a);
void attempts_hand_back(struct agent *a);
void attempts_drain(struct agent *a);
void attempt_drop(struct agent *a, struct attempt *t);

/* outcomes.c */
void outcome_ended(struct agent *a, struct attempt *t, const struct attempt_result *r);
/* Ends an attempt that never ran. */
void outcome_refused(struct agent *a, struct attempt *t, enum code code, const char *message);
void outcome_acked(struct agent *a, const struct step_ack *ack);
void outcomes_resend(struct agent *a);

/* news.c */
void news_take(struct agent *a, struct attempt *t, const struct attempt_news *news);
void news_flush(struct agent *a, struct attempt *t);
void news_send_due(struct agent *a);
/* What only the last owner has heard, and a new one will want should this worker die: the log. */
void news_again(struct agent *a, struct attempt *t);

#endif
