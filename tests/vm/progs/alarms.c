/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* alarms: finds varmor's alarms in the journal.
 *
 *   alarms [-s USEC] [-u UNIT]                   print them: ACTION POLICY RULE OPERATION OBJECT COUNT UNIT REQUESTED
 *                                                ENFORCER, tabs between
 *   alarms [-s USEC] [-u UNIT] -p POLICY [-a ACTION] [-w SECONDS] -f TABLE
 *
 * With a table of attempt's, looks for the alarm in the last column of each line ("RULE OPERATION OBJECT [REQUESTED]", each may
 * be '*'; "none OBJECT": there must be none), waits for it at most SECONDS, and prints pass|LABEL|... or fail|LABEL|...
 * Values are printed with \xHH for whatever is not printable. -s: since the real-time clock showed USEC. */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

enum { ACTION, POLICY, RULE, OPERATION, OBJECT, COUNT, UNIT, REQUESTED, ENFORCER, _FIELDS };

static const char *const field_names[_FIELDS] = {
        "VARMOR_ACTION", "VARMOR_POLICY", "VARMOR_RULE", "VARMOR_OPERATION", "VARMOR_OBJECT", "VARMOR_COUNT", "OBJECT_SYSTEMD_UNIT",
        "VARMOR_REQUESTED", "VARMOR_ENFORCER",
};

typedef struct Entry {
        char *field[_FIELDS]; /* escaped */
} Entry;

typedef struct Args {
        uint64_t since_usec;
        const char *unit, *policy, *action, *table;
        unsigned wait_sec;
} Args;

static char *escape(const uint8_t *p, size_t n) {
        char *s = calloc(4, n + 1), *to = s;

        for (; s && n > 0; p++, n--)
                if (isprint(*p) && *p != '\\' && *p != '|' && *p != ' ')
                        *to++ = (char) *p;
                else
                        to += sprintf(to, "\\x%02x", *p);
        return s;
}

static bool entry_read(sd_journal *j, Entry *ret) {
        for (int i = 0; i < _FIELDS; i++) {
                const void *data;
                size_t size, name = strlen(field_names[i]) + 1;
                ret->field[i] = sd_journal_get_data(j, field_names[i], &data, &size) < 0
                                        ? strdup("-")
                                        : escape((const uint8_t *) data + name, size - name);
        }
        return ret->field[ACTION][0] != '-';
}

/* Everything since args->since_usec, anew: entries arrive while we wait. Return: number, or negative errno. */
static int entries_load(const Args *args, Entry **ret) {
        sd_journal *j = NULL;
        int r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY), n = 0;

        if (r < 0)
                return r;
        (void) sd_journal_set_data_threshold(j, 0);
        r = sd_journal_seek_realtime_usec(j, args->since_usec);
        *ret = NULL;
        while (r >= 0 && sd_journal_next(j) > 0) {
                const void *data;
                size_t size;
                if (sd_journal_get_data(j, "VARMOR_ACTION", &data, &size) < 0)
                        continue;
                Entry e, *grown;
                if (!entry_read(j, &e) || (args->unit && strcmp(e.field[UNIT], args->unit) != 0))
                        continue;
                grown = reallocarray(*ret, (size_t) n + 1, sizeof(Entry));
                if (!grown)
                        break;
                *ret = grown;
                grown[n++] = e;
        }
        sd_journal_close(j);
        return r < 0 ? r : n;
}

static bool same(const char *wanted, const char *found) {
        return strcmp(wanted, "*") == 0 || strcmp(wanted, found) == 0;
}

/* The object of the table in the form of escape(). */
static char *normalise(const char *s) {
        char *bytes = strdup(s), *to = bytes;

        for (; *s; s++) {
                unsigned byte;
                if (*s != '\\' || !s[1])
                        *to++ = *s;
                else if (s[1] == 'x' && sscanf(s + 2, "%2x", &byte) == 1) {
                        *to++ = (char) byte;
                        s += 3;
                } else {
                        s++;
                        *to++ = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s;
                }
        }
        return escape((const uint8_t *) bytes, (size_t) (to - bytes));
}

