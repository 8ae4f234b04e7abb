/* One look at the machine. */
#include "system_sample.h"

#include "small_file.h"

#include "base/clock.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* MLflow's megabytes. */
#define MEGABYTE 1e6
/* Of one file of /proc: /proc/stat has a line for each processor and a number for each interrupt, /proc/net/dev a line
   for each interface. */
#define FILE_MAX_BYTES ((size_t)4 * 1024 * 1024)
/* Processes that are looked at to find the children of one: the kernel's own limit (PID_MAX_LIMIT). */
#define PROCESS_MAX_COUNT ((size_t)4 * 1024 * 1024)

const struct sample_source sample_machine = { "/proc", "/sys/fs/cgroup", NVIDIA_LIBRARY };

/* The values of a sample while it is taken. */
struct sample
{
  struct tally_value *values;
  size_t count;
};

static void
put (struct sample *sample, const char *key, double value)
{
  sample->values[sample->count++] = (struct tally_value){ key, value };
}

/* --- processor and network --- */

static void
put_cpu (struct sample *sample, struct sampler *sampler, struct buffer *text)
{
  struct system_cpu now;

  if (! small_file_read_format (text, "%s/stat", sampler->source->proc)
      || ! system_parse_cpu (&now, buffer_slice (text)))
    return;
  /* Counters may step back a little when a processor goes off line. */
  if (sampler->has_cpu && now.total_ticks > sampler->cpu.total_ticks && now.busy_ticks >= sampler->cpu.busy_ticks)
    put (sample, "system/cpu_utilization_percentage",
         100.0 * (double)(now.busy_ticks - sampler->cpu.busy_ticks)
             / (double)(now.total_ticks - sampler->cpu.total_ticks));
  sampler->cpu = now;
  sampler->has_cpu = true;
}

static void
put_network (struct sample *sample, struct sampler *sampler, struct buffer *text)
{
  struct system_network now;

  if (! small_file_read_format (text, "%s/net/dev", sampler->source->proc)
      || ! system_parse_network (&now, buffer_slice (text)))
    return;
  if (! sampler->has_network)
    sampler->network = now;
  sampler->has_network = true;
  /* An interface may have gone with its numbers. */
  if (now.received_bytes < sampler->network.received_bytes || now.sent_bytes < sampler->network.sent_bytes)
    sampler->network = now;
  put (sample, "system/network_receive_megabytes",
       (double)(now.received_bytes - sampler->network.received_bytes) / MEGABYTE);
  put (sample, "system/network_transmit_megabytes", (double)(now.sent_bytes - sampler->network.sent_bytes) / MEGABYTE);
}

/* --- memory and disk --- */

/* The limit of a control group and what it uses of it, without the files that the kernel would give up; false when it
   has none. */
static bool
read_group (struct system_memory *memory, const struct sampler *sampler, struct slice path, struct buffer *text)
{
  const char *root = sampler->source->cgroup;
  uint64_t inactive = 0;
  bool ok;

  ok = small_file_read_format (text, "%s%.*s/memory.max", root, (int)path.len, path.data)
       && system_parse_number (&memory->total_bytes, buffer_slice (text)) && memory->total_bytes > 0;
  buffer_clear (text);
  ok = ok && small_file_read_format (text, "%s%.*s/memory.current", root, (int)path.len, path.data)
       && system_parse_number (&memory->used_bytes, buffer_slice (text));
  buffer_clear (text);
  if (ok && small_file_read_format (text, "%s%.*s/memory.stat", root, (int)path.len, path.data))
    (void)system_parse_named (&inactive, buffer_slice (text), "inactive_file");
  buffer_clear (text);
  if (ok)
    memory->used_bytes -= inactive < memory->used_bytes ? inactive : memory->used_bytes;
  return ok;
}

/* The narrowest limit above this process, when it is below what the machine has: a container's memory. */
static void
apply_groups (struct system_memory *memory, const struct sampler *sampler, struct buffer *text)
{
  char path[PATH_MAX];
  struct slice found;
  size_t length = 0;

  if (small_file_read_format (text, "%s/self/cgroup", sampler->source->proc)
      && system_parse_cgroup (&found, buffer_slice (text)) && found.len < sizeof (path))
  {
    memcpy (path, found.data, found.len);
    length = found.len;
  }
  buffer_clear (text);
  for (;;)
  {
    struct system_memory group;

    while (length > 0 && '/' == path[length - 1])
      length--;
    if (read_group (&group, sampler, (struct slice){ path, length }, text) && group.total_bytes < memory->total_bytes)
      *memory = group;
    if (0 == length)
      return;
    while (length > 0 && '/' != path[length - 1])
      length--;
  }
}

