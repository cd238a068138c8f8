/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text: each kind of rule in AppArmor's words. */

#include "text.h"

#include <linux/capability.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "aare.h"

#define BIT(n) (UINT64_C(1) << (n))

static const char *words_of(RuleEffect e)
{
        if (e.deny)
                return e.log ? "audit deny " : "deny ";
        return e.log ? "audit " : "";
}

/* ---- lines -------------------------------------------------------------------------------------------------------- */

static void note_line(AaText *t, AaLineKind kind, uint32_t rule)
{
        const AaLine l = {.line = t->line, .kind = kind, .rule = rule};
        const AaLine *last = t->lines->len > 0 ? &g_array_index(t->lines, AaLine, t->lines->len - 1) : NULL;

        if (kind == AA_LINE_USERNS || kind == AA_LINE_TEXT || !last || last->kind != kind || last->rule != rule)
                g_array_append_val(t->lines, l);
}

void aa_text_line(AaText *t, AaLineKind kind, uint32_t rule, const char *format, ...)
{
        va_list args;

        note_line(t, kind, rule);
        va_start(args, format);
        g_string_append_vprintf(t->s, format, args);
        va_end(args);
        g_string_append_c(t->s, '\n');
        t->line++;
}

void aa_text_block(AaText *t, uint32_t rule, const char *text)
{
        note_line(t, AA_LINE_TEXT, rule);
        g_string_append(t->s, text);
        for (; *text; text++)
                t->line += *text == '\n';
        if (t->s->len > 0 && t->s->str[t->s->len - 1] != '\n') {
                g_string_append_c(t->s, '\n');
                t->line++;
        }
}

/* ---- other processes ------------------------------------------------------------------------------------------------ */

char *aa_inside(const char *name)
{
        g_autoptr(GString) n = g_string_new(NULL);

        aare_append_literal(n, name);
        return g_strdup_printf("\"{%s{,//**},**//&%s{,//**}}\"", n->str, n->str);
}

/* Everything that differs from @name at some byte, or ends before, or goes on as no child of it does. Labels that hold
 * @name behind another profile are among them: they can only be told apart by what is allowed. */
char *aa_outside(const char *name)
{
        g_autoptr(GString) begin = g_string_new(NULL);
        GString *s = g_string_new("\"{");
        char one[2] = {0};

        for (const char *p = name; *p; p++) {
                if (p > name)
                        g_string_append_printf(s, "%s,", begin->str);
                one[0] = *p;
                g_string_append_printf(s, "%s[^%s%s]**,", begin->str, *p == '-' ? "\\" : "", one);
                aare_append_literal(begin, one);
        }
        g_string_append_printf(s, "%s[^/]**,%s/,%s/[^/]**}\"", begin->str, begin->str, begin->str);
        return g_string_free(s, FALSE);
}

static const struct {
        uint32_t perm;
        const char *word;
} ptrace_words[] = {
        {PTRACE_PERM_TRACE, "trace"}, {PTRACE_PERM_READ, "read"},
        {PTRACE_PERM_TRACEBY, "tracedby"}, {PTRACE_PERM_READBY, "readby"},
};

/* Every signal but "exists": to ask whether a process is there sends nothing, and is no signal to other enforcers. */
#define SENT \
        "set=(hup,int,quit,ill,trap,abrt,bus,fpe,kill,usr1,segv,usr2,pipe,alrm,term,stkflt,chld,cont,stop,stp,ttin,ttou,urg,xcpu,"      \
        "xfsz,vtalrm,prof,winch,io,pwr,sys,emt,rtmin+0,rtmin+1,rtmin+2,rtmin+3,rtmin+4,rtmin+5,rtmin+6,rtmin+7,rtmin+8,rtmin+9,"      \
        "rtmin+10,rtmin+11,rtmin+12,rtmin+13,rtmin+14,rtmin+15,rtmin+16,rtmin+17,rtmin+18,rtmin+19,rtmin+20,rtmin+21,rtmin+22,"       \
        "rtmin+23,rtmin+24,rtmin+25,rtmin+26,rtmin+27,rtmin+28,rtmin+29,rtmin+30,rtmin+31,rtmin+32)"

