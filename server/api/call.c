/* Hand-over of calls to committers. */
#include "api/call.h"

#include "base/stats.h"

enum err_code
api_busy (struct err *err)
{
  stats_add (&stats.requests_refused, 1);
  return err_set (err, ERR_TEMPORARILY_UNAVAILABLE, "The server is busy; try again shortly.");
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