static void
put_memory (struct sample *sample, const struct sampler *sampler, struct buffer *text)
{
  struct system_memory memory;

  if (! small_file_read_format (text, "%s/meminfo", sampler->source->proc)
      || ! system_parse_memory (&memory, buffer_slice (text)))
    return;
  buffer_clear (text);
  apply_groups (&memory, sampler, text);
  put (sample, "system/system_memory_usage_megabytes", (double)memory.used_bytes / MEGABYTE);
  put (sample, "system/system_memory_usage_percentage", 100.0 * (double)memory.used_bytes / (double)memory.total_bytes);
}

/* The file system of /, as MLflow looks at it. */
static void
put_disk (struct sample *sample)
{
  struct statvfs disk;
  double unit;
  double used;
  double available;

  if (0 != statvfs ("/", &disk) || disk.f_bfree > disk.f_blocks)
    return;
  unit = (double)disk.f_frsize;
  used = (double)(disk.f_blocks - disk.f_bfree) * unit;
  available = (double)disk.f_bavail * unit;
  put (sample, "system/disk_usage_megabytes", used / MEGABYTE);
  put (sample, "system/disk_available_megabytes", available / MEGABYTE);
  if (used + available > 0)
    put (sample, "system/disk_usage_percentage", 100.0 * used / (used + available));
}

/* --- processes --- */

struct process
{
  int64_t id;
  struct system_process stat;
  bool counts; /* is the one that is asked for, or below it */
};

struct processes
{
  struct process *items;
  size_t count;
  size_t capacity;
};

static bool
read_process (struct system_process *process, const char *proc, const char *id, struct buffer *text)
{
  bool ok =
      small_file_read_format (text, "%s/%s/stat", proc, id) && system_parse_process (process, buffer_slice (text));

  buffer_clear (text);
  return ok;
}

static bool
add_process (struct processes *processes, const struct process *process)
{
  if (processes->count == processes->capacity)
  {
    size_t capacity = 0 == processes->capacity ? 256 : 2 * processes->capacity;
    struct process *items =
        capacity > PROCESS_MAX_COUNT ? NULL : realloc (processes->items, capacity * sizeof (*items));

    if (NULL == items)
      return false;
    processes->items = items;
    processes->capacity = capacity;
  }
  processes->items[processes->count++] = *process;
  return true;
}

static void
read_processes (struct processes *processes, const char *proc, int64_t wanted, struct buffer *text)
{
  DIR *folder = opendir (proc);
  const struct dirent *entry;

  while (NULL != folder && NULL != (entry = readdir (folder)))
  {
    struct process process = { .id = 0 };
    uint64_t id;

    if (! system_parse_number (&id, slice_of (entry->d_name)) || id > INT64_MAX
        || ! read_process (&process.stat, proc, entry->d_name, text))
      continue;
    process.id = (int64_t)id;
    process.counts = process.id == wanted;
    if (! add_process (processes, &process))
      break;
  }
  if (NULL != folder)
    (void)closedir (folder);
}

static int
compare_processes (const void *a, const void *b)
{
  const struct process *one = a;
  const struct process *other = b;

  return (one->id > other->id) - (one->id < other->id);
}

/* Mark the children of what is marked until none is added: as often as the tree is deep. */
static void
mark_children (struct processes *processes)
{
  bool added = processes->count > 0;

  if (added)
    qsort (processes->items, processes->count, sizeof (*processes->items), compare_processes);
  while (added)
  {
    added = false;
    for (size_t i = 0; i < processes->count; i++)
    {
      struct process *process = &processes->items[i];
      const struct process key = { .id = process->stat.parent };
      const struct process *parent =
          bsearch (&key, processes->items, processes->count, sizeof (key), compare_processes);

      if (process->counts || NULL == parent || ! parent->counts)
        continue;
      process->counts = true;
      added = true;
    }
  }
}

