/* What the files of a git repository say of its work tree; nothing is executed. */
#ifndef CLIENT_GIT_H
#define CLIENT_GIT_H

#include "base/buffer.h"

/* A SHA-1 or SHA-256 in hexadecimal digits, and NUL. */
#define GIT_COMMIT_BYTES 65
/* Longest name of a branch and address, with NUL; longer ones are left out. */
#define GIT_TEXT_BYTES 4096

struct git_state
{
  char commit[GIT_COMMIT_BYTES]; /* "": there is none yet */
  char branch[GIT_TEXT_BYTES]; /* "": none is checked out */
  char repository[GIT_TEXT_BYTES]; /* address of origin without credentials; "": none */
};

/* Read the state of the work tree that holds `folder`. False when there is none. */
bool git_read (struct git_state *state, const char *folder);

/* The address of the remote "origin" in the text of a config file, appended as it stands there. False when there is
   none. */
bool git_parse_origin (struct buffer *url, struct slice config);

/* The commit of a ref in the text of packed-refs. False when it has none. */
bool git_parse_packed (char commit[GIT_COMMIT_BYTES], struct slice packed, struct slice ref);

#endif
