/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words: see words.h. What AppArmor calls its operations is in security/apparmor/include/audit.h, v6.1. */

#include "words.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "abi.h"

#define PROFILE_PREFIX "varmor."

static GBytes *to_bytes(AuditText t)
{
        return g_bytes_new(t.data ? t.data : "", t.data ? t.size : 0);
}

static char *to_string(AuditText t)
{
        return g_strndup(t.data ? t.data : "", t.data ? t.size : 0);
}

/* AppArmor writes a directory with a slash behind it. */
static AuditText without_slash(AuditText path)
{
        if (path.data && path.size > 1 && path.data[path.size - 1] == '/')
                path.size--;
        return path;
}

static char **two_objects(char *first /* taken */, char *second /* taken; NULL: none */)
{
        char **objects = g_new0(char *, 3);

        objects[0] = first;
        objects[1] = second;
        return objects;
}

static char **one_object(char *object /* taken */)
{
        return two_objects(object, NULL);
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

/* Operations under names, each of which the BPF enforcer knows as a write. */
static const struct {
        const char *apparmor, *operation;
        uint32_t requested; /* 0: as the letters say */
} file_operations[] = {
        {"open", "open", 0},
        {"exec", "exec", PERM_EXEC},
        {"unlink", "unlink", PERM_WRITE},
        {"mkdir", "mkdir", PERM_WRITE},
        {"rmdir", "rmdir", PERM_WRITE},
        {"mknod", "create", PERM_WRITE}, /* mostly: nothing tells a regular file from others */
        {"truncate", "truncate", PERM_WRITE},
        {"link", "link", PERM_WRITE},
        {"symlink", "symlink", PERM_WRITE},
        {"rename_src", "rename", PERM_WRITE},
        {"rename_dest", "rename", PERM_WRITE},
        {"chmod", "chmod", PERM_WRITE},
        {"chown", "chown", PERM_WRITE},
        {"getattr", "getattr", 0},
        {"file_receive", "receive", 0},
        {"file_perm", "open", 0}, /* a descriptor from before the profile, used for the first time */
        {"file_inherit", "open", 0},
        {"file_lock", "lock", 0},
        {"file_mmap", "mmap", 0},
        {"file_mprotect", "mprotect", 0},
};

static uint32_t letters_to_perms(AuditText letters)
{
        uint32_t perms = 0;

        for (size_t i = 0; letters.data && i < letters.size; i++)
                switch (letters.data[i]) {
                case 'r':
                        perms |= PERM_READ;
                        break;
                case 'w':
                case 'c':
                case 'd':
                case 'l':
                        perms |= PERM_WRITE;
                        break;
                case 'a':
                        perms |= PERM_APPEND;
                        break;
                case 'x':
                case 'm':
                        perms |= PERM_EXEC;
                        break;
                default:
                        break;
                }
        /* Who may write may append: AppArmor asks for both where a program asked for one. */
        return perms & PERM_WRITE ? perms & ~(uint32_t)PERM_APPEND : perms;
}

/* Is it the file, and not the name that comes, that stands against a link or rename? */
static bool is_other_name(const AuditRecord *r, const char *operation)
{
        uint32_t perms = letters_to_perms(r->requested);

        if (strcmp(operation, "link") == 0 ? !r->target.data : strcmp(operation, "rename") != 0)
                return false;
        return perms && !(perms & PERM_WRITE);
}

/* Of a link to a file that may be neither read nor written it is not said which of the names stands against it. */
static bool is_any_name(const AuditRecord *r, const char *operation)
{
        return strcmp(operation, "link") == 0 && r->target.data && letters_to_perms(r->requested) & PERM_WRITE;
}

static bool file_words(const AuditRecord *r, AuditWords *w)
{
        for (size_t i = 0; i < G_N_ELEMENTS(file_operations); i++) {
                AuditText object = without_slash(r->name);
                bool any;

                if (!audit_text_is(r->operation, file_operations[i].apparmor))
                        continue;
                w->operation = g_strdup(file_operations[i].operation);
                w->kind = OP_FILE;
                w->requested = file_operations[i].requested;
                if (!w->requested)
                        w->requested = letters_to_perms(r->requested);
                if (g_str_has_prefix(w->operation, "m") && w->requested & PERM_EXEC)
                        w->requested = PERM_EXEC;
                /* A file that must not be read, or executed, must not get another name. */
                if (is_other_name(r, w->operation)) {
                        w->requested = letters_to_perms(r->requested);
                        if (strcmp(w->operation, "link") == 0)
                                object = without_slash(r->target);
                }
                /* The name that there is, and then the one that comes. */
                if (r->target.data && strcmp(w->operation, "link") == 0) {
                        w->object = to_bytes(without_slash(r->target));
                        w->object2 = to_bytes(without_slash(r->name));
                } else
                        w->object = to_bytes(object);
                w->table_kind = VA_KIND_FILE;
                w->table_perms = w->requested;
                any = is_any_name(r, w->operation);
                if (any)
                        w->table_perms |= letters_to_perms(r->requested);
                w->table_objects = two_objects(to_string(object), any ? to_string(without_slash(r->target)) : NULL);
                return true;
        }
        return false;
}

/* ---- capabilities, sockets, processes ------------------------------------------------------------------------------------- */

/* The number of the bit that @word stands for; -1: it is none of them. */
static int bit_of(const Word *words, AuditText word)
{
        g_autofree char *name = to_string(word);
        uint64_t bits = *name != '\0' ? words_find(words, name) : 0;

        return bits && (bits & (bits - 1)) == 0 ? __builtin_ctzll(bits) : -1;
}

static bool capability_words_of(const AuditRecord *r, AuditWords *w)
{
        int number = bit_of(capability_words, r->capname);

        if (!audit_text_is(r->operation, "capable"))
                return false;
        w->operation = g_strdup("capable");
        w->kind = OP_CAPABILITY;
        w->object = to_bytes(r->capname);
        w->table_kind = VA_KIND_CAPABILITY;
        w->table_perms = 1;
        if (number >= 0)
                w->table_objects = one_object(g_strdup_printf("/%02x", (unsigned)number));
        return true;
}

/* As protocol_letter(), enforcers/bpf/network.bpf.c. */
static char protocol_letter(int family, int type, int64_t protocol)
{
        if (family != AF_INET && family != AF_INET6)
                return 'o';
        switch (protocol) {
        case 0:
                return type == SOCK_STREAM ? 't' : type == SOCK_DGRAM ? 'u' : 'o';
        case 6:
        case 262:
                return 't';
        case 17:
        case 136:
                return 'u';
        case 1:
        case 58:
                return 'i';
        default:
                return 'o';
        }
}

static bool socket_words(const AuditRecord *r, AuditWords *w)
{
        static const char *const protocols[] = {['i'] = " icmp", ['t'] = " tcp", ['u'] = " udp", ['o'] = ""};
        g_autofree char *family = to_string(r->family), *type = to_string(r->sock_type), *object = NULL;
        int f = bit_of(socket_domain_words, r->family), t = bit_of(socket_type_words, r->sock_type);
        char letter = protocol_letter(f, t, r->protocol);

        if (!r->family.data)
                return false;
        w->operation = audit_text_is(r->operation, "create") ? g_strdup("socket") : to_string(r->operation);
        w->kind = OP_SOCKET;
        object = g_strdup_printf("%s %s%s", family, type, protocols[(unsigned char)letter]);
        w->object = g_bytes_new(object, strlen(object));
        w->table_kind = VA_KIND_SOCKET;
        w->table_perms = 1;
        if (f >= 0)
                w->table_objects = one_object(g_strdup_printf("/%02x/%x/%c", (unsigned)f, (unsigned)(t >= 0 ? t : 15), letter));
        return true;
}

static bool process_words(const AuditRecord *r, AuditWords *w)
{
        bool ptrace = audit_text_is(r->operation, "ptrace"), inside;
        g_autofree char *peer = NULL;

        if (!ptrace && !audit_text_is(r->operation, "signal"))
                return false;
        inside = r->peer.data && r->peer.size == r->profile.size && memcmp(r->peer.data, r->profile.data, r->peer.size) == 0;
        peer = to_string(r->peer);
        w->operation = g_strdup(ptrace ? "ptrace" : "kill");
        w->kind = ptrace ? OP_PTRACE : OP_SIGNAL;
        if (ptrace)
                w->requested = audit_text_is(r->requested, "trace")      ? PTRACE_PERM_TRACE
                               : audit_text_is(r->requested, "tracedby") ? PTRACE_PERM_TRACEBY
                               : audit_text_is(r->requested, "readby")   ? PTRACE_PERM_READBY
                                                                         : PTRACE_PERM_READ;
        w->object = to_bytes(r->peer);
        w->table_kind = ptrace ? VA_KIND_PTRACE : VA_KIND_SIGNAL;
        w->table_perms = ptrace ? w->requested : 1;
        w->table_objects = one_object(g_strdup_printf("/%c/%s", inside ? 'i' : 'o', peer));
        return true;
}

/* ---- mounts --------------------------------------------------------------------------------------------------------------- */

/* The words of "rw, nosuid, bind", and those that say that another is absent. */
static uint64_t mount_words(AuditText flags)
{
        static const MountWord pairs[][2] = {
                {MOUNT_RO, MOUNT_RW}, {MOUNT_NOSUID, MOUNT_SUID}, {MOUNT_NODEV, MOUNT_DEV}, {MOUNT_NOEXEC, MOUNT_EXEC},
                {MOUNT_SYNC, MOUNT_ASYNC}, {MOUNT_MAND, MOUNT_NOMAND}, {MOUNT_NOATIME, MOUNT_ATIME},
                {MOUNT_NODIRATIME, MOUNT_DIRATIME}, {MOUNT_SILENT, MOUNT_LOUD}, {MOUNT_RELATIME, MOUNT_NORELATIME},
                {MOUNT_IVERSION, MOUNT_NOIVERSION}, {MOUNT_STRICTATIME, MOUNT_NOSTRICTATIME},
        };
        g_autofree char *text = to_string(flags);
        g_auto(GStrv) parts = g_strsplit(text, ",", -1);
        uint64_t words = 0;

        for (char **p = parts; *p; p++) {
                uint64_t bits = words_find(mount_flag_words, g_strstrip(*p));

                if (bits && (bits & (bits - 1)) == 0)
                        words |= bits;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++)
                if (!(words >> pairs[i][0] & 1))
                        words |= UINT64_C(1) << pairs[i][1];
        return words;
}

static char **mount_objects(AuditText fstype, AuditText srcname, uint64_t words)
{
        g_autofree char *type = to_string(fstype), *source = to_string(srcname);
        g_autoptr(GPtrArray) objects = g_ptr_array_new();

        for (int i = 0; i < VA_MOUNT_WORDS; i++)
                if (words >> i & 1)
                        g_ptr_array_add(objects, g_strdup_printf("/%c/%s%s%s", VA_MOUNT_LETTERS[i], *type ? type : "none",
                                                                 *source == '/' ? "" : ":/", source));
        g_ptr_array_add(objects, NULL);
        return (char **)g_ptr_array_steal(objects, NULL);
}

#define PROPAGATION(w) (UINT64_C(1) << MOUNT_##w | UINT64_C(1) << MOUNT_R##w)
#define PROPAGATIONS (PROPAGATION(UNBINDABLE) | PROPAGATION(PRIVATE) | PROPAGATION(SLAVE) | PROPAGATION(SHARED))

static bool mount_words_of(const AuditRecord *r, AuditWords *w)
{
        bool umount = audit_text_is(r->operation, "umount"), pivot = audit_text_is(r->operation, "pivotroot");
        uint64_t words = umount ? UINT64_C(1) << MOUNT_UMOUNT : mount_words(r->flags);
        bool remount = !umount && !pivot && words >> MOUNT_REMOUNT & 1;
        bool place = umount || pivot || remount || words & PROPAGATIONS; /* is it about that, and no source? */

        if (!umount && !pivot && !audit_text_is(r->operation, "mount"))
                return false;
        w->operation = g_strdup(umount ? "umount" : pivot ? "pivot_root" : remount ? "remount" : "mount");
        w->kind = OP_MOUNT;
        w->object = place             ? to_bytes(without_slash(r->name))
                    : r->srcname.data ? to_bytes(without_slash(r->srcname))
                    : r->fstype.data  ? to_bytes(r->fstype)
                                      : to_bytes(without_slash(r->name));
        w->table_kind = VA_KIND_MOUNT;
        w->table_perms = 1;
        w->table_objects = mount_objects(r->fstype, without_slash(place ? r->name : r->srcname), words);
        return true;
}

/* ---- all of them -------------------------------------------------------------------------------------------------------------- */

static bool other_words(const AuditRecord *r, AuditWords *w)
{
        bool userns = audit_text_is(r->operation, "userns_create");

        w->operation = to_string(r->operation);
        w->kind = userns ? OP_USERNS : OP_TEXT;
        w->object = userns ? g_bytes_new_static("user namespace", strlen("user namespace")) : to_bytes(without_slash(r->name));
        w->table_kind = VA_KIND_USERNS;
        w->table_perms = 1;
        if (userns)
                w->table_objects = one_object(g_strdup("/user"));
        return true;
}

int audit_words(const AuditRecord *r, AuditWords *ret)
{
        static const struct {
                const char *verdict;
                Action action;
        } verdicts[] = {
                {"DENIED", ACTION_DENIED}, {"KILLED", ACTION_DENIED}, {"AUDIT", ACTION_AUDIT}, {"ALLOWED", ACTION_ALLOWED},
        };
        size_t i = 0;

        while (i < G_N_ELEMENTS(verdicts) && !audit_text_is(r->verdict, verdicts[i].verdict))
                i++;
        if (i == G_N_ELEMENTS(verdicts))
                return -ENOENT;
        *ret = (AuditWords){.action = verdicts[i].action};
        if (r->info.data && r->info.size >= 18 && memcmp(r->info.data, "Failed name lookup", 18) == 0)
                ret->reason = REASON_NO_PATH;
        (void)(file_words(r, ret) || capability_words_of(r, ret) || socket_words(r, ret) || process_words(r, ret) ||
               mount_words_of(r, ret) || other_words(r, ret));
        if (!ret->table_objects)
                ret->table_objects = g_new0(char *, 1);
        return 0;
}

void audit_words_clear(AuditWords *w)
{
        g_clear_pointer(&w->operation, g_free);
        g_clear_pointer(&w->object, g_bytes_unref);
        g_clear_pointer(&w->object2, g_bytes_unref);
        g_clear_pointer(&w->table_objects, g_strfreev);
}

/* ---- whose ---------------------------------------------------------------------------------------------------------------------- */

char **audit_bind_names(const AuditRecord *r)
{
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        g_autofree char *profile = to_string(r->profile);
        g_auto(GStrv) parts = g_strsplit(profile, "//&", -1);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        /* Another namespace has profiles of its own, whatever they are called: ":NAMESPACE:...". */
        for (char **p = parts; *p && !r->ns.data; p++) {
                char *child = strstr(*p, "//");

                if (!g_str_has_prefix(*p, PROFILE_PREFIX))
                        continue;
                if (child)
                        *child = '\0';
                if ((*p)[strlen(PROFILE_PREFIX)] != '\0' && g_hash_table_add(seen, *p))
                        g_strv_builder_add(names, *p + strlen(PROFILE_PREFIX));
        }
        return g_strv_builder_end(names);
}
