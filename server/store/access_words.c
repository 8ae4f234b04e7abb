/* The words for permissions and protected actions. */
#include "store/access_words.h"

const char *const store_level_names[STORE_LEVEL_COUNT] = { "NO_PERMISSIONS", "READ", "USE", "EDIT", "MANAGE" };
const char *const store_action_names[STORE_ACTION_COUNT] = { "promote", "force", "delete", "webhooks" };

void
store_write_actions (struct json_write *w, int16_t actions)
{
  if (0 == actions)
    return;
  json_write_key (w, "actions");
  json_write_array (w);
  for (unsigned i = 0; i < STORE_ACTION_COUNT; i++)
    if (0 != ((unsigned)actions & 1U << i))
      json_write_text (w, store_action_names[i]);
  json_write_array_end (w);
}

void
store_write_rights (struct json_write *w, int16_t level, int16_t actions)
{
  json_write_member_text (w, "permission", store_level_names[level]);
  store_write_actions (w, actions);
}
