/* Metrics as requests hold them: the fast reading of clean requests, and the thorough one that explains what is wrong.
 */
#ifndef API_METRIC_REQUEST_H
#define API_METRIC_REQUEST_H

#include "api/decode.h"
#include "ingest/metric_flush.h"

/* One metric of a request, as decoded from its JSON tree. */
struct metric_request
{
  struct slice key;
  struct optional_double value;
  struct optional_int64 timestamp;
  struct optional_int64 step;
  struct slice model_id;
  struct slice dataset_name;
  struct slice dataset_digest;
};

extern const struct schema metric_request_schema;

/* Check a metric and turn it into an entry. `name_parameter` and `timestamp_parameter` name the fields in messages.
   Errors: INVALID_PARAMETER_VALUE. */
enum err_code metric_request_entry (struct metric_entry *entry, const struct metric_request *request,
                                    const char *name_parameter, const char *timestamp_parameter, struct arena *arena,
                                    struct err *err);

/* Whether points of models are among a write and it is not certain that the caller may write to them: then a worker
   asks (metric_require_models). Costs nothing where all objects are everybody's. */
bool metric_needs_worker (const struct api_call *call, const struct metric_write *write);

/* Refuse unless the caller may edit the models of some contexts. Errors: those of gate_require_models. */
enum err_code metric_require_models (struct api_call *call, const struct metric_link *links, size_t count,
                                     struct err *err);

/* Read a log-metric or log-batch body that is plain, valid and holds only metrics. False for anything else, which
   then goes the thorough way; nothing is decided here but that. Texts are borrowed from the body or the arena. */
bool metric_scan_single (struct metric_write *write, struct slice body, struct arena *arena);
bool metric_scan_batch (struct metric_write *write, struct slice body, size_t max_metrics, unsigned max_depth,
                        struct arena *arena);

#endif
