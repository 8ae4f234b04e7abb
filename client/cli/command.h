/* Commands as data: what they are called, what they take, what they are for. Parser, help, man pages, completion and
   the reference of the docs all come from this. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct cli;

struct option
{
  const char *name; /* "experiment", used as --experiment */
  char letter; /* 0: none */
  const char *value; /* "NAME"; NULL: a switch */
  const char *words; /* "a|b|c": the values allowed; NULL: any */
  bool many; /* may be repeated */
  const char *help; /* one sentence without its full stop */
};

/* An option as it was given. */
struct given
{
  const struct option *option;
  const char *value; /* NULL: a switch */
};

enum lists
{
  LISTS_NOTHING = 0, /* --json only */
  LISTS_ITEMS = 1 /* also --csv and --jsonl */
};

struct command
{
  const char *name; /* "run start" */
  const char *arguments; /* "RUN KEY=VALUE... [NAME]"; "" for none. A word behind "--" means the rest of the line */
  const char *summary; /* one line without a full stop */
  const char *text; /* paragraphs, separated by empty lines; NULL: none */
  const char *example; /* lines of a shell; NULL: none */
  const struct option *options; /* ended by one without a name; NULL: none */
  enum lists lists;
  int (*run) (struct cli *cli); /* returns the exit code */
};

/* All commands; ended by one without a name. */
extern const struct command commands[];
/* What comes before each group of commands in help and docs: its first word, and what it is about. */
struct command_group
{
  const char *name;
  const char *summary;
};
extern const struct command_group command_groups[];
/* Options that every command takes; and of those that list. */
extern const struct option common_options[];
extern const struct option list_options[];

/* The command of these words, longest first; `*used` of them are its name. NULL: none. */
const struct command *command_find (const char *const *words, size_t count, size_t *used);
/* How many arguments it takes; SIZE_MAX: any number. */
void command_bounds (const struct command *command, size_t *least, size_t *most);
/* True when it runs what stands behind "--". */
bool command_takes_rest (const struct command *command);
/* Call for each option of the command: its own, those of lists, the common ones. */
void command_each_option (const struct command *command, void (*each) (void *payload, const struct option *option),
                          void *payload);
const struct option *command_option (const struct command *command, const char *name, size_t len);
const struct option *command_letter (const struct command *command, char letter);

/* Texts made from the table. */
void help_program (struct cli *cli);
void help_command (struct cli *cli, const struct command *command);
void help_group (struct cli *cli, const char *group);
void manual_program (void);
void manual_command (const struct command *command);
void reference_print (void);
void completion_bash (void);
void completion_zsh (void);

#define COMMAND(name) int name (struct cli *cli)
COMMAND (run_login);
COMMAND (run_logout);
COMMAND (run_whoami);
COMMAND (run_run_start);
COMMAND (run_run_log);
COMMAND (run_run_end);
COMMAND (run_run_exec);
COMMAND (run_run_delete);
COMMAND (run_run_restore);
COMMAND (run_log);
COMMAND (run_runs);
COMMAND (run_experiments);
COMMAND (run_show);
COMMAND (run_compare);
COMMAND (run_chart);
COMMAND (run_artifact_put);
COMMAND (run_artifact_get);
COMMAND (run_artifact_ls);
COMMAND (run_model_register);
COMMAND (run_model_ls);
COMMAND (run_model_show);
COMMAND (run_model_alias);
COMMAND (run_model_check);
COMMAND (run_model_approve);
COMMAND (run_model_gate);
COMMAND (run_model_promote);
COMMAND (run_model_rollback);
COMMAND (run_model_history);
COMMAND (run_model_download);
COMMAND (run_model_verify);
COMMAND (run_gate_ls);
COMMAND (run_gate_show);
COMMAND (run_gate_set);
COMMAND (run_gate_delete);
COMMAND (run_sync);
COMMAND (run_doctor);
COMMAND (run_completion);
COMMAND (run_manual);
COMMAND (run_help);
COMMAND (run_version);
#undef COMMAND

#endif
