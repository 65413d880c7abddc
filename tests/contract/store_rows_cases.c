/* Rows: fences, admissions, updates, and what is refused. */
#include <string.h>

#include "store_cases.h"
#include "store_world.h"

#define P7 ((partition_id)7)

static const struct owner_record *owner_of(struct world *w, partition_id p)
{
    return &world_read(w, (struct store_read){.kind = READ_OWNERS})->owners[p];
}

void test_up_comes_with_a_secret(void **state)
{
    struct world *w = *state;
    uint8_t nothing[SECRET_BYTES] = {0};
    assert_int_equal(w->ups, 1);
    assert_int_equal(w->downs, 0);
    assert_memory_not_equal(w->secret, nothing, SECRET_BYTES);
}

void test_a_partition_is_claimed_once(void **state)
{
    struct world *w = *state;
    struct fence first = fence_of(1, 0x01);
    struct fence second = fence_of(2, 0x02);
    assert_int_equal(world_verdict(w, row_claim(P7, first, "c1")), STORE_OK);
    assert_int_equal(world_verdict(w, row_claim(P7, second, "c2")), STORE_FENCED);

    struct store_row takeover = row_claim(P7, second, "c2");
    takeover.claim_absent = false;
    takeover.fence = fence_of(1, 0x09); /* the epoch is right, the nonce is not */
    assert_int_equal(world_verdict(w, takeover), STORE_FENCED);
    takeover.fence = first;
    assert_int_equal(world_verdict(w, takeover), STORE_OK);
    assert_int_equal(world_verdict(w, takeover), STORE_FENCED);

    const struct owner_record *o = owner_of(w, P7);
    assert_true(o->exists);
    assert_int_equal(o->fence.epoch, 2);
    assert_memory_equal(o->fence.nonce, second.nonce, NONCE_BYTES);
    assert_bytes(o->owner, "c2");
    assert_false(owner_of(w, P7 + 1)->exists);
}

void test_a_stale_fence_is_refused_for_every_row(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct store_row rows[] = {row_admit(w, "t1"),
                               row_update(w, "t1", 1),
                               row_end(w, "t1", 1),
                               {.kind = ROW_RENEW},
                               {.kind = ROW_RELEASE}};
    struct store_row takeover = row_claim(rows[0].partition, fence_of(2, 0xbb), "c2");
    takeover.claim_absent = false;
    takeover.fence = w->fence;
    assert_int_equal(world_verdict(w, takeover), STORE_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rows[i].partition = rows[0].partition;
        rows[i].fence = w->fence;
        assert_int_equal(world_verdict(w, rows[i]), STORE_FENCED);
        rows[i].fence = fence_of(2, 0xaa); /* the new epoch with the old nonce */
        assert_int_equal(world_verdict(w, rows[i]), STORE_FENCED);
    }
    const struct store_answer *a = world_read(w, read_task("t1"));
    assert_int_equal(a->tasks[0].version, 1);
    assert_bytes(a->tasks[0].head, "head-1");
}

void test_a_renewal_bumps_the_beat(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_claim(P7, w->fence, "c1")), STORE_OK);
    uint64_t before = owner_of(w, P7)->beat;
    struct store_row renew = {.kind = ROW_RENEW, .partition = P7, .fence = w->fence};
    assert_int_equal(world_verdict(w, renew), STORE_OK);
    assert_int_equal(world_verdict(w, renew), STORE_OK);
    assert_int_equal(owner_of(w, P7)->beat, before + 2);
}

void test_a_released_partition_refuses_its_old_fence(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct store_row update = row_update(w, "t1", 1);
    struct store_row release = {
        .kind = ROW_RELEASE, .partition = update.partition, .fence = w->fence};
    assert_int_equal(world_verdict(w, release), STORE_OK);
    assert_int_equal(world_verdict(w, update), STORE_FENCED);
    assert_int_equal(world_verdict(w, release), STORE_FENCED);
    const struct owner_record *o = owner_of(w, update.partition);
    assert_true(o->exists);
    assert_int_equal(o->owner.len, 0);
    assert_int_equal(o->fence.epoch, 1);

    struct store_row again = row_claim(update.partition, fence_of(2, 0xcc), "c2");
    again.claim_absent = false;
    again.fence = w->fence;
    assert_int_equal(world_verdict(w, again), STORE_OK);
    update.fence = again.claim;
    assert_int_equal(world_verdict(w, update), STORE_OK);
}

