/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Interpret: what the kernel would make of a system call under a filter, without the kernel. */

#include <glib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

/** filter_run() - SECCOMP_RET_* with its data. A program that the kernel would not load kills. */
uint32_t filter_run(const struct sock_filter *code, size_t n, const struct seccomp_data *data);

/** seccomp_ret_of() - what the filter in @blob (a filter file; empty: there is none) returns for a call.
 * Return: 0, -EBADMSG. */
int seccomp_ret_of(GBytes *blob, const struct seccomp_data *data, uint32_t *ret);
