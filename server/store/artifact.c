/* Names and contents of artifacts in PostgreSQL.

   DESIGN
   A directory is listed by a loose scan of the index: from an entry that is a directory the scan jumps behind all that
   is below it, so that an experiment with a million files costs as much as an empty one. Files next to each other are
   read in batches that grow, so that a directory of files costs hardly more than reading it.

   That no file is a directory too cannot be said by an index, so whoever gives a name takes advisory locks: shared ones
   on the directories above it, an exclusive one on the path itself. Two that could contradict each other meet in one of
   them, and the second sees what the first wrote; files of one directory do not meet. Beyond LOCKED_SEGMENTS segments
   the lock is that of the directory at this depth, because PostgreSQL's table of locks is small.

   Whoever takes a name away marks the content as used now, but does not wait for its row: who holds that either marks
   it himself, or is garbage collection, which leaves what still has a name in its snapshot. */
#include "store/artifact.h"

#include "store/pipeline.h"

enum
{
  GET,
  LIST,
  TREE,
  TREE_ALL,
  DELETE,
  USERS,
  HOLD,
  LOCK_PARENTS,
  LOCK_PATH,
  PUT
};

#define SELECT_ARTIFACT "SELECT path, sha256, size_bytes, created_at_ms FROM artifact WHERE workspace_id = 1 AND "
/* Deeper than what clients write; 64 locks for each connection are PostgreSQL's default. */
#define LOCKED_SEGMENTS "16"
#define LOCKED_PARENTS "15"
/* Sets the locks of paths apart from other advisory locks, which are numbers of runs. */
#define LOCK_SEED "4"
/* By the places of the rows: how many they are the planner cannot know, and a join might read all contents. */
#define MARK_USED(contents, now)                                                                                       \
  "UPDATE blob SET used_at_ms = greatest(used_at_ms, " now ") WHERE ctid = ANY (ARRAY (SELECT b.ctid FROM blob b"      \
  " WHERE b.sha256 IN (SELECT sha256 FROM " contents ") FOR NO KEY UPDATE SKIP LOCKED))"

