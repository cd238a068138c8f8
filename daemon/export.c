/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policy -> text for others: which format, and OCI's JSON. See export.h. */

#include "export.h"

#include <errno.h>
#include <string.h>

#include "apparmor/compile.h"

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

static int export_oci(const Policy *p, const SeccompHost *host, const char *base_text, char **ret, Diag *d)
{
        autojson *base = NULL, *profile = NULL;
        SeccompHost here = seccomp_host();
        int r;

        if (base_text) {
                r = parse_base(base_text, &base, d);
                if (r < 0)
                        return r;
        }
        r = oci_seccomp(p, host ?: &here, base, &profile, d);
        if (r < 0)
                return r;
        if (!base_text && !policy_builds_on_default(p))
                diag_add(d, DIAG_INFO, &p->pos, "replaces-default",
                         "container engines take this profile in place of their own, which denies more; with --base it is part of it");
        *ret = g_strconcat(json_object_to_json_string_ext(profile, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                                           JSON_C_TO_STRING_NOSLASHESCAPE),
                           "\n", NULL);
        return 0;
}

static int export_apparmor(const Policy *p, char **ret, Diag *d)
{
        g_autoptr(Profile) profile = NULL;
        g_autoptr(AaBlob) blob = NULL;
        int r;

        if (!(p->enforcers & 1U << ENFORCER_APPARMOR)) {
                diag_error(d, &p->enforcers_pos, "not-exported", "the policy is not for AppArmor: see its 'enforcer'");
                return -EOPNOTSUPP;
        }
        r = apparmor_compile(p, &profile, d);
        if (r < 0)
                return r;
        for (guint i = 0; i < p->rules->len; i++) {
                const Rule *rule = p->rules->pdata[i];
                const char *why = i < profile->why_not->len ? profile->why_not->pdata[i] : NULL;

                if (why && !(rule->only && !(rule->only & 1U << ENFORCER_APPARMOR)))
                        diag_warning(d, &rule->pos, "not-exported", "the rule '%s' is not in the profile: %s", rule->id, why);
        }
        if (profile_is_empty(profile)) {
                diag_error(d, &p->mode_pos, "nothing-to-export", "AppArmor has nothing to enforce of the policy");
                return -EOPNOTSUPP;
        }
        r = aa_blob_from_bytes(profile->blob, &blob);
        if (r >= 0)
                *ret = g_strdup(blob->text);
        return r;
}

int export_policy(const Policy *p, ExportFormat f, const SeccompHost *host, const char *base, char **ret, Diag *d)
{
        switch (f) {
        case EXPORT_OCI_SECCOMP:
                return export_oci(p, host, base, ret, d);
        case EXPORT_SYSTEMD:
                *ret = export_systemd(p);
                return 0;
        case EXPORT_APPARMOR:
                return export_apparmor(p, ret, d);
        default:
                return -EINVAL;
        }
}
