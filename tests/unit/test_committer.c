/* Tests of group commit with a flush of their own, which waits at a gate: what is taken together, what overlaps, what
   is refused, who fails, and that stopping loses nothing. */
#include "ingest/committer.h"

#include "base/clock.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

/* Long enough for a thread to do what it must not do. */
#define PATIENCE_US 30000
/* After this a wait counts as hanging. */
#define HANG_US ((uint64_t)20 * 1000000)
/* A timer of a committer would be longer than this. */
#define AT_ONCE_US 5000

struct test_item
{
  struct commit_item item; /* first */
  struct err err;
  bool poisoned; /* fails every group it is in, and alone */
  bool refused; /* gets an error of its own */
  unsigned flushed;
  unsigned done;
};

static struct
{
  struct lock lock; /* guards all below */
  struct condition changed;
  size_t groups[64]; /* sizes in the order of their start */
  size_t started;
  size_t ended;
  size_t may_end; /* groups that the gate lets through */
  size_t done;
  bool unavailable; /* every flush fails with that */
} gate;

static struct config config;
static struct store *store;
static struct committer *committer;
static struct test_item items[256];

static enum err_code
flush (struct store_connection *connection, struct commit_item *const *group, size_t count, void *context,
       struct err *err)
{
  enum err_code code = ERR_OK;

  ck_assert_ptr_nonnull (connection);
  ck_assert_ptr_eq (context, &gate);
  lock_acquire (&gate.lock);
  if (gate.started < sizeof (gate.groups) / sizeof (gate.groups[0]))
    gate.groups[gate.started] = count;
  gate.started++;
  condition_broadcast (&gate.changed);
  while (gate.ended >= gate.may_end)
    condition_wait (&gate.changed, &gate.lock);
  gate.ended++;
  for (size_t i = 0; i < count; i++)
  {
    struct test_item *item = (struct test_item *)group[i];

    item->flushed++;
    if (item->poisoned)
      code = ERR_INTERNAL_ERROR;
    if (item->refused)
      (void)err_set (item->item.err, ERR_RESOURCE_DOES_NOT_EXIST, "refused");
  }
  if (gate.unavailable)
    code = ERR_TEMPORARILY_UNAVAILABLE;
  lock_release (&gate.lock);
  if (ERR_OK != code)
  {
    (void)err_set (err, code, "the group failed");
    err->retry_after_s = gate.unavailable ? 7 : 0;
  }
  return code;
}

static void
done (struct commit_item *item)
{
  lock_acquire (&gate.lock);
  ((struct test_item *)item)->done++;
  gate.done++;
  condition_broadcast (&gate.changed);
  lock_release (&gate.lock);
}

static void
set_up (void)
{
  config.database_url = (char *)"";
  config.work_timeout_ms = 1000;
  store = store_new (&config);
  ck_assert_ptr_nonnull (store);
  lock_init (&gate.lock);
  condition_init (&gate.changed);
}

static void
tear_down (void)
{
  committer_free (committer);
  store_free (store);
}

static void
start (const struct committer_options *wanted)
{
  struct committer_options options = *wanted;

  options.flush = flush;
  options.context = &gate;
  options.threads = 0 == options.threads ? 1 : options.threads;
  options.max_count = 0 == options.max_count ? 1000 : options.max_count;
  options.max_bytes = 0 == options.max_bytes ? 1000000 : options.max_bytes;
  options.group_max_count = 0 == options.group_max_count ? 1000 : options.group_max_count;
  options.group_max_bytes = 0 == options.group_max_bytes ? 1000000 : options.group_max_bytes;
  options.budget_us = 1000000;
  committer = committer_start (store, &options);
  ck_assert_ptr_nonnull (committer);
}

static bool
submit (size_t index)
{
  struct test_item *item = &items[index];

  item->item.err = &item->err;
  item->item.done = done;
  if (0 == item->item.entry.bytes)
    item->item.entry.bytes = 10;
  return committer_submit (committer, &item->item);
}

static void
submit_all (size_t first, size_t count)
{
  for (size_t i = first; i < first + count; i++)
    ck_assert_msg (submit (i), "item %zu", i);
}

static void
let_end (size_t groups)
{
  lock_acquire (&gate.lock);
  gate.may_end += groups;
  condition_broadcast (&gate.changed);
  lock_release (&gate.lock);
}

