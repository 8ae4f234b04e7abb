/* Tables fitted to the terminal, CSV, JSON lines. */
#include "cli/output.h"

#include <stdlib.h>
#include <string.h>

/* Between two columns. */
#define GAP 2

/* The least that a column shrinks to: the beginning of an id, or of a word. */
#define COLUMN_LEAST 8

static size_t
total_columns (const size_t *widths, size_t count)
{
  size_t total = 0;

  for (size_t i = 0; i < count; i++)
    total += widths[i] + (0 == i ? 0 : GAP);
  return total;
}

/* Take from the widest column, again and again, until all fit or none can give. Returns how many columns are shown:
   those at the right go first when there is no room. */
static size_t
fit (size_t *widths, size_t count, uint64_t right, size_t columns)
{
  while (columns > 0 && total_columns (widths, count) > columns)
  {
    size_t widest = SIZE_MAX;

    for (size_t i = 0; i < count; i++)
      if (0 == (right >> i & 1) && widths[i] > COLUMN_LEAST && (SIZE_MAX == widest || widths[i] > widths[widest]))
        widest = i;
    if (SIZE_MAX != widest)
      widths[widest]--;
    else if (count > 1)
      count--;
    else
      break;
  }
  return count;
}

static void
print_cell (struct cli *cli, const char *text, size_t width, bool right, bool last, enum style style)
{
  size_t columns = text_columns (text);
  size_t keep = strlen (text);
  const char *more = "";

  if (columns > width && cli->out.columns > 0)
  {
    more = cli->out.utf8 ? "\xe2\x80\xa6" : "~";
    keep = text_cut (text, width - 1);
    columns = text_columns (cli_copy (text, keep)) + 1;
  }
  if (0 == keep)
    style = STYLE_NONE;
  if (right)
    printf ("%*s", (int)(width > columns ? width - columns : 0), "");
  printf ("%s%.*s%s%s", style_begin (&cli->out, style), (int)keep, text, more,
          STYLE_NONE == style ? "" : style_end (&cli->out));
  if (! right && ! last)
    printf ("%*s", (int)(width > columns ? width - columns : 0), "");
}

static void
print_row (struct cli *cli, const char *const *cells, const enum style *styles, enum style all, const size_t *widths,
           size_t count, uint64_t right)
{
  size_t last = count;

  /* No blanks at the end of a line. */
  while (last > 1 && '\0' == cells[last - 1][0])
    last--;
  for (size_t i = 0; i < last; i++)
  {
    if (i > 0)
      printf ("%*s", GAP, "");
    print_cell (cli, cells[i], widths[i], right >> i & 1, i + 1 == last, NULL == styles ? all : styles[i]);
  }
  putchar ('\n');
}

void
print_table (struct cli *cli, const char *const *titles, const char *const *cells, const enum style *styles,
             size_t rows, size_t columns, uint64_t right)
{
  size_t *widths = cli_array (columns, sizeof (widths[0]));
  size_t shown;

  for (size_t i = 0; i < columns; i++)
  {
    if (NULL != titles)
      widths[i] = text_columns (titles[i]);
    for (size_t row = 0; row < rows; row++)
    {
      size_t width = text_columns (cells[row * columns + i]);

      if (width > widths[i])
        widths[i] = width;
    }
  }
  shown = fit (widths, columns, right, cli->out.columns);
  if (NULL != titles)
    print_row (cli, titles, NULL, STYLE_HEAD, widths, shown, right);
  for (size_t row = 0; row < rows; row++)
    print_row (cli, cells + row * columns, NULL == styles ? NULL : styles + row * columns, STYLE_NONE, widths, shown,
               right);
  if (shown < columns)
    cli_note (cli, "%zu more columns have no room; --json%s shows all", columns - shown,
              LISTS_ITEMS == cli->command->lists ? " or --csv" : "");
  free (widths);
}

/* RFC 4180: quoted when it holds a comma, a quote or a line end. Lines end as those of all tools here do. */
static void
print_csv_field (const char *text)
{
  if ('\0' == text[strcspn (text, ",\"\r\n")])
  {
    fputs (text, stdout);
    return;
  }
  putchar ('"');
  for (; '\0' != *text; text++)
  {
    if ('"' == *text)
      putchar ('"');
    putchar (*text);
  }
  putchar ('"');
}

static void
print_csv (const json_t *items, const struct column *columns, size_t count)
{
  size_t index;
  json_t *item;

  for (size_t i = 0; i < count; i++)
  {
    fputs (0 == i ? "" : ",", stdout);
    print_csv_field (columns[i].member);
  }
  putchar ('\n');
  json_array_foreach (items, index, item)
  {
    for (size_t i = 0; i < count; i++)
    {
      fputs (0 == i ? "" : ",", stdout);
      print_csv_field (value_text (value_member (item, columns[i].member)));
    }
    putchar ('\n');
  }
}

static enum style
cell_style (const struct column *column, const char *text)
{
  if (CELL_STATUS == column->cell)
    return style_of_status (text);
  return CELL_ID == column->cell ? STYLE_NAME : STYLE_NONE;
}

static void
print_text (struct cli *cli, const json_t *items, const char *name, const struct column *columns, size_t count)
{
  size_t rows = json_array_size (items);
  const char **titles = cli_array (count, sizeof (titles[0]));
  const char **cells = cli_array (rows * count, sizeof (cells[0]));
  enum style *styles = cli_array (rows * count, sizeof (styles[0]));
  uint64_t right = 0;

  for (size_t i = 0; i < count; i++)
  {
    titles[i] = columns[i].title;
    if (i < 64 && (CELL_NUMBER == columns[i].cell || CELL_BYTES == columns[i].cell || CELL_DURATION == columns[i].cell))
      right |= 1ull << i;
    for (size_t row = 0; row < rows; row++)
    {
      size_t at = row * count + i;

      cells[at] = cell_text (value_member (json_array_get (items, row), columns[i].member), columns[i].cell);
      styles[at] = cell_style (&columns[i], cells[at]);
    }
  }
  if (0 == rows)
    cli_note (cli, "no %s", name);
  else
    print_table (cli, titles, cells, styles, rows, count, right);
  free (titles);
  free (cells);
  free (styles);
}

bool
print_item_now (struct cli *cli, json_t *item)
{
  struct buffer out;

  if (FORMAT_LINES != cli->format)
    return false;
  buffer_init (&out, SIZE_MAX / 2);
  json_append (&out, item, 0);
  if (! out.failed)
    printf ("%s\n", out.data);
  buffer_free (&out);
  json_decref (item);
  if (ferror (stdout))
    cli_end (cli, CLI_PIPE);
  return true;
}

void
print_list (struct cli *cli, json_t *items, const char *name, const struct column *columns, size_t count)
{
  switch (cli->format)
  {
  case FORMAT_JSON:
    print_json (json_pack ("{s:O}", name, items));
    break;
  case FORMAT_CSV:
    print_csv (items, columns, count);
    break;
  case FORMAT_LINES:
    break;
  default:
    print_text (cli, items, name, columns, count);
  }
  json_decref (items);
}

/* Room for the names of members: the longest is "Artifact location". */
#define MEMBER_COLUMNS 18

void
print_member (struct cli *cli, const char *key, const char *value)
{
  if ('\0' != value[0])
    printf ("%s%-*s%s %s\n", style_begin (&cli->out, STYLE_DIM), MEMBER_COLUMNS, key, style_end (&cli->out),
            plain (value));
}

void
print_title (struct cli *cli, const char *title)
{
  printf ("\n%s%s%s\n", style_begin (&cli->out, STYLE_HEAD), title, style_end (&cli->out));
}
