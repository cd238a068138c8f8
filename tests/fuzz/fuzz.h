/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Fuzz: one program for each parser. Each defines LLVMFuzzerTestOneInput(), which states what must hold for any bytes, and
 * fuzz_generate(), which makes the inputs that are too big to be kept as files. driver.c replays a corpus and these; with
 * -Dfuzz=true libFuzzer takes its place and searches for more. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void (*FuzzEmit)(const char *name, const void *data, size_t size, void *userdata);
void fuzz_generate(FuzzEmit emit, void *userdata);

/** FUZZ_CHECK() - what must hold for every input, also with NDEBUG. */
#define FUZZ_CHECK(condition)                                                                                           \
        do {                                                                                                            \
                if (!(condition))                                                                                       \
                        g_error("%s:%i: not so: %s", __FILE__, __LINE__, #condition);                                   \
        } while (0)

/** fuzz_check_diag() - @r is what a parser returned, and @d all that it said: an error has a message, each message has a code,
 * a place and a printable text, and without an error there is none. */
void fuzz_check_diag(int r, const Diag *d);

/** fuzz_emit_string() - emit @s, which is consumed. */
void fuzz_emit_string(const char *name, GString *s, FuzzEmit emit, void *userdata);

/* ---- root.c ---- */

/** fuzz_root() - a directory with a small catalogue and a list of essential units below usr/lib/varmor, removed at exit. */
const char *fuzz_root(void);
/** fuzz_root_write() - the file @path below fuzz_root(); directories are made. */
void fuzz_root_write(const char *path, const void *data, size_t size);

/* ---- hostile.c ---- */

/** hostile_yaml() - YAML that wants to hurt: deep, huge, endless, self-referring. */
void hostile_yaml(FuzzEmit emit, void *userdata);
