/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the matcher takes for a byte of a path, in a BPF program on this machine: with 10 and with 10 000 rules, for paths that
 * are in the rules, that are beside them, and that are elsewhere. Beside it the same loop with nothing inside, which is
 * subtracted, and with a hash over the bytes. All in turn, round by round; the figure is the median. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "automaton.h"
#include "match-user.h"
#include "usr-paths.h"
#include "walk-job.h"
#include "walk.skel.h"

#define ROUNDS 51
#define SMALL_BYTES (sizeof(struct va_table) + 4UL * VA_TAB_SMALL)
#define BIG_BYTES (sizeof(struct va_table) + 4UL * VA_TAB_BIG)
#define FEW 10U
#define MANY 10000U

typedef enum Table { FEW_SMALL, FEW_BIG, MANY_BIG, MANY_WAITING_BIG, _TABLE_MAX } Table;
typedef enum Paths { PATHS_FEW, PATHS_RULES, PATHS_BESIDE, PATHS_ELSEWHERE, _PATHS_MAX } Paths;

static const char *const table_names[] = {"10 rules, small table", "10 rules, big table", "10 000 rules",
                                          "10 000 rules, some for every directory"};
static const char *const paths_names[] = {"in the 10 rules (which are among the 10 000)", "in the 10 000 rules", "beside them", "elsewhere"};

typedef struct Bench {
        struct walk_bpf *bpf;
        uint8_t *smalls, *bigs;
        struct walk_path *paths;
        uint32_t start[_TABLE_MAX];
        uint64_t n_bytes;
} Bench;

static int accept_any(uint32_t start, const uint32_t *owners, size_t n, AutomatonRecord *ret, void *userdata)
{
        *ret = (AutomatonRecord){.words = {owners[0] + 1}, .n_words = 1, .reach = true};
        return 0;
}

static void make_table(Bench *b, Table which, guint n, bool waiting)
{
        static const char *const everywhere[] = {"/**/.ssh/**", "/**/{containerd,docker,crio,podman}.sock"};
        g_autoptr(GPtrArray) texts = usr_paths(n);
        g_autoptr(GArray) patterns = g_array_new(FALSE, FALSE, sizeof(AutomatonPattern));
        g_autoptr(Diag) d = diag_new();
        SourcePos pos = {.file = "bench", .line = 1};
        AutomatonResult result = {};
        size_t size;

        for (guint i = 0; i < texts->len; i++) {
                char *old = texts->pdata[i];

                texts->pdata[i] = pattern_of(old);
                g_free(old);
        }
        for (guint i = 0; waiting && i < G_N_ELEMENTS(everywhere); i++)
                g_ptr_array_add(texts, g_strdup(everywhere[i]));
        for (guint i = 0; i < texts->len; i++) {
                AutomatonPattern p = {.text = texts->pdata[i], .owner = i, .owner_name = "rule", .pos = &pos};

                g_array_append_val(patterns, p);
        }
        if (automaton_build(&(AutomatonParams){.patterns = (const void *)patterns->data, .n_patterns = patterns->len,
                                               .n_starts = 1, .accept = accept_any}, &result, d) < 0) {
                fprintf(stderr, "%s\n", ((DiagMessage *)d->messages->pdata[0])->text);
                exit(1);
        }
        size = table_bytes(result.table->n_words);
        if (which == FEW_SMALL)
                memcpy(b->smalls, result.table, size);
        else
                memcpy(b->bigs + which * ((BIG_BYTES + 7) & ~7UL), result.table, size);
        b->start[which] = result.starts[0];
        printf("  %-40s %8u states %9.1f KiB\n", table_names[which], result.n_states, (double)size / 1024);
        g_free(result.table);
        g_free(result.starts);
}

