/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See fake-manager.h. */

#include "fake-manager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Pending {
        ManagerDone done;
        void *userdata;
        int result;
        Diag *diag;
} Pending;

struct Manager {
        sd_event_source *defer;
        GPtrArray *rules; /* of RuleInfo */
        GHashTable *policies; /* name -> PolicyEntry */
        const ManagerListener *listener;
        GQueue pending;
        Diag *diag;
        EnforcerInfo enforcers[_ENFORCER_KIND_MAX];
        ManagerCounters counters;
        const char *confined;
        const char *reload;
        bool disabled;
        unsigned reported;
};

/* ---- words that manager.c has ------------------------------------------------------------------------------------
 */

const char *policy_state_to_string(PolicyState s)
{
        static const char *const words[_POLICY_STATE_MAX] = {"applying",  "active",   "restart-needed", "modeling",
                                                             "completed", "degraded", "refused"};
        return s >= 0 && s < _POLICY_STATE_MAX ? words[s] : NULL;
}

const char *mode_origin_to_string(ModeOrigin o)
{
        static const char *const words[_MODE_ORIGIN_MAX] = {"file", "runtime", "persistent"};
        return o >= 0 && o < _MODE_ORIGIN_MAX ? words[o] : NULL;
}

static void fake_diag(Diag *d, DiagSeverity severity, const char *file, uint32_t line, const char *code,
                      const char *text)
{
        diag_add(d, severity, &(SourcePos){.file = file, .line = line, .column = line / 2}, code, "%s", text);
}

/* ---- policies ------------------------------------------------------------------------------------------------------
 */

static BundlePolicy *fake_bundle(const char *name, uint32_t enforcers)
{
        BundlePolicy *p = g_new0(BundlePolicy, 1);

        p->full_name = g_strdup(name);
        p->source = g_strdup_printf("/etc/varmor/policies.d/%s.yaml", name);
        p->files = g_new0(char *, 3);
        p->files[0] = g_strdup(p->source);
        p->files[1] = g_strdup("/run/varmor/policies.d/caf\xe9.yaml"); /* no UTF-8 */
        p->valid = true;
        p->mode = MODE_ENHANCE_PROTECT;
        p->enforcers = enforcers;
        p->audit_violations = true;
        p->target.kind = TARGET_SERVICE;
        p->target.name = g_strdup("nginx.service");
        p->rules = g_ptr_array_new();
        return p;
}

static void fake_rule(BundlePolicy *p, const char *id, RuleOrigin origin, uint32_t by, const char *why_not_bpf)
{
        RuleStatus *s = g_new0(RuleStatus, 1);

        s->id = g_strdup(id);
        s->pos = (SourcePos){.file = "/etc/varmor/policies.d/web.yaml", .line = 12, .column = 7};
        s->origin = origin;
        s->kind = OP_FILE;
        s->summary = g_strdup("deny rw /etc/shadow");
        s->enforced_by = by;
        s->why_not[ENFORCER_BPF] = g_strdup(why_not_bpf);
        g_ptr_array_add(p->rules, s);
}

static PolicyEntry *fake_add(Manager *m, const char *name, PolicyState state, const char *why)
{
        PolicyEntry *e = g_new0(PolicyEntry, 1);

        e->full_name = g_strdup(name);
        e->state = state;
        e->why = g_strdup(why);
        e->since_usec = 1700000000000000;
        e->current = fake_bundle(name, 1U << ENFORCER_BPF);
        g_hash_table_insert(m->policies, e->full_name, e);
        return e;
}

static void fake_populate(Manager *m)
{
        PolicyEntry *e = fake_add(m, "web", POLICY_ACTIVE, "");

        fake_rule(e->current, "disable-access-shadow", RULE_BUILT_IN, 1U << ENFORCER_BPF, NULL);
        fake_rule(e->current, "files[0]", RULE_CUSTOM, 0, "the pattern names no file");
        fake_rule(e->current, "base-protection", RULE_BASE, 1U << ENFORCER_BPF, NULL);

        e = fake_add(m, "system.slice/db", POLICY_DEGRADED, "An older version is in force.");
        e->missing = 1U << ENFORCER_APPARMOR;
        e->current->enforcers |= 1U << ENFORCER_APPARMOR;
        fake_rule(e->current, "files[0]", RULE_CUSTOM, (1U << ENFORCER_BPF) | (1U << ENFORCER_APPARMOR), NULL);
        e->failed = fake_bundle("system.slice/db", 1U << ENFORCER_BPF);
        e->failed->diag = diag_new();
        fake_diag(e->failed->diag, DIAG_ERROR, "/etc/varmor/policies.d/db.yaml", 3, "unknown-key",
                  "Unknown key \"mod\"");
        diag_error(e->failed->diag, NULL, "too-short", "Something is missing");

        fake_add(m, "stubborn", POLICY_ACTIVE, "");
        e = fake_add(m, "recorded", POLICY_MODELING, "");
        e->current->mode = MODE_BEHAVIOR_MODELING;
        e->recording_started_usec = 1700000000000000;
        e->recording_ends_usec = 1700001800000000;
        e->recorded_ops = 312;
        fake_add(m, "seccomp-only", POLICY_ACTIVE, "");
        e = fake_add(m, "broken", POLICY_REFUSED, "It has errors.");
        e->failed = g_steal_pointer(&e->current);
        e->failed->mode = _MODE_INVALID;
}