static char *ptrace_list(uint32_t perms)
{
        GString *s = g_string_new("(");

        for (size_t i = 0; i < G_N_ELEMENTS(ptrace_words); i++)
                if (perms & ptrace_words[i].perm)
                        g_string_append_printf(s, "%s%s", s->len > 1 ? ", " : "", ptrace_words[i].word);
        g_string_append_c(s, ')');
        return g_string_free(s, FALSE);
}

void aa_text_peers(AaText *t, const AaPeers *peers)
{
        uint32_t everywhere = PTRACE_PERM_ALL & ~peers->outside;

        if (peers->outside) {
                g_autofree char *free = ptrace_list(everywhere), *within = ptrace_list(peers->outside);

                if (everywhere)
                        aa_text_line(t, AA_LINE_OURS, AA_NO_RULE, "  ptrace %s,", free);
                aa_text_line(t, AA_LINE_OURS, AA_NO_RULE, "  ptrace %s peer=%s,", within, t->inside);
        } else
                aa_text_line(t, AA_LINE_OURS, AA_NO_RULE, "  ptrace,");
        if (peers->quiet) {
                g_autofree char *quiet = ptrace_list(peers->quiet);

                aa_text_line(t, AA_LINE_OURS, AA_NO_RULE, "  deny ptrace %s peer=unconfined,", quiet);
        }
        if (peers->signals) {
                aa_text_line(t, AA_LINE_OURS, AA_NO_RULE, "  signal (receive),");
                aa_text_line(t, AA_LINE_OURS, AA_NO_RULE, "  signal (send) set=(exists),");
                aa_text_line(t, AA_LINE_OURS, AA_NO_RULE, "  signal (send) peer=%s,", t->inside);
                if (peers->signals_quiet)
                        aa_text_line(t, AA_LINE_OURS, AA_NO_RULE, "  deny signal (send) " SENT " peer=unconfined,");
        } else
                aa_text_line(t, AA_LINE_OURS, AA_NO_RULE, "  signal,");
}

static void add_ptrace(AaText *t, const Rule *r, uint32_t i, RuleEffect e, AaPeers *peers)
{
        uint32_t perms = r->ptrace.perms & PTRACE_PERM_ALL;
        g_autofree char *list = ptrace_list(perms);

        if (r->ptrace.strict)
                aa_text_line(t, AA_LINE_RULE, i, "  %sptrace %s,", words_of(e), list);
        else if (!e.deny)
                aa_text_line(t, AA_LINE_RULE, i, "  %sptrace %s peer=%s,", words_of(e), list, t->outside);
        else {
                /* What nothing allows is denied and reported, and needs no expression for "everybody else". */
                aa_text_line(t, AA_LINE_RULE, i, "  # %sptrace %s of others: see what is allowed", words_of(e), list);
                peers->outside |= perms;
                peers->quiet = e.log ? peers->quiet & ~perms : peers->quiet | perms;
        }
}

