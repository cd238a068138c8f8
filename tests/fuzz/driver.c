/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Driver: "fuzz-NAME PATH...": replay each file, all files in each directory, and what the fuzzer generates itself. Each input
 * is one test, bounded in time and memory. "fuzz-NAME --write DIR" writes the generated ones, to begin a search from. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "fuzz.h"

/* For one input; sanitizers cost a factor of three to ten. The loader's child may use 100 s and 1.5 GiB for all files. */
#define INPUT_CPU_USEC (20U * G_USEC_PER_SEC)
#define PROCESS_KIB (1536L * 1024)

typedef struct Replay {
        unsigned n, n_failed;
        const char *write_to;
} Replay;

static uint64_t cpu_usec(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * G_USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

/* The highest so far. */
static long memory_kib(void)
{
        struct rusage u;

        (void)getrusage(RUSAGE_SELF, &u);
        return u.ru_maxrss;
}

static void replay(const char *name, const void *data, size_t size, void *userdata)
{
        Replay *r = userdata;
        /* Exactly as long as it is, so that a byte too many is noticed. */
        g_autofree uint8_t *copy = g_malloc(MAX(size, 1));
        uint64_t usec = cpu_usec();
        const char *why = "";

        printf("# %s, %zu bytes\n", name, size);
        (void)fflush(stdout);
        if (size > 0)
                memcpy(copy, data, size);
        (void)LLVMFuzzerTestOneInput(copy, size);
        usec = cpu_usec() - usec;
        if (usec > INPUT_CPU_USEC)
                why = " - took too long";
        else if (memory_kib() > PROCESS_KIB)
                why = " - took too much memory";
        r->n_failed += *why != '\0';
        printf("%s %u %s%s\n# %" G_GUINT64_FORMAT " ms, at most %li MiB\n", *why ? "not ok" : "ok", ++r->n, name, why, usec / 1000,
               memory_kib() / 1024);
}

static void write_out(const char *name, const void *data, size_t size, void *userdata)
{
        const Replay *r = userdata;
        g_autofree char *path = g_build_filename(r->write_to, name, NULL);

        if (!g_file_set_contents(path, data, (gssize)size, NULL)) {
                fprintf(stderr, "%s cannot be written\n", path);
                exit(EXIT_FAILURE);
        }
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static void replay_path(Replay *r, const char *path)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        g_autofree char *text = NULL;
        const char *name;
        gsize size;

        if (!dir) {
                if (!g_file_get_contents(path, &text, &size, NULL)) {
                        printf("Bail out! %s cannot be read\n", path);
                        exit(EXIT_FAILURE);
                }
                replay(path, text, size, r);
                return;
        }
        while ((name = g_dir_read_name(dir)))
                g_ptr_array_add(names, g_build_filename(path, name, NULL));
        g_ptr_array_sort(names, compare_names);
        for (guint i = 0; i < names->len; i++)
                replay_path(r, names->pdata[i]);
}

int main(int argc, char *argv[])
{
        Replay r = {0};

        if (argc == 3 && strcmp(argv[1], "--write") == 0) {
                r.write_to = argv[2];
                fuzz_generate(write_out, &r);
                return EXIT_SUCCESS;
        }
        for (int i = 1; i < argc; i++)
                replay_path(&r, argv[i]);
        replay("nothing", "", 0, &r);
        fuzz_generate(replay, &r);
        printf("1..%u\n", r.n);
        return r.n_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
