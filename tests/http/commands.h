/* The commands of the test runner. Each takes its own name and arguments and gives the exit status. */
#ifndef HTTP_TESTS_COMMANDS_H
#define HTTP_TESTS_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

int command_scenarios (int argc, char **argv);
int command_arguments (int argc, char **argv);
int command_coverage (int argc, char **argv);
int command_load (int argc, char **argv);
int command_two_daemons (int argc, char **argv);
int command_race (int argc, char **argv);
int command_follow (int argc, char **argv);
int command_burst (int argc, char **argv);
int command_flood (int argc, char **argv);
int command_drain (int argc, char **argv);
int command_slow (int argc, char **argv);
int command_connections (int argc, char **argv);
int command_charts (int argc, char **argv);
int command_stream_fill (int argc, char **argv);
int command_stream (int argc, char **argv);
int command_stream_around (int argc, char **argv);
int command_stream_stall (int argc, char **argv);
int command_stream_crowd (int argc, char **argv);
int command_refused (int argc, char **argv);
int command_records (int argc, char **argv);
int command_half_open (int argc, char **argv);

/* Take "http://host:port" or "https://host:port" apart; bare connections speak TLS with the latter. False when it is
   something else. */
bool split_base_url (const char *url, char *host, size_t host_size, char *port, size_t port_size);

#endif
