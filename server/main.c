/* tallyd: subcommands, start, signals, stop. */
#include "access/access.h"
#include "api/metric.h"
#include "api/reference.h"
#include "api/route.h"
#include "api/route_stats.h"
#include "api/run.h"
#include "api/source_rule.h"
#include "artifact/sign.h"
#include "artifact/sweeper.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "blob/blob.h"
#include "command/command.h"
#include "command/gc.h"
#include "command/user.h"
#include "command/verify_ledger.h"
#include "http/server.h"
#include "ingest/keys.h"
#include "ingest/metric_flush.h"
#include "search/run_memory.h"
#include "store/migrate.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names of metrics in memory: a million keys of usual length. */
#define METRIC_KEYS_MAX_BYTES ((size_t)64 * 1024 * 1024)
/* Links of runs and logged models in memory: some hundred thousand. */
#define METRIC_CONTEXTS_MAX_BYTES ((size_t)32 * 1024 * 1024)
/* One transaction: large enough that the commit's own cost disappears, small enough to end within milliseconds. */
#define GROUP_MAX_COUNT 4096
#define GROUP_MAX_BYTES ((size_t)8 * 1024 * 1024)
/* What one search may take of search-memory-bytes: all of it for what it needs, and as much as is there already. */
#define SEARCH_FACTOR 2
/* Stacks of our threads and the library's: the deepest call chain needs a few dozen KiB, messages on it included. */
#define THREAD_STACK_BYTES ((size_t)256 * 1024)
/* Instrumented frames are several times larger, and the thread sanitizer keeps most of a MiB of thread-local data at
   the end of each stack; the usual default of Linux holds both. */
#define THREAD_STACK_SANITIZED_BYTES ((size_t)8 * 1024 * 1024)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif
/* Heaps of the allocator; more than the processors have use for only hold memory. */
#define MALLOC_ARENAS 4
/* Large bodies and answers get pages of their own, which go back to the system at once: the allocator's threshold would
   otherwise grow with them, and what was needed once would stay. */
#define MALLOC_MMAP_BYTES (1024 * 1024)
/* How often the housekeeper flushes the log and looks for slow connections. */
#define HOUSEKEEPING_US 100000
/* How often the artifact store is swept; the first time when the start is over. */
#define SWEEP_FIRST_US ((uint64_t)60 * 1000000)
#define SWEEP_INTERVAL_US ((uint64_t)3600 * 1000000)
/* How often a draining server looks whether it is done. */
#define DRAIN_POLL_US 5000

/* What a running server consists of, in the order it is started. */
struct daemon
{
  struct config *config;
  struct store *store;
  struct api_service service;
  struct metric_sink metrics;
  struct sweeper *sweeper;
  struct http_server *http;
  pthread_t housekeeper;
  bool housekeeping;
  _Atomic bool stopping;
};

static void
fail (const struct err *err)
{
  log_line (EVENT_start_failed, LOG_TEXT ("message", err->message), LOG_TEXT ("cause", err->cause));
  log_flush ();
}

static void *
keep_house (void *context)
{
  struct daemon *daemon = context;

  while (! atomic_load (&daemon->stopping))
  {
    log_flush ();
    http_server_sweep (daemon->http);
    usleep (HOUSEKEEPING_US);
  }
  return NULL;
}

/* Set up the database, or bring it up to date. */
static enum err_code
prepare_database (struct daemon *daemon, enum migrate_mode mode, struct err *err)
{
  struct store_connection *connection = store_connection_new (daemon->store);
  unsigned applied = 0;
  enum err_code code;

  if (NULL == connection)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = migrate (&applied, connection, mode, daemon->config->default_artifact_root, err);
  if (applied > 0)
    log_line (EVENT_migrated, LOG_NUMBER ("count", applied));
  store_connection_free (connection);
  return code;
}

static struct committer *
start_committer (const struct daemon *daemon, commit_flush flush, void *context)
{
  const struct config *config = daemon->config;
  const struct committer_options options = {
    .flush = flush,
    .context = context,
    .threads = (unsigned)config->committers,
    .max_count = (size_t)config->queue_requests,
    .max_bytes = (size_t)config->queue_bytes,
    .group_max_count = GROUP_MAX_COUNT,
    .group_max_bytes = GROUP_MAX_BYTES,
    .budget_us = (uint64_t)config->work_timeout_ms * 1000,
  };

  return committer_start (daemon->store, &options);
}

