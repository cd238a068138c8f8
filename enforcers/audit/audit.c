/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Audit: see audit.h. A record or an origin becomes an event for each of the policies that it is about. */

#include "audit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "identify.h"
#include "journal-stream.h"
#include "losses.h"
#include "pairs.h"
#include "stream.h"
#include "util.h"

/* Messages of one dispatch(). They are counted if they are alike, so that there may be many more than events. (The journal's take
 * too long for that.) */
#define READ_MAX 2048U

struct Audit {
        const AuditHooks *hooks;
        const EnforcerEnv *env;
        void *userdata;
        AuditStream *stream;    /* NULL: it cannot be had */
        JournalStream *journal; /* then; NULL: nor can this */
        AuditPairs *pairs;
        int epoll, timer;
        char *missing; /* of the stream */
        bool counts_losses;  /* the kernel's own; one of the enforcers does */
        AuditLosses losses;
        uint64_t lost_by_kernel; /* of @losses: while no origins came */
        uint64_t dropped_seen, dropped; /* of the socket: all, and those that somebody wanted */
};

static uint64_t now_usec(clockid_t clock)
{
        struct timespec ts;

        (void)clock_gettime(clock, &ts);
        return (uint64_t)ts.tv_sec * G_USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- events ---------------------------------------------------------------------------------------------------------- */

static void send(Audit *a, const EnforcerEvent *event)
{
        a->env->on_event(event, a->env->userdata);
}

static void begin_event(const Audit *a, const AuditRecord *r, const AuditWho *who, uint64_t count, EnforcerEvent *ret)
{
        *ret = (EnforcerEvent){
                .enforcer = a->hooks->enforcer,
                .rule = -1,
                .cgroup = "", /* not known, and not to be guessed */
                .time_usec = now_usec(CLOCK_BOOTTIME),
                .count = count,
                .pid = (pid_t)r->pid,
                .tid = who ? who->tid : (pid_t)r->pid,
                .uid = who ? who->uid : (uid_t)r->uid,
        };
        if (r->comm.data)
                memcpy(ret->comm, r->comm.data, MIN(r->comm.size, sizeof(ret->comm) - 1));
        if (who) {
                ret->cgroup = who->cgroup; /* if NULL, it is found by the id */
                ret->cgroup_id = who->cgroup_id;
        }
}

/* The policy in force that binds under the name @bind; NULL: none does. */
static const char *policy_of_bind_name(char **policies, const char *bind)
{
        for (char **p = policies; p && *p; p++) {
                g_autofree char *name = policy_bind_name(*p);

                if (strcmp(name, bind) == 0)
                        return *p;
        }
        return NULL;
}

/* "t1" of "varmor.BIND//t1"; NULL: it is in no child. */
static char *child_of(const AuditRecord *r, const char *bind)
{
        g_autofree char *profile = g_strndup(r->profile.data, r->profile.size), *prefix = g_strdup_printf("varmor.%s//", bind);
        const char *p = strstr(profile, prefix), *end;

        if (!p || p[strlen(prefix)] == '&')
                return NULL;
        p += strlen(prefix);
        end = strstr(p, "//");
        return end ? g_strndup(p, (gsize)(end - p)) : g_strdup(p);
}

static void tell_record(Audit *a, const AuditRecord *r, const AuditWho *who, uint64_t count)
{
        g_auto(AuditWords) words = {0};
        g_auto(GStrv) binds = audit_bind_names(r), policies = NULL;
        g_autofree char *cgroup = NULL;
        EnforcerEvent event;

        if (!*binds || audit_words(r, &words) < 0)
                return;
        policies = a->hooks->policies(a->userdata);
        begin_event(a, r, who, count, &event);
        if (!who && audit_identify(r, &cgroup) >= 0)
                event.cgroup = cgroup;
        event.operation = words.operation;
        event.kind = words.kind;
        event.requested = words.requested;
        event.object = g_bytes_get_data(words.object, &event.object_size);
        if (words.object2)
                event.object2 = g_bytes_get_data(words.object2, &event.object2_size);
        for (char **b = binds; *b; b++) {
                g_autofree char *child = child_of(r, *b), *rule_name = NULL, *gone = g_strdelimit(g_strdup(*b), "+", '/');
                EnforcerEvent one = event;

                one.policy = policy_of_bind_name(policies, *b);
                one.action = words.action;
                one.reason = words.reason;
                if (one.policy && !a->hooks->explain(a->userdata, &words, child, &one, &rule_name))
                        continue;
                if (!one.policy)
                        one.policy = gone; /* taken out of force in the meantime */
                one.rule_name = rule_name;
                send(a, &one);
        }
}

static char *name_call(const Audit *a, const AuditCall *call)
{
        char *name = a->hooks->syscall_name(call->arch, call->syscall);

        return name ? name : g_strdup_printf("#%" G_GINT32_FORMAT, call->syscall);
}

static void name_what(EnforcerEvent *event, const AuditCall *call, const char *name)
{
        event->operation = "syscall";
        event->kind = OP_SYSCALL;
        event->object = (const uint8_t *)name;
        event->object_size = strlen(name);
        event->reason = REASON_RULE;
        event->action = (call->code & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_LOG ? ACTION_AUDIT : ACTION_DENIED;
}

/* Tells of @call for each of @policies that has a rule which does that. A process may still be under a filter from before the
 * last change, so that none has; but nobody else's filter denies and has it logged. */
static void tell_call(Audit *a, const AuditCall *call, const EnforcerEvent *event, char **policies)
{
        g_auto(GStrv) in_force = a->hooks->policies(a->userdata);
        bool explained = false, ours = (call->code & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
        const char *first = NULL;
        EnforcerEvent one;

        for (char **p = policies; p && *p; p++) {
                g_autofree char *rule_name = NULL;
                bool quiet = false;

                if (!g_strv_contains((const char *const *)in_force, *p))
                        continue;
                if (!first)
                        first = *p;
                one = *event;
                one.policy = *p;
                if (!a->hooks->explain_call(a->userdata, call, &one, &rule_name, &quiet))
                        continue;
                explained = true;
                one.rule_name = rule_name;
                if (!quiet)
                        send(a, &one);
        }
        if (explained || !ours || !first)
                return;
        one = *event;
        one.policy = first;
        send(a, &one);
}

/* Nobody knows who it was. If one policy alone does that, it is its; else the rule names all of them. */
static void tell_unknown_call(Audit *a, const AuditCall *call, EnforcerEvent *event)
{
        g_auto(GStrv) in_force = a->hooks->policies(a->userdata);
        g_autoptr(GString) rules = g_string_new(NULL);
        g_autofree char *rule_name = NULL;
        EnforcerEvent found = *event;
        unsigned n = 0;

        for (char **p = in_force; *p; p++) {
                g_autofree char *name = NULL;
                EnforcerEvent one = *event;
                bool quiet = false;

                one.policy = *p;
                if (!a->hooks->explain_call(a->userdata, call, &one, &name, &quiet) || quiet)
                        continue;
                g_string_append_printf(rules, "%s%s", n > 0 ? ", " : "", *p);
                if (n++ == 0) {
                        found = one;
                        g_free(rule_name);
                        rule_name = g_steal_pointer(&name);
                }
        }
        if (n == 0)
                return; /* somebody else's filter, or not to be told */
        found.rule_name = rule_name;
        if (n > 1) {
                found.policy = "?";
                found.rule = -1;
                found.rule_name = rules->str;
                found.digest[0] = '\0';
        }
        send(a, &found);
}

static void tell_call_record(Audit *a, const AuditRecord *r, uint64_t count)
{
        const AuditCall call = {.syscall = (int32_t)r->syscall, .arch = (uint32_t)r->arch, .code = (uint32_t)r->code};
        g_autofree char *cgroup = NULL, *name = name_call(a, &call);
        g_auto(GStrv) policies = NULL;
        EnforcerEvent event;

        begin_event(a, r, NULL, count, &event);
        name_what(&event, &call, name);
        if (audit_identify(r, &cgroup) < 0) {
                tell_unknown_call(a, &call, &event);
                return;
        }
        event.cgroup = cgroup;
        policies = a->hooks->cover(a->userdata, cgroup);
        tell_call(a, &call, &event, policies);
}

static void on_record(const AuditRecord *r, const AuditWho *who, uint64_t count, void *userdata)
{
        Audit *a = userdata;

        if (r->type == AUDIT_AVC)
                tell_record(a, r, who, count);
        else
                tell_call_record(a, r, count);
}

static void tell_call_origin(Audit *a, const AuditOrigin *o)
{
        const AuditCall call = {.syscall = o->syscall, .arch = o->arch, .code = o->code, .args = o->args};
        g_autofree char *name = name_call(a, &call);
        EnforcerEvent event = {
                .enforcer = a->hooks->enforcer,
                .rule = -1,
                .cgroup = o->cgroup,
                .cgroup_id = o->cgroup_id,
                .time_usec = o->time_usec,
                .count = o->count,
                .pid = o->pid,
                .tid = o->tid,
                .uid = o->uid,
        };

        memcpy(event.comm, o->comm, sizeof(event.comm));
        name_what(&event, &call, name);
        tell_call(a, &call, &event, (char **)o->policies);
}

/* ---- the stream ---------------------------------------------------------------------------------------------------------- */

static uint32_t record_type(const Audit *a)
{
        return a->hooks->enforcer == ENFORCER_SECCOMP ? AUDIT_SECCOMP : AUDIT_AVC;
}

static bool has_apparmor(void)
{
        g_autofree char *enabled = NULL;

        return g_file_get_contents("/sys/module/apparmor/parameters/enabled", &enabled, NULL, NULL) && *enabled == 'Y';
}

static int watch_fd(const Audit *a, int fd)
{
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

        return RET_ERRNO(epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &event));
}

static int open_all(Audit *a, Diag *d)
{
        int r;

        a->epoll = RET_ERRNO(epoll_create1(EPOLL_CLOEXEC));
        if (a->epoll < 0)
                return a->epoll;
        a->timer = RET_ERRNO(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        if (a->timer < 0)
                return a->timer;
        r = watch_fd(a, a->timer);
        if (r < 0)
                return r;
        r = audit_stream_open(record_type(a), &a->stream, d);
        return r < 0 ? r : watch_fd(a, audit_stream_fd(a->stream));
}

static char *say(const Diag *d, int error)
{
        const DiagMessage *last = d->messages->len > 0 ? d->messages->pdata[d->messages->len - 1] : NULL;

        return g_strdup(last ? last->text : g_strerror(-error));
}

/* @why is taken. */
static void lose_journal(Audit *a, char *why)
{
        g_autofree char *stream = g_steal_pointer(&a->missing);

        g_clear_pointer(&a->journal, journal_stream_close);
        a->missing = g_strdup_printf("%s; %s", stream, why);
        g_free(why);
}

static void fall_back(Audit *a)
{
        g_autoptr(Diag) d = diag_new();
        int r = journal_stream_open(record_type(a), &a->journal, d);

        if (r >= 0)
                r = watch_fd(a, journal_stream_fd(a->journal));
        if (r < 0)
                lose_journal(a, say(d, r));
}

Audit *audit_new(const AuditHooks *hooks, const EnforcerEnv *env, void *userdata)
{
        Audit *a = g_new0(Audit, 1);
        g_autoptr(Diag) d = diag_new();
        int r;

        a->hooks = hooks;
        a->env = env;
        a->userdata = userdata;
        a->epoll = a->timer = -EBADF;
        a->pairs = audit_pairs_new(record_type(a), on_record, a);
        a->counts_losses = hooks->enforcer == ENFORCER_APPARMOR || !has_apparmor();
        r = open_all(a, d);
        if (r < 0)
                a->missing = say(d, r);
        if (r == -EPERM) /* else the journal would have none either */
                fall_back(a);
        if (a->counts_losses)
                audit_losses_poll(&a->losses);
        return a;
}

void audit_free(Audit *a)
{
        if (!a)
                return;
        audit_stream_close(a->stream);
        journal_stream_close(a->journal);
        audit_pairs_free(a->pairs);
        a->epoll = fd_close(a->epoll);
        a->timer = fd_close(a->timer);
        g_free(a->missing);
        g_free(a);
}

const char *audit_missing(const Audit *a)
{
        return a->journal ? NULL : a->missing;
}

const char *audit_fallen_back(const Audit *a)
{
        return a->journal ? a->missing : NULL;
}

int audit_fd(const Audit *a)
{
        return a->epoll;
}

/* The timer stands where the pairs want it, or at once. */
static void arm(const Audit *a, bool at_once)
{
        uint64_t next = at_once ? 1 : audit_pairs_next(a->pairs);
        struct itimerspec t = {0};

        if (next != UINT64_MAX) {
                next = MAX(next, 1);
                t.it_value = (struct timespec){.tv_sec = (time_t)(next / G_USEC_PER_SEC), .tv_nsec = (long)(next % G_USEC_PER_SEC) * 1000};
        }
        if (a->timer >= 0)
                (void)timerfd_settime(a->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

static void on_message(const char *text, size_t size, void *userdata)
{
        Audit *a = userdata;

        audit_pairs_record(a->pairs, text, size, now_usec(CLOCK_MONOTONIC));
}

int audit_dispatch(Audit *a, unsigned max)
{
        uint64_t expirations;
        int r = 0;

        if (a->timer >= 0)
                (void)!read(a->timer, &expirations, sizeof(expirations));
        if (a->stream)
                r = audit_stream_read(a->stream, READ_MAX, on_message, a);
        else if (a->journal)
                r = journal_stream_read(a->journal, max, on_message, a);
        if (r < 0 && a->journal)
                lose_journal(a, g_strdup_printf("the journal cannot be read any more: %s", g_strerror(-r)));
        audit_pairs_expire(a->pairs, max, now_usec(CLOCK_MONOTONIC));
        arm(a, r > 0);
        return MIN(r, 0);
}

int audit_repeats(Audit *a)
{
        return 0; /* those that are alike are handed out with their number */
}

void audit_tidy(Audit *a)
{
        uint64_t before = a->losses.count;

        if ((!a->stream && !a->journal) || !a->counts_losses)
                return;
        audit_losses_poll(&a->losses);
        if (!audit_pairs_is_watched(a->pairs))
                a->lost_by_kernel += a->losses.count - before;
}

static void count_dropped(Audit *a)
{
        uint64_t now = a->stream ? audit_stream_lost(a->stream) : 0;

        if (record_type(a) == AUDIT_AVC || !audit_pairs_is_watched(a->pairs))
                a->dropped += now - a->dropped_seen;
        a->dropped_seen = now;
}

void audit_counters(Audit *a, EnforcerCounters *ret)
{
        count_dropped(a);
        /* What did not fit into the socket is among what lacks, where that is counted; and it may be of others. */
        ret->events_lost = MAX(audit_pairs_lost(a->pairs), a->dropped) + a->lost_by_kernel;
}

void audit_watched(Audit *a, bool yes)
{
        count_dropped(a);
        audit_pairs_watched(a->pairs, yes, now_usec(CLOCK_MONOTONIC));
        arm(a, false);
}

void audit_origin(Audit *a, const AuditOrigin *o)
{
        if (o->type != record_type(a))
                return;
        if (o->type == AUDIT_SECCOMP)
                tell_call_origin(a, o);
        else
                audit_pairs_origin(a->pairs, o, now_usec(CLOCK_MONOTONIC));
        arm(a, false);
}
