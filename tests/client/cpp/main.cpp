/* The C++ header against a daemon: TALLY_TEST_URL. Each check prints what failed; the status says whether one did. */
#include "tally/tally.hpp"

#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

static int failures;

static void
check_at (int line, bool ok, const char *what)
{
  if (ok)
    return;
  failures++;
  std::cerr << "line " << line << ": " << what << "\n";
}
#define CHECK(condition) check_at (__LINE__, (condition), #condition)

/* A function that must throw; returns the error's code. */
template <typename Function>
static tally_code
thrown_by (Function function)
{
  try
  {
    function ();
  }
  catch (const tally::error &error)
  {
    CHECK (std::strlen (error.what ()) > 0);
    return error.code ();
  }
  return TALLY_OK;
}

static tally::options
test_options (const std::string &folder)
{
  tally::options options;

  options.set ("server", std::getenv ("TALLY_TEST_URL")).set ("spool", folder);
  return options;
}

/* --- without a server --- */

static void
checks_types ()
{
  static_assert (! std::is_copy_constructible_v<tally::client> && std::is_nothrow_move_constructible_v<tally::client>);
  static_assert (! std::is_copy_constructible_v<tally::run> && std::is_nothrow_move_constructible_v<tally::run>);
  static_assert (std::is_base_of_v<std::exception, tally::error>);
  static_assert (! std::is_constructible_v<tally::text, std::string_view>);
  static_assert (sizeof (tally::text) == sizeof (const char *));

  tally::options options;

  CHECK (TALLY_ERROR_ARGUMENT == thrown_by ([&] { options.set ("no-such-option", "x"); }));
  CHECK (TALLY_ERROR_ARGUMENT == thrown_by ([&] { options.set ("batch-points", "0"); }));
  CHECK (nullptr == options.get ("no-such-option"));
  CHECK (0 == std::strcmp ("7", options.set ("batch-points", "7").get ("batch-points")));
}

/* --- with one --- */

static std::string
logs_a_run (tally::client &client, const std::string &experiment)
{
  tally::run run = client.start_run (experiment, std::string ("first"));
  const std::vector<double> values = { 3, 2, 1 };
  const std::array<int64_t, 3> steps = { 10, 20, 30 };

  run.param ("rate", 0.1);
  run.param ("layers", 3);
  run.param ("shuffle", true);
  run.params ({ { "optimizer", "sgd" }, { "loss", "cross entropy" } });
  run.tag ("stage", "trial");
  run.tags ({ { "a", "1" }, { "b", "2" } });
  for (int64_t step = 0; step < 100; step++)
    run.log ("loss", 1.0 / static_cast<double> (step + 1), step);
  run.log ({ { "accuracy", 0.5 }, { "recall", std::nan ("") } }, 1);
  run.log_at ("accuracy", 0.75, 2, 1700000000000);
  run.log_series ("curve", values, steps);
  run.log_series ("plain", values);
  CHECK (TALLY_OK == run.try_log ("loss", 0.001, 100));
  CHECK (TALLY_OK == run.try_log ({ { "x", 1.0 } }, 1));
  run.artifact_bytes ("notes/hello.txt", "hello", 5);
  run.capture_environment ();
  {
    tally::system_sampler sampler (run, 100);

    usleep (250000);
  }
  /* What is wrong is refused at once. */
  CHECK (TALLY_ERROR_ARGUMENT == thrown_by ([&] { run.log ("", 1.0, 1); }));
  CHECK (TALLY_ERROR_ARGUMENT == run.try_log (nullptr, 1.0, 1));
  CHECK (TALLY_ERROR_ARGUMENT == thrown_by ([&] { run.log_series ("curve", values, std::vector<int64_t>{ 1, 2 }); }));
  CHECK (TALLY_ERROR_ARGUMENT == thrown_by ([&] { run.end (TALLY_STATUS_RUNNING); }));
  return run.server_id ();
}

static const char *
param_of (const tally_run_data &run, const char *key)
{
  for (std::size_t i = 0; i < run.param_count; i++)
    if (0 == std::strcmp (key, run.params[i].key))
      return run.params[i].value;
  return "";
}

static void
reads_it_back (tally::client &client, const std::string &id)
{
  const tally::run_data run = client.get_run (id);
  std::size_t count = 0;
  double last = 0;

  CHECK (std::string ("first") == run->name);
  CHECK (TALLY_STATUS_FINISHED == run->status);
  CHECK (std::string ("0.1") == param_of (*run, "rate"));
  CHECK (std::string ("3") == param_of (*run, "layers"));
  CHECK (std::string ("true") == param_of (*run, "shuffle"));
  CHECK (std::string ("sgd") == param_of (*run, "optimizer"));
  for (const tally_point &point : client.metric_history (id, "loss"))
  {
    CHECK (point.step == static_cast<int64_t> (count));
    count++;
    last = point.value;
  }
  CHECK (101 == count && 0.001 == last);
  count = 0;
  for (const tally_point &point : client.metric_history (id, "curve"))
    CHECK (point.step == static_cast<int64_t> (10 * ++count) && point.value == 4.0 - static_cast<double> (count));
  CHECK (3 == count);
  count = 0;
  for (const tally_point &point : client.metric_history (id, "system/cpu_utilization_percentage"))
  {
    CHECK (point.value >= 0 && point.value <= 100);
    count++;
  }
  CHECK (count >= 2);
}

