/* What the routes of accounts, groups, tokens and grants share. */
#include "api/principal.h"

#include "api/gate_judge.h"
#include "api/path_token.h"
#include "base/number.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Longest name of a group or token: the check of its column. */
#define NAME_MAX_CHARACTERS 255

enum err_code
principal_page_read (struct principal_page *page, const struct optional_int64 *max_results, struct slice page_token,
                     bool numbers, struct arena *arena, struct err *err)
{
  enum err_code code;

  *page = (struct principal_page){ .most = max_results->present ? max_results->value : PRINCIPAL_RESULTS };
  if (page->most < 1 || page->most > PRINCIPAL_RESULTS_MAX)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                    "Invalid value %" PRId64 " for parameter 'max_results' supplied: it must be from 1 to %d.",
                    page->most, PRINCIPAL_RESULTS_MAX);
  code = path_token_read (&page->after, page_token, arena, err);
  if (ERR_OK == code && numbers && NULL != page->after.data
      && (! number_parse_int64 (page->after, &page->after_number) || page->after_number < 1))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "Invalid page token: it is one of another list.");
  return code;
}

struct list_request
{
  struct slice search;
  struct optional_int64 max_results;
  struct slice page_token;
};

enum err_code
principal_list_read (struct slice *search, struct principal_page *page, struct api_call *call, struct err *err)
{
  static const struct field fields[] = {
    { .name = "search", .type = FIELD_STRING, .offset = offsetof (struct list_request, search) },
    { .name = "max_results", .type = FIELD_INT64, .offset = offsetof (struct list_request, max_results) },
    { .name = "page_token", .type = FIELD_STRING, .offset = offsetof (struct list_request, page_token) },
  };
  static const struct schema schema = SCHEMA (fields, struct list_request);
  struct list_request request;
  enum err_code code = api_decode (&request, call, &schema, err);

  *search = request.search;
  return ERR_OK == code ? principal_page_read (page, &request.max_results, request.page_token, false, call->arena, err)
                        : code;
}

void
principal_page_write (struct json_write *w, struct slice last, struct arena *arena)
{
  json_write_member_string (w, "next_page_token", path_token_make (last, arena));
}

void
principal_page_write_number (struct json_write *w, int64_t last, struct arena *arena)
{
  char text[NUMBER_INT64_BYTES];
  size_t length = number_format_int64 (text, last);

  principal_page_write (w, (struct slice){ text, length }, arena);
}

enum err_code
principal_who (struct store_audit *who, struct api_call *call, struct err *err)
{
  *who = gate_audit_entry (call, NULL, (struct slice){ NULL, 0 });
  if (access_is_on (call->service->access))
    return ERR_OK;
  return principal_refuse (call, (struct slice){ NULL, 0 }, err,
                           "authentication is off here (setting auth), so accounts, groups, tokens and grants stay as "
                           "they are. Turn it on, or use the commands tallyd user and tallyd token.");
}

enum err_code
principal_no_user (struct err *err, struct slice username)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "User with username=%.*s not found", SLICE_ARG (username));
}

enum err_code
principal_no_group (struct err *err, struct slice name)
{
  return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "Group '%.*s' not found", SLICE_ARG (name));
}

enum err_code
principal_check_name (struct slice name, const char *what, struct err *err)
{
  if (0 == name.len || utf8_length (name) > NAME_MAX_CHARACTERS)
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The name of %s must have 1 to %d characters.", what,
                    NAME_MAX_CHARACTERS);
  for (size_t i = 0; i < name.len; i++)
    if ((unsigned char)name.data[i] < ' ' || '\x7F' == name.data[i])
      return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The name of %s must hold no control characters.", what);
  return ERR_OK;
}

enum err_code
principal_level (enum access_level *level, struct slice name, struct err *err)
{
  if (access_level_parse (level, name))
    return ERR_OK;
  return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                  "Invalid permission '%.*s'. Valid permissions are: ('READ', 'USE', 'EDIT', 'MANAGE', "
                  "'NO_PERMISSIONS')",
                  SLICE_ARG (name));
}

enum err_code
principal_actions (unsigned *actions, const struct slices *names, struct err *err)
{
  *actions = 0;
  for (size_t i = 0; i < names->count; i++)
  {
    unsigned action = access_action_parse (names->items[i]);

    if (0 == action)
      return err_set (err, ERR_INVALID_PARAMETER_VALUE,
                      "Invalid action '%.*s'. Valid actions are: promote, force, delete, webhooks.",
                      SLICE_ARG (names->items[i]));
    *actions |= action;
  }
  return ERR_OK;
}

enum err_code
principal_refuse (struct api_call *call, struct slice object, struct err *err, const char *format, ...)
{
  char text[ERR_MESSAGE_BYTES];
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (text, sizeof (text), format, arguments);
  va_end (arguments);
  (void)err_set (err, ERR_PERMISSION_DENIED, "Permission denied: %s", text);
  gate_note_refusal (call, err, object);
  return ERR_PERMISSION_DENIED;
}

static bool
is_whole (const struct access_identity *who)
{
  return ACCESS_MANAGE == who->most.level && ACCESS_ALL_ACTIONS == who->most.actions
         && who->is_admin == who->has_all_objects;
}

enum err_code
principal_require_whole (struct api_call *call, struct err *err)
{
  if (is_whole (&call->pass->who))
    return ERR_OK;
  return principal_refuse (call, (struct slice){ NULL, 0 }, err,
                           "the token has fewer rights than its account, and could make itself more.");
}

enum err_code
principal_require_lasting (struct api_call *call, struct err *err)
{
  const struct access_identity *who = &call->pass->who;

  if (is_whole (who) && (ACCESS_BY_TOKEN != who->method || 0 == who->expires_at_ms))
    return ERR_OK;
  return principal_refuse (call, (struct slice){ NULL, 0 }, err,
                           "the token is narrower than its account or ends, and could make itself more.");
}

void
principal_write_optional (struct json_write *w, const char *name, const struct optional_int64 *value)
{
  if (value->present)
    json_write_member_int64 (w, name, value->value);
}
