/* What the rules of gates come to for one move: each rule gives an item for machines with a sentence for people. */
#include "registry/judgement.h"

#include "base/json_tree.h"
#include "base/number.h"
#include "base/utf8.h"
#include "registry/gate_metric.h"
#include "registry/rules.h"
#include "store/approval.h"
#include "store/check_result.h"
#include "store/model_alias.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

/* Sentences that a refusal repeats; the list has all. */
#define SENTENCES_MAX 4
/* Bytes of the items together; a gate has at most some hundred rules. */
#define ITEMS_MAX_BYTES ((size_t)4 * 1024 * 1024)

void
judgement_init (struct judgement *judgement, struct registry_change *change)
{
  *judgement = (struct judgement){ .change = change };
  buffer_init (&judgement->missing, ITEMS_MAX_BYTES);
  buffer_init (&judgement->met, ITEMS_MAX_BYTES);
  json_write_init (&judgement->missing_items, &judgement->missing);
  json_write_init (&judgement->met_items, &judgement->met);
}

void
judgement_free (struct judgement *judgement)
{
  buffer_free (&judgement->missing);
  buffer_free (&judgement->met);
}

static struct slice
array_of (const struct judgement *judgement, const struct buffer *items)
{
  if (items->failed)
    return (struct slice){ NULL, 0 };
  return slice_of (
      arena_printf (judgement->change->arena, "[%.*s]", (int)items->len, NULL == items->data ? "" : items->data));
}

struct slice
judgement_missing (const struct judgement *judgement)
{
  return array_of (judgement, &judgement->missing);
}

struct slice
judgement_met (const struct judgement *judgement)
{
  return array_of (judgement, &judgement->met);
}

/* --- items ------------------------------------------------------------------------------------------------------- */

int64_t
judgement_version (const struct registry_move *move)
{
  return 0 == move->version ? move->holder : move->version;
}

/* Which step it is about, in front of a text, where it is not simply that the version comes to what was asked for: "to
   leave the stage Staging: ". */
static const char *
step_of (const struct judgement *judgement)
{
  const struct registry_move *move = judgement->move;
  struct arena *arena = judgement->change->arena;
  int64_t number = judgement_version (move);
  const char *stage = model_stage_names[move->stage];

  if (NULL != move->alias.data || (0 != move->version && ! move->is_along))
    return "";
  if (! move->is_along)
    return arena_printf (arena, "to leave the stage %s: ", stage);
  return 0 == move->version ? arena_printf (arena, "version %" PRId64 ", to leave the stage %s: ", number, stage)
                            : arena_printf (arena, "version %" PRId64 ", to go to %s: ", number, stage);
}

/* The sentence of a refusal names the first move by itself. */
static void
note_sentence (struct judgement *judgement, const char *step, const char *text)
{
  struct arena *arena = judgement->change->arena;

  judgement->missing_count++;
  if (NULL == judgement->refused)
    judgement->refused = judgement->move;
  if (judgement->refused != judgement->move)
    text = arena_printf (arena, "%s%s", step, text);
  if (NULL == judgement->sentence)
    judgement->sentence = arena_printf (arena, "%s", text);
  else if (judgement->missing_count <= SENTENCES_MAX)
    judgement->sentence = arena_printf (arena, "%s; %s", judgement->sentence, text);
}

/* Begin the item of a rule that is met or not; the caller writes more members and ends the object. */
static struct json_write *
begin_item (struct judgement *judgement, bool met, const char *rule, const char *text)
{
  struct json_write *w = met ? &judgement->met_items : &judgement->missing_items;
  const struct registry_move *move = judgement->move;
  const char *step = step_of (judgement);

  if (met)
    judgement->met_count++;
  else
    note_sentence (judgement, step, NULL == text ? rule : text);
  json_write_object (w);
  json_write_member_text (w, "rule", rule);
  if (NULL != judgement->gate)
    json_write_member_int64 (w, "gate_id", judgement->gate->gate_id);
  if (NULL != move->alias.data)
    json_write_member_string (w, "alias", move->alias);
  else
    json_write_member_text (w, "stage", model_stage_names[move->stage]);
  if (move->is_along)
    json_write_member_int64 (w, "version", judgement_version (move));
  json_write_member_text (w, "text", arena_printf (judgement->change->arena, "%s%s", step, NULL == text ? "" : text));
  return w;
}

