/* Records: what is logged, one by one, as it passes from the ring through the spool to the sender. */
#ifndef CLIENT_RECORD_H
#define CLIENT_RECORD_H

#include "tally/log.h"

#include "base/slice.h"

#include <string.h>

/* A run's id as bytes. */
struct run_key
{
  unsigned char bytes[16];
};

/* Whether both are of the same run. */
static inline bool
run_key_equal (const struct run_key *one, const struct run_key *other)
{
  return 0 == memcmp (one->bytes, other->bytes, sizeof (one->bytes));
}

/* A new random one (getrandom). False when the system has none. */
bool run_key_new (struct run_key *key);
void run_key_format (char text[TALLY_RUN_ID_BYTES], const struct run_key *key);
/* 32 hexadecimal digits, or the same with dashes as UUIDs have them. */
bool run_key_parse (struct run_key *key, const char *text);

enum record_kind
{
  RECORD_RUN = 1, /* start a run */
  RECORD_RESUME = 2, /* go on with one */
  RECORD_POINTS = 3,
  RECORD_PARAM = 4,
  RECORD_TAG = 5,
  RECORD_END = 6,
  RECORD_DATASET = 7
};

struct record_point
{
  struct slice key;
  double value;
  int64_t step;
  int64_t timestamp_ms;
  struct slice model_id; /* of the logged model that it is about; empty: none; these three are rare */
  struct slice dataset_name;
  struct slice dataset_digest;
};

/* Most points of a record that comes out of the spool: those of one request (MLflow's limit). */
#define RECORD_MAX_POINTS ((size_t)1000)

/* Longest key, model id, name or digest of a point in bytes: 500 characters of four bytes, and some. */
#define RECORD_MAX_KEY_BYTES ((size_t)4096)

/* Longest record of another kind, all its texts together: the frames of the spool have 32 MiB. */
#define RECORD_MAX_BYTES (((size_t)32 << 20) - 4096)

/* Slices are borrowed from whoever made the record. */
struct record
{
  enum record_kind kind;
  struct run_key run;
  int64_t time_ms; /* when it was logged */
  uint64_t entry; /* ordinal of its last entry in the stream, from 1: each point and each other record is one */
  union
  {
    struct
    {
      struct slice experiment_id; /* empty: by name */
      struct slice experiment; /* empty: "Default" */
      struct slice name; /* empty: the server chooses */
      struct slice parent; /* 32 digits, or empty */
      struct slice user;
    } start;
    struct
    {
      bool reopen;
    } resume;
    struct
    {
      const struct record_point *items;
      size_t count; /* 1 or more */
    } points;
    struct
    {
      struct slice key;
      struct slice value;
    } pair; /* PARAM and TAG */
    struct
    {
      enum tally_status status;
    } end;
    struct
    {
      struct slice json; /* one element of "datasets" of runs/log-inputs */
    } dataset;
  };
};

/* Most texts of a record that is not POINTS. */
#define RECORD_MAX_TEXTS 5

/* The texts of a record that is not POINTS, to read or to fill, in a fixed order; returns how many its kind has. */
size_t record_texts (struct slice *texts[RECORD_MAX_TEXTS], struct record *record);
/* What its kind has as a number: `reopen`, the status, else 0. */
unsigned record_number (const struct record *record);
/* False for a number that the kind does not have. */
bool record_set_number (struct record *record, unsigned number);
/* Entries that it is. */
size_t record_entries (const struct record *record);

#endif
