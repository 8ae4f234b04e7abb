/* libtally for C++17 and later: handles that free themselves, ranges, errors as exceptions. Only this header; each call
   is one call of the C library.

   - A function throws tally::error; its twin with try_ in front throws nothing, takes a tally_error * (may be null) and
     returns the tally_code.
   - Handles can be moved, not copied, and must not be used after they were moved from. Which calls wait for the server,
     and what may be used by many threads, is as the headers of the C library say.
   - Texts are const char * or std::string; a std::string_view is not taken, because it need not end with NUL. */
#ifndef TALLY_TALLY_HPP
#define TALLY_TALLY_HPP

#if ! defined(__cplusplus) || __cplusplus < 201703L
#error "tally.hpp needs C++17"
#endif

#include "tally.h"

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L && __has_include(<span>)
#include <span>
#endif

namespace tally
{

/* What a call failed with. */
class error : public std::runtime_error
{
public:
  explicit error (const tally_error &what) : std::runtime_error (what.message), error_ (what)
  {
  }

  tally_code code () const noexcept
  {
    return error_.code;
  }
  int http_status () const noexcept
  {
    return error_.http_status;
  }
  bool retryable () const noexcept
  {
    return error_.retryable;
  }
  const char *server_code () const noexcept
  {
    return error_.server_code;
  }
  const tally_error &details () const noexcept
  {
    return error_;
  }

private:
  tally_error error_;
};

namespace detail
{

/* Call `function` with an error behind its arguments, and throw what it says. */
template <typename Function, typename... Arguments>
void
call (Function function, Arguments... arguments)
{
  tally_error what;

  if (TALLY_OK != function (arguments..., &what))
    throw error (what);
}

template <auto Free> struct deleter
{
  template <typename Handle> void operator() (Handle *handle) const noexcept
  {
    Free (handle);
  }
};

template <typename Handle, auto Free> using owner = std::unique_ptr<Handle, deleter<Free> >;

/* Make a handle with a function that has it as its first result. */
template <typename Owner, typename Function, typename... Arguments>
Owner
make (Function function, Arguments... arguments)
{
  typename Owner::pointer handle = nullptr;

  call (function, &handle, arguments...);
  return Owner (handle);
}

} // namespace detail

/* A text that ends with NUL, borrowed for a call; null stands for none. */
class text
{
public:
  text (const char *value) noexcept : value_ (value)
  {
  }
  text (const std::string &value) noexcept : value_ (value.c_str ())
  {
  }
  text (std::nullptr_t) noexcept : value_ (nullptr)
  {
  }
  operator const char * () const noexcept
  {
    return value_;
  }

private:
  const char *value_;
};

/* Items that lie one behind the other, borrowed for a call. */
#if defined(__cpp_lib_span)
template <typename Item> using view = std::span<const Item>;
#else
template <typename Item> class view
{
public:
  constexpr view () noexcept = default;
  constexpr view (const Item *items, std::size_t count) noexcept : items_ (items), count_ (count)
  {
  }
  template <std::size_t Count> constexpr view (const Item (&items)[Count]) noexcept : items_ (items), count_ (Count)
  {
  }
  template <typename Container, typename = std::enable_if_t<std::is_convertible_v<
                                    decltype (std::data (std::declval<const Container &> ())), const Item *> > >
  constexpr view (const Container &container) noexcept : items_ (std::data (container)), count_ (std::size (container))
  {
  }

  constexpr const Item *data () const noexcept
  {
    return items_;
  }
  constexpr std::size_t size () const noexcept
  {
    return count_;
  }
  constexpr bool empty () const noexcept
  {
    return 0 == count_;
  }
  constexpr const Item &operator[] (std::size_t index) const noexcept
  {
    return items_[index];
  }
  constexpr const Item *begin () const noexcept
  {
    return items_;
  }
  constexpr const Item *end () const noexcept
  {
    return items_ + count_;
  }

private:
  const Item *items_ = nullptr;
  std::size_t count_ = 0;
};
#endif

/* Options of a client: docs/client/options.md. */
class options
{
public:
  options () : handle_ (detail::make<handle> (tally_options_new))
  {
  }

  options &set (text name, text value)
  {
    detail::call (tally_options_set, handle_.get (), name, value);
    return *this;
  }

