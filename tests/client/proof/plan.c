/* Plans of faults. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

static const struct
{
  const char *name;
  const char *text;
} faults[FAULT_COUNT] = {
#define FAULT(id, name, text) { name, text },
  PLAN_FAULTS (FAULT)
#undef FAULT
};

const char *
fault_name (enum fault fault)
{
  return faults[fault].name;
}

const char *
fault_text (enum fault fault)
{
  return faults[fault].text;
}

static int
find (const char *name, size_t length)
{
  for (int i = 0; i < FAULT_COUNT; i++)
    if (strlen (faults[i].name) == length && 0 == memcmp (faults[i].name, name, length))
      return i;
  return -1;
}

bool
plan_parse (struct plan *plan, const char *text)
{
  struct plan made = { 0 };
  unsigned sum = 0;

  while ('\0' != *text)
  {
    size_t length = strcspn (text, "=,");
    int fault = find (text, length);
    char *end;

    if (fault < 0 || '=' != text[length])
      return false;
    made.percent[fault] = (unsigned)strtoul (text + length + 1, &end, 10);
    sum += FAULT_NONE == fault ? 0 : made.percent[fault];
    if (end == text + length + 1 || ('\0' != *end && ',' != *end))
      return false;
    text = ',' == *end ? end + 1 : end;
  }
  if (sum > 100)
    return false;
  *plan = made;
  return true;
}
