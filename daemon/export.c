/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy -> text for others: which format, and OCI's JSON. See export.h. */

#include "export.h"

#include <errno.h>
#include <string.h>

static const char *const format_names[_EXPORT_FORMAT_MAX] = {
        [EXPORT_OCI_SECCOMP] = "oci-seccomp",
        [EXPORT_APPARMOR] = "apparmor",
        [EXPORT_SYSTEMD] = "systemd",
};

const char *export_format_to_string(ExportFormat f)
{
        return (unsigned)f < _EXPORT_FORMAT_MAX ? format_names[f] : NULL;
}

ExportFormat export_format_from_string(const char *s)
{
        for (int i = 0; i < _EXPORT_FORMAT_MAX; i++)
                if (strcmp(s, format_names[i]) == 0)
                        return (ExportFormat)i;
        return _EXPORT_FORMAT_INVALID;
}

static void json_putp(json_object **o)
{
        json_object_put(*o);
}

#define autojson __attribute__((cleanup(json_putp))) json_object

static int parse_base(const char *text, json_object **ret, Diag *d)
{
        enum json_tokener_error error;
        json_object *o = json_tokener_parse_verbose(text, &error);

        if (!o) {
                diag_error(d, NULL, "bad-profile", "the profile to build on is no JSON: %s", json_tokener_error_desc(error));
                return -EBADMSG;
        }
        *ret = o;
        return 0;
}

static int export_oci(const Policy *p, const OciHost *host, const char *base_text, char **ret, Diag *d)
{
        autojson *base = NULL, *profile = NULL;
        OciHost here;
        int r;

        oci_host_detect(&here);
        if (base_text) {
                r = parse_base(base_text, &base, d);
                if (r < 0)
                        return r;
        }
        r = oci_seccomp(p, host ?: &here, base, &profile, d);
        if (r < 0)
                return r;
        if (!base_text)
                diag_add(d, DIAG_INFO, &p->pos, "replaces-default",
                         "container engines take this profile in place of their own, which denies more; with --base it is part of it");
        *ret = g_strconcat(json_object_to_json_string_ext(profile, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                                           JSON_C_TO_STRING_NOSLASHESCAPE),
                           "\n", NULL);
        return 0;
}

int export_policy(const Policy *p, ExportFormat f, const OciHost *host, const char *base, char **ret, Diag *d)
{
        switch (f) {
        case EXPORT_OCI_SECCOMP:
                return export_oci(p, host, base, ret, d);
        case EXPORT_SYSTEMD:
                *ret = export_systemd(p);
                return 0;
        default:
                diag_error(d, NULL, "not-exported", "this version has no profiles of AppArmor");
                return -EOPNOTSUPP;
        }
}
