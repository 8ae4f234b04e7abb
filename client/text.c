/* Texts of the caller. */
#include "text.h"

#include "error.h"

#include "base/utf8.h"

enum tally_code
text_check (const char *const *texts, size_t count, struct tally_error *err)
{
  for (size_t i = 0; i < count; i++)
    if (NULL != texts[i] && ! utf8_valid (slice_of (texts[i])))
      return error_set (err, TALLY_ERROR_ARGUMENT, "A text is not UTF-8.");
  return TALLY_OK;
}