static RuleInfo *fake_rule_info(Manager *m, const char *id, bool local, const char *description)
{
        RuleInfo *r = rule_info_new();
        RuleInfoOp *o = g_new0(RuleInfoOp, 1);

        r->id = g_strdup(id);
        r->aliases = g_new0(char *, 2);
        r->category = RULE_HARDENING;
        r->pos = (SourcePos){.file = local ? "/etc/varmor/rules.d/own.yaml" : "/usr/lib/varmor/rules.d/hardening.yaml", .line = 7};
        r->local = local;
        r->description = g_strdup(description);
        r->references = g_strsplit("CVE-2022-0492 man:core(5)", " ", -1);
        o->summary = g_strdup("deny file read /dev/sda");
        g_ptr_array_add(r->ops, o);
        g_ptr_array_add(m->rules, r);
        return r;
}

/* "disks" by BPF and AppArmor, of which BPF is here, not by seccomp; "own-disks", the administrator's, by nobody. */
static void fake_catalogue(Manager *m)
{
        RuleInfo *r = fake_rule_info(m, "disks", false, "Deny disks.");
        RuleInfoOp *o = r->ops->pdata[0];

        r->aliases[0] = g_strdup("hard-disks");
        r->principle = g_strdup("A disk holds\nevery file.");
        r->impact = g_strdup("None.");
        r->enforced_by = o->enforced_by = 1U << ENFORCER_BPF | 1U << ENFORCER_APPARMOR;
        r->notes[ENFORCER_APPARMOR] = g_strdup("it goes by names");
        o->why_not[ENFORCER_SECCOMP] = g_strdup("it knows system calls");
        r = fake_rule_info(m, "own-disks", true, NULL);
        ((RuleInfoOp *)r->ops->pdata[0])->why_not[ENFORCER_BPF] = g_strdup("nobody \xff knows");
}

const GPtrArray *manager_rules(const Manager *m)
{
        return m->rules;
}

const char *policy_entry_source(const PolicyEntry *e)
{
        return e->current ? e->current->source : e->failed->source;
}

const Diag *policy_entry_diag(const PolicyEntry *e)
{
        return e->failed ? e->failed->diag : e->current->diag;
}

static int compare_entries(gconstpointer a, gconstpointer b)
{
        const PolicyEntry *const *left = a, *const *right = b;

        return strcmp((*left)->full_name, (*right)->full_name);
}

GPtrArray *manager_policies(const Manager *m)
{
        GPtrArray *array = g_ptr_array_new();
        GHashTableIter i;
        gpointer e;

        g_hash_table_iter_init(&i, m->policies);
        while (g_hash_table_iter_next(&i, NULL, &e))
                g_ptr_array_add(array, e);
        g_ptr_array_sort(array, compare_entries);
        return array;
}

const PolicyEntry *manager_find_policy(const Manager *m, const char *full_name)
{
        return g_hash_table_lookup(m->policies, full_name);
}

/* ---- what there is -------------------------------------------------------------------------------------------------
 */

bool manager_is_disabled(const Manager *m)
{
        return m->disabled;
}

char *manager_dup_status(const Manager *m)
{
        return g_strdup_printf("%u policies", g_hash_table_size(m->policies));
}

const EnforcerInfo *manager_enforcers(const Manager *m)
{
        return m->enforcers;
}

void manager_get_counters(const Manager *m, ManagerCounters *ret)
{
        *ret = m->counters;
}

const Diag *manager_diag(const Manager *m)
{
        return m->diag;
}

void target_instance_free(TargetInstance *t)
{
        g_free(t->cgroup);
        g_free(t->unit);
        g_strfreev(t->policies);
        g_free(t);
}

static void fake_target(GPtrArray *targets, const char *cgroup, const char *unit, const char *policies)
{
        TargetInstance *t = g_new0(TargetInstance, 1);

        t->cgroup = g_strdup(cgroup);
        t->unit = g_strdup(unit);
        t->policies = g_strsplit(policies, " ", -1);
        g_ptr_array_add(targets, t);
}

