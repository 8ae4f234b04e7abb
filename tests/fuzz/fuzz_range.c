/* Header fields around files: a range lies within the file, and reading a field twice gives the same. */
#include "fuzz.h"

#include "api/artifact_receive.h"
#include "api/range.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const int64_t sizes[] = { 0, 1, 2, 10, 1000, INT64_MAX - 1, INT64_MAX };
  struct slice field = { (const char *)data, size };
  struct digest digest;
  bool found = false;

  for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++)
  {
    int64_t first = -1;
    int64_t bytes = -1;
    enum range_kind kind = range_parse (&first, &bytes, field, sizes[i]);

    if (RANGE_PART == kind)
    {
      char text[64];
      int64_t first_again;
      int64_t bytes_again;

      REQUIRE (first >= 0 && bytes > 0 && first < sizes[i] && bytes <= sizes[i] - first);
      snprintf (text, sizeof (text), "bytes=%lld-%lld", (long long)first, (long long)(first + (bytes - 1)));
      REQUIRE (RANGE_PART == range_parse (&first_again, &bytes_again, (struct slice){ text, strlen (text) }, sizes[i]));
      REQUIRE (first == first_again && bytes == bytes_again);
    }
  }
  (void)range_etag_listed (field, SLICE ("\"a\""));
  REQUIRE (range_still_valid (field, field, SLICE ("")) || NULL == field.data || 0 == size);
  if (artifact_digest_field (&found, &digest, field) && found)
  {
    char base64[DIGEST_BASE64_BYTES];
    char text[DIGEST_BASE64_BYTES + 16];
    struct digest again;

    digest_base64 (base64, &digest);
    snprintf (text, sizeof (text), "sha-256=:%s:", base64);
    REQUIRE (artifact_digest_field (&found, &again, (struct slice){ text, strlen (text) }) && found);
    REQUIRE (digest_equal (&digest, &again));
  }
  return 0;
}
