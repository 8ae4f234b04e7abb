/* What the client reads of the machine, of repositories and of command lines: any bytes end in values that hold, and no
   credential is shown.

   The whole input is given to each parser; a first line is the name that is looked for. */
#include "fuzz.h"

#include "git.h"
#include "secret.h"
#include "small_file.h"
#include "system_proc.h"

#include <stdlib.h>
#include <string.h>

#define OUT_BYTES ((size_t)1 << 20)

static void
check_machine (struct slice text)
{
  struct system_cpu cpu;
  struct system_memory memory;
  struct system_network network;
  struct system_process process;
  struct slice path;
  uint64_t number;

  if (system_parse_cpu (&cpu, text))
    REQUIRE (cpu.busy_ticks <= cpu.total_ticks);
  if (system_parse_memory (&memory, text))
    REQUIRE (memory.total_bytes > 0 && memory.used_bytes <= memory.total_bytes);
  (void)system_parse_network (&network, text);
  if (system_parse_process (&process, text))
    REQUIRE (process.parent >= 0);
  if (system_parse_cgroup (&path, text))
    REQUIRE ('/' == path.data[0] && path.data >= text.data && path.data + path.len <= text.data + text.len);
  (void)system_parse_number (&number, text);
}

static void
check_git (struct slice text, struct slice name)
{
  char commit[GIT_COMMIT_BYTES];
  struct buffer url;

  buffer_init (&url, OUT_BYTES);
  if (git_parse_origin (&url, text))
    REQUIRE (url.len > 0 && url.len <= text.len);
  if (git_parse_packed (commit, text, name))
    REQUIRE (40 == strlen (commit) || 64 == strlen (commit));
  buffer_free (&url);
}

/* The host of an http address has nothing before it that ends with @. */
static void
check_secrets (struct slice text)
{
  static const char scheme[] = "https://";
  struct buffer out;
  struct buffer url;

  buffer_init (&out, OUT_BYTES);
  secret_put_arguments (&out, text);
  buffer_clear (&out);
  buffer_init (&url, OUT_BYTES);
  (void)buffer_text (&url, scheme);
  (void)buffer_append (&url, text.data, text.len);
  secret_put_url (&out, buffer_slice (&url));
  if (! out.failed && ! url.failed)
  {
    size_t at = sizeof (scheme) - 1;

    REQUIRE (out.len >= at && 0 == memcmp (out.data, scheme, at));
    for (; at < out.len && '/' != out.data[at]; at++)
      REQUIRE ('@' != out.data[at] && '?' != out.data[at] && '#' != out.data[at]);
  }
  buffer_free (&url);
  buffer_free (&out);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice text = { (const char *)data, size };
  struct slice rest = text;
  struct slice name = { NULL, 0 };

  (void)small_file_line (&name, &rest);
  check_machine (text);
  check_machine (rest);
  check_git (rest, name);
  check_secrets (text);
  return 0;
}
