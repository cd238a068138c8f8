/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hook: another user of the BPF LSM.
 *
 *   hook [-n COUNT] [-u UID] HOOK
 *
 * Attaches COUNT (1) programs to the LSM hook, which refuse what the user UID does (nobody) and know nothing of varmor, prints
 * "attached", and stays until it is killed. A hook has places for 38 programs. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

/* What libbpf has no macros for in its public headers. */
#define INSN(c, d, s, o, i) ((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

static int load(int btf_id, int uid) {
        const struct bpf_insn program[] = {
                INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_current_uid_gid),
                INSN(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_0, 0, 0),
                INSN(BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_1, 0, 2, uid),
                INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
                INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
                INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, -1), /* -EPERM */
                INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        };
        LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_LSM_MAC, .attach_btf_id = btf_id);

        return bpf_prog_load(BPF_PROG_TYPE_LSM, "other", "GPL", program, sizeof(program) / sizeof(program[0]), &opts);
}

int main(int argc, char *argv[]) {
        int c, count = 1, uid = -1, btf_id;

        while ((c = getopt(argc, argv, "n:u:")) >= 0) {
                if (c == 'n')
                        count = atoi(optarg);
                else if (c == 'u')
                        uid = atoi(optarg);
                else
                        return 2;
        }
        if (optind + 1 != argc)
                return 2;
        btf_id = libbpf_find_vmlinux_btf_id(argv[optind], BPF_LSM_MAC);
        for (int i = 0; i < count; i++) {
                int r = btf_id < 0 ? btf_id : load(btf_id, uid);

                if (r >= 0)
                        r = bpf_raw_tracepoint_open(NULL, r);
                if (r < 0) {
                        fprintf(stderr, "hook: %s, program %d: %s\n", argv[optind], i, strerror(-r));
                        return 1;
                }
        }
        puts("attached");
        (void)fflush(stdout);
        for (;;)
                (void)pause();
}
