/* Points in time as text: milliseconds, or RFC 3339. */
#include "base/instant.h"

#include "base/number.h"

#define SECONDS_OF_DAY 86400

/* Take `digits` digits off the front. */
static bool
take_number (struct slice *rest, size_t digits, int64_t *number)
{
  *number = 0;
  if (rest->len < digits)
    return false;
  for (size_t i = 0; i < digits; i++)
  {
    if (rest->data[i] < '0' || rest->data[i] > '9')
      return false;
    *number = *number * 10 + (rest->data[i] - '0');
  }
  *rest = (struct slice){ rest->data + digits, rest->len - digits };
  return true;
}

/* Take one of some characters off the front. */
static bool
take_one (struct slice *rest, const char *of, char *found)
{
  if (0 == rest->len || '\0' == rest->data[0] || NULL == strchr (of, rest->data[0]))
    return false;
  *found = rest->data[0];
  *rest = (struct slice){ rest->data + 1, rest->len - 1 };
  return true;
}

static bool
is_leap (int64_t year)
{
  return 0 == year % 4 && (0 != year % 100 || 0 == year % 400);
}

static int64_t
days_of_month (int64_t year, int64_t month)
{
  static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

  return days[month - 1] + (2 == month && is_leap (year));
}

/* Days from 1970-01-01 to a date. */
static int64_t
days_to (int64_t year, int64_t month, int64_t day)
{
  int64_t before = year - 1;
  int64_t days =
      365 * (year - 1970) + (before / 4 - before / 100 + before / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);

  for (int64_t i = 1; i < month; i++)
    days += days_of_month (year, i);
  return days + day - 1;
}

static bool
take_date (struct slice *rest, int64_t *days)
{
  int64_t year;
  int64_t month;
  int64_t day;
  char c;

  if (! take_number (rest, 4, &year) || ! take_one (rest, "-", &c) || ! take_number (rest, 2, &month)
      || ! take_one (rest, "-", &c) || ! take_number (rest, 2, &day))
    return false;
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month (year, month))
    return false;
  *days = days_to (year, month, day);
  return true;
}

static bool
take_time (struct slice *rest, int64_t *ms)
{
  int64_t hour;
  int64_t minute;
  int64_t second;
  int64_t scale = 100;
  int64_t digit;
  char c;

  if (! take_number (rest, 2, &hour) || ! take_one (rest, ":", &c) || ! take_number (rest, 2, &minute)
      || ! take_one (rest, ":", &c) || ! take_number (rest, 2, &second) || hour > 23 || minute > 59 || second > 60)
    return false;
  *ms = ((hour * 60 + minute) * 60 + second) * 1000;
  if (! take_one (rest, ".", &c))
    return true;
  if (! take_number (rest, 1, &digit))
    return false;
  do
  {
    *ms += digit * scale;
    scale /= 10;
  } while (take_number (rest, 1, &digit));
  return true;
}

static bool
take_offset (struct slice *rest, int64_t *seconds)
{
  int64_t hour;
  int64_t minute;
  char sign;

  *seconds = 0;
  if (! take_one (rest, "Zz+-", &sign))
    return false;
  if ('Z' == sign || 'z' == sign)
    return true;
  if (! take_number (rest, 2, &hour) || ! take_one (rest, ":", &(char){ 0 }) || ! take_number (rest, 2, &minute)
      || hour > 23 || minute > 59)
    return false;
  *seconds = (hour * 60 + minute) * 60 * ('-' == sign ? -1 : 1);
  return true;
}

bool
instant_parse_rfc3339 (struct slice text, int64_t *ms)
{
  struct slice rest = text;
  int64_t days;
  int64_t in_day;
  int64_t offset;
  char c;

  if (! take_date (&rest, &days) || ! take_one (&rest, "Tt ", &c) || ! take_time (&rest, &in_day)
      || ! take_offset (&rest, &offset) || 0 != rest.len)
    return false;
  *ms = (days * SECONDS_OF_DAY - offset) * 1000 + in_day;
  return true;
}

bool
instant_parse (struct slice text, int64_t *ms)
{
  int64_t number;

  if (! number_parse_int64 (text, &number))
    return instant_parse_rfc3339 (text, ms);
  if (number < 0)
    return false;
  *ms = number;
  return true;
}
