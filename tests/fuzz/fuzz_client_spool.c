/* A stream of the client whose files hold any bytes: it is taken over and read without harm, in order, to its end. */
#include "fuzz.h"

#include "spool_inside.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void
write_file (const char *name, const void *data, size_t bytes)
{
  char path[128];
  int file;

  snprintf (path, sizeof (path), "%s/%s", folder, name);
  file = open (path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  REQUIRE (file >= 0);
  REQUIRE (write (file, data, bytes) == (ssize_t)bytes);
  close (file);
}

static void
remove_file (const char *name)
{
  char path[128];

  snprintf (path, sizeof (path), "%s/%s", folder, name);
  unlink (path);
}

static void
clean (void)
{
  static const char *const names[] = { "1.segment", "2.segment",     "1.damaged", "notes",
                                       "notes.new", "notes.damaged", "lock",      "stream.json" };

  for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++)
    remove_file (names[i]);
}

static void
clean_up (void)
{
  clean ();
  rmdir (folder);
}

/* The folder as a process that is gone left it. */
static void
prepare (void)
{
  static const char stream[] = "{\"format\":1,\"server\":\"http://server\",\"host\":\"other\",\"process\":1}";

  if ('\0' == folder[0])
  {
    strcpy (folder, 0 == access ("/dev/shm", W_OK) ? "/dev/shm/fuzz-spool-XXXXXX" : "/tmp/fuzz-spool-XXXXXX");
    REQUIRE (NULL != mkdtemp (folder));
    atexit (clean_up);
  }
  mkdir (folder, 0700);
  clean ();
  write_file ("stream.json", stream, sizeof (stream) - 1);
  write_file ("lock", "", 0);
}

static size_t
touch (struct slice text)
{
  size_t sum = 0;

  for (size_t i = 0; i < text.len; i++)
    sum += (unsigned char)text.data[i];
  return sum;
}

static void
check_record (const struct record *record)
{
  struct record copy = *record;
  struct slice *texts[RECORD_MAX_TEXTS];
  size_t count = record_texts (texts, &copy);
  size_t sum = 0;

  REQUIRE (record->kind >= RECORD_RUN && record->kind <= RECORD_DATASET);
  for (size_t i = 0; i < count; i++)
    sum += touch (*texts[i]);
  if (RECORD_POINTS == record->kind)
    REQUIRE (record->points.count > 0 && record->points.count <= RECORD_MAX_POINTS);
  for (size_t i = 0; RECORD_POINTS == record->kind && i < record->points.count; i++)
    sum += touch (record->points.items[i].key) + touch (record->points.items[i].dataset_digest);
  REQUIRE (sum < SIZE_MAX);
}

/* Read all; acknowledge every third record, and pass over the run of every fifth. */
static void
read_all (struct spool *spool)
{
  const struct record *record;
  uint64_t entry = spool_acked (spool);
  unsigned count = 0;

  for (;;)
  {
    REQUIRE (TALLY_OK == spool_next (&record, spool, NULL));
    if (NULL == record)
      break;
    REQUIRE (record->entry > entry && record->entry <= spool_last (spool));
    entry = record->entry;
    check_record (record);
    if (0 == ++count % 3)
      REQUIRE (TALLY_OK == spool_ack (spool, entry, NULL));
    else if (0 == count % 5)
    {
      struct run_key left = record->run;

      REQUIRE (TALLY_OK == spool_pass (spool, entry, &left, 1, NULL));
      REQUIRE (spool_acked (spool) < entry);
    }
  }
}

/* Take the stream over twice: what the first one found, cut and wrote is right for the second one. */
static void
run (void)
{
  struct spool_settings settings = { .folder = "/nowhere", .server = "", .memory_bytes = 1000000 };
  uint64_t torn = 0;
  uint64_t last;
  struct spool *spool;
  struct tally_error err;
  enum tally_code code = spool_adopt (&spool, folder, &settings, &torn, &err);

  if (TALLY_OK != code)
  {
    REQUIRE (TALLY_ERROR_PROTOCOL == code && NULL == spool);
    return;
  }
  read_all (spool);
  REQUIRE (TALLY_OK == spool_note (spool, "key", "value", false, NULL));
  last = spool_last (spool);
  spool_close (spool, true);
  REQUIRE (TALLY_OK == spool_adopt (&spool, folder, &settings, &torn, &err));
  REQUIRE (0 == torn);
  REQUIRE (spool_last (spool) <= last);
  REQUIRE (0 == strcmp (spool_noted (spool, "key"), "value"));
  read_all (spool);
  spool_close (spool, false);
}

/* The input as payloads: pieces, each behind a byte that tells its length. */
static void
frame_pieces (struct buffer *out, const uint8_t *data, size_t size)
{
  while (size > 1)
  {
    size_t len = data[0] < size - 1 ? data[0] : size - 1;
    size_t begin = frame_begin (out);

    buffer_append (out, data + 1, len);
    if (! frame_end (out, begin))
      out->len = begin;
    data += 1 + len;
    size -= 1 + len;
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct segment segment = { .number = 1, .first_entry = 1 };
  unsigned char head[SEGMENT_HEAD_BYTES];
  bool notes = size > 0 && 'n' == data[0];
  struct buffer out;

  if (0 == size)
    return 0;
  /* As it is. */
  prepare ();
  write_file (notes ? "notes" : "1.segment", data + 1, size - 1);
  run ();
  /* Chance does not find a check sum: the same as what is in frames. */
  buffer_init (&out, 2 * size + 16 * FRAME_HEAD_BYTES * (size + 16));
  segment_head_write (head, &segment);
  if (! notes)
    buffer_append (&out, head, sizeof (head));
  frame_pieces (&out, data + 1, size - 1);
  prepare ();
  write_file (notes ? "notes" : "1.segment", NULL == out.data ? "" : out.data, out.len);
  run ();
  buffer_free (&out);
  return 0;
}
