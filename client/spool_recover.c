/* Recovery: which segments a stream has, and up to where each is whole. */
#include "spool_inside.h"

#include "error.h"

#include "base/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* More segments than this are 8 TiB: somebody made them up. */
#define SEGMENTS_MAX ((size_t)1 << 20)

/* The number of "N.segment"; false for every other name. */
static bool
parse_name (int64_t *number, const char *name)
{
  char again[SEGMENT_NAME_BYTES];
  const char *dot = strchr (name, '.');

  if (NULL == dot || ! number_parse_int64 ((struct slice){ name, (size_t)(dot - name) }, number) || *number <= 0)
    return false;
  segment_name (again, (uint64_t)*number);
  return 0 == strcmp (again, name);
}

static enum tally_code
add_number (int64_t **numbers, size_t *count, int64_t number, struct tally_error *err)
{
  int64_t *more = *numbers;

  /* Room doubles when the count is a power of two. */
  if (0 == (*count & (*count - 1)))
    more = realloc (*numbers, (0 == *count ? 1 : 2 * *count) * sizeof (**numbers));
  if (NULL == more || *count >= SEGMENTS_MAX)
    return error_memory (err);
  *numbers = more;
  more[(*count)++] = number;
  return TALLY_OK;
}

/* The numbers of the segments, sorted. Free with free(). */
static enum tally_code
list_segments (int64_t **numbers, size_t *count, const struct spool *spool, struct tally_error *err)
{
  enum tally_code code = TALLY_OK;
  int file = openat (spool->folder_file, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = file < 0 ? NULL : fdopendir (file);
  const struct dirent *entry;
  int64_t number;

  *numbers = NULL;
  *count = 0;
  if (NULL == folder)
  {
    code = error_file (err, errno, "%s", spool->folder);
    if (file >= 0)
      close (file);
    return code;
  }
  while (TALLY_OK == code && NULL != (entry = readdir (folder)))
    if (parse_name (&number, entry->d_name))
      code = add_number (numbers, count, number, err);
  closedir (folder);
  if (*count > 0)
    qsort (*numbers, *count, sizeof (**numbers), number_compare_int64_items);
  return code;
}

/* Count the entries of whole frames; `reader` stands behind the last one afterwards. */
static enum frame_verdict
count_frames (uint64_t *entries, struct frame_reader *reader, uint64_t end)
{
  enum frame_verdict verdict;
  struct slice payload;

  *entries = 0;
  while (FRAME_GOOD == (verdict = frame_next (&payload, reader, end)))
    *entries += record_count_encoded (payload);
  return verdict;
}

/* Cut what a crash left behind the last whole frame; a segment without one is removed. */
static void
cut (struct spool *spool, struct segment *segment, int file)
{
  char name[SEGMENT_NAME_BYTES];

  /* When it cannot be cut, readers stop there all the same. */
  if (segment->bytes > SEGMENT_HEAD_BYTES && 0 != ftruncate (file, (off_t)segment->bytes))
    segment->kept = true;
  if (segment->bytes > SEGMENT_HEAD_BYTES)
    return;
  segment_name (name, segment->number);
  unlinkat (spool->folder_file, name, 0);
  segment->bytes = 0;
}

/* What reading a segment for the first time found. */
struct scan
{
  enum frame_verdict verdict;
  uint64_t first_entry;
  uint64_t entries;
  uint64_t good; /* bytes that are whole */
  uint32_t format;
};

static void
scan_segment (struct scan *scan, int file, uint64_t number, uint64_t after, uint64_t size)
{
  struct frame_reader reader;
  struct slice head;
  uint64_t number_in_it = 0;

  *scan = (struct scan){ .first_entry = after + 1, .format = SPOOL_FORMAT };
  frame_reader_init (&reader, frame_from_file, &file);
  scan->verdict = frame_raw (&head, &reader, SEGMENT_HEAD_BYTES, size);
  if (FRAME_GOOD == scan->verdict)
  {
    uint64_t first_entry = 0;

    if (! segment_head_read (&number_in_it, &first_entry, &scan->format, head.data) || number_in_it != number
        || first_entry <= after || first_entry > (uint64_t)INT64_MAX)
      scan->verdict = FRAME_DAMAGED;
    else
    {
      scan->first_entry = first_entry;
      scan->verdict = count_frames (&scan->entries, &reader, size);
      scan->good = reader.offset;
    }
  }
  frame_reader_free (&reader);
}

/* Put the segment that was scanned into the list. */
static enum tally_code
add_scanned (struct spool *spool, const struct scan *scan, int file, uint64_t number, uint64_t size,
             uint64_t *torn_bytes, struct tally_error *err)
{
  struct segment *segment;

  if (FRAME_NO_MEMORY == scan->verdict)
    return error_memory (err);
  if (FRAME_FAILED == scan->verdict)
    return error_file (err, errno, "%s: cannot read segment %llu", spool->folder, (unsigned long long)number);
  if (scan->format > SPOOL_FORMAT)
    return error_set (err, TALLY_ERROR_PROTOCOL, "%s was written by a newer version.", spool->folder);
  segment = segment_add (spool, number, scan->first_entry);
  if (NULL == segment)
    return error_memory (err);
  segment->last_entry = scan->first_entry - 1 + scan->entries;
  segment->bytes = scan->good;
  segment->closed = true;
  if (FRAME_DAMAGED == scan->verdict)
  {
    segment->kept = true;
    atomic_fetch_add (&spool->damaged_bytes, size - scan->good);
  }
  if (FRAME_TORN == scan->verdict)
  {
    *torn_bytes += size - scan->good;
    cut (spool, segment, file);
  }
  atomic_fetch_add (&spool->disk_bytes, segment->bytes);
  atomic_store (&spool->last, segment->last_entry);
  return TALLY_OK;
}

static enum tally_code
recover_segment (struct spool *spool, uint64_t number, uint64_t *torn_bytes, struct tally_error *err)
{
  char name[SEGMENT_NAME_BYTES];
  enum tally_code code = TALLY_OK;
  struct segment *before = spool->last_segment;
  struct stat status;
  struct scan scan;
  int file;

  segment_name (name, number);
  file = openat (spool->folder_file, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0 && (EACCES == errno || EROFS == errno))
    file = openat (spool->folder_file, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0 || 0 != fstat (file, &status))
    code = error_file (err, errno, "%s/%s", spool->folder, name);
  else
  {
    scan_segment (&scan, file, number, spool_last (spool), (uint64_t)status.st_size);
    code = add_scanned (spool, &scan, file, number, (uint64_t)status.st_size, torn_bytes, err);
    /* What is missing before it was lost with the end of the one before. */
    if (TALLY_OK == code && NULL != before && before->kept)
      before->last_entry = scan.first_entry - 1;
  }
  if (file >= 0)
    close (file);
  return code;
}

enum tally_code
segments_recover (struct spool *spool, uint64_t *torn_bytes, struct tally_error *err)
{
  int64_t *numbers;
  size_t count;
  enum tally_code code = list_segments (&numbers, &count, spool, err);

  for (size_t i = 0; i < count && TALLY_OK == code; i++)
    code = recover_segment (spool, (uint64_t)numbers[i], torn_bytes, err);
  if (count > 0)
    spool->next_number = (uint64_t)numbers[count - 1] + 1;
  free (numbers);
  /* Entries that the disk lost though they were sent: their numbers are not given again. */
  if (spool_last (spool) < spool_acked (spool))
    atomic_store (&spool->last, spool_acked (spool));
  if (spool_last (spool) < spool->notes.passed)
    atomic_store (&spool->last, spool->notes.passed);
  return code;
}