/* Wait until a counter of the gate has reached a number. */
static void
await (const size_t *counter, size_t number)
{
  uint64_t deadline_us = clock_monotonic_us () + HANG_US;
  bool reached;

  lock_acquire (&gate.lock);
  while (*counter < number && condition_wait_until (&gate.changed, &gate.lock, deadline_us))
    continue;
  reached = *counter >= number;
  lock_release (&gate.lock);
  ck_assert_msg (reached, "waited in vain for %zu", number);
}

static size_t
read_counter (const size_t *counter)
{
  size_t value;

  lock_acquire (&gate.lock);
  value = *counter;
  lock_release (&gate.lock);
  return value;
}

/* Let everything through, stop, and check that each of the first `count` items was answered once. */
static void
finish (size_t count)
{
  let_end (1000000);
  committer_stop (committer);
  for (size_t i = 0; i < count; i++)
    ck_assert_msg (1 == items[i].done, "item %zu: %u times", i, items[i].done);
  ck_assert_uint_eq (gate.done, count);
}

START_TEST (takes_all_that_waits)
{
  start (&(struct committer_options){ 0 });
  submit_all (0, 1);
  await (&gate.started, 1);
  submit_all (1, 99);
  ck_assert_uint_eq (committer_waiting (committer), 99);
  let_end (1);
  await (&gate.started, 2);
  ck_assert_uint_eq (committer_waiting (committer), 0);
  finish (100);
  ck_assert_uint_eq (gate.started, 2);
  ck_assert_uint_eq (gate.groups[0], 1);
  ck_assert_uint_eq (gate.groups[1], 99);
  for (size_t i = 0; i < 100; i++)
    ck_assert_int_eq (items[i].err.code, ERR_OK);
}
END_TEST

START_TEST (keeps_groups_within_limits)
{
  static const struct
  {
    const char *label;
    struct committer_options options;
    size_t groups[8]; /* after the first, of one item; items weigh ten bytes */
  } cases[] = {
    { "by count", { .group_max_count = 4 }, { 4, 4, 1 } },
    { "by bytes", { .group_max_bytes = 35 }, { 3, 3, 3 } },
    { "one by one", { .group_max_count = 1 }, { 1, 1, 1, 1, 1 } },
    { "smaller than one item", { .group_max_bytes = 1 }, { 1, 1, 1, 1 } },
  };

  start (&cases[_i].options);
  submit_all (0, 1);
  await (&gate.started, 1);
  submit_all (1, 9);
  finish (10);
  for (size_t i = 0; cases[_i].groups[i] > 0; i++)
    ck_assert_msg (gate.groups[i + 1] == cases[_i].groups[i], "%s: group %zu of %zu", cases[_i].label, i,
                   gate.groups[i + 1]);
}
END_TEST

START_TEST (commits_a_single_item_at_once)
{
  uint64_t give_up_us = clock_monotonic_us () + HANG_US;
  uint64_t shortest_us = UINT64_MAX;
  size_t count;

  start (&(struct committer_options){ .threads = 2 });
  let_end (1000000);
  /* No timer of any kind: one of them finds the machine idle. */
  for (count = 0; count < 50 || (shortest_us >= AT_ONCE_US && clock_monotonic_us () < give_up_us); count++)
  {
    uint64_t start_us = clock_monotonic_us ();

    submit_all (0, 1);
    await (&gate.done, count + 1);
    start_us = clock_monotonic_us () - start_us;
    shortest_us = start_us < shortest_us ? start_us : shortest_us;
  }
  ck_assert_uint_lt (shortest_us, AT_ONCE_US);
  committer_stop (committer);
  ck_assert_uint_eq (items[0].done, count);
  ck_assert_uint_eq (gate.done, count);
  ck_assert_uint_eq (gate.started, count);
}
END_TEST

START_TEST (overlaps_when_enough_waits)
{
  start (&(struct committer_options){ .threads = 2 });
  submit_all (0, 1);
  await (&gate.started, 1);
  /* One is under way; one more is as much as it carries. */
  submit_all (1, 1);
  await (&gate.started, 2);
  submit_all (2, 8);
  usleep (PATIENCE_US);
  ck_assert_uint_eq (read_counter (&gate.started), 2);
  let_end (1);
  await (&gate.started, 3);
  ck_assert_uint_eq (gate.groups[2], 8);
  let_end (1);
  await (&gate.ended, 2);
  /* Eight are under way. Fewer than half of that wait for them, */
  submit_all (10, 3);
  usleep (PATIENCE_US);
  ck_assert_uint_eq (read_counter (&gate.started), 3);
  /* and half of it go on their own. */
  submit_all (13, 1);
  await (&gate.started, 4);
  ck_assert_uint_eq (gate.groups[3], 4);
  finish (14);
}
END_TEST

