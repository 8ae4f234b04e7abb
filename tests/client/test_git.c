/* Tests of what is read from git repositories: made by git where it is there, and by hand. */
#include "folder.h"

#include "git.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ONE "1111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222"

static char *root;

static void
run_command (const char *command)
{
  char text[8192];

  (void)snprintf (text, sizeof (text), "cd '%s' && { %s; } >/dev/null 2>&1", root, command);
  ck_assert_msg (0 == system (text), "%s", command);
}

static void
make_root (void)
{
  root = folder_new ();
}

static void
remove_root (void)
{
  folder_remove_all (root);
}

static void
check_state (const char *folder, bool found, const char *commit, const char *branch, const char *repository)
{
  static struct git_state state;
  char path[4096];

  (void)snprintf (path, sizeof (path), "%s/%s", root, folder);
  ck_assert_msg (found == git_read (&state, path), "%s", folder);
  if (! found)
    return;
  ck_assert_str_eq (state.commit, commit);
  ck_assert_str_eq (state.branch, branch);
  ck_assert_str_eq (state.repository, repository);
}

/* Repositories by hand: each a command, the folder looked at, and what is found. */
START_TEST (reads_repositories)
{
  static const struct
  {
    const char *make;
    const char *folder;
    bool found;
    const char *commit;
    const char *branch;
    const char *repository;
  } cases[] = {
    { "true", "", false, "", "", "" },
    { "mkdir -p .git/refs/heads a/b; echo 'ref: refs/heads/main' > .git/HEAD", "a/b", true, "", "main", "" },
    { "echo " ONE " > .git/refs/heads/main", "a/b", true, ONE, "main", "" },
    { "echo '# pack-refs with: peeled' > .git/packed-refs; echo '" TWO " refs/heads/main' >> .git/packed-refs", "",
      true, ONE, "main", "" },
    { "rm .git/refs/heads/main", "a", true, TWO, "main", "" },
    { "printf '%s refs/tags/v1\\n^%s\\n%s refs/heads/a/b\\n' " TWO " " TWO " " ONE " > .git/packed-refs;"
      " echo 'ref: refs/heads/a/b' > .git/HEAD",
      "", true, ONE, "a/b", "" },
    { "echo " TWO " > .git/HEAD", "", true, TWO, "", "" },
    { "printf '[core]\\n\\turl = x\\n[remote \"other\"]\\nurl = y\\n[remote \"origin\"]\\n\\tfetch = z\\n"
      "\\turl = https://me:secret@host.example/a.git\\n' > .git/config",
      "", true, TWO, "", "https://host.example/a.git" },
    /* Symbolic refs, and a circle of them. */
    { "echo 'ref: refs/heads/x' > .git/HEAD; echo 'ref: refs/heads/y' > .git/refs/heads/x;"
      " echo " ONE " > .git/refs/heads/y; rm .git/config",
      "", true, ONE, "x", "" },
    { "echo 'ref: refs/heads/x' > .git/refs/heads/y", "", true, "", "x", "" },
    /* Nothing outside of the repository is read, and nothing that is no commit. */
    { "echo 'ref: refs/../../outside' > .git/HEAD; echo " ONE " > outside", "", true, "", "", "" },
    { "echo 'ref: refs/heads/main' > .git/HEAD; echo 'no commit' > .git/refs/heads/main", "", true, "", "main", "" },
    { "head -c 100000 /dev/zero | tr '\\0' a > .git/HEAD", "", false, "", "", "" },
    { "rm .git/HEAD; mkfifo .git/HEAD", "", false, "", "", "" },
    { "rm .git/HEAD", "", false, "", "", "" },
    /* A work tree that was added, and a submodule. */
    { "rm -rf .git; mkdir -p m/.git/worktrees/w m/.git/refs/heads w/deep; echo 'gitdir: ../m/.git/worktrees/w' > "
      "w/.git;"
      " echo ../.. > m/.git/worktrees/w/commondir; echo 'ref: refs/heads/topic' > m/.git/worktrees/w/HEAD;"
      " echo 'ref: refs/heads/main' > m/.git/HEAD; echo " ONE " > m/.git/refs/heads/topic;"
      " printf '[remote \"origin\"]\\nurl = git@host.example:a/b.git\\n' > m/.git/config",
      "w/deep", true, ONE, "topic", "git@host.example:a/b.git" },
    { "mkdir -p m/sub m/.git/modules/sub; echo \"gitdir: $PWD/m/.git/modules/sub\" > m/sub/.git;"
      " echo " TWO " > m/.git/modules/sub/HEAD",
      "m/sub", true, TWO, "", "" },
    { "echo 'gitdir: nowhere' > m/sub/.git", "m/sub", false, "", "", "" },
    { "echo 'no pointer' > m/sub/.git", "m/sub", true, "", "main", "git@host.example:a/b.git" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    run_command (cases[i].make);
    check_state (cases[i].folder, cases[i].found, cases[i].commit, cases[i].branch, cases[i].repository);
  }
}
END_TEST

/* What git itself writes: the answer is git's own. */
START_TEST (agrees_with_git)
{
  static struct git_state state;
  char path[4096];
  char commit[GIT_COMMIT_BYTES + 1];
  FILE *file;

  if (0 != system ("git --version >/dev/null 2>&1"))
    return;
  run_command ("git init -q -b trunk r && cd r && git config user.name n && git config user.email e &&"
               " git commit -q --allow-empty -m one && git remote add origin 'https://t0ken@host.example/x y.git' &&"
               " git pack-refs --all && git worktree add -q ../w -b topic/a && cd ../w &&"
               " git commit -q --allow-empty -m two && git rev-parse HEAD > ../commit");
  (void)snprintf (path, sizeof (path), "%s/commit", root);
  file = fopen (path, "r");
  ck_assert_ptr_nonnull (file);
  ck_assert_ptr_nonnull (fgets (commit, sizeof (commit), file));
  fclose (file);
  commit[strcspn (commit, "\n")] = '\0';
  check_state ("w", true, commit, "topic/a", "https://host.example/x y.git");
  (void)snprintf (path, sizeof (path), "%s/r", root);
  ck_assert (git_read (&state, path));
  ck_assert_str_eq (state.branch, "trunk");
  ck_assert_uint_eq (strlen (state.commit), 40);
  ck_assert_str_ne (state.commit, commit);
}
END_TEST

START_TEST (reads_config)
{
  static const struct
  {
    const char *text;
    const char *url; /* NULL: none */
  } cases[] = {
    { "", NULL },
    { "[remote \"origin\"]", NULL },
    { "[remote \"origin\"]\nurl=a", "a" },
    { "[REMOTE   \"origin\"]\n  URL  =  a b  \n", "a b" },
    { "[remote \"origin\"]\nurl = \"a ; b\" ; comment\n", "a ; b" },
    { "[remote \"origin\"]\nurl = a # comment\n", "a" },
    { "[remote \"origin\"]\nurl = a\\\\b\\\"c\n", "a\\b\"c" },
    { "[remote \"origin\"]\nurl = first\nurl = second\n", "first" },
    { "[remote \"origin\"]\npushurl = p\nurlx = q\n", NULL },
    { "[remote \"origin\"]\nurl =\n", NULL },
    { "[remote \"Origin\"]\nurl = a\n", NULL },
    { "[remote \"origin\"]\n[branch \"x\"]\nurl = a\n", NULL },
    { "[remote \"x\"]\nurl = b\n[remote \"origin\"]\r\nurl = a\r\n", "a" },
  };

  for (size_t i = 0; i < sizeof (cases) / sizeof (cases[0]); i++)
  {
    struct buffer url;
    bool found;

    buffer_init (&url, 4096);
    found = git_parse_origin (&url, slice_of (cases[i].text));
    ck_assert_msg (found == (NULL != cases[i].url), "%s", cases[i].text);
    if (found)
      ck_assert_msg (slice_is (buffer_slice (&url), cases[i].url), "%s: %.*s", cases[i].text,
                     SLICE_ARG (buffer_slice (&url)));
    buffer_free (&url);
  }
}
END_TEST

Suite *git_suite (void);

Suite *
git_suite (void)
{
  Suite *suite = suite_create ("git");
  TCase *reading = tcase_create ("reading");

  tcase_add_checked_fixture (reading, make_root, remove_root);
  tcase_add_test (reading, reads_repositories);
  tcase_add_test (reading, agrees_with_git);
  tcase_add_test (reading, reads_config);
  suite_add_tcase (suite, reading);
  return suite;
}
