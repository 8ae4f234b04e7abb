/* Records: ids of runs, and what the kinds of records have in common. */
#include "record.h"

#include "base/uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

bool
run_key_new (struct run_key *key)
{
  size_t done = 0;

  while (done < sizeof (key->bytes))
  {
    ssize_t got = getrandom (key->bytes + done, sizeof (key->bytes) - done, 0);

    if (got > 0)
      done += (size_t)got;
    else if (EINTR != errno)
      return false;
  }
  return true;
}

void
run_key_format (char text[TALLY_RUN_ID_BYTES], const struct run_key *key)
{
  struct uuid id;

  memcpy (id.bytes, key->bytes, sizeof (id.bytes));
  uuid_format (text, &id);
}

bool
run_key_parse (struct run_key *key, const char *text)
{
  struct uuid id;

  if (! uuid_parse_given (&id, slice_of (text)))
    return false;
  memcpy (key->bytes, id.bytes, sizeof (key->bytes));
  return true;
}

size_t
record_texts (struct slice *texts[RECORD_MAX_TEXTS], struct record *record)
{
  switch (record->kind)
  {
  case RECORD_RUN:
    texts[0] = &record->start.experiment_id;
    texts[1] = &record->start.experiment;
    texts[2] = &record->start.name;
    texts[3] = &record->start.parent;
    texts[4] = &record->start.user;
    return 5;
  case RECORD_PARAM:
  case RECORD_TAG:
    texts[0] = &record->pair.key;
    texts[1] = &record->pair.value;
    return 2;
  case RECORD_DATASET:
    texts[0] = &record->dataset.json;
    return 1;
  case RECORD_RESUME:
  case RECORD_POINTS:
  case RECORD_END:
    return 0;
  }
  return 0;
}

unsigned
record_number (const struct record *record)
{
  if (RECORD_RESUME == record->kind)
    return record->resume.reopen;
  return RECORD_END == record->kind ? (unsigned)record->end.status : 0;
}

bool
record_set_number (struct record *record, unsigned number)
{
  if (RECORD_RESUME == record->kind)
    record->resume.reopen = 1 == number;
  else if (RECORD_END == record->kind)
    record->end.status = (enum tally_status)number;
  if (RECORD_END == record->kind)
    return number >= TALLY_STATUS_RUNNING && number <= TALLY_STATUS_KILLED;
  return number <= (RECORD_RESUME == record->kind);
}

size_t
record_entries (const struct record *record)
{
  return RECORD_POINTS == record->kind ? record->points.count : 1;
}
