/* Promotion and rollback of aliases of a registered model. Source: docs/api/promotion.md. */
#include "api/promote.h"

#include "api/json.h"
#include "api/registry.h"
#include "base/instant.h"
#include "registry/promote.h"

#include <ctype.h>

#define EXPECTATION_OF_EACH "expect_version belongs into each of moves."

/* --- requests ---------------------------------------------------------------------------------------------------- */

struct move_request
{
  struct slice alias;
  struct optional_int64 version;
  struct optional_int64 expect_version;
};

static const struct field move_fields[] = {
  { .name = "alias", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct move_request, alias) },
  { .name = "version",
    .type = FIELD_INT64,
    .flags = FIELD_REQUIRED,
    .offset = offsetof (struct move_request, version) },
  { .name = "expect_version", .type = FIELD_INT64, .offset = offsetof (struct move_request, expect_version) },
};

static const struct schema move_schema = SCHEMA (move_fields, struct move_request);

/* Which version gets an alias back is found out. */
static const struct field back_fields[] = {
  { .name = "alias", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct move_request, alias) },
  { .name = "expect_version", .type = FIELD_INT64, .offset = offsetof (struct move_request, expect_version) },
};

static const struct schema back_schema = SCHEMA (back_fields, struct move_request);

/* Of both calls; each has fields of its own. */
struct promotion_request
{
  struct move_request move;
  struct objects moves;
  struct slices aliases;
  struct slice reason;
  struct slice run_url;
  struct optional_int64 force;
};

#define AT(member) .offset = offsetof (struct promotion_request, member)

static const struct field promote_fields[] = {
  { .name = "alias", .type = FIELD_STRING, AT (move.alias) },
  { .name = "version", .type = FIELD_INT64, AT (move.version) },
  { .name = "expect_version", .type = FIELD_INT64, AT (move.expect_version) },
  { .name = "moves", .type = FIELD_OBJECTS, AT (moves), .schema = &move_schema },
  { .name = "reason", .type = FIELD_STRING, .flags = FIELD_EMPTY, AT (reason) },
  { .name = "run_url", .type = FIELD_STRING, .flags = FIELD_EMPTY, AT (run_url) },
  { .name = "force", .type = FIELD_BOOL, AT (force) },
};

static const struct field rollback_fields[] = {
  { .name = "alias", .type = FIELD_STRING, AT (move.alias) },
  { .name = "aliases", .type = FIELD_STRINGS, AT (aliases) },
  { .name = "moves", .type = FIELD_OBJECTS, AT (moves), .schema = &back_schema },
  { .name = "expect_version", .type = FIELD_INT64, AT (move.expect_version) },
  { .name = "reason", .type = FIELD_STRING, .flags = FIELD_EMPTY, AT (reason) },
  { .name = "run_url", .type = FIELD_STRING, .flags = FIELD_EMPTY, AT (run_url) },
};

static const struct schema promote_schema = SCHEMA (promote_fields, struct promotion_request);
static const struct schema rollback_schema = SCHEMA (rollback_fields, struct promotion_request);

/* Whether a member is called so, in snake_case or lowerCamelCase. */
static bool
is_called (const char *member, const char *name)
{
  const char *rest = name;

  for (const char *at = member; '\0' != *at; at++, rest++)
    if ('_' == *rest && '_' != *at)
    {
      rest++;
      if (toupper ((unsigned char)*rest) != *at)
        return false;
    }
    else if (*rest != *at)
      return false;
  return '\0' == *rest;
}

/* Elsewhere members that nobody knows are ignored. Here one that is mistyped, such as expected_version, would move an
   alias that the caller wanted to stay. `more` is a name beside those of the schema. */
static enum err_code
check_known (json_t *object, const struct schema *schema, const char *more, struct err *err)
{
  const char *member;
  json_t *value;

  json_object_foreach (object, member, value)
  {
    bool is_known = NULL != more && is_called (member, more);

    for (size_t i = 0; i < schema->count && ! is_known; i++)
      is_known = is_called (member, schema->fields[i].name);
    if (! is_known)
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "There is no parameter '%s' of this call.", member);
  }
  return ERR_OK;
}

