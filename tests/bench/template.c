/* Request bodies with holes: cut into pieces once, so that filling one is a few copies. */
#include "template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum hole
{
  HOLE_NONE,
  HOLE_RUN,
  HOLE_KEY,
  HOLE_STEP,
  HOLE_TIME,
  HOLE_VALUE,
  HOLE_COUNT,
  HOLE_ELEMENTS
};

static const char *const hole_names[] = {
  "", "@run@", "@key@", "@step@", "@time@", "@value@", "@count@", "@elements@"
};

/* Text, then a hole. */
struct piece
{
  const char *text;
  size_t length;
  enum hole hole;
};

/* More pieces than any request of the benchmark has; one that has more is refused. */
#define PIECES_MAX 64

struct pieces
{
  struct piece list[PIECES_MAX];
  unsigned count;
};

struct template
{
  struct pieces whole;
  struct pieces element;
  unsigned repeat;
};

static void
die (const char *what, const char *detail)
{
  fprintf (stderr, "load: %s: %.60s\n", what, detail);
  exit (2);
}

static void
cut (struct pieces *pieces, const char *text)
{
  while ('\0' != *text)
  {
    const char *at = strchr (text, '@');
    enum hole hole = HOLE_NONE;

    if (PIECES_MAX == pieces->count)
      die ("a template has too many holes", text);
    if (NULL != at)
    {
      for (unsigned one = 1; one < sizeof hole_names / sizeof hole_names[0]; one++)
        if (0 == strncmp (at, hole_names[one], strlen (hole_names[one])))
          hole = (enum hole)one;
      if (HOLE_NONE == hole)
        die ("no such hole", at);
    }
    pieces->list[pieces->count].text = text;
    pieces->list[pieces->count].length = NULL == at ? strlen (text) : (size_t)(at - text);
    pieces->list[pieces->count].hole = hole;
    pieces->count++;
    text = NULL == at ? text + strlen (text) : at + strlen (hole_names[hole]);
  }
}

struct template *
template_new (const char *text, const char *element, unsigned repeat)
{
  struct template *template = calloc (1, sizeof *template);

  if (NULL == template)
    die ("no memory", "");
  cut (&template->whole, text);
  cut (&template->element, element);
  template->repeat = repeat;
  for (unsigned one = 0; one < template->element.count; one++)
    if (HOLE_ELEMENTS == template->element.list[one].hole)
      die ("an element cannot hold elements", element);
  return template;
}

void
template_free (struct template *template)
{
  free (template);
}

static uint64_t
time_of (const struct filling *filling)
{
  uint64_t step = filling->point / filling->keys;
  uint64_t fifth = filling->step_ms / 5;

  if (0 == filling->step_ms)
    return filling->time_ms + filling->point;
  return filling->time_ms + step * filling->step_ms + value_mix (filling->time_ms ^ step) % (2 * fifth + 1) - fifth;
}

static void
fill_pieces (struct bytes *out, const struct template *template, const struct pieces *pieces, struct filling *filling)
{
  for (unsigned one = 0; one < pieces->count; one++)
  {
    const struct piece *piece = &pieces->list[one];

    bytes_add (out, piece->text, piece->length);
    switch (piece->hole)
    {
    case HOLE_NONE:
      break;
    case HOLE_RUN:
      bytes_add (out, filling->run, strlen (filling->run));
      break;
    case HOLE_KEY:
      bytes_add_number (out, filling->point % filling->keys);
      break;
    case HOLE_STEP:
      bytes_add_number (out, filling->point / filling->keys);
      break;
    case HOLE_TIME:
      bytes_add_number (out, time_of (filling));
      break;
    case HOLE_VALUE:
      value_add (out, filling->values, filling->point / filling->keys, &filling->random);
      break;
    case HOLE_COUNT:
      bytes_add_number (out, filling->count);
      break;
    case HOLE_ELEMENTS:
      for (unsigned copy = 0; copy < template->repeat; copy++)
      {
        if (0 < copy)
          bytes_add (out, ",", 1);
        fill_pieces (out, template, &template->element, filling);
        filling->point++;
      }
      break;
    }
  }
}

void
template_fill (struct bytes *out, const struct template *template, struct filling *filling)
{
  uint64_t before = filling->point;

  fill_pieces (out, template, &template->whole, filling);
  /* A template without elements is one point itself. */
  if (before == filling->point)
    filling->point++;
}
