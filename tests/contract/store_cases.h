/* The tests of the store's contract. State of each: a struct world that is up. */
#ifndef MARATHON_TESTS_STORE_CASES_H
#define MARATHON_TESTS_STORE_CASES_H

/* store_rows_cases.c: on both stores */
void test_up_comes_with_a_secret(void **state);
void test_a_partition_is_claimed_once(void **state);
void test_a_stale_fence_is_refused_for_every_row(void **state);
void test_a_renewal_bumps_the_beat(void **state);
void test_a_released_partition_refuses_its_old_fence(void **state);
void test_a_wish_outlives_the_release_and_ends_with_the_claim(void **state);
void test_an_admitted_task_can_be_read(void **state);
void test_a_live_task_is_not_admitted_again(void **state);
void test_an_idempotency_key_replays_or_mismatches(void **state);
void test_a_refused_admission_leaves_its_idempotency_key_free(void **state);
void test_an_update_needs_the_version(void **state);
void test_the_same_update_again_is_fine(void **state);
void test_events_must_follow(void **state);
void test_a_patch_behind_the_document_is_refused(void **state);
void test_a_completed_step_is_checked_like_any_row(void **state);
void test_a_refused_row_does_not_disturb_its_batch(void **state);
void test_a_partition_may_change_hands_within_a_batch(void **state);
void test_many_rows_keep_their_order(void **state);
void test_steps_are_replaced_by_index(void **state);

/* store_life_cases.c: on both stores */
void test_the_document_is_valid_after_each_step(void **state);
void test_the_end_cuts_the_padding(void **state);
void test_a_fresh_run_replaces_an_ended_task(void **state);
void test_an_ended_task_expires_and_is_gone(void **state);
void test_a_revived_task_lives_on(void **state);
void test_a_revived_task_may_have_another_input(void **state);
void test_an_idempotency_key_outlives_its_task(void **state);
void test_a_brief_idempotency_key_goes_by_itself(void **state);
void test_a_key_can_be_asked_for_without_an_admission(void **state);
/* store_pipeline_cases.c: on both stores */
void test_pipelines_get_versions(void **state);
void test_versions_are_read_one_by_one_and_in_pages(void **state);
void test_there_are_only_so_many_names(void **state);

/* store_read_cases.c: on both stores */
void test_unknown_tasks_are_not_found(void **state);
void test_reads_see_the_rows_given_before(void **state);
void test_parts_of_the_document_and_the_input(void **state);
void test_events_are_replayed_from_any_point(void **state);
void test_old_events_are_trimmed(void **state);
void test_live_tasks_come_in_pages(void **state);
void test_the_list_is_newest_first_over_partitions(void **state);
void test_the_list_pages_through_equal_times(void **state);
void test_owners_and_ping(void **state);
void test_an_audit_tells_how_tasks_are_held(void **state);

/* store_lent_cases.c: on both stores */
void test_long_slices_of_answers_may_be_held(void **state);
void test_what_a_row_lends_goes_with_its_call(void **state);

/* store_dead_cases.c: on both stores */
void test_dead_letters_are_listed_newest_first(void **state);
void test_a_dead_letter_goes_with_revival_fresh_run_and_ttl(void **state);
void test_a_refused_end_makes_no_dead_letter(void **state);
/* store_usage_cases.c: on both stores */
void test_usage_is_summed_over_tasks_and_partitions(void **state);
void test_usage_of_a_task_without_a_type_counts_too(void **state);
void test_a_row_that_is_told_again_or_refused_adds_nothing(void **state);
void test_pairs_of_a_day_have_a_bound_and_nothing_is_lost_by_it(void **state);
/* store_items_cases.c: on both stores */
void test_items_are_read_with_their_task(void **state);
void test_items_are_read_in_pages(void **state);
void test_the_results_of_items_become_a_part_of_the_document(void **state);
void test_items_that_are_not_done_wait_again(void **state);
void test_items_go_with_their_step_and_their_run(void **state);
void test_ten_thousand_items(void **state);

