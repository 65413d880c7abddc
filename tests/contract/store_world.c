#include "store_world.h"

#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_MS 60000 /* only against hanging */

/* ---- what the store says ---- */

static void on_up(void *user, const uint8_t secret[SECRET_BYTES])
{
    struct world *w = user;
    assert_false(w->inside);
    w->ups++;
    memcpy(w->secret, secret, SECRET_BYTES);
}

static void on_down(void *user, const char *why)
{
    struct world *w = user;
    assert_false(w->inside);
    w->downs++;
    snprintf(w->why, sizeof w->why, "%s", why);
}

static void on_written(void *user, const struct store_written *written)
{
    struct world *w = user;
    assert_false(w->inside);
    assert_true(written->write_id < WRITES_MAX);
    struct heard_write *h = &w->writes[written->write_id];
    assert_false(h->heard); /* one answer per row */
    h->heard = true;
    h->verdict = written->verdict;
    h->run = written->run;
    snprintf(h->task_id, sizeof h->task_id, "%.*s", (int)written->task_id.len,
             (const char *)written->task_id.ptr);
}

static void on_read(void *user, const struct store_answer *a)
{
    struct world *w = user;
    assert_false(w->inside);
    world_copy_answer(w, a);
    w->answers++;
}

static void on_admission(void *user, const char *why)
{
    struct world *w = user;
    w->admissions++;
    snprintf(w->admission, sizeof w->admission, "%s", why != NULL ? why : "");
}

static void on_pipeline(void *user, struct bytes source, uint32_t version)
{
    struct world *w = user;
    assert_false(w->inside);
    w->pipelines++;
    w->pipeline_version = version;
    snprintf(w->pipeline, sizeof w->pipeline, "%.*s", (int)source.len, (const char *)source.ptr);
}

static void on_published(void *user, const struct store_published *published)
{
    struct world *w = user;
    assert_false(w->inside);
    w->publishes++;
    w->published = *published;
}

static void on_note(void *user, const char *text)
{
    snprintf(((struct world *)user)->note, sizeof((struct world *)user)->note, "%s", text);
}

static void on_remark(void *user, enum store_remark kind, const char *text)
{
    struct world *w = user;
    snprintf(w->remarks[kind], sizeof w->remarks[kind], "%s", text);
}

/* ---- turns ---- */

static void on_turn_end(void *user)
{
    struct world *w = user;
    w->inside = true;
    w->store->ops->flush(w->store);
    w->inside = false;
    if (w->done != NULL && w->done(w, w->what)) {
        w->done = NULL;
        loop_stop(w->loop);
    }
}

static void on_patience(void *user)
{
    struct world *w = user;
    w->gave_up = true;
    loop_stop(w->loop);
}

static bool run(struct world *w, mono_ms ms)
{
    w->gave_up = false;
    loop_timer_set(w->patience, loop_now(w->loop).mono + ms);
    loop_run(w->loop);
    loop_timer_set(w->patience, NEVER_MS);
    w->done = NULL;
    return !w->gave_up;
}

void world_wait(struct world *w, bool (*done)(const struct world *w, uint64_t what), uint64_t what)
{
    if (done(w, what)) {
        return;
    }
    w->done = done;
    w->what = what;
    if (!run(w, PATIENCE_MS)) {
        fail_msg("nothing for %d ms; ups=%d downs=%d why=%s note=%s admission=%s", PATIENCE_MS,
                 w->ups, w->downs, w->why, w->note, w->admission);
    }
}

void world_pass(struct world *w, mono_ms ms)
{
    assert_false(run(w, ms));
}

static bool ups_reached(const struct world *w, uint64_t what)
{
    return w->ups >= (int)what;
}

static bool downs_reached(const struct world *w, uint64_t what)
{
    return w->downs >= (int)what;
}

void world_wait_ups(struct world *w, int ups)
{
    world_wait(w, ups_reached, (uint64_t)ups);
}

void world_wait_downs(struct world *w, int downs)
{
    world_wait(w, downs_reached, (uint64_t)downs);
}

/* ---- pipelines ---- */

bool world_pipelines_reached(const struct world *w, uint64_t what)
{
    return w->pipelines >= what;
}

static bool publishes_reached(const struct world *w, uint64_t what)
{
    return w->publishes >= what;
}

