/* The table of commands. */
#include "cli/command.h"

/* Options that several commands have. */
#define EXPERIMENT_OF_RUN                                                                                              \
  {                                                                                                                    \
    "experiment", 'e', "NAME", NULL, false, "Experiment of the run; made when there is none"                           \
  }
#define EXPERIMENT_TO_LOOK_IN                                                                                          \
  {                                                                                                                    \
    "experiment", 'e', "NAME", NULL, false, "Experiment in which a name or 'latest' is looked for"                     \
  }
#define WAIT                                                                                                           \
  {                                                                                                                    \
    "wait", 0, "SECONDS", NULL, false,                                                                                 \
        "Wait so long until the server has it, and exit with 7 when it has not; else 5 seconds, and what is not sent " \
        "yet waits for 'tally sync'"                                                                                   \
  }
#define OFFLINE                                                                                                        \
  {                                                                                                                    \
    "offline", 0, NULL, NULL, false, "Ask no server: 'tally sync' sends it later"                                      \
  }
#define TAGS                                                                                                           \
  {                                                                                                                    \
    "tag", 't', "KEY=VALUE", NULL, true, "Tag of the run"                                                              \
  }
#define PARAMS                                                                                                         \
  {                                                                                                                    \
    "param", 'p', "KEY=VALUE", NULL, true, "Param of the run"                                                          \
  }
#define LIMIT                                                                                                          \
  {                                                                                                                    \
    "limit", 'n', "N", NULL, false, "At most so many; 0: all. Default 100"                                             \
  }
#define ORDER                                                                                                          \
  {                                                                                                                    \
    "order-by", 0, "ORDER", NULL, false, "Order, as \"metrics.loss ASC, start_time DESC\""                             \
  }
#define REASON                                                                                                         \
  {                                                                                                                    \
    "reason", 'r', "TEXT", NULL, false, "Why; kept in the ledger"                                                      \
  }
#define EXPECT                                                                                                         \
  {                                                                                                                    \
    "expect", 0, "VERSION", NULL, false, "The version that must have the alias now, or 'none'"                         \
  }
#define RUN_URL                                                                                                        \
  {                                                                                                                    \
    "run-url", 0, "URL", NULL, false, "Address of the CI job that asks"                                                \
  }
#define FORCE_OVERWRITE                                                                                                \
  {                                                                                                                    \
    "force", 'f', NULL, NULL, false, "Replace files that are there"                                                    \
  }
#define END                                                                                                            \
  {                                                                                                                    \
    NULL, 0, NULL, NULL, false, NULL                                                                                   \
  }

const struct option common_options[] = {
  { "server", 's', "URL", NULL, false, "Address of the server" },
  { "workspace", 'w', "NAME", NULL, false, "Workspace on the server" },
  { "set", 'o', "NAME=VALUE", NULL, true, "Set any option of libtally: see 'tally help options'" },
  { "json", 0, NULL, NULL, false, "Print JSON, errors too" },
  { "quiet", 'q', NULL, NULL, false, "No notes and no progress on stderr" },
  { "color", 0, "WHEN", "auto|always|never", false, "Colours; auto: on a terminal, unless NO_COLOR is set" },
  { "help", 'h', NULL, NULL, false, "Show what the command does" },
  END,
};

const struct option list_options[] = {
  { "csv", 0, NULL, NULL, false, "Print CSV" },
  { "jsonl", 0, NULL, NULL, false, "Print JSON lines, one for each item as it comes" },
  END,
};

static const struct option login_options[] = {
  { "token-stdin", 0, NULL, NULL, false, "Read a token from stdin" },
  { "username", 'u', "NAME", NULL, false, "Log in with a name and a password, which is asked for or read from stdin" },
  END,
};

static const struct option start_options[] = {
  EXPERIMENT_OF_RUN,
  { "name", 'n', "NAME", NULL, false, "Name of the run; else the server chooses" },
  TAGS,
  PARAMS,
  { "parent", 0, "RUN", NULL, false, "Start it below another run" },
  OFFLINE,
  WAIT,
  END,
};

static const struct option run_log_options[] = {
  { "step", 0, "N", NULL, false, "Step of the metrics; default 0" },
  { "timestamp", 0, "MS", NULL, false, "Time of the metrics in ms since 1970; default now" },
  TAGS,
  PARAMS,
  OFFLINE,
  WAIT,
  END,
};

