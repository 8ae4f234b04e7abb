/* Compares the daemon's route table with the requests that the scenarios made. */
#include "commands.h"
#include "scenario.h"

#include <stdio.h>
#include <string.h>

/* Walk both paths: "{name}" in the template stands for one segment, "{name...}" for all that is left. */
static bool
path_fits (const char *template, const char *path)
{
  while ('\0' != *template && '\0' != *path)
  {
    if ('{' == *template)
    {
      template += strcspn (template, "}");
      if ('.' == template[-1])
        return true;
      template += '\0' != *template;
      path += strcspn (path, "/");
    }
    else if (*template ++ != *path++)
      return false;
  }
  return '\0' == *template && '\0' == *path;
}

/* /ajax-api is the same route as /api. */
static const char *
without_ajax (const char *path, char *out, size_t size)
{
  if (0 != strncmp (path, "/ajax-api/", 10))
    return path;
  snprintf (out, size, "/api/%s", path + 10);
  return out;
}

/* Has this route been answered below 400, and has it refused something? A wrong method is a refusal of its path. */
static void
look (bool *success, bool *failure, const json_t *seen, const char *method, const char *template)
{
  const json_t *item;
  char plain[1024];
  size_t i;

  json_array_foreach (seen, i, item)
  {
    const char *path = without_ajax (json_string_value (json_array_get (item, 1)), plain, sizeof (plain));
    json_int_t status = json_integer_value (json_array_get (item, 2));
    bool same = 0 == strcmp (method, json_string_value (json_array_get (item, 0)));

    if (! path_fits (template, path))
      continue;
    *success = *success || (same && status < 400);
    *failure = *failure || (status >= 400 && (same || 405 == status));
  }
}

int
command_coverage (int argc, char **argv)
{
  struct buffer why;
  json_t *routes;
  json_t *seen = json_array ();
  const json_t *route;
  size_t i;
  unsigned missing = 0;

  buffer_init (&why, 4096);
  routes = argc > 1 ? scenario_load (argv[1], &why) : NULL;
  for (int n = 2; n < argc; n++)
  {
    json_t *more = scenario_load (argv[n], &why);

    json_array_extend (seen, more);
    json_decref (more);
  }
  json_array_foreach (routes, i, route)
  {
    const char *method = json_string_value (json_object_get (route, "method"));
    const char *path = json_string_value (json_object_get (route, "path"));
    char plain[1024];
    bool success = false;
    bool failure = false;

    if (NULL == method || NULL == path)
    {
      missing++;
      continue;
    }
    look (&success, &failure, seen, method, without_ajax (path, plain, sizeof (plain)));
    if (! success || ! failure)
    {
      missing++;
      printf ("  FAIL %s %s: no %s\n", method, path,
              success   ? "failure case"
              : failure ? "success case"
                        : "case at all");
    }
  }
  printf ("%zu routes, %u without a success or a failure case\n", json_array_size (routes), missing);
  if (why.len > 0)
    fprintf (stderr, "http-runner: %s\n", why.data);
  missing += 0 == json_array_size (routes) || why.len > 0;
  json_decref (routes);
  json_decref (seen);
  buffer_free (&why);
  return missing > 0 ? 1 : 0;
}
