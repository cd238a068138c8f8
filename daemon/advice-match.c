/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Advice: would a recorded operation be denied? Each is put into the words of the enforcer's own profile (enforcers/bpf/abi.h; the
 * numbers and arguments of system calls), and looked up there. AppArmor's rules mean what BPF's mean, by the same table. */

#include <string.h>
#include <sys/socket.h>

#include "advice.h"
#include "apparmor/compile.h"
#include "bpf/compile.h"
#include "bpf/table.h"
#include "facts.h"

typedef struct Match {
        const Policy *policy;
        const Model *model;
        AdvicePart *out;
        const struct va_table *table;
        TablePlace elsewhere;  /* within a directory that no rule names */
        const ModelOp *op;     /* at hand */
        bool hit, maybe;       /* what is known of it so far */
} Match;

void advice_part_done(AdvicePart *p)
{
        g_clear_pointer(&p->cases, g_array_unref);
        g_clear_pointer(&p->why, g_free);
}

static void put_case(Match *m)
{
        AdviceCase c = {.op = m->op, .maybe = !m->hit};

        if (m->hit || m->maybe)
                g_array_append_val(m->out->cases, c);
}

/* ---- what the model knows ------------------------------------------------------------------------------------------------- */

static bool looked_for(const Model *m, ModelKind k)
{
        for (guint i = 0; i < m->sources->len; i++)
                if (!(((const ModelSource *)m->sources->pdata[i])->kinds >> k & 1))
                        return false;
        return m->sources->len > 0;
}

bool advice_knows(const Model *m, ModelKind k)
{
        return looked_for(m, k) && model_lost(m, k) == 0;
}

/* What of @m bears on operations of class @k, as they may be recorded. */
static uint32_t kinds_of(OpKind k)
{
        static const uint32_t kinds[_OP_KIND_MAX] = {
                [OP_FILE] = 1U << MODEL_FILE | 1U << MODEL_EXEC | 1U << MODEL_EGRESS_UNIX | 1U << MODEL_INGRESS_UNIX | 1U << MODEL_MOUNT,
                [OP_CAPABILITY] = 1U << MODEL_CAPABILITY,
                [OP_SOCKET] = 1U << MODEL_SOCKET,
                [OP_EGRESS] = 1U << MODEL_EGRESS | 1U << MODEL_EGRESS_UNIX | 1U << MODEL_SOCKET,
                [OP_INGRESS] = 1U << MODEL_INGRESS | 1U << MODEL_INGRESS_UNIX,
                [OP_PTRACE] = 1U << MODEL_PTRACE,
                [OP_SIGNAL] = 1U << MODEL_SIGNAL,
                [OP_MOUNT] = 1U << MODEL_MOUNT,
                [OP_USERNS] = 1U << MODEL_USERNS,
                [OP_BPF] = 1U << MODEL_BPF,
                [OP_SYSCALL] = 1U << MODEL_SYSCALL,
                [OP_NAMED] = 1U << MODEL_NAMED,
        };

        return kinds[k];
}

char *advice_why_unknown(const Model *m, uint32_t kinds)
{
        for (int k = 0; k < _MODEL_KIND_MAX; k++) {
                if (!(kinds >> k & 1))
                        continue;
                if (!looked_for(m, (ModelKind)k))
                        return g_strdup_printf("operations of the kind %s were not recorded", model_kind_to_string((ModelKind)k));
                if (model_lost(m, (ModelKind)k) > 0)
                        return g_strdup_printf("%" G_GUINT64_FORMAT " operations of the kind %s were lost", model_lost(m, (ModelKind)k),
                                               model_kind_to_string((ModelKind)k));
        }
        return NULL;
}

/* ---- objects ------------------------------------------------------------------------------------------------------------------ */

static uint8_t denied(const Match *m, uint32_t kind, const char *object)
{
        const struct va_accept *a = table_match(m->table, kind, 0, object);

        return a ? a->deny : 0;
}

static void ask(Match *m, uint32_t kind, uint64_t perms, const char *object)
{
        m->hit |= (denied(m, kind, object) & perms) != 0;
}