static void publish(struct world *w, const char *name, const char *source, uint8_t hash,
                    uint64_t id)
{
    struct store_publish p = {.publish_id = id,
                              .name = bytes_str(name),
                              .source = bytes_str(source),
                              .at = 1700000000000 + hash,
                              .by = BYTES_LIT("ann of the kitchen"),
                              .unless_known = id == 0};
    memset(p.hash, hash, sizeof p.hash);
    w->inside = true;
    w->store->ops->publish(w->store, &p);
    w->inside = false;
}

void world_publish(struct world *w, const char *name, const char *source, uint8_t hash)
{
    publish(w, name, source, hash, 0);
}

struct store_published world_published(struct world *w, const char *name, const char *source,
                                       uint8_t hash)
{
    uint64_t id = ++w->next_id;
    publish(w, name, source, hash, id);
    world_wait(w, publishes_reached, w->publishes + 1);
    assert_int_equal(w->published.publish_id, id);
    return w->published;
}

/* ---- life ---- */

struct world *world_create_with(struct redis_server *server,
                                const struct store_redis_options *options)
{
    struct world *w = mem_zalloc(sizeof *w);
    w->loop = loop_create();
    w->server = server;
    w->fence = fence_of(1, 0xaa);
    w->patience = loop_timer_create(w->loop, on_patience, w);
    struct store_handler handler = {.up = on_up,
                                    .down = on_down,
                                    .written = on_written,
                                    .read = on_read,
                                    .admission = on_admission,
                                    .pipeline = on_pipeline,
                                    .user = w,
                                    .note = on_note,
                                    .remark = on_remark,
                                    .published = on_published};
    if (options == NULL) {
        w->store = store_memory_create(w->loop, handler);
    } else {
        const char *message = NULL;
        struct store_redis_options own = redis_certs_options(options);
        assert_int_equal(store_redis_create(w->loop, &own, handler, &w->store, &message), ERR_OK);
    }
    loop_on_turn_end(w->loop, on_turn_end, w);
    return w;
}

struct world *world_create(struct redis_server *server)
{
    /* What a store promises has nothing to do with time: a busy machine is no fault of it. */
    struct store_redis_options options = {.deadline_ms = 10000};
    options.url = server != NULL ? server->url : NULL;
    struct world *w = world_create_with(server, server != NULL ? &options : NULL);
    world_wait_ups(w, 1);
    return w;
}

void world_destroy(struct world *w)
{
    w->store->ops->destroy(w->store);
    world_check_lent(w);
    loop_destroy(w->loop);
    arena_free(&w->arena);
    free(w->stored);
    free(w);
}

/* ---- calls ---- */

static struct stored *stored_of(struct world *w, struct bytes task_id)
{
    for (size_t i = 0; i < w->stored_count; i++) {
        if (bytes_is(task_id, w->stored[i].task_id)) {
            return &w->stored[i];
        }
    }
    MEM_GROW(w->stored, w->stored_count, w->stored_cap);
    struct stored *s = &w->stored[w->stored_count++];
    *s = (struct stored){.seq = 0};
    snprintf(s->task_id, sizeof s->task_id, "%.*s", (int)task_id.len, (const char *)task_id.ptr);
    return s;
}

static void note_stored(struct world *w, const struct store_row *row)
{
    struct stored *s = stored_of(w, row->task_id);
    uint64_t len = row->doc[0].len + row->doc[1].len + row->doc[2].len + row->doc_items_bytes;
    if (row->kind == ROW_ADMIT) {
        s->seq = s->doc_bytes = 0;
    }
    s->seq = row->event_count > 0 ? row->events[row->event_count - 1].seq : s->seq;
    if (len > 0 && (row->doc_whole || row->doc_offset + len > s->doc_bytes)) {
        s->doc_bytes = row->doc_offset + len;
    }
}

uint64_t world_write(struct world *w, struct store_row row)
{
    row.write_id = w->next_id++;
    assert_true(row.write_id < WRITES_MAX);
    if (row.kind == ROW_ADMIT) {
        note_stored(w, &row); /* tests send updates behind it at once */
    }
    w->inside = true;
    w->store->ops->write(w->store, &row);
    w->inside = false;
    return row.write_id;
}

