/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Timestamp: see timestamp.h. Pure but for the time zone. */

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <time.h>

#include "timestamp.h"

#define USEC_PER_SEC 1000000ULL

static const struct {
        const char *name;
        uint64_t seconds;
} units[] = {
        {"s", 1},       {"sec", 1},      {"second", 1}, {"seconds", 1},   {"m", 60},         {"min", 60},
        {"minute", 60}, {"minutes", 60}, {"h", 3600},   {"hour", 3600},   {"hours", 3600},   {"d", 86400},
        {"day", 86400}, {"days", 86400}, {"w", 604800}, {"week", 604800}, {"weeks", 604800},
};

static int parse_span(const char *text, uint64_t *ret_usec)
{
        char *end;

        if (!g_ascii_isdigit(*text))
                return -EINVAL;
        uint64_t n = g_ascii_strtoull(text, &end, 10);
        while (*end == ' ')
                end++;
        for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
                if (strcmp(end, units[i].name) == 0) {
                        if (n > G_MAXUINT64 / USEC_PER_SEC / units[i].seconds)
                                return -EINVAL;
                        *ret_usec = n * units[i].seconds * USEC_PER_SEC;
                        return 0;
                }
        return -EINVAL;
}

static int parse_ago(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
        g_autofree char *span = NULL;
        uint64_t back;

        if (*text == '-')
                span = g_strdup(text + 1);
        else if (g_str_has_suffix(text, " ago"))
                span = g_strndup(text, strlen(text) - 4);
        else
                return -EINVAL;

        int r = parse_span(span, &back);
        if (r < 0)
                return r;
        *ret_usec = back > now_usec ? 0 : now_usec - back;
        return 0;
}

static int from_tm(struct tm *tm, uint64_t *ret_usec)
{
        tm->tm_isdst = -1;
        time_t t = mktime(tm);
        if (t < 0)
                return -EINVAL;
        *ret_usec = (uint64_t)t * USEC_PER_SEC;
        return 0;
}

static int parse_absolute(const char *text, struct tm today, uint64_t *ret_usec)
{
        static const char *const formats[] = {
                "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
                "%Y-%m-%d",          "%H:%M:%S",          "%H:%M"};

        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
                struct tm tm = today;
                const char *end = strptime(text, formats[i], &tm);
                if (!end || *end != '\0')
                        continue;
                struct tm given = tm;
                uint64_t usec;
                int r = from_tm(&tm, &usec);
                if (r < 0)
                        return r;
                if (tm.tm_mday != given.tm_mday || tm.tm_mon != given.tm_mon)
                        return -EINVAL; /* February 30: mktime() makes March 2 of it */
                *ret_usec = usec;
                return 0;
        }
        return -EINVAL;
}

int timestamp_parse(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
        time_t now = (time_t)(now_usec / USEC_PER_SEC);
        struct tm today;
        char *end;

        localtime_r(&now, &today);
        today.tm_hour = today.tm_min = today.tm_sec = 0;

        if (strcmp(text, "now") == 0) {
                *ret_usec = now_usec;
                return 0;
        }
        if (strcmp(text, "yesterday") == 0)
                today.tm_mday--;
        if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0)
                return from_tm(&today, ret_usec);
        if (*text == '@' && g_ascii_isdigit(text[1])) {
                uint64_t seconds = g_ascii_strtoull(text + 1, &end, 10);
                if (*end != '\0' || seconds > G_MAXUINT64 / USEC_PER_SEC)
                        return -EINVAL;
                *ret_usec = seconds * USEC_PER_SEC;
                return 0;
        }
        if (parse_ago(text, now_usec, ret_usec) == 0)
                return 0;
        return parse_absolute(text, today, ret_usec);
}
