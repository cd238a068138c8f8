/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prepare: see prepare.h. */

#include "prepare.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cache.h"
#include "compile.h"
#include "features.h"

#define CACHE_FORMAT "1"
#define MESSAGES_SHOWN_MAX 10U

typedef struct Preparation {
        const PrepareEnv *env;
        const Policy *policy;
        Profile *profile;
        AaBlob *blob;
        Diag *diag;
        char *features;
} Preparation;

/* ---- what is missing ------------------------------------------------------------------------------------------------ */

/* AppArmor cannot be had on this host: the other enforcers do what they can, and each rule says so. */
static int without(Preparation *p, const char *why)
{
        bool alone = p->policy->enforcers == 1U << ENFORCER_APPARMOR;

        diag_add(p->diag, alone ? DIAG_ERROR : DIAG_WARNING, &p->policy->enforcers_pos, "not-enforceable",
                 alone ? "not enforceable by AppArmor: %s" : "not enforced by AppArmor: %s", why);
        if (alone)
                return -EOPNOTSUPP;
        for (guint i = 0; i < p->profile->why_not->len; i++)
                if (!p->profile->why_not->pdata[i])
                        p->profile->why_not->pdata[i] = g_strdup(why);
        profile_set_blob(p->profile, g_bytes_new(NULL, 0));
        return 0;
}

/* ---- lines and positions -------------------------------------------------------------------------------------------- */

static const AaLine *line_at(const AaBlob *b, uint32_t line)
{
        const AaLine *found = NULL;

        for (guint i = 0; i < b->lines->len; i++) {
                const AaLine *l = &g_array_index(b->lines, AaLine, i);

                if (l->line > line)
                        break;
                found = l;
        }
        return found;
}

/* Where in the configuration line number @line of the text comes from. @ret_theirs: somebody wrote it so. */
static SourcePos position_of(const Preparation *p, uint32_t line, bool *ret_theirs)
{
        const AaLine *l = line_at(p->blob, line);
        const Rule *r = l && l->rule < p->policy->rules->len ? p->policy->rules->pdata[l->rule] : NULL;
        SourcePos pos;

        *ret_theirs = l && l->kind == AA_LINE_TEXT;
        if (!*ret_theirs)
                return r && l->kind != AA_LINE_OURS ? r->pos : p->policy->pos;
        pos = r ? r->text.pos : p->policy->depth[ENFORCER_APPARMOR].text_pos;
        pos.line += line - l->line;
        return pos;
}

/* "... at line 7: syntax error": the number, and what follows. */
static uint32_t line_number(const char *message, const char **ret_rest)
{
        const char *at = strstr(message, " at line "), *colon;
        char *end = NULL;
        uint64_t n;

        if (!at)
                return 0;
        n = g_ascii_strtoull(at + strlen(" at line "), &end, 10);
        colon = end && *end == ':' ? end + 1 : end;
        while (colon && *colon == ' ')
                colon++;
        *ret_rest = colon;
        return n < UINT32_MAX ? (uint32_t)n : 0;
}

/* The file that the parser names if it is not our text. To be freed. */
static char *other_file(const char *message)
{
        const char *in = strstr(message, " in "), *at = strstr(message, " at line ");

        if (!in || !at || in > at)
                return NULL;
        in += strlen(" in ");
        if (g_str_has_prefix(in, "profile "))
                in += strlen("profile ");
        return *in == '/' ? g_strndup(in, (gsize)(at - in)) : NULL;
}

static void report_line(const Preparation *p, const char *message)
{
        const char *rest = NULL;
        g_autofree char *file = other_file(message);
        uint32_t line = line_number(message, &rest);
        bool theirs = false;
        SourcePos pos = p->policy->pos;

        if (file)
                diag_error(p->diag, &p->policy->pos, "apparmor-text", "AppArmor's parser refuses the included file %s, line %u: %s", file,
                           line, rest);
        else if (line > 0) {
                pos = position_of(p, line, &theirs);
                diag_error(p->diag, &pos, "apparmor-text",
                           theirs ? "AppArmor's parser refuses this: %s" : "AppArmor's parser refuses what was made of this: %s", rest);
        } else
                diag_error(p->diag, &pos, "apparmor-text", "AppArmor's parser says: %s", message);
}

static void report(const Preparation *p, const ParserResult *result)
{
        g_auto(GStrv) lines = g_strsplit(result->messages ?: "", "\n", -1);
        bool conflict = strstr(result->messages ?: "", "conflicting x modifiers");
        unsigned n = 0;

        if (conflict && p->policy->mode == MODE_DEFENSE_IN_DEPTH && p->policy->allow_violations)
                diag_error(p->diag, &p->policy->depth[ENFORCER_APPARMOR].text_pos, "apparmor-text",
                           "a profile that changes to others by patterns (px, cx, ux) cannot be on trial: AppArmor allows one way to "
                           "execute each path; write exact paths, or ix");
        for (char **l = lines; *l && n < MESSAGES_SHOWN_MAX; l++) {
                g_strstrip(*l);
                if (!**l)
                        continue;
                report_line(p, *l);
                n++;
        }
        if (n == 0)
                diag_error(p->diag, &p->policy->pos, "apparmor-text", "AppArmor's parser ended with status %d and said nothing",
                           result->status);
}

