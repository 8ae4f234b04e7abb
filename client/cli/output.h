/* What commands print: tables, JSON, CSV, colours and text that a server sent, made harmless. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "cli/cli.h"

#include "base/buffer.h"

#include <stdio.h>

enum style
{
  STYLE_NONE,
  STYLE_HEAD,
  STYLE_DIM,
  STYLE_GOOD,
  STYLE_BAD,
  STYLE_WARN,
  STYLE_LIVE,
  STYLE_NAME
};

/* Find out what stdout and stderr are; `when` is "auto", "always" or "never". Sets the locale for the width of
   characters. */
void terminal_init (struct cli *cli, const char *when);
void terminal_size (struct terminal *terminal, int file);
/* The escape that begins a style, "" without colours; style_end ends it. Static. */
const char *style_begin (const struct terminal *terminal, enum style style);
const char *style_end (const struct terminal *terminal);
enum style style_of_status (const char *status);

/* `text` with control characters replaced, so that nothing a server says can command the terminal. */
const char *plain (const char *text);
/* Columns that a text takes on a terminal. */
size_t text_columns (const char *text);
/* The longest beginning of `text` that takes at most `columns`. */
size_t text_cut (const char *text, size_t columns);

enum cell
{
  CELL_TEXT,
  CELL_NUMBER,
  CELL_TIME, /* ms since 1970 */
  CELL_AGE, /* the same, told as how long ago */
  CELL_DURATION, /* ms */
  CELL_BYTES,
  CELL_STATUS,
  CELL_ID,
  CELL_LIST /* an array of texts */
};

struct column
{
  const char *title;
  const char *member; /* of the item; "params.depth": a member of a member */
  enum cell cell;
};

/* Print `items` (an array of objects) as the format says; `name` names the list in JSON. Takes the reference. */
void print_list (struct cli *cli, json_t *items, const char *name, const struct column *columns, size_t count);
/* With --jsonl items are printed as they come: true when it was. Takes the reference then. */
bool print_item_now (struct cli *cli, json_t *item);
/* Print one object in JSON; takes the reference. */
void print_json (json_t *value);
/* Print what `print` prints: with --json as the member of an object. `print` must not end the process. */
int print_as_json (struct cli *cli, const char *member, void (*print) (struct cli *cli));
/* A table of texts: `cells` row by row, "" for none; `styles` of the same shape or NULL. `titles` NULL: no head.
   `right`: bit i set when column i holds numbers. */
void print_table (struct cli *cli, const char *const *titles, const char *const *cells, const enum style *styles,
                  size_t rows, size_t columns, uint64_t right);
/* "Key   value" lines. */
void print_member (struct cli *cli, const char *key, const char *value);
void print_title (struct cli *cli, const char *title);
/* Append JSON in one line. */
void json_append (struct buffer *out, const json_t *value, int indent);

/* A value as a cell shows it. */
const char *cell_text (const json_t *value, enum cell cell);
/* A value as CSV and text have it whole. */
const char *value_text (const json_t *value);
const json_t *value_member (const json_t *item, const char *path);
const char *number_text (double value); /* shortest exact */
const char *number_short (double value); /* six digits */
const char *time_text (int64_t ms); /* local time, to the second; "" for 0 */
const char *duration_text (int64_t ms);
const char *bytes_text (uint64_t bytes);
const char *count_text (uint64_t count, const char *what); /* "1 point", "2 points" */

/* `text`, with what is not UTF-8 replaced: names of files and arguments can be anything. */
const char *valid_text (const char *text);
/* Doubles that JSON has no number for become texts; a new reference, never NULL. */
json_t *json_number (double value);
json_t *json_text (const char *text); /* invalid UTF-8 replaced; NULL: null */
json_t *json_pairs (const struct tally_pair *pairs, size_t count);
json_t *json_run (const struct tally_run_data *run, bool whole);
const char *status_name (enum tally_status status);

/* Commands as JSON: one; those of a group (NULL: all) with what all have in common; and the options of libtally. */
json_t *describe_command (const struct command *command);
json_t *describe_commands (const char *group);
json_t *describe_settings (void);

#endif