static const struct option end_options[] = {
  { "status", 0, "STATUS", "finished|failed|killed", false, "How it ended; default finished" },
  OFFLINE,
  WAIT,
  END,
};

static const struct option exec_options[] = {
  EXPERIMENT_OF_RUN,
  { "name", 'n', "NAME", NULL, false, "Name of the run; default the command" },
  TAGS,
  PARAMS,
  OFFLINE,
  { "interval", 0, "SECONDS", NULL, false, "Between two samples of the machine's load; default 10, 0: none" },
  { "no-output", 0, NULL, NULL, false, "Do not store what the command prints" },
  { "summary", 0, "FILE", NULL, false, "Write what became of it into a file, as one line of JSON" },
  END,
};

static const struct option log_options[] = {
  { "format", 0, "FORMAT", "auto|csv|jsonl", false, "What stdin holds; default auto, by its first character" },
  { "strict", 0, NULL, NULL, false, "Stop at the first line that is wrong" },
  EXPERIMENT_TO_LOOK_IN,
  OFFLINE,
  WAIT,
  END,
};

static const struct option runs_options[] = {
  { "experiment", 'e', "NAME", NULL, true, "Only runs of this experiment" },
  ORDER,
  LIMIT,
  { "columns", 'c', "LIST", NULL, false, "Columns, as \"id,name,metrics.loss,params.depth,tags.team\"" },
  { "deleted", 0, NULL, NULL, false, "Deleted runs instead" },
  END,
};

static const struct option experiments_options[] = {
  ORDER,
  LIMIT,
  { "deleted", 0, NULL, NULL, false, "Deleted experiments instead" },
  END,
};

static const struct option look_options[] = { EXPERIMENT_TO_LOOK_IN, END };

static const struct option compare_options[] = {
  EXPERIMENT_TO_LOOK_IN,
  { "differences", 'd', NULL, NULL, false, "Only what differs" },
  { "system", 0, NULL, NULL, false, "Also tags of MLflow and Tally and metrics of the system" },
  END,
};

static const struct option chart_options[] = {
  { "follow", 'f', NULL, NULL, false, "Draw again as points come, until the runs end" },
  { "metric", 'm', "METRIC", NULL, true, "One more metric; all arguments are runs then" },
  { "x", 'x', "AXIS", "step|time|relative", false, "What goes to the right; default step" },
  { "log", 0, NULL, NULL, false, "Logarithmic scale" },
  { "width", 0, "COLUMNS", NULL, false, "Width; default that of the terminal, else 80" },
  { "height", 0, "LINES", NULL, false, "Height; default by the terminal, else 20" },
  { "ascii", 0, NULL, NULL, false, "Draw with ASCII characters only" },
  { "interval", 0, "SECONDS", NULL, false, "With --follow: pause between two looks; default 2" },
  EXPERIMENT_TO_LOOK_IN,
  END,
};

static const struct option put_options[] = {
  { "parallel", 0, "N", NULL, false, "Files at a time, 1 to 16; default 4" },
  EXPERIMENT_TO_LOOK_IN,
  END,
};

static const struct option get_options[] = {
  { "to", 0, "FOLDER", NULL, false, "Where to; default the working folder" },
  FORCE_OVERWRITE,
  { "parallel", 0, "N", NULL, false, "Files at a time, 1 to 16; default 4" },
  EXPERIMENT_TO_LOOK_IN,
  END,
};

static const struct option ls_options[] = {
  { "recursive", 'r', NULL, NULL, false, "Also what is in folders" },
  EXPERIMENT_TO_LOOK_IN,
  END,
};

static const struct option register_options[] = {
  { "run", 0, "RUN", NULL, false, "Run that made it; known for sources of runs" },
  { "description", 'd', "TEXT", NULL, false, "What it is" },
  { "tag", 't', "KEY=VALUE", NULL, true, "Tag of the version" },
  END,
};

static const struct option model_ls_options[] = { LIMIT, END };

static const struct option alias_options[] = {
  { "delete", 0, NULL, NULL, false, "Take the alias away; MODEL is a name then" },
  END,
};

