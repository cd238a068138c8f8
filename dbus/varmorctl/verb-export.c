/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* export: a policy in the language of others. Done by `varmord --export`, which becomes this process: the rules as the policy
 * means them exist only where the files are read. */

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "varmorctl.h"

int verb_export(const Options *o, char **args)
{
        const char *varmord = secure_getenv("VARMORD") ?: VARMORD_PATH;
        g_autofree char *format = NULL, *base = NULL;
        const char *argv[6];
        size_t n = 0;

        if (!o->format) {
                fprintf(stderr, "varmorctl: export takes --format=oci-seccomp, --format=apparmor or --format=systemd\n");
                return EXIT_USAGE;
        }
        format = g_strconcat("--export=", o->format, NULL);
        argv[n++] = varmord;
        argv[n++] = format;
        if (o->base) {
                base = g_strconcat("--base", o->base_file ? "=" : "", o->base_file, NULL);
                argv[n++] = base;
        }
        argv[n++] = "--";
        argv[n++] = args[0];
        argv[n] = NULL;
        (void)execv(varmord, (char *const *)argv);
        fprintf(stderr, "varmorctl: cannot execute %s: %s\n", varmord, g_strerror(errno));
        return EXIT_FAILED;
}
