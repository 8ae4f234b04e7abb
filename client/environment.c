/* What surrounds this process, as tags. */
#include "environment.h"

#include "error.h"
#include "handle.h"
#include "name.h"
#include "secret.h"
#include "small_file.h"
#include "system_proc.h"

#include "base/utf8.h"

#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

/* All texts: each of at most RUN_TAG_VALUE_MAX of 4 bytes, copied twice. */
#define ARENA_BYTES ((size_t)8 * 1024 * 1024)
/* The kernel's limit for arguments is a quarter of the stack's; what is behind the first of them would be cut anyway.
 */
#define ARGUMENTS_BYTES ((size_t)16 * 1024 * 1024)
#define MEMINFO_BYTES ((size_t)64 * 1024)
#define MEGABYTE 1000000u

/* Variables that say which job and which rank of it this is: SLURM, PBS, LSF, Grid Engine, Flux; Open MPI, MPICH and
   PMIx, MVAPICH; torchrun; and which devices and threads it may use. */
static const char *const variables[] = {
  "SLURM_JOB_ID",
  "SLURM_JOB_NAME",
  "SLURM_CLUSTER_NAME",
  "SLURM_JOB_PARTITION",
  "SLURM_JOB_NODELIST",
  "SLURM_NNODES",
  "SLURM_NTASKS",
  "SLURM_PROCID",
  "SLURM_LOCALID",
  "SLURM_NODEID",
  "SLURM_ARRAY_JOB_ID",
  "SLURM_ARRAY_TASK_ID",
  "PBS_JOBID",
  "PBS_JOBNAME",
  "PBS_QUEUE",
  "PBS_ARRAY_INDEX",
  "LSB_JOBID",
  "LSB_JOBNAME",
  "LSB_QUEUE",
  "LSB_JOBINDEX",
  "SGE_TASK_ID",
  "FLUX_JOB_ID",
  "OMPI_COMM_WORLD_RANK",
  "OMPI_COMM_WORLD_LOCAL_RANK",
  "OMPI_COMM_WORLD_SIZE",
  "PMI_RANK",
  "PMI_SIZE",
  "PMIX_RANK",
  "MV2_COMM_WORLD_RANK",
  "MV2_COMM_WORLD_LOCAL_RANK",
  "MV2_COMM_WORLD_SIZE",
  "RANK",
  "LOCAL_RANK",
  "WORLD_SIZE",
  "CUDA_VISIBLE_DEVICES",
  "OMP_NUM_THREADS",
};

_Static_assert(sizeof (variables) / sizeof (variables[0]) + 12 <= ENVIRONMENT_MAX_TAGS, "room for all tags");

/* The tags while they are gathered. */
struct tags
{
  struct tally_pair *items;
  size_t count;
  struct arena *arena;
};

const char *
environment_clean (struct slice text, struct arena *arena)
{
  char *clean = arena_alloc (arena, text.len + 1);
  size_t length = 0;

  if (NULL == clean)
    return NULL;
  while (text.len > 0)
  {
    size_t sequence = utf8_sequence (text);
    unsigned char first = (unsigned char)text.data[0];

    if (1 == sequence)
      clean[length++] = first < ' ' || 0x7F == first ? ' ' : text.data[0];
    else if (sequence > 1)
    {
      memcpy (clean + length, text.data, sequence);
      length += sequence;
    }
    else
    {
      clean[length++] = '?';
      sequence = 1;
    }
    text = (struct slice){ text.data + sequence, text.len - sequence };
  }
  clean[utf8_cut ((struct slice){ clean, length }, RUN_TAG_VALUE_MAX).len] = '\0';
  return clean;
}

static void
put (struct tags *tags, const char *key, struct slice value)
{
  const char *clean = slice_filled (value) ? environment_clean (value, tags->arena) : NULL;

  if (NULL != clean && NULL != key && tags->count < ENVIRONMENT_MAX_TAGS)
    tags->items[tags->count++] = (struct tally_pair){ key, clean };
}

static void
put_number (struct tags *tags, const char *key, uint64_t number)
{
  char text[24];

  (void)snprintf (text, sizeof (text), "%llu", (unsigned long long)number);
  put (tags, key, slice_of (text));
}