static unsigned bit_of(uint64_t bits, unsigned otherwise)
{
        return bits ? (unsigned)__builtin_ctzll(bits) : otherwise;
}

static TablePlace place_in(const struct va_table *t, const char *directory)
{
        g_autofree char *path = g_strconcat(directory, "/", NULL);

        return table_walk(t, (TablePlace){.state = t->start[VA_KIND_FILE][0]}, path, strlen(path));
}

/* Would what is below @path be under other rules elsewhere? Then it must not get another name. */
static bool holds_rules(const Match *m, const char *path)
{
        TablePlace p = place_in(m->table, strcmp(path, "/") == 0 ? "" : path);

        return table_reaches(m->table, p) && (p.state != m->elsewhere.state || p.tail != m->elsewhere.tail);
}

/* A device file may be a disk's under another name, unless it is one of these. */
static bool may_be_disk(const char *path)
{
        static const char *const others[] = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console", "kmsg", "log", "fuse"};
        static const char *const below[] = {"/dev/pts/", "/dev/shm/", "/dev/mqueue/", "/dev/hugepages/"};

        if (!g_str_has_prefix(path, "/dev/"))
                return false;
        for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
                if (strcmp(path + strlen("/dev/"), others[i]) == 0)
                        return false;
        for (size_t i = 0; i < G_N_ELEMENTS(below); i++)
                if (g_str_has_prefix(path, below[i]))
                        return false;
        return true;
}

static bool is_known(const Match *m, ModelKind k, const char *path)
{
        return model_find(m->model, &(ModelOp){.kind = k, .object = (char *)path}) != NULL;
}

/* Files of the kernel's own file systems are not renamed; and a write to a socket's file was to connect, or to bind. */
static bool may_be_renamed(const Match *m, const char *path, uint64_t perms)
{
        if (g_str_has_prefix(path, "/proc/") || g_str_has_prefix(path, "/sys/"))
                return false;
        return perms & PERM_READ || (!is_known(m, MODEL_EGRESS_UNIX, path) && !is_known(m, MODEL_INGRESS_UNIX, path));
}

static void ask_file(Match *m, const char *path, uint64_t perms)
{
        uint8_t deny = denied(m, VA_KIND_FILE, path);

        m->hit |= (deny & perms) != 0;
        if (*path != '/')
                m->maybe = true;
        /* A write may have been a rename, which is denied where that name's rules would no longer hold. */
        if (perms & PERM_WRITE && may_be_renamed(m, path, perms))
                m->maybe |= (deny & (PERM_READ | PERM_EXEC)) != 0 || holds_rules(m, path);
        if (may_be_disk(path))
                m->maybe |= (denied(m, VA_KIND_DEVICE, FACTS_DEVICE_UNKNOWN) & perms) != 0;
}

static void ask_socket(Match *m)
{
        uint64_t p = m->op->protocol;
        g_autofree char *object = g_strdup_printf("/%02x/%x/%c", bit_of(m->op->family, 63), bit_of(m->op->type, 15),
                                                  p & PROTOCOL_ICMP ? 'i' : p & PROTOCOL_TCP ? 't' : p & PROTOCOL_UDP ? 'u' : 'o');

        ask(m, VA_KIND_SOCKET, 1, object);
}

/* Whether an address is the host's own is not in the model. */
static void ask_address(Match *m, uint32_t kind)
{
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
        bool four = m->op->family == UINT64_C(1) << AF_INET;
        const uint8_t *bytes = m->op->address;
        g_autoptr(GString) s = NULL;

        if (!four && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
                four = true;
                bytes += sizeof(mapped);
        }
        s = g_string_new(four ? "/4/" : "/6/");
        for (unsigned i = 0; i < (four ? 4 : 16); i++)
                g_string_append_printf(s, "%02x", bytes[i]);
        g_string_append_printf(s, "/%04x/-", (unsigned)m->op->port);
        ask(m, kind, 1, s->str);
        s->str[s->len - 1] = 'h';
        ask(m, kind, 1, s->str);
        /* The kernel chose: any. */
        if (kind == VA_KIND_INGRESS && m->op->port == 0)
                m->maybe |= m->table->kinds >> VA_KIND_INGRESS & 1;
}