  /* From the environment and the file of settings, what was not set. */
  options &load ()
  {
    detail::call (tally_options_load, handle_.get ());
    return *this;
  }

  /* Null: unknown, or without a value. */
  const char *get (text name) const noexcept
  {
    return tally_options_get (handle_.get (), name);
  }
  const tally_options *c_handle () const noexcept
  {
    return handle_.get ();
  }

private:
  using handle = detail::owner<tally_options, tally_options_free>;
  handle handle_;
};

/* Handles of single things; their members are those of the C structs. */
using run_data = detail::owner<tally_run_data, tally_run_data_free>;
using experiment = detail::owner<tally_experiment, tally_experiment_free>;
using logged_model = detail::owner<tally_logged_model, tally_logged_model_free>;
using model_version = detail::owner<tally_model_version, tally_model_version_free>;
using gate_result = detail::owner<tally_gate_result, tally_gate_result_free>;

/* What a server found: walked once, page after page. An item is valid until the next one. */
template <typename Item, typename Handle, auto Next, auto Free> class range
{
public:
  class iterator
  {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = const Item *;
    using reference = const Item &;

    iterator () noexcept = default;
    explicit iterator (Handle *handle) : handle_ (handle)
    {
      ++*this;
    }
    reference operator* () const noexcept
    {
      return *item_;
    }
    pointer operator->() const noexcept
    {
      return item_;
    }
    iterator &operator++ ()
    {
      detail::call (Next, &item_, handle_);
      return *this;
    }
    void operator++ (int)
    {
      ++*this;
    }
    friend bool operator== (const iterator &a, const iterator &b) noexcept
    {
      return a.item_ == b.item_;
    }
    friend bool operator!= (const iterator &a, const iterator &b) noexcept
    {
      return a.item_ != b.item_;
    }

  private:
    Handle *handle_ = nullptr;
    const Item *item_ = nullptr;
  };

  explicit range (Handle *handle) noexcept : handle_ (handle)
  {
  }
  iterator begin ()
  {
    return iterator (handle_.get ());
  }
  iterator end () noexcept
  {
    return iterator ();
  }

private:
  std::unique_ptr<Handle, detail::deleter<Free> > handle_;
};

using runs = range<tally_run_data, tally_search, tally_search_next_run, tally_search_free>;
using experiments = range<tally_experiment, tally_search, tally_search_next_experiment, tally_search_free>;
using points = range<tally_point, tally_search, tally_search_next_point, tally_search_free>;
using logged_models = range<tally_logged_model, tally_search, tally_search_next_logged_model, tally_search_free>;
using model_versions = range<tally_model_version, tally_search, tally_search_next_model_version, tally_search_free>;
using artifacts = range<tally_artifact, tally_artifacts, tally_artifacts_next, tally_artifacts_free>;

/* What a search asks for. */
struct query
{
  std::vector<std::string> experiment_ids = {}; /* empty: all that are active */
  std::string filter = {};
  std::string order_by = {};
  tally_view view = TALLY_VIEW_ACTIVE;
  std::size_t max_results = 0; /* 0: no limit */
};

/* A run: ends itself, as FINISHED, or as FAILED while an exception passes. */
class run
{
public:
  /* Takes the handle over. */
  explicit run (tally_run *handle) noexcept : handle_ (handle), exceptions_ (std::uncaught_exceptions ())
  {
  }
  run (run &&) noexcept = default;
  run &operator= (run &&other) noexcept
  {
    if (this != &other)
    {
      end_quietly ();
      handle_ = std::move (other.handle_);
      exceptions_ = other.exceptions_;
      open_ = other.open_;
    }
    return *this;
  }
  ~run ()
  {
    end_quietly ();
  }

  const char *id () const noexcept
  {
    return tally_run_id (handle_.get ());
  }

  /* The id that the server uses; waits. */
  std::string server_id (int64_t deadline_ms = 30000)
  {
    char id[TALLY_RUN_ID_BYTES];

    detail::call (tally_run_server_id, id, handle_.get (), deadline_ms);
    return id;
  }

  /* --- metrics; none of these waits --- */

