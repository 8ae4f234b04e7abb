/* Marks what the shared library exports; everything else is hidden. */
#ifndef TALLY_EXPORT_H
#define TALLY_EXPORT_H

#ifdef __cplusplus
#define TALLY_BEGIN                                                                                                    \
  extern "C"                                                                                                           \
  {
#define TALLY_END }
#else
#define TALLY_BEGIN
#define TALLY_END
#endif

#define TALLY_API __attribute__ ((visibility ("default")))

#endif
