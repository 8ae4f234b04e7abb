/* The digest of a file. */
#include "artifact_transfer.h"

#include "error.h"

#include "tally/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum tally_code
tally_digest_file (char digest[TALLY_DIGEST_BYTES], const char *path, struct tally_error *err)
{
  int file;
  struct stat status;
  struct transfer_source source = { .data = NULL };
  enum tally_code code;

  if (NULL == digest || NULL == path)
    return error_set (err, TALLY_ERROR_ARGUMENT, "The path of the file is missing.");
  file = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0 || 0 != fstat (file, &status))
    code = error_file (err, errno, "%s", path);
  else if (! S_ISREG (status.st_mode))
    code = error_set (err, TALLY_ERROR_FILE, "%s is no regular file.", path);
  else
  {
    source.file = file;
    source.bytes = (uint64_t)status.st_size;
    code = transfer_hash (digest, &source, err);
  }
  if (file >= 0)
    close (file);
  return code;
}
