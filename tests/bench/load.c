/* A load generator for one kind of request: its options, and a line of JSON at the end. */
#include "drive.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char help_text[] =
    "Usage: load [OPTION]... ADDRESS:PORT PATH\n"
    "Send one kind of request over many connections and print a line of JSON.\n"
    "  --connections N     keep-alive connections (1)\n"
    "  --seconds S         stop sending after S seconds (5); what is under way is waited for\n"
    "  --requests N        stop sending after N requests (no limit)\n"
    "  --requests-each N   stop sending for a run after N requests (no limit); not with --rate\n"
    "  --rate R            open loop: R requests a second, their latency counted from when each was due;\n"
    "                      without it, each connection sends its next request when it has its answer\n"
    "  --shed              open loop: a request that is due while every connection waits is dropped and counted\n"
    "  --body TEMPLATE     send POST with this body; without it GET. Holes: @run@ @key@ @step@ @time@ @value@\n"
    "                      @count@ and once @elements@\n"
    "  --element TEMPLATE --repeat N   what @elements@ stands for: N copies, separated by commas\n"
    "  --repeat-percent P  of 100 requests P are the one before on that connection, once more (0)\n"
    "  --keys N            @key@ runs through 0 to N-1 (1)\n"
    "  --first N           the first @step@ (0)\n"
    "  --values KIND       @value@: plain, loss, quantised, counter, random or digits (plain)\n"
    "  --step-ms N         @time@ grows by N with each step, give or take a fifth; 0: by 1 with each point (0)\n"
    "  --seed N            send the same bodies whenever N is the same; 0: never the same (0)\n"
    "  --runs FILE         one run id a line, for @run@ in body and path; of C connections the i-th takes\n"
    "                      line i, i+C, i+2C ... in turn\n"
    "  --header LINE       send this header too, as in 'Authorization: Bearer x'; may be given several times\n"
    "  --headers FILE      on each line headers, with tabs between; what is sent for the run of line i has\n"
    "                      those of line i; the shorter of both files begins anew\n"
    "  --least-bytes N     an answer with a shorter body is an error (0)\n"
    "  --expect TEXT       an answer with another body is an error\n"
    "  --drain S           how long answers are waited for after the last request (120)\n";

/* The longest line of a file: run ids have at most 256 bytes by the rule of MLflow, and a header with a password of
   1,024 bytes fits, as Basic sends it. */
#define LINE_BYTES 2048

static void
print_text (const char *text)
{
  putchar ('"');
  for (; '\0' != *text; text++)
    if ('"' == *text || '\\' == *text)
      printf ("\\%c", *text);
    else
      putchar (' ' > *text ? ' ' : *text);
  putchar ('"');
}

/* How many answers had which status. */
static void
print_statuses (const struct load *load)
{
  const char *comma = "";

  printf ("\"statuses\":{");
  for (unsigned status = 0; status < STATUS_COUNT; status++)
    if (0 < load->statuses[status])
    {
      printf ("%s\"%u\":%ju", comma, status, (uintmax_t)load->statuses[status]);
      comma = ",";
    }
  printf ("},");
}

static void
print_result (const struct load *load)
{
  const struct histogram *latency = &load->latency;
  double seconds = (double)(load->last_ns - load->start_ns) / 1e9;
  struct rusage usage;
  double cpu_s;

  getrusage (RUSAGE_SELF, &usage);
  cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
          + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  printf ("{\"requests\":%ju,\"errors\":%ju,\"unanswered\":%ju,\"broken_connections\":%ju,\"seconds\":%.4f,"
          "\"requests_per_second\":%.2f,\"sent\":%ju,\"repeated\":%ju,\"dropped\":%ju,\"refused\":%ju,",
          (uintmax_t)latency->total, (uintmax_t)load->errors, (uintmax_t)(load->sent - load->answered),
          (uintmax_t)load->broken, seconds, 0 < latency->total ? (double)latency->total / seconds : 0.0,
          (uintmax_t)load->sent, (uintmax_t)load->repeated, (uintmax_t)load->dropped, (uintmax_t)load->refused);
  print_statuses (load);
  printf (
      "\"latency_us\":{\"min\":%.1f,\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
      (double)latency->min_ns / 1e3, 0 < latency->total ? (double)latency->sum_ns / (double)latency->total / 1e3 : 0.0,
      (double)histogram_percentile_ns (latency, 0.5) / 1e3, (double)histogram_percentile_ns (latency, 0.9) / 1e3,
      (double)histogram_percentile_ns (latency, 0.99) / 1e3, (double)histogram_percentile_ns (latency, 0.999) / 1e3,
      (double)latency->max_ns / 1e3);
  printf ("\"bytes_in\":%ju,\"bytes_out\":%ju,\"cpu_seconds\":%.3f,\"first_error_status\":%u,\"first_error\":",
          (uintmax_t)load->bytes_in, (uintmax_t)load->bytes_out, cpu_s, load->first_error_status);
  print_text (load->first_error);
  puts ("}");
}

/* The lines of a file, which must have one at least. */
static void
read_lines (char ***lines, size_t *count, const char *name)
{
  char line[LINE_BYTES + 2];
  FILE *file = fopen (name, "re");

  if (NULL == file)
    drive_die (name);
  while (NULL != fgets (line, sizeof line, file))
  {
    line[strcspn (line, "\r\n")] = '\0';
    *lines = realloc (*lines, (*count + 1) * sizeof **lines);
    if (NULL == *lines || NULL == ((*lines)[(*count)++] = strdup (line)))
      drive_die ("load: memory");
  }
  fclose (file);
  if (0 == *count)
  {
    fprintf (stderr, "load: %s is empty\n", name);
    exit (2);
  }
}

