/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Settings: varmor.yaml and its fragments. */

#include <glib.h>
#include <stdint.h>

#include "diag.h"

typedef struct Settings {
        char **launchers;         /* absolute paths of programs that set workloads up (container runtimes) */
        char **essential;         /* unit names or globs that only target.force may cover */
        uint64_t alarm_window_usec; /* identical alarms within it are one entry */
        uint32_t alarm_rate;      /* entries a second, all policies together; 0: unlimited */
        char **kube_apiserver;    /* addresses: ip:port */
        char **ingress_nginx_admission;
} Settings;

Settings *settings_new_default(void);
void settings_free(Settings *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Settings, settings_free)
