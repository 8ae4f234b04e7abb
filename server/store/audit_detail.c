/* Object and detail of entries of the audit trail. */
#include "store/audit_detail.h"

void
audit_detail_begin (struct audit_detail *detail)
{
  buffer_init (&detail->buffer, AUDIT_DETAIL_BYTES);
  json_write_init (&detail->w, &detail->buffer);
  json_write_object (&detail->w);
}

struct slice
audit_detail_end (struct audit_detail *detail, struct arena *arena)
{
  struct slice text = { NULL, 0 };

  json_write_object_end (&detail->w);
  if (! detail->buffer.failed)
  {
    text.data = arena_string (arena, buffer_slice (&detail->buffer));
    text.len = NULL == text.data ? 0 : detail->buffer.len;
  }
  buffer_free (&detail->buffer);
  return text;
}

enum err_code
audit_entry (struct store_audit *entry, const struct store_audit *who, const char *action, const char *kind,
             struct slice name, struct slice detail, struct arena *arena, struct err *err)
{
  *entry = *who;
  if (NULL == entry->action.data)
    entry->action = slice_of (action);
  entry->object = slice_of (arena_printf (arena, "%s:%.*s", kind, SLICE_ARG (name)));
  entry->detail = detail;
  if (NULL == entry->object.data || NULL == detail.data)
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  return ERR_OK;
}
