/* A histogram of durations with a bounded relative error. */
#include "histogram.h"

static unsigned
slot_of (uint64_t duration_ns)
{
  unsigned power;

  if (HISTOGRAM_PARTS > duration_ns)
    return (unsigned)duration_ns;
  power = 63U - (unsigned)__builtin_clzll (duration_ns) - HISTOGRAM_PART_BITS;
  return ((power + 1U) << HISTOGRAM_PART_BITS) + (unsigned)((duration_ns >> power) & (HISTOGRAM_PARTS - 1U));
}

/* The greatest duration that falls into a slot. */
static uint64_t
upper_end_ns (unsigned slot)
{
  unsigned power;
  uint64_t part;

  if (HISTOGRAM_PARTS > slot)
    return slot;
  power = (slot >> HISTOGRAM_PART_BITS) - 1U;
  part = (slot & (HISTOGRAM_PARTS - 1U)) + HISTOGRAM_PARTS;
  return ((part + 1U) << power) - 1U;
}

void
histogram_add (struct histogram *histogram, uint64_t duration_ns)
{
  histogram->counts[slot_of (duration_ns)]++;
  histogram->sum_ns += duration_ns;
  if (0 == histogram->total || duration_ns < histogram->min_ns)
    histogram->min_ns = duration_ns;
  if (duration_ns > histogram->max_ns)
    histogram->max_ns = duration_ns;
  histogram->total++;
}

uint64_t
histogram_percentile_ns (const struct histogram *histogram, double part)
{
  uint64_t wanted = (uint64_t)(part * (double)histogram->total);
  uint64_t seen = 0;

  if (0 == histogram->total)
    return 0;
  if (wanted >= histogram->total)
    wanted = histogram->total - 1;
  for (unsigned slot = 0; slot < HISTOGRAM_POWERS * HISTOGRAM_PARTS; slot++)
  {
    seen += histogram->counts[slot];
    if (seen > wanted)
    {
      uint64_t end_ns = upper_end_ns (slot);

      return end_ns < histogram->max_ns ? end_ns : histogram->max_ns;
    }
  }
  return histogram->max_ns;
}
