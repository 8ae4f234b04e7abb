/* Tests that prepare every statement of the program on a database as the migrations make it. */
#include "database.h"

#include "store/access.h"
#include "store/access_explain.h"
#include "store/access_grant.h"
#include "store/account.h"
#include "store/account_group.h"
#include "store/alias_history.h"
#include "store/api_token.h"
#include "store/approval.h"
#include "store/artifact.h"
#include "store/artifact_owner.h"
#include "store/artifact_root.h"
#include "store/audit.h"
#include "store/audit_list.h"
#include "store/blob.h"
#include "store/check_result.h"
#include "store/context.h"
#include "store/dataset.h"
#include "store/experiment.h"
#include "store/federated.h"
#include "store/health.h"
#include "store/ledger.h"
#include "store/ledger_compare.h"
#include "store/ledger_list.h"
#include "store/ledger_state.h"
#include "store/lineage.h"
#include "store/logged_model.h"
#include "store/login_attempt.h"
#include "store/metric.h"
#include "store/migrate.h"
#include "store/model_alias.h"
#include "store/model_version.h"
#include "store/model_version_change.h"
#include "store/promotion_gate.h"
#include "store/purge.h"
#include "store/registered_model.h"
#include "store/run.h"
#include "store/run_columns.h"
#include "store/series.h"
#include "store/session.h"
#include "store/signing_key.h"
#include "store/upload.h"
#include "store/workspace.h"

#include <check.h>
#include <stdio.h>

static const struct statement_table *const tables[] = {
  &store_access_explain_statements, &store_access_grant_statements,  &store_access_statements,
  &store_account_group_statements,  &store_account_statements,       &store_alias_history_statements,
  &store_api_token_statements,      &store_approval_statements,      &store_artifact_owner_statements,
  &store_artifact_root_statements,  &store_artifact_statements,      &store_audit_list_statements,
  &store_audit_statements,          &store_blob_statements,          &store_check_result_statements,
  &store_context_statements,        &store_dataset_statements,       &store_experiment_statements,
  &store_federated_statements,      &store_fold_statements,          &store_health_statements,
  &store_ledger_compare_statements, &store_ledger_list_statements,   &store_ledger_state_statements,
  &store_ledger_statements,         &store_lineage_statements,       &store_logged_model_statements,
  &store_login_attempt_statements,  &store_metric_statements,        &store_migrate_statements,
  &store_model_alias_statements,    &store_model_version_statements, &store_model_version_change_statements,
  &store_promotion_gate_statements, &store_purge_statements,         &store_registered_model_statements,
  &store_run_columns_statements,    &store_run_statements,           &store_run_create_statements,
  &store_series_statements,         &store_session_statements,       &store_signing_key_statements,
  &store_upload_statements,         &store_workspace_statements,
};

#define TABLES (sizeof (tables) / sizeof (tables[0]))

START_TEST (are_prepared)
{
  const struct statement_table *table = tables[_i];

  ck_assert_uint_gt (table->count, 0);
  for (size_t i = 0; i < table->count; i++)
  {
    const struct statement *statement = &table->statements[i];
    struct err err = { 0 };
    char *sql;

    /* A gap in the enum of a file would show here. */
    ck_assert_msg (NULL != statement->name && NULL != statement->sql, "statement %zu of table %d", i, _i);
    sql = arena_printf (database.arena, "PREPARE \"test_%s\" AS %s", statement->name, statement->sql);
    ck_assert_ptr_nonnull (sql);
    ck_assert_msg (ERR_OK == store_script (database.connection, sql, &err), "%s", err.cause);
    ck_assert_msg (statement->parameters
                       == database_number ("SELECT cardinality(parameter_types)::int8 FROM pg_prepared_statements"
                                           " WHERE name = 'test_%s'",
                                           statement->name),
                   "%s has not %u parameters", statement->name, statement->parameters);
  }
}
END_TEST

START_TEST (have_names_of_their_own)
{
  for (size_t a = 0; a < TABLES; a++)
    for (size_t b = 0; b <= a; b++)
      for (size_t i = 0; i < tables[a]->count; i++)
        for (size_t k = 0; k < (a == b ? i : tables[b]->count); k++)
          ck_assert_str_ne (tables[a]->statements[i].name, tables[b]->statements[k].name);
}
END_TEST

START_TEST (fit_into_names_of_postgresql)
{
  /* Longer ones would be cut and could meet. */
  for (size_t a = 0; a < TABLES; a++)
    for (size_t i = 0; i < tables[a]->count; i++)
      ck_assert_uint_lt (strlen (tables[a]->statements[i].name), 64);
}
END_TEST

Suite *statements_suite (void);

Suite *
statements_suite (void)
{
  Suite *suite = suite_create ("statements");
  TCase *statements = tcase_create ("statements");

  tcase_add_checked_fixture (statements, database_open_migrated, database_close);
  tcase_set_timeout (statements, 60);
  tcase_add_loop_test (statements, are_prepared, 0, TABLES);
  tcase_add_test (statements, have_names_of_their_own);
  tcase_add_test (statements, fit_into_names_of_postgresql);
  suite_add_tcase (suite, statements);
  return suite;
}
