/* What stdout and stderr are: terminals, their size, colours; and text that cannot command them. */
#include "cli/output.h"

#include "base/utf8.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

/* SGR of ECMA-48: those that every palette shows readably on a dark and on a light ground. */
static const char *const escapes[] = {
  [STYLE_NONE] = "",          [STYLE_HEAD] = "\033[1m",  [STYLE_DIM] = "\033[2m",   [STYLE_GOOD] = "\033[32m",
  [STYLE_BAD] = "\033[1;31m", [STYLE_WARN] = "\033[33m", [STYLE_LIVE] = "\033[36m", [STYLE_NAME] = "\033[1;36m",
};

void
terminal_size (struct terminal *terminal, int file)
{
  struct winsize size;
  const char *columns = getenv ("COLUMNS");

  terminal->columns = 0;
  terminal->rows = 0;
  if (! terminal->is_terminal)
    return;
  if (0 == ioctl (file, TIOCGWINSZ, &size) && size.ws_col > 0)
  {
    terminal->columns = size.ws_col;
    terminal->rows = size.ws_row;
  }
  else if (NULL != columns)
    terminal->columns = (unsigned)strtoul (columns, NULL, 10);
  if (0 == terminal->columns)
    terminal->columns = 80;
  if (0 == terminal->rows)
    terminal->rows = 24;
}

static void
init_one (struct terminal *terminal, int file, const char *when)
{
  const char *kind = getenv ("TERM");
  const char *no_colour = getenv ("NO_COLOR"); /* no-color.org: set and not empty */

  terminal->is_terminal = isatty (file);
  terminal->utf8 = 0 == strcmp (nl_langinfo (CODESET), "UTF-8");
  terminal->colour = terminal->is_terminal && (NULL == no_colour || '\0' == no_colour[0])
                     && (NULL == kind || 0 != strcmp (kind, "dumb"));
  if (0 != strcmp (when, "auto"))
    terminal->colour = 0 == strcmp (when, "always");
  terminal_size (terminal, file);
}

void
terminal_init (struct cli *cli, const char *when)
{
  setlocale (LC_CTYPE, "");
  init_one (&cli->out, STDOUT_FILENO, when);
  init_one (&cli->err, STDERR_FILENO, when);
}

const char *
style_begin (const struct terminal *terminal, enum style style)
{
  return terminal->colour ? escapes[style] : "";
}

const char *
style_end (const struct terminal *terminal)
{
  return terminal->colour ? "\033[0m" : "";
}

enum style
style_of_status (const char *status)
{
  static const struct
  {
    const char *status;
    enum style style;
  } styles[] = {
    { "FINISHED", STYLE_GOOD }, { "READY", STYLE_GOOD },  { "success", STYLE_GOOD }, { "ok", STYLE_GOOD },
    { "FAILED", STYLE_BAD },    { "failure", STYLE_BAD }, { "fail", STYLE_BAD },     { "KILLED", STYLE_WARN },
    { "pending", STYLE_WARN },  { "warn", STYLE_WARN },   { "RUNNING", STYLE_LIVE }, { "SCHEDULED", STYLE_LIVE },
  };

  for (size_t i = 0; i < sizeof (styles) / sizeof (styles[0]); i++)
    if (0 == strcmp (styles[i].status, status))
      return styles[i].style;
  return STYLE_NONE;
}

/* Controls C0 and C1, and what reorders text on a screen. */
static bool
is_harmful (uint32_t c)
{
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

const char *
plain (const char *text)
{
  struct slice rest = slice_of (text);
  struct buffer out;
  const char *start = text;
  uint32_t c;
  bool harmful = false;

  while (rest.len > 0)
  {
    if (! utf8_next (&rest, &c) || is_harmful (c))
      harmful = true;
    if (harmful)
      break;
  }
  if (! harmful)
    return text;
  buffer_init (&out, strlen (text) * 3 + 1);
  rest = slice_of (start);
  while (rest.len > 0)
  {
    const char *before = rest.data;

    if (! utf8_next (&rest, &c))
    {
      rest = (struct slice){ rest.data + 1, rest.len - 1 };
      buffer_byte (&out, '?');
    }
    else if (is_harmful (c))
      buffer_byte (&out, '\n' == c || '\t' == c ? ' ' : '?');
    else
      buffer_append (&out, before, (size_t)(rest.data - before));
  }
  start = cli_copy (NULL == out.data ? "" : out.data, out.len);
  buffer_free (&out);
  return start;
}

/* Of one character; what the locale does not know counts as one. */
static size_t
character_columns (uint32_t c)
{
  int width = wcwidth ((wchar_t)c);

  return width < 0 ? 1 : (size_t)width;
}

size_t
text_columns (const char *text)
{
  struct slice rest = slice_of (text);
  size_t columns = 0;
  uint32_t c;

  while (rest.len > 0 && utf8_next (&rest, &c))
    columns += character_columns (c);
  return columns + rest.len;
}

size_t
text_cut (const char *text, size_t columns)
{
  struct slice rest = slice_of (text);
  size_t used = 0;
  uint32_t c;

  while (rest.len > 0)
  {
    struct slice before = rest;

    if (! utf8_next (&rest, &c))
      break;
    used += character_columns (c);
    if (used > columns)
      return (size_t)(before.data - text);
  }
  return (size_t)(rest.data - text);
}