static const struct statement statements[] = {
  [GET] = { "artifact_get", SELECT_ARTIFACT "path = $1::text", 1 },
  /* A step reads `size` rows from `bound` on; the last of them says where the next step begins. */
  [LIST] = { "artifact_list",
             "WITH RECURSIVE step AS ("
             " SELECT ''::text COLLATE \"C\" AS path, ''::bytea AS sha256, 0::int8 AS size_bytes, 0::int8 AS"
             "  created_at_ms, ''::text COLLATE \"C\" AS name, false AS is_directory, false AS is_entry, true AS "
             "is_last,"
             "  $2::text COLLATE \"C\" AS bound, 1::int8 AS size"
             " UNION ALL"
             " SELECT n.path, n.sha256, n.size_bytes, n.created_at_ms, n.name, n.is_directory,"
             "  n.name IS DISTINCT FROM n.name_before, n.place = s.size,"
             "  $1::text || n.name || CASE WHEN n.is_directory THEN '0' ELSE E'\\x01' END,"
             "  CASE WHEN n.is_directory THEN 1::int8 ELSE least(s.size * 4, 256::int8) END"
             " FROM (SELECT bound, size FROM step WHERE is_last) AS s, LATERAL ("
             "  SELECT e.*, row_number() OVER () AS place, lag(e.name) OVER () AS name_before FROM ("
             "   SELECT path, sha256, size_bytes, created_at_ms,"
             "    split_part(substr(path, length($1::text) + 1), '/', 1) AS name,"
             "    strpos(substr(path, length($1::text) + 1), '/') > 0 AS is_directory"
             "   FROM artifact WHERE workspace_id = 1 AND path >= s.bound ORDER BY path LIMIT s.size) AS e) AS n"
             " WHERE starts_with(n.path, $1::text))"
             " SELECT name, is_directory, path, sha256, size_bytes, created_at_ms FROM step WHERE is_entry"
             " LIMIT $3::int8",
             3 },
  [TREE] = { "artifact_tree",
             SELECT_ARTIFACT "path > greatest($1::text || '/' COLLATE \"C\", $2::text) AND path < $1::text || '0'"
                             " ORDER BY path LIMIT $3::int8",
             3 },
  [TREE_ALL] = { "artifact_tree_all", SELECT_ARTIFACT "path > $1::text ORDER BY path LIMIT $2::int8", 2 },
  [DELETE] = { "artifact_delete",
               "WITH file AS (DELETE FROM artifact WHERE workspace_id = 1 AND path = $1::text RETURNING sha256),"
               " tree AS (DELETE FROM artifact WHERE workspace_id = 1 AND path > $1::text || '/'"
               "  AND path < $1::text || '0' RETURNING sha256),"
               " gone AS (SELECT sha256 FROM file UNION ALL SELECT sha256 FROM tree),"
               " marked AS (" MARK_USED ("gone", "$2::int8") ")"
                                                             " SELECT count(*) FROM gone",
               2 },
  [USERS] = { "artifact_users", SELECT_ARTIFACT "sha256 = $1::bytea AND path > $2::text ORDER BY path LIMIT $3::int8",
              3 },
  [HOLD] = { "artifact_blob_hold",
             "INSERT INTO blob (sha256, size_bytes, used_at_ms) VALUES ($1::bytea, $2::int8, $3::int8)"
             " ON CONFLICT (sha256) DO UPDATE SET used_at_ms = greatest(blob.used_at_ms, excluded.used_at_ms)",
             3 },
  /* From the root down, so that nobody waits in a circle. */
  [LOCK_PARENTS] = { "artifact_lock_parents",
                     "SELECT pg_advisory_xact_lock_shared(hashtextextended(left($1::text, i - 1) COLLATE "
                     "\"C\", " LOCK_SEED ")) FROM generate_series(1, length($1::text)) AS i"
                     " WHERE substr($1::text, i, 1) = '/' LIMIT " LOCKED_PARENTS,
                     1 },
  [LOCK_PATH] = { "artifact_lock_path",
                  "SELECT pg_advisory_xact_lock(hashtextextended(array_to_string("
                  "(string_to_array($1::text, '/'))[1:" LOCKED_SEGMENTS "], '/') COLLATE \"C\", " LOCK_SEED "))",
                  1 },
  [PUT] = { "artifact_put",
            "WITH conflict AS MATERIALIZED ("
            " SELECT a.path FROM generate_series(1, length($1::text)) AS i, LATERAL (SELECT path FROM artifact"
            "  WHERE workspace_id = 1 AND path = left($1::text, i - 1) OFFSET 0) AS a WHERE substr($1::text, i, 1) = "
            "'/'"
            " UNION ALL (SELECT path FROM artifact WHERE workspace_id = 1 AND path > $1::text || '/'"
            "  AND path < $1::text || '0' ORDER BY path LIMIT 1)),"
            " old AS MATERIALIZED (SELECT sha256 FROM artifact WHERE workspace_id = 1 AND path = $1::text"
            "  AND sha256 <> $2::bytea),"
            " marked AS (" MARK_USED (
                "old",
                "$4::int8") "),"
                            " put AS (INSERT INTO artifact (path, sha256, size_bytes, created_at_ms)"
                            "  SELECT $1::text, $2::bytea, $3::int8, $4::int8 WHERE NOT EXISTS (SELECT FROM conflict)"
                            "  ON CONFLICT (workspace_id, path) DO UPDATE SET sha256 = excluded.sha256,"
                            "   size_bytes = excluded.size_bytes, created_at_ms = excluded.created_at_ms)"
                            " SELECT path FROM conflict LIMIT 1",
            4 },
};

const struct statement_table store_artifact_statements = { statements, sizeof (statements) / sizeof (statements[0]) };