static void add_signal(AaText *t, const Rule *r, uint32_t i, RuleEffect e, AaPeers *peers)
{
        if (r->signal.strict)
                aa_text_line(t, AA_LINE_RULE, i, "  %ssignal (send) " SENT ",", words_of(e));
        else if (!e.deny)
                aa_text_line(t, AA_LINE_RULE, i, "  %ssignal (send) " SENT " peer=%s,", words_of(e), t->outside);
        else {
                aa_text_line(t, AA_LINE_RULE, i, "  # %ssignal to others: see what is allowed", words_of(e));
                peers->signals = true;
                peers->signals_quiet = !e.log;
        }
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

/* To write is also to link into place; what may not be executed may not be mapped to be executed. */
static char *file_words(uint32_t perms, RuleEffect e)
{
        return g_strconcat(perms & PERM_READ ? e.allow ? "rk" : "r" : "", perms & PERM_WRITE ? "w" : perms & PERM_APPEND ? "a" : "",
                           perms & PERM_WRITE && !e.allow ? "l" : "", perms & PERM_EXEC ? "m" : "",
                           perms & PERM_EXEC && !e.allow ? e.deny ? "x" : "ix" : "", NULL);
}

/* At such a path another profile begins: what happens to an exec there is said in one line. */
static bool begins_profile(const AaText *t, const char *expression)
{
        return t->exact && g_hash_table_contains(t->exact, expression);
}

static void add_file(AaText *t, const Rule *r, uint32_t i, RuleEffect e)
{
        g_autoptr(GPtrArray) expressions = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *words = file_words(r->file.perms, e);

        for (char **p = r->file.patterns; p && *p; p++)
                (void)aare_from_pattern(*p, expressions);
        for (guint k = 0; *words && k < expressions->len; k++) {
                g_autofree char *other = NULL;
                const char *w = words;

                if (!e.deny && r->file.perms & PERM_EXEC && begins_profile(t, expressions->pdata[k])) {
                        other = file_words(r->file.perms & ~PERM_EXEC, e);
                        w = other;
                        g_hash_table_insert(t->exact, g_strdup(expressions->pdata[k]), GINT_TO_POINTER(1));
                }
                if (*w)
                        aa_text_line(t, AA_LINE_RULE, i, "  %s%s %s,", words_of(e), (char *)expressions->pdata[k], w);
        }
}

/* ---- capabilities, sockets -------------------------------------------------------------------------------------------- */

static void add_capabilities(AaText *t, const Rule *r, uint32_t i, RuleEffect e)
{
        g_autofree char *names = NULL;

        if (r->capabilities == UINT64_MAX) {
                aa_text_line(t, AA_LINE_RULE, i, "  %scapability,", words_of(e));
                return;
        }
        names = words_format(capability_words, r->capabilities & (BIT(CAP_LAST_CAP + 1) - 1), " ");
        if (*names)
                aa_text_line(t, AA_LINE_RULE, i, "  %scapability %s,", words_of(e), names);
}

/* The types that @r means: AppArmor knows families and types, no protocols. */
static uint32_t socket_types(const SocketRule *r)
{
        uint32_t types = 0;

        if (r->protocols == UINT32_MAX)
                return r->types;
        if (r->protocols & PROTOCOL_TCP)
                types |= 1U << SOCK_STREAM;
        if (r->protocols & PROTOCOL_UDP)
                types |= 1U << SOCK_DGRAM;
        return types & r->types;
}

static void add_socket(AaText *t, const Rule *r, uint32_t i, RuleEffect e)
{
        const uint64_t inet = BIT(AF_INET) | BIT(AF_INET6);
        uint32_t types = socket_types(&r->socket);
        uint64_t domains = r->socket.protocols == UINT32_MAX ? r->socket.domains : r->socket.domains & inet;
        bool all_domains = domains == UINT64_MAX;

        if (all_domains && types == UINT32_MAX) {
                aa_text_line(t, AA_LINE_RULE, i, "  %snetwork,", words_of(e));
                return;
        }
        for (const Word *d = socket_domain_words; d->name; d++) {
                if (all_domains ? d->bits != UINT64_MAX || strcmp(d->name, "all") != 0 : d->bits == UINT64_MAX || !(domains & d->bits))
                        continue;
                for (const Word *y = socket_type_words; y->name; y++)
                        if (types == UINT32_MAX ? strcmp(y->name, "all") == 0 : y->bits != UINT32_MAX && types & y->bits)
                                aa_text_line(t, AA_LINE_RULE, i, "  %snetwork%s%s%s%s,", words_of(e), all_domains ? "" : " ",
                                             all_domains ? "" : d->name, types == UINT32_MAX ? "" : " ",
                                             types == UINT32_MAX ? "" : y->name);
        }
}

/* ---- mounts ------------------------------------------------------------------------------------------------------------ */

#define MOUNT_ANY (MOUNT_WORDS_ALL & ~BIT(MOUNT_UMOUNT))
#define MOUNT_ACTIONS                                                                                                       \
        (BIT(MOUNT_REMOUNT) | BIT(MOUNT_BIND) | BIT(MOUNT_RBIND) | BIT(MOUNT_MOVE) | BIT(MOUNT_UNBINDABLE) |               \
         BIT(MOUNT_PRIVATE) | BIT(MOUNT_SLAVE) | BIT(MOUNT_SHARED) | BIT(MOUNT_RUNBINDABLE) | BIT(MOUNT_RPRIVATE) |        \
         BIT(MOUNT_RSLAVE) | BIT(MOUNT_RSHARED) | BIT(MOUNT_UMOUNT))

static const struct {
        MountWord word;
        const char *option;
} propagations[] = {
        {MOUNT_UNBINDABLE, "make-unbindable"}, {MOUNT_PRIVATE, "make-private"}, {MOUNT_SLAVE, "make-slave"},
        {MOUNT_SHARED, "make-shared"}, {MOUNT_RUNBINDABLE, "make-runbindable"}, {MOUNT_RPRIVATE, "make-rprivate"},
        {MOUNT_RSLAVE, "make-rslave"}, {MOUNT_RSHARED, "make-rshared"},
};

static bool any_type(const MountRule *m)
{
        return !m->fstype || strcmp(m->fstype, "*") == 0 || strcmp(m->fstype, "**") == 0;
}

static bool any_source(const MountRule *m)
{
        return strcmp(m->source, "**") == 0 || strcmp(m->source, "/**") == 0;
}

#define REMOUNT_FLAGS                                                                                                       \
        "ro,rw,nosuid,suid,nodev,dev,noexec,exec,sync,async,mand,nomand,dirsync,noatime,atime,nodiratime,diratime,silent,loud,"    \
        "relatime,norelatime,iversion,noiversion,strictatime,bind"

/* One line per thing that the rule's flags name. @where: in quotes, or "" for anywhere. */
static void add_mount_lines(AaText *t, const MountRule *m, uint32_t i, const char *w, const char *where, const char *type)
{
        const char *blank = *where ? " " : "";
        uint64_t f = m->flags & BIT(MOUNT_RBIND) ? m->flags | BIT(MOUNT_BIND) : m->flags;
        bool typed = *type;

        if ((f & MOUNT_ANY) == MOUNT_ANY)
                aa_text_line(t, AA_LINE_RULE, i, "  %smount%s%s%s,", w, type, blank, where);
        else if (!typed && f & BIT(MOUNT_BIND))
                aa_text_line(t, AA_LINE_RULE, i, "  %smount options=(bind)%s%s,", w, blank, where);
        if ((f & MOUNT_ANY) != MOUNT_ANY && !typed && f & BIT(MOUNT_RBIND))
                aa_text_line(t, AA_LINE_RULE, i, "  %smount options=(rbind)%s%s,", w, blank, where);
        if ((f & MOUNT_ANY) != MOUNT_ANY && !typed && f & BIT(MOUNT_MOVE))
                aa_text_line(t, AA_LINE_RULE, i, "  %smount options=(move)%s%s,", w, blank, where);
        /* What is not about a source says where. AppArmor's word `remount` matches nothing without each flag by name: and so a new
         * mount there is meant as well. */
        if (!typed && *where && f & BIT(MOUNT_REMOUNT))
                aa_text_line(t, AA_LINE_RULE, i, "  %smount options in (remount,%s) -> %s,", w, REMOUNT_FLAGS, where);
        for (size_t k = 0; !typed && k < G_N_ELEMENTS(propagations); k++)
                if (f & BIT(propagations[k].word) && ((f & MOUNT_ANY) != MOUNT_ANY || *where))
                        aa_text_line(t, AA_LINE_RULE, i, "  %smount options=(%s)%s%s,", w, propagations[k].option,
                                     *where ? " -> " : "", where);
        if (!typed && f & BIT(MOUNT_MOVE))
                aa_text_line(t, AA_LINE_RULE, i, "  %spivot_root%s%s,", w, blank, where);
        if (!typed && f & BIT(MOUNT_UMOUNT))
                aa_text_line(t, AA_LINE_RULE, i, "  %sumount%s%s,", w, blank, where);
}

/* One expression for all of @where, which are absolute and in quotes: the parser's time grows with the square of the number of
 * rules about mounts. */
static void join_places(GPtrArray *where)
{
        g_autoptr(GString) s = g_string_new("\"/{");

        for (guint i = 0; i < where->len; i++) {
                const char *place = where->pdata[i];
                size_t length = strlen(place);

                /* An escaped comma would part the alternatives. */
                if (length < 3 || !g_str_has_prefix(place, "\"/") || strchr(place, '\\'))
                        return;
                g_string_append_printf(s, "%s%.*s", i > 0 ? "," : "", (int)(length - 3), place + 2);
        }
        if (where->len < 2)
                return;
        g_string_append(s, "}\"");
        g_ptr_array_set_size(where, 0);
        g_ptr_array_add(where, g_strdup(s->str));
}

static void add_mount(AaText *t, const Rule *r, uint32_t i, RuleEffect e)
{
        const MountRule *m = &r->mount;
        g_autoptr(GPtrArray) where = g_ptr_array_new_with_free_func(g_free), types = g_ptr_array_new_with_free_func(g_free);

        if (any_source(m))
                g_ptr_array_add(where, g_strdup(""));
        else
                (void)aare_from_pattern(m->source, where);
        join_places(where);
        if (any_type(m))
                g_ptr_array_add(types, g_strdup(""));
        else
                (void)aare_from_words(m->fstype, types);
        for (guint k = 0; k < where->len; k++)
                for (guint n = 0; n < types->len; n++) {
                        const char *type = types->pdata[n];
                        g_autofree char *condition = *type ? g_strconcat(" fstype=", type, NULL) : g_strdup("");

                        add_mount_lines(t, m, i, words_of(e), where->pdata[k], condition);
                }
}

/* ---- what cannot be had ------------------------------------------------------------------------------------------------- */

static char *why_not_socket(const SocketRule *r)
{
        if (r->protocols != UINT32_MAX && r->protocols & PROTOCOL_ICMP)
                return g_strdup("AppArmor knows families and types of sockets, no protocols: ICMP shares its types with others");
        if (r->types != UINT32_MAX && r->types & 1U << SOCK_DCCP)
                return g_strdup("AppArmor has no word for sockets of type dccp");
        if (r->domains != UINT64_MAX)
                for (unsigned b = 0; b < 64; b++) {
                        g_autofree char *name = r->domains & BIT(b) ? words_format(socket_domain_words, BIT(b), ",") : NULL;

                        if (name && g_str_has_prefix(name, "0x"))
                                return g_strdup_printf("AppArmor has no word for the family of sockets with the number %u", b);
                }
        return NULL;
}

static char *why_not_mount(const MountRule *m, bool *ret_part)
{
        if ((m->flags & MOUNT_ANY) == MOUNT_ANY || !(m->flags & ~MOUNT_ACTIONS)) {
                if (!any_type(m) && (m->flags & MOUNT_ANY) != MOUNT_ANY)
                        return g_strdup("AppArmor sees the type of a new mount only: a rule with 'fstype' needs the flag mount");
                *ret_part = true;
                if (m->flags & BIT(MOUNT_REMOUNT) && (m->flags & MOUNT_ANY) != MOUNT_ANY && any_source(m))
                        return g_strdup("AppArmor cannot tell a remount from a new mount: a rule about remounts needs a place");
                return NULL;
        }
        *ret_part = m->flags & MOUNT_ACTIONS && any_type(m);
        return g_strdup("AppArmor compares all flags of a mount together, and cannot ask for one of them whatever the others are");
}

static char *why_not_patterns(char *const *patterns)
{
        for (char *const *p = patterns; p && *p; p++) {
                g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(g_free);

                if (aare_from_pattern(*p, out) < 0)
                        return g_strdup_printf("the braces of '%s' stand for more than %u paths", *p, AARE_EXPANSIONS_MAX);
        }
        return NULL;
}

char *aa_rule_why_not(const Rule *r, RuleEffect e, bool *ret_part)
{
        *ret_part = false;
        switch (r->kind) {
        case OP_FILE:
                if (r->file.except && r->file.except[0])
                        return g_strdup("AppArmor cannot take exceptions ('except') from a rule: what is denied is denied");
                return why_not_patterns(r->file.patterns);
        case OP_SOCKET:
                return why_not_socket(&r->socket);
        case OP_MOUNT:
                return why_not_mount(&r->mount, ret_part);
        case OP_PTRACE:
                if (!(r->ptrace.perms & (PTRACE_PERM_TRACEBY | PTRACE_PERM_READBY)))
                        return NULL;
                *ret_part = r->ptrace.perms & (PTRACE_PERM_TRACE | PTRACE_PERM_READ);
                return g_strdup("AppArmor does not keep unconfined processes from tracing and reading others (traceby, readby)");
        case OP_TEXT:
                return r->text.enforcer == ENFORCER_APPARMOR ? NULL : g_strdup("this text is for another enforcer");
        case OP_CAPABILITY:
        case OP_SIGNAL:
        case OP_USERNS:
                return NULL;
        default:
                return g_strdup_printf("AppArmor cannot express rules of kind '%s'", op_kind_to_string(r->kind));
        }
}

/* Also by their numbers, so that whoever wrote them means the devices. */
static bool names_devices(char *const *patterns)
{
        for (char *const *p = patterns; p && *p; p++)
                if (g_str_has_prefix(*p, "/dev/block/") || g_str_has_prefix(*p, "/dev/char/"))
                        return true;
        return false;
}

const char *aa_rule_note(const Rule *r, RuleEffect e)
{
        if (!e.deny)
                return NULL;
        if (r->kind == OP_SOCKET && r->socket.protocols != UINT32_MAX)
                return "AppArmor knows no protocols: it denies all sockets of the types 'stream' (for TCP) and 'dgram' (for UDP), "
                       "those of SCTP and of ping among them";
        if (r->kind == OP_MOUNT && r->mount.flags & BIT(MOUNT_REMOUNT) && any_type(&r->mount) && !any_source(&r->mount))
                return "AppArmor cannot tell a remount from a new mount at the same place: both are denied; and it does not see what "
                       "fsmount(2) and move_mount(2) put into place";
        if (r->kind == OP_MOUNT && r->mount.flags & ~BIT(MOUNT_UMOUNT) && !(any_type(&r->mount) && any_source(&r->mount)))
                return "AppArmor does not see which file system fsmount(2) and move_mount(2) put into place; choose BPF, too, or "
                       "deny every mount";
        if (r->kind == OP_FILE && names_devices(r->file.patterns))
                return "AppArmor goes by the names of device files, and does not see through others that mknod(2) makes of the same "
                       "device; choose BPF, too, or deny the capability mknod";
        return NULL;
}

/* ---- two rules ---------------------------------------------------------------------------------------------------------- */

/* By what stands before the first wildcard. */
static bool patterns_may_meet(const char *a, const char *b)
{
        size_t n = *a == '/' ? strcspn(a, "*?[{\\") : 0, m = *b == '/' ? strcspn(b, "*?[{\\") : 0;

        if (!a[n] && !b[m])
                return strcmp(a, b) == 0;
        return strncmp(a, b, MIN(n, m)) == 0;
}

static bool files_may_meet(const FileRule *a, const FileRule *b)
{
        if (!(a->perms & b->perms))
                return false;
        for (char **x = a->patterns; x && *x; x++)
                for (char **y = b->patterns; y && *y; y++)
                        if (patterns_may_meet(*x, *y))
                                return true;
        return false;
}

bool aa_rules_may_meet(const Rule *a, const Rule *b)
{
        if (a->kind != b->kind)
                return false;
        switch (a->kind) {
        case OP_FILE:
                return files_may_meet(&a->file, &b->file);
        case OP_CAPABILITY:
                return a->capabilities & b->capabilities;
        case OP_PTRACE:
                return a->ptrace.perms & b->ptrace.perms;
        default:
                return true;
        }
}

void aa_text_rule(AaText *t, const Rule *r, uint32_t i, RuleEffect e, AaPeers *peers)
{
        switch (r->kind) {
        case OP_FILE:
                add_file(t, r, i, e);
                break;
        case OP_CAPABILITY:
                add_capabilities(t, r, i, e);
                break;
        case OP_SOCKET:
                add_socket(t, r, i, e);
                break;
        case OP_PTRACE:
                add_ptrace(t, r, i, e, peers);
                break;
        case OP_SIGNAL:
                add_signal(t, r, i, e, peers);
                break;
        case OP_MOUNT:
                add_mount(t, r, i, e);
                break;
        case OP_USERNS:
                aa_text_line(t, AA_LINE_USERNS, i, "  %suserns create,", words_of(e));
                break;
        default:
                break;
        }
}