static enum err_code
check_moves_known (const struct api_call *call, const struct schema *schema, struct err *err)
{
  json_t *moves;
  enum err_code code = api_argument (&moves, call->arguments, "moves", err);

  for (size_t i = 0; ERR_OK == code && i < json_array_size (moves); i++)
    code = check_known (json_array_get (moves, i), schema, NULL, err);
  return code;
}

static enum err_code
missing (struct err *err, const char *name)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Missing value for required parameter '%s'. See the API docs for more information about request "
                  "parameters.",
                  name);
}

/* Room for the moves of a request. */
static enum err_code
make_room (struct registry_promotion *promotion, size_t count, struct arena *arena, struct err *err)
{
  if (0 == count || count > REGISTRY_MOVES_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "From 1 to %d aliases move in one call.", REGISTRY_MOVES_MAX);
  promotion->count = count;
  promotion->moves = arena_array (arena, count, sizeof (promotion->moves[0]));
  return NULL == promotion->moves ? err_set (err, ERR_INTERNAL_ERROR, "out of memory") : ERR_OK;
}

static enum err_code
read_move (struct registry_promotion_move *move, const struct move_request *request, struct slice model,
           struct err *err)
{
  *move = (struct registry_promotion_move){ .alias = request->alias,
                                            .version = request->version.value,
                                            .expect_version = request->expect_version };
  if (request->expect_version.present && request->expect_version.value < 0)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "expect_version is a version, or 0 where none has the alias.");
  /* A rollback has none. */
  if (request->version.present && request->version.value < 1)
    return api_registry_no_version (err, model, request->version.value);
  return api_registry_check_alias (request->alias, err);
}

/* Two moves of one alias cannot both happen. */
static enum err_code
check_distinct (const struct registry_promotion *promotion, struct err *err)
{
  for (size_t i = 0; i < promotion->count; i++)
    for (size_t j = 0; j < i; j++)
      if (slice_equal (promotion->moves[i].alias, promotion->moves[j].alias))
        return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Alias '%.*s' is there twice.",
                        SLICE_ARG (promotion->moves[i].alias));
  return ERR_OK;
}

static enum err_code
read_promotion (struct registry_promotion *promotion, const struct promotion_request *request, struct arena *arena,
                struct err *err)
{
  const struct move_request *several = request->moves.items;
  bool is_single = NULL != request->move.alias.data || request->move.version.present;
  enum err_code code;

  if (is_single && request->moves.count > 0)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Give alias and version, or moves, but not both.");
  if (request->moves.count > 0 && request->move.expect_version.present)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, EXPECTATION_OF_EACH);
  if (0 == request->moves.count && NULL == request->move.alias.data)
    return missing (err, "alias");
  if (0 == request->moves.count && ! request->move.version.present)
    return missing (err, "version");
  code = make_room (promotion, is_single ? 1 : request->moves.count, arena, err);
  for (size_t i = 0; ERR_OK == code && i < promotion->count; i++)
    code = read_move (&promotion->moves[i], is_single ? &request->move : &several[i], promotion->model, err);
  return ERR_OK == code ? check_distinct (promotion, err) : code;
}

/* The argument "at": a number of milliseconds, or a text. */
static enum err_code
read_at (struct optional_int64 *at_ms, const struct api_call *call, struct err *err)
{
  json_t *value;
  enum err_code code = api_argument (&value, call->arguments, "at", err);

  if (ERR_OK != code || NULL == value)
    return code;
  at_ms->present = true;
  at_ms->value = json_integer_value (value);
  if (! (json_is_integer (value) && at_ms->value >= 0)
      && ! (json_is_string (value)
            && instant_parse ((struct slice){ json_string_value (value), json_string_length (value) }, &at_ms->value)))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value for parameter 'at': milliseconds, or a time as in RFC 3339, are needed.");
  return ERR_OK;
}