static void
put_user (struct tags *tags)
{
  struct passwd entry;
  struct passwd *found = NULL;
  /* Longer entries than sysconf's hint of 1 kB exist, but not this long. */
  char *text = arena_alloc (tags->arena, 16384);

  if (NULL != text && 0 == getpwuid_r (geteuid (), &entry, text, 16384, &found) && NULL != found)
    put (tags, "mlflow.user", slice_of (found->pw_name));
  else
    put_number (tags, "mlflow.user", geteuid ());
}

static void
put_program (struct tags *tags)
{
  char path[PATH_MAX];
  ssize_t length = readlink ("/proc/self/exe", path, sizeof (path));
  struct buffer arguments;
  struct buffer shown;

  if (length > 0)
    put (tags, "mlflow.source.name", (struct slice){ path, (size_t)length });
  put (tags, "mlflow.source.type", SLICE ("LOCAL"));
  put_number (tags, "tally.process", (uint64_t)getpid ());
  if (NULL != getcwd (path, sizeof (path)))
    put (tags, "tally.folder", slice_of (path));
  buffer_init (&arguments, ARGUMENTS_BYTES);
  buffer_init (&shown, ARGUMENTS_BYTES);
  if (small_file_read (&arguments, "/proc/self/cmdline"))
    secret_put_arguments (&shown, buffer_slice (&arguments));
  if (! shown.failed)
    put (tags, "tally.arguments", buffer_slice (&shown));
  buffer_free (&shown);
  buffer_free (&arguments);
}

static void
put_machine (struct tags *tags)
{
  char host[HOST_NAME_MAX + 1] = "";
  struct utsname kernel;
  struct system_memory memory;
  struct buffer text;
  cpu_set_t cores;

  if (0 == gethostname (host, sizeof (host) - 1))
    put (tags, "tally.host", slice_of (host));
  if (0 == uname (&kernel))
    put (tags, "tally.kernel",
         slice_of (arena_printf (tags->arena, "%s %s %s", kernel.sysname, kernel.release, kernel.machine)));
  /* More cores than fit into the set make it fail. */
  if (0 == sched_getaffinity (0, sizeof (cores), &cores))
    put_number (tags, "tally.cores", (uint64_t)CPU_COUNT (&cores));
  else if (sysconf (_SC_NPROCESSORS_ONLN) > 0)
    put_number (tags, "tally.cores", (uint64_t)sysconf (_SC_NPROCESSORS_ONLN));
  buffer_init (&text, MEMINFO_BYTES);
  if (small_file_read (&text, "/proc/meminfo") && system_parse_memory (&memory, buffer_slice (&text)))
    put_number (tags, "tally.memory_megabytes", memory.total_bytes / MEGABYTE);
  buffer_free (&text);
#ifdef __clang__
  put (tags, "tally.compiler", SLICE (__VERSION__));
#else
  put (tags, "tally.compiler", SLICE ("GCC " __VERSION__));
#endif
}

size_t
environment_tags (struct tally_pair items[ENVIRONMENT_MAX_TAGS], struct arena *arena)
{
  struct tags tags = { items, 0, arena };

  put_user (&tags);
  put_program (&tags);
  put_machine (&tags);
  for (size_t i = 0; i < sizeof (variables) / sizeof (variables[0]); i++)
    put (&tags, arena_printf (arena, "tally.env.%s", variables[i]), slice_of (getenv (variables[i])));
  return tags.count;
}

enum tally_code
tally_capture_environment (struct tally_run *run, struct tally_error *err)
{
  struct tally_pair tags[ENVIRONMENT_MAX_TAGS];
  struct arena *arena;
  size_t count;
  enum tally_code code = run_check (run, err);

  if (TALLY_OK != code)
    return code;
  arena = arena_new (ARENA_BYTES);
  if (NULL == arena)
    return error_memory (err);
  count = environment_tags (tags, arena);
  code = arena_overflowed (arena) ? error_memory (err) : tally_set_tags (run, tags, count, err);
  arena_free (arena);
  return code;
}
