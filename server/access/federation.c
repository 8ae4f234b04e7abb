/* Accounts of people whom others have recognised. */
#include "access/federation.h"

#include "access/access_private.h"
#include "access/identify.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "store/federated.h"

#include <stdlib.h>

/* As the CHECKs of account.username and account_group.name. */
#define NAME_MAX_CHARACTERS 255
/* Microsoft's tokens have 200 at most; each may become a row. */
#define GROUPS_MAX 1000
/* Of a digest, as a name for who has none: enough that nobody else has it. */
#define DIGITS 16

/* --- names -------------------------------------------------------------------------------------------------------- */

/* Without the spaces around it. */
static struct slice
trim (struct slice text)
{
  while (text.len > 0 && ' ' == text.data[0])
  {
    text.data++;
    text.len--;
  }
  while (text.len > 0 && ' ' == text.data[text.len - 1])
    text.len--;
  return text;
}

/* Characters that nobody sees, or that turn the text around them: two names that look the same must be the same. */
static bool
is_invisible (uint32_t point)
{
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || 0xAD == point || (point >= 0x200B && point <= 0x200F)
         || (point >= 0x2028 && point <= 0x202E) || (point >= 0x2060 && point <= 0x206F) || 0xFEFF == point;
}

/* Whether an account or group can be called so. */
static bool
is_name (struct slice text)
{
  struct slice rest = text;
  uint32_t point;
  size_t characters = 0;

  while (utf8_next (&rest, &point))
  {
    if (is_invisible (point))
      return false;
    characters++;
  }
  return 0 == rest.len && characters > 0 && characters <= NAME_MAX_CHARACTERS;
}

/* What an account can be called that somebody wants to call so: user names hold no colon. False when there is nothing
   like it. */
static bool
fit_name (struct slice *name, struct slice wish, struct arena *arena)
{
  char *copy;

  if (! utf8_valid (wish))
    return false;
  wish = trim (utf8_cut (trim (wish), NAME_MAX_CHARACTERS));
  if (! is_name (wish))
    return false;
  copy = arena_string (arena, wish);
  if (NULL == copy)
    return false;
  for (size_t i = 0; i < wish.len; i++)
    if (':' == copy[i])
      copy[i] = '_';
  *name = (struct slice){ copy, wish.len };
  return ERR_OK == access_check_username (*name, NULL);
}

/* The first name that an account can have; for a subject that is none, digits of its digest. */
static struct slice
choose_name (const struct federation *said, const char *digits, struct arena *arena)
{
  struct slice name;

  for (size_t i = 0; i < FEDERATION_NAMES; i++)
    if (fit_name (&name, said->names[i], arena))
      return name;
  return (struct slice){ digits, DIGITS };
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

bool
federation_groups (struct federation *said, const json_t *claim, struct arena *arena, struct err *err)
{
  size_t count = json_is_array (claim) ? json_array_size (claim) : 1;
  size_t index;
  const json_t *item;

  if (! json_is_array (claim) && ! json_is_string (claim))
    return true;
  if (count > GROUPS_MAX)
  {
    (void)err_set (err, ERR_UNAUTHENTICATED, "The JWT cannot be accepted: it names more than %d groups.", GROUPS_MAX);
    return false;
  }
  said->groups = arena_array (arena, count, sizeof (said->groups[0]));
  if (NULL == said->groups)
  {
    (void)err_set (err, ERR_INTERNAL_ERROR, "out of memory");
    return false;
  }
  said->has_groups = true;
  if (json_is_string (claim))
    said->groups[said->group_count++] = (struct slice){ json_string_value (claim), json_string_length (claim) };
  json_array_foreach (claim, index, item)
  {
    if (json_is_string (item))
      said->groups[said->group_count++] = (struct slice){ json_string_value (item), json_string_length (item) };
  }
  return true;
}

/* Sort them, and leave out those that come twice or can be no group. */
static void
tidy_groups (struct federation *said)
{
  size_t kept = 0;

  for (size_t i = 0; i < said->group_count; i++)
  {
    struct slice name = trim (said->groups[i]);

    if (is_name (name))
      said->groups[kept++] = name;
  }
  said->group_count = kept;
  if (kept < 2)
    return;
  qsort (said->groups, kept, sizeof (said->groups[0]), slice_compare_items);
  kept = 1;
  for (size_t i = 1; i < said->group_count; i++)
    if (! slice_equal (said->groups[i], said->groups[kept - 1]))
      said->groups[kept++] = said->groups[i];
  said->group_count = kept;
}

/* --- the account -------------------------------------------------------------------------------------------------- */

/* Digits that are the same for the same subject of the same issuer, and nobody else's. */
static bool
digest_subject (char digits[DIGEST_TEXT_BYTES], const struct federation *said, struct arena *arena)
{
  struct slice text =
      slice_of (arena_printf (arena, "%.*s\n%.*s", SLICE_ARG (said->issuer), SLICE_ARG (said->subject)));
  struct digest digest;

  if (NULL == text.data || ! digest_of (&digest, text))
    return false;
  digest_format (digits, &digest);
  return true;
}

enum err_code
federation_account (struct access_identity *identity, struct access *access, struct store_connection *connection,
                    struct federation *said, enum access_method method, struct slice address, struct arena *arena,
                    struct err *err)
{
  struct slice admins = slice_of (access->config->oidc_admin_group);
  struct store_federated row = { .issuer = said->issuer,
                                 .subject = said->subject,
                                 .has_groups = said->has_groups,
                                 .has_admin = said->has_groups && admins.len > 0,
                                 .now_ms = clock_wall_ms (),
                                 .method = (int16_t)method,
                                 .address = address };
  char digits[DIGEST_TEXT_BYTES];
  struct store_account_found found;
  bool is_same = false;
  bool changed = false;
  enum err_code code;

  if (! digest_subject (digits, said, arena))
    return err_set (err, ERR_INTERNAL_ERROR, "out of memory");
  tidy_groups (said);
  row.groups = said->groups;
  row.group_count = said->group_count;
  row.username = choose_name (said, digits, arena);
  row.suffix = slice_of (digits);
  for (size_t i = 0; i < said->group_count && row.has_admin; i++)
    row.is_admin = row.is_admin || slice_equal (said->groups[i], admins);
  code = store_federated_find (&found, &is_same, connection, &row, arena, err);
  if (ERR_RESOURCE_DOES_NOT_EXIST == code || (ERR_OK == code && ! is_same && ! found.disabled))
    code = store_federated_write (&found, &changed, connection, &row, arena, err);
  if (changed)
    access_changed (access);
  if (ERR_OK != code)
    return code;
  if (found.disabled)
    return err_set (err, ERR_UNAUTHENTICATED, "The account is disabled.");
  *identity = access_identity_of (access, &found, method);
  return ERR_OK;
}
