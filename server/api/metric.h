/* Metrics: logging alone and in batches, and reading history. Source: docs/api/metric.md. */
#ifndef API_METRIC_H
#define API_METRIC_H

#include "api/call.h"

/* api/metric.c */
api_admit api_metric_log;
api_handle api_metric_log_slow;

/* api/batch.c */
api_admit api_batch_log;
api_handle api_batch_log_slow;

/* api/history.c */
api_handle api_metric_history;
api_handle api_metric_history_bulk;

/* api/history_interval.c */
api_handle api_metric_history_interval;

/* api/chart.c */
api_handle api_metric_chart;

#endif
