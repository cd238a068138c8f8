/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The structs of match.bpf.h, which only a BPF compiler understands, for programs that run the matcher natively. */

#include "abi.h"

#define VA_MATCH_BUF 8192U
#define VA_MATCH_SLACK 256U
struct va_match_buf {
        __u8 b[VA_MATCH_BUF + VA_MATCH_SLACK];
        __u64 pos;
        __u64 end;
        __u64 state;
        __u64 tail;
};

struct va_match_result {
        __u32 state;
        __u32 tail;
        __u32 accept_word;
};