static enum err_code
read_rollback (struct registry_promotion *promotion, const struct promotion_request *request, struct arena *arena,
               struct err *err)
{
  const struct move_request *several = request->moves.items;
  size_t is_single = NULL != request->move.alias.data;
  enum err_code code;

  if (1 != is_single + (request->aliases.count > 0) + (request->moves.count > 0))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "Exactly one of alias, aliases and moves must be given.");
  if (request->moves.count > 0 && request->move.expect_version.present)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, EXPECTATION_OF_EACH);
  code = make_room (promotion, is_single + request->aliases.count + request->moves.count, arena, err);
  for (size_t i = 0; ERR_OK == code && i < promotion->count; i++)
  {
    struct move_request one = request->moves.count > 0 ? several[i] : request->move;

    if (request->aliases.count > 0)
      one.alias = request->aliases.items[i];
    code = read_move (&promotion->moves[i], &one, promotion->model, err);
  }
  return ERR_OK == code ? check_distinct (promotion, err) : code;
}

/* --- answering --------------------------------------------------------------------------------------------------- */

static enum err_code
reply_moved (struct api_call *call, const struct registry_promotion *promotion, bool forced, struct err *err)
{
  struct json_write w;

  api_reply_start (&w, call);
  json_write_key (&w, "moved");
  json_write_array (&w);
  for (size_t i = 0; i < promotion->count; i++)
  {
    json_write_object (&w);
    json_write_member_string (&w, "alias", promotion->moves[i].alias);
    json_write_member_int64 (&w, "version", promotion->moves[i].version);
    json_write_member_int64 (&w, "previous", promotion->moves[i].previous);
    json_write_object_end (&w);
  }
  json_write_array_end (&w);
  json_write_member_bool (&w, "forced", forced);
  return api_reply_end (&w, call, err);
}

/* Make the change that both calls want, with why and from where. */
static enum err_code
run (struct api_call *call, struct registry_promotion *promotion, const struct promotion_request *request,
     registry_work *work, struct err *err)
{
  struct registry_actor actor;
  struct registry_change change;
  enum err_code code;

  api_registry_begin (&change, &actor, call);
  code = api_registry_explain (&change, request->reason, request->run_url, request->force, err);
  if (ERR_OK != code)
    return code;
  code = api_registry_run (&change, call, work, promotion, err);
  return ERR_OK == code ? reply_moved (call, promotion, change.forced, err) : code;
}

enum err_code
api_promote (struct api_call *call, struct err *err)
{
  struct registry_promotion promotion = { .model = call->path_values[0] };
  struct promotion_request request;
  enum err_code code = api_decode (&request, call, &promote_schema, err);

  if (ERR_OK == code)
    code = check_known (call->arguments, &promote_schema, NULL, err);
  if (ERR_OK == code)
    code = check_moves_known (call, &move_schema, err);
  if (ERR_OK == code)
    code = read_promotion (&promotion, &request, call->arena, err);
  return ERR_OK == code ? run (call, &promotion, &request, registry_promote, err) : code;
}

enum err_code
api_rollback (struct api_call *call, struct err *err)
{
  struct registry_promotion promotion = { .model = call->path_values[0] };
  struct promotion_request request;
  enum err_code code = api_decode (&request, call, &rollback_schema, err);

  if (ERR_OK == code)
    code = check_known (call->arguments, &rollback_schema, "at", err);
  if (ERR_OK == code)
    code = check_moves_known (call, &back_schema, err);
  if (ERR_OK == code)
    code = read_at (&promotion.at_ms, call, err);
  if (ERR_OK == code)
    code = read_rollback (&promotion, &request, call->arena, err);
  return ERR_OK == code ? run (call, &promotion, &request, registry_rollback, err) : code;
}
