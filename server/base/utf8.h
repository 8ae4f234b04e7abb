/* UTF-8 text: validity, length, code points and which of them belong to words. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every function is thread-safe. Valid means as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 */

/* True when the whole text is valid; the empty and the absent one are. */
bool utf8_valid (struct slice text);

/* Bytes of the valid sequence that `text` begins with: 1 to 4, or 0 when it begins with none. */
size_t utf8_sequence (struct slice text);

/* Code points in a valid text; in an invalid one, a number from 0 to `text.len`. */
size_t utf8_length (struct slice text);

/* Take the first code point off. False at the end, and with `rest` unchanged before an invalid sequence. */
bool utf8_next (struct slice *rest, uint32_t *code_point);

/* Write the 1 to 4 bytes of a code point that is no surrogate and not above U+10FFFF; returns their number. */
size_t utf8_encode (char out[4], uint32_t code_point);

/* True for what \w means in Python's patterns on str: a letter or number by Unicode, or "_". */
bool utf8_is_word (uint32_t code_point);

/* The longest prefix of at most `max_code_points` code points of a valid text. */
struct slice utf8_cut (struct slice text, size_t max_code_points);

#endif
