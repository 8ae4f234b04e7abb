/* What the files of a git repository say. Source: gitrepository-layout(5), git-config(1), git-pack-refs(1). */
#include "git.h"

#include "error.h"
#include "handle.h"
#include "secret.h"
#include "small_file.h"

#include "base/hex.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

/* HEAD, refs and pointers to other folders are one line. */
#define LINE_FILE_BYTES ((size_t)2 * PATH_MAX)
#define CONFIG_BYTES ((size_t)1024 * 1024)
/* About 300,000 refs. */
#define PACKED_BYTES ((size_t)32 * 1024 * 1024)
/* A ref may name another; git follows as many (SYMREF_MAXDEPTH). */
#define REF_DEPTH 5

/* Where the parts of a repository are. A work tree that was added by `git worktree` has a folder of its own with HEAD,
   and shares the rest. */
struct repository
{
  char own[PATH_MAX];
  char common[PATH_MAX];
};

static bool
copy_text (char *out, size_t capacity, struct slice text)
{
  if (text.len >= capacity || (text.len > 0 && NULL != memchr (text.data, '\0', text.len)))
    return false;
  if (text.len > 0)
    memcpy (out, text.data, text.len);
  out[text.len] = '\0';
  return true;
}

static bool
read_commit (char commit[GIT_COMMIT_BYTES], struct slice text)
{
  if (40 != text.len && 64 != text.len)
    return false;
  for (size_t i = 0; i < text.len; i++)
    if (hex_value (text.data[i]) < 0)
      return false;
  return copy_text (commit, GIT_COMMIT_BYTES, text);
}

/* --- folders --- */

/* `path` as it is meant in a file of the folder `base`. */
static bool
resolve (char out[PATH_MAX], const char *base, struct slice path)
{
  char text[PATH_MAX];
  int length;

  if (0 == path.len || ! copy_text (text, sizeof (text), path))
    return false;
  length = '/' == text[0] ? snprintf (out, PATH_MAX, "%s", text) : snprintf (out, PATH_MAX, "%s/%s", base, text);
  return length > 0 && length < PATH_MAX;
}

/* The first line of a small file. */
static bool
read_line (char out[PATH_MAX], const char *folder, const char *name)
{
  struct buffer text;
  struct slice rest;
  struct slice line;
  bool ok;

  buffer_init (&text, LINE_FILE_BYTES);
  ok = small_file_read_format (&text, "%s/%s", folder, name);
  rest = buffer_slice (&text);
  ok = ok && small_file_line (&line, &rest) && copy_text (out, PATH_MAX, small_file_trim (line));
  buffer_free (&text);
  return ok;
}

/* Whether `folder`/.git is a repository, or a file that tells where it is: work trees and submodules have one. */
static bool
open_repository (struct repository *repository, const char *folder)
{
  static const char prefix[] = "gitdir:";
  char path[PATH_MAX];
  char line[PATH_MAX];
  struct stat status;
  int length = snprintf (path, sizeof (path), "%s/.git", folder);

  if (length < 0 || (size_t)length >= sizeof (path) || 0 != stat (path, &status))
    return false;
  if (S_ISDIR (status.st_mode))
    (void)memcpy (repository->own, path, (size_t)length + 1);
  else if (! read_line (line, folder, ".git") || 0 != strncmp (line, prefix, sizeof (prefix) - 1)
           || ! resolve (repository->own, folder, small_file_trim (slice_of (line + sizeof (prefix) - 1))))
    return false;
  if (read_line (line, repository->own, "commondir"))
    return resolve (repository->common, repository->own, slice_of (line));
  (void)memcpy (repository->common, repository->own, sizeof (repository->common));
  return true;
}

/* The repository of the nearest folder upwards that has one. */
static bool
find_repository (struct repository *repository, const char *folder)
{
  char *path = realpath (folder, NULL);
  bool found = false;

  while (NULL != path)
  {
    char *slash;

    found = open_repository (repository, path);
    slash = strrchr (path, '/');
    if (found || NULL == slash || '\0' == path[0])
      break;
    *slash = '\0';
  }
  free (path);
  return found;
}

/* --- refs --- */

bool
git_parse_packed (char commit[GIT_COMMIT_BYTES], struct slice packed, struct slice ref)
{
  struct slice line;

  while (small_file_line (&line, &packed))
  {
    const char *space = 0 == line.len ? NULL : memchr (line.data, ' ', line.len);

    /* "# pack-refs with: …" is a heading, "^<id>" what the tag above it points at. */
    if (NULL == space || '#' == line.data[0] || '^' == line.data[0])
      continue;
    if (slice_equal ((struct slice){ space + 1, line.len - (size_t)(space + 1 - line.data) }, ref))
      return read_commit (commit, (struct slice){ line.data, (size_t)(space - line.data) });
  }
  return false;
}

static bool
find_packed (char commit[GIT_COMMIT_BYTES], const struct repository *repository, const char *ref)
{
  struct buffer text;
  bool found;

  buffer_init (&text, PACKED_BYTES);
  found = small_file_read_format (&text, "%s/packed-refs", repository->common)
          && git_parse_packed (commit, buffer_slice (&text), slice_of (ref));
  buffer_free (&text);
  return found;
}

/* A ref is a path below the repository; one that leads out of it is none. */
static bool
is_ref (const char *ref)
{
  return 0 == strncmp (ref, "refs/", 5) && NULL == strstr (ref, "..");
}

