/* Measures the artifact store in a directory without HTTP and database: writing large and small contents, reading,
   verifying, completing an upload in parts; with the disk's own time beside it.

   Usage: blob [MEGABYTES]
   Every figure is the median of several passes. Memory is the peak of the whole process. */
#include "blob/blob.h"
#include "base/clock.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSES 3
/* What a caller hands over at once. */
#define PIECE_BYTES ((size_t)256 * 1024)
#define PART_BYTES ((int64_t)64 * 1000 * 1000)
#define SMALL_BYTES 1000
#define SMALL_COUNT 200

static char root[512];
static char piece[PIECE_BYTES];
static struct blob_store *blobs;

static void
check (enum err_code code, const struct err *err)
{
  if (ERR_OK == code)
    return;
  fprintf (stderr, "%s: %s\n", err->message, err->cause);
  exit (EXIT_FAILURE);
}

static void
check_call (bool succeeded, const char *what)
{
  if (succeeded)
    return;
  perror (what);
  exit (EXIT_FAILURE);
}

static int
remove_entry (const char *path, const struct stat *file, int type, struct FTW *walk)
{
  (void)file;
  (void)type;
  (void)walk;
  return remove (path);
}

/* Contents must differ: the first bytes are `number`. */
static void
stamp (uint64_t number)
{
  memcpy (piece, &number, sizeof (number));
}

static int
compare (const void *a, const void *b)
{
  double first = *(const double *)a;
  double second = *(const double *)b;

  return (first > second) - (first < second);
}

static double
median (double *values, size_t count)
{
  qsort (values, count, sizeof (*values), compare);
  return values[count / 2];
}

static double
seconds_since (uint64_t start_us)
{
  return (double)(clock_monotonic_us () - start_us) / 1e6;
}

static void
print_rate (const char *what, double *seconds, int64_t bytes)
{
  double middle = median (seconds, PASSES);

  printf ("%-44s %6.2f s  %5.2f GB/s\n", what, middle, (double)bytes / middle / 1e9);
  fflush (stdout);
}

/* The disk alone: the same bytes in the same pieces, not hashed. */
static void
measure_disk (int64_t bytes)
{
  double seconds[PASSES];
  char path[600];

  snprintf (path, sizeof (path), "%s/plain", root);
  for (unsigned pass = 0; pass < PASSES; pass++)
  {
    uint64_t start_us = clock_monotonic_us ();
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    check_call (fd >= 0, "open");
    for (int64_t done = 0; done < bytes; done += (int64_t)PIECE_BYTES)
      check_call ((ssize_t)PIECE_BYTES == write (fd, piece, PIECE_BYTES), "write");
    check_call (0 == fdatasync (fd), "fdatasync");
    close (fd);
    seconds[pass] = seconds_since (start_us);
    check_call (0 == unlink (path), "unlink");
  }
  print_rate ("the disk: write, fdatasync", seconds, bytes);
}

static void
write_pieces (struct blob_writer *writer, int64_t bytes, uint64_t number)
{
  struct err err = { 0 };

  for (int64_t done = 0; done < bytes; done += (int64_t)PIECE_BYTES)
  {
    stamp (number + (uint64_t)done);
    check (blob_write (writer, (struct slice){ piece, PIECE_BYTES }, &err), &err);
  }
}

static struct digest
write_content (int64_t *size_bytes, int64_t bytes, uint64_t number)
{
  struct blob_writer *writer;
  struct digest digest;
  struct err err = { 0 };

  check (blob_write_start (&writer, blobs, &err), &err);
  write_pieces (writer, bytes, number);
  check (blob_write_end (&digest, size_bytes, writer, &err), &err);
  check (blob_publish (writer, &err), &err);
  blob_writer_free (writer);
  return digest;
}

static void
measure_large (int64_t bytes)
{
  double writing[PASSES];
  double verifying[PASSES];
  double removing[PASSES];
  int64_t size_bytes = 0;
  struct err err = { 0 };

  for (unsigned pass = 0; pass < PASSES; pass++)
  {
    uint64_t start_us = clock_monotonic_us ();
    struct digest digest = write_content (&size_bytes, bytes, pass);
    bool intact;

    writing[pass] = seconds_since (start_us);
    start_us = clock_monotonic_us ();
    check (blob_verify (&intact, blobs, &digest, size_bytes, &err), &err);
    check_call (intact, "verify");
    verifying[pass] = seconds_since (start_us);
    start_us = clock_monotonic_us ();
    check (blob_remove (blobs, &digest, &err), &err);
    removing[pass] = seconds_since (start_us);
  }
  print_rate ("write: hash, fdatasync, rename, directory", writing, size_bytes);
  print_rate ("verify: read (cached), hash", verifying, size_bytes);
  printf ("%-44s %6.3f s\n", "remove", median (removing, PASSES));
}

