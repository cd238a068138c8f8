/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* File: small files that root alone writes, as a whole. */

#include <glib.h>
#include <sys/types.h>

/** file_read() - Return: 0; -EBADMSG: it is no regular file of ours, larger than @size_max, or was cut off meanwhile; another negative
 * errno. */
int file_read(const char *path, gsize size_max, GBytes **ret);

/** file_replace() - as a whole or not at all, by way of "@path.new". Return: 0, a negative errno. */
int file_replace(const char *path, GBytes *bytes, mode_t mode);