/* The commit that the text of HEAD or of a ref stands for; refs may name others. */
static bool
find_commit (char commit[GIT_COMMIT_BYTES], const struct repository *repository, const char *text)
{
  char line[PATH_MAX];

  (void)snprintf (line, sizeof (line), "%s", text);
  for (int depth = 0; depth < REF_DEPTH; depth++)
  {
    char ref[PATH_MAX];

    if (read_commit (commit, slice_of (line)))
      return true;
    if (0 != strncmp (line, "ref:", 4) || ! copy_text (ref, sizeof (ref), small_file_trim (slice_of (line + 4)))
        || ! is_ref (ref))
      return false;
    if (! read_line (line, repository->own, ref) && ! read_line (line, repository->common, ref))
      return find_packed (commit, repository, ref);
  }
  return false;
}

/* --- config --- */

/* The value behind "=": quotes, escapes and comments are git's. */
static bool
put_value (struct buffer *out, struct slice text)
{
  bool quoted = false;
  size_t kept; /* without spaces at the end that are not quoted */

  text = small_file_trim (text);
  buffer_clear (out);
  kept = 0;
  for (size_t i = 0; i < text.len; i++)
  {
    char c = text.data[i];

    if ('"' == c)
    {
      quoted = ! quoted;
      kept = out->len;
      continue;
    }
    if (! quoted && ('#' == c || ';' == c))
      break;
    if ('\\' == c && i + 1 < text.len)
      c = text.data[++i];
    if (! buffer_byte (out, c))
      return false;
    if (quoted || (' ' != c && '\t' != c))
      kept = out->len;
  }
  out->len = kept;
  return kept > 0;
}

/* Whether a line is the heading [remote "origin"]. */
static bool
is_origin (struct slice line)
{
  static const char section[] = "[remote";
  static const char name[] = "\"origin\"]";

  if (line.len < sizeof (section) - 1 || 0 != strncasecmp (line.data, section, sizeof (section) - 1))
    return false;
  line = small_file_trim ((struct slice){ line.data + sizeof (section) - 1, line.len - (sizeof (section) - 1) });
  return line.len >= sizeof (name) - 1 && 0 == memcmp (line.data, name, sizeof (name) - 1);
}

bool
git_parse_origin (struct buffer *url, struct slice config)
{
  struct slice line;
  bool inside = false;
  bool found = false;

  while (small_file_line (&line, &config))
  {
    const char *equals;

    line = small_file_trim (line);
    if (line.len > 0 && '[' == line.data[0])
    {
      inside = is_origin (line);
      continue;
    }
    equals =
        inside && line.len > 3 && 0 == strncasecmp (line.data, "url", 3) ? memchr (line.data, '=', line.len) : NULL;
    if (NULL == equals || small_file_trim ((struct slice){ line.data, (size_t)(equals - line.data) }).len != 3)
      continue;
    /* Of several the first one is fetched from. */
    if (! found)
      found = put_value (url, (struct slice){ equals + 1, line.len - (size_t)(equals + 1 - line.data) });
  }
  return found;
}

static void
read_origin (char out[GIT_TEXT_BYTES], const struct repository *repository)
{
  struct buffer config;
  struct buffer url;
  struct buffer shown;

  buffer_init (&config, CONFIG_BYTES);
  buffer_init (&url, CONFIG_BYTES);
  buffer_init (&shown, CONFIG_BYTES);
  if (small_file_read_format (&config, "%s/config", repository->common)
      && git_parse_origin (&url, buffer_slice (&config)))
    secret_put_url (&shown, buffer_slice (&url));
  if (shown.failed || ! copy_text (out, GIT_TEXT_BYTES, buffer_slice (&shown)))
    out[0] = '\0';
  buffer_free (&shown);
  buffer_free (&url);
  buffer_free (&config);
}

/* --- together --- */

bool
git_read (struct git_state *state, const char *folder)
{
  static const char branches[] = "ref: refs/heads/";
  struct repository repository;
  char head[PATH_MAX];

  *state = (struct git_state){ .commit = "" };
  if (! find_repository (&repository, folder) || ! read_line (head, repository.own, "HEAD"))
    return false;
  (void)find_commit (state->commit, &repository, head);
  if (0 == strncmp (head, branches, sizeof (branches) - 1)
      && ! copy_text (state->branch, sizeof (state->branch), slice_of (head + sizeof (branches) - 1)))
    state->branch[0] = '\0';
  read_origin (state->repository, &repository);
  return true;
}

enum tally_code
tally_capture_git (struct tally_run *run, const char *folder, struct tally_error *err)
{
  struct git_state *state;
  struct tally_pair tags[3];
  size_t count = 0;
  enum tally_code code = run_check (run, err);

  if (TALLY_OK != code)
    return code;
  state = malloc (sizeof (*state));
  if (NULL == state)
    return error_memory (err);
  if (! git_read (state, NULL == folder ? "." : folder))
    code = error_set (err, TALLY_ERROR_NOT_FOUND, "'%s' is in no git work tree.", NULL == folder ? "." : folder);
  if (TALLY_OK == code)
  {
    if ('\0' != state->commit[0])
      tags[count++] = (struct tally_pair){ "mlflow.source.git.commit", state->commit };
    if ('\0' != state->branch[0])
      tags[count++] = (struct tally_pair){ "mlflow.source.git.branch", state->branch };
    if ('\0' != state->repository[0])
      tags[count++] = (struct tally_pair){ "mlflow.source.git.repoURL", state->repository };
    code = tally_set_tags (run, tags, count, err);
  }
  free (state);
  return code;
}
