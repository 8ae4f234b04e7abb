/* The file of settings: changed as a whole, so that a reader sees the old one or the new one. */
#include "cli/settings.h"

#include "base/buffer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As large as nobody writes by hand. */
#define SETTINGS_MAX_BYTES ((size_t)1 << 20)

static const char *
home_path (struct cli *cli, const char *variable, const char *otherwise, const char *rest)
{
  const char *base = getenv (variable);
  const char *home = getenv ("HOME");

  if (NULL != base && '\0' != base[0])
    return cli_printf ("%s/%s", base, rest);
  if (NULL == home || '\0' == home[0])
    cli_refuse (cli, "Neither %s nor HOME is set.", variable);
  return cli_printf ("%s/%s/%s", home, otherwise, rest);
}

const char *
settings_path (struct cli *cli)
{
  const char *named = getenv ("TALLY_CONFIG");

  return NULL != named && '\0' != named[0] ? named : home_path (cli, "XDG_CONFIG_HOME", ".config", "tally/config");
}

const char *
settings_spool (struct cli *cli)
{
  const char *named = cli_setting (cli, "spool");

  return NULL != named && '\0' != named[0] ? named : home_path (cli, "XDG_STATE_HOME", ".local/state", "tally/spool");
}

/* True when the line sets one of the names. */
static bool
line_sets (const char *line, const struct setting *settings, size_t count)
{
  while (isspace ((unsigned char)*line))
    line++;
  for (size_t i = 0; i < count; i++)
  {
    size_t len = strlen (settings[i].name);

    if (0 == strncmp (line, settings[i].name, len) && '=' == line[len + strspn (line + len, " \t")])
      return true;
  }
  return false;
}

static void
keep_lines (struct cli *cli, struct buffer *out, const char *path, const struct setting *settings, size_t count)
{
  FILE *file = fopen (path, "re");
  char *line = NULL;
  size_t capacity = 0;
  ssize_t len;

  if (NULL == file && ENOENT != errno)
    cli_broken (cli, errno, "%s", path);
  while (NULL != file && (len = getline (&line, &capacity, file)) >= 0)
    if (! line_sets (line, settings, count))
    {
      buffer_append (out, line, (size_t)len);
      if ('\n' != line[len - 1])
        buffer_byte (out, '\n');
    }
  free (line);
  if (NULL != file)
    fclose (file);
}

/* The folders above a file. */
static void
make_folders (struct cli *cli, const char *path)
{
  for (const char *slash = strchr (path + 1, '/'); NULL != slash; slash = strchr (slash + 1, '/'))
  {
    const char *folder = cli_copy (path, (size_t)(slash - path));

    if (mkdir (folder, 0700) < 0 && EEXIST != errno)
      cli_broken (cli, errno, "%s", folder);
  }
}

/* What a link points at is replaced, not the link. */
static const char *
real_path (const char *path)
{
  char *real = realpath (path, NULL);

  return NULL == real ? path : real;
}

static void
replace (struct cli *cli, const char *path, const struct buffer *content)
{
  char *new_path = cli_printf ("%s.XXXXXX", path);
  int file = mkostemp (new_path, O_CLOEXEC);
  int number;

  if (file < 0)
    cli_broken (cli, errno, "%s", new_path);
  if ((ssize_t)content->len == write (file, NULL == content->data ? "" : content->data, content->len)
      && 0 == fchmod (file, 0600) && 0 == fsync (file) && 0 == rename (new_path, path))
  {
    close (file);
    return;
  }
  number = errno;
  unlink (new_path);
  cli_broken (cli, number, "%s", path);
}

void
settings_write (struct cli *cli, const struct setting *settings, size_t count)
{
  const char *path = real_path (settings_path (cli));
  struct buffer out;

  buffer_init (&out, SETTINGS_MAX_BYTES);
  make_folders (cli, path);
  keep_lines (cli, &out, path, settings, count);
  for (size_t i = 0; i < count; i++)
    if (NULL != settings[i].value)
      buffer_printf (&out, "%s = %s\n", settings[i].name, settings[i].value);
  if (out.failed)
    cli_broken (cli, EFBIG, "%s", path);
  replace (cli, path, &out);
  explicit_bzero (out.data, out.len);
  buffer_free (&out);
}