static const Entry *entry_find(const Args *args, const Entry *e, int n, char *wanted[4]) {
        for (; n > 0; e++, n--)
                if (same(wanted[0], e->field[RULE]) && same(wanted[1], e->field[OPERATION]) && same(wanted[2], e->field[OBJECT]) &&
                    same(wanted[3], e->field[REQUESTED]) &&
                    (!args->policy || strcmp(args->policy, e->field[POLICY]) == 0) &&
                    (!args->action || strcmp(args->action, e->field[ACTION]) == 0))
                        return e;
        return NULL;
}

static char *cell_trim(char *s) {
        s += strspn(s, " \t\n");
        s[strcspn(s, "\n")] = 0;
        for (char *e = s + strlen(s); e > s && strchr(" \t", e[-1]); e--)
                e[-1] = 0;
        return s;
}

/* Return: 1 the line is as it should be (or wants nothing), 0 not (yet). With @say, prints the verdict. */
static int line_check(const Args *args, char *line, const Entry *entries, int n, bool say) {
        char *cell[6] = {NULL}, *wanted[4] = {NULL}, *save = NULL;

        for (int i = 0; i < 6 && line; i++)
                cell[i] = cell_trim(strsep(&line, "|"));
        if (!cell[5] || !*cell[5] || strcmp(cell[5], "-") == 0 || strcmp(cell[2], "-") == 0)
                return 1;
        for (int i = 0; i < 4; i++)
                wanted[i] = strtok_r(i ? NULL : cell[5], " \t", &save);
        bool none = wanted[0] && strcmp(wanted[0], "none") == 0;
        char any[] = "*";
        char *object = normalise((none ? wanted[1] : wanted[2]) ?: any);
        char *pattern[4] = {none ? any : wanted[0] ?: any, none ? any : wanted[1] ?: any, object, none ? any : wanted[3] ?: any};
        const Entry *found = entry_find(args, entries, n, pattern);
        int pass = none ? !found : !!found;
        if (say && pass)
                printf("pass|%s|%s\n", cell[0], none ? "no alarm, as it should be" : found->field[RULE]);
        else if (say)
                printf("fail|%s|%s alarm %s %s %.200s %s\n", cell[0], none ? "an" : "no", pattern[0], pattern[1], object, pattern[3]);
        free(object);
        return pass;
}

static int table_check(const Args *args, bool say) {
        Entry *entries;
        int n = entries_load(args, &entries), missing = 0;
        FILE *f = fopen(args->table, "re");
        char *line = NULL;
        size_t size = 0;

        if (n < 0 || !f) {
                fprintf(stderr, "alarms: %s\n", strerror(n < 0 ? -n : errno));
                return -EIO;
        }
        while (getline(&line, &size, f) >= 0)
                if (line[0] != '#' && strchr(line, '|'))
                        missing += !line_check(args, line, entries, n, say);
        free(line);
        fclose(f);
        return missing; /* the entries go with the process */
}

int main(int argc, char **argv) {
        Args args = {0};
        int opt;

        while ((opt = getopt(argc, argv, "s:u:p:a:w:f:")) >= 0)
                switch (opt) {
                case 's': args.since_usec = strtoull(optarg, NULL, 10); break;
                case 'u': args.unit = optarg; break;
                case 'p': args.policy = optarg; break;
                case 'a': args.action = optarg; break;
                case 'w': args.wait_sec = (unsigned) atoi(optarg); break;
                case 'f': args.table = optarg; break;
                default: return 2;
                }
        if (!args.table) {
                Entry *entries;
                int n = entries_load(&args, &entries);
                for (int i = 0; i < n; i++)
                        for (int k = 0; k < _FIELDS; k++)
                                printf("%s%c", entries[i].field[k], k + 1 < _FIELDS ? '\t' : '\n');
                return n < 0;
        }
        time_t end = time(NULL) + args.wait_sec;
        while (time(NULL) < end && table_check(&args, false) > 0)
                usleep(200000);
        return table_check(&args, true) != 0;
}
