/* Tests of the sampler: what it reads from odd texts, and what it makes of a machine that is written down in a folder.
 */
#include "folder.h"

#include "system_sample.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- texts --- */

START_TEST (reads_processor_time)
{
  static const struct
  {
    const char *text;
    bool ok;
    uint64_t busy;
    uint64_t total;
  } cases[] = {
    { "cpu  10 20 30 400 50 6 7 8 9 10\ncpu0 1 2 3 4\n", true, 81, 531 },
    { "cpu 1 2 3 4\n", true, 6, 10 },
    { "cpu 1 2 3 4 5", true, 6, 15 },
    { "cpu 1 2 3 4 x", true, 6, 10 },
    { "cpu 1 2 3\n", false, 0, 0 },
    { "cpu  1 2 -3 4\n", false, 0, 0 },
    { "cpu0 1 2 3 4\n", false, 0, 0 },
    { "cpu\n", false, 0, 0 },
    { "", false, 0, 0 },
    { "\n\n", false, 0, 0 },
    { "cpu 18446744073709551615 1 1 1\n", false, 0, 0 },
    { "cpu 18446744073709551616 1 1 1\n", false, 0, 0 },
    { "cpu 99999999999999999999999999999999999 1 1 1\n", false, 0, 0 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct system_cpu cpu = { 0, 0 };

    ck_assert_msg (cases[i].ok == system_parse_cpu (&cpu, slice_of (cases[i].text)), "%s", cases[i].text);
    ck_assert_msg (cases[i].busy == cpu.busy_ticks && cases[i].total == cpu.total_ticks, "%s", cases[i].text);
  }
}
END_TEST

START_TEST (reads_memory)
{
  static const struct
  {
    const char *text;
    bool ok;
    uint64_t used;
    uint64_t total;
  } cases[] = {
    { "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n", true, 600 * 1024, 1000 * 1024 },
    { "MemAvailable: 0 kB\nMemTotal: 7", true, 7 * 1024, 7 * 1024 },
    { "MemTotal: 1000 kB\n", false, 0, 0 },
    { "MemTotal: 0 kB\nMemAvailable: 0 kB\n", false, 0, 0 },
    { "MemTotal: 5 kB\nMemAvailable: 6 kB\n", false, 0, 0 },
    { "MemTotal: x kB\nMemAvailable: 6 kB\n", false, 0, 0 },
    { "MemTotal: 18446744073709551615 kB\nMemAvailable: 6 kB\n", false, 0, 0 },
    { "MemTotal:", false, 0, 0 },
    { "", false, 0, 0 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct system_memory memory = { 0, 0 };

    ck_assert_msg (cases[i].ok == system_parse_memory (&memory, slice_of (cases[i].text)), "%s", cases[i].text);
    ck_assert_msg (cases[i].used == memory.used_bytes && cases[i].total == memory.total_bytes, "%s", cases[i].text);
  }
}
END_TEST

START_TEST (reads_network)
{
  static const struct
  {
    const char *text;
    bool ok;
    uint64_t received;
    uint64_t sent;
  } cases[] = {
    { "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes packets\n"
      "    lo: 100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n  eth0:7 1 0 0 0 0 0 0 9 2 0 0 0 0 0 0\n",
      true, 107, 209 },
    { "eth0: 1 2 3 4 5 6 7 8 9", true, 1, 9 },
    { "eth0: 1 2 3 4 5 6 7 8\n", false, 0, 0 },
    { "eth0: 1 2 3 4 5 6 7 8 9\nwlan0: 1 2\n", true, 1, 9 },
    { "a: 18446744073709551615 2 3 4 5 6 7 8 9\nb: 1 2 3 4 5 6 7 8 9\n", false, 0, 0 },
    { ":", false, 0, 0 },
    { "", false, 0, 0 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct system_network network = { 0, 0 };

    ck_assert_msg (cases[i].ok == system_parse_network (&network, slice_of (cases[i].text)), "%s", cases[i].text);
    ck_assert_msg (cases[i].received == network.received_bytes && cases[i].sent == network.sent_bytes, "%s",
                   cases[i].text);
  }
}
END_TEST

#define MIDDLE " 5 5 0 -1 4194304 100 200 0 0 "

START_TEST (reads_a_process)
{
  static const struct
  {
    const char *text;
    bool ok;
    int64_t parent;
    uint64_t own;
    uint64_t children;
    uint64_t pages;
  } cases[] = {
    { "42 (train) S 7" MIDDLE "10 20 3 4 20 0 1 0 999 123456 77 18446744073709551615\n", true, 7, 30, 7, 77 },
    { "42 (a) b (c) ) R 7" MIDDLE "10 20 3 4 20 0 1 0 999 123456 77", true, 7, 30, 7, 77 },
    { "42 (a\nb) S 0" MIDDLE "0 0 0 0 20 0 1 0 0 0 0 0", true, 0, 0, 0, 0 },
    { "42 (train) S 7" MIDDLE "10 20 3 4 20 0 1 0 999 123456", false, 0, 0, 0, 0 },
    { "42 (train) S x" MIDDLE "10 20 3 4 20 0 1 0 999 123456 77 1", false, 0, 0, 0, 0 },
    { "42 (train) S 7" MIDDLE "-10 20 3 4 20 0 1 0 999 123456 77 1", false, 0, 0, 0, 0 },
    { "42 (train", false, 0, 0, 0, 0 },
    { ")", false, 0, 0, 0, 0 },
    { "", false, 0, 0, 0, 0 },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct system_process process = { .parent = 0 };

    ck_assert_msg (cases[i].ok == system_parse_process (&process, slice_of (cases[i].text)), "%s", cases[i].text);
    ck_assert_msg (cases[i].parent == process.parent && cases[i].own == process.own_ticks
                       && cases[i].children == process.children_ticks && cases[i].pages == process.resident_pages,
                   "%s", cases[i].text);
  }
}
END_TEST

START_TEST (reads_control_groups)
{
  struct slice path;
  uint64_t number;

  ck_assert (system_parse_cgroup (&path, SLICE ("0::/user.slice/a\n")) && slice_is (path, "/user.slice/a"));
  ck_assert (system_parse_cgroup (&path, SLICE ("12:cpu:/x\n1:name=systemd:/\n0::/")) && slice_is (path, "/"));
  ck_assert (! system_parse_cgroup (&path, SLICE ("12:cpu:/x\n")));
  ck_assert (! system_parse_cgroup (&path, SLICE ("0::\n")) && ! system_parse_cgroup (&path, SLICE ("")));
  ck_assert (system_parse_number (&number, SLICE ("1073741824\n")) && 1073741824 == number);
  ck_assert (! system_parse_number (&number, SLICE ("max\n")) && ! system_parse_number (&number, SLICE ("")));
  ck_assert (system_parse_named (&number, SLICE ("anon 1\ninactive_file 22\nactive_file 3\n"), "inactive_file"));
  ck_assert_uint_eq (number, 22);
  ck_assert (! system_parse_named (&number, SLICE ("inactive_file"), "inactive_file"));
  ck_assert (! system_parse_named (&number, SLICE ("inactive_file_x 1"), "inactive_file"));
}
END_TEST

/* Every prefix of good texts, and a long one without lines: nothing is read behind the end (the sanitizers look). */
START_TEST (takes_texts_that_end_anywhere)
{
  static const char text[] = "cpu  10 20 30 400 50 6 7 8\nMemTotal: 9 kB\nMemAvailable: 4 kB\neth0: 1 2 3 4 5 6 7 8 9\n"
                             "42 (a) S 7" MIDDLE "10 20 3 4 20 0 1 0 999 123456 77\n0::/x\n";
  size_t big = (size_t)1 << 20;
  char *copy;

  for (size_t length = 0; length <= big; length = length < sizeof (text) - 1 ? length + 1 : length * 64)
  {
    struct system_cpu cpu;
    struct system_memory memory;
    struct system_network network;
    struct system_process process;
    struct slice path;
    uint64_t number;
    struct slice all;

    copy = malloc (length + 1);
    ck_assert_ptr_nonnull (copy);
    memset (copy, '7', length + 1);
    memcpy (copy, text, length < sizeof (text) - 1 ? length : sizeof (text) - 1);
    all = (struct slice){ copy, length };
    (void)system_parse_cpu (&cpu, all);
    (void)system_parse_memory (&memory, all);
    (void)system_parse_network (&network, all);
    (void)system_parse_process (&process, all);
    (void)system_parse_cgroup (&path, all);
    (void)system_parse_number (&number, all);
    (void)system_parse_named (&number, all, "MemTotal:");
    free (copy);
  }
}
END_TEST

/* --- a machine in a folder --- */

static char *root;

static void
make_root (void)
{
  root = folder_new ();
}

static void
remove_root (void)
{
  folder_remove_all (root);
}

/* Write a file below the root, with its folders. */
static void
put_file (const char *name, const char *text)
{
  char path[4096];
  FILE *file;

  (void)snprintf (path, sizeof (path), "%s/%s", root, name);
  for (char *at = strchr (path + strlen (root) + 1, '/'); NULL != at; at = strchr (at + 1, '/'))
  {
    *at = '\0';
    (void)mkdir (path, 0700);
    *at = '/';
  }
  file = fopen (path, "w");
  ck_assert_ptr_nonnull (file);
  ck_assert_int_ge (fputs (text, file), 0);
  ck_assert_int_eq (fclose (file), 0);
}

/* The value of a metric; NaN when it is not there. */
static double
value_of (const struct tally_value *values, size_t count, const char *key)
{
  for (size_t i = 0; i < count; i++)
    if (0 == strcmp (key, values[i].key))
      return values[i].value;
  return NAN;
}

static void
check_value (const struct tally_value *values, size_t count, const char *key, double value)
{
  ck_assert_msg (fabs (value - value_of (values, count, key)) < 1e-9, "%s is %f", key, value_of (values, count, key));
}

START_TEST (samples_a_machine)
{
  static struct sampler sampler;
  static struct tally_value values[SAMPLE_MAX_VALUES];
  char proc[4096];
  char group[4096];
  const struct sample_source source = { proc, group, "libnothing-of-this-name.so.1" };
  double page_megabytes = (double)sysconf (_SC_PAGESIZE) / 1e6;
  size_t count;

  (void)snprintf (proc, sizeof (proc), "%s/proc", root);
  (void)snprintf (group, sizeof (group), "%s/cgroup", root);
  put_file ("proc/stat", "cpu 100 0 100 800 0 0 0 0\n");
  put_file ("proc/meminfo", "MemTotal: 4000000 kB\nMemAvailable: 1000000 kB\n");
  put_file ("proc/net/dev", "eth0: 1000000 1 0 0 0 0 0 0 2000000 1 0 0 0 0 0 0\n");
  put_file ("proc/10/stat", "10 (a) S 1" MIDDLE "5 5 0 0 20 0 1 0 999 123456 100");
  put_file ("proc/11/stat", "11 (b) S 12" MIDDLE "5 5 0 0 20 0 1 0 999 123456 20");
  put_file ("proc/12/stat", "12 (c) S 10" MIDDLE "5 5 0 0 20 0 1 0 999 123456 3");
  put_file ("proc/13/stat", "13 (other) S 1" MIDDLE "5 5 0 0 20 0 1 0 999 123456 1000");
  put_file ("proc/self/cgroup", "0::/job/step\n");
  sampler_init (&sampler, &source, 10);
  put_file ("proc/stat", "cpu 200 0 150 1600 50 0 0 0\n");
  put_file ("proc/net/dev", "eth0: 4000000 1 0 0 0 0 0 0 2500000 1 0 0 0 0 0 0\n");
  count = sampler_take (values, &sampler);
  check_value (values, count, "system/cpu_utilization_percentage", 15.0);
  check_value (values, count, "system/system_memory_usage_megabytes", 3000000.0 * 1024 / 1e6);
  check_value (values, count, "system/system_memory_usage_percentage", 75.0);
  check_value (values, count, "system/network_receive_megabytes", 3.0);
  check_value (values, count, "system/network_transmit_megabytes", 0.5);
  check_value (values, count, "system/process_memory_megabytes", 123 * page_megabytes);
  check_value (values, count, "system/process_cpu_percentage", 0.0);
  ck_assert (value_of (values, count, "system/disk_usage_percentage") > 0);
  ck_assert (value_of (values, count, "system/disk_available_megabytes") >= 0);
  ck_assert_uint_eq (count, SAMPLE_MACHINE_VALUES);
  /* A limit far above counts where none is nearer; what the kernel can give up is not used. */
  put_file ("cgroup/job/step/memory.max", "max\n");
  put_file ("cgroup/job/memory.max", "2000000000\n");
  put_file ("cgroup/job/memory.current", "1500000000\n");
  put_file ("cgroup/job/memory.stat", "anon 5\ninactive_file 500000000\n");
  count = sampler_take (values, &sampler);
  check_value (values, count, "system/system_memory_usage_megabytes", 1000.0);
  check_value (values, count, "system/system_memory_usage_percentage", 50.0);
  /* Nothing is said of what cannot be read. */
  put_file ("proc/stat", "");
  put_file ("proc/meminfo", "x");
  put_file ("proc/net/dev", "");
  put_file ("proc/10/stat", "10 (a");
  count = sampler_take (values, &sampler);
  ck_assert_uint_eq (count, 3);
  sampler_free (&sampler);
}
END_TEST

START_TEST (samples_devices)
{
  static struct sampler sampler;
  static struct tally_value values[SAMPLE_MAX_VALUES];
  char library[4096];
  struct sample_source source = { "/nowhere", "/nowhere", library };
  ssize_t length = readlink ("/proc/self/exe", library, sizeof (library) - 32);
  size_t count;

  ck_assert_int_gt (length, 0);
  library[length] = '\0';
  strcpy (strrchr (library, '/'), "/libnvidia-fake.so");
  sampler_init (&sampler, &source, 0);
  ck_assert_uint_eq (nvidia_count (sampler.nvidia), 3);
  count = sampler_take (values, &sampler);
  check_value (values, count, "system/gpu_0_utilization_percentage", 80);
  check_value (values, count, "system/gpu_0_memory_usage_megabytes", 4000);
  check_value (values, count, "system/gpu_0_memory_usage_percentage", 25);
  check_value (values, count, "system/gpu_0_power_usage_watts", 150.5);
  check_value (values, count, "system/gpu_0_power_usage_percentage", 50);
  check_value (values, count, "system/gpu_2_utilization_percentage", 82);
  ck_assert (isnan (value_of (values, count, "system/gpu_2_power_usage_watts")));
  ck_assert (isnan (value_of (values, count, "system/gpu_1_utilization_percentage")));
  /* Three of the disk, five of the first device, three of the third. */
  ck_assert_uint_eq (count, 3 + 5 + 3);
  sampler_free (&sampler);
  /* A library that is another one is not used. */
  ck_assert_ptr_null (nvidia_open ("libm.so.6"));
}
END_TEST

/* The real machine: a child that works is seen, with its time. */
START_TEST (samples_this_machine)
{
  static struct sampler sampler;
  static struct tally_value values[SAMPLE_MAX_VALUES];
  size_t count;
  pid_t child = fork ();

  ck_assert_int_ge (child, 0);
  if (0 == child)
    for (volatile unsigned long turns = 0;; turns++)
      ;
  sampler_init (&sampler, &sample_machine, getpid ());
  /* On a busy machine its turn may come late. */
  do
  {
    usleep (300000);
    count = sampler_take (values, &sampler);
  } while (! (value_of (values, count, "system/process_cpu_percentage") > 0
              && value_of (values, count, "system/cpu_utilization_percentage") > 0));
  (void)kill (child, SIGKILL);
  (void)waitpid (child, NULL, 0);
  ck_assert (value_of (values, count, "system/process_memory_megabytes") > 0);
  ck_assert (value_of (values, count, "system/cpu_utilization_percentage") <= 100);
  ck_assert (value_of (values, count, "system/system_memory_usage_percentage") > 0);
  ck_assert (value_of (values, count, "system/system_memory_usage_percentage") <= 100);
  sampler_free (&sampler);
}
END_TEST

Suite *system_suite (void);

Suite *
system_suite (void)
{
  Suite *suite = suite_create ("system");
  TCase *texts = tcase_create ("texts");
  TCase *machine = tcase_create ("machine");

  tcase_add_test (texts, reads_processor_time);
  tcase_add_test (texts, reads_memory);
  tcase_add_test (texts, reads_network);
  tcase_add_test (texts, reads_a_process);
  tcase_add_test (texts, reads_control_groups);
  tcase_add_test (texts, takes_texts_that_end_anywhere);
  suite_add_tcase (suite, texts);
  tcase_add_checked_fixture (machine, make_root, remove_root);
  tcase_add_test (machine, samples_a_machine);
  tcase_add_test (machine, samples_devices);
  tcase_add_test (machine, samples_this_machine);
  suite_add_tcase (suite, machine);
  return suite;
}