static enum err_code
start (struct daemon *daemon, struct err *err)
{
  enum err_code code;

  daemon->store = store_new (daemon->config);
  if (NULL == daemon->store || ! route_stats_init () || ! route_names_init ())
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = source_rule_new (&daemon->service.source_rule, daemon->config, err);
  if (ERR_OK != code)
    return code;
  code = prepare_database (daemon, daemon->config->migrate ? MIGRATE_ALL : MIGRATE_EMPTY_ONLY, err);
  if (ERR_OK != code)
    return code;
  daemon->service.config = daemon->config;
  daemon->service.store = daemon->store;
  daemon->service.metrics = &daemon->metrics;
  daemon->metrics.keys = metric_keys_new (METRIC_KEYS_MAX_BYTES);
  daemon->metrics.contexts = metric_contexts_new (METRIC_CONTEXTS_MAX_BYTES);
  if (NULL == daemon->metrics.keys || NULL == daemon->metrics.contexts)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  daemon->service.searcher = (struct run_searcher){
    .memory = run_memory_new ((size_t)daemon->config->search_memory_bytes,
                              SEARCH_FACTOR * (size_t)daemon->config->search_memory_bytes,
                              (size_t)daemon->config->workers / 2),
    .keys = daemon->metrics.keys,
  };
  if (NULL == daemon->service.searcher.memory)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = blob_store_open (&daemon->service.blobs, daemon->config, err);
  if (ERR_OK != code)
    return code;
  daemon->service.signing_keys = artifact_keys_new ();
  if (NULL == daemon->service.signing_keys)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = access_start (&daemon->service.access, daemon->store, daemon->config, err);
  if (ERR_OK != code)
    return code;
  daemon->metrics.folder = folder_start (daemon->store, daemon->config);
  if (NULL == daemon->metrics.folder)
    return err_set (err, ERR_INTERNAL_ERROR, "threads cannot be started");
  daemon->service.metric_committer = start_committer (daemon, metric_flush, &daemon->metrics);
  daemon->service.run_committer = start_committer (daemon, api_run_flush, NULL);
  if (NULL == daemon->service.metric_committer || NULL == daemon->service.run_committer)
    return err_set (err, ERR_INTERNAL_ERROR, "threads cannot be started");
  code = http_server_start (&daemon->http, &daemon->service, err);
  if (ERR_OK != code)
    return code;
  daemon->sweeper = sweeper_start (&(const struct sweeper_options){ .store = daemon->store,
                                                                    .blobs = daemon->service.blobs,
                                                                    .older_than_s = daemon->config->upload_ttl_s,
                                                                    .first_us = SWEEP_FIRST_US,
                                                                    .interval_us = SWEEP_INTERVAL_US });
  daemon->housekeeping =
      NULL != daemon->sweeper && 0 == pthread_create (&daemon->housekeeper, NULL, keep_house, daemon);
  if (! daemon->housekeeping)
    return err_set (err, ERR_INTERNAL_ERROR, "threads cannot be started");
  return ERR_OK;
}

/* Stop in the order that loses nothing: what is under way is finished, then what finished it ends. Idle connections are
   closed last: a request that still comes in over one is refused by the queues, which are closed but not yet freed. */
static void
stop (struct daemon *daemon)
{
  if (NULL != daemon->http)
    http_server_stop_work (daemon->http);
  committer_stop (daemon->service.metric_committer);
  committer_stop (daemon->service.run_committer);
  folder_stop (daemon->metrics.folder);
  sweeper_stop (daemon->sweeper);
  atomic_store (&daemon->stopping, true);
  if (daemon->housekeeping)
    (void)pthread_join (daemon->housekeeper, NULL);
  http_server_stop (daemon->http);
  committer_free (daemon->service.metric_committer);
  committer_free (daemon->service.run_committer);
  folder_free (daemon->metrics.folder);
  run_memory_free (daemon->service.searcher.memory);
  access_stop (daemon->service.access);
  source_rule_free (daemon->service.source_rule);
  artifact_keys_free (daemon->service.signing_keys);
  blob_store_close (daemon->service.blobs);
  metric_keys_free (daemon->metrics.keys);
  metric_contexts_free (daemon->metrics.contexts);
  store_free (daemon->store);
}

