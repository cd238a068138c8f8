/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Matcher: the program of matcher.bpf.c, with its maps in our memory. */

#include "matcher.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "matcher.skel.h"
#include "table.h"

#define TABLE_BYTES(words) (sizeof(struct va_table) + 4UL * (words))
#define JOBS_BYTES (sizeof(struct matcher_job) * MATCHER_JOBS_MAX)

_Static_assert(sizeof(struct matcher_job) % 8 == 0, "array maps round their values' sizes up to 8");

struct Matcher {
        struct matcher_bpf *bpf;
        struct va_table *table[2]; /* small, big */
        struct matcher_job *jobs;
};

/* libbpf says why on its own. */
static char last_words[65536];

static int keep_last_words(enum libbpf_print_level level, const char *format, va_list args)
{
        if (level == LIBBPF_WARN) {
                size_t n = strlen(last_words);

                (void)vsnprintf(last_words + n, sizeof(last_words) - n, format, args);
        }
        return 0;
}

static void *map_memory(struct bpf_map *map, size_t size)
{
        return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
}

void matcher_free(Matcher *m)
{
        const size_t sizes[] = {TABLE_BYTES(VA_TAB_SMALL), TABLE_BYTES(VA_TAB_BIG)};

        if (!m)
                return;
        for (unsigned i = 0; i < 2; i++)
                if (m->table[i] && m->table[i] != MAP_FAILED)
                        (void)munmap(m->table[i], sizes[i]);
        if (m->jobs && m->jobs != MAP_FAILED)
                (void)munmap(m->jobs, JOBS_BYTES);
        matcher_bpf__destroy(m->bpf);
        g_free(m);
}

Matcher *matcher_new(char **ret_why)
{
        g_autoptr(Matcher) m = g_new0(Matcher, 1);
        int r;

        *last_words = '\0';
        libbpf_set_print(keep_last_words);
        /* Loads a program of two instructions: not being allowed to is no fault of the matcher's, being rejected is. */
        r = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SYSCALL, NULL);
        if (r <= 0) {
                *ret_why = g_strdup_printf("BPF programs cannot be loaded here: %s", g_strerror(r < 0 ? -r : EPERM));
                return NULL;
        }
        m->bpf = matcher_bpf__open_and_load();
        if (!m->bpf)
                g_error("the matcher cannot be loaded: %s", last_words);
        m->table[0] = map_memory(m->bpf->maps.small, TABLE_BYTES(VA_TAB_SMALL));
        m->table[1] = map_memory(m->bpf->maps.big, TABLE_BYTES(VA_TAB_BIG));
        m->jobs = map_memory(m->bpf->maps.jobs, JOBS_BYTES);
        if (m->table[0] == MAP_FAILED || m->table[1] == MAP_FAILED || m->jobs == MAP_FAILED)
                g_error("the matcher's maps cannot be mapped: %s", g_strerror(errno));
        return g_steal_pointer(&m);
}

void matcher_put_table(Matcher *m, const struct va_table *t, bool big)
{
        g_assert_cmpuint(t->n_words, <=, big ? VA_TAB_BIG : VA_TAB_SMALL);
        memcpy(m->table[big], t, table_bytes(t->n_words));
}

struct matcher_job *matcher_job(Matcher *m, unsigned i)
{
        g_assert_cmpuint(i, <, MATCHER_JOBS_MAX);
        return &m->jobs[i];
}

void matcher_run(Matcher *m, unsigned n)
{
        DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts);

        m->bpf->bss->n_jobs = n;
        g_assert_cmpint(bpf_prog_test_run_opts(bpf_program__fd(m->bpf->progs.run_jobs), &opts), ==, 0);
        g_assert_cmpuint(opts.retval, ==, 0);
}
