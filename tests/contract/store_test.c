/* The contract of the store, held by both implementations; and what only the one on Redis can show.
 */
#include <stdlib.h>

#include "store_cases.h"
#include "store_world.h"

static struct redis_server shared_server; /* of the tests that do no harm to it */

static int start_server(void **state)
{
    (void)state;
    redis_server_init(&shared_server);
    redis_server_start(&shared_server, NULL);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    redis_server_finish(&shared_server);
    return 0;
}

static struct redis_cluster shared_cluster;

static int start_cluster(void **state)
{
    (void)state;
    redis_cluster_start(&shared_cluster);
    return 0;
}

static int stop_cluster(void **state)
{
    (void)state;
    redis_cluster_finish(&shared_cluster);
    return 0;
}

static int on_cluster(void **state)
{
    redis_cluster_flush(&shared_cluster);
    *state = world_create_on_cluster(&shared_cluster);
    return 0;
}

static int on_memory(void **state)
{
    *state = world_create(NULL);
    return 0;
}

static int on_redis(void **state)
{
    raw(&shared_server, "FLUSHALL");
    *state = world_create(&shared_server);
    return 0;
}

static int tear_down(void **state)
{
    world_destroy(*state);
    return 0;
}

#define ON(store, test)                                                                            \
    {                                                                                              \
#test " (" #store ")", test, on_##store, tear_down, NULL                                   \
    }
#define CONTRACT(store)                                                                            \
    ON(store, test_up_comes_with_a_secret), ON(store, test_a_partition_is_claimed_once),           \
        ON(store, test_a_stale_fence_is_refused_for_every_row),                                    \
        ON(store, test_a_renewal_bumps_the_beat),                                                  \
        ON(store, test_a_released_partition_refuses_its_old_fence),                                \
        ON(store, test_a_wish_outlives_the_release_and_ends_with_the_claim),                       \
        ON(store, test_an_admitted_task_can_be_read),                                              \
        ON(store, test_a_live_task_is_not_admitted_again),                                         \
        ON(store, test_an_idempotency_key_replays_or_mismatches),                                  \
        ON(store, test_a_refused_admission_leaves_its_idempotency_key_free),                       \
        ON(store, test_an_update_needs_the_version),                                               \
        ON(store, test_the_same_update_again_is_fine), ON(store, test_events_must_follow),         \
        ON(store, test_a_patch_behind_the_document_is_refused),                                    \
        ON(store, test_a_completed_step_is_checked_like_any_row),                                  \
        ON(store, test_a_refused_row_does_not_disturb_its_batch),                                  \
        ON(store, test_a_partition_may_change_hands_within_a_batch),                               \
        ON(store, test_many_rows_keep_their_order), ON(store, test_steps_are_replaced_by_index),   \
        ON(store, test_the_document_is_valid_after_each_step),                                     \
        ON(store, test_the_end_cuts_the_padding),                                                  \
        ON(store, test_a_fresh_run_replaces_an_ended_task),                                        \
        ON(store, test_an_ended_task_expires_and_is_gone),                                         \
        ON(store, test_a_revived_task_lives_on),                                                   \
        ON(store, test_a_revived_task_may_have_another_input),                                     \
        ON(store, test_an_idempotency_key_outlives_its_task),                                      \
        ON(store, test_a_brief_idempotency_key_goes_by_itself),                                    \
        ON(store, test_a_key_can_be_asked_for_without_an_admission),                               \
        ON(store, test_pipelines_get_versions),                                                    \
        ON(store, test_versions_are_read_one_by_one_and_in_pages),                                 \
        ON(store, test_there_are_only_so_many_names), ON(store, test_unknown_tasks_are_not_found), \
        ON(store, test_reads_see_the_rows_given_before),                                           \
        ON(store, test_parts_of_the_document_and_the_input),                                       \
        ON(store, test_long_slices_of_answers_may_be_held),                                        \
        ON(store, test_what_a_row_lends_goes_with_its_call),                                       \
        ON(store, test_events_are_replayed_from_any_point),                                        \
        ON(store, test_old_events_are_trimmed), ON(store, test_live_tasks_come_in_pages),          \
        ON(store, test_the_list_is_newest_first_over_partitions),                                  \
        ON(store, test_the_list_pages_through_equal_times), ON(store, test_owners_and_ping),       \
        ON(store, test_usage_is_summed_over_tasks_and_partitions),                                 \
        ON(store, test_usage_of_a_task_without_a_type_counts_too),                                 \
        ON(store, test_a_row_that_is_told_again_or_refused_adds_nothing),                          \
        ON(store, test_pairs_of_a_day_have_a_bound_and_nothing_is_lost_by_it),                     \
        ON(store, test_dead_letters_are_listed_newest_first),                                      \
        ON(store, test_a_dead_letter_goes_with_revival_fresh_run_and_ttl),                         \
        ON(store, test_a_refused_end_makes_no_dead_letter),                                        \
        ON(store, test_an_audit_tells_how_tasks_are_held),                                         \
        ON(store, test_items_are_read_with_their_task), ON(store, test_items_are_read_in_pages),   \
        ON(store, test_the_results_of_items_become_a_part_of_the_document),                        \
        ON(store, test_items_that_are_not_done_wait_again),                                        \
        ON(store, test_items_go_with_their_step_and_their_run),                                    \
        ON(store, test_ten_thousand_items),                                                        \
        ON(store, test_a_key_has_no_more_holders_than_its_limit),                                  \
        ON(store, test_who_waits_for_longer_is_first),                                             \
        ON(store, test_a_place_in_line_is_not_kept_for_ever),                                      \
        ON(store, test_the_next_owner_has_what_the_last_one_had),                                  \
        ON(store, test_a_lease_passes_unless_it_is_renewed),                                       \
        ON(store, test_a_rate_lets_one_pass_each_interval),                                        \
        ON(store, test_both_are_taken_or_none), ON(store, test_many_are_answered_in_their_order)

