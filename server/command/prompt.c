/* Asking for a password on the terminal.

   DESIGN
   Prompts go to stderr, so that stdout can be redirected. Whoever interrupts the question gets the terminal back as it
   was: the signals that end a program first switch the echo on again. */
#include "command/prompt.h"

#include "access/password.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

static const int ending_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define SIGNALS (sizeof (ending_signals) / sizeof (ending_signals[0]))

/* How the terminal was; of the file, because a signal handler needs it. */
static struct termios terminal_before;

static void
restore_and_end (int signal_number)
{
  (void)tcsetattr (STDIN_FILENO, TCSANOW, &terminal_before);
  /* The handler was for one time: the signal now does what it does. */
  (void)raise (signal_number);
}

/* One line that is not shown. */
static enum err_code
ask (struct slice *password, const char *question, struct arena *arena, struct err *err)
{
  enum err_code code;

  fprintf (stderr, "%s: ", question);
  fflush (stderr);
  code = password_read_line (password, stdin, "the terminal", arena, err);
  fputs ("\n", stderr);
  return code;
}

static enum err_code
ask_twice (struct slice *password, struct arena *arena, struct err *err)
{
  struct sigaction before[SIGNALS];
  struct sigaction ending = { .sa_handler = restore_and_end, .sa_flags = (int)SA_RESETHAND };
  struct termios silent;
  struct slice again = { NULL, 0 };
  enum err_code code;

  if (0 != tcgetattr (STDIN_FILENO, &terminal_before))
    return err_set (err, ERR_INVALID_PARAMETER_VALUE, "the terminal cannot be read");
  for (size_t i = 0; i < SIGNALS; i++)
    (void)sigaction (ending_signals[i], &ending, &before[i]);
  silent = terminal_before;
  silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
  (void)tcsetattr (STDIN_FILENO, TCSAFLUSH, &silent);
  code = ask (password, "Password", arena, err);
  if (ERR_OK == code)
    code = ask (&again, "The same again", arena, err);
  (void)tcsetattr (STDIN_FILENO, TCSAFLUSH, &terminal_before);
  for (size_t i = 0; i < SIGNALS; i++)
    (void)sigaction (ending_signals[i], &before[i], NULL);
  if (ERR_OK == code && ! slice_equal (*password, again))
    code = err_set (err, ERR_INVALID_PARAMETER_VALUE, "the two passwords differ");
  return code;
}

enum err_code
prompt_password (struct slice *password, struct arena *arena, struct err *err)
{
  /* What is read ahead would stay in memory. */
  (void)setvbuf (stdin, NULL, _IONBF, 0);
  return 0 != isatty (STDIN_FILENO) ? ask_twice (password, arena, err)
                                    : password_read_line (password, stdin, "the input", arena, err);
}
