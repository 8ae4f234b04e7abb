/* One look at the machine, as values of metrics under MLflow's names. */
#ifndef CLIENT_SYSTEM_SAMPLE_H
#define CLIENT_SYSTEM_SAMPLE_H

#include "system_nvidia.h"
#include "system_proc.h"

#include "tally/log.h"

/* Values of one sample that are not of a device: processor, memory (2), disk (3), network (2), process (2). */
#define SAMPLE_MACHINE_VALUES 10
/* Of each device: use, memory (2), power (2). */
#define SAMPLE_DEVICE_VALUES 5
#define SAMPLE_MAX_VALUES (SAMPLE_MACHINE_VALUES + SAMPLE_DEVICE_VALUES * NVIDIA_MAX_DEVICES)
/* "system/gpu_63_memory_usage_percentage" and NUL. */
#define SAMPLE_KEY_BYTES 48

/* Where it is read from: "/proc", "/sys/fs/cgroup", the driver's library; tests have others. */
struct sample_source
{
  const char *proc;
  const char *cgroup;
  const char *nvidia;
};
extern const struct sample_source sample_machine;

/* What is kept from one sample to the next, because rates need two. */
struct sampler
{
  const struct sample_source *source;
  int64_t process; /* 0: this one, without children */
  struct nvidia *nvidia;
  bool has_cpu;
  bool has_network;
  bool has_process;
  struct system_cpu cpu; /* of the last sample */
  struct system_network network; /* at the start: MLflow counts from there */
  uint64_t process_ticks; /* of the last sample */
  uint64_t process_us; /* when that was */
  char device_keys[NVIDIA_MAX_DEVICES * SAMPLE_DEVICE_VALUES][SAMPLE_KEY_BYTES];
};

/* Begin; takes the first look, from which rates count. Loads the driver's library, which may take a while. */
void sampler_init (struct sampler *sampler, const struct sample_source *source, int64_t process);
void sampler_free (struct sampler *sampler);

/* Take a sample; what cannot be read is left out. Returns the number of values, whose keys live as long as the sampler.
   One thread at a time. */
size_t sampler_take (struct tally_value values[SAMPLE_MAX_VALUES], struct sampler *sampler);

#endif