/* Absent is empty: every path lies behind it. */
static struct slice
from_first (struct slice after)
{
  return NULL == after.data ? SLICE ("") : after;
}

static enum err_code
read_artifact (struct store_artifact *artifact, const struct result *result, struct err *err)
{
  static const struct column columns[] = {
    { COLUMN_TEXT, offsetof (struct store_artifact, path) },
    { COLUMN_DIGEST, offsetof (struct store_artifact, digest) },
    { COLUMN_INT64, offsetof (struct store_artifact, size_bytes) },
    { COLUMN_INT64, offsetof (struct store_artifact, created_at_ms) },
  };

  return result_row (artifact, result, 0, columns, COLUMN_COUNT (columns), err);
}

enum err_code
store_artifact_get (struct store_artifact *artifact, struct store_connection *connection, struct slice path,
                    struct arena *arena, struct err *err)
{
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, path);
  code = store_query (&result, connection, &statements[GET], &parameters, err);
  if (ERR_OK == code && 0 == result_count (&result))
    code = ERR_RESOURCE_DOES_NOT_EXIST;
  if (ERR_OK == code)
    code = read_artifact (artifact, &result, err);
  if (ERR_OK == code)
  {
    artifact->path.data = arena_string (arena, artifact->path);
    if (NULL == artifact->path.data)
      code = err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  }
  result_free (&result);
  return code;
}

/* Who gets the decoded rows of a stream. */
struct reader
{
  store_artifact_row artifact;
  store_artifact_entry_row entry;
  void *context;
};

static enum err_code
take_artifact (const struct result *result, void *context, struct err *err)
{
  const struct reader *reader = context;
  struct store_artifact artifact;
  enum err_code code = read_artifact (&artifact, result, err);

  return ERR_OK == code ? reader->artifact (reader->context, &artifact, err) : code;
}

static enum err_code
take_entry (const struct result *result, void *context, struct err *err)
{
  static const struct column columns[] = {
    { COLUMN_TEXT, offsetof (struct store_artifact_entry, name) },
    { COLUMN_BOOL, offsetof (struct store_artifact_entry, is_directory) },
    { COLUMN_TEXT, offsetof (struct store_artifact_entry, file.path) },
    { COLUMN_DIGEST, offsetof (struct store_artifact_entry, file.digest) },
    { COLUMN_INT64, offsetof (struct store_artifact_entry, file.size_bytes) },
    { COLUMN_INT64, offsetof (struct store_artifact_entry, file.created_at_ms) },
  };
  const struct reader *reader = context;
  struct store_artifact_entry entry;
  enum err_code code = result_row (&entry, result, 0, columns, COLUMN_COUNT (columns), err);

  if (ERR_OK != code)
    return code;
  if (entry.is_directory)
    entry.file = (struct store_artifact){ .path = { NULL, 0 } };
  return reader->entry (reader->context, &entry, err);
}

enum err_code
store_artifact_list (struct store_connection *connection, struct slice directory, struct slice after, int64_t limit,
                     store_artifact_entry_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .entry = row, .context = context };
  const char *slash = directory.len > 0 ? "/" : "";
  const char *prefix = arena_printf (arena, "%.*s%s", SLICE_ARG (directory), slash);
  const char *bound;
  struct parameters parameters;

  /* No name holds the character U+0001 or lies between '/' and '0', so these are the places behind a file and behind
     all that is below a directory. */
  if (slice_filled (after) && '/' == after.data[after.len - 1])
    bound = arena_printf (arena, "%s%.*s0", prefix, (int)after.len - 1, after.data);
  else
    bound = arena_printf (arena, "%s%.*s%s", prefix, SLICE_ARG (after), slice_filled (after) ? "\x01" : "");
  if (NULL == prefix || NULL == bound)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, slice_of (prefix));
  parameter_text (&parameters, slice_of (bound));
  parameter_int64 (&parameters, limit);
  return store_stream (connection, &statements[LIST], &parameters, take_entry, &reader, err);
}