  void log (text key, double value, int64_t step)
  {
    detail::call (tally_log_metric, handle_.get (), key, value, step);
  }
  tally_code try_log (text key, double value, int64_t step, tally_error *err = nullptr) noexcept
  {
    return tally_log_metric (handle_.get (), key, value, step, err);
  }

  /* Several of one step: run.log ({ { "loss", 0.5 }, { "accuracy", 0.9 } }, step). */
  void log (std::initializer_list<tally_value> values, int64_t step)
  {
    detail::call (tally_log_metrics, handle_.get (), values.begin (), values.size (), step);
  }
  tally_code try_log (std::initializer_list<tally_value> values, int64_t step, tally_error *err = nullptr) noexcept
  {
    return tally_log_metrics (handle_.get (), values.begin (), values.size (), step, err);
  }
  void log (view<tally_value> values, int64_t step)
  {
    detail::call (tally_log_metrics, handle_.get (), values.data (), values.size (), step);
  }

  void log_at (text key, double value, int64_t step, int64_t timestamp_ms)
  {
    detail::call (tally_log_metric_at, handle_.get (), key, value, step, timestamp_ms);
  }
  tally_code try_log_at (text key, double value, int64_t step, int64_t timestamp_ms,
                         tally_error *err = nullptr) noexcept
  {
    return tally_log_metric_at (handle_.get (), key, value, step, timestamp_ms, err);
  }

  /* Many points of one metric; without steps 0, 1, 2, …; without times now. */
  void log_series (text key, view<double> values, view<int64_t> steps = {}, view<int64_t> timestamps_ms = {})
  {
    tally_error what;

    if (TALLY_OK != try_log_series (key, values, steps, timestamps_ms, &what))
      throw error (what);
  }
  tally_code try_log_series (text key, view<double> values, view<int64_t> steps = {}, view<int64_t> timestamps_ms = {},
                             tally_error *err = nullptr) noexcept
  {
    /* Shorter arrays would be read behind their ends. */
    if ((! steps.empty () && steps.size () != values.size ())
        || (! timestamps_ms.empty () && timestamps_ms.size () != values.size ()))
      return refuse_lengths (err);
    return tally_log_series (handle_.get (), key, values.size (), values.data (),
                             steps.empty () ? nullptr : steps.data (),
                             timestamps_ms.empty () ? nullptr : timestamps_ms.data (), err);
  }

  /* --- params and tags; none of these waits --- */

  void param (text key, text value)
  {
    detail::call (tally_log_param, handle_.get (), key, value);
  }
  tally_code try_param (text key, text value, tally_error *err = nullptr) noexcept
  {
    return tally_log_param (handle_.get (), key, value, err);
  }
  /* Numbers in the shortest form that reads back as the same; bool as true and false. */
  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number> > >
  void param (text key, Number value)
  {
    if constexpr (std::is_same_v<Number, bool>)
      param (key, value ? "true" : "false");
    else
    {
      char number[64];
      const std::to_chars_result end = std::to_chars (number, number + sizeof (number) - 1, value);

      *end.ptr = '\0';
      param (key, number);
    }
  }
  void params (std::initializer_list<tally_pair> params)
  {
    detail::call (tally_log_params, handle_.get (), params.begin (), params.size ());
  }

  void tag (text key, text value)
  {
    detail::call (tally_set_tag, handle_.get (), key, value);
  }
  tally_code try_tag (text key, text value, tally_error *err = nullptr) noexcept
  {
    return tally_set_tag (handle_.get (), key, value, err);
  }
  void tags (std::initializer_list<tally_pair> tags)
  {
    detail::call (tally_set_tags, handle_.get (), tags.begin (), tags.size ());
  }

  void dataset (const tally_dataset &dataset, text context = nullptr)
  {
    detail::call (tally_log_dataset, handle_.get (), &dataset, context);
  }

  /* --- artifacts, queued --- */

  void artifact (text path, text name = nullptr)
  {
    detail::call (tally_log_artifact, handle_.get (), path, name);
  }
  void artifact_bytes (text name, const void *data, std::size_t bytes)
  {
    detail::call (tally_log_artifact_bytes, handle_.get (), name, data, bytes);
  }
  void artifacts (text folder, text name = nullptr)
  {
    detail::call (tally_log_artifacts, handle_.get (), folder, name);
  }