static const struct option check_options[] = {
  { "value", 0, "NUMBER", NULL, false, "What was measured" },
  { "url", 0, "URL", NULL, false, "Where to read more" },
  { "text", 0, "TEXT", NULL, false, "What to say" },
  END,
};

static const struct option approve_options[] = {
  { "comment", 'c', "TEXT", NULL, false, "Comment" },
  END,
};

static const struct option model_gate_options[] = {
  { "stage", 0, "STAGE", "Staging|Production|Archived", false, "Ask about a stage instead of an alias" },
  END,
};

static const struct option promote_options[] = {
  { "stage", 0, "STAGE", "None|Staging|Production|Archived", false, "Move it to a stage instead of giving an alias" },
  { "archive", 0, NULL, NULL, false, "With --stage Staging or Production: what else is there goes to Archived" },
  EXPECT,
  REASON,
  RUN_URL,
  { "force", 0, NULL, NULL, false, "In spite of the gate; needs the right, and a reason" },
  END,
};

static const struct option rollback_options[] = {
  { "at", 0, "TIME", NULL, false,
    "Back to who had it then, such as 2026-01-31T12:00:00Z; without: to the version before" },
  EXPECT,
  REASON,
  RUN_URL,
  END,
};

static const struct option history_options[] = { LIMIT, END };

static const struct option download_options[] = {
  FORCE_OVERWRITE,
  { "parallel", 0, "N", NULL, false, "Files at a time, 1 to 16; default 4" },
  END,
};

#define STAGE                                                                                                          \
  {                                                                                                                    \
    "stage", 0, "STAGE", "Staging|Production|Archived", false, "Guard a stage instead of an alias"                     \
  }

static const struct option gate_options[] = { STAGE, END };

static const struct option gate_set_options[] = {
  STAGE,
  { "check", 0, "NAME", NULL, true, "The newest result of this check is success" },
  { "check-by", 0, "CHECK=USER", NULL, true, "Only results of this check that these users and groups posted count" },
  { "check-by-group", 0, "CHECK=GROUP", NULL, true, "The same for a group" },
  { "metric", 'm', "RULE", NULL, true,
    "KEY>=NUMBER or KEY<=NUMBER; with @ALIAS: no worse than the version that has it" },
  { "epsilon", 0, "KEY=NUMBER", NULL, true, "By so much the metric may be worse than @ALIAS; default 0" },
  { "dataset", 0, "KEY=NAME", NULL, true, "The metric as it was measured on this data set" },
  { "tag", 't', "KEY[=VALUE]", NULL, true, "The version has this tag, with this value if one is given" },
  { "approvals", 0, "N", NULL, false, "So many people approve; 1 when only approvers are named" },
  { "approver", 0, "USER", NULL, true, "Only approvals of these users and groups count" },
  { "approver-group", 0, "GROUP", NULL, true, "The same for a group" },
  { "soak", 0, "ALIAS=TIME", NULL, false, "The version has had that alias for so long, as staging=24h" },
  { "freeze", 0, "WINDOW", NULL, true,
    "Nothing moves then, in UTC: 2026-12-20/2027-01-02, or days of the week, as sat,sun or fri=16:00-24:00" },
  { "mover", 0, "USER", NULL, true, "Only these users and groups may move it" },
  { "mover-group", 0, "GROUP", NULL, true, "The same for a group" },
  { "rules", 0, "FILE", NULL, false, "All rules as JSON, also what 'gate show --json' printed; -: stdin" },
  { "protect", 0, NULL, NULL, false, "No rules: moves need the action 'promote'" },
  END,
};

static const struct option sync_options[] = {
  { "all-servers", 0, NULL, NULL, false, "Also what was logged for other servers" },
  { "watch", 0, NULL, NULL, false, "Go on until interrupted" },
  { "interval", 0, "SECONDS", NULL, false, "With --watch: pause between two rounds; default 30" },
  END,
};

#define MODEL_TEXT                                                                                                     \
  "MODEL is NAME/VERSION, NAME@ALIAS, NAME/latest or NAME/STAGE, the newest in a stage; \"models:/\" may stand in "    \
  "front.\n\n"
