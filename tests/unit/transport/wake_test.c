/* Whom a frame wakes up: the loop that it is for, and no thread of nng's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "stage.h"

#define ROUNDS 1000

/* How often threads of nng's have slept so far. */
static long naps_of_nng(void)
{
    DIR *threads = opendir("/proc/self/task");
    long sum = 0;
    assert_non_null(threads);
    for (const struct dirent *e; (e = readdir(threads)) != NULL;) {
        char path[300], line[200];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
        FILE *f = e->d_name[0] != '.' ? fopen(path, "r") : NULL;
        bool ours = true;
        while (f != NULL && fgets(line, sizeof line, f) != NULL) {
            long n;
            ours = strncmp(line, "Name:\tnng:", 10) == 0 ? false : ours;
            if (!ours && sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1) {
                sum += n;
            }
        }
        if (f != NULL) {
            fclose(f);
        }
    }
    closedir(threads);
    return sum;
}

static bool some_rounds_are_played(struct stage *s)
{
    return s->client.conns[0].frames >= ROUNDS / 10;
}

static bool all_rounds_are_played(struct stage *s)
{
    return s->client.conns[0].frames >= ROUNDS;
}

static void test_frames_there_and_back_wake_no_thread_of_nng(void **state)
{
    struct stage s;
    stage_begin(&s, *(enum stage_kind *)*state);
    s.server.echo = s.client.echo = true;
    stage_listen(&s);
    stage_dial(&s);
    stage_run(&s, connected);
    send_frame(&s.client, side_last(&s.client)->id, FRAME_LARGE, 0, 100);
    stage_run(&s, some_rounds_are_played);
    long before = naps_of_nng();
    assert_true(before > 0);
    stage_run(&s, all_rounds_are_played);
    assert_true(naps_of_nng() - before < ROUNDS / 10); /* four a round, if they had a part in it */
    stage_end(&s);
}

static bool two_are_connected(struct stage *s)
{
    return s->server.open_count == 2 && s->client.open_count == 2;
}

static bool all_rounds_are_played_on_both(struct stage *s)
{
    return s->client.conns[0].frames >= ROUNDS && s->client.conns[1].frames >= ROUNDS;
}

/* Over ipc nothing tells which descriptor is whose, as long as neither is known. */
static void test_two_connections_of_one_process_are_not_mixed_up(void **state)
{
    struct stage s;
    stage_begin(&s, *(enum stage_kind *)*state);
    s.server.echo = s.client.echo = true;
    stage_listen(&s);
    stage_dial(&s);
    stage_dial(&s);
    stage_run(&s, two_are_connected);
    send_frame(&s.client, s.client.conns[0].id, FRAME_LARGE, 0, 100);
    send_frame(&s.client, s.client.conns[1].id, FRAME_LARGE, 0, 200);
    stage_run(&s, all_rounds_are_played_on_both);
    for (int i = 0; i < 2; i++) {
        const struct seen *c = &s.client.conns[i];
        assert_true(c->large_is_right && c->bytes == c->frames * (i == 0 ? 120 : 220));
    }
    s.client.transport->ops->close(s.client.transport, s.client.conns[0].id);
    stage_run(&s, two_are_connected); /* again */
    stage_end(&s);
}

int main(void)
{
    static enum stage_kind ipc = STAGE_IPC, tcp = STAGE_TCP, tls = STAGE_TLS;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_frames_there_and_back_wake_no_thread_of_nng, &ipc),
        cmocka_unit_test_prestate(test_frames_there_and_back_wake_no_thread_of_nng, &tcp),
        cmocka_unit_test_prestate(test_frames_there_and_back_wake_no_thread_of_nng, &tls),
        cmocka_unit_test_prestate(test_two_connections_of_one_process_are_not_mixed_up, &ipc),
        cmocka_unit_test_prestate(test_two_connections_of_one_process_are_not_mixed_up, &tcp),
        cmocka_unit_test_prestate(test_two_connections_of_one_process_are_not_mixed_up, &tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
