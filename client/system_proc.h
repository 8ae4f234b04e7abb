/* What the files of /proc and of control groups say, as text: every function takes any bytes. */
#ifndef CLIENT_SYSTEM_PROC_H
#define CLIENT_SYSTEM_PROC_H

#include "base/slice.h"

#include <stdint.h>

/* Each is false, with its result untouched, when the text does not say it. Thread-safe. */

/* Processor time since boot, in ticks. */
struct system_cpu
{
  uint64_t busy_ticks;
  uint64_t total_ticks;
};
/* /proc/stat. Waiting for a disk is idle, as top and psutil count it. */
bool system_parse_cpu (struct system_cpu *cpu, struct slice text);

struct system_memory
{
  uint64_t used_bytes; /* what is not available to a new process without swapping */
  uint64_t total_bytes;
};
/* /proc/meminfo. */
bool system_parse_memory (struct system_memory *memory, struct slice text);

struct system_network
{
  uint64_t received_bytes;
  uint64_t sent_bytes;
};
/* /proc/net/dev: the sum of all interfaces, as MLflow's monitor takes it. */
bool system_parse_network (struct system_network *network, struct slice text);

struct system_process
{
  int64_t parent;
  uint64_t own_ticks; /* user and system time */
  uint64_t children_ticks; /* of children that have ended and were waited for */
  uint64_t resident_pages;
};
/* /proc/<pid>/stat, whose name of the program may hold spaces and parentheses. */
bool system_parse_process (struct system_process *process, struct slice text);

/* /proc/<pid>/cgroup: the path in the hierarchy of version 2. */
bool system_parse_cgroup (struct slice *path, struct slice text);

/* A file with one number, as memory.max: false for "max". */
bool system_parse_number (uint64_t *number, struct slice text);

/* A file with a name and a number on each line, as memory.stat. */
bool system_parse_named (uint64_t *number, struct slice text, const char *name);

#endif
