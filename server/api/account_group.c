/* Groups of accounts. Source: docs/api/user.md. */
#include "api/account_group.h"

#include "api/principal.h"
#include "base/clock.h"
#include "store/account_group.h"

/* Members "name" and so on of a group, inside of an open object. */
static void
write_group (struct json_write *w, const struct store_account_group *group)
{
  json_write_member_string (w, "name", group->name);
  json_write_member_int64 (w, "created_at_ms", group->created_at_ms);
  json_write_member_int64 (w, "member_count", group->member_count);
}

enum err_code
api_account_group_list (struct api_call *call, struct err *err)
{
  struct principal_page page;
  struct slice search;
  struct store_account_group group;
  struct result result = { NULL };
  struct json_write w;
  size_t count;
  enum err_code code = principal_list_read (&search, &page, call, err);

  if (ERR_OK == code)
    code = store_account_group_list (&result, call->connection, search, page.after, page.most + 1, err);
  count = ERR_OK == code ? result_count (&result) : 0;
  api_reply_start (&w, call);
  if (count > 0)
  {
    json_write_key (&w, "groups");
    json_write_array (&w);
  }
  for (size_t i = 0; ERR_OK == code && i < count && i < (size_t)page.most; i++)
  {
    code = result_row (&group, &result, i, store_account_group_columns, STORE_ACCOUNT_GROUP_COLUMNS, err);
    if (ERR_OK != code)
      break;
    json_write_object (&w);
    write_group (&w, &group);
    json_write_object_end (&w);
  }
  if (count > 0)
    json_write_array_end (&w);
  if (ERR_OK == code && count > (size_t)page.most)
    principal_page_write (&w, group.name, call->arena);
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return code;
}

static enum err_code
write_members (struct json_write *w, struct api_call *call, int64_t group_id, struct err *err)
{
  static const char *const sources[] = { [STORE_MEMBER_BY_ADMIN] = "admin", [STORE_MEMBER_BY_CLAIM] = "claim" };
  struct store_group_member member;
  struct result result = { NULL };
  enum err_code code = store_account_group_members (&result, call->connection, group_id, err);
  size_t count = ERR_OK == code ? result_count (&result) : 0;

  if (count > 0)
  {
    json_write_key (w, "members");
    json_write_array (w);
  }
  for (size_t i = 0; ERR_OK == code && i < count; i++)
  {
    code = result_row (&member, &result, i, store_group_member_columns, STORE_GROUP_MEMBER_COLUMNS, err);
    if (ERR_OK != code)
      break;
    json_write_object (w);
    json_write_member_string (w, "username", member.username);
    json_write_member_text (w, "source", sources[STORE_MEMBER_BY_CLAIM == member.source]);
    json_write_object_end (w);
  }
  if (count > 0)
    json_write_array_end (w);
  result_free (&result);
  return code;
}

/* {"group": what it is now, with its members}. */
static enum err_code
reply_group (struct api_call *call, struct slice name, struct err *err)
{
  struct store_account_group group;
  struct result result = { NULL };
  struct json_write w;
  enum err_code code = store_account_group_get (&group, &result, call->connection, name, err);

  if (ERR_OK == code)
  {
    api_reply_start (&w, call);
    json_write_key (&w, "group");
    json_write_object (&w);
    write_group (&w, &group);
    code = write_members (&w, call, group.group_id, err);
    json_write_object_end (&w);
  }
  if (ERR_OK == code)
    code = api_reply_end (&w, call, err);
  result_free (&result);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? principal_no_group (err, name) : code;
}

struct create_request
{
  struct slice name;
};

static const struct field create_fields[] = {
  { .name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .offset = offsetof (struct create_request, name) },
};

static const struct schema create_schema = SCHEMA (create_fields, struct create_request);

enum err_code
api_account_group_create (struct api_call *call, struct err *err)
{
  struct store_audit who;
  struct create_request request;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = api_decode (&request, call, &create_schema, err);
  if (ERR_OK == code)
    code = principal_check_name (request.name, "a group", err);
  if (ERR_OK == code)
    code = principal_require_whole (call, err);
  if (ERR_OK == code)
    code = store_account_group_create (call->connection, request.name, clock_wall_ms (), &who, call->arena, err);
  if (ERR_RESOURCE_ALREADY_EXISTS == code)
    return err_set (err, code, "Group '%.*s' already exists.", SLICE_ARG (request.name));
  return ERR_OK == code ? reply_group (call, request.name, err) : code;
}

enum err_code
api_account_group_get (struct api_call *call, struct err *err)
{
  return reply_group (call, call->path_values[0], err);
}

enum err_code
api_account_group_delete (struct api_call *call, struct err *err)
{
  struct store_audit who;
  struct slice name = call->path_values[0];
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = principal_require_whole (call, err);
  if (ERR_OK == code)
    code = store_account_group_delete (call->connection, name, &who, call->arena, err);
  if (ERR_OK == code)
    access_changed (call->service->access);
  return ERR_RESOURCE_DOES_NOT_EXIST == code ? principal_no_group (err, name) : code;
}

static enum err_code
change_member (struct api_call *call, bool removes, struct err *err)
{
  struct store_audit who;
  struct slice name = call->path_values[0];
  struct slice username = call->path_values[1];
  enum store_group_found found = STORE_GROUP_AS_BEFORE;
  enum err_code code = principal_who (&who, call, err);

  if (ERR_OK == code)
    code = principal_require_whole (call, err);
  if (ERR_OK == code && removes)
    code = store_account_group_remove (&found, call->connection, name, username, &who, call->arena, err);
  else if (ERR_OK == code)
    code = store_account_group_add (&found, call->connection, name, username, &who, call->arena, err);
  if (ERR_OK != code)
    return code;
  switch (found)
  {
  case STORE_GROUP_MISSING:
    return principal_no_group (err, name);
  case STORE_GROUP_ACCOUNT_MISSING:
    return principal_no_user (err, username);
  case STORE_GROUP_CHANGED:
    access_changed (call->service->access);
    return ERR_OK;
  case STORE_GROUP_AS_BEFORE:
  default:
    if (! removes)
      return ERR_OK;
    return err_set (err, ERR_RESOURCE_DOES_NOT_EXIST, "User with username=%.*s is not in the group '%.*s'",
                    SLICE_ARG (username), SLICE_ARG (name));
  }
}

enum err_code
api_account_group_add (struct api_call *call, struct err *err)
{
  return change_member (call, false, err);
}

enum err_code
api_account_group_remove (struct api_call *call, struct err *err)
{
  return change_member (call, true, err);
}
