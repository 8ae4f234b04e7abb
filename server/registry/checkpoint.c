/* Checkpoints: what one entry of the ledger was, as a document to be signed and kept elsewhere. */
#include "registry/checkpoint.h"

#include "base/json_tree.h"
#include "base/json_write.h"

void
registry_checkpoint_write (struct buffer *document, const struct store_ledger_head *head, int64_t now_ms)
{
  char sha256[DIGEST_TEXT_BYTES];
  struct json_write w;

  digest_format (sha256, &head->sha256);
  json_write_init (&w, document);
  json_write_object (&w);
  json_write_member_int64 (&w, "at", head->at_ms);
  json_write_member_int64 (&w, "created_at", now_ms);
  json_write_member_int64 (&w, "entry", head->entry);
  json_write_member_text (&w, "format", CHECKPOINT_FORMAT);
  json_write_member_text (&w, "sha256", sha256);
  json_write_object_end (&w);
}

static enum err_code
malformed (struct err *err, const char *what)
{
  return err_set (err, ERR_INVALID_PARAMETER_VALUE, "The checkpoint cannot be read: %s.", what);
}

static enum err_code
read_tree (struct store_ledger_head *head, const json_t *tree, struct err *err)
{
  const json_t *entry = json_object_get (tree, "entry");
  const json_t *at = json_object_get (tree, "at");
  const char *sha256 = json_string_value (json_object_get (tree, "sha256"));
  const char *format = json_string_value (json_object_get (tree, "format"));

  if (NULL == format || ! slice_is (slice_of (format), CHECKPOINT_FORMAT))
    return malformed (err, "'format' is not " CHECKPOINT_FORMAT);
  if (! json_is_integer (entry) || json_integer_value (entry) < 0 || ! json_is_integer (at))
    return malformed (err, "'entry' and 'at' are not numbers");
  if (NULL == sha256 || ! digest_parse (&head->sha256, slice_of (sha256)))
    return malformed (err, "'sha256' is no hash");
  head->entry = json_integer_value (entry);
  head->at_ms = json_integer_value (at);
  return ERR_OK;
}

enum err_code
registry_checkpoint_read (struct store_ledger_head *head, struct slice document, struct err *err)
{
  bool out_of_memory = false;
  json_t *tree = json_tree_load (&out_of_memory, document, JSON_REJECT_DUPLICATES, NULL);
  enum err_code code;

  if (out_of_memory)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  code = NULL == tree ? malformed (err, "it is no JSON") : read_tree (head, tree, err);
  json_decref (tree);
  return code;
}
