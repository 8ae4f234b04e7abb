/* The words of a filter. */
#ifndef SEARCH_LEX_H
#define SEARCH_LEX_H

#include "base/slice.h"

enum token_kind
{
  TOKEN_END,
  TOKEN_WORD, /* letters, digits and underscores */
  TOKEN_PATH, /* an identifier with a dot or in backticks */
  TOKEN_STRING, /* in single quotes */
  TOKEN_SYMBOL, /* in double quotes: a string, or a key where one is expected */
  TOKEN_NUMBER, /* without a sign */
  TOKEN_COMPARISON, /* "=", "!=", "~*" and whatever else is made of such characters */
  TOKEN_OPEN,
  TOKEN_CLOSE,
  TOKEN_SEMICOLON,
  TOKEN_ARITHMETIC, /* one of + - * / % */
  TOKEN_COMMENT,
  TOKEN_OTHER /* one character that means nothing here */
};

enum keyword
{
  KEYWORD_NONE,
  KEYWORD_AND,
  KEYWORD_OR,
  KEYWORD_NOT,
  KEYWORD_LIKE,
  KEYWORD_ILIKE,
  KEYWORD_RLIKE, /* RLIKE and REGEXP: known to MLflow, but not for these searches */
  KEYWORD_IN,
  KEYWORD_IS,
  KEYWORD_NULL,
  KEYWORD_BETWEEN
};

struct token
{
  enum token_kind kind;
  enum keyword keyword; /* of words */
  struct slice text; /* a part of the filter, quotes included; at the end, empty but not absent */
};

/* Take the next token off `rest`, and the white space before it. `rest` must be valid UTF-8. */
struct token lex_next (struct slice *rest);

/* Take white space off the front, by Unicode. */
struct slice lex_skip_space (struct slice rest);

/* What stands between the quotes of a string or symbol. */
struct slice lex_content (const struct token *token);

#endif