static void ask_unix(Match *m, uint32_t kind)
{
        g_autofree char *object = *m->op->object == '/' ? g_strdup(m->op->object) : g_strconcat("/", m->op->object, NULL);

        ask(m, kind, 1, object);
        /* To connect to a socket file is to write to it, and to bind one is to make it. */
        if (*m->op->object == '/')
                ask(m, VA_KIND_FILE, PERM_WRITE, m->op->object);
}

/* The words that say that another is absent. */
static uint64_t with_opposites(uint64_t words)
{
        static const MountWord pairs[][2] = {
                {MOUNT_RO, MOUNT_RW}, {MOUNT_NOSUID, MOUNT_SUID}, {MOUNT_NODEV, MOUNT_DEV}, {MOUNT_NOEXEC, MOUNT_EXEC},
                {MOUNT_SYNC, MOUNT_ASYNC}, {MOUNT_MAND, MOUNT_NOMAND}, {MOUNT_NOATIME, MOUNT_ATIME},
                {MOUNT_NODIRATIME, MOUNT_DIRATIME}, {MOUNT_SILENT, MOUNT_LOUD}, {MOUNT_RELATIME, MOUNT_NORELATIME},
                {MOUNT_IVERSION, MOUNT_NOIVERSION}, {MOUNT_STRICTATIME, MOUNT_NOSTRICTATIME},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++)
                if (!(words >> pairs[i][0] & 1))
                        words |= UINT64_C(1) << pairs[i][1];
        return words;
}

#define BIT(w) (UINT64_C(1) << MOUNT_##w)
#define NOT_NEW                                                                                                          \
        (BIT(REMOUNT) | BIT(BIND) | BIT(RBIND) | BIT(MOVE) | BIT(UMOUNT) | BIT(UNBINDABLE) | BIT(PRIVATE) | BIT(SLAVE) | \
         BIT(SHARED) | BIT(RUNBINDABLE) | BIT(RPRIVATE) | BIT(RSLAVE) | BIT(RSHARED))

static void ask_mount(Match *m)
{
        const char *type = m->op->second && *m->op->second ? m->op->second : "none", *source = m->op->object ?: "";
        uint64_t words = m->op->flags & BIT(UMOUNT) ? m->op->flags : with_opposites(m->op->flags);

        for (int i = 0; i < VA_MOUNT_WORDS; i++) {
                g_autofree char *object = g_strdup_printf("/%c/%s%s%s", VA_MOUNT_LETTERS[i], type, *source == '/' ? "" : ":/", source);

                if (words >> i & 1)
                        ask(m, VA_KIND_MOUNT, 1, object);
        }
        if (!(words & NOT_NEW) && *source == '/') {
                g_autofree char *device = g_strdup_printf("/%c/%s" FACTS_DEVICE_UNKNOWN, VA_MOUNT_LETTERS[VA_MOUNT_DEVICE], type);

                m->maybe |= denied(m, VA_KIND_MOUNT, device) != 0;
        }
        /* What is mounted elsewhere has another name there. */
        if (words & (BIT(BIND) | BIT(RBIND) | BIT(MOVE)) && *source == '/')
                m->maybe |= holds_rules(m, source) || denied(m, VA_KIND_FILE, source);
}

static void ask_process(Match *m, uint32_t kind, uint64_t perms)
{
        g_autofree char *object = g_strdup_printf("/%c/%s", m->op->outside ? 'o' : 'i', m->op->object ?: "");

        ask(m, kind, perms, object);
}

static void ask_number(Match *m, uint32_t kind)
{
        g_autofree char *object = g_strdup_printf("/%02x", bit_of(m->op->number, 63));

        ask(m, kind, 1, object);
}

