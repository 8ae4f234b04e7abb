/* Runs a fuzz target without a fuzzer: every file of a corpus and simple mutations of each, the same ones every time.

   Usage: fuzz_X DIRECTORY-OR-FILE...
   Prints "N inputs". A property that does not hold aborts the process, after the input has been named; so does a
   corpus that is missing or empty, because such a replay proves nothing. */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of a file that mutations touch one by one; beyond, they are spread over the file. Keeps a replay to seconds. */
#define TOUCHED_BYTES 48

/* Put in place of a byte or before it: the ones that mean something in JSON, URLs, numbers and UTF-8. */
static const unsigned char telling_bytes[] = { 0x00, '\t', ' ', '"', '%', '+', ',',  '-',  '.',  '/',  '0',  '9', ':',
                                               '[',  '\\', ']', 'e', '{', '}', 0x7F, 0x80, 0xC3, 0xED, 0xF4, 0xFF };

static unsigned long inputs;
static char current[4096]; /* the file that is being run, for the report */

/* Name the input on the way down; only calls that are allowed in a signal handler. */
static void
report (int signal_number)
{
  static const char text[] = "failed on this file or on a mutation of it: ";

  if (write (STDERR_FILENO, text, sizeof (text) - 1) < 0 || write (STDERR_FILENO, current, strlen (current)) < 0
      || write (STDERR_FILENO, "\n", 1) < 0)
    _exit (EXIT_FAILURE);
  signal (signal_number, SIG_DFL);
  raise (signal_number);
}

static void *
allocate (size_t size)
{
  void *memory = malloc (size > 0 ? size : 1);

  REQUIRE (NULL != memory);
  return memory;
}

/* Run a copy of exactly this size, so that an address sanitizer sees the first byte too many. */
static void
run (const unsigned char *data, size_t size)
{
  uint8_t *copy = allocate (size);

  if (size > 0)
    memcpy (copy, data, size);
  LLVMFuzzerTestOneInput (copy, size);
  free (copy);
  inputs++;
}

/* Run `data` with the `cut` bytes at `at` replaced by the `len` bytes of `put`. */
static void
run_spliced (const unsigned char *data, size_t size, size_t at, size_t cut, const unsigned char *put, size_t len)
{
  unsigned char *changed = allocate (size - cut + len);

  memcpy (changed, data, at);
  memcpy (changed + at, put, len);
  memcpy (changed + at + len, data + at + cut, size - at - cut);
  run (changed, size - cut + len);
  free (changed);
}

static void
run_mutations (const unsigned char *data, size_t size)
{
  size_t step = size / TOUCHED_BYTES + 1;

  for (size_t at = 0; at < size; at += step)
  {
    unsigned char flipped = (unsigned char)(data[at] ^ 1U << at % 8);
    unsigned char telling = telling_bytes[(at / step + size) % sizeof (telling_bytes)];

    run (data, at);
    run (data + at, size - at);
    run_spliced (data, size, at, 1, data, 0);
    run_spliced (data, size, at, 1, &flipped, 1);
    run_spliced (data, size, at, 1, &telling, 1);
    run_spliced (data, size, at, 0, &telling, 1);
    run_spliced (data, size, at, 0, data + at, 1);
    /* The rest twice: repeats members, elements, pairs and segments. */
    run_spliced (data, size, size, 0, data + at, size - at);
  }
}

static void
run_file (const char *path)
{
  FILE *file = fopen (path, "rb");
  struct stat about;
  unsigned char *data;
  size_t size;

  if (NULL == file || 0 != fstat (fileno (file), &about))
  {
    fprintf (stderr, "%s: %s\n", path, strerror (errno));
    exit (EXIT_FAILURE);
  }
  size = (size_t)about.st_size;
  data = allocate (size);
  if (fread (data, 1, size, file) != size)
  {
    fprintf (stderr, "%s: cannot be read whole\n", path);
    exit (EXIT_FAILURE);
  }
  fclose (file);
  snprintf (current, sizeof (current), "%s", path);
  run (data, size);
  run_mutations (data, size);
  free (data);
}

static void
run_path (const char *path)
{
  struct dirent **entries;
  int count;
  struct stat about;

  if (0 == stat (path, &about) && ! S_ISDIR (about.st_mode))
  {
    run_file (path);
    return;
  }
  count = scandir (path, &entries, NULL, alphasort);
  if (count < 0)
  {
    fprintf (stderr, "%s: %s\n", path, strerror (errno));
    exit (EXIT_FAILURE);
  }
  for (int i = 0; i < count; i++)
  {
    char name[4096];

    if ('.' != entries[i]->d_name[0])
    {
      REQUIRE (snprintf (name, sizeof (name), "%s/%s", path, entries[i]->d_name) < (int)sizeof (name));
      run_file (name);
    }
    free (entries[i]);
  }
  free (entries);
}

int
main (int count, char **arguments)
{
  signal (SIGABRT, report);
  signal (SIGSEGV, report);
  for (int i = 1; i < count; i++)
    run_path (arguments[i]);
  printf ("%lu inputs\n", inputs);
  if (0 == inputs)
    fprintf (stderr, "usage: %s DIRECTORY-OR-FILE...\n", arguments[0]);
  return inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
