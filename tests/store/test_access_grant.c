/* Tests of grants over the database: set, make, change, remove and list them for every kind of object and holder. */
#include "accounts.h"

#include "store/access_grant.h"

#include <check.h>

/* READ and MANAGE. */
#define READ 1
#define MANAGE 4

static int64_t experiment_id;
static int64_t ann;

static void
open (void)
{
  database_open_migrated ();
  ann = accounts_make ("ann", false);
  accounts_make ("bob", false);
  accounts_make_group ("ml");
  experiment_id = database_experiment ("first");
  database_run ("INSERT INTO workspace (name) VALUES ('other')");
}

static const struct store_grant_holder to_ann = { .username = { "ann", 3 } };
static const struct store_grant_holder to_bob = { .username = { "bob", 3 } };
static const struct store_grant_holder to_ml = { .group = { "ml", 2 } };
static const struct store_grant_holder to_nobody = { .username = { "nobody", 6 } };

static struct store_grant_object
object_of (int kind)
{
  struct store_grant_object object = { .experiment_id = -1, .workspace_id = 1 };

  if (0 == kind)
    object.experiment_id = experiment_id;
  else if (1 == kind)
    object.model_name = SLICE ("churn");
  else
    object.workspace = SLICE ("default");
  return object;
}

static enum store_grant_found
set (const struct store_grant_object *object, const struct store_grant_holder *holder, int16_t level, int16_t actions,
     enum store_grant_mode mode)
{
  enum store_grant_found found;
  struct err err = { 0 };
  int64_t account_id;

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK
                     == store_access_grant_set (&found, &account_id, database.connection, object, holder, level,
                                                actions, mode, &accounts_who, database.arena, &err),
                 "%s: %s", err.message, err.cause);
  ck_assert (STORE_GRANT_DONE != found
             || account_id
                    == (NULL != holder->group.data ? 0
                        : holder == &to_ann        ? ann
                                                   : ann + 1));
  return found;
}

static enum store_grant_found
take_away (const struct store_grant_object *object, const struct store_grant_holder *holder)
{
  enum store_grant_found found;
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK
                     == store_access_grant_delete (&found, database.connection, object, holder, &accounts_who,
                                                   database.arena, &err),
                 "%s: %s", err.message, err.cause);
  return found;
}

/* Level and actions as one number; -1 without a grant. */
static int
held (const struct store_grant_object *object, const struct store_grant_holder *holder)
{
  enum store_grant_found found;
  struct store_grant grant;
  struct result result = { NULL };
  struct err err = { 0 };
  int held = -1;

  store_start_request (database.connection, 0);
  ck_assert_msg (ERR_OK == store_access_grant_get (&found, &grant, &result, database.connection, object, holder, &err),
                 "%s: %s", err.message, err.cause);
  if (STORE_GRANT_DONE == found)
  {
    held = grant.level * 100 + grant.actions;
    ck_assert (slice_equal (grant.username, holder->username) && slice_equal (grant.group, holder->group));
    ck_assert_int_eq (grant.experiment_id.present, object->experiment_id >= 0);
    ck_assert (slice_equal (grant.model_name, object->model_name));
    ck_assert (slice_is (grant.workspace, "default"));
  }
  result_free (&result);
  return held;
}

static const char *const names[] = { "experiment:1", "registered-model:churn", "workspace:default" };

START_TEST (sets_and_removes)
{
  const struct store_grant_object object = object_of (_i / 2);
  const struct store_grant_holder *holder = 0 == _i % 2 ? &to_ann : &to_ml;
  const char *holder_json = 0 == _i % 2 ? "\"user\": \"ann\"" : "\"group\": \"ml\"";
  int64_t version = accounts_version ();

  ck_assert_int_eq (experiment_id, 1);
  ck_assert_int_eq (set (&object, holder, MANAGE, -1, STORE_GRANT_UPDATE), STORE_GRANT_MISSING);
  ck_assert_int_eq (take_away (&object, holder), STORE_GRANT_MISSING);
  ck_assert_int_eq (held (&object, holder), -1);
  ck_assert_int_eq (set (&object, holder, READ, 6, STORE_GRANT_CREATE), STORE_GRANT_DONE);
  ck_assert_int_eq (held (&object, holder), 106);
  ck_assert_int_eq (set (&object, holder, MANAGE, 0, STORE_GRANT_CREATE), STORE_GRANT_EXISTS);
  ck_assert_int_eq (set (&object, holder, MANAGE, -1, STORE_GRANT_UPDATE), STORE_GRANT_DONE);
  ck_assert_int_eq (held (&object, holder), 406);
  ck_assert_int_eq (set (&object, holder, 0, 0, STORE_GRANT_SET), STORE_GRANT_DONE);
  ck_assert_int_eq (held (&object, holder), 0);
  ck_assert_int_eq (accounts_version (), version + 3);
  ck_assert_int_eq (
      accounts_entries (
          "grant.set", names[_i / 2],
          arena_printf (database.arena,
                        "{%s, \"before\": {\"permission\": \"READ\", \"actions\": [\"force\", \"delete\"]},"
                        " \"after\": {\"permission\": \"MANAGE\", \"actions\": [\"force\", \"delete\"]}}",
                        holder_json)),
      1);
  /* Grants about other things and to others are others. */
  for (int kind = 0; kind < 3; kind++)
  {
    struct store_grant_object elsewhere = object_of (kind);

    if (kind != _i / 2)
      ck_assert_int_eq (held (&elsewhere, holder), -1);
    ck_assert_int_eq (held (&elsewhere, &to_bob), -1);
  }
  ck_assert_int_eq (take_away (&object, holder), STORE_GRANT_DONE);
  ck_assert_int_eq (held (&object, holder), -1);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant"), 0);
  ck_assert_int_eq (
      accounts_entries (
          "grant.delete", names[_i / 2],
          arena_printf (database.arena, "{%s, \"before\": {\"permission\": \"NO_PERMISSIONS\"}}", holder_json)),
      1);
  ck_assert_int_eq (accounts_version (), version + 4);
}
END_TEST

