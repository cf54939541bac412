/*
 * Days and periods in words, with Japanese eras from data/eras.tsv.
 */
#pragma once

#include "publish/publish.h"

/* 2026年(令和8年)10月14日(水); 14 October 2026. */
void publish_day(struct buf *b, const struct publish_style *style, int32_t day);

/* 10/14; 14 Oct. */
void publish_day_short(struct buf *b, const struct publish_style *style, int32_t day);

/* The period's name: 令和8年10月期; October 2026. */
void publish_period(struct buf *b, const struct publish_style *style, struct report_period period);

/* First to last day: 2026年10月1日〜10月31日; 1–31 October 2026. */
void publish_range(struct buf *b, const struct publish_style *style, struct report_period period);

/* The moment in a time zone: 2026年11月1日 09:00; 1 November 2026, 09:00. */
void publish_moment(struct buf *b, const struct publish_style *style, int64_t time_us,
    const char *timezone);
