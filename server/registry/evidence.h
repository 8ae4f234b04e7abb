/* What speaks for a version: results of checks, and approvals. */
#ifndef REGISTRY_EVIDENCE_H
#define REGISTRY_EVIDENCE_H

#include "registry/change.h"
#include "store/approval.h"
#include "store/check_result.h"

/* What one call wants; the context of the works. Who and when are filled in by them. */
struct registry_evidence
{
  struct slice model;
  int64_t version;
  struct store_check_result check; /* to be posted; what was posted */
  struct store_approval approval; /* to be given; what was given */
};

/* Post a result: check.post. Works for registry_change_run. Errors: RESOURCE_DOES_NOT_EXIST without the model or the
   version. */
enum err_code registry_check_post (struct registry_change *change, void *evidence, struct err *err);

/* Approve a version, or say it in other words: approval.give. Errors: also INVALID_PARAMETER_VALUE when it is not known
   who approves. */
enum err_code registry_approval_give (struct registry_change *change, void *evidence, struct err *err);

/* Take one's own approval back: approval.withdraw. Errors: also RESOURCE_DOES_NOT_EXIST when there is none. */
enum err_code registry_approval_withdraw (struct registry_change *change, void *evidence, struct err *err);

#endif