static int report_failure(const Preparation *p, int r)
{
        const char *path = p->env->parser.path;

        if (r == -ETIMEDOUT)
                diag_error(p->diag, &p->policy->pos, "apparmor-parser", "%s did not finish within %u s", path, p->env->parser.seconds_max);
        else if (r == -EFBIG)
                diag_error(p->diag, &p->policy->pos, "apparmor-parser", "%s made more than %zu bytes of this policy", path,
                           p->env->parser.output_max);
        else
                diag_error(p->diag, &p->policy->pos, "apparmor-parser", "%s cannot be run: %s", path, g_strerror(-r));
        return r;
}

/* ---- user namespaces -------------------------------------------------------------------------------------------------- */

static const char *why_no_userns(const Preparation *p)
{
        g_autofree char *features = NULL;
        g_auto(ParserResult) result = {0};

        if (!features_have(p->env->features, "namespaces/mask", "userns_create"))
                return "this kernel's AppArmor does not mediate user namespaces";
        if (features_read(p->env->features, true, &features) < 0 ||
            parser_run(&p->env->parser, "profile varmor-try { userns create, }\n", features, &result) < 0 || result.status != 0)
                return "the installed apparmor_parser has no rules for user namespaces (4.0 has)";
        return NULL;
}

/* Turn each line about user namespaces into a comment, and say why. */
static void drop_userns(Preparation *p, const char *why)
{
        g_auto(GStrv) lines = g_strsplit(p->blob->text, "\n", -1);
        guint n = g_strv_length(lines);

        for (guint i = 0; i < p->blob->lines->len; i++) {
                const AaLine *l = &g_array_index(p->blob->lines, AaLine, i);

                if (l->kind != AA_LINE_USERNS || l->line == 0 || l->line > n)
                        continue;
                lines[l->line - 1][0] = '#';
                if (l->rule < p->profile->why_not->len && !p->profile->why_not->pdata[l->rule])
                        p->profile->why_not->pdata[l->rule] = g_strdup(why);
        }
        g_free(p->blob->text);
        p->blob->text = g_strjoinv("\n", lines);
}

static bool wants_userns(const Preparation *p)
{
        for (guint i = 0; i < p->blob->lines->len; i++)
                if (g_array_index(p->blob->lines, AaLine, i).kind == AA_LINE_USERNS)
                        return true;
        return false;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

/* Which parser it is; an upgrade changes it. */
static char *parser_identity(const char *path)
{
        struct stat st = {0};

        (void)stat(path, &st);
        return g_strdup_printf("%s %ju %jd %jd.%09ld", path, (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
                               st.st_mtim.tv_nsec);
}

static int run(Preparation *p)
{
        g_autofree char *identity = parser_identity(p->env->parser.path);
        const char *const parts[] = {CACHE_FORMAT, p->blob->text, p->features, identity};
        g_autofree char *key = cache_key(parts, G_N_ELEMENTS(parts));
        g_auto(ParserResult) result = {0};
        /* What an include says may change. */
        const char *cache = strstr(p->blob->text, "include") ? NULL : p->env->cache;
        GBytes *binary = cache ? cache_get(cache, key, AA_BINARY_MAX) : NULL;
        int r;

        if (!binary) {
                r = parser_run(&p->env->parser, p->blob->text, p->features, &result);
                if (r == -ENOENT)
                        return without(p, "apparmor_parser is not installed");
                if (r < 0)
                        return report_failure(p, r);
                if (result.status != 0) {
                        report(p, &result);
                        return -EBADMSG;
                }
                if (g_bytes_get_size(result.output) == 0) {
                        diag_error(p->diag, &p->policy->pos, "apparmor-parser", "%s made nothing of this policy", p->env->parser.path);
                        return -EBADMSG;
                }
                binary = g_bytes_ref(result.output);
                if (cache)
                        cache_put(cache, key, binary);
        }
        g_bytes_unref(p->blob->binary);
        p->blob->binary = binary;
        profile_set_blob(p->profile, aa_blob_to_bytes(p->blob));
        p->profile->table_bytes = g_bytes_get_size(binary);
        return 0;
}

int prepare_with(const PrepareEnv *env, const Policy *policy, Profile *profile, Diag *d)
{
        g_autoptr(AaBlob) blob = NULL;
        Preparation p = {.env = env, .policy = policy, .profile = profile, .diag = d};
        /* Somebody's own profile speaks for himself: what it does not allow is denied. */
        bool all = policy->mode == MODE_DEFENSE_IN_DEPTH;
        int r;

        if (profile_is_empty(profile))
                return 0;
        r = aa_blob_from_bytes(profile->blob, &blob);
        if (r < 0)
                return r;
        p.blob = blob;
        if (!g_file_test(env->features, G_FILE_TEST_IS_DIR))
                return without(&p, "the kernel runs without AppArmor");
        if (!env->parser.path)
                return without(&p, "apparmor_parser is not installed");
        if (wants_userns(&p)) {
                const char *why = why_no_userns(&p);

                if (why)
                        drop_userns(&p, why);
                else
                        all = true;
        }
        r = features_read(env->features, all, &p.features);
        if (r >= 0)
                r = run(&p);
        g_free(p.features);
        return r;
}

int apparmor_prepare(const Policy *p, Profile *profile, Diag *d)
{
        const PrepareEnv env = {
                .features = APPARMOR_FS "/features",
                .cache = APPARMOR_CACHE,
                .parser = {.path = parser_find(), .seconds_max = PARSER_SECONDS_MAX, .output_max = AA_BINARY_MAX},
        };

        return prepare_with(&env, p, profile, d);
}