enum err_code
store_artifact_tree (struct store_connection *connection, struct slice directory, struct slice after, int64_t limit,
                     store_artifact_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .artifact = row, .context = context };
  struct parameters parameters;
  bool all = 0 == directory.len;

  (void)arena;
  parameters_init (&parameters, NULL);
  if (! all)
    parameter_text (&parameters, directory);
  parameter_text (&parameters, from_first (after));
  parameter_int64 (&parameters, limit);
  return store_stream (connection, &statements[all ? TREE_ALL : TREE], &parameters, take_artifact, &reader, err);
}

enum err_code
store_artifact_delete (int64_t *count, struct store_connection *connection, struct slice path, int64_t now_ms,
                       struct err *err)
{
  static const struct column columns[] = { { COLUMN_INT64, 0 } };
  struct result result = { NULL };
  struct parameters parameters;
  enum err_code code;

  *count = 0;
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, path);
  parameter_int64 (&parameters, now_ms);
  code = store_query (&result, connection, &statements[DELETE], &parameters, err);
  if (ERR_OK == code)
    code = result_row (count, &result, 0, columns, COLUMN_COUNT (columns), err);
  result_free (&result);
  return code;
}

enum err_code
store_artifact_users (struct store_connection *connection, const struct digest *digest, struct slice after,
                      int64_t limit, store_artifact_row row, void *context, struct arena *arena, struct err *err)
{
  struct reader reader = { .artifact = row, .context = context };
  struct parameters parameters;

  (void)arena;
  parameters_init (&parameters, NULL);
  parameter_text (&parameters, digest_slice (digest));
  parameter_text (&parameters, from_first (after));
  parameter_int64 (&parameters, limit);
  return store_stream (connection, &statements[USERS], &parameters, take_artifact, &reader, err);
}

enum err_code
store_blob_hold (struct store_connection *connection, const struct digest *digest, int64_t size_bytes, int64_t now_ms,
                 struct err *err)
{
  struct parameters parameters;

  parameters_init (&parameters, NULL);
  parameter_text (&parameters, digest_slice (digest));
  parameter_int64 (&parameters, size_bytes);
  parameter_int64 (&parameters, now_ms);
  return store_execute (NULL, connection, &statements[HOLD], &parameters, err);
}

enum err_code
store_artifact_put (struct store_connection *connection, struct slice path, const struct digest *digest,
                    int64_t size_bytes, int64_t now_ms, struct err *err)
{
  static const struct column columns[] = { { COLUMN_TEXT, 0 } };
  struct result result = { NULL };
  struct parameters *parameters;
  struct pipeline pipeline;
  struct slice conflict;
  enum err_code code;

  pipeline_init (&pipeline, connection, NULL);
  parameter_text (pipeline_add (NULL, &pipeline, &statements[LOCK_PARENTS]), path);
  parameter_text (pipeline_add (NULL, &pipeline, &statements[LOCK_PATH]), path);
  parameters = pipeline_add (&result, &pipeline, &statements[PUT]);
  parameter_text (parameters, path);
  parameter_text (parameters, digest_slice (digest));
  parameter_int64 (parameters, size_bytes);
  parameter_int64 (parameters, now_ms);
  code = pipeline_run (&pipeline, err);
  if (ERR_OK == code && result_count (&result) > 0)
  {
    code = result_row (&conflict, &result, 0, columns, COLUMN_COUNT (columns), err);
    if (ERR_OK == code && conflict.len < path.len)
      code = err_set (err, ERR_RESOURCE_CONFLICT, "Path '%.*s' cannot be written: '%.*s' is a file, not a directory.",
                      SLICE_ARG (path), SLICE_ARG (conflict));
    else if (ERR_OK == code)
      code =
          err_set (err, ERR_RESOURCE_CONFLICT, "Path '%.*s' cannot be written: it is a directory.", SLICE_ARG (path));
  }
  result_free (&result);
  return code;
}
