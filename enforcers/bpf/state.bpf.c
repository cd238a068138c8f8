// SPDX-License-Identifier: GPL-2.0-only

/* The maps that all programs share, each defined here and extern elsewhere, and the matcher. */

#define VA_MATCH_DEFINE
#include "state.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile bool va_traced = false;

struct va_state va_state SEC(".data.va_state") = {};

struct va_smalls_map va_smalls SEC(".maps");
struct va_bigs_map va_bigs SEC(".maps");
struct va_labels_map va_labels SEC(".maps");
struct va_tasks_map va_tasks SEC(".maps");
struct va_launchers_map va_launchers SEC(".maps");
struct va_names_map va_names SEC(".maps");
struct va_scratch_map va_scratches SEC(".maps");
struct va_events_map va_events SEC(".maps");
struct va_repeats_map va_repeats SEC(".maps");
struct va_addresses_map va_addresses SEC(".maps");
struct va_records_map va_records SEC(".maps");
struct va_seen_map va_seen SEC(".maps");
struct va_recordings_map va_recordings SEC(".maps");

/* Kept by the daemon for the next daemon; no program looks into them. */
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, VA_POLICIES_MAX);
        __type(key, __u32);
        __type(value, struct va_slot);
} va_slots SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct va_meta);
} va_meta SEC(".maps");
