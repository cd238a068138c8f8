/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* preload: code inside somebody else's program. Loaded by LD_PRELOAD, it reads the file that PRELOAD_READ names before the program
 * itself begins, prints "ok" or an error's name, and ends the process: so "read" runs with the program's identity. If
 * PRELOAD_AWAIT names a file, it waits for that to come to be, a minute at most. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void read_first(void) {
        const char *path = getenv("PRELOAD_READ"), *await = getenv("PRELOAD_AWAIT");
        char byte;

        if (!path)
                return;
        for (int i = 0; await && i < 600 && access(await, F_OK) < 0; i++)
                usleep(100000);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        int r = fd < 0 || read(fd, &byte, 1) < 0 ? errno : 0;
        puts(r ? strerrorname_np(r) : "ok");
        fflush(NULL);
        _exit(r != 0);
}