uint64_t world_ask(struct world *w, struct store_read read)
{
    read.read_id = w->next_id++;
    w->inside = true;
    w->store->ops->read(w->store, &read);
    w->inside = false;
    return read.read_id;
}

bool write_heard(const struct world *w, uint64_t id)
{
    return w->writes[id].heard;
}

const struct heard_write *world_written(struct world *w, struct store_row row)
{
    uint64_t id = world_write(w, row);
    world_wait(w, write_heard, id);
    return &w->writes[id];
}

enum store_verdict world_verdict(struct world *w, struct store_row row)
{
    enum store_verdict verdict = world_written(w, row)->verdict;
    if (verdict == STORE_OK && row.kind == ROW_UPDATE) {
        note_stored(w, &row);
    }
    return verdict;
}

static bool answers_reached(const struct world *w, uint64_t what)
{
    return w->answers >= what;
}

const struct store_answer *world_read(struct world *w, struct store_read read)
{
    uint64_t id = world_ask(w, read);
    world_wait(w, answers_reached, w->answers + 1);
    assert_int_equal(w->answer.read_id, id);
    assert_int_equal(w->answer.kind, read.kind);
    return &w->answer;
}

/* ---- rows and reads ---- */

struct fence fence_of(uint64_t epoch, uint8_t nonce)
{
    struct fence f = {.epoch = epoch};
    memset(f.nonce, nonce, NONCE_BYTES);
    return f;
}

struct store_row row_claim(partition_id p, struct fence claim, const char *owner)
{
    return (struct store_row){.kind = ROW_CLAIM,
                              .partition = p,
                              .claim_absent = true,
                              .claim = claim,
                              .owner = bytes_str(owner)};
}

void world_own(struct world *w, const char *task_id)
{
    partition_id p = id_partition(bytes_str(task_id));
    if (!w->owned[p]) {
        assert_int_equal(world_verdict(w, row_claim(p, w->fence, "c1")), STORE_OK);
        w->owned[p] = true;
    }
}

struct store_row row_admit(struct world *w, const char *task_id)
{
    world_own(w, task_id);
    return (struct store_row){
        .kind = ROW_ADMIT,
        .partition = id_partition(bytes_str(task_id)),
        .fence = w->fence,
        .task_id = bytes_str(task_id),
        .head = bytes_str("head-1"),
        .spec = bytes_str("spec"),
        .input = bytes_str("{\"in\":1}"),
        .doc = {BYTES_LIT("{\"results\":{"), BYTES_NONE, BYTES_LIT("},\"step\":0}")},
        .doc_whole = true,
        .created_at = 1000};
}

struct store_row row_update(struct world *w, const char *task_id, uint64_t version)
{
    world_own(w, task_id);
    char *head = arena_printf(&w->arena, "head-%llu", (unsigned long long)version + 1);
    return (struct store_row){.kind = ROW_UPDATE,
                              .partition = id_partition(bytes_str(task_id)),
                              .fence = w->fence,
                              .task_id = bytes_str(task_id),
                              .version = version,
                              .stored_seq = stored_of(w, bytes_str(task_id))->seq,
                              .stored_doc_bytes = stored_of(w, bytes_str(task_id))->doc_bytes,
                              .head = bytes_str(head)};
}

struct store_row row_end(struct world *w, const char *task_id, uint64_t version)
{
    struct store_row row = row_update(w, task_id, version);
    row.life = LIFE_END;
    row.ttl_s = 3600;
    return row;
}

struct store_read read_task(const char *task_id)
{
    return (struct store_read){.kind = READ_TASK,
                               .partition = id_partition(bytes_str(task_id)),
                               .task_id = bytes_str(task_id)};
}

struct bytes world_doc(struct world *w, const char *task_id)
{
    struct byte_range whole = {0, 1u << 30};
    struct store_read read = read_task(task_id);
    read.kind = READ_PARTS, read.ranges = &whole, read.range_count = 1;
    const struct store_answer *a = world_read(w, read);
    assert_int_equal(a->err, ERR_OK);
    return a->parts[0];
}

void assert_bytes(struct bytes b, const char *expected)
{
    if (!bytes_is(b, expected)) {
        fail_msg("\"%.*s\" is not \"%s\"", (int)b.len, (const char *)b.ptr, expected);
    }
}
