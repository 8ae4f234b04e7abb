/* The words for permissions and protected actions, as they stand on the wire and in the audit trail. */
#ifndef STORE_ACCESS_WORDS_H
#define STORE_ACCESS_WORDS_H

#include "base/json_write.h"

/* Numbers of the columns `level` and bits of the columns `actions`, in their order. */
#define STORE_LEVEL_COUNT 5
#define STORE_ACTION_COUNT 4
extern const char *const store_level_names[STORE_LEVEL_COUNT];
extern const char *const store_action_names[STORE_ACTION_COUNT];

/* Write the members "permission" and, when there are any, "actions". */
void store_write_rights (struct json_write *w, int16_t level, int16_t actions);

/* The member "actions" alone; nothing when there are none. */
void store_write_actions (struct json_write *w, int16_t actions);

#endif
