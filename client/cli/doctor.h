/* What doctor finds out beyond libtally: the server's clock and its certificate. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/cli.h"

struct doctor_probe
{
  bool answered;
  int64_t skew_ms; /* the server's clock minus ours */
  bool has_skew;
  int64_t certificate_end_ms; /* 0: not known */
  double seconds; /* of a request on a new connection */
  char trouble[256]; /* why there was no answer */
  const char *advice; /* what to do about it */
  int status; /* exit code of it */
};

/* One HEAD request with the settings of the client. */
void doctor_probe (struct doctor_probe *probe, struct cli *cli);

#endif
