/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Settings: varmor.yaml and its fragments, and what is found out instead. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "confdir.h"
#include "diag.h"

#define SETTINGS_LAUNCHERS_MAX 48U
#define SETTINGS_ADDRESSES_MAX 64U

typedef struct Settings {
        char **launchers;         /* absolute paths of programs that set workloads up (container runtimes) */
        char **essential;         /* unit names or globs that only target.force may cover: the shipped list, then the file's */
        bool essential_missing;   /* the shipped list was not there: no policy may be put in force */
        uint64_t alarm_window_usec; /* identical alarms within it are one entry */
        uint32_t alarm_rate;      /* entries a second, all policies together; 0: unlimited */
        char **kube_apiserver;    /* addresses: ip:port, [ip6]:port */
        char **ingress_nginx_admission;

        /* Not written, but found on the host: facts.h. */
        bool kube_apiserver_found; /* the addresses are those of the node's kubeconfig */
        char *kube_apiserver_why;  /* not NULL: why what stands there is no address */
        char **disks;              /* see facts_disks(); NULL: nobody has looked */
} Settings;

/** settings_new_default() - what holds without any file: the default launchers, no essential units (those are data, see
 * settings_load()), 10 s window, 100 entries a second. */
Settings *settings_new_default(void);
Settings *settings_dup(const Settings *s);
void settings_free(Settings *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_free)

/** settings_load() - varmor.yaml with its fragments, and essential.yaml (the list of essential units that is shipped; the
 * setting `essential` adds to it).
 * @ret: always set; on error, what could be read laid over the defaults.
 * Return: 0, -EBADMSG. */
int settings_load(const ConfRoots *roots, Settings **ret, Diag *d);

/** settings_parse_address() - "192.0.2.1:443", "[2001:db8::1]:443", or without a port (then 0). IPv6 only in brackets.
 * @family: AF_INET or AF_INET6. Return: 0, -EINVAL. */
int settings_parse_address(const char *s, uint8_t *ret_family, uint8_t ret_bytes[static 16], uint16_t *ret_port);