static void
signals_to_wait_for (sigset_t *set)
{
  sigemptyset (set);
  sigaddset (set, SIGTERM);
  sigaddset (set, SIGINT);
  sigaddset (set, SIGHUP);
}

/* Wait for the signal that ends the server; one that only renews its certificate is done on the way. */
static int
wait_for_end (struct daemon *daemon, const sigset_t *signals)
{
  int number = 0;

  do
    if (0 == sigwait (signals, &number) && SIGHUP == number)
      http_server_reload (daemon->http);
  while (SIGTERM != number && SIGINT != number);
  return number;
}

/* Wait until the requests under way are answered, the time is over, or a second signal comes, which ends the process.
 */
static void
drain (struct daemon *daemon, const sigset_t *signals)
{
  uint64_t deadline_us = clock_monotonic_us () + (uint64_t)daemon->config->drain_timeout_ms * 1000;
  const struct timespec poll = { .tv_nsec = DRAIN_POLL_US * 1000 };
  int number;

  http_server_drain (daemon->http);
  while (http_server_in_flight (daemon->http) > 0)
  {
    if (clock_monotonic_us () >= deadline_us)
    {
      log_line (EVENT_drain_timeout, LOG_NUMBER ("requests", http_server_in_flight (daemon->http)));
      break;
    }
    number = sigtimedwait (signals, NULL, &poll);
    if (SIGTERM == number || SIGINT == number)
      _exit (1);
  }
  /* From here on a signal ends the process at once. */
  (void)signal (SIGHUP, SIG_IGN);
  (void)signal (SIGTERM, SIG_DFL);
  (void)signal (SIGINT, SIG_DFL);
  (void)pthread_sigmask (SIG_UNBLOCK, signals, NULL);
}

static int
serve (struct config *config)
{
  struct daemon daemon = { .config = config };
  struct err err = { 0 };
  sigset_t signals;
  int signal_number;
  enum err_code code;

  /* Blocked before any thread starts, so that all of them leave signals to this one. */
  signals_to_wait_for (&signals);
  (void)pthread_sigmask (SIG_BLOCK, &signals, NULL);
  (void)signal (SIGPIPE, SIG_IGN);
  /* A limit on the size of files is an error like a full disk. */
  (void)signal (SIGXFSZ, SIG_IGN);
  code = start (&daemon, &err);
  if (ERR_OK != code)
  {
    fail (&err);
    (void)pthread_sigmask (SIG_UNBLOCK, &signals, NULL);
    stop (&daemon);
    return EXIT_FAILURE;
  }
  log_line (EVENT_listening, LOG_TEXT ("address", http_server_address (daemon.http)),
            LOG_TEXT ("version", TALLY_VERSION));
  signal_number = wait_for_end (&daemon, &signals);
  log_line (EVENT_stopping, LOG_TEXT ("signal", SIGTERM == signal_number ? "SIGTERM" : "SIGINT"));
  drain (&daemon, &signals);
  stop (&daemon);
  log_line (EVENT_stopped, LOG_TEXT ("version", TALLY_VERSION));
  log_flush ();
  return EXIT_SUCCESS;
}