START_TEST (wants_object_and_holder)
{
  const struct store_grant_object unknown = { .experiment_id = 77 };
  const struct store_grant_object known = object_of (0);
  int64_t entries = database_number ("SELECT count(*) FROM audit");

  ck_assert_int_eq (set (&unknown, &to_ann, READ, 0, STORE_GRANT_SET), STORE_GRANT_NO_OBJECT);
  ck_assert_int_eq (take_away (&unknown, &to_ann), STORE_GRANT_NO_OBJECT);
  ck_assert_int_eq (set (&known, &to_nobody, READ, 0, STORE_GRANT_SET), STORE_GRANT_NO_HOLDER);
  ck_assert_int_eq (take_away (&known, &to_nobody), STORE_GRANT_NO_HOLDER);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM audit"), entries);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant"), 0);
}
END_TEST

/* Grants as "object holder level;". */
static const char *
texts_of (struct result *result)
{
  struct store_grant grant;
  struct err err = { 0 };
  const char *texts = "";

  for (size_t i = 0; i < result_count (result); i++)
  {
    ck_assert_int_eq (result_row (&grant, result, i, store_grant_columns, STORE_GRANT_COLUMNS, &err), ERR_OK);
    texts = arena_printf (
        database.arena, "%s%.*s%.*s %.*s%.*s %d;", texts,
        SLICE_ARG (grant.experiment_id.present ? grant.experiment : grant.model_name),
        SLICE_ARG (NULL == grant.model_name.data && ! grant.experiment_id.present ? grant.workspace : SLICE ("")),
        SLICE_ARG (grant.username), SLICE_ARG (grant.group), grant.level);
  }
  result_free (result);
  return texts;
}

static const char *
of_object (int kind, int64_t after, int64_t limit)
{
  struct store_grant_object object = object_of (kind);
  struct result result = { NULL };
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_int_eq (store_access_grant_of_object (&result, database.connection, &object, after, limit, &err), ERR_OK);
  return texts_of (&result);
}

static const char *
of_holder (const struct store_grant_holder *holder, int64_t reader_id, int16_t fallback)
{
  struct result result = { NULL };
  struct err err = { 0 };

  store_start_request (database.connection, 0);
  ck_assert_int_eq (
      store_access_grant_of_holder (&result, database.connection, holder, reader_id, fallback, 0, 100, &err), ERR_OK);
  return texts_of (&result);
}

START_TEST (lists)
{
  int64_t first;

  for (int kind = 0; kind < 3; kind++)
  {
    struct store_grant_object object = object_of (kind);

    ck_assert_int_eq (set (&object, &to_ann, 0, 0, STORE_GRANT_SET), STORE_GRANT_DONE);
    ck_assert_int_eq (set (&object, &to_ml, MANAGE, 0, STORE_GRANT_SET), STORE_GRANT_DONE);
  }
  first = database_number ("SELECT min(grant_id) FROM access_grant");
  ck_assert_str_eq (of_object (0, 0, 100), "first ann 0;first ml 4;");
  ck_assert_str_eq (of_object (0, 0, 1), "first ann 0;");
  ck_assert_str_eq (of_object (0, first, 100), "first ml 4;");
  ck_assert_str_eq (of_object (1, 0, 100), "churn ann 0;churn ml 4;");
  ck_assert_str_eq (of_object (2, 0, 100), "default ann 0;default ml 4;");
  ck_assert_str_eq (of_holder (&to_ann, 0, 0), "first ann 0;churn ann 0;default ann 0;");
  ck_assert_str_eq (of_holder (&to_ml, 0, 0), "first ml 4;churn ml 4;default ml 4;");
  /* What the reader may not read has no title for him, though his group has a grant of it. */
  database_run ("INSERT INTO account_group_member (group_id, account_id) SELECT 1, account_id FROM account");
  ck_assert_str_eq (of_holder (&to_ann, ann, MANAGE), "");
  ck_assert_str_eq (of_holder (&to_ml, ann, MANAGE), "");
  ck_assert_str_eq (of_holder (&to_ml, ann + 1, 0), "first ml 4;churn ml 4;default ml 4;");
  database_run ("DELETE FROM experiment WHERE experiment_id = %d; DELETE FROM account WHERE username = 'ann'",
                (int)experiment_id);
  ck_assert_int_eq (database_number ("SELECT count(*) FROM access_grant"), 2);
}
END_TEST

Suite *access_grant_suite (void);

Suite *
access_grant_suite (void)
{
  Suite *suite = suite_create ("access grant");
  TCase *grants = tcase_create ("grants");

  tcase_add_checked_fixture (grants, open, database_close);
  tcase_set_timeout (grants, 60);
  tcase_add_loop_test (grants, sets_and_removes, 0, 6);
  tcase_add_test (grants, wants_object_and_holder);
  tcase_add_test (grants, lists);
  suite_add_tcase (suite, grants);
  return suite;
}
