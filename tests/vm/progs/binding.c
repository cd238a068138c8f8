/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* binding: what varmord leaves for the generator and for varmor-exec, made by hand.
 *
 *      binding filter NAME [log] [last] [quiet] [kill] [NUMBER...]   a filter file that answers these system calls with EPERM;
 *              quiet: it has a second filter, which does nothing; kill: whoever calls one of those that follow is killed
 *      binding targets [POLICY[:open]=ENFORCERS=PATTERN[,PATTERN...] | UNIT]...
 *
 * PATTERN is one over cgroup paths, as the compiler of targets takes it; one that begins with "!" is an exception. */

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bindings.h"
#include "bpf/targets.h"
#include "seccomp/filter.h"

static int write_whole(const char *path, const void *data, size_t size)
{
        FILE *f = fopen(path, "we");

        if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
                perror(path);
                return 1;
        }
        return 0;
}

static int make_filter(char **args)
{
        static struct {
                FilterHeader header;
                struct sock_filter insns[FILTER_INSNS_MAX];
        } f;
        g_autofree char *file = g_strconcat(FILTER_FILES_DIR "/", *args, NULL), *link = g_strconcat(FILTER_NAMES_DIR "/", *args, NULL);
        g_autofree char *to = g_strconcat("../filters/", *args, NULL);
        uint32_t n = 0, result = SECCOMP_RET_ERRNO | EPERM;

        memcpy(f.header.magic, FILTER_MAGIC, sizeof(f.header.magic));
        f.header.version = FILTER_VERSION;
        f.insns[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
        for (args++; *args; args++)
                if (strcmp(*args, "log") == 0)
                        f.header.flags |= FILTER_LOG;
                else if (strcmp(*args, "last") == 0)
                        f.header.flags |= FILTER_BLOCKS_SECCOMP;
                else if (strcmp(*args, "quiet") == 0)
                        f.header.n_quiet = 1;
                else if (strcmp(*args, "kill") == 0)
                        result = SECCOMP_RET_KILL_PROCESS;
                else if (n < FILTER_INSNS_MAX - 4) {
                        f.insns[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(*args), 0, 1);
                        f.insns[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, result);
                }
        for (uint32_t i = 0; i <= f.header.n_quiet; i++)
                f.insns[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        f.header.n_insns = n;
        f.header.sum = filter_sum(&f.header, f.insns, n * sizeof(f.insns[0]));
        (void)g_mkdir_with_parents(FILTER_FILES_DIR, 0755);
        (void)g_mkdir_with_parents(FILTER_NAMES_DIR, 0755);
        (void)unlink(link);
        if (symlink(to, link) < 0) {
                perror(link);
                return 1;
        }
        return write_whole(file, &f, sizeof(f.header) + n * sizeof(f.insns[0]));
}

/* "POLICY[:open]=ENFORCERS=PATTERN,..." */
static void add_policy(Bindings *b, GArray *entries, const char *text)
{
        g_auto(GStrv) parts = g_strsplit(text, "=", 3), patterns = g_strsplit(parts[2], ",", -1);
        g_autoptr(GPtrArray) in = g_ptr_array_new(), out = g_ptr_array_new();
        bool open = g_str_has_suffix(parts[0], ":open");
        TargetsEntry e = {.policy = (uint16_t)b->policies->len};

        if (open)
                *strrchr(parts[0], ':') = '\0';
        for (char **p = patterns; *p; p++)
                g_ptr_array_add(**p == '!' ? out : in, g_strdup(**p == '!' ? *p + 1 : *p));
        g_ptr_array_add(in, NULL);
        g_ptr_array_add(out, NULL);
        bindings_add(b, parts[0], (uint32_t)enforcer_mask_from_string(parts[1]))->fail_open = open;
        e.patterns = (char **)g_ptr_array_free(g_steal_pointer(&in), FALSE);
        e.except = (char **)g_ptr_array_free(g_steal_pointer(&out), FALSE);
        g_array_append_val(entries, e);
}

static int make_bindings(char **args)
{
        g_autoptr(Bindings) b = bindings_new();
        g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(TargetsEntry));
        g_autoptr(GPtrArray) units = g_ptr_array_new();
        g_autoptr(Diag) d = diag_new();
        g_autoptr(GBytes) bytes = NULL;
        gsize size;

        for (; *args; args++)
                if (strchr(*args, '='))
                        add_policy(b, entries, *args);
                else
                        g_ptr_array_add(units, g_strdup(*args));
        g_ptr_array_add(units, NULL);
        b->units = (char **)g_ptr_array_free(g_steal_pointer(&units), FALSE);
        if (targets_compile((const TargetsEntry *)entries->data, entries->len, &b->targets, d) < 0) {
                for (guint i = 0; i < d->messages->len; i++)
                        fprintf(stderr, "binding: %s\n", ((DiagMessage *)d->messages->pdata[i])->text);
                return 1;
        }
        bytes = bindings_to_bytes(b);
        (void)umask(0022);
        return write_whole(BINDINGS_FILE, g_bytes_get_data(bytes, &size), g_bytes_get_size(bytes));
}

int main(int argc, char **argv)
{
        if (argc >= 3 && strcmp(argv[1], "filter") == 0)
                return make_filter(argv + 2);
        if (argc >= 2 && strcmp(argv[1], "targets") == 0)
                return make_bindings(argv + 2);
        return 2;
}