  /* --- logged models --- */

  /* Make one; waits until the run is on the server. */
  std::string create_logged_model (text name = nullptr, text type = nullptr,
                                   std::initializer_list<tally_pair> params = {}, int64_t deadline_ms = 30000)
  {
    char id[TALLY_MODEL_ID_BYTES];

    detail::call (tally_logged_model_create, id, handle_.get (), name, type, params.begin (), params.size (),
                  deadline_ms);
    return id;
  }
  void log_model_metric (text model_id, text key, double value, int64_t step, text dataset_name = nullptr,
                         text dataset_digest = nullptr)
  {
    detail::call (tally_log_model_metric, handle_.get (), model_id, key, value, step, dataset_name, dataset_digest);
  }

  /* --- captures --- */

  void capture_environment ()
  {
    detail::call (tally_capture_environment, handle_.get ());
  }
  void capture_git (text folder = nullptr)
  {
    detail::call (tally_capture_git, handle_.get (), folder);
  }

  /* --- its life --- */

  run start_nested (text name = nullptr)
  {
    tally_run *nested = nullptr;

    detail::call (tally_run_start_nested, &nested, handle_.get (), name);
    return run (nested);
  }
  void end (tally_status status = TALLY_STATUS_FINISHED)
  {
    detail::call (tally_run_end, handle_.get (), status);
    open_ = false;
  }
  /* Do not end it with this handle: it goes on elsewhere. */
  void detach () noexcept
  {
    open_ = false;
  }

  tally_run *c_handle () const noexcept
  {
    return handle_.get ();
  }

private:
  static tally_code refuse_lengths (tally_error *err) noexcept
  {
    if (nullptr != err)
    {
      *err = tally_error{};
      err->code = TALLY_ERROR_ARGUMENT;
      (void)std::snprintf (err->message, sizeof (err->message), "steps and timestamps must be as many as values.");
    }
    return TALLY_ERROR_ARGUMENT;
  }

  void end_quietly () noexcept
  {
    if (handle_ && open_)
      (void)tally_run_end (handle_.get (),
                           std::uncaught_exceptions () > exceptions_ ? TALLY_STATUS_FAILED : TALLY_STATUS_FINISHED,
                           nullptr);
    handle_.reset ();
  }

  detail::owner<tally_run, tally_run_free> handle_;
  int exceptions_;
  bool open_ = true;
};

/* Logs the machine's load until it is destroyed, which must be before its run. */
class system_sampler
{
public:
  explicit system_sampler (const run &run, unsigned interval_ms = 0, int64_t process = 0)
      : handle_ (detail::make<handle> (tally_system_start, run.c_handle (), interval_ms, process))
  {
  }

private:
  using handle = detail::owner<tally_system, tally_system_stop>;
  handle handle_;
};

/* The answer to client::request. */
class reply
{
public:
  explicit reply (tally_reply *handle) noexcept : handle_ (handle)
  {
  }
  int status () const noexcept
  {
    return tally_reply_status (handle_.get ());
  }
  std::string body () const
  {
    std::size_t bytes = 0;
    const char *body = tally_reply_body (handle_.get (), &bytes);

    return std::string (body, bytes);
  }

private:
  detail::owner<tally_reply, tally_reply_free> handle_;
};

/* A client. Its destructor waits as long as the option close-deadline-ms says; close tells whether all was sent. */
class client
{
public:
  using event_callback = std::function<void (tally_event, const tally_error &)>;

  /* With the options of the environment and the file of settings. */
  client () : handle_ (detail::make<handle> (tally_open, static_cast<const tally_options *> (nullptr)))
  {
  }
  explicit client (const options &options) : handle_ (detail::make<handle> (tally_open, options.c_handle ()))
  {
  }
  client (client &&) noexcept = default;
  client &operator= (client &&other) noexcept
  {
    /* Closed before its callback goes. */
    handle_ = std::move (other.handle_);
    callback_ = std::move (other.callback_);
    return *this;
  }

  /* --- runs --- */

