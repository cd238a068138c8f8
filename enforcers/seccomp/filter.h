/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Filter: the file in which a compiled seccomp filter lies, written by varmord and loaded by varmor-exec. A header,
 * the instructions for the kernel, and bytes for varmord alone. A second, small filter may follow upon the instructions: it
 * denies in silence what the first denies and would report. Of two filters that do the same to a call the kernel asks the one
 * that was loaded last whether to report it (kernel/seccomp.c: seccomp_run_filters()). It is read on the machine that wrote it: native byte
 * order. Nothing here needs more than the C library, so that a static program can include it. */

#include <errno.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FILTER_MAGIC "vaseccmp"
#define FILTER_VERSION 2U
#define FILTER_INSNS_MAX 4096U /* include/uapi/linux/bpf_common.h: BPF_MAXINSNS */
#define FILTER_EXTRA_MAX (1024U * 1024U)

#define FILTER_FILES_DIR "/run/varmor/filters" /* DIGEST, 0644 */
#define FILTER_NAMES_DIR "/run/varmor/seccomp" /* BINDNAME -> ../filters/DIGEST */

enum {
        FILTER_LOG = 1 << 0,            /* load with SECCOMP_FILTER_FLAG_LOG */
        FILTER_BLOCKS_SECCOMP = 1 << 1, /* load last: under it, seccomp(2) or prctl(2) may fail */
        FILTER_FLAGS_ALL = (1 << 2) - 1,
};

typedef struct FilterHeader {
        char magic[8];
        uint32_t version;
        uint32_t flags;
        uint32_t n_insns;     /* 1 to FILTER_INSNS_MAX, with those of the second filter */
        uint32_t n_quiet;     /* how many of them, the last ones, are the second filter; fewer than all */
        uint32_t extra_bytes; /* after the instructions, not for the kernel */
        uint32_t unused;      /* 0 */
        uint64_t sum;         /* FNV-1a 64 of the header with a sum of 0, the instructions and the extra bytes */
} FilterHeader;

_Static_assert(sizeof(FilterHeader) == 40, "the file format");
_Static_assert(sizeof(struct sock_filter) == 8, "the file format");

#define FILTER_FILE_MAX (sizeof(FilterHeader) + FILTER_INSNS_MAX * sizeof(struct sock_filter) + FILTER_EXTRA_MAX)

static inline uint64_t filter_fnv(uint64_t h, const void *data, size_t size)
{
        const unsigned char *p = data;

        for (size_t i = 0; i < size; i++)
                h = (h ^ p[i]) * UINT64_C(1099511628211);
        return h;
}

/** filter_sum() - what header.sum has to be. @rest: instructions and extra bytes, @size of them. */
static inline uint64_t filter_sum(const FilterHeader *header, const void *rest, size_t size)
{
        FilterHeader h = *header;

        h.sum = 0;
        return filter_fnv(filter_fnv(UINT64_C(14695981039346656037), &h, sizeof(h)), rest, size);
}

/** filter_header_is_sane() - as far as that can be said without the rest. */
static inline int filter_header_is_sane(const FilterHeader *h)
{
        return memcmp(h->magic, FILTER_MAGIC, sizeof(h->magic)) == 0 && h->version == FILTER_VERSION &&
               !(h->flags & ~(uint32_t)FILTER_FLAGS_ALL) && h->n_insns > 0 && h->n_insns <= FILTER_INSNS_MAX &&
               h->n_quiet < h->n_insns && h->extra_bytes <= FILTER_EXTRA_MAX && h->unused == 0;
}

/** filter_n_loud() - the instructions of the first filter. */
static inline uint32_t filter_n_loud(const FilterHeader *h)
{
        return h->n_insns - h->n_quiet;
}

/** filter_check() - whether the @size bytes at @data are a whole and undamaged filter file.
 * Return: 0; -EBADMSG. Then *@ret_header is its header, the instructions follow at @data + sizeof(FilterHeader). */
static inline int filter_check(const void *data, size_t size, FilterHeader *ret_header)
{
        FilterHeader h;
        const char *rest;

        if (size < sizeof(h) || size > FILTER_FILE_MAX)
                return -EBADMSG;
        memcpy(&h, data, sizeof(h));
        rest = (const char *)data + sizeof(h);
        if (!filter_header_is_sane(&h) ||
            size != sizeof(h) + h.n_insns * sizeof(struct sock_filter) + h.extra_bytes ||
            h.sum != filter_sum(&h, rest, size - sizeof(h)))
                return -EBADMSG;

        *ret_header = h;
        return 0;
}
