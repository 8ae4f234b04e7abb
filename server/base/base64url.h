/* Base64 in the alphabet for URLs, without padding (RFC 4648, 5; RFC 7515, 2). */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include "base/arena.h"
#include "base/slice.h"

/* Whether a text is such: its alphabet, a length that bytes can have, and no bits set that stand for nothing, so that
   no two texts mean the same bytes. */
bool base64url_valid (struct slice text);

/* The bytes that a text stands for, in the arena. False for any other text and when memory is out (arena_overflowed
   tells). */
bool base64url_decode (struct slice *bytes, struct slice text, struct arena *arena);

#endif
