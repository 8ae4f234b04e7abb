/* The audit trail in PostgreSQL, and the version of everybody's rights. */
#include "store/audit.h"

#include "base/clock.h"

enum
{
  APPEND,
  APPEND_MANY,
  CHANGED
};

#define INTO                                                                                                           \
  "INSERT INTO audit (at_ms, actor, account_id, token_id, method, address, action, object, refused, detail, times) "

static const struct statement statements[] = {
  [APPEND] = { "audit_append",
               INTO "VALUES ($1::int8, $2::text, nullif($3::int8, 0), nullif($4::int8, 0), $5::int4::int2, $6::text,"
                    " $7::text, $8::text, $9::bool, $10::text::jsonb, $11::int8)",
               11 },
  [APPEND_MANY] = { "audit_append_many",
                    INTO "SELECT at_ms, actor, nullif(account_id, 0), nullif(token_id, 0), method::int2, address,"
                         " action, object, refused <> 0, detail::jsonb, times"
                         " FROM unnest($1::int8[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::text[],"
                         "  $7::text[], $8::text[], $9::int8[], $10::text[], $11::int8[]) AS r (at_ms, actor,"
                         "  account_id, token_id, method, address, action, object, refused, detail, times)",
                    11 },
  [CHANGED] = { "access_changed", "UPDATE access_version SET version = version + 1", 0 },
};

const struct statement_table store_audit_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

static struct slice
text_or (struct slice text, struct slice fallback)
{
  return NULL == text.data ? fallback : text;
}

void
store_audit_queue (struct pipeline *pipeline, const struct store_audit *entry)
{
  struct parameters *parameters = pipeline_add (NULL, pipeline, &statements[APPEND]);

  parameter_int64 (parameters, 0 == entry->at_ms ? clock_wall_ms () : entry->at_ms);
  parameter_text (parameters, text_or (entry->actor, SLICE ("")));
  parameter_int64 (parameters, entry->account_id);
  parameter_int64 (parameters, entry->token_id);
  parameter_int32 (parameters, entry->method);
  parameter_text (parameters, text_or (entry->address, SLICE ("")));
  parameter_text (parameters, entry->action);
  parameter_text (parameters, text_or (entry->object, SLICE ("")));
  parameter_bool (parameters, entry->refused);
  parameter_text (parameters, text_or (entry->detail, SLICE ("{}")));
  parameter_int64 (parameters, 0 == entry->times ? 1 : entry->times);
}

void
store_access_queue_changed (struct pipeline *pipeline)
{
  (void)pipeline_add (NULL, pipeline, &statements[CHANGED]);
}

enum
{
  NUMBERS = 6, /* columns of numbers, and of texts */
  TEXTS = 5
};

enum err_code
store_audit_write (struct store_connection *connection, const struct store_audit *entries, size_t count,
                   struct arena *arena, struct err *err)
{
  int64_t *numbers[NUMBERS];
  struct slice *texts[TEXTS];
  struct parameters parameters;

  for (size_t i = 0; i < NUMBERS; i++)
    numbers[i] = arena_array (arena, count, sizeof (int64_t));
  for (size_t i = 0; i < TEXTS; i++)
    texts[i] = arena_array (arena, count, sizeof (struct slice));
  if (arena_overflowed (arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  for (size_t i = 0; i < count; i++)
  {
    const struct store_audit *entry = &entries[i];

    numbers[0][i] = 0 == entry->at_ms ? clock_wall_ms () : entry->at_ms;
    numbers[1][i] = entry->account_id;
    numbers[2][i] = entry->token_id;
    numbers[3][i] = entry->method;
    numbers[4][i] = entry->refused;
    numbers[5][i] = 0 == entry->times ? 1 : entry->times;
    texts[0][i] = text_or (entry->actor, SLICE (""));
    texts[1][i] = text_or (entry->address, SLICE (""));
    texts[2][i] = entry->action;
    texts[3][i] = text_or (entry->object, SLICE (""));
    texts[4][i] = text_or (entry->detail, SLICE ("{}"));
  }
  parameters_init (&parameters, arena);
  parameter_int64_array (&parameters, numbers[0], count);
  parameter_text_array (&parameters, texts[0], count);
  for (size_t i = 1; i < 4; i++)
    parameter_int64_array (&parameters, numbers[i], count);
  for (size_t i = 1; i < 4; i++)
    parameter_text_array (&parameters, texts[i], count);
  parameter_int64_array (&parameters, numbers[4], count);
  parameter_text_array (&parameters, texts[4], count);
  parameter_int64_array (&parameters, numbers[5], count);
  return store_execute (NULL, connection, &statements[APPEND_MANY], &parameters, err);
}
