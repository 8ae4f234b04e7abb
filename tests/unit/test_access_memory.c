/* Tests of what a daemon remembers of identities, rights and quotas, and of when it must not. */
#include "access/access_private.h"
#include "base/clock.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>

static struct config config;
static struct access *access;
static struct arena *arena;

static void
set_up (void)
{
  struct err err = { 0 };

  config = (struct config){ .default_permission = "READ" };
  arena = arena_new (1024 * 1024);
  /* Neither authentication nor workspaces: the thread only waits, for refusals; what it remembers with is made here. */
  ck_assert_int_eq (ERR_OK, access_start (&access, NULL, &config, &err));
  ck_assert (memory_init (&access->memory));
  atomic_store (&access->fresh_until_us, clock_monotonic_us () + 60 * 1000000);
}

static void
tear_down (void)
{
  access_stop (access);
  arena_free (arena);
}

static struct digest
digest_number (int number)
{
  struct digest digest = { { 0 } };

  memcpy (digest.bytes, &number, sizeof (number));
  return digest;
}

static struct access_identity
somebody (int64_t account_id)
{
  return (struct access_identity){ .account_id = account_id,
                                   .username = SLICE ("anna"),
                                   .method = ACCESS_BY_TOKEN,
                                   .token_id = account_id + 1000,
                                   .most = { ACCESS_EDIT, ACCESS_PROMOTE } };
}

START_TEST (an_identity_is_remembered_until_something_changes)
{
  struct digest digest = digest_number (1);
  struct access_identity identity = somebody (7);
  struct access_identity found;

  ck_assert (! access_recall (&found, access, &digest, arena));
  access_remember (access, &digest, &identity, access_version (access));
  ck_assert (access_recall (&found, access, &digest, arena));
  ck_assert_int_eq (7, found.account_id);
  ck_assert_int_eq (1007, found.token_id);
  ck_assert (slice_is (found.username, "anna"));
  ck_assert_int_eq (ACCESS_EDIT, found.most.level);
  access_changed (access);
  ck_assert (! access_recall (&found, access, &digest, arena));
}
END_TEST

START_TEST (what_was_looked_up_before_a_change_is_not_used_after_it)
{
  struct digest digest = digest_number (1);
  struct access_identity identity = somebody (7);
  struct access_identity found;
  struct access_rights rights = { ACCESS_MANAGE, 0 };
  int64_t workspace_id;
  uint64_t version = access_version (access);

  access_changed (access);
  access_remember (access, &digest, &identity, version);
  access_remember_rights (access, 7, 3, rights, 1, version);
  access_remember_workspace (access, SLICE ("team"), 2, version);
  ck_assert (! access_recall (&found, access, &digest, arena));
  ck_assert (! access_recall_rights (&rights, &workspace_id, access, 7, 3));
  ck_assert (! access_recall_workspace (&workspace_id, access, SLICE ("team")));
}
END_TEST

START_TEST (nothing_counts_when_the_version_could_not_be_read)
{
  struct digest digest = digest_number (1);
  struct access_identity identity = somebody (7);
  struct access_rights rights = { ACCESS_MANAGE, 0 };
  int64_t workspace_id;

  access_remember (access, &digest, &identity, access_version (access));
  access_remember_rights (access, 7, 3, rights, 1, access_version (access));
  ck_assert (access_recall_rights (&rights, &workspace_id, access, 7, 3));
  atomic_store (&access->fresh_until_us, clock_monotonic_us ());
  ck_assert (! access_recall (&identity, access, &digest, arena));
  ck_assert (! access_recall_rights (&rights, &workspace_id, access, 7, 3));
}
END_TEST

START_TEST (an_expired_credential_is_not_recalled)
{
  struct digest digest = digest_number (1);
  struct access_identity identity = somebody (7);
  struct access_identity found;

  identity.expires_at_ms = clock_wall_ms () - 1;
  access_remember (access, &digest, &identity, access_version (access));
  ck_assert (! access_recall (&found, access, &digest, arena));
  identity.expires_at_ms = clock_wall_ms () + 60000;
  access_remember (access, &digest, &identity, access_version (access));
  ck_assert (access_recall (&found, access, &digest, arena));
}
END_TEST

