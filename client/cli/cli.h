/* The command line inside: what its commands share. One thread unless a comment says otherwise; a command may end the
   process at any place by cli_must, cli_refuse and cli_end, which flush what was printed. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/command.h"

#include "base/arena.h"

#include "tally.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the process ends with; docs/client/command-line.md has the same table, made from exit_codes in failure.c. */
enum exit_code
{
  CLI_DONE = 0,
  CLI_REFUSED = 1,
  CLI_GATE = 2,
  CLI_UNREACHABLE = 3,
  CLI_DENIED = 4,
  CLI_NOT_FOUND = 5,
  CLI_CONFLICT = 6,
  CLI_PENDING = 7,
  CLI_DIGEST = 8,
  CLI_LOCAL = 9,
  CLI_INTERRUPTED = 130,
  CLI_PIPE = 141
};

enum format
{
  FORMAT_TEXT,
  FORMAT_JSON,
  FORMAT_LINES,
  FORMAT_CSV
};

/* One of the two streams that people see. */
struct terminal
{
  bool is_terminal;
  bool colour;
  bool utf8;
  unsigned columns; /* 0: no limit */
  unsigned rows;
};

struct cli
{
  const struct command *command; /* NULL before it is known */
  const char *const *arguments; /* without options */
  size_t argument_count;
  const struct given *given; /* options of the command, in the order they came */
  size_t given_count;
  const char *const *rest; /* behind "--", ended by NULL; NULL: none */

  enum format format;
  bool quiet;
  struct terminal out;
  struct terminal err;

  struct tally_options *options; /* made by cli_options */
  struct tally_client *client; /* made by cli_client */
};

/* --- arguments --- */

/* The last value of an option of the command; NULL when it was not given. */
const char *cli_option (const struct cli *cli, const char *name);
/* The value number `index` of an option that may be repeated; NULL behind the last. */
const char *cli_option_at (const struct cli *cli, const char *name, size_t index);
bool cli_has (const struct cli *cli, const char *name);
/* A whole number of an option within bounds, or `otherwise`. */
int64_t cli_number (struct cli *cli, const char *name, int64_t minimum, int64_t maximum, int64_t otherwise);
/* "key=value": the key as a new text, the value borrowed behind it. `text` is the value of an option, which is told
   with a wrong one, or an argument with a number. */
struct tally_pair cli_pair (struct cli *cli, const char *text);

/* A number, also "nan", "inf" and "-inf" in any case. */
bool cli_parse_double (const char *text, double *value);

/* --- memory: never NULL --- */

/* Texts live until the process ends, or until what was made since a mark is forgotten: for loops. Any thread. */
char *cli_printf (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
char *cli_copy (const char *text, size_t len);
struct arena_mark cli_mark (void);
void cli_rewind (const struct arena_mark *mark);
/* Arrays may be freed. */
void *cli_array (size_t count, size_t size);
/* Grow an array that this or cli_array made, or NULL. */
void *cli_grow (void *array, size_t count, size_t size);

/* --- connection --- */

/* Options from the command line, the environment and the file; made once. */
struct tally_options *cli_options (struct cli *cli);
const char *cli_setting (struct cli *cli, const char *name);
/* The client; made once. */
struct tally_client *cli_client (struct cli *cli);
/* One request whose answer is a JSON object: a new reference. Ends the process on errors. */
json_t *cli_request (struct cli *cli, const char *method, const char *path, const json_t *body);
/* The same; an error is the caller's. `*answer` may be set on errors too. */
enum tally_code cli_try_request (json_t **answer, struct cli *cli, const char *method, const char *path,
                                 const json_t *body, struct tally_error *err);
/* `text` percent-encoded. */
const char *cli_encode (const char *text);
/* Close the client within the deadline (negative: the option's). PENDING is returned, other errors are not. */
enum tally_code cli_close (struct cli *cli, int64_t deadline_ms, struct tally_error *err);

/* The id of a run: an id, the beginning of one, a name, "latest" or "current". Asks the server unless it is a whole
   id. `experiment` (may be NULL) narrows names and "latest". */
const char *cli_run_id (struct cli *cli, const char *text, const char *experiment);
/* The same among the runs that are deleted, of which none is "current". */
const char *cli_deleted_run_id (struct cli *cli, const char *text, const char *experiment);
/* The same run as the server has it: also ids that MLflow knows as the tag tally.run_id. */
struct tally_run_data *cli_run (struct cli *cli, const char *text, const char *experiment);
/* "runs:/<id>" and others of artifact.h as they are; else of cli_run_id. */
const char *cli_root (struct cli *cli, const char *text);
/* Ids of experiments by name or id, ended by NULL. */
const char *cli_experiment_id (struct cli *cli, const char *text);

/* --- failing --- */

/* Nothing when `code` is OK; else tell and end the process. */
void cli_must (struct cli *cli, enum tally_code code, const struct tally_error *err);
/* Tell; returns the exit code, for commands that have something to end first. */
int cli_fail (struct cli *cli, const struct tally_error *err);
/* A wrong use: told with the usage of the command; ends the process. */
void cli_refuse (struct cli *cli, const char *format, ...) __attribute__ ((format (printf, 2, 3), noreturn));
/* A failure of the machine's own: a file, memory. */
void cli_broken (struct cli *cli, int number, const char *format, ...)
    __attribute__ ((format (printf, 3, 4), noreturn));
/* Flush, and end. */
void cli_end (struct cli *cli, int status) __attribute__ ((noreturn));
int cli_exit_code (enum tally_code code);
/* A line for people on stderr, unless --quiet. */
void cli_note (struct cli *cli, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
/* The same, also with --quiet: something went wrong and the command goes on. */
void cli_warn (struct cli *cli, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
/* The table of exit codes: NULL behind the last. */
const char *cli_exit_meaning (size_t index, int *status);

/* The word of `words` (ended by NULL) that `text` was probably meant to be; NULL: none is near. */
const char *cli_meant (const char *text, const char *const *words);

#endif
