/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* churn: while one process has two directories change places, as fast as it can, another one in CGROUP opens a file.
 *
 *   churn SECONDS CGROUP DIR-A DIR-B FILE
 *
 * Prints how often each happened, and how many opens were refused. */

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int enter(const char *cgroup) {
        char path[4096];

        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cgroup.procs", cgroup);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -1;
        int r = write(fd, "0", 1) == 1 ? 0 : -1;
        close(fd);
        return r;
}

static void exchange(const char *a, const char *b) {
        while (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
                ;
        perror("churn: exchange");
        _exit(2);
}

int main(int argc, char **argv) {
        unsigned long opened = 0, refused = 0;

        if (argc != 6)
                return 2;
        time_t end = time(NULL) + atoi(argv[1]);
        pid_t pid = fork();
        if (pid == 0)
                exchange(argv[3], argv[4]);
        if (pid < 0 || enter(argv[2]) < 0) {
                perror("churn");
                return 2;
        }
        while (time(NULL) < end)
                for (int i = 0; i < 64; i++) {
                        int fd = open(argv[5], O_RDONLY | O_CLOEXEC);

                        if (fd >= 0) {
                                opened++;
                                close(fd);
                        } else
                                refused++;
                }
        /* Had it ended by itself, nothing would have been shown. */
        int status = 0;
        if (waitpid(pid, &status, WNOHANG) != 0 || kill(pid, SIGKILL) < 0)
                return 2;
        waitpid(pid, &status, 0);
        printf("opened=%s refused=%lu\n", opened > 1000 ? "many" : "few", refused);
        return 0;
}
