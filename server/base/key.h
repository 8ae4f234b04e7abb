/* Keys of metrics, params and tags, as far as both sides of the wire check them alike. */
#ifndef BASE_KEY_H
#define BASE_KEY_H

#include "base/slice.h"

#include <stdbool.h>

/* Whether a key is a path in normal form: not absolute, no empty, "." or ".." segment, and not beginning with two dots.
   Source: MLflow takes keys for paths and refuses those that its normpath would change. Thread-safe. */
bool key_is_normal_path (struct slice key);

#endif
