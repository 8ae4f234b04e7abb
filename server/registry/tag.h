/* Tags of registered models and versions, as the ledger tells of them. */
#ifndef REGISTRY_TAG_H
#define REGISTRY_TAG_H

#include "registry/change.h"

/* The value of a tag, from the JSON object of all tags; absent when there is none. In the arena or the object. */
struct slice registry_tag_value (const struct registry_change *change, struct slice tags, struct slice key);

/* {"key": …, "value": …} in the arena, for before and after; absent for an absent value, as there is no tag then. */
struct slice registry_tag_member (const struct registry_change *change, struct slice key, struct slice value);

/* Whether two texts are the same; absent and empty are told apart. */
bool registry_same_text (struct slice a, struct slice b);

#endif
