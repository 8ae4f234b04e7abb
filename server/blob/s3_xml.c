/* Reads the XML of S3's answers with expat. */
#include "blob/s3_xml.h"

#include <expat.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

/* S3 nests four levels. */
#define DEPTH_MAX 8
/* The longest element of S3 has 30 characters. */
#define NAME_MAX_BYTES 64
/* A key has at most 1,024 bytes, a message or an upload's id not many more. */
#define TEXT_MAX_BYTES ((size_t)16 * 1024)

struct reading
{
  XML_Parser parser;
  s3_xml_element element;
  void *context;
  char names[DEPTH_MAX][NAME_MAX_BYTES];
  int depth;
  struct buffer text; /* of the innermost element */
  bool failed;
};

static void
fail (struct reading *reading)
{
  reading->failed = true;
  XML_StopParser (reading->parser, XML_FALSE);
}

static void XMLCALL
on_start (void *context, const XML_Char *name, const XML_Char **attributes)
{
  struct reading *reading = context;
  size_t len = strlen (name);

  (void)attributes;
  if (reading->failed)
    return;
  if (DEPTH_MAX == reading->depth || len >= NAME_MAX_BYTES)
  {
    fail (reading);
    return;
  }
  memcpy (reading->names[reading->depth++], name, len + 1);
  buffer_clear (&reading->text);
}

static void XMLCALL
on_text (void *context, const XML_Char *text, int len)
{
  struct reading *reading = context;

  if (! reading->failed && ! buffer_append (&reading->text, text, (size_t)len))
    fail (reading);
}

static void XMLCALL
on_end (void *context, const XML_Char *name)
{
  struct reading *reading = context;

  if (reading->failed)
    return;
  reading->depth--;
  if (! reading->element (reading->context, slice_of (0 == reading->depth ? "" : reading->names[reading->depth - 1]),
                          slice_of (name), buffer_slice (&reading->text)))
    fail (reading);
  buffer_clear (&reading->text);
}

/* S3 sends none, and entities of a DTD are where parsers are attacked. */
static void XMLCALL
on_doctype (void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
  (void)name;
  (void)system;
  (void)public;
  (void)internal;
  fail (context);
}

bool
s3_xml_read (struct slice document, s3_xml_element element, void *context)
{
  struct reading reading = { .parser = XML_ParserCreate (NULL), .element = element, .context = context };
  bool fine;

  if (NULL == reading.parser || document.len > INT_MAX)
  {
    if (NULL != reading.parser)
      XML_ParserFree (reading.parser);
    return false;
  }
  buffer_init (&reading.text, TEXT_MAX_BYTES);
  XML_SetUserData (reading.parser, &reading);
  XML_SetElementHandler (reading.parser, on_start, on_end);
  XML_SetCharacterDataHandler (reading.parser, on_text);
  XML_SetStartDoctypeDeclHandler (reading.parser, on_doctype);
  fine = XML_STATUS_OK == XML_Parse (reading.parser, 0 == document.len ? "" : document.data, (int)document.len, 1)
         && ! reading.failed;
  XML_ParserFree (reading.parser);
  buffer_free (&reading.text);
  return fine;
}

bool
s3_xml_escape (struct buffer *out, struct slice text)
{
  for (size_t i = 0; i < text.len; i++)
  {
    switch (text.data[i])
    {
    case '&':
      buffer_text (out, "&amp;");
      break;
    case '<':
      buffer_text (out, "&lt;");
      break;
    case '>':
      buffer_text (out, "&gt;");
      break;
    case '"':
      buffer_text (out, "&quot;");
      break;
    default:
      buffer_byte (out, text.data[i]);
    }
  }
  return ! out->failed;
}

bool
s3_xml_time (int64_t *seconds, struct slice text)
{
  char copy[40];
  struct tm parts = { 0 };
  int used = 0;

  if (text.len >= sizeof (copy))
    return false;
  memcpy (copy, text.data, text.len);
  copy[text.len] = '\0';
  if (6
          != sscanf (copy, "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                     &parts.tm_min, &parts.tm_sec, &used)
      || text.len < 20 || 'Z' != copy[text.len - 1] || ('.' != copy[used] && 'Z' != copy[used]))
    return false;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  *seconds = (int64_t)timegm (&parts);
  return true;
}