START_TEST (full_tables_forget_and_never_mix_up)
{
  int recalled = 0;

  for (int i = 0; i < 50000; i++)
  {
    struct digest digest = digest_number (i);
    struct access_identity identity = somebody (i + 1);
    struct uuid run_id = { { 0 } };
    struct access_rights rights = { ACCESS_READ, (unsigned)i };

    memcpy (&run_id, &i, sizeof (i));
    access_remember (access, &digest, &identity, access_version (access));
    access_remember_run (access, &run_id, i);
    access_remember_rights (access, i + 1, i, rights, i, access_version (access));
  }
  for (int i = 0; i < 50000; i++)
  {
    struct digest digest = digest_number (i);
    struct access_identity found;
    struct uuid run_id = { { 0 } };
    struct access_rights rights;
    int64_t number;

    memcpy (&run_id, &i, sizeof (i));
    if (access_recall (&found, access, &digest, arena))
    {
      ck_assert_int_eq (i + 1, found.account_id);
      recalled++;
    }
    if (access_recall_run (&number, access, &run_id))
      ck_assert_int_eq (i, number);
    if (access_recall_rights (&rights, &number, access, i + 1, i))
    {
      ck_assert_int_eq (i, number);
      ck_assert_uint_eq ((unsigned)i, rights.actions);
    }
  }
  /* Nearly as many as there are places. */
  ck_assert_int_gt (recalled, (int)MEMORY_CREDENTIALS * 3 / 4);
  ck_assert_int_le (recalled, (int)MEMORY_CREDENTIALS);
}
END_TEST

START_TEST (uses_of_tokens_are_given_out_once)
{
  struct digest digest = digest_number (1);
  struct access_identity identity = somebody (7);
  int64_t token_ids[4];
  int64_t used_at_ms[4];

  access_remember (access, &digest, &identity, access_version (access));
  ck_assert_uint_eq (1, memory_take_uses (token_ids, used_at_ms, 4, &access->memory));
  ck_assert_int_eq (1007, token_ids[0]);
  ck_assert_int_gt (used_at_ms[0], 0);
  ck_assert_uint_eq (0, memory_take_uses (token_ids, used_at_ms, 4, &access->memory));
}
END_TEST

START_TEST (a_right_password_stays_right_with_its_stored_text_only)
{
  struct digest digest = digest_number (1);

  ck_assert (! access_has_verified (access, &digest));
  access_note_verified (access, &digest, SLICE ("scrypt$one"));
  ck_assert (access_has_verified (access, &digest));
  /* Rights that change do not concern it. */
  access_changed (access);
  ck_assert (access_is_verified (access, &digest, SLICE ("scrypt$one")));
  ck_assert (! access_is_verified (access, &digest, SLICE ("scrypt$two")));
  ck_assert (! access_has_verified (access, &digest));
  ck_assert (! access_is_verified (access, &digest, (struct slice){ NULL, 0 }));
}
END_TEST

/* How many more may have come in since then, of a quota of `per_s`. */
static int
refilled (uint64_t began_us, int per_s)
{
  return (int)((clock_monotonic_us () - began_us) * (uint64_t)per_s / 1000000) + 1;
}

START_TEST (quotas_of_requests_are_bursts_of_ten_seconds)
{
  struct access_identity identity = somebody (7);
  uint64_t began_us = clock_monotonic_us ();
  unsigned retry_after_s;
  int allowed = 0;

  identity.requests_per_s = 5;
  while (access_take_quota (&retry_after_s, access, &identity, 0))
    allowed++;
  ck_assert_uint_eq (1, retry_after_s);
  ck_assert_int_ge (allowed, 50);
  ck_assert_int_le (allowed, 50 + refilled (began_us, 5));
  identity.account_id = 8;
  ck_assert (access_take_quota (&retry_after_s, access, &identity, 0));
}
END_TEST

#define TAKERS 8
#define TAKES 100000

static void *
take_many (void *context)
{
  struct access_identity identity = somebody (7);
  atomic_int *allowed = context;
  unsigned retry_after_s;

  identity.requests_per_s = 1;
  for (int i = 0; i < TAKES; i++)
    if (access_take_quota (&retry_after_s, access, &identity, 0))
      atomic_fetch_add (allowed, 1);
  return NULL;
}

