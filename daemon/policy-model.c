/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Model -> policy, by way of the files: see policy-model.h. */

#include "policy-model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model-policy.h"
#include "model-store.h"

void policy_models_clear(PolicyModels *m)
{
        g_clear_pointer(&m->rules, generalise_rules_free);
}

int generalise_rules_load(const ConfRoots *roots, GeneraliseRules **ret, Diag *d)
{
        g_autoptr(ConfFile) f = NULL;
        gsize size;
        const char *text;
        int r = confdir_read_one(roots, GENERALISE_FILE, &f, d);

        if (r < 0)
                return r;
        if (!f || !f->bytes) {
                diag_error(d, NULL, "bad-rules", "the file " GENERALISE_FILE " is missing, by which models become rules");
                return -EBADMSG;
        }
        if (f->fragments && f->fragments->len > 0) {
                diag_error(d, NULL, "bad-rules", "%s has fragments, expected one file", f->path);
                return -EBADMSG;
        }
        text = g_bytes_get_data(f->bytes, &size);
        return generalise_rules_parse(text ?: "", size, f->path, ret, d);
}

/* ---- the file -------------------------------------------------------------------------------------------------------------------- */

/* Where the policy asks for a model. */
static const SourcePos *asked_at(const Policy *p)
{
        for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                if (p->enforcers & 1U << k && p->depth[k].type == PROFILE_BEHAVIOR_MODEL)
                        return &p->depth[k].pos;
        return &p->mode_pos;
}

static void tell_missing(const Policy *p, const char *shown, const char *aside, Diag *d)
{
        bool damaged = access(aside, F_OK) == 0;

        diag_error(d, asked_at(p), CODE_NO_MODEL,
                   "there is no model to make a profile from: %s is not there%s; 'varmorctl mode %s BehaviorModeling --duration=MINUTES' "
                   "records one, 'varmorctl model import FILE --name=%s' brings one",
                   shown, damaged ? " (a damaged one stands beside it, as +damaged)" : "", p->full_name, p->full_name);
}

static void tell_damaged(const PolicyModels *m, const Policy *p, const char *path, const char *aside, const char *shown, Diag *d)
{
        bool moved = m->set_aside && rename(path, aside) == 0;

        diag_error(d, asked_at(p), "bad-model", "the model %s is damaged, see there%s%s%s", shown, moved ? "; it was put aside as " : "",
                   moved ? shown : "", moved ? "+damaged" : "");
}

static int read_model(const PolicyModels *m, const Policy *p, Model **ret, Diag *d)
{
        g_autofree char *shown = model_path(p->full_name), *path = g_strconcat(m->roots.root ?: "", shown, NULL);
        g_autofree char *aside = g_strconcat(path, "+damaged", NULL);
        int r = model_store_read(path, ret, d);

        if (r == -ENOENT)
                tell_missing(p, shown, aside, d);
        else if (r == -EBADMSG)
                tell_damaged(m, p, path, aside, shown, d);
        else if (r < 0)
                diag_error(d, asked_at(p), "no-model", "the model %s cannot be read: %s", shown, strerror(-r));
        return r;
}

/* ---- what it lacks --------------------------------------------------------------------------------------------------------------- */

/* @n: how many; 0: only the word. */
static void add_word(GString *s, uint64_t n, const char *word)
{
        g_string_append(s, s->len > 0 ? ", " : "");
        if (n > 0)
                g_string_append_printf(s, "%" PRIu64 " ", n);
        g_string_append(s, word);
}

