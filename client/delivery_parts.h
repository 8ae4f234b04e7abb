/* Parts of delivery: the window of records, requests of their own, and batches. */
#ifndef CLIENT_DELIVERY_PARTS_H
#define CLIENT_DELIVERY_PARTS_H

#include "delivery.h"

#include "base/buffer.h"

#include <jansson.h>

/* One record of the window, and how many of its entries are in a batch or done. */
struct item
{
  struct record record; /* borrowed from the spool until it is acknowledged */
  size_t taken; /* entries: points, or 1 */
};

/* Entries `first` to `first + count - 1` of an item. */
struct piece
{
  struct item *item;
  size_t first;
  size_t count;
};

/* Entries `begin` to `end - 1` of a batch. */
struct range
{
  size_t begin;
  size_t end;
};

/* MLflow: at most 1,000 entries in a batch. */
#define BATCH_MAX_ENTRIES 1000

/* A range is halved until it is one entry: log2 (1000) times, and each time one more waits. */
#define BATCH_MAX_RANGES 16

/* Points, params and tags of one run that are sent together. */
struct batch
{
  struct run_key run;
  char id[TALLY_RUN_ID_BYTES]; /* the server's */
  struct piece pieces[BATCH_MAX_ENTRIES];
  size_t piece_count;
  size_t entries;
  struct range ranges[BATCH_MAX_RANGES]; /* still to be sent, the last one first */
  size_t range_count; /* 0: nothing to send */
  bool encoded; /* `body` is that of the last range */
  bool run_checked; /* the run is there: what was refused are single entries */
  int64_t failing_since_ms; /* the server has failed at it (500) since then; 0: it has not */
  struct buffer body;
};

/* An experiment whose id is known. */
struct known_experiment
{
  struct known_experiment *next;
  char id[24];
  char name[];
};

/* A run that nobody knows yet, with its records. */
struct held_run;

struct delivery
{
  struct delivery_settings settings;
  struct item *window; /* room for what comes from the spool */
  struct item *released; /* what a held run had, while it is sent; owned; NULL: none */
  struct item *items; /* one of both: what is being sent */
  uint64_t read; /* last entry that came from the spool */
  struct held_run *held;
  size_t held_count;
  size_t held_bytes;
  size_t count;
  size_t next; /* all before it are taken */
  struct batch *current; /* being sent */
  struct batch *ahead; /* encoded meanwhile */
  struct buffer params; /* parts of a body, while it is encoded */
  struct buffer tags;
  struct buffer prefix;
  struct buffer body; /* of requests that are no batch */
  struct buffer path;
  struct known_experiment *experiments;
  bool keeps_ids; /* the server has taken an id of ours: creating twice is harmless */
  bool proven; /* the server has answered as one of the kind does */
  int64_t retry_after_ms;
  uint64_t sent;
};

/* --- delivery_ask.c: requests --- */

/* Send and parse the answer: `*object` (NULL: not wanted) is a new reference. A 2xx that is no JSON object is
   PROTOCOL. */
enum tally_code delivery_ask (json_t **object, struct delivery *delivery, const struct transport_request *request,
                              struct tally_error *err);
/* GET of delivery->path, and POST of delivery->body. Errors: MEMORY when either is broken, else as delivery_ask. */
enum tally_code delivery_get (json_t **object, struct delivery *delivery, struct tally_error *err);
enum tally_code delivery_post (json_t **object, struct delivery *delivery, const char *path, struct tally_error *err);

/* --- delivery_run.c: runs and what belongs to them --- */

enum tally_code delivery_create_run (struct delivery *delivery, const struct record *record, struct tally_error *err);
enum tally_code delivery_resume_run (struct delivery *delivery, const struct record *record, struct tally_error *err);
enum tally_code delivery_finish_run (struct delivery *delivery, const struct record *record, struct tally_error *err);
enum tally_code delivery_dataset (struct delivery *delivery, const struct record *record, struct tally_error *err);

/* OK when the run can be logged to; REFUSED (with the status 400) or NOT_FOUND (404) when it cannot. */
enum tally_code delivery_check_run (struct delivery *delivery, const char *id, struct tally_error *err);

/* Whether the server takes something for the run (`id`: the server's): the tag that it has already. */
bool delivery_takes_tag (struct delivery *delivery, const struct run_key *run, const char *id);

/* --- delivery_experiment.c --- */

/* The id of the experiment that a run is started in; made when there is none. */
enum tally_code delivery_experiment (char id[24], struct delivery *delivery, const struct record *start,
                                     struct tally_error *err);
void delivery_forget_experiments (struct delivery *delivery);
/* All experiments that are there, as a JSON array of ids. A new reference. */
enum tally_code delivery_all_experiments (json_t **ids, struct delivery *delivery, struct tally_error *err);

/* --- delivery_held.c: runs that are not there yet --- */

/* Whether records of the run wait. */
bool delivery_is_held (const struct delivery *delivery, const struct run_key *run);
/* Take all that is left of the run out of the window, to wait. `why`: of the try that failed; NULL: there was none.
   False, and nothing is changed, when memory is out or too many runs wait. */
bool delivery_hold (struct delivery *delivery, const struct run_key *run, const struct tally_error *why);
/* Take all records of such runs out of the window, which came from the spool; it may be empty then. Errors: MEMORY. */
enum tally_code delivery_leave_held (struct delivery *delivery, struct tally_error *err);
/* So much waits that nothing more is to be read. */
bool delivery_held_full (const struct delivery *delivery);
/* Try the runs whose time has come; the window, which is empty, has the records of the first one that is there. */
enum tally_code delivery_try_held (struct delivery *delivery, struct tally_error *err);
/* Why records wait, when some do. */
enum tally_code delivery_held_error (const struct delivery *delivery, struct tally_error *err);
/* The window is done. Should the disk not take that, its records are sent once more after a crash. */
void delivery_pass (struct delivery *delivery);
void delivery_free_held (struct delivery *delivery);

/* --- delivery_batch.c --- */

#define DELIVERY_BATCH_PATH "/api/2.0/mlflow/runs/log-batch"

/* Errors: MEMORY. */
enum tally_code batch_new (struct batch **batch, struct tally_error *err);
void batch_free (struct batch *batch);

/* Gather from the window, beginning with the item `first`, whose record is one of points, a param or a tag. */
void batch_gather (struct batch *batch, struct delivery *delivery, size_t first);

/* Write the body of the last range. Errors: MEMORY. */
enum tally_code batch_encode (struct batch *batch, struct delivery *delivery, struct tally_error *err);

/* Send the last range; what is refused is halved, and single entries that are refused are given up. */
enum tally_code batch_send (struct batch *batch, struct delivery *delivery, struct tally_error *err);

bool batch_takes (enum record_kind kind);

/* --- delivery.c --- */

/* For transport_request.meanwhile: encode the batch behind the current one. */
void delivery_meanwhile (void *delivery);

/* Bytes of texts that a record has, about. */
size_t delivery_text_bytes (const struct record *record);

/* A whole record that is sent by itself, or given up. */
enum tally_code delivery_send_single (struct delivery *delivery, struct item *item, struct tally_error *err);

/* Give up a record (of one point, or one that has no points). */
void delivery_reject (struct delivery *delivery, const struct record *record, const struct tally_error *why);

#endif