int main(void)
{
    const struct CMUnitTest memory[] = {CONTRACT(memory)};
    const struct CMUnitTest redis[] = {
        CONTRACT(redis),
        ON(redis, test_keys_of_a_live_task_have_no_ttl),
        ON(redis, test_all_keys_get_the_ttl_at_the_end),
        ON(redis, test_a_late_event_of_an_ended_task_expires_with_it),
        ON(redis, test_the_document_is_plain_json_for_an_operator),
        ON(redis, test_a_step_writes_only_its_own_size),
        ON(redis, test_expired_tasks_leave_the_list_with_renewals),
        ON(redis, test_a_task_admitted_again_where_one_has_expired_stays_in_the_list),
        ON(redis, test_tasks_too_young_to_have_expired_are_not_looked_at),
        ON(redis, test_the_sweep_comes_to_all_and_stays_where_it_finds_some),
        ON(redis, test_an_admission_finds_nothing_of_a_task_that_was_deleted_in_part),
        ON(redis, test_what_coordinators_of_before_kept_of_ended_tasks_goes_with_a_claim),
        ON(redis, test_at_maxmemory_updates_pass_and_admissions_do_not),
        ON(redis, test_a_second_store_shares_secret_and_pipelines),
        ON(redis, test_what_one_store_publishes_another_learns),
        ON(redis, test_there_are_only_so_many_versions),
        ON(redis, test_at_maxmemory_a_pipeline_is_not_stored),
        ON(redis, test_an_audit_sees_what_others_did_to_the_keys),
        ON(redis, test_a_store_that_was_emptied_is_set_up_anew),
        ON(redis, test_only_a_dead_name_leaves_the_live_index),
    };
    const struct CMUnitTest cluster[] = {
        CONTRACT(cluster),
        ON(cluster, test_every_key_of_a_cluster_has_a_tag),
        ON(cluster, test_a_task_that_is_gone_leaves_the_list_of_a_cluster),
        ON(cluster, test_partitions_are_spread_over_all_nodes),
        ON(cluster, test_a_slot_that_has_moved_is_followed),
        ON(cluster, test_rows_wait_while_their_slot_is_on_its_way),
        ON(cluster, test_a_step_follows_its_keys),
        ON(cluster, test_a_slot_that_stays_on_its_way_makes_outcomes_unknown),
        ON(cluster, test_a_moved_home_is_followed),
        ON(cluster, test_each_node_is_looked_at_by_the_gate),
    };
    const struct CMUnitTest faults[] = {
        cmocka_unit_test(test_a_stopped_redis_makes_outcomes_unknown),
        cmocka_unit_test(test_what_is_given_while_away_is_answered),
        cmocka_unit_test(test_a_killed_redis_comes_back_with_its_data),
        cmocka_unit_test(test_a_missing_socket_counts_as_refused),
        cmocka_unit_test(test_a_missing_append_only_file_is_a_gate_fault),
        cmocka_unit_test(test_everysec_is_a_gate_fault_unless_relaxed),
        cmocka_unit_test(test_eviction_later_closes_admission_only),
        cmocka_unit_test(test_a_replica_is_a_gate_fault),
        cmocka_unit_test(test_a_write_counts_once_a_replica_has_it),
        cmocka_unit_test(test_a_publication_counts_once_a_replica_has_it),
        cmocka_unit_test(test_without_replicas_that_are_wanted_nothing_begins),
        cmocka_unit_test(test_a_master_that_wants_replicas_itself_takes_nothing),
        cmocka_unit_test(test_passwords_are_used),
        cmocka_unit_test(test_a_user_without_rights_closes_admission),
        cmocka_unit_test(test_a_lost_function_library_is_loaded_again),
        cmocka_unit_test(test_a_lost_node_is_lost_for_its_partitions_only),
        cmocka_unit_test(test_a_store_speaks_tls_and_comes_back),
        cmocka_unit_test(test_a_socket_that_is_full_is_waited_for),
        cmocka_unit_test(test_a_certificate_that_does_not_fit_is_named),
        cmocka_unit_test(test_a_server_may_want_to_know_us),
        cmocka_unit_test(test_plain_and_tls_do_not_understand_each_other_and_say_so),
    };
    int failed = cmocka_run_group_tests_name("store on memory", memory, NULL, NULL);
    failed += cmocka_run_group_tests_name("store on redis", redis, start_server, stop_server);
    failed +=
        cmocka_run_group_tests_name("store on a cluster", cluster, start_cluster, stop_cluster);
    failed += cmocka_run_group_tests_name("faults of redis", faults, NULL, NULL);
    return failed;
}