void test_a_wish_outlives_the_release_and_ends_with_the_claim(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_claim(P7, w->fence, "c1")), STORE_OK);
    assert_false(owner_of(w, P7)->wished);
    struct store_row wish = {.kind = ROW_WISH, .partition = P7, .fence = fence_of(1, 0x77)};
    wish.claim = fence_of(0, 0xdd);
    assert_int_equal(world_verdict(w, wish), STORE_FENCED); /* of another owner than is there */
    wish.fence = w->fence;
    assert_int_equal(world_verdict(w, wish), STORE_OK);
    assert_true(owner_of(w, P7)->wished);
    assert_memory_equal(owner_of(w, P7)->wish, wish.claim.nonce, NONCE_BYTES);

    struct store_row release = {.kind = ROW_RELEASE, .partition = P7, .fence = w->fence};
    assert_int_equal(world_verdict(w, release), STORE_OK);
    assert_true(owner_of(w, P7)->wished);
    assert_int_equal(world_verdict(w, wish), STORE_FENCED); /* nobody is there to be asked */
    struct store_row again = row_claim(P7, fence_of(2, 0xdd), "c2");
    again.claim_absent = false;
    again.fence = w->fence;
    assert_int_equal(world_verdict(w, again), STORE_OK);
    assert_false(owner_of(w, P7)->wished);
}

void test_an_admitted_task_can_be_read(void **state)
{
    struct world *w = *state;
    const struct heard_write *h = world_written(w, row_admit(w, "t1"));
    assert_int_equal(h->verdict, STORE_OK);
    assert_int_equal(h->run, 1);
    const struct store_answer *a = world_read(w, read_task("t1"));
    assert_int_equal(a->err, ERR_OK);
    assert_int_equal(a->task_count, 1);
    assert_bytes(a->tasks[0].task_id, "t1");
    assert_bytes(a->tasks[0].spec, "spec");
    assert_bytes(a->tasks[0].head, "head-1");
    assert_int_equal(a->tasks[0].version, 1);
    assert_int_equal(a->tasks[0].run, 1);
    assert_int_equal(a->tasks[0].step_count, 0);
    assert_bytes(world_doc(w, "t1"), "{\"results\":{},\"step\":0}");
}

void test_a_live_task_is_not_admitted_again(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct store_row again = row_admit(w, "t1");
    again.head = bytes_str("other");
    assert_int_equal(world_verdict(w, again), STORE_EXISTS);
    assert_bytes(world_read(w, read_task("t1"))->tasks[0].head, "head-1");
}

void test_an_idempotency_key_replays_or_mismatches(void **state)
{
    struct world *w = *state;
    struct store_row row = row_admit(w, "t1");
    row.idempotency_key = BYTES_LIT("0123456789abcdef0123456789abcdef");
    row.body_hash = BYTES_LIT("bodybodybodybodybodybodybodybody");
    row.idempotency_ttl_s = 86400;
    assert_int_equal(world_verdict(w, row), STORE_OK);

    const struct heard_write *h = world_written(w, row);
    assert_int_equal(h->verdict, STORE_REPLAY);
    assert_string_equal(h->task_id, "t1");
    row.body_hash = BYTES_LIT("otherotherotherotherotherotherot");
    assert_int_equal(world_verdict(w, row), STORE_MISMATCH);
    row.idempotency_key = BYTES_LIT("another-key-another-key-another-");
    assert_int_equal(world_verdict(w, row), STORE_EXISTS);
}

void test_a_refused_admission_leaves_its_idempotency_key_free(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct store_row row = row_admit(w, "t1");
    row.idempotency_key = BYTES_LIT("0123456789abcdef0123456789abcdef");
    row.body_hash = BYTES_LIT("bodybodybodybodybodybodybodybody");
    row.idempotency_ttl_s = 86400;
    assert_int_equal(world_verdict(w, row), STORE_EXISTS);
    assert_int_equal(world_verdict(w, row_end(w, "t1", 1)), STORE_OK);
    struct row_event before_all = {0, parts_whole(BYTES_LIT("e"))};
    struct store_row misfit = row;
    misfit.events = &before_all;
    misfit.event_count = 1;
    assert_int_equal(world_verdict(w, misfit), STORE_VERSION);
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_int_equal(world_verdict(w, row), STORE_REPLAY);
}

void test_an_update_needs_the_version(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_update(w, "t1", 1)), STORE_VERSION);
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    assert_int_equal(world_verdict(w, row_update(w, "t1", 2)), STORE_VERSION);
    assert_int_equal(world_verdict(w, row_update(w, "t1", 1)), STORE_OK);
    assert_int_equal(world_verdict(w, row_update(w, "t1", 2)), STORE_OK);
    assert_int_equal(world_verdict(w, row_update(w, "t1", 1)), STORE_VERSION);
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, 3);
}