/* store_limits_cases.c: on both stores */
void test_a_key_has_no_more_holders_than_its_limit(void **state);
void test_who_waits_for_longer_is_first(void **state);
void test_a_place_in_line_is_not_kept_for_ever(void **state);
void test_the_next_owner_has_what_the_last_one_had(void **state);
void test_a_lease_passes_unless_it_is_renewed(void **state);
void test_a_rate_lets_one_pass_each_interval(void **state);
void test_both_are_taken_or_none(void **state);
void test_many_are_answered_in_their_order(void **state);

/* store_redis_cases.c: what only Redis shows */
void test_keys_of_a_live_task_have_no_ttl(void **state);
void test_all_keys_get_the_ttl_at_the_end(void **state);
void test_a_late_event_of_an_ended_task_expires_with_it(void **state);
void test_the_document_is_plain_json_for_an_operator(void **state);
void test_a_step_writes_only_its_own_size(void **state);
void test_at_maxmemory_updates_pass_and_admissions_do_not(void **state);
void test_a_second_store_shares_secret_and_pipelines(void **state);
void test_what_one_store_publishes_another_learns(void **state);
void test_there_are_only_so_many_versions(void **state);
void test_at_maxmemory_a_pipeline_is_not_stored(void **state);
void test_an_audit_sees_what_others_did_to_the_keys(void **state);
void test_a_store_that_was_emptied_is_set_up_anew(void **state);
void test_only_a_dead_name_leaves_the_live_index(void **state);

/* store_cluster_cases.c: on a cluster; the last two on one of their own */
void test_every_key_of_a_cluster_has_a_tag(void **state);
void test_a_task_that_is_gone_leaves_the_list_of_a_cluster(void **state);
void test_partitions_are_spread_over_all_nodes(void **state);
void test_a_slot_that_has_moved_is_followed(void **state);
void test_rows_wait_while_their_slot_is_on_its_way(void **state);
void test_a_step_follows_its_keys(void **state);
void test_a_slot_that_stays_on_its_way_makes_outcomes_unknown(void **state);
void test_a_moved_home_is_followed(void **state);
void test_a_lost_node_is_lost_for_its_partitions_only(void **state);
void test_each_node_is_looked_at_by_the_gate(void **state);

/* store_fault_cases.c: with servers of their own; state is not used */
void test_a_stopped_redis_makes_outcomes_unknown(void **state);
void test_what_is_given_while_away_is_answered(void **state);
void test_a_killed_redis_comes_back_with_its_data(void **state);
void test_a_missing_socket_counts_as_refused(void **state);
void test_a_missing_append_only_file_is_a_gate_fault(void **state);
void test_everysec_is_a_gate_fault_unless_relaxed(void **state);
void test_eviction_later_closes_admission_only(void **state);
void test_a_replica_is_a_gate_fault(void **state);
void test_a_write_counts_once_a_replica_has_it(void **state);
void test_a_publication_counts_once_a_replica_has_it(void **state);
void test_without_replicas_that_are_wanted_nothing_begins(void **state);
void test_a_master_that_wants_replicas_itself_takes_nothing(void **state);
void test_passwords_are_used(void **state);
void test_a_user_without_rights_closes_admission(void **state);
void test_a_lost_function_library_is_loaded_again(void **state);
/* store_tls_cases.c: servers of their own */
void test_a_store_speaks_tls_and_comes_back(void **state);
void test_a_socket_that_is_full_is_waited_for(void **state);
void test_a_certificate_that_does_not_fit_is_named(void **state);
void test_a_server_may_want_to_know_us(void **state);
void test_plain_and_tls_do_not_understand_each_other_and_say_so(void **state);

/* store_sweep_cases.c */
void test_expired_tasks_leave_the_list_with_renewals(void **state);
void test_a_task_admitted_again_where_one_has_expired_stays_in_the_list(void **state);
void test_tasks_too_young_to_have_expired_are_not_looked_at(void **state);
void test_the_sweep_comes_to_all_and_stays_where_it_finds_some(void **state);
void test_an_admission_finds_nothing_of_a_task_that_was_deleted_in_part(void **state);
void test_what_coordinators_of_before_kept_of_ended_tasks_goes_with_a_claim(void **state);

#endif
