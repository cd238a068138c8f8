/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* verified: for each BPF program of varmor that is loaded, how many instructions the verifier went through, how many the
 * program has, and bytes of machine code. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

int main(void) {
        unsigned long verified = 0, n = 0;
        __u32 id = 0;

        while (bpf_prog_get_next_id(id, &id) == 0) {
                struct bpf_prog_info info = {0};
                __u32 size = sizeof(info);
                int fd = bpf_prog_get_fd_by_id(id);

                if (fd < 0)
                        continue;
                if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && strncmp(info.name, "va_", 3) == 0) {
                        printf("%-16s %8u verified %6u instructions %7u bytes\n", info.name, info.verified_insns,
                               info.xlated_prog_len / 8, info.jited_prog_len);
                        verified += info.verified_insns;
                        n++;
                }
                close(fd);
        }
        printf("%lu programs, %lu instructions verified\n", n, verified);
        return n > 0 ? 0 : 1;
}
