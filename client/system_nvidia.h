/* NVIDIA devices through the driver's library, which is loaded when it is there. */
#ifndef CLIENT_SYSTEM_NVIDIA_H
#define CLIENT_SYSTEM_NVIDIA_H

#include <stdbool.h>

/* The driver's library. */
#define NVIDIA_LIBRARY "libnvidia-ml.so.1"
/* Most devices that are looked at: more than any machine has. */
#define NVIDIA_MAX_DEVICES 64

struct nvidia;

/* Load the library; NULL when it is not there, does not start, or finds no device. Close with nvidia_close. One thread
   at a time. */
struct nvidia *nvidia_open (const char *library);
void nvidia_close (struct nvidia *nvidia);

unsigned nvidia_count (const struct nvidia *nvidia);

/* What a device tells; not each tells all. */
struct nvidia_reading
{
  bool has_utilization;
  bool has_memory;
  bool has_power;
  bool has_power_limit;
  double utilization_percent;
  double memory_used_bytes;
  double memory_total_bytes;
  double power_watts;
  double power_limit_watts;
};

void nvidia_read (struct nvidia_reading *reading, const struct nvidia *nvidia, unsigned device);

#endif