/* Of the rules' paths every k-th is taken; what is beside them ends differently. */
static void put_paths(Bench *b, Paths which)
{
        g_autoptr(GPtrArray) rules = usr_paths(which == PATHS_FEW ? FEW : MANY);
        guint n = WALK_PATHS_MAX;

        b->n_bytes = 0;
        for (guint i = 0; i < n; i++) {
                const char *rule = rules->pdata[(guint64)i * rules->len / n];
                g_autofree char *s = which <= PATHS_RULES    ? g_strdup(rule)
                                     : which == PATHS_BESIDE ? g_strdup_printf("%.*sx", (int)strlen(rule) - 3, rule)
                                                             : g_strdup_printf("/srv/www%s", rule + 4);
                struct walk_path *p = &b->paths[i];

                p->len = MIN(strlen(s), VA_PATH_MAX - 1);
                memcpy(p->m.b, s, p->len);
                b->n_bytes += p->len;
        }
        b->bpf->bss->n_paths = n;
}

static double run_once(Bench *b, const struct bpf_program *prog, Table table)
{
        DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts);

        b->bpf->bss->table = table == FEW_SMALL ? 0 : table;
        b->bpf->bss->start = b->start[table];
        if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) != 0) {
                fprintf(stderr, "the program cannot be run: %s\n", strerror(errno));
                exit(1);
        }
        return (double)b->bpf->bss->took_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *v)
{
        qsort(v, ROUNDS, sizeof(*v), compare_doubles);
        return v[ROUNDS / 2];
}

static void measure(Bench *b, Paths which)
{
        double nothing[ROUNDS], hash[ROUNDS], walk[_TABLE_MAX][ROUNDS], base;

        put_paths(b, which);
        for (unsigned i = 0; i < ROUNDS; i++) {
                nothing[i] = run_once(b, b->bpf->progs.walk_nothing, FEW_SMALL);
                hash[i] = run_once(b, b->bpf->progs.walk_hash, FEW_SMALL);
                for (Table t = 0; t < _TABLE_MAX; t++)
                        walk[t][i] = run_once(b, t == FEW_SMALL ? b->bpf->progs.walk_small : b->bpf->progs.walk_big, t);
        }
        base = median(nothing);
        printf("  paths %s: %.1f bytes on average\n", paths_names[which], (double)b->n_bytes / b->bpf->bss->n_paths);
        printf("    %-40s %6.2f ns a path\n", "loop and look-up, subtracted below", base / b->bpf->bss->n_paths);
        printf("    %-40s %6.2f ns a byte\n", "hash", (median(hash) - base) / (double)b->n_bytes);
        for (Table t = 0; t < _TABLE_MAX; t++) {
                double net = median(walk[t]) - base;

                printf("    %-40s %6.2f ns a byte, %6.1f ns a path\n", table_names[t], net / (double)b->n_bytes,
                       net / b->bpf->bss->n_paths);
        }
}

static void *map_memory(const struct bpf_map *map, size_t size)
{
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

        if (p == MAP_FAILED) {
                fprintf(stderr, "a map cannot be mapped: %s\n", strerror(errno));
                exit(1);
        }
        return p;
}

int main(void)
{
        Bench b = {};
        int r = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SYSCALL, NULL);

        if (r <= 0) {
                printf("BPF programs cannot be loaded here: %s\n", strerror(r < 0 ? -r : EPERM));
                return 77;
        }
        libbpf_set_print(NULL);
        b.bpf = walk_bpf__open_and_load();
        if (!b.bpf) {
                fprintf(stderr, "the programs cannot be loaded: %s\n", strerror(errno));
                return 1;
        }
        b.smalls = map_memory(b.bpf->maps.smalls, WALK_TABLES_MAX * ((SMALL_BYTES + 7) & ~7UL));
        b.bigs = map_memory(b.bpf->maps.bigs, WALK_TABLES_MAX * ((BIG_BYTES + 7) & ~7UL));
        b.paths = map_memory(b.bpf->maps.paths, WALK_PATHS_MAX * sizeof(struct walk_path));
        printf("Matcher, medians of %u rounds in turn\n", ROUNDS);
        make_table(&b, FEW_SMALL, FEW, false);
        make_table(&b, FEW_BIG, FEW, false);
        make_table(&b, MANY_BIG, MANY, false);
        make_table(&b, MANY_WAITING_BIG, MANY, true);
        for (Paths p = 0; p < _PATHS_MAX; p++)
                measure(&b, p);
        walk_bpf__destroy(b.bpf);
        return 0;
}