static void tell_incomplete(const Policy *p, const Model *m, Diag *d)
{
        g_autoptr(GString) lost = g_string_new(NULL), unknown = g_string_new(NULL);
        uint32_t kinds = m->sources->len > 0 ? MODEL_KINDS_ALL : 0;

        if (model_is_complete(m))
                return;
        for (guint i = 0; i < m->sources->len; i++)
                kinds &= ((const ModelSource *)m->sources->pdata[i])->kinds;
        for (int k = 0; k < _MODEL_KIND_MAX; k++) {
                const char *kind = model_kind_to_string((ModelKind)k);
                uint64_t n = model_lost(m, (ModelKind)k);

                if (n > 0)
                        add_word(lost, n, kind);
                if (!(kinds >> k & 1))
                        add_word(unknown, 0, kind);
        }
        if (m->sources->len == 0)
                diag_warning(d, asked_at(p), "incomplete-model",
                             "the model names no recording that it comes from: whether it is complete is not known, and what it lacks is denied");
        else
                diag_warning(d, asked_at(p), "incomplete-model", "the model is not complete, and what it lacks is denied%s%s%s%s",
                             lost->len > 0 ? "; lost: " : "", lost->str, unknown->len > 0 ? "; not looked for in each recording: " : "",
                             unknown->str);
}

static bool has_kind(const Model *m, ModelKind k)
{
        for (guint i = 0; i < m->ops->len; i++)
                if (((const ModelOp *)m->ops->pdata[i])->kind == k)
                        return true;
        return false;
}

/* A list with nothing on it lets nothing start: that is no profile, but a model that knows nothing of it. */
static int check_usable(const Policy *p, const Model *m, Diag *d)
{
        static const struct {
                EnforcerKind enforcer;
                ModelKind kind;
                const char *what;
        } needs[] = {
                {ENFORCER_APPARMOR, MODEL_EXEC, "nothing that is executed"},
                {ENFORCER_BPF, MODEL_EXEC, "nothing that is executed"},
                {ENFORCER_SECCOMP, MODEL_SYSCALL, "no system calls"},
        };
        int r = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(needs); i++) {
                const DepthProfile *depth = &p->depth[needs[i].enforcer];

                if (!(p->enforcers & 1U << needs[i].enforcer) || depth->type != PROFILE_BEHAVIOR_MODEL || has_kind(m, needs[i].kind))
                        continue;
                /* Other classes may be all that is meant. */
                if (needs[i].enforcer == ENFORCER_BPF && !(depth->classes & 1U << OP_FILE))
                        continue;
                diag_error(d, &depth->pos, "bad-model", "the model has %s: under a profile for %s that is made from it nothing could start",
                           needs[i].what, enforcer_kind_to_string(needs[i].enforcer));
                r = -EBADMSG;
        }
        return r;
}

/* A recording of what ran already: nothing is wrong until it is restarted. */
static void tell_unstarted(const Policy *p, const Model *m, Diag *d)
{
        const DepthProfile *depth = &p->depth[ENFORCER_SECCOMP];

        if (p->enforcers & 1U << ENFORCER_SECCOMP && depth->type == PROFILE_BEHAVIOR_MODEL && !has_kind(m, MODEL_EXEC))
                diag_warning(d, &depth->pos, "no-start",
                             "the model has nothing that is executed: the start of the workload was not recorded, and may take system calls that "
                             "the profile for Seccomp denies");
}

/* ---- the whole --------------------------------------------------------------------------------------------------------------------- */

/* "a" of the unit worker@a.service that all recordings are of, where the policy is for more instances. To be freed. */
static char *instance_of(const Policy *p, const Model *m)
{
        const char *unit = NULL, *at, *dot;

        for (guint i = 0; i < m->sources->len; i++) {
                const ModelSource *s = m->sources->pdata[i];

                if (!s->unit || (unit && strcmp(unit, s->unit) != 0))
                        return NULL;
                unit = s->unit;
        }
        if (!unit || g_strcmp0(unit, p->target.name) == 0)
                return NULL;
        at = strchr(unit, '@');
        dot = strrchr(unit, '.');
        return at && dot && dot > at + 1 ? g_strndup(at + 1, (gsize)(dot - at - 1)) : NULL;
}

/* A container runtime puts the filter in force and goes on: crun and runc become the user that the container is for, drop capabilities,
 * close what they have open, and execute its program. None of that is recorded. */