void
judgement_miss (struct judgement *judgement, const char *rule, const char *text)
{
  json_write_object_end (begin_item (judgement, false, rule, text));
}

const char *
judgement_sentence (const struct judgement *judgement)
{
  if (judgement->missing_count <= SENTENCES_MAX)
    return judgement->sentence;
  return arena_printf (judgement->change->arena, "%s; and %zu more", judgement->sentence,
                       judgement->missing_count - SENTENCES_MAX);
}

/* Left out when there is none. */
static void
write_number (struct json_write *w, const char *name, double value)
{
  if (! isnan (value))
    json_write_member_double (w, name, value);
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

/* One gate, one move. */
struct judging
{
  struct judgement *out;
  struct registry_change *change;
  const struct registry_move *move;
  struct store_gate_version version;
  struct rules rules;
  bool claims; /* nobody is asked who he is, so claims count */
};

static struct store_people
people_of (const struct rule_people *people)
{
  return (struct store_people){ people->users.items, people->users.count, people->groups.items, people->groups.count };
}

static enum err_code
judge_check (struct judging *judging, const struct rule_check *check, struct err *err)
{
  struct arena *arena = judging->change->arena;
  struct store_people people;
  struct json_write *w;
  int16_t status;
  const char *text;
  enum err_code code;

  if (NULL != check->by)
    people = people_of (check->by);
  code = store_check_counting (&status, judging->change->connection, judging->move->model->registered_model_id,
                               judging->move->version, check->name, NULL == check->by ? NULL : &people, judging->claims,
                               arena, err);
  if (ERR_OK != code)
    return code;
  text = status < 0 ? arena_printf (arena, "check '%.*s' was not posted%s", SLICE_ARG (check->name),
                                    NULL == check->by ? "" : " by one of those whose results count")
                    : arena_printf (arena, "check '%.*s' is %s", SLICE_ARG (check->name), check_status_names[status]);
  w = begin_item (judging->out, CHECK_SUCCESS == status, "check", text);
  json_write_member_string (w, "name", check->name);
  json_write_member_text (w, "needed", check_status_names[CHECK_SUCCESS]);
  if (status >= 0)
    json_write_member_text (w, "found", check_status_names[status]);
  json_write_object_end (w);
  return ERR_OK;
}

/* What a metric is held against. */
struct yardstick
{
  double bound; /* NaN: there is nothing to hold it against */
  bool is_upper; /* it may not be above */
  int64_t version; /* whose value it comes from; 0: a constant */
  bool is_free; /* no version has the alias, so that anything passes */
};

static enum err_code
find_yardstick (struct yardstick *yardstick, struct judging *judging, const struct rule_metric *metric, struct err *err)
{
  int64_t model_id = judging->move->model->registered_model_id;
  struct store_gate_version other;
  struct result result = { NULL };
  enum err_code code;

  *yardstick = (struct yardstick){ .bound = metric->bound, .is_upper = RULE_AT_MOST == metric->comparison };
  if (RULE_NO_WORSE_THAN != metric->comparison)
    return ERR_OK;
  yardstick->is_upper = metric->lower_is_better;
  code = store_model_alias_holder (&yardstick->version, judging->change->connection, model_id, metric->alias, err);
  yardstick->is_free = 0 == yardstick->version;
  if (ERR_OK != code || yardstick->is_free)
    return code;
  code = store_gate_version (&other, &result, judging->change->connection, model_id, yardstick->version, err);
  if (ERR_OK == code)
    code = gate_metric_value (&yardstick->bound, judging->change, &other, metric, err);
  result_free (&result);
  yardstick->bound += metric->lower_is_better ? metric->epsilon : -metric->epsilon;
  return code;
}

static bool
passes (const struct yardstick *yardstick, double value)
{
  if (isnan (value) || yardstick->is_free)
    return ! isnan (value);
  return yardstick->is_upper ? value <= yardstick->bound : value >= yardstick->bound;
}

/* "metric 'auc' on 'holdout' is 0.8, and at least 0.9 is needed, to be no worse than version 3 with alias
 * 'production'". */
static const char *
metric_text (const struct judging *judging, const struct rule_metric *metric, const struct yardstick *yardstick,
             double value)
{
  struct arena *arena = judging->change->arena;
  char found[NUMBER_DOUBLE_BYTES];
  char bound[NUMBER_DOUBLE_BYTES];
  const char *what;
  const char *where = NULL == metric->dataset_name.data
                          ? ""
                          : arena_printf (arena, " on data set '%.*s'", SLICE_ARG (metric->dataset_name));

  number_format_double (found, value);
  number_format_double (bound, yardstick->bound);
  what = isnan (value) ? arena_printf (arena, "metric '%.*s'%s has no value", SLICE_ARG (metric->key), where)
                       : arena_printf (arena, "metric '%.*s'%s is %s", SLICE_ARG (metric->key), where, found);
  if (yardstick->is_free)
    return arena_printf (arena, "%s, and no version has alias '%.*s' to compare with", what, SLICE_ARG (metric->alias));
  if (0 != yardstick->version && isnan (yardstick->bound))
    return arena_printf (arena, "%s, or version %" PRId64 ", which has alias '%.*s', has no value to compare with",
                         what, yardstick->version, SLICE_ARG (metric->alias));
  what = arena_printf (arena, "%s, and at %s %s is needed", what, yardstick->is_upper ? "most" : "least", bound);
  if (0 == yardstick->version)
    return what;
  return arena_printf (arena, "%s, to be no worse than version %" PRId64 " with alias '%.*s'", what, yardstick->version,
                       SLICE_ARG (metric->alias));
}

static enum err_code
judge_metric (struct judging *judging, const struct rule_metric *metric, struct err *err)
{
  struct yardstick yardstick;
  struct json_write *w;
  double value = NAN;
  enum err_code code = find_yardstick (&yardstick, judging, metric, err);

  if (ERR_OK == code)
    code = gate_metric_value (&value, judging->change, &judging->version, metric, err);
  if (ERR_OK != code)
    return code;
  w = begin_item (judging->out, passes (&yardstick, value), "metric", metric_text (judging, metric, &yardstick, value));
  json_write_member_string (w, "key", metric->key);
  if (! yardstick.is_free)
    write_number (w, yardstick.is_upper ? "at_most" : "at_least", yardstick.bound);
  write_number (w, "found", value);
  if (0 != yardstick.version)
    json_write_member_int64 (w, "compared_with", yardstick.version);
  json_write_object_end (w);
  return ERR_OK;
}

static enum err_code
judge_tag (struct judging *judging, const json_t *tags, const struct rule_tag *tag, struct err *err)
{
  struct arena *arena = judging->change->arena;
  const char *key = arena_string (arena, tag->key);
  const json_t *found = NULL == key ? NULL : json_object_get (tags, key);
  struct slice value = { json_string_value (found), json_string_length (found) };
  struct json_write *w;
  const char *text;

  (void)err;
  text = NULL == value.data
             ? arena_printf (arena, "tag '%.*s' is missing", SLICE_ARG (tag->key))
             : arena_printf (arena, "tag '%.*s' is '%.*s'", SLICE_ARG (tag->key), SLICE_ARG (utf8_cut (value, 100)));
  if (NULL != value.data && NULL != tag->value.data && ! slice_equal (value, tag->value))
    text = arena_printf (arena, "%s and must be '%.*s'", text, SLICE_ARG (utf8_cut (tag->value, 100)));
  w = begin_item (judging->out, NULL != value.data && (NULL == tag->value.data || slice_equal (value, tag->value)),
                  "tag", text);
  json_write_member_string (w, "key", tag->key);
  if (NULL != tag->value.data)
    json_write_member_string (w, "needed", tag->value);
  if (NULL != value.data)
    json_write_member_string (w, "found", value);
  json_write_object_end (w);
  return ERR_OK;
}

static enum err_code
judge_tags (struct judging *judging, struct err *err)
{
  json_t *tags;
  bool out_of_memory = false;
  enum err_code code = ERR_OK;

  if (0 == judging->rules.tag_count)
    return ERR_OK;
  tags = json_tree_load (&out_of_memory, judging->version.tags, JSON_ALLOW_NUL, NULL);
  if (NULL == tags)
    return err_set (err, ERR_INTERNAL_ERROR, "internal error");
  for (size_t i = 0; ERR_OK == code && i < judging->rules.tag_count; i++)
    code = judge_tag (judging, tags, &judging->rules.tags[i], err);
  json_decref (tags);
  return code;
}

static enum err_code
judge_approvals (struct judging *judging, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  const struct rule_approvals *wanted = judging->rules.approvals;
  struct store_people people = people_of (&wanted->people);
  struct result result = { NULL };
  struct json_write *w;
  int64_t count;
  enum err_code code = store_approval_counting (
      &result, judging->change->connection, judging->move->model->registered_model_id, judging->move->version,
      judging->version.user_id, &people, judging->claims, judging->change->arena, err);

  count = ERR_OK == code ? (int64_t)result_count (&result) : 0;
  if (ERR_OK == code)
  {
    w = begin_item (
        judging->out, count >= wanted->count, "approvals",
        arena_printf (judging->change->arena, "%" PRId64 " of %" PRId64 " needed approvals", count, wanted->count));
    json_write_member_int64 (w, "needed", wanted->count);
    json_write_member_int64 (w, "found", count);
    if (count > 0)
    {
      json_write_key (w, "by");
      json_write_array (w);
    }
    for (int64_t i = 0; ERR_OK == code && i < count; i++)
    {
      struct slice actor;

      code = result_row (&actor, &result, (size_t)i, columns, COLUMN_COUNT (columns), err);
      if (ERR_OK == code)
        json_write_string (w, actor);
    }
    if (count > 0)
      json_write_array_end (w);
    json_write_object_end (w);
  }
  result_free (&result);
  return code;
}

static enum err_code
judge_soak (struct judging *judging, struct err *err)
{
  const struct rule_soak *soak = judging->rules.soak;
  struct arena *arena = judging->change->arena;
  int64_t since_ms;
  int64_t held_s;
  struct json_write *w;
  const char *text;
  enum err_code code =
      store_gate_since (&since_ms, judging->change->connection, judging->move->model->registered_model_id, soak->alias,
                        judging->move->version, err);

  if (ERR_OK != code)
    return code;
  held_s = 0 == since_ms || since_ms > judging->change->now_ms ? 0 : (judging->change->now_ms - since_ms) / 1000;
  text = 0 == since_ms ? arena_printf (arena, "it does not have alias '%.*s', which it needs for %" PRId64 " s",
                                       SLICE_ARG (soak->alias), soak->min_s)
                       : arena_printf (arena, "it has alias '%.*s' for %" PRId64 " of %" PRId64 " s",
                                       SLICE_ARG (soak->alias), held_s, soak->min_s);
  w = begin_item (judging->out, 0 != since_ms && held_s >= soak->min_s, "soak", text);
  json_write_member_string (w, "in_alias", soak->alias);
  json_write_member_int64 (w, "needed_s", soak->min_s);
  json_write_member_int64 (w, "found_s", held_s);
  json_write_object_end (w);
  return ERR_OK;
}

static void
judge_freeze (struct judging *judging)
{
  int64_t until_ms = rules_frozen_until (&judging->rules, judging->change->now_ms);
  time_t until = (time_t)(until_ms / 1000);
  char shown[32] = "";
  struct json_write *w;
  struct tm parts;

  if (0 == judging->rules.freeze_count)
    return;
  if (0 != until_ms && NULL != gmtime_r (&until, &parts))
    (void)strftime (shown, sizeof (shown), "%Y-%m-%dT%H:%M:%SZ", &parts);
  w = begin_item (judging->out, 0 == until_ms, "freeze",
                  0 == until_ms ? "it is not frozen now"
                                : arena_printf (judging->change->arena, "it is frozen until %s", shown));
  if (0 != until_ms)
    json_write_member_int64 (w, "until_ms", until_ms);
  json_write_object_end (w);
}

static enum err_code
judge_movers (struct judging *judging, struct err *err)
{
  struct slice name = judging->change->actor->name;
  struct store_people people = people_of (judging->rules.movers);
  struct json_write *w;
  const char *text;
  bool is_among;
  enum err_code code =
      store_gate_is_among (&is_among, judging->change->connection, name, &people, judging->change->arena, err);

  if (ERR_OK != code)
    return code;
  text = slice_filled (name) ? arena_printf (judging->change->arena, "%.*s is %samong those who may move it",
                                             SLICE_ARG (name), is_among ? "" : "not ")
                             : "only some may move it, and it is not known who asks";
  w = begin_item (judging->out, is_among, "movers", text);
  json_write_member_string (w, "actor", name);
  json_write_object_end (w);
  return ERR_OK;
}

/* Those that a rollback need not pass again. */
static enum err_code
judge_evidence (struct judging *judging, struct err *err)
{
  const struct rules *rules = &judging->rules;
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < rules->check_count; i++)
    code = judge_check (judging, &rules->checks[i], err);
  for (size_t i = 0; ERR_OK == code && i < rules->metric_count; i++)
    code = judge_metric (judging, &rules->metrics[i], err);
  if (ERR_OK == code && NULL != rules->approvals)
    code = judge_approvals (judging, err);
  if (ERR_OK == code && NULL != rules->soak)
    code = judge_soak (judging, err);
  return code;
}

