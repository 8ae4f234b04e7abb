/* What the files of /proc and of control groups say. Source: proc(5) and the kernel's admin-guide/cgroup-v2. */
#include "system_proc.h"

#include "small_file.h"

/* Unit of /proc/meminfo, which says kB. */
#define KIBIBYTE 1024u

/* Take a word off: what stands between spaces. Empty at the end. */
static struct slice
take_word (struct slice *rest)
{
  struct slice word;
  size_t length = 0;

  *rest = small_file_trim (*rest);
  while (length < rest->len && ' ' != rest->data[length] && '\t' != rest->data[length])
    length++;
  word = (struct slice){ rest->data, length };
  if (length > 0)
    *rest = (struct slice){ rest->data + length, rest->len - length };
  return word;
}

/* Digits and nothing else, within uint64. */
static bool
read_number (uint64_t *number, struct slice word)
{
  uint64_t value = 0;

  for (size_t i = 0; i < word.len; i++)
  {
    if (word.data[i] < '0' || word.data[i] > '9')
      return false;
    if (__builtin_mul_overflow (value, (uint64_t)10, &value)
        || __builtin_add_overflow (value, (uint64_t)(word.data[i] - '0'), &value))
      return false;
  }
  if (word.len > 0)
    *number = value;
  return word.len > 0;
}

static bool
take_number (uint64_t *number, struct slice *rest)
{
  return read_number (number, take_word (rest));
}

bool
system_parse_cpu (struct system_cpu *cpu, struct slice text)
{
  /* user nice system idle iowait irq softirq steal; the time of guests, which follows, is part of user. Old kernels
     have fewer. */
  enum
  {
    IDLE = 3,
    IOWAIT = 4,
    LEAST = 4,
    MOST = 8
  };
  struct system_cpu sum = { 0, 0 };
  struct slice line;
  uint64_t ticks;
  size_t count = 0;

  if (! small_file_line (&line, &text) || ! slice_is (take_word (&line), "cpu"))
    return false;
  for (; count < MOST && take_number (&ticks, &line); count++)
  {
    if (__builtin_add_overflow (sum.total_ticks, ticks, &sum.total_ticks))
      return false;
    if (IDLE != count && IOWAIT != count)
      sum.busy_ticks += ticks;
  }
  if (count < LEAST)
    return false;
  *cpu = sum;
  return true;
}

bool
system_parse_memory (struct system_memory *memory, struct slice text)
{
  static const char *const names[] = { "MemTotal:", "MemAvailable:" };
  uint64_t bytes[2];

  for (size_t i = 0; i < 2; i++)
    if (! system_parse_named (&bytes[i], text, names[i]) || __builtin_mul_overflow (bytes[i], KIBIBYTE, &bytes[i]))
      return false;
  if (0 == bytes[0] || bytes[1] > bytes[0])
    return false;
  *memory = (struct system_memory){ bytes[0] - bytes[1], bytes[0] };
  return true;
}

bool
system_parse_network (struct system_network *network, struct slice text)
{
  /* Columns of received bytes, packets, errors and so on; the ninth is that of sent bytes. */
  enum
  {
    SENT = 8
  };
  struct system_network sum = { 0, 0 };
  struct slice line;
  bool found = false;

  while (small_file_line (&line, &text))
  {
    const char *colon = 0 == line.len ? NULL : memchr (line.data, ':', line.len);
    uint64_t numbers[SENT + 1];
    size_t count = 0;

    if (NULL == colon)
      continue;
    /* The first number may follow the colon without a space. */
    line = (struct slice){ colon + 1, line.len - (size_t)(colon + 1 - line.data) };
    while (count <= SENT && take_number (&numbers[count], &line))
      count++;
    if (count <= SENT)
      continue;
    found = true;
    if (__builtin_add_overflow (sum.received_bytes, numbers[0], &sum.received_bytes)
        || __builtin_add_overflow (sum.sent_bytes, numbers[SENT], &sum.sent_bytes))
      return false;
  }
  if (found)
    *network = sum;
  return found;
}

bool
system_parse_process (struct system_process *process, struct slice text)
{
  /* Fields by their numbers in proc(5); those behind the name begin with the third. */
  enum
  {
    FIRST = 3,
    PARENT = 4,
    USER_TIME = 14,
    SYSTEM_TIME = 15,
    CHILDREN_USER_TIME = 16,
    CHILDREN_SYSTEM_TIME = 17,
    RESIDENT = 24
  };
  uint64_t fields[RESIDENT + 1] = { 0 };
  const char *end = 0 == text.len ? NULL : memrchr (text.data, ')', text.len);
  struct slice rest;

  if (NULL == end)
    return false;
  rest = (struct slice){ end + 1, text.len - (size_t)(end + 1 - text.data) };
  for (size_t i = FIRST; i <= RESIDENT; i++)
  {
    struct slice word = take_word (&rest);

    if (0 == word.len)
      return false;
    /* Some of the others are negative or letters. */
    if (! read_number (&fields[i], word)
        && (PARENT == i || RESIDENT == i || (i >= USER_TIME && i <= CHILDREN_SYSTEM_TIME)))
      return false;
  }
  if (fields[PARENT] > INT64_MAX)
    return false;
  *process = (struct system_process){ (int64_t)fields[PARENT], fields[USER_TIME] + fields[SYSTEM_TIME],
                                      fields[CHILDREN_USER_TIME] + fields[CHILDREN_SYSTEM_TIME], fields[RESIDENT] };
  return true;
}

bool
system_parse_cgroup (struct slice *path, struct slice text)
{
  static const char prefix[] = "0::/";
  struct slice line;

  while (small_file_line (&line, &text))
    if (line.len >= sizeof (prefix) - 1 && 0 == memcmp (line.data, prefix, sizeof (prefix) - 1))
    {
      *path = (struct slice){ line.data + sizeof (prefix) - 2, line.len - (sizeof (prefix) - 2) };
      return true;
    }
  return false;
}

bool
system_parse_number (uint64_t *number, struct slice text)
{
  return read_number (number, small_file_trim (text));
}

bool
system_parse_named (uint64_t *number, struct slice text, const char *name)
{
  struct slice line;

  while (small_file_line (&line, &text))
    if (slice_is (take_word (&line), name))
      return take_number (number, &line);
  return false;
}