static const char *const runtime_calls[] = {
        "brk", "capget", "capset", "chdir", "clock_gettime", "close", "close_range", "dup", "dup3", "epoll_ctl", "epoll_pwait",
        "epoll_wait", "faccessat", "faccessat2", "fchdir", "fchown", "fcntl", "fstat", "fstatfs", "futex", "getcwd", "getdents64", "getgid",
        "getpid", "getppid", "gettid", "getuid", "lseek", "madvise", "mmap", "mprotect", "munmap", "nanosleep", "newfstatat", "openat",
        "poll", "ppoll", "prctl", "pselect6", "read", "readlinkat", "recvmsg", "rt_sigaction", "rt_sigprocmask", "sched_yield", "select",
        "sendmsg", "setgid", "setgroups", "setresgid", "setresuid", "setsid", "setuid", "sigaltstack", "statx", "tgkill", "umask",
        "unlink", "unlinkat", "write", NULL,
};

static Rule *allow_calls(const Policy *p, const char *id, const char *const *names)
{
        Rule *r = rule_new(OP_SYSCALL);

        r->id = g_strdup(id);
        r->pos = *asked_at(p);
        r->origin = RULE_CUSTOM;
        r->qualifiers = RULE_ALLOW;
        r->as_seen = true;
        r->only = 1U << ENFORCER_SECCOMP;
        r->syscall.names = g_strdupv((char **)names);
        r->syscall.action = SYSCALL_ALLOW;
        r->syscall.in_profile = true;
        return r;
}

static void allow_runtime(Policy *p)
{
        static const char *const terminal[] = {"ioctl", NULL};
        const SyscallArg of_terminals = {.index = 1, .op = SYSCALL_MASKED_EQ, .value = 0xff00, .value_two = 'T' << 8};
        Rule *r;

        if (p->target.kind != TARGET_CONTAINER || p->depth[ENFORCER_SECCOMP].type != PROFILE_BEHAVIOR_MODEL ||
            !(p->enforcers & 1U << ENFORCER_SECCOMP))
                return;
        r = allow_calls(p, "model.terminal", terminal);
        r->syscall.args = g_array_new(FALSE, FALSE, sizeof(SyscallArg));
        g_array_append_val(r->syscall.args, of_terminals);
        g_ptr_array_insert(p->rules, 0, r);
        g_ptr_array_insert(p->rules, 0, allow_calls(p, "model.runtime", runtime_calls));
}

static int fill(Policy *p, const Model *m, const GeneraliseRules *rules, Diag *d)
{
        g_autofree char *instance = instance_of(p, m), *apparmor = NULL;
        const GeneraliseOptions options = {.strictness = p->strictness, .instance = instance};
        g_autoptr(General) g = generalise(m, rules, &options);
        g_autoptr(ModelRules) list = NULL;
        int r = model_rules(g, &list, d);

        if (r < 0)
                return r;
        if (p->enforcers & 1U << ENFORCER_APPARMOR && p->depth[ENFORCER_APPARMOR].type == PROFILE_BEHAVIOR_MODEL)
                apparmor = model_apparmor(g, d);
        if (p->rules->len + list->rules->len + 2 > POLICY_RULES_MAX) {
                diag_error(d, asked_at(p), "too-large", "with the rules of the model the policy has more than %u: generalise it more",
                           POLICY_RULES_MAX);
                return -E2BIG;
        }
        model_policy_fill(p, PROFILE_BEHAVIOR_MODEL, list, apparmor);
        allow_runtime(p);
        return 0;
}

int policy_model_fill(Policy *p, const Model *m, const GeneraliseRules *rules, Diag *d)
{
        int r = check_usable(p, m, d);

        if (r < 0)
                return r;
        tell_incomplete(p, m, d);
        tell_unstarted(p, m, d);
        return fill(p, m, rules, d);
}

int policy_models_fill(Policy *p, void *userdata, Diag *d)
{
        PolicyModels *models = userdata;
        g_autoptr(Model) m = NULL;
        int r = read_model(models, p, &m, d);

        if (r >= 0 && !models->rules)
                r = generalise_rules_load(&models->roots, &models->rules, d);
        return r < 0 ? r : policy_model_fill(p, m, models->rules, d);
}
