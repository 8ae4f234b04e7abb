/* Ctrl-C: a command that has something to end asks for it; a second one ends the process at once. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP are noted; the call that waits returns. */
void interrupt_catch (void);
bool interrupted (void);

/* From now on they end the process, with the last words: for what has nothing else to end and may wait for a server. */
void interrupt_end (void);

/* Written to stdout when the process ends, also by a second signal: an escape that sets the terminal right. Static. */
void interrupt_last_words (const char *text);

/* Wait so long, or until a signal comes. */
void interrupt_sleep (unsigned ms);

#endif
