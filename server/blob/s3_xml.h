/* Reads the XML of S3's answers: flat records, whose elements are reported one by one. */
#ifndef BLOB_S3_XML_H
#define BLOB_S3_XML_H

#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Called at the end of each element: its parent's name (empty for the root), its own and the text that stands directly
   in it, with entities resolved. False ends the reading. */
typedef bool (*s3_xml_element) (void *context, struct slice parent, struct slice name, struct slice text);

/* Read a document. False when it is not well-formed, has a DTD, is nested or long beyond what S3 sends, when `element`
   ended it or memory is out. Thread-safe. */
bool s3_xml_read (struct slice document, s3_xml_element element, void *context);

/* Append `text` so that it can stand in an element. */
bool s3_xml_escape (struct buffer *out, struct slice text);

/* Read a time such as "2026-11-25T22:40:12.000Z" as seconds since 1970. False for anything else. */
bool s3_xml_time (int64_t *seconds, struct slice text);

#endif
