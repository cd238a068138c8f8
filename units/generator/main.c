/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmor-generator: systemd runs it at boot and whenever it reads its units anew; see systemd.generator(7). It has services
 * start under the policies that varmord has in force. A boot never fails for it: whatever goes wrong is a line on standard
 * error, which goes to the journal, and no drop-in. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bpf/table.h"
#include "generate.h"
#include "util.h"

/* Other generators make units, too, at the same time; what they are not done with by then is not seen. */
#define WAIT_STEPS 300
#define WAIT_STEP_NSEC 10000000L

static int read_bindings(GBytes **ret)
{
        autofd int fd = open(BINDINGS_FILE, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
        g_autofree char *data = NULL;
        size_t size = 0;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & 0022 || st.st_size > (off_t)BINDINGS_BYTES_MAX)
                return -EBADMSG;
        data = g_malloc((gsize)st.st_size + 1);
        while (size < (size_t)st.st_size) {
                ssize_t n = read(fd, data + size, (size_t)st.st_size - size);

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EBADMSG;
                size += (size_t)n;
        }
        *ret = g_bytes_new_take(g_steal_pointer(&data), size);
        return 0;
}

static int load_bindings(Bindings **ret)
{
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(Bindings) b = NULL;
        gsize size = 0;
        int r;

        r = read_bindings(&bytes);
        if (r < 0)
                return r;
        r = bindings_from_bytes(bytes, &b);
        if (r < 0)
                return r;
        if (b->targets)
                (void)g_bytes_get_data(b->targets, &size);
        if (size > 0) {
                r = table_validate(g_bytes_get_data(b->targets, NULL), size, TABLE_TARGETS);
                if (r < 0)
                        return r;
        }
        *ret = g_steal_pointer(&b);
        return 0;
}

static void wait_for_others(void)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/children", (int)getppid(), (int)getppid());
        const struct timespec step = {.tv_nsec = WAIT_STEP_NSEC};

        for (int i = 0; i < WAIT_STEPS; i++) {
                g_autofree char *text = NULL;

                if (!g_file_get_contents(path, &text, NULL, NULL))
                        return;
                g_strchomp(text);
                if (!strchr(text, ' '))
                        return;
                (void)nanosleep(&step, NULL);
        }
        fputs("varmor-generator: another generator takes long; units that it makes may not be seen\n", stderr);
}

static int write_report(const char *text)
{
        static const char new_file[] = BOUND_FILE ".new";
        autofd int fd = open(new_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        size_t size = strlen(text);

        if (fd < 0)
                return -errno;
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        text += n;
                        size -= (size_t)n;
                }
        }
        return rename(new_file, BOUND_FILE) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
        g_autoptr(Bindings) bindings = NULL;
        g_autofree char *report = NULL;
        int r;

        if (argc != 2 && argc != 4) {
                fputs("varmor-generator: systemd runs it, see varmor-generator(8)\n", stderr);
                return 0;
        }
        (void)umask(0022);
        r = load_bindings(&bindings);
        if (r == -ENOENT) {
                (void)unlink(BOUND_FILE);
                return 0; /* nothing is bound */
        }
        if (r < 0) {
                fprintf(stderr, "varmor-generator: cannot read %s, no service is bound: %s\n", BINDINGS_FILE, strerror(-r));
                return 0;
        }
        wait_for_others();
        report = generate(&(GenerateParams){.root = "", .dir = argv[1], .bindings = bindings});
        r = write_report(report);
        if (r < 0)
                fprintf(stderr, "varmor-generator: cannot write %s: %s\n", BOUND_FILE, strerror(-r));
        return 0;
}
