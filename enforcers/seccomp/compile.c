/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compile: verdicts, instructions and rule table to one filter file. */

#include "compile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "emit.h"
#include "filter.h"
#include "rule-table.h"
#include "syscalls.h"

/* ---- what varmor-exec has to know ------------------------------------------------------------------------------------ */

typedef struct Reach {
        bool may_pass, may_block; /* under some arguments */
} Reach;

static void note_ret(Reach *reach, uint32_t ret)
{
        uint32_t action = ret & SECCOMP_RET_ACTION_FULL;

        if (action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG)
                reach->may_pass = true;
        else
                reach->may_block = true;
}

/* What may become of the native call @name. */
static Reach reach_of(const Verdicts *v, const char *name)
{
        const VerdictAbi *abi = &g_array_index(v->abis, VerdictAbi, 0);
        int64_t nr = syscall_number(abi->abi, name);
        Reach reach = {0};

        for (guint i = 0; i < abi->calls->len; i++) {
                const VerdictCall *call = &g_array_index(abi->calls, VerdictCall, i);

                if (call->nr != nr)
                        continue;
                for (guint n = 0; n < call->entries->len; n++) {
                        const VerdictEntry *e = &g_array_index(call->entries, VerdictEntry, n);

                        note_ret(&reach, e->ret);
                        if (!e->args)
                                return reach;
                }
        }
        note_ret(&reach, v->default_ret);
        return reach;
}

static uint32_t filter_flags(const Verdicts *v)
{
        bool blocks = reach_of(v, "seccomp").may_block || reach_of(v, "prctl").may_block;

        return (v->log ? FILTER_LOG : 0U) | (blocks ? FILTER_BLOCKS_SECCOMP : 0U);
}

static void warn_of_exec(const Policy *p, const Verdicts *v, Diag *d)
{
        const SourcePos *pos = p->mode == MODE_DEFENSE_IN_DEPTH ? &p->depth[ENFORCER_SECCOMP].pos : &p->pos;

        if (!reach_of(v, "execve").may_pass)
                diag_warning(d, pos, "no-exec", "the filter denies execve(2), by which its workload is started under it: it does not start");
}

/* ---- the file --------------------------------------------------------------------------------------------------------- */

static bool is_quiet(const Policy *p, const VerdictCall *call)
{
        for (guint i = 0; i < call->entries->len; i++)
                if (!verdict_is_quiet(p->rules->pdata[g_array_index(call->entries, VerdictEntry, i).rule]))
                        return false;
        return call->entries->len > 0;
}

/* Of @v what is to be denied in silence; of the calls and entries nothing is copied. */
static Verdicts *quiet_part(const Policy *p, const Verdicts *v)
{
        Verdicts *q = g_new0(Verdicts, 1);

        q->default_ret = q->bad_arch_ret = SECCOMP_RET_ALLOW;
        q->abis = g_array_new(FALSE, FALSE, sizeof(VerdictAbi));
        for (guint i = 0; i < v->abis->len; i++) {
                const VerdictAbi *from = &g_array_index(v->abis, VerdictAbi, i);
                VerdictAbi to = {.abi = from->abi, .calls = g_array_new(FALSE, FALSE, sizeof(VerdictCall))};

                for (guint c = 0; c < from->calls->len; c++) {
                        const VerdictCall *call = &g_array_index(from->calls, VerdictCall, c);

                        if (is_quiet(p, call))
                                g_array_append_val(to.calls, *call);
                }
                g_array_append_val(q->abis, to);
        }
        return q;
}

static void free_part(Verdicts *q)
{
        for (guint i = 0; i < q->abis->len; i++)
                g_array_unref(g_array_index(q->abis, VerdictAbi, i).calls);
        g_array_unref(q->abis);
        g_free(q);
}

/* Adds the second filter to @code. Return: its instructions. */
static uint32_t add_quiet(const Policy *p, const Verdicts *v, GArray *code)
{
        g_autoptr(GArray) more = NULL;
        Verdicts *q;

        if (!v->log)
                return 0;
        q = quiet_part(p, v);
        if (!verdicts_are_empty(q) && emit_filter(q, &more) >= 0 && code->len + more->len <= FILTER_INSNS_MAX)
                g_array_append_vals(code, more->data, more->len);
        else
                g_clear_pointer(&more, g_array_unref);
        free_part(q);
        return more ? more->len : 0;
}

static GBytes *make_file(const GArray *code, uint32_t n_quiet, uint32_t flags, GBytes *extra)
{
        FilterHeader h = {
                .magic = FILTER_MAGIC,
                .version = FILTER_VERSION,
                .flags = flags,
                .n_insns = code->len,
                .n_quiet = n_quiet,
                .extra_bytes = (uint32_t)g_bytes_get_size(extra),
        };
        GByteArray *file = g_byte_array_new();

        g_byte_array_append(file, (const guint8 *)&h, sizeof(h));
        g_byte_array_append(file, (const guint8 *)code->data, code->len * (guint)sizeof(struct sock_filter));
        g_byte_array_append(file, g_bytes_get_data(extra, NULL), h.extra_bytes);
        h.sum = filter_sum(&h, file->data + sizeof(h), file->len - sizeof(h));
        memcpy(file->data, &h, sizeof(h));
        return g_byte_array_free_to_bytes(file);
}

static int make_blob(const Policy *p, const Verdicts *v, GBytes **ret, uint32_t *ret_n, Diag *d)
{
        g_autoptr(GArray) code = NULL;
        g_autoptr(GBytes) extra = NULL;
        uint32_t n_quiet;

        if (verdicts_are_empty(v)) {
                *ret = g_bytes_new(NULL, 0);
                return 0;
        }
        extra = rule_table_make(p, v);
        if (emit_filter(v, &code) < 0 || g_bytes_get_size(extra) > FILTER_EXTRA_MAX) {
                diag_error(d, &p->pos, "too-big",
                           "the rules need a seccomp filter of more than %u instructions, which the kernel does not load; "
                           "the fewer and the simpler conditions on arguments they have, the smaller it is",
                           FILTER_INSNS_MAX);
                return -E2BIG;
        }
        warn_of_exec(p, v, d);
        *ret_n = code->len;
        n_quiet = add_quiet(p, v, code);
        *ret = make_file(code, n_quiet, filter_flags(v), extra);
        return 0;
}

int seccomp_compile_for(const Policy *p, const SeccompHost *host, Profile **ret, Diag *d)
{
        g_autoptr(Verdicts) v = NULL;
        GBytes *blob = NULL;
        uint32_t n = 0;
        Profile *profile;
        int r;

        r = verdicts_make(p, host, &v, d);
        if (r >= 0)
                r = make_blob(p, v, &blob, &n, d);
        if (r < 0)
                return r;
        profile = profile_new(ENFORCER_SECCOMP, blob);
        g_ptr_array_unref(profile->why_not);
        profile->why_not = g_steal_pointer(&v->why_not);
        profile->n_states = n;
        profile->table_bytes = g_bytes_get_size(blob);
        *ret = profile;
        return 0;
}

int seccomp_compile(const Policy *p, Profile **ret, Diag *d)
{
        SeccompHost host = seccomp_host();

        return seccomp_compile_for(p, &host, ret, d);
}