START_TEST (takes_few_when_nothing_is_under_way)
{
  start (&(struct committer_options){ .threads = 2 });
  submit_all (0, 1);
  await (&gate.started, 1);
  submit_all (1, 1);
  await (&gate.started, 2);
  submit_all (2, 20);
  let_end (1);
  await (&gate.started, 3);
  submit_all (22, 2);
  /* The group of twenty ends: the two that wait are taken although they are few. */
  let_end (2);
  await (&gate.started, 4);
  ck_assert_uint_eq (gate.groups[3], 2);
  finish (24);
}
END_TEST

START_TEST (refuses_above_its_limits)
{
  static const struct
  {
    struct committer_options options;
    size_t accepted; /* beside the one under way */
  } cases[] = { { { .max_count = 5 }, 5 }, { { .max_bytes = 75 }, 7 }, { { .max_count = 3, .max_bytes = 20 }, 2 } };
  size_t accepted = cases[_i].accepted;

  start (&cases[_i].options);
  submit_all (0, 1);
  await (&gate.started, 1);
  submit_all (1, accepted);
  for (unsigned i = 0; i < 3; i++)
    ck_assert (! submit (accepted + 1));
  ck_assert_uint_eq (committer_waiting (committer), accepted);
  ck_assert_uint_eq (items[accepted + 1].done, 0);
  let_end (1000);
  await (&gate.done, accepted + 1);
  /* And takes again what it refused. */
  submit_all (accepted + 1, 1);
  finish (accepted + 2);
}
END_TEST

START_TEST (fails_the_poisoned_item_alone)
{
  start (&(struct committer_options){ 0 });
  submit_all (0, 1);
  await (&gate.started, 1);
  items[3].poisoned = true;
  items[5].refused = true;
  submit_all (1, 7);
  finish (8);
  for (size_t i = 0; i < 8; i++)
    ck_assert_msg (items[i].err.code
                       == (3 == i   ? ERR_INTERNAL_ERROR
                           : 5 == i ? ERR_RESOURCE_DOES_NOT_EXIST
                                    : ERR_OK),
                   "item %zu: %s", i, err_name (items[i].err.code));
  ck_assert_str_eq (items[3].err.message, "the group failed");
  /* Once together, once each for itself. */
  ck_assert_uint_eq (gate.started, 2 + 7);
  ck_assert_uint_eq (items[1].flushed, 2);
}
END_TEST

START_TEST (tries_a_failed_single_item_only_once)
{
  start (&(struct committer_options){ 0 });
  items[0].poisoned = true;
  submit_all (0, 1);
  finish (1);
  ck_assert_int_eq (items[0].err.code, ERR_INTERNAL_ERROR);
  ck_assert_uint_eq (items[0].flushed, 1);
}
END_TEST

START_TEST (keeps_the_errors_of_items_in_a_group_that_succeeds)
{
  start (&(struct committer_options){ 0 });
  submit_all (0, 1);
  await (&gate.started, 1);
  items[2].refused = true;
  submit_all (1, 3);
  finish (4);
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq (items[i].err.code, 2 == i ? ERR_RESOURCE_DOES_NOT_EXIST : ERR_OK);
  ck_assert_uint_eq (gate.started, 2);
}
END_TEST

START_TEST (fails_all_at_once_while_the_database_is_away)
{
  start (&(struct committer_options){ 0 });
  submit_all (0, 1);
  await (&gate.started, 1);
  lock_acquire (&gate.lock);
  gate.unavailable = true;
  lock_release (&gate.lock);
  items[4].refused = true;
  submit_all (1, 9);
  finish (10);
  /* Trying each again would only make everybody wait longer. */
  ck_assert_uint_eq (gate.started, 2);
  for (size_t i = 0; i < 10; i++)
  {
    ck_assert_int_eq (items[i].err.code, 4 == i ? ERR_RESOURCE_DOES_NOT_EXIST : ERR_TEMPORARILY_UNAVAILABLE);
    ck_assert_uint_eq (items[i].err.retry_after_s, 4 == i ? 0 : 7);
  }
}
END_TEST

