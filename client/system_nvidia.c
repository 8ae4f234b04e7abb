/* NVIDIA devices through the driver's library. Its few functions are declared here as the NVML API reference has them:
   their names with a version are part of its ABI. Whatever fails is left out without a word. */
#include "system_nvidia.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* NVML_SUCCESS; every other number is a failure. */
#define SUCCESS 0
#define MILLIWATTS 1000.0

struct device; /* nvmlDevice_t points at it */

struct utilization /* nvmlUtilization_t */
{
  unsigned gpu_percent;
  unsigned memory_percent;
};

struct memory /* nvmlMemory_t */
{
  unsigned long long total_bytes;
  unsigned long long free_bytes;
  unsigned long long used_bytes;
};

struct functions
{
  int (*init) (void);
  int (*shutdown) (void);
  int (*count) (unsigned *count);
  int (*device) (unsigned index, struct device **device);
  int (*utilization) (struct device *device, struct utilization *utilization);
  int (*memory) (struct device *device, struct memory *memory);
  int (*power) (struct device *device, unsigned *milliwatts);
  int (*power_limit) (struct device *device, unsigned *milliwatts);
};

static const struct symbol
{
  const char *name;
  size_t offset;
} symbols[] = {
  { "nvmlInit_v2", offsetof (struct functions, init) },
  { "nvmlShutdown", offsetof (struct functions, shutdown) },
  { "nvmlDeviceGetCount_v2", offsetof (struct functions, count) },
  { "nvmlDeviceGetHandleByIndex_v2", offsetof (struct functions, device) },
  { "nvmlDeviceGetUtilizationRates", offsetof (struct functions, utilization) },
  { "nvmlDeviceGetMemoryInfo", offsetof (struct functions, memory) },
  { "nvmlDeviceGetPowerUsage", offsetof (struct functions, power) },
  { "nvmlDeviceGetEnforcedPowerLimit", offsetof (struct functions, power_limit) },
};

struct nvidia
{
  void *library;
  struct functions functions;
  unsigned count;
  struct device *devices[NVIDIA_MAX_DEVICES]; /* NULL: does not answer */
};

/* All of them, or it is not the library that is meant. */
static bool
find_functions (struct functions *functions, void *library)
{
  for (size_t i = 0; i < sizeof (symbols) / sizeof (symbols[0]); i++)
  {
    void *address = dlsym (library, symbols[i].name);

    if (NULL == address)
      return false;
    /* POSIX wants it copied so: ISO C does not turn a void * into a function. */
    memcpy ((char *)functions + symbols[i].offset, &address, sizeof (address));
  }
  return true;
}

struct nvidia *
nvidia_open (const char *library)
{
  struct nvidia *nvidia = calloc (1, sizeof (*nvidia));

  if (NULL == nvidia)
    return NULL;
  nvidia->library = dlopen (library, RTLD_NOW | RTLD_LOCAL);
  if (NULL == nvidia->library || ! find_functions (&nvidia->functions, nvidia->library)
      || SUCCESS != nvidia->functions.init ())
    goto unload;
  if (SUCCESS != nvidia->functions.count (&nvidia->count) || 0 == nvidia->count)
  {
    nvidia_close (nvidia);
    return NULL;
  }
  if (nvidia->count > NVIDIA_MAX_DEVICES)
    nvidia->count = NVIDIA_MAX_DEVICES;
  for (unsigned i = 0; i < nvidia->count; i++)
    if (SUCCESS != nvidia->functions.device (i, &nvidia->devices[i]))
      nvidia->devices[i] = NULL;
  return nvidia;

unload:
  if (NULL != nvidia->library)
    (void)dlclose (nvidia->library);
  free (nvidia);
  return NULL;
}

void
nvidia_close (struct nvidia *nvidia)
{
  if (NULL == nvidia)
    return;
  (void)nvidia->functions.shutdown ();
  (void)dlclose (nvidia->library);
  free (nvidia);
}

unsigned
nvidia_count (const struct nvidia *nvidia)
{
  return NULL == nvidia ? 0 : nvidia->count;
}

void
nvidia_read (struct nvidia_reading *reading, const struct nvidia *nvidia, unsigned device)
{
  const struct functions *functions = &nvidia->functions;
  struct device *handle = nvidia->devices[device];
  struct utilization utilization = { 0, 0 };
  struct memory memory = { 0, 0, 0 };
  unsigned milliwatts = 0;
  unsigned limit_milliwatts = 0;

  *reading = (struct nvidia_reading){ .has_utilization = false };
  if (NULL == handle)
    return;
  reading->has_utilization = SUCCESS == functions->utilization (handle, &utilization);
  reading->utilization_percent = utilization.gpu_percent;
  reading->has_memory = SUCCESS == functions->memory (handle, &memory) && memory.total_bytes > 0;
  reading->memory_used_bytes = (double)memory.used_bytes;
  reading->memory_total_bytes = (double)memory.total_bytes;
  reading->has_power = SUCCESS == functions->power (handle, &milliwatts);
  reading->power_watts = milliwatts / MILLIWATTS;
  reading->has_power_limit = SUCCESS == functions->power_limit (handle, &limit_milliwatts) && limit_milliwatts > 0;
  reading->power_limit_watts = limit_milliwatts / MILLIWATTS;
}