int manager_targets(const Manager *m, const char *full_name, GPtrArray **ret)
{
        if (full_name && !manager_find_policy(m, full_name))
                return -ENOENT;

        *ret = g_ptr_array_new_with_free_func((GDestroyNotify)target_instance_free);
        if (!full_name || strcmp(full_name, "web") == 0) {
                fake_target(*ret, "/system.slice/nginx.service", "nginx.service", "system.slice/db web");
                fake_target(*ret, "/user.slice/\xff\033[2J", "", "web");
        }
        return 0;
}

int manager_enforcement(const Manager *m, const char *full_name, Enforcement ret[static _ENFORCER_KIND_MAX])
{
        if (!manager_find_policy(m, full_name))
                return -ENOENT;
        memset(ret, 0, sizeof(*ret) * _ENFORCER_KIND_MAX);
        ret[ENFORCER_BPF] = (Enforcement){.in_force = true, .since_usec = 1700000000000000, .targets = 2};
        return 0;
}

char **manager_covers(const Manager *m, const char *cgroup)
{
        return g_strsplit(strcmp(cgroup, "/machine.slice/web") == 0 ? "web,db" : "", ",", -1);
}

uint32_t manager_in_force(const Manager *m, const char *full_name)
{
        return strcmp(full_name, "web") == 0 ? 1U << ENFORCER_BPF : 0;
}

int manager_pid_confined(const Manager *m, pid_t pid)
{
        if (strcmp(m->confined, "yes") == 0)
                return 1;
        return strcmp(m->confined, "unknown") == 0 ? -ESRCH : 0;
}

void manager_report_confined(Manager *m, pid_t pid, uid_t uid, const char *member)
{
        m->reported++;
}

unsigned fake_manager_reported(const Manager *m)
{
        return m->reported;
}

void manager_add_listener(Manager *m, const ManagerListener *l)
{
        m->listener = l;
}

void manager_remove_listener(Manager *m, const ManagerListener *l)
{
        m->listener = NULL;
}

/* ---- what can be asked for -----------------------------------------------------------------------------------------
 */

static int on_defer(sd_event_source *s, void *userdata)
{
        Manager *m = userdata;
        Pending *p;

        while ((p = g_queue_pop_head(&m->pending))) {
                p->done(m, p->result, p->diag, p->userdata);
                diag_free(p->diag);
                g_free(p);
        }
        return 0;
}

/* @diag is taken. */
static int answer_later(Manager *m, ManagerDone done, void *userdata, int result, Diag *diag)
{
        Pending *p = g_new0(Pending, 1);

        *p = (Pending){done, userdata, result, diag};
        g_queue_push_tail(&m->pending, p);
        return sd_event_source_set_enabled(m->defer, SD_EVENT_ONESHOT);
}

int manager_reload(Manager *m, ManagerDone done, void *userdata)
{
        Diag *d = diag_new();

        if (m->disabled)
                return -ESHUTDOWN;
        if (strcmp(m->reload, "bad") == 0) {
                diag_warning(d, NULL, "old", "A warning");
                fake_diag(d, DIAG_ERROR, "/etc/varmor/policies.d/web.yaml", 2, "bad-type", "Found a list");
        }
        return answer_later(m, done, userdata,
                            strcmp(m->reload, "bad") == 0     ? -EBADMSG
                            : strcmp(m->reload, "fails") == 0 ? -ETIMEDOUT
                                                              : 0,
                            d);
}

int manager_set_mode(Manager *m, const char *full_name, Mode mode, const SetModeOptions *o, ManagerDone done,
                     void *userdata)
{
        PolicyEntry *e = g_hash_table_lookup(m->policies, full_name);
        Diag *d;

        if (!e)
                return -ENOENT;
        if (mode == MODE_BEHAVIOR_MODELING && o->duration_min == 0)
                return -EINVAL;
        if (o->audit_violations >= 0 && mode != MODE_ENHANCE_PROTECT)
                return -EINVAL;

        d = diag_new();
        if (strcmp(full_name, "stubborn") == 0)
                diag_error(d, NULL, "mode", "Nobody may switch it");
        if (e->state == POLICY_MODELING && mode != MODE_BEHAVIOR_MODELING) {
                diag_free(d);
                return answer_later(m, done, userdata, -EINPROGRESS, diag_new());
        }
        if (strcmp(full_name, "seccomp-only") == 0)
                diag_error(d, NULL, "not-enforceable", "Seccomp is not available");
        if (d->n_errors > 0)
                return answer_later(m, done, userdata, -EBADMSG, d);

        e->current->mode = mode;
        e->current->allow_violations = o->allow_violations == 1;
        e->mode_origin = o->persist ? MODE_FROM_PERSISTENT : MODE_FROM_RUNTIME;
        if (m->listener)
                m->listener->on_policy(e, POLICY_CHANGED, m->listener->userdata);
        return answer_later(m, done, userdata, 0, d);
}