#define GATE_TEXT                                                                                                      \
  "PATTERN is the name of a model, or a pattern in which * stands for any characters. Gates of patterns need the "     \
  "right "                                                                                                             \
  "to manage the workspace.\n\n"
#define RUN_TEXT                                                                                                       \
  "RUN is an id, the beginning of one (6 digits or more), a name, 'latest', or 'current': the run of "                 \
  "TALLY_RUN_ID.\n\n"

const struct command_group command_groups[] = {
  { "login", "Getting connected" },
  { "run", "Logging" },
  { "runs", "Looking" },
  { "artifact", "Files" },
  { "model", "Models" },
  { "gate", "Gates of models" },
  { "sync", "Spool, settings and help" },
  { NULL, NULL },
};

const struct command commands[] = {
  { "login", "", "Remember a server and how to log in",
    "Asks for the server and a token (or, with --username, a password) without showing what is typed, checks that "
    "they work, and writes them to the file of settings, which only you may read: $TALLY_CONFIG, else "
    "~/.config/tally/config. Other lines of the file stay as they are. An empty token means that the server needs "
    "none.",
    "tally login --server https://tally.example\ntally login --token-stdin < token", login_options, LISTS_NOTHING,
    run_login },
  { "logout", "", "Forget token and password", "The server's address stays in the file of settings.", NULL, NULL,
    LISTS_NOTHING, run_logout },
  { "whoami", "", "Show server, version and user", NULL, NULL, NULL, LISTS_NOTHING, run_whoami },

  { "run start", "", "Start a run and print its id",
    "The id is made here, so it is printed also when no server answers; the run is then created by a later "
    "'tally sync'.",
    "run=$(tally run start -e churn -p depth=8)\ntally run log \"$run\" loss=0.3 --step 1\ntally run end \"$run\"",
    start_options, LISTS_NOTHING, run_run_start },
  { "run log", "RUN [KEY=NUMBER...]", "Log metrics, params and tags to a run", RUN_TEXT, NULL, run_log_options,
    LISTS_NOTHING, run_run_log },
  { "run end", "RUN", "End a run", RUN_TEXT, NULL, end_options, LISTS_NOTHING, run_run_end },
  { "run exec", "-- COMMAND...", "Run a command as a run",
    "Starts a run, then the command with TALLY_RUN_ID in its environment, and MLFLOW_RUN_ID when the server answers "
    "in time, so that programs with libtally or MLflow log to it. What the command prints is passed through and "
    "stored as output/stdout.txt and output/stderr.txt (the first and the last 4 MiB); a terminal stays a terminal "
    "for it. Logged are the command, its environment, git, duration, CPU time, memory, exit code and the machine's "
    "load.\n\n"
    "Signals are passed on. The run ends FINISHED after exit code 0, KILLED after a signal, else FAILED; 'tally' "
    "exits with the command's code, or 128 and the signal's number. A server that does not answer never stops or "
    "delays the command by more than two seconds: what is logged waits in the spool for 'tally sync'.\n\n"
    "stdout belongs to the command. With --json the last line of stderr is what became of it, and --summary writes "
    "that "
    "line into a file: {\"run_id\", \"server_run_id\", \"status\", \"exit_code\", \"signal\", \"duration_s\", "
    "\"cpu_s\", "
    "\"memory_mib\", \"sent\", \"waiting\", \"rejected\"}; errors before the command starts are JSON on stderr too.\n\n"
    "Below another 'tally run exec' the run becomes a child of that one.",
    "tally run exec -e churn -p depth=8 -- ./train --depth 8\n"
    "tally run exec --summary run.json -- ./train --depth 9",
    exec_options, LISTS_NOTHING, run_run_exec },
  { "run delete", "RUN", "Delete a run", RUN_TEXT, NULL, look_options, LISTS_NOTHING, run_run_delete },
  { "run restore", "RUN", "Bring a deleted run back",
    "RUN is the id of a deleted run, the beginning of one (6 digits or more), a name, or 'latest'; 'tally runs "
    "--deleted' lists them.",
    NULL, look_options, LISTS_NOTHING, run_run_restore },
  { "log", "RUN", "Log what stdin says, line by line, as it comes",
    RUN_TEXT "CSV begins with a line of names: 'step' and 'timestamp' (ms) where there are such columns, the others "
             "are metrics; empty fields are no points. JSON lines are objects, {\"step\": 3, \"loss\": 0.5}, or one "
             "point each, {\"key\": \"loss\", \"value\": 0.5, \"step\": 3, \"timestamp\": 1700000000000}. Without a "
             "step the lines are counted from 0. A line that is wrong is named, and the others are logged; the exit "
             "code is 1 then.",
    "./train | tally log latest", log_options, LISTS_NOTHING, run_log },

  { "runs", "[FILTER]", "List runs", "FILTER is the search language, as \"metrics.loss < 0.3 AND params.depth = '8'\".",
    "tally runs \"metrics.loss < 0.3\" -e churn --order-by 'metrics.loss ASC'\n"
    "tally runs --columns id,metrics.loss,params.depth --csv > runs.csv",
    runs_options, LISTS_ITEMS, run_runs },
  { "experiments", "[FILTER]", "List experiments", NULL, NULL, experiments_options, LISTS_ITEMS, run_experiments },
  { "show", "WHAT...", "Show runs or models", RUN_TEXT MODEL_TEXT, "tally show latest\ntally show churn@champion",
    look_options, LISTS_NOTHING, run_show },
  { "compare", "RUN RUN...", "Show runs side by side, with what differs marked", RUN_TEXT, NULL, compare_options,
    LISTS_NOTHING, run_compare },
  { "chart", "RUN... [METRIC]", "Draw a metric in the terminal",
    RUN_TEXT "The last argument is the metric, unless --metric names it. Several runs are drawn into one chart.",
    "tally chart latest loss -f", chart_options, LISTS_NOTHING, run_chart },

  { "artifact put", "ROOT PATH [NAME]", "Send a file or a folder",
    "ROOT is a run, or \"runs:/ID\", or a logged model as \"models:/m-ID\". NAME is where it goes; default the name "
    "of the file, or the top for a folder, of which links are taken only to files inside.",
    "tally artifact put latest model/ model", put_options, LISTS_NOTHING, run_artifact_put },
  { "artifact get", "ROOT [NAME]", "Fetch a file or a folder",
    "ROOT is a run, or \"runs:/ID\", \"models:/m-ID\", \"models:/NAME/VERSION\" or \"models:/NAME@ALIAS\". Each file "
    "appears whole or not at all, with its digest checked where the server tells one.",
    NULL, get_options, LISTS_NOTHING, run_artifact_get },
  { "artifact ls", "ROOT [FOLDER]", "List files", NULL, NULL, ls_options, LISTS_ITEMS, run_artifact_ls },

  { "model register", "NAME SOURCE", "Register a version of a model",
    RUN_TEXT "SOURCE is \"runs:/RUN/PATH\", \"models:/m-ID\", or an address that the server allows. The model is made "
             "when there is none. Prints NAME/VERSION.",
    "tally model register churn runs:/$run/model\ntally model register churn runs:/latest/model", register_options,
    LISTS_NOTHING, run_model_register },
  { "model ls", "[NAME]", "List models, or the versions of one", NULL, NULL, model_ls_options, LISTS_ITEMS,
    run_model_ls },
  { "model show", "MODEL...", "Show versions of models", MODEL_TEXT, NULL, NULL, LISTS_NOTHING, run_model_show },
  { "model alias", "MODEL ALIAS", "Point an alias at a version", MODEL_TEXT, NULL, alias_options, LISTS_NOTHING,
    run_model_alias },
  { "model check", "MODEL CHECK STATUS", "Post the result of a check",
    MODEL_TEXT "STATUS is success, failure or pending.", "tally model check churn/3 tests success --value 0.93",
    check_options, LISTS_NOTHING, run_model_check },
  { "model approve", "MODEL", "Approve a version", MODEL_TEXT, NULL, approve_options, LISTS_NOTHING,
    run_model_approve },
  { "model gate", "MODEL [ALIAS]", "Ask whether a version may have an alias, or go to a stage",
    MODEL_TEXT "Changes nothing. Exits with 2, and says what is missing, when the gate does not let it through. Gates "
               "are set by 'tally gate set'.",
    "tally model gate churn/3 production\ntally model gate churn/3 --stage Production", model_gate_options,
    LISTS_NOTHING, run_model_gate },
  { "model promote", "MODEL [ALIAS]", "Give an alias to a version, or move it to a stage, through the gate",
    MODEL_TEXT "Exits with 2, and says what is missing, when the gate refuses; with 6 when --expect did not hold.",
    "tally model promote churn/3 production --expect 2 --reason 'better recall'\n"
    "tally model promote churn/3 --stage Production --archive",
    promote_options, LISTS_NOTHING, run_model_promote },
  { "model rollback", "NAME ALIAS", "Give an alias back to the version that had it before",
    "Exits with 2, and says what is missing, when the gate refuses; with 6 when --expect did not hold. Stages are not "
    "given "
    "back: 'tally model promote --stage' moves a version to any of them.",
    "tally model rollback churn production --reason 'too many alarms'\n"
    "tally model rollback churn production --at 2026-01-31T12:00:00Z",
    rollback_options, LISTS_NOTHING, run_model_rollback },
  { "model history", "NAME", "Show what was done with a model, newest first", NULL, NULL, history_options, LISTS_ITEMS,
    run_model_history },
  { "model download", "MODEL FOLDER", "Fetch the files of a version", MODEL_TEXT,
    "tally model download churn@champion ./model", download_options, LISTS_NOTHING, run_model_download },
  { "model verify", "MODEL FOLDER", "Compare a folder with a version",
    MODEL_TEXT "Exits with 8 when a file differs, is missing or too many.", NULL, NULL, LISTS_NOTHING,
    run_model_verify },

  { "gate ls", "[MODEL]", "List gates, or those that bind a model", NULL, NULL, history_options, LISTS_ITEMS,
    run_gate_ls },
  { "gate show", "PATTERN [ALIAS]", "Show one gate", GATE_TEXT,
    "tally gate show 'fraud-*' production --json > gate.json", gate_options, LISTS_NOTHING, run_gate_show },
  { "gate set", "PATTERN [ALIAS]", "Say what must be true before an alias or stage moves",
    GATE_TEXT
    "The rules replace those that the gate had. Several gates may bind one alias; all must be passed. What the rules "
    "mean is in docs/gates.md.\n\n"
    "WINDOW is FROM/TO, each a day or a time as 2026-12-20T18:00:00Z; or days of the week (mon, tue, wed, thu, fri, "
    "sat, sun) separated by commas, and behind = the hours of these days. With TO it is over.",
    "tally gate set churn production --check tests --metric 'auc>=0.9' --metric 'auc>=@production'\n"
    "tally gate set churn champion -m 'loss<=@champion' --epsilon loss=0.01 --freeze fri=16:00-24:00\n"
    "tally gate set churn production --check bias --check-by-group bias=auditors\n"
    "tally gate set 'fraud-*' --stage Production --approvals 2 --approver-group risk\n"
    "tally gate set churn champion --protect",
    gate_set_options, LISTS_NOTHING, run_gate_set },
  { "gate delete", "PATTERN [ALIAS]", "Remove a gate", GATE_TEXT, NULL, gate_options, LISTS_NOTHING, run_gate_delete },

  { "sync", "", "Send what waits in the spool",
    "Sends what programs could not send: after an outage, after they were killed, or offline. What the server has "
    "already is not stored twice. Exits with 7 when something is left.",
    NULL, sync_options, LISTS_NOTHING, run_sync },
  { "doctor", "", "Check settings, server, clock and spool, and say what to do", NULL, NULL, NULL, LISTS_NOTHING,
    run_doctor },
  { "completion", "SHELL", "Print completion for a shell: bash or zsh", NULL, "source <(tally completion bash)", NULL,
    LISTS_NOTHING, run_completion },
  { "manual", "[COMMAND...]", "Print a man page; 'reference': all commands in Markdown", NULL,
    "tally manual run exec | man -l -", NULL, LISTS_NOTHING, run_manual },
  { "help", "[COMMAND...]", "Show what a command does; 'options': the options of libtally", NULL, NULL, NULL,
    LISTS_NOTHING, run_help },
  { "version", "", "Show the version", NULL, NULL, NULL, LISTS_NOTHING, run_version },
  { NULL, NULL, NULL, NULL, NULL, NULL, LISTS_NOTHING, NULL },
};
