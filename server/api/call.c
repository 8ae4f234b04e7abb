/* What every kind of call does: hand-over to committers, headers, time. */
#include "api/call.h"

#include "api/gate.h"
#include "base/clock.h"
#include "base/stats.h"

enum err_code
api_busy (struct err *err)
{
  stats_add (&stats.requests_refused, 1);
  return err_set (err, ERR_TEMPORARILY_UNAVAILABLE, "The server is busy; try again shortly.");
}

void
api_header (struct api_call *call, const char *name, struct slice value)
{
  struct call_out_header *header = arena_alloc (call->arena, sizeof (*header));
  const char *text = arena_copy (call->arena, value.data, value.len);

  /* Without memory the answer is still right. */
  if (NULL == header || NULL == text)
    return;
  *header = (struct call_out_header){ .next = call->out_headers, .name = name, .value = text };
  call->out_headers = header;
}

void
api_renew_budget (struct api_call *call)
{
  call->deadline_us = clock_monotonic_us () + (uint64_t)call->service->config->work_timeout_ms * 1000;
  store_renew_deadline (call->connection, call->deadline_us);
}

static void
commit_done (struct commit_item *item)
{
  struct api_call *call = (struct api_call *)((char *)item - offsetof (struct api_call, commit));

  call->database_us += item->database_us;
  call->resume (call);
}

enum api_next
api_commit (struct api_call *call, struct committer *committer, void *payload)
{
  if (! call->pass->open)
  {
    (void)err_set_cause (&call->err, ERR_INTERNAL_ERROR, "a call that did not pass the gate", "internal error");
    return API_DONE;
  }
  call->commit.entry.bytes = call->body.len + sizeof (*call);
  call->commit.err = &call->err;
  call->commit.payload = payload;
  call->commit.done = commit_done;
  /* From here on the call is the committer's, until it is resumed. */
  if (committer_submit (committer, &call->commit))
    return API_WAIT;
  (void)api_busy (&call->err);
  return API_DONE;
}
