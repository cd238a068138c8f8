/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Timestamp: what can be typed, and what it means. In UTC. */

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <time.h>

#include "../../dbus/varmorctl/timestamp.h"

#define S 1000000ULL
/* 2026-11-24 17:30:15 UTC */
#define NOW (1795541415ULL * S)
#define TODAY (1795478400ULL * S)

static void test_good(void)
{
        static const struct {
                const char *text;
                uint64_t usec;
        } all[] = {
                {"now", NOW},
                {"today", TODAY},
                {"yesterday", TODAY - 86400 * S},
                {"2026-11-24", TODAY},
                {"2026-11-24 17:30", NOW - 15 * S},
                {"2026-11-24T17:30:15", NOW},
                {"17:30:15", NOW},
                {"17:30", NOW - 15 * S},
                {"00:00", TODAY},
                {"2024-02-29", 1709164800ULL * S},
                {"@1700000000", 1700000000ULL * S},
                {"@0", 0},
                {"30min ago", NOW - 1800 * S},
                {"-30min", NOW - 1800 * S},
                {"-30 min", NOW - 1800 * S},
                {"2 weeks ago", NOW - 14 * 86400 * S},
                {"1h ago", NOW - 3600 * S},
                {"0s ago", NOW},
                {"-100000 weeks", 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
                uint64_t usec = 1;

                g_test_message("%s", all[i].text);
                g_assert_cmpint(timestamp_parse(all[i].text, NOW, &usec), ==, 0);
                g_assert_cmpuint(usec, ==, all[i].usec);
        }
}

static void test_bad(void)
{
        static const char *const all[] = {
                "",        "tomorrow", "now ",       "@",           "@-1",        "@99999999999999999999", "@12x",
                "-",       "--5min",   "- 5min",     "5min",        "5 ago",      "min ago",               "-5 fortnights",
                " ago",    "-+5min",   "2026-13-01", "2026-11-24 ", "2026-11",    "25:00",                 "17:60",
                "17:30:15:00", "99999999999999999999min ago", "30000000000000 weeks ago", "2026-02-30", "2025-02-29", "1969-12-31",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
                uint64_t usec = 42;

                g_test_message("'%s'", all[i]);
                g_assert_cmpint(timestamp_parse(all[i], NOW, &usec), ==, -EINVAL);
                g_assert_cmpuint(usec, ==, 42);
        }
}

int main(int argc, char *argv[])
{
        g_assert_cmpint(setenv("TZ", "UTC", 1), ==, 0);
        tzset();
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/timestamp/good", test_good);
        g_test_add_func("/timestamp/bad", test_bad);
        return g_test_run();
}