START_TEST (quotas_of_requests_hold_for_many_at_once)
{
  pthread_t threads[TAKERS];
  uint64_t began_us = clock_monotonic_us ();
  atomic_int allowed = 0;

  for (int i = 0; i < TAKERS; i++)
    ck_assert_int_eq (0, pthread_create (&threads[i], NULL, take_many, &allowed));
  for (int i = 0; i < TAKERS; i++)
    pthread_join (threads[i], NULL);
  ck_assert_int_ge (allowed, 10);
  ck_assert_int_le (allowed, 10 + refilled (began_us, 1));
}
END_TEST

START_TEST (quotas_of_bytes_are_for_a_day)
{
  struct access_identity identity = somebody (7);
  unsigned retry_after_s;

  identity.bytes_per_day = 100;
  ck_assert (access_take_quota (&retry_after_s, access, &identity, 60));
  ck_assert (! access_take_quota (&retry_after_s, access, &identity, 41));
  ck_assert_uint_ge (retry_after_s, 1);
  ck_assert_uint_le (retry_after_s, 86400);
  ck_assert (access_take_quota (&retry_after_s, access, &identity, 40));
  access_count_bytes (access, &identity, 1);
  ck_assert (! access_take_quota (&retry_after_s, access, &identity, 1));
  ck_assert (! access_take_quota (&retry_after_s, access, &identity, -1));
  /* What sends nothing uses nothing up. */
  ck_assert (access_take_quota (&retry_after_s, access, &identity, 0));
  /* Nobody, and who has no quota, is never told to wait. */
  identity.bytes_per_day = 0;
  ck_assert (access_take_quota (&retry_after_s, access, &identity, 1000));
  identity.account_id = 0;
  ck_assert (access_take_quota (&retry_after_s, access, &identity, 1000));
}
END_TEST

START_TEST (words_for_permissions_are_read_as_they_are_written)
{
  enum access_level level;
  struct access_identity identity = somebody (1);
  struct access_rights rights = { ACCESS_MANAGE, ACCESS_ALL_ACTIONS };

  for (int i = 0; i < ACCESS_LEVEL_COUNT; i++)
  {
    ck_assert (access_level_parse (&level, slice_of (access_level_name ((enum access_level)i))));
    ck_assert_int_eq (i, level);
  }
  ck_assert (! access_level_parse (&level, SLICE ("read")));
  ck_assert (! access_level_parse (&level, SLICE ("")));
  for (unsigned action = 1; action <= ACCESS_WEBHOOKS; action <<= 1)
    ck_assert_uint_eq (action, access_action_parse (slice_of (access_action_name ((enum access_action)action))));
  ck_assert_uint_eq (0, access_action_parse (SLICE ("everything")));
  rights = access_rights_limit (rights, &identity);
  ck_assert_int_eq (ACCESS_EDIT, rights.level);
  ck_assert_uint_eq (ACCESS_PROMOTE, rights.actions);
}
END_TEST

Suite *access_memory_suite (void);

Suite *
access_memory_suite (void)
{
  Suite *suite = suite_create ("access_memory");
  TCase *tests = tcase_create ("all");

  tcase_add_checked_fixture (tests, set_up, tear_down);
  tcase_add_test (tests, an_identity_is_remembered_until_something_changes);
  tcase_add_test (tests, what_was_looked_up_before_a_change_is_not_used_after_it);
  tcase_add_test (tests, nothing_counts_when_the_version_could_not_be_read);
  tcase_add_test (tests, an_expired_credential_is_not_recalled);
  tcase_add_test (tests, full_tables_forget_and_never_mix_up);
  tcase_add_test (tests, uses_of_tokens_are_given_out_once);
  tcase_add_test (tests, a_right_password_stays_right_with_its_stored_text_only);
  tcase_add_test (tests, quotas_of_requests_are_bursts_of_ten_seconds);
  tcase_add_test (tests, quotas_of_requests_hold_for_many_at_once);
  tcase_add_test (tests, quotas_of_bytes_are_for_a_day);
  tcase_add_test (tests, words_for_permissions_are_read_as_they_are_written);
  suite_add_tcase (suite, tests);
  return suite;
}
