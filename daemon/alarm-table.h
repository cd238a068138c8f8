/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Event -> Alarm: coalescing and limiting. Of alarms that are alike the first goes out at once, the others together as
 * one when the window ends. What several enforcers report of one call is one alarm that names them. Pure: the caller has the
 * clock. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "alarm.h"

/* Different alarms within one window; what comes beyond is counted as limited. Of these, and of the entries in a second, a
 * unit has two thirds at most, so that others find some, and a process some less, so that others of its unit do. */
#define ALARM_TABLE_MAX 1024U

/* For so long an alarm waits for others whom it awaits. */
#define ALARM_AWAIT_USEC G_USEC_PER_SEC

typedef struct AlarmTable AlarmTable;

AlarmTable *alarm_table_new(void (*emit)(const Alarm *a, void *userdata), void *userdata);
void alarm_table_free(AlarmTable *t);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AlarmTable, alarm_table_free)

/** alarm_table_configure() - @window_usec: 0 coalesces nothing. @rate: entries in a second; 0: unlimited. */
void alarm_table_configure(AlarmTable *t, uint64_t window_usec, uint32_t rate);

/** alarm_table_add() - @a is taken. @now_usec: any clock that does not go back. May emit. */
void alarm_table_add(AlarmTable *t, Alarm *a, uint64_t now_usec);
/** alarm_table_expire() - emit what is due. */
void alarm_table_expire(AlarmTable *t, uint64_t now_usec);
/** alarm_table_next() - when to call alarm_table_expire(); UINT64_MAX: not needed. */
uint64_t alarm_table_next(const AlarmTable *t);
/** alarm_table_flush() - emit all that waits, whatever the rate. */
void alarm_table_flush(AlarmTable *t);
/** alarm_table_limited() - events that were left out so far. */
uint64_t alarm_table_limited(const AlarmTable *t);
