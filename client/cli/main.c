/* tally: experiments and models from the command line. */
#include "cli/output.h"
#include "cli/parse.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* Files that the program opens must not become its stdin, stdout or stderr when those are closed. */
static void
open_standard_files (void)
{
  for (int file = 0; file <= 2; file++)
    if (fcntl (file, F_GETFD) < 0)
      (void)! open ("/dev/null", 0 == file ? O_RDONLY : O_WRONLY);
}

int
main (int argc, char **argv)
{
  struct cli cli = { 0 };
  const char *group;

  open_standard_files ();
  /* A server or a reader that goes away is an error of the write, not the end of the process. */
  signal (SIGPIPE, SIG_IGN);
  terminal_init (&cli, "auto");
  group = parse_arguments (&cli, (const char *const *)argv + 1, argc > 0 ? (size_t)argc - 1 : 0);
  if (cli_has (&cli, "color"))
    terminal_init (&cli, cli_option (&cli, "color"));
  /* Help in place of a command is for people. */
  if (FORMAT_JSON == cli.format && NULL == cli.command && ! cli_has (&cli, "help"))
    cli_refuse (&cli, "The command is missing; 'tally help --json' describes all.");
  if (NULL != group)
  {
    help_group (&cli, group);
    cli_end (&cli, cli_has (&cli, "help") ? CLI_DONE : CLI_REFUSED);
  }
  if (NULL == cli.command)
  {
    help_program (&cli);
    cli_end (&cli, cli_has (&cli, "help") ? CLI_DONE : CLI_REFUSED);
  }
  if (cli_has (&cli, "help"))
  {
    help_command (&cli, cli.command);
    cli_end (&cli, CLI_DONE);
  }
  cli_end (&cli, cli.command->run (&cli));
}