static int
migrate_command (struct config *config)
{
  struct daemon daemon = { .config = config, .store = store_new (config) };
  struct err err = { 0 };
  enum err_code code = prepare_database (&daemon, MIGRATE_ALL, &err);

  store_free (daemon.store);
  if (ERR_OK != code)
    fail (&err);
  else
    puts ("The database is up to date.");
  log_flush ();
  return ERR_OK == code ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
print_values (struct config *config)
{
  struct buffer out;

  buffer_init (&out, SIZE_MAX / 2);
  config_write_values (&out, config);
  fputs (NULL == out.data ? "" : out.data, stdout);
  buffer_free (&out);
  return EXIT_SUCCESS;
}

static int
print_with (void (*write_page) (struct buffer *out))
{
  struct buffer out;

  buffer_init (&out, SIZE_MAX / 2);
  write_page (&out);
  fputs (NULL == out.data ? "" : out.data, stdout);
  buffer_free (&out);
  return EXIT_SUCCESS;
}

static int
config_command (int argc, char **argv)
{
  if (argc > 0 && 0 == strcmp (argv[0], "--help"))
    return print_with (config_write_help);
  if (argc > 0 && 0 == strcmp (argv[0], "--sample"))
    return print_with (config_write_sample);
  return command_with_config (argc, argv, print_values);
}

static int
reference_command (int argc, char **argv)
{
  bool json = argc > 1 && 0 == strcmp (argv[1], "--json");
  struct buffer out;
  int status = EXIT_FAILURE;

  buffer_init (&out, SIZE_MAX / 2);
  if (argc > 0 && reference_write (&out, argv[0], json))
  {
    fputs (NULL == out.data ? "" : out.data, stdout);
    status = EXIT_SUCCESS;
  }
  else
    fputs ("usage: tallyd reference routes|errors|config|stats|events, or routes --json\n", stderr);
  buffer_free (&out);
  return status;
}

static void
print_help (FILE *to)
{
  fputs (
      "tallyd: experiment tracker and model registry over PostgreSQL, speaks the MLflow protocol\n\n"
      "  tallyd serve [flags]       serve until SIGTERM or SIGINT\n"
      "  tallyd migrate [flags]     bring the database up to date\n"
      "  tallyd gc [--dry-run] [--older-than-days=30] [--grace-hours=24] [--all-strays] [flags]\n"
      "                             remove for good what was deleted, and contents of artifacts that nothing names\n"
      "  tallyd verify-ledger [--checkpoint FILE] [flags]\n"
      "                             whether the history of the model registry is whole, and the registry what it says\n"
      "  tallyd user add|list|password|disable|enable|delete [NAME] [flags]\n"
      "                             accounts; the first administrator: tallyd user add NAME --admin\n"
      "  tallyd token add|list|revoke [USER [NAME]] [flags]\n"
      "                             API tokens\n"
      "  tallyd config [flags]      show the settings in force; --help explains all, --sample prints a file\n"
      "  tallyd reference PAGE      print routes, errors, config, stats or events as Markdown\n"
      "  tallyd version             print the version\n\n"
      "First try: tallyd serve --database-url postgresql:///tally\n",
      to);
}

static int
serve_command (int argc, char **argv)
{
  return command_with_config (argc, argv, serve);
}

static int
migrate_with_config (int argc, char **argv)
{
  return command_with_config (argc, argv, migrate_command);
}

static int
version_command (int argc, char **argv)
{
  (void)argc;
  (void)argv;
  puts (TALLY_VERSION);
  return EXIT_SUCCESS;
}

static int
help_command (int argc, char **argv)
{
  (void)argc;
  (void)argv;
  print_help (stdout);
  return EXIT_SUCCESS;
}

static void
limit_memory (void)
{
  pthread_attr_t attributes;

  (void)mallopt (M_ARENA_MAX, MALLOC_ARENAS);
  (void)mallopt (M_MMAP_THRESHOLD, MALLOC_MMAP_BYTES);
  (void)mallopt (M_TRIM_THRESHOLD, MALLOC_MMAP_BYTES);
  if (0 == pthread_attr_init (&attributes))
  {
    (void)pthread_attr_setstacksize (&attributes, SANITIZED ? THREAD_STACK_SANITIZED_BYTES : THREAD_STACK_BYTES);
    (void)pthread_setattr_default_np (&attributes);
    (void)pthread_attr_destroy (&attributes);
  }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    int (*run) (int argc, char **argv);
  } commands[] = {
    { "serve", serve_command },         { "migrate", migrate_with_config },
    { "config", config_command },       { "gc", command_gc },
    { "user", command_user },           { "token", command_token },
    { "reference", reference_command }, { "version", version_command },
    { "--version", version_command },   { "help", help_command },
    { "--help", help_command },         { "verify-ledger", command_verify_ledger },
  };

  limit_memory ();
  for (size_t i = 0; argc > 1 && i < sizeof (commands) / sizeof (commands[0]); i++)
    if (0 == strcmp (argv[1], commands[i].name))
      return commands[i].run (argc - 2, argv + 2);
  print_help (stderr);
  return EXIT_FAILURE;
}