static void
handles_artifacts (tally::client &client, const std::string &id, const std::string &folder)
{
  const std::string root = "runs:/" + id;
  std::vector<std::string> names;

  for (const tally_artifact &artifact : client.list_artifacts (root, "notes"))
    names.push_back (artifact.name);
  CHECK (1 == names.size () && "notes/hello.txt" == names[0]);
  client.download (root, "notes", folder + "/down");
  CHECK (0 == access ((folder + "/down").c_str (), R_OK));
  CHECK (TALLY_ERROR_NOT_FOUND == thrown_by ([&] { client.download (root, "nothing", folder + "/none"); }));
}

static void
searches (tally::client &client, const std::string &experiment)
{
  tally::query query;
  std::set<std::string> names;

  query.experiment_ids = { client.experiment_id (experiment, false) };
  query.filter = "params.optimizer = 'sgd'";
  query.order_by = "attributes.start_time ASC";
  for (const tally_run_data &run : client.search_runs (query))
    names.insert (run.name);
  CHECK (names == std::set<std::string> ({ "first" }));
  query.filter = "nonsense ===";
  CHECK (TALLY_ERROR_REFUSED
         == thrown_by (
             [&]
             {
               for (const tally_run_data &run : client.search_runs (query))
                 (void)run;
             }));
  query = tally::query ();
  query.filter = "name = '" + experiment + "'";
  std::size_t count = 0;
  for (const tally_experiment &found : client.search_experiments (query))
    count += found.name == experiment;
  CHECK (1 == count);
  CHECK (TALLY_ERROR_NOT_FOUND == thrown_by ([&] { (void)client.experiment_id (experiment + "-none", false); }));
}

static void
ends_runs (tally::client &client, const std::string &experiment)
{
  std::string failed, nested, kept;

  try
  {
    tally::run run = client.start_run (experiment, "failing");

    failed = run.server_id ();
    throw std::runtime_error ("as a training would");
  }
  catch (const std::runtime_error &)
  {
  }
  {
    tally::run parent = client.start_run (experiment, "parent");
    tally::run child = parent.start_nested ("child");
    tally::run moved = std::move (child);

    nested = moved.server_id ();
    kept = parent.server_id ();
    parent.detach ();
  }
  client.flush ();
  CHECK (TALLY_STATUS_FAILED == client.get_run (failed)->status);
  CHECK (TALLY_STATUS_FINISHED == client.get_run (nested)->status);
  CHECK (TALLY_STATUS_RUNNING == client.get_run (kept)->status);
}

static void
registers_models (tally::client &client, const std::string &experiment, const std::string &folder)
{
  const std::string name = experiment + "-model";
  tally::run run = client.start_run (experiment, "model");
  const std::string model = run.create_logged_model ("net", "mlp", { { "width", "64" } });
  const std::string path = folder + "/weights";
  FILE *file = std::fopen (path.c_str (), "w");

  CHECK (nullptr != file && std::fputs ("weights", file) >= 0 && 0 == std::fclose (file));
  client.upload ("models:/" + model, path, "weights.bin");
  client.finalize_logged_model (model);
  CHECK (TALLY_MODEL_READY == client.get_logged_model (model)->status);
  const int64_t version = client.register_model (name, "models:/" + model, run.server_id (), model);
  CHECK (1 == version);
  client.set_alias (name, "best", version);
  CHECK (1 == client.get_model_version ("models:/" + name + "@best")->version);
  client.download_model ("models:/" + name + "@best", folder + "/model");
  CHECK (0 == access ((folder + "/model/weights.bin").c_str (), R_OK));
  std::size_t count = 0;
  for (const tally_model_version &found : client.search_model_versions ())
    count += found.name == name;
  CHECK (1 == count);
}

int
main ()
try
{
  char folder_template[] = "/tmp/tally-cpp.XXXXXX";
  const std::string folder = mkdtemp (folder_template);
  const std::string experiment = "cpp " + std::to_string (getpid ()) + " " + std::to_string (time (nullptr));
  unsigned events = 0;

  checks_types ();
  tally::client client (test_options (folder + "/spool"));
  client.on_event ([&events] (tally_event, const tally_error &) { events++; });
  CHECK (client.ping ().is_tally);
  const std::string id = logs_a_run (client, experiment);
  client.flush ();
  reads_it_back (client, id);
  handles_artifacts (client, id, folder);
  searches (client, experiment);
  ends_runs (client, experiment);
  registers_models (client, experiment, folder);
  CHECK (200 == client.request ("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0").status ());
  CHECK (TALLY_ERROR_NOT_FOUND
         == thrown_by ([&] { client.request ("GET", "/api/2.0/mlflow/runs/get?run_id=ffffffffffffffff"); }));
  CHECK (0 == client.counters ().dropped && 0 == client.counters ().rejected);
  tally::client moved = std::move (client);
  moved.close ();
  CHECK (0 == events);
  CHECK (0 == std::system (("rm -rf '" + folder + "'").c_str ()));
  std::cout << (0 == failures ? "1 passed, 0 failed\n" : "0 passed, 1 failed\n");
  return failures > 0;
}
catch (const tally::error &error)
{
  std::cerr << "unexpected: " << error.what () << " (" << tally_code_name (error.code ()) << ")\n";
  std::cout << "0 passed, 1 failed\n";
  return 1;
}
