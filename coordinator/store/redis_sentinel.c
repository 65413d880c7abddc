#include "store/redis_sentinel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/redis_command.h"
#include "store/redis_link.h"
#include "store/redis_reply.h"
#include "store/sentinel_view.h"

#define ASK_EVERY_MS   1000 /* a master cut off from its sentinels is abandoned after this time */
#define ASK_HURRIED_MS 100  /* while the master is away */
#define WHY_BYTES      256

struct sentinel_peer {
    struct redis_sentinel *all;
    struct redis_node node;
    struct redis_link *link;
    bool asked; /* answers are outstanding */
    uint64_t epoch;
    char why[WHY_BYTES]; /* why it names no master; "" = it names one */
};

struct redis_sentinel {
    struct loop *loop;
    struct redis_sentinel_handler handler;
    struct redis_login login;
    char name[REDIS_MASTER_BYTES];
    struct sentinel_peer peers[REDIS_NODES_MAX];
    struct sentinel_view views[REDIS_NODES_MAX]; /* by index of the peer */
    uint32_t count;
    struct sentinel_view followed;
    struct redis_command command;
    struct loop_timer *timer;
    mono_ms began_at;
    bool away;
    char why[WHY_BYTES]; /* as last reported */
};

/* ---- evaluating the answers ---- */

static void choose(struct redis_sentinel *s)
{
    mono_ms now = loop_now(s->loop).mono;
    bool hurry = now - s->began_at >= ASK_EVERY_MS;
    const struct sentinel_view *v = sentinel_choose(s->views, s->count, &s->followed, now, hurry);
    if (v == NULL) {
        return;
    }
    s->why[0] = '\0';
    if (!s->followed.known || !sentinel_same_master(&v->master, &s->followed.master)) {
        s->followed = *v;
        s->handler.master(s->handler.user, &s->followed.master);
    }
}

static void tell_unknown(struct redis_sentinel *s)
{
    const char *why = "";
    for (uint32_t i = s->count; i-- > 0;) {
        if (sentinel_is_fresh(&s->views[i], loop_now(s->loop).mono)) {
            return;
        }
        why = s->peers[i].why[0] != '\0' ? s->peers[i].why : why;
    }
    if (why[0] != '\0' && strcmp(why, s->why) != 0) {
        snprintf(s->why, sizeof s->why, "%s", why);
        s->handler.unknown(s->handler.user, s->why);
    }
}

/* ---- one sentinel ---- */

static void set_why(struct sentinel_peer *p, const char *what)
{
    snprintf(p->why, sizeof p->why, "sentinel %.64s:%d: %.160s", p->node.host, p->node.port, what);
}

static void on_auth(void *user, const struct redisReply *reply)
{
    struct sentinel_peer *p = user;
    if (reply_is_error(reply, "")) {
        set_why(p, reply->str);
        link_fail(p->link, p->why);
    }
}

static void on_epoch(void *user, const struct redisReply *reply)
{
    struct sentinel_peer *p = user;
    p->epoch = sentinel_read_epoch(reply);
}

static void on_address(void *user, const struct redisReply *reply)
{
    struct sentinel_peer *p = user;
    struct redis_sentinel *s = p->all;
    struct redis_node master;
    p->asked = false;
    if (sentinel_read_address(reply, &master)) {
        p->why[0] = '\0';
        s->views[p - s->peers] =
            (struct sentinel_view){true, loop_now(s->loop).mono, p->epoch, master};
        choose(s);
    } else if (reply_is_error(reply, "NOAUTH")) {
        set_why(p, "it needs a password: set MARATHON_REDIS_SENTINEL_PASSWORD");
    } else if (reply_is_error(reply, "ERR unknown command")) {
        set_why(p, "it is not a sentinel: REDIS_URL must name the sentinels, not the master");
    } else if (reply_is_error(reply, "")) {
        set_why(p, reply->str);
    } else {
        char what[WHY_BYTES];
        snprintf(what, sizeof what,
                 "it knows no master \"%s\": the name must be that of `sentinel monitor`", s->name);
        set_why(p, what);
    }
}