static void ask_op(Match *m)
{
        const ModelOp *o = m->op;

        switch (o->kind) {
        case MODEL_EXEC:
                ask_file(m, o->object, PERM_EXEC);
                break;
        case MODEL_FILE:
                ask_file(m, o->object, o->perms | o->owner_perms);
                break;
        case MODEL_CAPABILITY:
                ask_number(m, VA_KIND_CAPABILITY);
                break;
        case MODEL_SOCKET:
                ask_socket(m);
                break;
        case MODEL_EGRESS:
                ask_address(m, VA_KIND_EGRESS);
                break;
        case MODEL_INGRESS:
                ask_address(m, VA_KIND_INGRESS);
                break;
        case MODEL_EGRESS_UNIX:
                ask_unix(m, VA_KIND_EGRESS_UNIX);
                break;
        case MODEL_INGRESS_UNIX:
                ask_unix(m, VA_KIND_INGRESS_UNIX);
                break;
        case MODEL_PTRACE:
                ask_process(m, VA_KIND_PTRACE, o->perms);
                break;
        case MODEL_SIGNAL:
                ask_process(m, VA_KIND_SIGNAL, 1);
                break;
        case MODEL_MOUNT:
                ask_mount(m);
                break;
        case MODEL_BPF:
                ask_number(m, VA_KIND_BPF);
                break;
        case MODEL_USERNS:
                ask(m, VA_KIND_USERNS, 1, "/user");
                break;
        case MODEL_NAMED:
                ask_number(m, VA_KIND_NAMED);
                break;
        case MODEL_SYSCALL:
                /* io_uring under registered credentials is refused to whom a rule of capabilities holds for. */
                m->maybe |= m->table->capabilities && strcmp(o->object, "io_uring_register") == 0;
                break;
        default:
                m->maybe = true;
        }
}

/* ---- the rules of a policy by one enforcer ------------------------------------------------------------------------------------ */

static bool carries(EnforcerKind e, const Rule *r)
{
        uint32_t kinds = e == ENFORCER_APPARMOR ? APPARMOR_KINDS : BPF_KINDS;

        return (!r->only || r->only & 1U << e) && kinds >> r->kind & 1;
}

static void ask_all(Match *m)
{
        const Model *model = m->model;

        m->elsewhere = place_in(m->table, "/\x01");
        for (guint i = 0; i < model->ops->len; i++) {
                m->op = model->ops->pdata[i];
                m->hit = m->maybe = false;
                ask_op(m);
                put_case(m);
        }
}

static void match_objects(Match *m, EnforcerKind e)
{
        g_autoptr(Policy) p = policy_new();
        g_autoptr(Profile) profile = NULL;
        g_autoptr(Diag) d = diag_new();
        uint32_t kinds = 0;

        p->mode = MODE_ENHANCE_PROTECT;
        p->privileged = true;
        p->enforcers = 1U << ENFORCER_BPF;
        for (guint i = 0; i < m->policy->rules->len; i++) {
                const Rule *r = m->policy->rules->pdata[i];
                Rule *copy;

                if (!carries(e, r))
                        continue;
                if (r->kind == OP_TEXT) {
                        m->out->why = g_strdup("it has a text in AppArmor's language, which only AppArmor understands");
                        return;
                }
                copy = rule_dup(r);
                copy->only = 0;
                /* Who executes what is not judged here: for everybody is for those as well. */
                g_clear_pointer(&copy->targets, g_strfreev);
                g_ptr_array_add(p->rules, copy);
                kinds |= kinds_of(r->kind);
        }
        if (p->rules->len == 0)
                return;
        m->out->why = advice_why_unknown(m->model, kinds);
        if (bpf_compile(p, &profile, d) < 0) {
                g_free(m->out->why);
                m->out->why = g_strdup("it is too large to be judged");
                return;
        }
        if (profile_is_empty(profile))
                return;
        m->table = g_bytes_get_data(profile->blob, NULL);
        ask_all(m);
}

void advice_match(const Policy *p, EnforcerKind e, const Model *model, AdvicePart *ret)
{
        Match m = {.policy = p, .model = model, .out = ret};

        ret->cases = g_array_new(FALSE, FALSE, sizeof(AdviceCase));
        ret->why = NULL;
        if (e == ENFORCER_SECCOMP)
                advice_match_syscalls(p, model, ret);
        else
                match_objects(&m, e);
}