/* Ticks and pages of the process that is asked for; false when it is not there (any more). */
static bool
sum_process (struct system_process *sum, const struct sampler *sampler, struct buffer *text)
{
  struct processes processes = { NULL, 0, 0 };
  bool found = false;

  if (0 == sampler->process)
    return read_process (sum, sampler->source->proc, "self", text);
  *sum = (struct system_process){ .parent = 0 };
  read_processes (&processes, sampler->source->proc, sampler->process, text);
  mark_children (&processes);
  for (size_t i = 0; i < processes.count; i++)
  {
    const struct process *process = &processes.items[i];

    if (! process->counts)
      continue;
    found = true;
    /* What a child used stays in the sum when it ends: its parent has it then. */
    sum->own_ticks += process->stat.own_ticks + process->stat.children_ticks;
    sum->resident_pages += process->stat.resident_pages;
  }
  free (processes.items);
  return found;
}

static void
put_process (struct sample *sample, struct sampler *sampler, struct buffer *text)
{
  struct system_process sum;
  uint64_t now_us = clock_monotonic_us ();
  long ticks_per_second = sysconf (_SC_CLK_TCK);
  long page_bytes = sysconf (_SC_PAGESIZE);

  if (ticks_per_second <= 0 || page_bytes <= 0 || ! sum_process (&sum, sampler, text))
  {
    sampler->has_process = false;
    return;
  }
  put (sample, "system/process_memory_megabytes", (double)sum.resident_pages * (double)page_bytes / MEGABYTE);
  if (sampler->has_process && now_us > sampler->process_us && sum.own_ticks >= sampler->process_ticks)
    put (sample, "system/process_cpu_percentage",
         100.0 * (double)(sum.own_ticks - sampler->process_ticks) / (double)ticks_per_second
             / ((double)(now_us - sampler->process_us) / 1e6));
  sampler->process_ticks = sum.own_ticks;
  sampler->process_us = now_us;
  sampler->has_process = true;
}

/* --- devices --- */

static const char *const device_names[SAMPLE_DEVICE_VALUES] = { "utilization_percentage", "memory_usage_megabytes",
                                                                "memory_usage_percentage", "power_usage_watts",
                                                                "power_usage_percentage" };

static void
put_devices (struct sample *sample, const struct sampler *sampler)
{
  for (unsigned i = 0; i < nvidia_count (sampler->nvidia); i++)
  {
    const char (*keys)[SAMPLE_KEY_BYTES] = &sampler->device_keys[i * SAMPLE_DEVICE_VALUES];
    struct nvidia_reading reading;

    nvidia_read (&reading, sampler->nvidia, i);
    if (reading.has_utilization)
      put (sample, keys[0], reading.utilization_percent);
    if (reading.has_memory)
    {
      put (sample, keys[1], reading.memory_used_bytes / MEGABYTE);
      put (sample, keys[2], 100.0 * reading.memory_used_bytes / reading.memory_total_bytes);
    }
    if (reading.has_power)
      put (sample, keys[3], reading.power_watts);
    if (reading.has_power && reading.has_power_limit)
      put (sample, keys[4], 100.0 * reading.power_watts / reading.power_limit_watts);
  }
}

/* --- sampler --- */

void
sampler_init (struct sampler *sampler, const struct sample_source *source, int64_t process)
{
  struct tally_value unused[SAMPLE_MAX_VALUES];

  memset (sampler, 0, sizeof (*sampler));
  sampler->source = source;
  sampler->process = process;
  sampler->nvidia = nvidia_open (source->nvidia);
  for (unsigned i = 0; i < nvidia_count (sampler->nvidia); i++)
    for (size_t k = 0; k < SAMPLE_DEVICE_VALUES; k++)
      (void)snprintf (sampler->device_keys[i * SAMPLE_DEVICE_VALUES + k], SAMPLE_KEY_BYTES, "system/gpu_%u_%s", i,
                      device_names[k]);
  (void)sampler_take (unused, sampler);
}

void
sampler_free (struct sampler *sampler)
{
  nvidia_close (sampler->nvidia);
  sampler->nvidia = NULL;
}

size_t
sampler_take (struct tally_value values[SAMPLE_MAX_VALUES], struct sampler *sampler)
{
  struct sample sample = { values, 0 };
  struct buffer text;

  buffer_init (&text, FILE_MAX_BYTES);
  put_cpu (&sample, sampler, &text);
  buffer_clear (&text);
  put_memory (&sample, sampler, &text);
  put_disk (&sample);
  buffer_clear (&text);
  put_network (&sample, sampler, &text);
  buffer_clear (&text);
  put_process (&sample, sampler, &text);
  put_devices (&sample, sampler);
  buffer_free (&text);
  return sample.count;
}
