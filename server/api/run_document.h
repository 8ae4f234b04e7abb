/* Runs as JSON documents: info, data with latest metrics, inputs and outputs. */
#ifndef API_RUN_DOCUMENT_H
#define API_RUN_DOCUMENT_H

#include "api/json.h"
#include "ingest/series.h"
#include "store/run.h"

/* A piece of the pre-rendered JSON of a page's inputs or outputs. */
struct document_range
{
  size_t start;
  size_t end;
};

/* What belongs to a page of runs besides their rows. */
struct run_extras
{
  struct latest_point *latest; /* ordered by run */
  size_t latest_count;
  struct buffer rendered; /* items of lists, comma-separated, one range per run and list */
  struct document_range *datasets;
  struct document_range *input_models;
  struct document_range *output_models;
};

/* What of runs is shown, besides their info. */
struct run_projection
{
  bool everything; /* the members below do not count */
  bool metrics; /* all of them */
  bool params;
  bool tags;
  bool inputs;
  bool outputs;
  const struct slice *metric_keys; /* those that are shown when not all are; sorted, distinct */
  size_t metric_count;
  const struct slice *param_keys;
  size_t param_count;
  const struct slice *tag_keys;
  size_t tag_count;
};

extern const struct run_projection run_projection_everything;

/* Read what belongs to `runs`, whose ids are distinct, with as few questions as one run needs. Inside a snapshot the
   parts agree. The caller frees with run_extras_free, also after a failure. */
enum err_code run_extras_load (struct run_extras *extras, struct api_call *call, const struct store_run *runs,
                               size_t count, const struct run_projection *projection, struct err *err);
void run_extras_free (struct run_extras *extras);

/* Write the run at `index` of the page. `extras` NULL: a run that is just made, without metrics, inputs and outputs.
   Runs are to be written in order: `next_latest` starts at 0 and is kept between the calls. */
void run_document_write (struct json_write *w, const struct store_run *run, const struct run_extras *extras,
                         size_t index, size_t *next_latest, const struct run_projection *projection,
                         struct arena *arena);

/* Only the info part. */
void run_info_write (struct json_write *w, const struct store_run *run);

#endif