/* Asks for the epoch first: an address newer than its epoch is harmless, an older one is not. */
static void ask(struct sentinel_peer *p)
{
    static const struct {
        const char *verb;
        redis_reply_fn *fn;
    } questions[] = {{"MASTER", on_epoch}, {"GET-MASTER-ADDR-BY-NAME", on_address}};
    struct redis_sentinel *s = p->all;
    if (p->asked || !link_is_open(p->link)) {
        return;
    }
    p->asked = true;
    for (size_t i = 0; i < 2; i++) {
        command_begin(&s->command, "SENTINEL");
        command_add_str(&s->command, questions[i].verb);
        command_add_str(&s->command, s->name);
        link_send(p->link, command_end(&s->command), questions[i].fn, p);
    }
    link_flush(p->link);
}

static void on_open(void *user)
{
    struct sentinel_peer *p = user;
    struct redis_sentinel *s = p->all;
    if (s->login.password[0] != '\0') {
        command_begin(&s->command, "AUTH");
        if (s->login.user[0] != '\0') {
            command_add_str(&s->command, s->login.user);
        }
        command_add_str(&s->command, s->login.password);
        link_send(p->link, command_end(&s->command), on_auth, p);
    }
    ask(p);
}

static void on_lost(void *user, const char *why)
{
    struct sentinel_peer *p = user;
    p->asked = false;
    if (strncmp(why, "sentinel ", 9) != 0) {
        set_why(p, why);
    }
}

static void on_settled(void *user)
{
    (void)user;
}

/* ---- all of them ---- */

static void ask_all(struct redis_sentinel *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        ask(&s->peers[i]);
    }
    mono_ms every = s->away ? ASK_HURRIED_MS : ASK_EVERY_MS;
    loop_timer_set(s->timer, loop_now(s->loop).mono + every);
}

static void on_timer(void *user)
{
    struct redis_sentinel *s = user;
    choose(s); /* views may have expired, or the first choice need not wait any longer */
    tell_unknown(s);
    ask_all(s);
}

void sentinel_master_away(struct redis_sentinel *s, bool away)
{
    bool sooner = away && !s->away;
    s->away = away;
    if (sooner) {
        loop_timer_set(s->timer, loop_now(s->loop).mono);
    }
}

struct redis_sentinel *sentinel_create(struct loop *loop, const struct redis_url *url,
                                       const struct redis_login *login, mono_ms deadline_ms,
                                       struct redis_sentinel_handler handler)
{
    struct redis_sentinel *s = mem_zalloc(sizeof *s);
    s->loop = loop;
    s->handler = handler;
    s->login = *login;
    s->count = url->node_count;
    s->began_at = loop_now(loop).mono;
    s->away = true;
    memcpy(s->name, url->master, sizeof s->name);
    for (uint32_t i = 0; i < s->count; i++) {
        struct sentinel_peer *p = &s->peers[i];
        struct redis_url one = {.port = url->nodes[i].port, .tls = url->tls};
        memcpy(one.host, url->nodes[i].host, sizeof one.host);
        p->all = s;
        p->node = url->nodes[i];
        p->link =
            link_create(loop, &one, login->tls, deadline_ms,
                        (struct redis_link_handler){
                            .open = on_open, .lost = on_lost, .settled = on_settled, .user = p});
    }
    s->timer = loop_timer_create(loop, on_timer, s);
    loop_timer_set(s->timer, s->began_at + ASK_HURRIED_MS);
    return s;
}

void sentinel_destroy(struct redis_sentinel *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        link_destroy(s->peers[i].link);
    }
    loop_timer_destroy(s->timer);
    command_free(&s->command);
    explicit_bzero(s, sizeof *s); /* the password */
    free(s);
}