int manager_reset_mode(Manager *m, const char *full_name, ManagerDone done, void *userdata)
{
        PolicyEntry *e = g_hash_table_lookup(m->policies, full_name);

        if (!e)
                return -ENOENT;
        e->current->mode = MODE_ENHANCE_PROTECT;
        e->current->allow_violations = false;
        e->mode_origin = MODE_FROM_FILE;
        return answer_later(m, done, userdata, 0, diag_new());
}

int manager_check(Manager *m, const char *text, size_t size, ManagerDone done, void *userdata)
{
        Diag *d = diag_new();

        if (strstr(text, "bad"))
                fake_diag(d, DIAG_ERROR, "document", 4, "unknown-key", "Found \"bad\"");
        diag_warning(d, NULL, "root", "A root workload");
        return answer_later(m, done, userdata, d->n_errors > 0 ? -EBADMSG : 0, d);
}

/* ---- driving it
 * ----------------------------------------------------------------------------------------------------- */

static void fire_alarm(Manager *m)
{
        static const uint8_t object[] = "/srv/secret/\xff\nkey";
        g_autoptr(GBytes) path = g_bytes_new_static(object, sizeof object - 1);
        const Alarm alarm = {
                .policy = (char *)"web",
                .mode = MODE_ENHANCE_PROTECT,
                .enforcers = 1U << ENFORCER_BPF,
                .action = ACTION_DENIED,
                .reason = REASON_RULE,
                .rule = (char *)"files[0]",
                .operation = (char *)"open",
                .requested = PERM_READ,
                .object = path,
                .cgroup = (char *)"/system.slice/nginx.service",
                .unit = (char *)"nginx.service",
                .pid = 4711,
                .uid = 33,
                .comm = "nginx",
                .count = 3,
        };

        m->listener->on_alarm(&alarm, m->listener->userdata);
}

/* "recorded" goes on, and is complete. */
static void fire_model(Manager *m)
{
        PolicyEntry *e = g_hash_table_lookup(m->policies, "recorded");

        e->recorded_ops = 400;
        e->recording_lost = 2;
        m->listener->on_model(e, false, m->listener->userdata);
        e->state = POLICY_COMPLETED;
        e->recorded_ops = 390;
        m->listener->on_model(e, true, m->listener->userdata);
        m->listener->on_policy(e, POLICY_CHANGED, m->listener->userdata);
}

bool fake_manager_command(Manager *m, const char *line)
{
        const char *argument = strchr(line, ' ') ? strchr(line, ' ') + 1 : "";

        if (g_str_has_prefix(line, "confined "))
                m->confined = g_intern_string(argument);
        else if (g_str_has_prefix(line, "disabled "))
                m->disabled = strcmp(argument, "yes") == 0;
        else if (g_str_has_prefix(line, "reload "))
                m->reload = g_intern_string(argument);
        else if (strcmp(line, "alarm") == 0)
                fire_alarm(m);
        else if (strcmp(line, "model") == 0)
                fire_model(m);
        else if (strcmp(line, "status") == 0) {
                m->counters.events_lost++;
                m->listener->on_status(m->listener->userdata);
        } else if (g_str_has_prefix(line, "add "))
                m->listener->on_policy(fake_add(m, argument, POLICY_ACTIVE, ""), POLICY_ADDED, m->listener->userdata);
        else if (g_str_has_prefix(line, "remove ")) {
                PolicyEntry *e = g_hash_table_lookup(m->policies, argument);
                g_hash_table_steal(m->policies, argument);
                m->listener->on_policy(e, POLICY_REMOVED, m->listener->userdata);
        } else
                return false;
        return true;
}

Manager *fake_manager_new(sd_event *event)
{
        Manager *m = g_new0(Manager, 1);

        m->policies = g_hash_table_new(g_str_hash, g_str_equal);
        m->diag = diag_new();
        m->confined = "no";
        m->reload = "good";
        fake_diag(m->diag, DIAG_WARNING, "/etc/varmor/varmor.yaml", 1, "old", "A warning");
        m->counters = (ManagerCounters){.alarms = 7};
        for (EnforcerKind k = 0; k < _ENFORCER_KIND_MAX; k++)
                m->enforcers[k] = (EnforcerInfo){.kind = k, .missing = (char *)"this version has none"};
        m->enforcers[ENFORCER_BPF] = (EnforcerInfo){.kind = ENFORCER_BPF, .available = true, .missing = (char *)""};
        g_queue_init(&m->pending);
        g_assert_cmpint(sd_event_add_defer(event, &m->defer, on_defer, m), >=, 0);
        g_assert_cmpint(sd_event_source_set_enabled(m->defer, SD_EVENT_OFF), >=, 0);
        m->rules = rule_infos_new();
        fake_catalogue(m);
        fake_populate(m);
        return m;
}