  run start_run (text experiment_name = nullptr, text name = nullptr)
  {
    tally_run *started = nullptr;

    detail::call (tally_run_start, &started, handle_.get (), experiment_name, name);
    return run (started);
  }
  run resume_run (text id, bool reopen = true)
  {
    tally_run *resumed = nullptr;

    detail::call (tally_run_resume, &resumed, handle_.get (), id, reopen);
    return run (resumed);
  }

  /* --- the background --- */

  void flush (int64_t deadline_ms = 30000)
  {
    detail::call (tally_flush, handle_.get (), deadline_ms);
  }
  tally_code try_flush (int64_t deadline_ms, tally_error *err = nullptr) noexcept
  {
    return tally_flush (handle_.get (), deadline_ms, err);
  }
  void persist (int64_t deadline_ms = 30000)
  {
    detail::call (tally_persist, handle_.get (), deadline_ms);
  }
  struct tally_counters counters () const noexcept
  {
    struct tally_counters counters;

    ::tally_counters (handle_.get (), &counters);
    return counters;
  }
  /* The callback must not throw. Set it before the first run. */
  void on_event (event_callback callback)
  {
    callback_ = std::make_unique<event_callback> (std::move (callback));
    tally_on_event (
        handle_.get (),
        [] (void *payload, tally_event event, const tally_error *why)
        { (*static_cast<event_callback *> (payload)) (event, *why); },
        callback_.get ());
  }
  /* Wait at most that long (negative: as the options say) until all is sent, then close. Throws PENDING when something
     waits in the spool; the client is closed whatever happens. */
  void close (int64_t deadline_ms = -1)
  {
    detail::call (tally_close, handle_.release (), deadline_ms);
  }
  tally_code try_close (int64_t deadline_ms = -1, tally_error *err = nullptr) noexcept
  {
    return tally_close (handle_.release (), deadline_ms, err);
  }
  tally_sync_result sync (bool all_servers = false)
  {
    tally_sync_result result = {};

    detail::call (tally_sync, &result, handle_.get (), all_servers, static_cast<tally_sync_callback *> (nullptr),
                  static_cast<void *> (nullptr));
    return result;
  }

  /* --- the server; these wait --- */

  /* Valid until the client is closed. */
  const tally_server &ping ()
  {
    const tally_server *server = nullptr;

    detail::call (tally_ping, &server, handle_.get ());
    return *server;
  }
  /* Throws also when the server refuses. */
  reply request (text method, text path, text json = nullptr)
  {
    tally_reply *answer = nullptr;
    tally_error what;
    const tally_code code = tally_request (&answer, handle_.get (), method, path, json, &what);
    reply made (answer);

    if (TALLY_OK != code)
      throw error (what);
    return made;
  }

  std::string experiment_id (text name, bool create = true)
  {
    char id[TALLY_EXPERIMENT_ID_BYTES];

    detail::call (tally_experiment_id, id, handle_.get (), name, create);
    return id;
  }
  experiment get_experiment (text id)
  {
    return get<experiment> (tally_experiment_get, id);
  }
  run_data get_run (text id)
  {
    return get<run_data> (tally_run_get, id);
  }
  logged_model get_logged_model (text id)
  {
    return get<logged_model> (tally_logged_model_get, id);
  }
  model_version get_model_version (text uri)
  {
    return get<model_version> (tally_model_version_get, uri);
  }

  void delete_run (text id)
  {
    detail::call (tally_run_delete, handle_.get (), id);
  }
  void restore_run (text id)
  {
    detail::call (tally_run_restore, handle_.get (), id);
  }
  void delete_experiment (text id)
  {
    detail::call (tally_experiment_delete, handle_.get (), id);
  }
  void restore_experiment (text id)
  {
    detail::call (tally_experiment_restore, handle_.get (), id);
  }