static void *
open_gate (void *context)
{
  (void)context;
  usleep (PATIENCE_US);
  let_end (1000000);
  return NULL;
}

START_TEST (drains_when_stopped)
{
  pthread_t thread;

  start (&(struct committer_options){ .threads = 2, .group_max_count = 7 });
  submit_all (0, 100);
  ck_assert_int_eq (pthread_create (&thread, NULL, open_gate, NULL), 0);
  committer_stop (committer);
  ck_assert_int_eq (pthread_join (thread, NULL), 0);
  ck_assert (! submit (100));
  ck_assert_uint_eq (items[100].done, 0);
  finish (100);
}
END_TEST

START_TEST (stops_when_nothing_came)
{
  start (&(struct committer_options){ .threads = 3 });
  finish (0);
  committer_stop (NULL);
  committer_free (NULL);
}
END_TEST

#define PRODUCERS 4
#define PRODUCED 1000

static struct test_item many[PRODUCERS][PRODUCED];

static void *
produce (void *context)
{
  struct test_item *own = context;

  for (size_t i = 0; i < PRODUCED; i++)
  {
    own[i].item.err = &own[i].err;
    own[i].item.done = done;
    own[i].item.entry.bytes = 1;
    while (! committer_submit (committer, &own[i].item))
      sched_yield ();
  }
  return NULL;
}

START_TEST (answers_each_once_under_load)
{
  pthread_t threads[PRODUCERS];

  start (&(struct committer_options){ .threads = 2, .max_count = 50, .group_max_count = 20 });
  let_end (1000000);
  for (size_t i = 0; i < PRODUCERS; i++)
    for (size_t k = 0; k < PRODUCED; k++)
    {
      many[i][k].poisoned = 0 == k % 97;
      many[i][k].refused = 1 == k % 97;
    }
  for (size_t i = 0; i < PRODUCERS; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, produce, many[i]), 0);
  for (size_t i = 0; i < PRODUCERS; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
  committer_stop (committer);
  for (size_t i = 0; i < PRODUCERS; i++)
    for (size_t k = 0; k < PRODUCED; k++)
    {
      ck_assert_uint_eq (many[i][k].done, 1);
      ck_assert_int_eq (many[i][k].err.code, 0 == k % 97   ? ERR_INTERNAL_ERROR
                                             : 1 == k % 97 ? ERR_RESOURCE_DOES_NOT_EXIST
                                                           : ERR_OK);
    }
}
END_TEST

Suite *committer_suite (void);

Suite *
committer_suite (void)
{
  Suite *suite = suite_create ("committer");
  TCase *groups = tcase_create ("groups");
  TCase *failures = tcase_create ("failures");
  TCase *ends = tcase_create ("ends");

  tcase_add_checked_fixture (groups, set_up, tear_down);
  tcase_set_timeout (groups, 60);
  tcase_add_test (groups, takes_all_that_waits);
  tcase_add_loop_test (groups, keeps_groups_within_limits, 0, 4);
  tcase_add_test (groups, commits_a_single_item_at_once);
  tcase_add_test (groups, overlaps_when_enough_waits);
  tcase_add_test (groups, takes_few_when_nothing_is_under_way);
  tcase_add_loop_test (groups, refuses_above_its_limits, 0, 3);
  suite_add_tcase (suite, groups);
  tcase_add_checked_fixture (failures, set_up, tear_down);
  tcase_set_timeout (failures, 60);
  tcase_add_test (failures, fails_the_poisoned_item_alone);
  tcase_add_test (failures, tries_a_failed_single_item_only_once);
  tcase_add_test (failures, keeps_the_errors_of_items_in_a_group_that_succeeds);
  tcase_add_test (failures, fails_all_at_once_while_the_database_is_away);
  suite_add_tcase (suite, failures);
  tcase_add_checked_fixture (ends, set_up, tear_down);
  tcase_set_timeout (ends, 60);
  tcase_add_test (ends, drains_when_stopped);
  tcase_add_test (ends, stops_when_nothing_came);
  tcase_add_test (ends, answers_each_once_under_load);
  suite_add_tcase (suite, ends);
  return suite;
}
