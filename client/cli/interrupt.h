/* Ctrl-C: a command that has something to end asks for it; a second one ends the process at once. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP are noted; the call that waits returns. */
void interrupt_catch (void);
bool interrupted (void);

/* Wait so long, or until a signal comes. */
void interrupt_sleep (unsigned ms);

#endif
