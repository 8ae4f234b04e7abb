/* A driver's library with three devices, for the tests of the sampler: the second tells nothing, the third no power. */
#include <stddef.h>

struct device
{
  unsigned index;
};

static struct device devices[3] = { { 0 }, { 1 }, { 2 } };
/* Whether it was started: calls before and after fail, as in the driver. */
static int running;

int nvmlInit_v2 (void);
int nvmlShutdown (void);
int nvmlDeviceGetCount_v2 (unsigned *count);
int nvmlDeviceGetHandleByIndex_v2 (unsigned index, struct device **device);
int nvmlDeviceGetUtilizationRates (struct device *device, unsigned rates[2]);
int nvmlDeviceGetMemoryInfo (struct device *device, unsigned long long memory[3]);
int nvmlDeviceGetPowerUsage (struct device *device, unsigned *milliwatts);
int nvmlDeviceGetEnforcedPowerLimit (struct device *device, unsigned *milliwatts);

#define SUCCESS 0
#define UNINITIALIZED 1
#define NOT_SUPPORTED 3
#define LOST 15

int
nvmlInit_v2 (void)
{
  running++;
  return SUCCESS;
}

int
nvmlShutdown (void)
{
  running--;
  return SUCCESS;
}

int
nvmlDeviceGetCount_v2 (unsigned *count)
{
  *count = 3;
  return running > 0 ? SUCCESS : UNINITIALIZED;
}

int
nvmlDeviceGetHandleByIndex_v2 (unsigned index, struct device **device)
{
  if (1 == index)
    return LOST;
  *device = &devices[index];
  return running > 0 ? SUCCESS : UNINITIALIZED;
}

int
nvmlDeviceGetUtilizationRates (struct device *device, unsigned rates[2])
{
  rates[0] = 80 + device->index;
  rates[1] = 7;
  return SUCCESS;
}

int
nvmlDeviceGetMemoryInfo (struct device *device, unsigned long long memory[3])
{
  (void)device;
  memory[0] = 16000000000ULL;
  memory[1] = 12000000000ULL;
  memory[2] = 4000000000ULL;
  return SUCCESS;
}

int
nvmlDeviceGetPowerUsage (struct device *device, unsigned *milliwatts)
{
  *milliwatts = 150500;
  return 0 == device->index ? SUCCESS : NOT_SUPPORTED;
}

int
nvmlDeviceGetEnforcedPowerLimit (struct device *device, unsigned *milliwatts)
{
  (void)device;
  *milliwatts = 301000;
  return SUCCESS;
}