static enum err_code
judge_version (struct judging *judging, struct err *err)
{
  const struct registry_move *move = judging->move;
  struct result result = { NULL };
  enum err_code code = store_gate_version (&judging->version, &result, judging->change->connection,
                                           move->model->registered_model_id, move->version, err);

  if (ERR_RESOURCE_DOES_NOT_EXIST == code)
    code = err_set (err, code, "Model Version (name=%.*s, version=%" PRId64 ") not found",
                    SLICE_ARG (move->model->name), move->version);
  if (ERR_OK == code && ! move->is_rollback)
    code = judge_evidence (judging, err);
  if (ERR_OK == code)
    code = judge_tags (judging, err);
  result_free (&result);
  return code;
}

enum err_code
judgement_add (struct judgement *judgement, const struct registry_move *move, const struct store_promotion_gate *gate,
               struct err *err)
{
  struct judging judging = {
    .out = judgement, .change = judgement->change, .move = move, .claims = 0 == judgement->change->actor->account_id
  };
  const struct json_write met_items = judgement->met_items;
  const size_t met_count = judgement->met_count;
  const size_t met_bytes = judgement->met.len;
  enum err_code code = rules_parse (&judging.rules, gate->rules, judgement->change->arena, NULL);

  if (ERR_OK != code)
    return err_set_cause (err, ERR_INTERNAL_ERROR, "the rules of a gate cannot be read", "internal error");
  judgement->move = move;
  judgement->gate = gate;
  /* What is taken away has nothing to prove. */
  if (0 != move->version)
    code = judge_version (&judging, err);
  if (ERR_OK == code && ! move->is_rollback)
    judge_freeze (&judging);
  if (ERR_OK == code && NULL != judging.rules.movers)
    code = judge_movers (&judging, err);
  judgement->gate = NULL;
  /* What versions that are archived along meet is told to nobody: they may be as many as the model has. */
  if (move->is_along)
  {
    judgement->met.len = met_bytes;
    judgement->met_items = met_items;
    judgement->met_count = met_count;
  }
  return code;
}
