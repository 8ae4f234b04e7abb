/* Points in time and durations to milliseconds. */
#include "search/time.h"

#define MS_PER_SECOND INT64_C (1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR (60 * MS_PER_MINUTE)
#define MS_PER_DAY (24 * MS_PER_HOUR)

/* The years that four digits name, in milliseconds; sums of two durations stay far from overflow. */
#define DURATION_MAX_MS (INT64_C (10000) * 366 * MS_PER_DAY)

/* Take exactly `digits` digits off the front. */
static bool
take_number (int64_t *out, struct slice *rest, size_t digits)
{
  *out = 0;
  if (rest->len < digits)
    return false;
  for (size_t i = 0; i < digits; i++)
  {
    char byte = rest->data[i];

    if (byte < '0' || byte > '9')
      return false;
    *out = *out * 10 + (byte - '0');
  }
  *rest = (struct slice){ rest->data + digits, rest->len - digits };
  return true;
}

static bool
take_byte (struct slice *rest, char byte)
{
  if (0 == rest->len || byte != rest->data[0])
    return false;
  *rest = (struct slice){ rest->data + 1, rest->len - 1 };
  return true;
}

static int64_t
days_of_month (int64_t year, int64_t month)
{
  static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  bool leap = 0 == year % 4 && (0 != year % 100 || 0 == year % 400);

  return days[month - 1] + (2 == month && leap);
}

/* Days since 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day is the last. */
static int64_t
days_since_epoch (int64_t year, int64_t month, int64_t day)
{
  int64_t from_march = month > 2 ? month - 3 : month + 9;
  int64_t y = month > 2 ? year : year - 1;

  /* 719468 days lie between 0000-03-01 and 1970-01-01. */
  return 365 * y + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + day - 1 - 719468;
}

/* ".250": at least one digit; those behind the third are cut off. */
static bool
take_fraction (int64_t *ms, struct slice *rest)
{
  int64_t unit = 100;
  int64_t digit;
  bool any = false;

  *ms = 0;
  while (rest->len > 0 && take_number (&digit, rest, 1))
  {
    *ms += digit * unit;
    unit /= 10;
    any = true;
  }
  return any;
}

/* "Z", "+02:00" or nothing. */
static bool
take_zone (int64_t *offset_ms, struct slice *rest)
{
  int64_t hours;
  int64_t minutes;
  bool west;

  *offset_ms = 0;
  if (0 == rest->len || take_byte (rest, 'Z'))
    return true;
  west = take_byte (rest, '-');
  if (! west && ! take_byte (rest, '+'))
    return false;
  if (! take_number (&hours, rest, 2) || ! take_byte (rest, ':') || ! take_number (&minutes, rest, 2) || hours > 23
      || minutes > 59)
    return false;
  *offset_ms = (west ? -1 : 1) * (hours * MS_PER_HOUR + minutes * MS_PER_MINUTE);
  return true;
}

bool
search_time_parse (int64_t *ms, struct slice text)
{
  struct slice rest = text;
  int64_t year;
  int64_t month;
  int64_t day;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t fraction = 0;
  int64_t offset = 0;

  if (! take_number (&year, &rest, 4) || ! take_byte (&rest, '-') || ! take_number (&month, &rest, 2)
      || ! take_byte (&rest, '-') || ! take_number (&day, &rest, 2))
    return false;
  if (0 == year || month < 1 || month > 12 || day < 1 || day > days_of_month (year, month))
    return false;
  if (rest.len > 0)
  {
    if (! take_byte (&rest, ' ') && ! take_byte (&rest, 'T'))
      return false;
    if (! take_number (&hour, &rest, 2) || ! take_byte (&rest, ':') || ! take_number (&minute, &rest, 2))
      return false;
    if (take_byte (&rest, ':') && ! take_number (&second, &rest, 2))
      return false;
    if (take_byte (&rest, '.') && ! take_fraction (&fraction, &rest))
      return false;
    if (! take_zone (&offset, &rest) || rest.len > 0)
      return false;
  }
  if (hour > 23 || minute > 59 || second > 59)
    return false;
  *ms = days_since_epoch (year, month, day) * MS_PER_DAY + hour * MS_PER_HOUR + minute * MS_PER_MINUTE
        + second * MS_PER_SECOND + fraction - offset;
  return true;
}

static bool
take_unit (int64_t *ms, struct slice *rest)
{
  static const struct
  {
    char name;
    int64_t ms;
  } units[] = {
    { 's', MS_PER_SECOND }, { 'm', MS_PER_MINUTE }, { 'h', MS_PER_HOUR }, { 'd', MS_PER_DAY }, { 'w', 7 * MS_PER_DAY }
  };

  if (rest->len >= 2 && 0 == memcmp (rest->data, "ms", 2))
  {
    *ms = 1;
    *rest = (struct slice){ rest->data + 2, rest->len - 2 };
    return true;
  }
  for (size_t i = 0; i < sizeof (units) / sizeof (units[0]); i++)
    if (take_byte (rest, units[i].name))
    {
      *ms = units[i].ms;
      return true;
    }
  return false;
}

bool
search_duration_parse (int64_t *ms, struct slice text)
{
  struct slice rest = text;

  *ms = 0;
  while (rest.len > 0)
  {
    int64_t number = 0;
    int64_t unit;
    int64_t digit;
    bool any = false;

    while (take_number (&digit, &rest, 1))
    {
      number = number * 10 + digit;
      any = true;
      if (number > DURATION_MAX_MS)
        return false;
    }
    if (! any || ! take_unit (&unit, &rest) || number > DURATION_MAX_MS / unit)
      return false;
    *ms += number * unit;
    if (*ms > DURATION_MAX_MS)
      return false;
  }
  return text.len > 0;
}