static void
measure_parts (int64_t bytes)
{
  static struct blob_part parts[BLOB_PARTS_MAX];
  double seconds[PASSES];
  int64_t size_bytes = 0;

  for (unsigned pass = 0; pass < PASSES; pass++)
  {
    struct uuid upload_id;
    struct blob_writer *writer;
    struct digest digest;
    char name[BLOB_UPLOAD_NAME_BYTES];
    size_t count = 0;
    uint64_t start_us;
    struct err err = { 0 };

    check_call (uuid_random (&upload_id), "random");
    check (blob_upload_start (name, blobs, &upload_id, &err), &err);
    for (int64_t done = 0; done < bytes; done += PART_BYTES)
    {
      struct blob_part *part = &parts[count++];

      part->number = (int)count;
      check (blob_part_start (&writer, blobs, &upload_id, part->number, &err), &err);
      write_pieces (writer, bytes - done < PART_BYTES ? bytes - done : PART_BYTES, count << 40 | pass);
      check (blob_write_end (&digest, &part->size_bytes, writer, &err), &err);
      check (blob_publish (writer, &err), &err);
      blob_writer_free (writer);
      digest_format (part->etag, &digest);
    }
    start_us = clock_monotonic_us ();
    check (blob_upload_complete (&writer, &digest, &size_bytes, blobs, &upload_id, name, parts, count, &err), &err);
    check (blob_publish (writer, &err), &err);
    blob_writer_free (writer);
    check (blob_upload_drop (blobs, &upload_id, name, &err), &err);
    seconds[pass] = seconds_since (start_us);
    check (blob_remove (blobs, &digest, &err), &err);
  }
  print_rate ("complete: parts of 64 MB into one content", seconds, size_bytes);
}

static void
measure_small (void)
{
  static double plain[SMALL_COUNT];
  static double content[SMALL_COUNT];
  char path[600];

  snprintf (path, sizeof (path), "%s/plain", root);
  for (unsigned i = 0; i < SMALL_COUNT; i++)
  {
    struct blob_writer *writer;
    struct digest digest;
    int64_t size_bytes;
    uint64_t start_us = clock_monotonic_us ();
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct err err = { 0 };

    check_call (fd >= 0, "open");
    check_call (SMALL_BYTES == write (fd, piece, SMALL_BYTES), "write");
    check_call (0 == fdatasync (fd), "fdatasync");
    close (fd);
    plain[i] = seconds_since (start_us);
    start_us = clock_monotonic_us ();
    stamp (i);
    check (blob_write_start (&writer, blobs, &err), &err);
    check (blob_write (writer, (struct slice){ piece, SMALL_BYTES }, &err), &err);
    check (blob_write_end (&digest, &size_bytes, writer, &err), &err);
    check (blob_publish (writer, &err), &err);
    blob_writer_free (writer);
    content[i] = seconds_since (start_us);
  }
  printf ("%-44s %6.3f ms\n", "the disk: a file of 1 kB, fdatasync", 1000 * median (plain, SMALL_COUNT));
  printf ("%-44s %6.3f ms\n", "write a content of 1 kB", 1000 * median (content, SMALL_COUNT));
}

int
main (int argc, char **argv)
{
  const char *temporary = getenv ("TMPDIR");
  int64_t bytes = (argc > 1 ? strtoll (argv[1], NULL, 10) : 1000) * 1000 * 1000;
  struct config config = { .artifact_store = root };
  struct rusage usage;
  struct err err = { 0 };

  snprintf (root, sizeof (root), "%s/tally-blob-bench.XXXXXX", NULL == temporary ? "/tmp" : temporary);
  check_call (NULL != mkdtemp (root), "mkdtemp");
  check (blob_store_open (&blobs, &config, &err), &err);
  for (size_t i = 0; i < PIECE_BYTES; i++)
    piece[i] = (char)(i * 2654435761u >> 13);
  printf ("%lld MB in pieces of %zu kB, medians of %d\n", (long long)(bytes / 1000000), PIECE_BYTES / 1024, PASSES);
  measure_disk (bytes);
  measure_large (bytes);
  measure_parts (bytes);
  measure_small ();
  check_call (0 == getrusage (RUSAGE_SELF, &usage), "getrusage");
  printf ("%-44s %6.1f MB\n", "peak memory", (double)usage.ru_maxrss * 1024 / 1e6);
  blob_store_close (blobs);
  (void)nftw (root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  return EXIT_SUCCESS;
}
