/* What searches can name: the attributes of every resource, metrics, params, tags and data sets. */
#ifndef SEARCH_FIELD_H
#define SEARCH_FIELD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdint.h>

enum search_entity
{
  SEARCH_ATTRIBUTE,
  SEARCH_METRIC,
  SEARCH_PARAM,
  SEARCH_TAG,
  SEARCH_DATASET,
  SEARCH_ENTITY_COUNT
};

enum search_type
{
  SEARCH_INT64,
  SEARCH_DOUBLE,
  SEARCH_TEXT,
  SEARCH_UUID /* shown and compared as 32 hexadecimal digits in lower case */
};

/* Which number of a metric's series. All are doubles, the count of points too. */
enum search_part
{
  SEARCH_LATEST,
  SEARCH_MIN,
  SEARCH_MAX,
  SEARCH_FIRST,
  SEARCH_COUNT
};

/* The name of a part behind a metric, such as "min"; NULL for SEARCH_LATEST. */
extern const char *const search_part_names[SEARCH_COUNT + 1];

/* Attributes of a run, by number, for code that evaluates in memory. */
enum run_attribute
{
  RUN_ATTRIBUTE_ID,
  RUN_ATTRIBUTE_NAME,
  RUN_ATTRIBUTE_USER,
  RUN_ATTRIBUTE_STATUS, /* compared and sorted by name, as clients see it */
  RUN_ATTRIBUTE_ARTIFACT_URI,
  RUN_ATTRIBUTE_START,
  RUN_ATTRIBUTE_END,
  RUN_ATTRIBUTE_COUNT
};

/* Attributes of a data set that a run used. */
enum run_dataset
{
  RUN_DATASET_NAME,
  RUN_DATASET_DIGEST,
  RUN_DATASET_CONTEXT,
  RUN_DATASET_COUNT
};

/* Attributes of an experiment. */
enum experiment_attribute
{
  EXPERIMENT_ATTRIBUTE_NAME,
  EXPERIMENT_ATTRIBUTE_ID,
  EXPERIMENT_ATTRIBUTE_CREATED,
  EXPERIMENT_ATTRIBUTE_UPDATED
};

/* Attributes of a registered model. */
enum registered_model_attribute
{
  REGISTERED_MODEL_ATTRIBUTE_NAME,
  REGISTERED_MODEL_ATTRIBUTE_CREATED,
  REGISTERED_MODEL_ATTRIBUTE_UPDATED
};

/* Attributes of a version of one. */
enum model_version_attribute
{
  MODEL_VERSION_ATTRIBUTE_NAME, /* of its registered model */
  MODEL_VERSION_ATTRIBUTE_VERSION,
  MODEL_VERSION_ATTRIBUTE_RUN,
  MODEL_VERSION_ATTRIBUTE_SOURCE,
  MODEL_VERSION_ATTRIBUTE_CREATED,
  MODEL_VERSION_ATTRIBUTE_UPDATED
};

/* Attributes of a logged model. */
enum logged_model_attribute
{
  LOGGED_MODEL_ATTRIBUTE_NAME,
  LOGGED_MODEL_ATTRIBUTE_ID,
  LOGGED_MODEL_ATTRIBUTE_TYPE,
  LOGGED_MODEL_ATTRIBUTE_STATUS, /* compared by name, as clients see it; sorted by number */
  LOGGED_MODEL_ATTRIBUTE_SOURCE_RUN,
  LOGGED_MODEL_ATTRIBUTE_CREATED,
  LOGGED_MODEL_ATTRIBUTE_UPDATED
};

/* What an attribute is. Several names may stand for the same one; then `sql` and `number` are equal. */
struct search_attribute
{
  const char *name; /* as in filters and order_by; NULL for a tie-breaker that cannot be named */
  const char *sql; /* an expression from this program, never from a client; NULL where there is no table yet */
  enum search_type type;
  bool nullable;
  bool is_time; /* milliseconds since 1970, UTC */
  int number; /* which it is within the resource */
  bool order_only; /* MLflow sorts by it but has no filters on it */
};

/* One field that a filter or an order names. Keys are valid UTF-8 if the text was, and live in the text or the arena.
 */
struct search_field
{
  enum search_entity entity;
  enum search_type type; /* of what is compared: SEARCH_DOUBLE with as_number */
  const struct search_attribute *attribute; /* of attributes and data sets, otherwise NULL */
  struct slice key; /* of a metric, param or tag, otherwise absent */
  bool as_number; /* number(params.x): the text as search_number reads it; what is no number is missing */
  enum search_part part; /* of a metric */
  /* metrics.x.min without quotes is the metric "x.min", as in MLflow; where no run has that, it is the part key_part of
     the metric part_key. Absent part_key: there is no such doubt. */
  struct slice part_key;
  enum search_part key_part;
};

/* An entity under one of its names. */
struct search_alias
{
  const char *name;
  enum search_entity entity;
};

/* What an entity of a resource allows. */
enum search_abilities
{
  SEARCH_CAN_FILTER = 1,
  SEARCH_CAN_ORDER = 2
};

/* A resource that can be searched. */
struct search_resource
{
  const char *name; /* "runs" */
  const struct search_attribute *attributes;
  size_t attribute_count;
  const struct search_attribute *datasets;
  size_t dataset_count;
  const struct search_alias *aliases;
  size_t alias_count;
  unsigned abilities[SEARCH_ENTITY_COUNT]; /* enum search_abilities, by entity; 0: unknown here */
  const char *entities; /* MLflow's text about which entities there are */
};

extern const struct search_resource search_runs, search_experiments, search_registered_models, search_model_versions,
    search_logged_models;

/* The attribute of a name; NULL when there is none. */
const struct search_attribute *search_attribute_find (const struct search_resource *resource, struct slice name);

/* Read one identifier that can be sorted by, or filtered by, such as "start_time", "params.`batch size`",
   "metrics.loss.min" or "number(params.lr)". Errors: INVALID_PARAMETER_VALUE with MLflow's texts. */
enum err_code search_field_parse (struct search_field *field, struct slice text, const struct search_resource *resource,
                                  enum search_abilities ability, struct arena *arena, struct err *err);

/* True when both name the same value. */
bool search_field_same (const struct search_field *a, const struct search_field *b);

/* Read a text as number() does: a decimal number, "NaN", "Infinity" or "inf" in any case, with a sign; white space
   around it is allowed. Numbers too large for a double are infinite. False for anything else. Thread-safe. */
bool search_number (double *out, struct slice text);

#endif