void test_the_same_update_again_is_fine(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct row_event event = {1, parts_whole(BYTES_LIT("e1"))};
    struct store_row row = row_update(w, "t1", 1);
    row.events = &event;
    row.event_count = 1;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_int_equal(world_verdict(w, row), STORE_OK); /* the answer had been lost */
    struct store_row other = row;
    other.head = BYTES_LIT("not the same");
    assert_int_equal(world_verdict(w, other), STORE_VERSION);
    struct store_read events = read_task("t1");
    events.kind = READ_EVENTS;
    assert_int_equal(world_read(w, events)->event_count, 1);
}

void test_events_must_follow(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct row_event events[] = {{5, parts_whole(BYTES_LIT("five"))},
                                 {6, parts_whole(BYTES_LIT("six"))}};
    struct store_row row = row_update(w, "t1", 1);
    row.events = events;
    row.event_count = 2;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    row = row_update(w, "t1", 2);
    row.events = &events[1];
    row.event_count = 1;
    assert_int_equal(world_verdict(w, row), STORE_VERSION);
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, 2); /* nothing was written */
    events[0].seq = 7;
    row.events = events;
    row.stored_seq = 5; /* in order, but not behind what is stored */
    assert_int_equal(world_verdict(w, row), STORE_VERSION);
    row.stored_seq = 6;
    assert_int_equal(world_verdict(w, row), STORE_OK);
}

void test_a_patch_behind_the_document_is_refused(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct store_row row = row_update(w, "t1", 1);
    row.doc_offset = 1000;
    row.doc[0] = BYTES_LIT("x");
    assert_int_equal(world_verdict(w, row), STORE_VERSION);
    row.stored_doc_bytes = 2000; /* nor by saying that there is more than there is */
    assert_int_equal(world_verdict(w, row), STORE_VERSION);
    assert_bytes(world_doc(w, "t1"), "{\"results\":{},\"step\":0}");
}

/* What most rows are has a way of its own through the store: with all checks. */
void test_a_completed_step_is_checked_like_any_row(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    struct row_step step = {0, parts_whole(BYTES_LIT("done"))};
    struct row_event events[] = {{1, parts_whole(BYTES_LIT("one"))},
                                 {2, parts_whole(BYTES_LIT("two"))}};
    struct store_row row = row_update(w, "t1", 1);
    row.head = BYTES_LIT("head-2"); /* reads take the other back */
    row.steps = &step;
    row.step_count = 1;
    row.events = events;
    row.event_count = 2;
    row.doc_offset = strlen("{\"results\":{");
    row.doc[1] = BYTES_LIT("\"s0\":1},\"step\":1}");
    struct store_row wrong = row;
    wrong.fence = fence_of(9, 0x99);
    assert_int_equal(world_verdict(w, wrong), STORE_FENCED);
    wrong = row;
    wrong.version = 2;
    assert_int_equal(world_verdict(w, wrong), STORE_VERSION);
    wrong = row;
    wrong.stored_seq = 1;
    events[0].seq = 2;
    events[1].seq = 3;
    assert_int_equal(world_verdict(w, wrong), STORE_VERSION);
    events[0].seq = 1;
    events[1].seq = 2;
    wrong = row;
    wrong.stored_doc_bytes++;
    assert_int_equal(world_verdict(w, wrong), STORE_VERSION);
    assert_bytes(world_doc(w, "t1"), "{\"results\":{},\"step\":0}");
    assert_int_equal(world_verdict(w, row), STORE_OK);
    assert_int_equal(world_verdict(w, row), STORE_OK); /* the answer had been lost */
    wrong = row;
    wrong.head = BYTES_LIT("not the same");
    assert_int_equal(world_verdict(w, wrong), STORE_VERSION);
    assert_bytes(world_doc(w, "t1"), "{\"results\":{\"s0\":1},\"step\":1}");
    const struct store_answer *a = world_read(w, read_task("t1"));
    assert_int_equal(a->tasks[0].version, 2);
    assert_bytes(a->tasks[0].head, "head-2");
    assert_bytes(a->tasks[0].steps[0].blob, "done");
    struct store_read read = read_task("t1");
    read.kind = READ_EVENTS;
    a = world_read(w, read);
    assert_int_equal(a->event_count, 2);
    assert_bytes(a->events[1].blob, "two");
}

