/* What the server tells of itself: health, readiness, version, figures. */
#include "api/system.h"

#include "access/access.h"
#include "api/json.h"
#include "api/route_stats.h"
#include "base/stats.h"
#include "store/health.h"

#include <inttypes.h>

/* MLflow's tracing client sends spans to an endpoint of its own from 3.4 on; below it stores them as artifacts. */
#define PROTOCOL_VERSION "3.3.2"

static enum api_next
plain_text (struct api_call *call, const char *text)
{
  call->type = "text/plain; charset=utf-8";
  buffer_text (&call->reply, text);
  return API_DONE;
}

enum api_next
api_health (struct api_call *call)
{
  return plain_text (call, "OK");
}

enum api_next
api_version (struct api_call *call)
{
  return plain_text (call, PROTOCOL_VERSION);
}

enum api_next
api_server_info (struct api_call *call)
{
  struct json_write w;

  api_reply_start (&w, call);
  /* The word that MLflow's clients know for a server with a database. */
  json_write_member_text (&w, "store_type", "SqlStore");
  json_write_member_bool (&w, "workspaces_enabled", access_has_workspaces (call->service->access));
  json_write_member_text (&w, "tally_version", TALLY_VERSION);
  (void)api_reply_end (&w, call, &call->err);
  return API_DONE;
}

enum err_code
api_ready (struct api_call *call, struct err *err)
{
  struct json_write w;
  enum err_code code = store_ping (call->connection, err);

  if (ERR_OK != code)
    return code;
  api_reply_start (&w, call);
  json_write_member_text (&w, "status", "ready");
  return api_reply_end (&w, call, err);
}

enum api_next
api_metrics (struct api_call *call)
{
  static const char *const types[] = { "gauge", "counter", "counter" };
  enum
  {
    GAUGE,
    COUNTER,
    SECONDS
  };
  static const struct
  {
    _Atomic int64_t *figure;
    const char *name;
    int type;
    const char *doc;
  } table[] = {
#define STAT(field, name, type, doc) { &stats.field, name, type, doc },
#include "table/stats.def"
#undef STAT
  };

  call->type = "text/plain; version=0.0.4; charset=utf-8";
  stats_set (&stats.metric_queue, (int64_t)committer_waiting (call->service->metric_committer));
  stats_set (&stats.run_queue, (int64_t)committer_waiting (call->service->run_committer));
  for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
  {
    int64_t value = stats_get (table[i].figure);

    buffer_printf (&call->reply, "# HELP %s %s\n# TYPE %s %s\n%s ", table[i].name, table[i].doc, table[i].name,
                   types[table[i].type], table[i].name);
    if (SECONDS == table[i].type)
      buffer_printf (&call->reply, "%" PRId64 ".%06d\n", value / 1000000, (int)(value % 1000000));
    else
      buffer_printf (&call->reply, "%" PRId64 "\n", value);
  }
  route_stats_write (&call->reply);
  return API_DONE;
}
