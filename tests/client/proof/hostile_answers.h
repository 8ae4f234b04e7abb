/* Answers that a hostile or broken server could give. */
#ifndef PROOF_HOSTILE_ANSWERS_H
#define PROOF_HOSTILE_ANSWERS_H

#include "fake.h"

/* What the server does with requests whose path holds `match`; the others get fake_default. */
struct hostility
{
  const char *match; /* "" for all */
  fake_answer *answer;
  const char *text; /* for those that send one */
  bool is_tally; /* else its extension API is not there, as on MLflow */
};

/* The handler for fake_start; its payload is a struct hostility. */
fake_answer hostile_answer;

/* `text` as JSON; as the whole message, head included; as JSON with status 400. */
fake_answer answer_json;
fake_answer answer_raw;
fake_answer answer_refusal;
/* Redirect to the URL `text`. */
fake_answer answer_redirect;
fake_answer answer_endless_body;
fake_answer answer_endless_head;
fake_answer answer_endless_continue;
/* Deeper than any stack. */
fake_answer answer_deep;
/* A gigabyte in seven megabytes. */
fake_answer answer_bomb;
/* One byte every 100 ms, of the body or of the head. */
fake_answer answer_slow_body;
fake_answer answer_slow_head;
/* Nothing, and the connection stays. */
fake_answer answer_nothing;
/* A file with another content, of more bytes, of fewer bytes than promised. */
fake_answer answer_changed;
fake_answer answer_longer;
fake_answer answer_shorter;

#endif