  /* for (const tally_run_data &run : client.search_runs ({ .filter = "metrics.loss < 0.1" })) */
  runs search_runs (const query &query = {})
  {
    const std::vector<const char *> ids = experiment_ids (query);
    tally_search *search = nullptr;

    detail::call (tally_search_runs, &search, handle_.get (), ids.data (), ids.size (), or_null (query.filter),
                  or_null (query.order_by), query.view, query.max_results);
    return runs (search);
  }
  experiments search_experiments (const query &query = {})
  {
    tally_search *search = nullptr;

    detail::call (tally_search_experiments, &search, handle_.get (), or_null (query.filter), or_null (query.order_by),
                  query.view, query.max_results);
    return experiments (search);
  }
  points metric_history (text run_id, text key)
  {
    tally_search *search = nullptr;

    detail::call (tally_metric_history, &search, handle_.get (), run_id, key);
    return points (search);
  }
  logged_models search_logged_models (const query &query = {})
  {
    const std::vector<const char *> ids = experiment_ids (query);
    tally_search *search = nullptr;

    detail::call (tally_search_logged_models, &search, handle_.get (), ids.data (), ids.size (), or_null (query.filter),
                  query.max_results);
    return logged_models (search);
  }
  model_versions search_model_versions (const query &query = {})
  {
    tally_search *search = nullptr;

    detail::call (tally_search_model_versions, &search, handle_.get (), or_null (query.filter),
                  or_null (query.order_by), query.max_results);
    return model_versions (search);
  }

  /* --- artifacts --- */

  void upload (text root, text path, text name = nullptr, const tally_transfer *transfer = nullptr)
  {
    detail::call (tally_artifact_upload, handle_.get (), root, path, name, transfer);
  }
  void download (text root, text name, text path, const tally_transfer *transfer = nullptr)
  {
    detail::call (tally_artifact_download, handle_.get (), root, name, path, transfer);
  }
  artifacts list_artifacts (text root, text folder = nullptr)
  {
    tally_artifacts *list = nullptr;

    detail::call (tally_artifact_list, &list, handle_.get (), root, folder);
    return artifacts (list);
  }

  /* --- registry --- */

  void finalize_logged_model (text model_id, tally_model_status status = TALLY_MODEL_READY)
  {
    detail::call (tally_logged_model_finalize, handle_.get (), model_id, status);
  }
  int64_t register_model (text name, text source, text run_id = nullptr, text model_id = nullptr,
                          text description = nullptr)
  {
    int64_t version = 0;

    detail::call (tally_model_register, &version, handle_.get (), name, source, run_id, model_id, description);
    return version;
  }
  void set_alias (text name, text alias, int64_t version)
  {
    detail::call (tally_model_set_alias, handle_.get (), name, alias, version);
  }
  void download_model (text uri, text folder, const tally_transfer *transfer = nullptr)
  {
    detail::call (tally_model_download, handle_.get (), uri, folder, transfer);
  }
  /* Throws CONFLICT and others; that the gate is not met is no exception but `met` of the result. */
  gate_result promote (text name, const tally_promotion &promotion)
  {
    return through_gate (tally_model_promote, name, promotion);
  }
  gate_result rollback (text name, const tally_rollback &rollback)
  {
    return through_gate (tally_model_rollback, name, rollback);
  }
  /* The same of a stage. */
  gate_result transition (text name, const tally_transition &transition)
  {
    return through_gate (tally_model_transition, name, transition);
  }

  tally_client *c_handle () const noexcept
  {
    return handle_.get ();
  }

private:
  static void close_quietly (tally_client *client) noexcept
  {
    (void)tally_close (client, -1, nullptr);
  }

  template <typename Owner, typename Function> Owner get (Function function, text id)
  {
    return detail::make<Owner> (function, handle_.get (), static_cast<const char *> (id));
  }

  template <typename Function, typename Move> gate_result through_gate (Function function, text name, const Move &move)
  {
    tally_gate_result *result = nullptr;
    tally_error what;
    const tally_code code = function (&result, handle_.get (), name, &move, &what);
    gate_result made (result);

    if (TALLY_OK != code && ! (TALLY_ERROR_GATE == code && made))
      throw error (what);
    return made;
  }

  static const char *or_null (const std::string &text) noexcept
  {
    return text.empty () ? nullptr : text.c_str ();
  }

  static std::vector<const char *> experiment_ids (const query &query)
  {
    std::vector<const char *> ids;

    for (const std::string &id : query.experiment_ids)
      ids.push_back (id.c_str ());
    return ids;
  }

  using handle = detail::owner<tally_client, close_quietly>;
  /* Before the handle, so that it outlives the threads that call it. */
  std::unique_ptr<event_callback> callback_;
  handle handle_;
};

} // namespace tally

#endif
