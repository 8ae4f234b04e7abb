/* Single words of requests, names and settings: ids, digests, names of DVC, times and durations. What is accepted can
   be written anew as it was, and two readers of times agree. The input is the word. */
#include "fuzz.h"

#include "artifact/dvc.h"
#include "base/digest.h"
#include "base/hex.h"
#include "base/id.h"
#include "base/instant.h"
#include "base/number.h"
#include "search/time.h"

#include <string.h>

/* From 0001-01-01 on, with the largest offset from UTC, and to the end of 9999. */
#define TIME_MIN_MS INT64_C (-62135683200000)
#define TIME_MAX_MS INT64_C (253402387200000)
/* Two of these added do not overflow. */
#define DURATION_MAX_MS (INT64_MAX / 4)

static void
check_ids (struct slice word)
{
  char digits[UUID_TEXT_BYTES];
  struct uuid given;
  struct uuid id;

  if (uuid_parse (&id, word))
  {
    uuid_format (digits, &id);
    REQUIRE (slice_is (word, digits));
  }
  if (uuid_parse_given (&given, word))
  {
    uuid_format (digits, &given);
    REQUIRE (32 == word.len || 36 == word.len);
    REQUIRE (uuid_parse (&id, slice_of (digits)) && 0 == memcmp (&id, &given, sizeof (id)));
    REQUIRE (0 != strspn (digits, "123456789abcdef") || strlen (digits) != strspn (digits, "0"));
  }
}

static void
check_digests (struct slice word)
{
  char text[DIGEST_TEXT_BYTES];
  char base64[DIGEST_BASE64_BYTES];
  struct digest digest;

  if (digest_parse (&digest, word))
  {
    digest_format (text, &digest);
    REQUIRE (slice_is (word, text));
  }
  if (digest_parse_base64 (&digest, word))
  {
    digest_base64 (base64, &digest);
    REQUIRE (slice_is (word, base64));
  }
}

static void
check_dvc (struct slice word)
{
  struct dvc_name name;
  char digits[33] = { 0 };
  const char *end;

  if (! dvc_name_parse (&name, word))
    return;
  for (size_t i = 0; i < sizeof (name.md5); i++)
    snprintf (digits + 2 * i, 3, "%02x", name.md5[i]);
  end = word.data + word.len - (word.len >= 4 && 0 == memcmp (word.data + word.len - 4, ".dir", 4) ? 4 : 0);
  REQUIRE (end - word.data == (name.is_old ? 33 : 43));
  REQUIRE (0 == memcmp (end - 33, digits, 2) && '/' == end[-31] && 0 == memcmp (end - 30, digits + 2, 30));
}

static void
check_times (struct slice word)
{
  int64_t instant = 0;
  int64_t time = 0;
  int64_t number;
  bool is_instant = instant_parse_rfc3339 (word, &instant);
  bool is_time = search_time_parse (&time, word);

  if (is_instant)
    REQUIRE (instant >= -INT64_C (86400000) && instant <= TIME_MAX_MS);
  if (is_time)
    REQUIRE (time >= TIME_MIN_MS && time <= TIME_MAX_MS);
  if (is_instant && is_time)
    REQUIRE (instant == time);
  if (! is_instant && instant_parse (word, &instant))
    REQUIRE (number_parse_int64 (word, &number) && number == instant && instant >= 0);
  if (search_duration_parse (&time, word))
    REQUIRE (time >= 0 && time <= DURATION_MAX_MS);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct slice word = { (const char *)data, size };

  check_ids (word);
  check_digests (word);
  check_dvc (word);
  check_times (word);
  return 0;
}
