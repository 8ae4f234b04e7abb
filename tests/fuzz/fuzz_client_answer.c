/* Answers of servers: whatever JSON comes, decoding ends in whole structs or an error, and no name leads out.

   An input is a line that names what is decoded, and JSON behind it. */
#include "fuzz.h"

#include "decode.h"
#include "inventory.h"
#include "json_read.h"
#include "result.h"

#include <string.h>

/* Small, so that inputs reach it. */
#define ARENA_BYTES ((size_t)1 << 20)

static size_t
whole (const char *text)
{
  REQUIRE (NULL != text);
  return strlen (text);
}

static void
whole_pairs (const struct tally_pair *pairs, size_t count)
{
  REQUIRE (0 == count || NULL != pairs);
  for (size_t i = 0; i < count; i++)
    whole (pairs[i].key), whole (pairs[i].value);
}

static void
check_experiment (const void *item)
{
  const struct tally_experiment *experiment = item;

  REQUIRE (whole (experiment->id) > 0);
  whole (experiment->name), whole (experiment->artifact_location);
  whole_pairs (experiment->tags, experiment->tag_count);
}

static void
check_point (const void *item)
{
  REQUIRE (whole (((const struct tally_point *)item)->key) > 0);
}

static void
check_run (const void *item)
{
  const struct tally_run_data *run = item;

  REQUIRE (whole (run->run_id) > 0);
  REQUIRE (run->status >= TALLY_STATUS_RUNNING && run->status <= TALLY_STATUS_KILLED);
  whole (run->name), whole (run->experiment_id), whole (run->user), whole (run->artifact_uri);
  for (size_t i = 0; i < run->metric_count; i++)
    whole (run->metrics[i].key);
  whole_pairs (run->params, run->param_count);
  whole_pairs (run->tags, run->tag_count);
}

static void
check_model (const void *item)
{
  const struct tally_logged_model *model = item;

  REQUIRE (whole (model->model_id) > 0);
  REQUIRE (model->status >= TALLY_MODEL_PENDING && model->status <= TALLY_MODEL_FAILED);
  whole (model->name), whole (model->experiment_id), whole (model->run_id), whole (model->type);
  whole (model->artifact_uri);
  whole_pairs (model->params, model->param_count);
  whole_pairs (model->tags, model->tag_count);
}

static void
check_version (const void *item)
{
  const struct tally_model_version *version = item;

  REQUIRE (whole (version->name) > 0 && version->version > 0);
  whole (version->source), whole (version->run_id), whole (version->model_id), whole (version->status);
  whole (version->stage), whole (version->description), whole (version->user);
  whole_pairs (version->tags, version->tag_count);
  for (size_t i = 0; i < version->alias_count; i++)
    whole (version->aliases[i]);
}

static void
check_gate (const void *item)
{
  const struct tally_gate_result *result = item;

  REQUIRE (! result->moved || result->met);
  for (size_t i = 0; i < result->missing_count; i++)
    whole (result->missing[i].rule), whole (result->missing[i].message);
}

struct kind
{
  const char *name;
  decode_function *decode;
  size_t bytes;
  void (*check) (const void *item);
};

static const struct kind kinds[] = {
  { "experiment", decode_experiment, sizeof (struct tally_experiment), check_experiment },
  { "point", decode_point, sizeof (struct tally_point), check_point },
  { "run", decode_run, sizeof (struct tally_run_data), check_run },
  { "model", decode_logged_model, sizeof (struct tally_logged_model), check_model },
  { "version", decode_model_version, sizeof (struct tally_model_version), check_version },
  { "gate", decode_gate_result, sizeof (struct tally_gate_result), check_gate },
};

static void
decode (const struct kind *kind, const json_t *json)
{
  struct arena *arena = arena_new (ARENA_BYTES);
  struct tally_error err = { 0 };
  void *item = arena_alloc (arena, kind->bytes);
  enum tally_code code = kind->decode (item, arena, json, &err);

  REQUIRE (TALLY_OK == code || (err.code == code && '\0' != err.message[0]));
  if (TALLY_OK == code)
    kind->check (item);
  arena_free (arena);
}

static void
list (const json_t *json, bool is_tally)
{
  static const char folder[] = "a/b";
  struct place place = { .is_tally = is_tally, .kind = ROOT_RUN };
  struct arena *arena = arena_new (ARENA_BYTES);
  const json_t *files = json_object_get (json, "files");

  for (size_t i = 0; i < json_array_size (files); i++)
  {
    struct place_entry entry;

    if (TALLY_OK != place_entry (&entry, arena, &place, folder, json_array_get (files, i), NULL))
      continue;
    REQUIRE (artifact_name_valid (entry.name));
    REQUIRE (0 == strncmp (entry.name, "a/b/", 4) && NULL == strchr (entry.name + 4, '/'));
    REQUIRE (0 == whole (entry.digest) || place_digest_valid (entry.digest));
  }
  arena_free (arena);
}

static void
manifest (const json_t *json)
{
  struct inventory inventory;

  if (TALLY_OK == inventory_init (&inventory, NULL) && TALLY_OK == inventory_take_manifest (&inventory, json, NULL))
    for (size_t i = 0; i < inventory.count; i++)
      REQUIRE (artifact_name_valid (inventory.files[i].name) && place_digest_valid (inventory.files[i].digest));
  inventory_free (&inventory);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const uint8_t *end = memchr (data, '\n', size);
  struct slice kind = { (const char *)data, NULL == end ? 0 : (size_t)(end - data) };
  bool out_of_memory;
  json_t *json;

  if (NULL == end)
    return 0;
  json = json_read (&out_of_memory, (struct slice){ (const char *)end + 1, size - kind.len - 1 });
  for (size_t i = 0; i < sizeof (kinds) / sizeof (kinds[0]); i++)
    if (slice_is (kind, kinds[i].name))
      decode (&kinds[i], json);
  if (slice_is (kind, "list") || slice_is (kind, "list tally"))
    list (json, slice_is (kind, "list tally"));
  if (slice_is (kind, "manifest"))
    manifest (json);
  json_decref (json);
  return 0;
}