void test_a_refused_row_does_not_disturb_its_batch(void **state)
{
    struct world *w = *state;
    world_own(w, "a");
    world_own(w, "b");
    struct row_step steps[] = {{0, parts_whole(BYTES_LIT("s0"))},
                               {1, parts_whole(BYTES_LIT("s1"))}};
    struct row_event events[] = {{1, parts_whole(BYTES_LIT("e1"))},
                                 {2, parts_whole(BYTES_LIT("e2"))}};
    struct store_row stale = row_admit(w, "a");
    stale.fence = fence_of(9, 0x99);
    stale.steps = steps;
    stale.step_count = 2;
    stale.events = events;
    stale.event_count = 2;
    struct store_row early = row_update(w, "b", 7);
    early.steps = steps;
    early.step_count = 2;
    early.events = events;
    early.event_count = 2;
    uint64_t ids[] = {world_write(w, stale), world_write(w, row_admit(w, "a")),
                      world_write(w, row_admit(w, "b")), world_write(w, early),
                      world_write(w, row_update(w, "b", 1))};
    world_wait(w, write_heard, ids[4]);
    assert_int_equal(w->writes[ids[0]].verdict, STORE_FENCED);
    assert_int_equal(w->writes[ids[1]].verdict, STORE_OK);
    assert_int_equal(w->writes[ids[2]].verdict, STORE_OK);
    assert_int_equal(w->writes[ids[3]].verdict, STORE_VERSION);
    assert_int_equal(w->writes[ids[4]].verdict, STORE_OK);
}

/* What a row finds is what those before it have left, also of the partition's fence; and partitions
 * that have the same fence are told apart. */
void test_a_partition_may_change_hands_within_a_batch(void **state)
{
    struct world *w = *state;
    struct fence first = fence_of(1, 0x01), second = fence_of(2, 0x02);
    struct store_row takeover = row_claim(P7, second, "c2");
    takeover.claim_absent = false;
    takeover.fence = first;
    const struct store_row rows[] = {
        row_claim(P7, first, "c1"),
        {.kind = ROW_RENEW, .partition = P7, .fence = first},
        takeover,
        {.kind = ROW_RENEW, .partition = P7, .fence = first},
        {.kind = ROW_RENEW, .partition = P7, .fence = second},
        row_claim(P7 + 1, second, "c2"),
        {.kind = ROW_RENEW, .partition = P7 + 1, .fence = second},
        {.kind = ROW_RELEASE, .partition = P7, .fence = second},
        {.kind = ROW_RENEW, .partition = P7, .fence = second},
        {.kind = ROW_RENEW, .partition = P7 + 1, .fence = second},
    };
    enum { N = sizeof rows / sizeof rows[0] };
    static const enum store_verdict expected[N] = {[3] = STORE_FENCED, [8] = STORE_FENCED};
    uint64_t ids[N];
    for (int i = 0; i < N; i++) {
        ids[i] = world_write(w, rows[i]);
    }
    for (int i = 0; i < N; i++) {
        world_wait(w, write_heard, ids[i]);
        assert_int_equal(w->writes[ids[i]].verdict, expected[i]);
    }
}

void test_many_rows_keep_their_order(void **state)
{
    struct world *w = *state;
    uint64_t last = 0;
    world_own(w, "t1");
    world_write(w, row_admit(w, "t1"));
    for (uint64_t v = 1; v <= 1500; v++) { /* more than two batches in flight hold */
        if (v % 400 == 0) {
            char *id = arena_printf(&w->arena, "other%llu", (unsigned long long)v);
            partition_id p = id_partition(bytes_str(id));
            if (!w->owned[p]) {
                world_write(w, row_claim(p, w->fence, "c1"));
                w->owned[p] = true;
            }
            world_write(w, row_admit(w, id)); /* an admission in between splits the batch */
        }
        last = world_write(w, row_update(w, "t1", v));
    }
    world_wait(w, write_heard, last);
    for (uint64_t id = 0; id <= last; id++) {
        assert_int_equal(w->writes[id].verdict, STORE_OK);
    }
    assert_int_equal(world_read(w, read_task("t1"))->tasks[0].version, 1501);
}

void test_steps_are_replaced_by_index(void **state)
{
    struct world *w = *state;
    assert_int_equal(world_verdict(w, row_admit(w, "t1")), STORE_OK);
    enum { COUNT = 3000 };
    struct row_step steps[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        steps[i] = (struct row_step){COUNT - 1 - i, parts_whole(BYTES_LIT("old"))};
    }
    struct store_row row = row_update(w, "t1", 1);
    row.steps = steps;
    row.step_count = COUNT;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    struct row_step one = {1234, parts_whole(BYTES_LIT("new"))};
    row = row_update(w, "t1", 2);
    row.steps = &one;
    row.step_count = 1;
    assert_int_equal(world_verdict(w, row), STORE_OK);
    const struct task_record *t = &world_read(w, read_task("t1"))->tasks[0];
    assert_int_equal(t->step_count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(t->steps[i].index, i);
        assert_bytes(t->steps[i].blob, i == 1234 ? "new" : "old");
    }
}
