/* Workspaces and what accounts may do in all of one. Source: docs/api/workspace.md. */
#ifndef API_WORKSPACE_H
#define API_WORKSPACE_H

#include "api/call.h"

/* api/workspace.c */
api_handle api_workspace_list;
api_handle api_workspace_create;
api_handle api_workspace_get;
api_handle api_workspace_update;
api_handle api_workspace_delete;

/* api/workspace_permission.c */
api_handle api_workspace_permission_list;
api_handle api_workspace_permission_set;
api_handle api_workspace_permission_delete;
api_handle api_workspace_permissions_of_account;

/* Refuse where the setting `workspaces` is off, in the word by which clients tell that a server has none:
   ENDPOINT_NOT_FOUND. */
enum err_code api_workspace_check_on (const struct api_call *call, struct err *err);

/* RESOURCE_DOES_NOT_EXIST, as the gate says it. */
enum err_code api_workspace_unknown (struct err *err, struct slice name);

#endif