/* Append the headers of a line, each with the end of the line before it. */
static void
add_headers (struct bytes *headers, const char *line)
{
  while ('\0' != *line)
  {
    size_t length = strcspn (line, "\t");

    bytes_add (headers, "\r\n", 2);
    bytes_add (headers, line, length);
    line += length + ('\t' == line[length]);
  }
}

static void
read_headers (struct load *load, const char *name)
{
  char **lines = NULL;

  read_lines (&lines, &load->own_header_count, name);
  load->own_headers = calloc (load->own_header_count, sizeof *load->own_headers);
  if (NULL == load->own_headers)
    drive_die ("load: memory");
  for (size_t one = 0; one < load->own_header_count; one++)
    add_headers (&load->own_headers[one], lines[one]);
}

static void
parse_address (struct load *load, char *text)
{
  char *colon = strrchr (text, ':');
  char *end = text;
  unsigned long port = 0;

  load->host = strdup (text);
  if (NULL != colon)
  {
    *colon = '\0';
    port = strtoul (colon + 1, &end, 10);
  }
  load->address.sin_family = AF_INET;
  load->address.sin_port = htons ((uint16_t)port);
  if (NULL == load->host || 0 == port || 65535 < port || '\0' != *end
      || 1 != inet_pton (AF_INET, text, &load->address.sin_addr))
  {
    fputs ("load: the address must be like 127.0.0.1:5000\n", stderr);
    exit (2);
  }
}

/* Read the options; false when they make no sense. */
static bool
parse_options (struct load *load, const char **element, unsigned *repeat, int argc, char **argv)
{
  static const struct option options[] = {
    { "connections", required_argument, NULL, 'c' }, { "seconds", required_argument, NULL, 's' },
    { "requests", required_argument, NULL, 'n' },    { "requests-each", required_argument, NULL, 'N' },
    { "rate", required_argument, NULL, 'r' },        { "shed", no_argument, NULL, 'S' },
    { "body", required_argument, NULL, 'b' },        { "element", required_argument, NULL, 'e' },
    { "repeat", required_argument, NULL, 'R' },      { "repeat-percent", required_argument, NULL, 'p' },
    { "keys", required_argument, NULL, 'k' },        { "first", required_argument, NULL, 'f' },
    { "values", required_argument, NULL, 'v' },      { "step-ms", required_argument, NULL, 'm' },
    { "seed", required_argument, NULL, 'x' },        { "runs", required_argument, NULL, 'i' },
    { "least-bytes", required_argument, NULL, 'l' }, { "expect", required_argument, NULL, 'E' },
    { "drain", required_argument, NULL, 'd' },       { "header", required_argument, NULL, 'h' },
    { "headers", required_argument, NULL, 'H' },     { NULL, 0, NULL, 0 },
  };
  int option;

  while (-1 != (option = getopt_long (argc, argv, "", options, NULL)))
    switch (option)
    {
    case 'c':
      load->connections = (unsigned)strtoul (optarg, NULL, 10);
      break;
    case 's':
      load->seconds = strtod (optarg, NULL);
      break;
    case 'n':
      load->requests_max = strtoull (optarg, NULL, 10);
      break;
    case 'N':
      load->requests_each = strtoull (optarg, NULL, 10);
      break;
    case 'r':
      load->rate = strtod (optarg, NULL);
      break;
    case 'S':
      load->shed = true;
      break;
    case 'b':
      load->body = optarg;
      break;
    case 'e':
      *element = optarg;
      break;
    case 'R':
      *repeat = (unsigned)strtoul (optarg, NULL, 10);
      break;
    case 'p':
      load->repeat_percent = strtod (optarg, NULL);
      break;
    case 'k':
      load->keys = strtoull (optarg, NULL, 10);
      break;
    case 'f':
      load->first_step = strtoull (optarg, NULL, 10);
      break;
    case 'v':
      if (! value_kind_named (&load->values, optarg))
        return false;
      break;
    case 'm':
      load->step_ms = strtoull (optarg, NULL, 10);
      break;
    case 'x':
      load->seed = strtoull (optarg, NULL, 10);
      break;
    case 'i':
      read_lines (&load->runs, &load->run_count, optarg);
      break;
    case 'l':
      load->least_bytes = strtoull (optarg, NULL, 10);
      break;
    case 'E':
      load->expected = optarg;
      break;
    case 'd':
      load->drain_s = strtod (optarg, NULL);
      break;
    case 'h':
      add_headers (&load->headers, optarg);
      break;
    case 'H':
      read_headers (load, optarg);
      break;
    default:
      return false;
    }
  return 2 == argc - optind && 0 < load->connections && 0 < load->keys && (0 == load->requests_each || 0 >= load->rate)
         && (NULL == load->expected || ANSWER_START_BYTES >= strlen (load->expected));
}

int
main (int argc, char **argv)
{
  static struct load load = { .connections = 1, .seconds = 5, .requests_max = UINT64_MAX, .keys = 1, .drain_s = 120 };
  const char *element = "";
  unsigned repeat = 0;

  if (! parse_options (&load, &element, &repeat, argc, argv))
  {
    fputs (help_text, stderr);
    return 2;
  }
  parse_address (&load, argv[optind]);
  load.request_path = template_new (argv[optind + 1], "", 0);
  load.request_body = template_new (NULL == load.body ? "" : load.body, element, repeat);
  drive (&load);
  print_result (&load);
  template_free (load.request_path);
  template_free (load.request_body);
  return 0 == load.errors && load.answered == load.sent && 0 < load.latency.total ? 0 : 1;
}
