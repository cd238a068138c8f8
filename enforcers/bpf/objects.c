/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects: see objects.h. */

#include "objects.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

/* include/linux/socket.h, v6.1 */
#define FAMILY_PACKET 17
#define FAMILY_XDP 44
#define FAMILY_OTHER 63

_Static_assert(VA_KIND_FILE == (int)OP_FILE && VA_KIND_CAPABILITY == (int)OP_CAPABILITY &&
                       VA_KIND_SOCKET == (int)OP_SOCKET && VA_KIND_EGRESS == (int)OP_EGRESS &&
                       VA_KIND_INGRESS == (int)OP_INGRESS && VA_KIND_PTRACE == (int)OP_PTRACE &&
                       VA_KIND_SIGNAL == (int)OP_SIGNAL && VA_KIND_MOUNT == (int)OP_MOUNT &&
                       VA_KIND_USERNS == (int)OP_USERNS && VA_KIND_BPF == (int)OP_BPF,
               "the same order on both sides");
_Static_assert(VA_NAMED_MAKE_EXECUTABLE == (int)NAMED_MAKE_EXECUTABLE && VA_NAMED_MAKE_SET_ID == (int)NAMED_MAKE_SET_ID &&
                       VA_NAMED_USERFAULTFD == (int)NAMED_USERFAULTFD && VA_NAMED_ATTACH_PROGRAM == (int)NAMED_ATTACH_PROGRAM,
               "the same order on both sides");
_Static_assert(VA_PTRACE_TRACE == (int)PTRACE_PERM_TRACE && VA_PTRACE_TRACEBY == (int)PTRACE_PERM_TRACEBY &&
                       VA_PTRACE_READ == (int)PTRACE_PERM_READ && VA_PTRACE_READBY == (int)PTRACE_PERM_READBY,
               "the same bits on both sides");
_Static_assert(VA_MOUNT_DEVICE == (int)_MOUNT_WORD_MAX && VA_MOUNT_RO == (int)MOUNT_RO && VA_MOUNT_RW == (int)MOUNT_RW &&
                       VA_MOUNT_NOSUID == (int)MOUNT_NOSUID && VA_MOUNT_NODEV == (int)MOUNT_NODEV &&
                       VA_MOUNT_NOEXEC == (int)MOUNT_NOEXEC && VA_MOUNT_SYNC == (int)MOUNT_SYNC &&
                       VA_MOUNT_MAND == (int)MOUNT_MAND && VA_MOUNT_DIRSYNC == (int)MOUNT_DIRSYNC &&
                       VA_MOUNT_NOATIME == (int)MOUNT_NOATIME && VA_MOUNT_NODIRATIME == (int)MOUNT_NODIRATIME &&
                       VA_MOUNT_SILENT == (int)MOUNT_SILENT && VA_MOUNT_RELATIME == (int)MOUNT_RELATIME &&
                       VA_MOUNT_IVERSION == (int)MOUNT_IVERSION && VA_MOUNT_STRICTATIME == (int)MOUNT_STRICTATIME &&
                       VA_MOUNT_REMOUNT == (int)MOUNT_REMOUNT && VA_MOUNT_BIND == (int)MOUNT_BIND &&
                       VA_MOUNT_MOVE == (int)MOUNT_MOVE && VA_MOUNT_RBIND == (int)MOUNT_RBIND &&
                       VA_MOUNT_UNBINDABLE == (int)MOUNT_UNBINDABLE && VA_MOUNT_SHARED == (int)MOUNT_SHARED &&
                       VA_MOUNT_UNBINDABLE + VA_MOUNT_RECURSIVE == (int)MOUNT_RUNBINDABLE &&
                       VA_MOUNT_UMOUNT == (int)MOUNT_UMOUNT,
               "the same order on both sides");

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void add(GArray *out, uint32_t kind, bool except, char *text /* taken */)
{
        ObjectPattern p = {.kind = kind, .except = except, .text = text};

        g_array_append_val(out, p);
}

static void object_pattern_clear(void *p)
{
        g_free(((ObjectPattern *)p)->text);
}

/* "{00,0c}" for the bits of @mask, or, if they are so many, what matches every number. */
static char *numbers(uint64_t mask, unsigned n_bits, unsigned digits)
{
        uint64_t all = n_bits == 64 ? UINT64_MAX : (UINT64_C(1) << n_bits) - 1;
        GString *s = g_string_new("{");

        if ((mask & all) == all) {
                g_string_free(s, TRUE);
                return g_strnfill(digits, '?');
        }
        for (unsigned i = 0; i < n_bits; i++)
                if (mask >> i & 1)
                        g_string_append_printf(s, "%s%0*x", s->len > 1 ? "," : "", (int)digits, i);
        g_string_append_c(s, '}');
        return g_string_free(s, FALSE);
}

static void add_capabilities(GArray *out, const Rule *r)
{
        g_autofree char *n = numbers(r->capabilities, 64, 2);

        add(out, VA_KIND_CAPABILITY, false, g_strconcat("/", n, NULL));
}

static void add_sockets(GArray *out, const SocketRule *r)
{
        static const struct {
                uint32_t protocol;
                char letter;
        } letters[] = {{PROTOCOL_ICMP, 'i'}, {PROTOCOL_TCP, 't'}, {PROTOCOL_UDP, 'u'}};
        g_autofree char *families = numbers(r->domains, 64, 2), *types = numbers(r->types, 16, 1);
        g_autoptr(GString) protocols = g_string_new("[");

        for (size_t i = 0; i < G_N_ELEMENTS(letters); i++)
                if (r->protocols & letters[i].protocol)
                        g_string_append_c(protocols, letters[i].letter);
        g_string_append_c(protocols, ']');
        add(out, VA_KIND_SOCKET, false,
            g_strdup_printf("/%s/%s/%s", families, types, r->protocols == UINT32_MAX ? "?" : protocols->str));
}

/* One hexadecimal digit, from @first to @last. Not as a range of bytes: 9 and a are far apart. */
static void append_digit(GString *s, unsigned first, unsigned last)
{
        if (first == last) {
                g_string_append_printf(s, "%x", first);
                return;
        }
        g_string_append_c(s, '[');
        for (unsigned d = first; d <= last; d++)
                g_string_append_printf(s, "%x", d);
        g_string_append_c(s, ']');
}

/* The numbers of four digits from @first to @last, as alternatives: "{0400,04[12]?}". */
static void append_range(GString *s, uint32_t first, uint32_t last)
{
        while (first <= last) {
                uint32_t size = 1, digit, n = 1;
                unsigned n_free = 0;

                /* The longest row from @first on that differs in the last digits alone, and so many of them as make another
                 * digit. */
                while (n_free < 3 && first % (size * 16) == 0 && first + size * 16 - 1 <= last) {
                        size *= 16;
                        n_free++;
                }
                digit = first / size % 16;
                while (digit + n < 16 && first + (n + 1) * size - 1 <= last)
                        n++;
                if (s->str[s->len - 1] != '{')
                        g_string_append_c(s, ',');
                for (unsigned k = 0; k < 3 - n_free; k++)
                        append_digit(s, first >> (12 - 4 * k) & 15, first >> (12 - 4 * k) & 15);
                append_digit(s, digit, digit + n - 1);
                for (unsigned k = 0; k < n_free; k++)
                        g_string_append_c(s, '?');
                first += n * size;
        }
}

static char *ports_text(const GArray *ports)
{
        GString *s;

        if (!ports)
                return g_strdup("????");
        s = g_string_new("{");
        for (guint i = 0; i < ports->len; i++) {
                const PortRange *p = &g_array_index(ports, PortRange, i);

                append_range(s, p->first, p->last);
        }
        g_string_append_c(s, '}');
        return g_string_free(s, FALSE);
}

/* The addresses of a prefix: whole digits, then one that is partly given, then any. */
static char *prefix_text(const NetAddress *a)
{
        unsigned n_digits = a->family == AF_INET ? 8 : 32, whole = a->prefix_len / 4, bits = a->prefix_len % 4;
        GString *s = g_string_new(a->family == AF_INET ? "/4/" : "/6/");

        for (unsigned i = 0; i < n_digits; i++) {
                unsigned digit = a->bytes[i / 2] >> (i % 2 ? 0 : 4) & 15;

                if (i < whole)
                        append_digit(s, digit, digit);
                else if (i > whole || bits == 0)
                        g_string_append_c(s, '?');
                else
                        append_digit(s, digit, digit + (16U >> bits) - 1);
        }
        return g_string_free(s, FALSE);
}

static bool covers(const NetAddress *a, uint8_t family, const uint8_t bytes[static 16])
{
        size_t whole = a->prefix_len / 8, bits = a->prefix_len % 8;

        if (a->family != family || memcmp(a->bytes, bytes, whole) != 0)
                return false;
        return bits == 0 || ((a->bytes[whole] ^ bytes[whole]) & (0xff00 >> bits) & 0xff) == 0;
}

/* To connect to the unspecified address is to connect to this host; to listen there is to listen on every address. */
static bool includes_unspecified(const NetAddress *a, OpKind kind, uint8_t family)
{
        static const uint8_t loopback4[16] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};

        if (a->kind == NET_ADDRESS_UNIX)
                return false;
        if (kind == OP_INGRESS)
                return family == AF_INET6 || a->kind == NET_ADDRESS_HOST_SELF || a->family == family;
        return a->kind == NET_ADDRESS_HOST_SELF || covers(a, family, family == AF_INET ? loopback4 : loopback6);
}

static void add_net(GArray *out, const Rule *r, bool deny)
{
        static const char *const unspecified[] = {"/4/00000000", "/6/00000000000000000000000000000000"};
        g_autofree char *ports = ports_text(r->net.ports);
        bool unspecified4 = false, unspecified6 = false;
        uint32_t kind = r->kind == OP_EGRESS ? VA_KIND_EGRESS : VA_KIND_INGRESS;

        for (guint i = 0; i < r->net.addresses->len; i++) {
                const NetAddress *a = r->net.addresses->pdata[i];

                if (a->kind == NET_ADDRESS_UNIX)
                        add(out, kind == VA_KIND_EGRESS ? VA_KIND_EGRESS_UNIX : VA_KIND_INGRESS_UNIX, false,
                            g_strdup(a->path));
                else if (a->kind == NET_ADDRESS_HOST_SELF)
                        add(out, kind, false, g_strdup_printf("/[46]/*/%s/h", ports));
                else {
                        g_autofree char *prefix = prefix_text(a);

                        add(out, kind, false, g_strdup_printf("%s/%s/?", prefix, ports));
                }
                unspecified4 |= includes_unspecified(a, r->kind, AF_INET);
                unspecified6 |= includes_unspecified(a, r->kind, AF_INET6);
        }
        if (deny && unspecified4)
                add(out, kind, false, g_strdup_printf("%s/%s/?", unspecified[0], ports));
        if (deny && unspecified6)
                add(out, kind, false, g_strdup_printf("%s/%s/?", unspecified[1], ports));
}

/* Does @r close addresses that packet and raw sockets would reach all the same? */
static bool implies_raw(const Rule *r, bool deny)
{
        if (r->kind != OP_EGRESS || !deny)
                return false;
        for (guint i = 0; i < r->net.addresses->len; i++)
                if (((const NetAddress *)r->net.addresses->pdata[i])->kind != NET_ADDRESS_UNIX)
                        return true;
        return false;
}

static void add_raw(GArray *out)
{
        const uint64_t families = UINT64_C(1) << FAMILY_PACKET | UINT64_C(1) << FAMILY_XDP;
        const uint64_t inet = UINT64_C(1) << AF_INET | UINT64_C(1) << AF_INET6;

        add_sockets(out, &(SocketRule){.domains = families, .types = UINT32_MAX, .protocols = UINT32_MAX});
        add_sockets(out, &(SocketRule){.domains = inet, .types = 1U << SOCK_RAW, .protocols = UINT32_MAX});
}

/* If @pattern names devices by their numbers, it stands for them wherever their files are. */
static void add_device(GArray *out, uint32_t kind, bool except, const char *before, const char *pattern)
{
        if (g_str_has_prefix(pattern, "/dev/block/") || g_str_has_prefix(pattern, "/dev/char/"))
                add(out, kind, except, g_strconcat(before, pattern, NULL));
}

static void add_file(GArray *out, const FileRule *f, bool deny)
{
        for (char **p = f->patterns; p && *p; p++) {
                add(out, VA_KIND_FILE, false, g_strdup(*p));
                if (deny)
                        add_device(out, VA_KIND_DEVICE, false, "", *p);
        }
        for (char **p = f->except; p && *p; p++) {
                add(out, VA_KIND_FILE, true, g_strdup(*p));
                if (deny)
                        add_device(out, VA_KIND_DEVICE, true, "", *p);
        }
}

/* A rule that means every new mount means that of its device. */
#define MOUNT_NEW (UINT64_C(1) << MOUNT_RO | UINT64_C(1) << MOUNT_RW)

static void add_mount(GArray *out, const MountRule *m, bool deny)
{
        g_autoptr(GString) before = g_string_new("/[");
        /* Who may bind a tree may bind its top. */
        uint64_t flags = m->flags & UINT64_C(1) << MOUNT_RBIND ? m->flags | UINT64_C(1) << MOUNT_BIND : m->flags;

        for (int w = 0; w < _MOUNT_WORD_MAX; w++)
                if (flags >> w & 1)
                        g_string_append_c(before, VA_MOUNT_LETTERS[w]);
        if (before->len == 2)
                return;
        /* Behind the type stands a ':' when the source is no path. */
        if (m->fstype)
                g_string_append_printf(before, "]/%s{,:}", m->fstype);
        else
                g_string_append(before, "]/*");
        if (deny && (flags & MOUNT_NEW) == MOUNT_NEW) {
                g_autofree char *device = g_strdup_printf("/%c/%s", VA_MOUNT_LETTERS[VA_MOUNT_DEVICE], m->fstype ?: "*");

                add_device(out, VA_KIND_MOUNT, false, device, m->source);
        }
        /* The alternatives of a pattern are all absolute, or none is: pattern_check(). */
        add(out, VA_KIND_MOUNT, false, g_strconcat(before->str, *m->source == '/' ? "" : "/**/", m->source, NULL));
}

GArray *objects_of_rule(const Rule *r, bool deny)
{
        GArray *out = g_array_new(FALSE, FALSE, sizeof(ObjectPattern));
        g_autofree char *n = NULL;

        g_array_set_clear_func(out, object_pattern_clear);
        switch (r->kind) {
        case OP_FILE:
                add_file(out, &r->file, deny);
                break;
        case OP_CAPABILITY:
                add_capabilities(out, r);
                break;
        case OP_SOCKET:
                add_sockets(out, &r->socket);
                break;
        case OP_EGRESS:
        case OP_INGRESS:
                add_net(out, r, deny);
                if (implies_raw(r, deny))
                        add_raw(out);
                break;
        case OP_PTRACE:
                add(out, VA_KIND_PTRACE, false, g_strdup(r->ptrace.strict ? "/[io]/**" : "/o/**"));
                break;
        case OP_SIGNAL:
                add(out, VA_KIND_SIGNAL, false, g_strdup(r->signal.strict ? "/[io]/**" : "/o/**"));
                break;
        case OP_MOUNT:
                add_mount(out, &r->mount, deny);
                break;
        case OP_USERNS:
                add(out, VA_KIND_USERNS, false, g_strdup("/user"));
                break;
        case OP_BPF:
                n = numbers(r->bpf.commands, 64, 2);
                add(out, VA_KIND_BPF, false, g_strconcat("/", n, NULL));
                break;
        case OP_NAMED:
                n = numbers(r->named, _NAMED_MAX, 2);
                add(out, VA_KIND_NAMED, false, g_strconcat("/", n, NULL));
                break;
        default:
                break;
        }
        return out;
}

uint32_t objects_perms(const Rule *r, uint32_t kind)
{
        if (kind == VA_KIND_FILE || kind == VA_KIND_DEVICE)
                return r->file.perms & PERM_ALL;
        if (kind == VA_KIND_PTRACE)
                return r->ptrace.perms & PTRACE_PERM_ALL;
        return 1;
}

uint64_t objects_capabilities(const Rule *r)
{
        return r->kind == OP_CAPABILITY ? r->capabilities : 0;
}

uint64_t objects_families(const Rule *r, bool deny)
{
        if (implies_raw(r, deny))
                return UINT64_C(1) << AF_INET | UINT64_C(1) << AF_INET6 | UINT64_C(1) << FAMILY_PACKET |
                       UINT64_C(1) << FAMILY_XDP;
        return r->kind == OP_SOCKET ? r->socket.domains : 0;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* The hexadecimal number of @digits at @p; -1: there is none. */
static int64_t read_hex(const uint8_t *p, size_t digits)
{
        int64_t x = 0;

        for (size_t i = 0; i < digits; i++) {
                int d = g_ascii_xdigit_value((char)p[i]);

                if (d < 0)
                        return -1;
                x = x << 4 | d;
        }
        return x;
}

/* The word for bit @number; if there is none, the number. */
static char *word_of(const Word *words, int64_t number)
{
        g_autofree char *word = number >= 0 && number < 63 ? words_format(words, UINT64_C(1) << number, ",") : NULL;

        if (!word || g_str_has_prefix(word, "0x"))
                return g_strdup_printf("%" G_GINT64_FORMAT, number);
        return g_steal_pointer(&word);
}

static char *format_socket(const uint8_t *p, size_t size)
{
        static const char *const protocols[] = {['i'] = "icmp", ['t'] = "tcp", ['u'] = "udp", ['o'] = "other"};
        g_autofree char *family = NULL, *type = NULL;

        if (size != 7 || p[6] >= G_N_ELEMENTS(protocols) || !protocols[p[6]] || read_hex(p + 1, 2) < 0 || read_hex(p + 4, 1) < 0)
                return NULL;
        family = read_hex(p + 1, 2) == FAMILY_OTHER ? g_strdup("other") : word_of(socket_domain_words, read_hex(p + 1, 2));
        type = word_of(socket_type_words, read_hex(p + 4, 1));
        return p[6] == 'o' ? g_strdup_printf("%s %s", family, type)
                           : g_strdup_printf("%s %s %s", family, type, protocols[p[6]]);
}

static char *format_address(const uint8_t *p, size_t size)
{
        size_t digits = size > 1 && p[1] == '4' ? 8 : 32;
        char text[INET6_ADDRSTRLEN];
        uint8_t bytes[16];
        int64_t port;

        if (size != 3 + digits + 7)
                return NULL;
        for (size_t i = 0; i < digits / 2; i++) {
                int64_t byte = read_hex(p + 3 + 2 * i, 2);

                if (byte < 0)
                        return NULL;
                bytes[i] = (uint8_t)byte;
        }
        port = read_hex(p + 3 + digits + 1, 4);
        if (port < 0 || !inet_ntop(digits == 8 ? AF_INET : AF_INET6, bytes, text, sizeof(text)))
                return NULL;
        return g_strdup_printf(digits == 8 ? "%s:%u" : "[%s]:%u", text, (unsigned)port);
}

/* "/w/type/source", "/w/type:/source": the source, or the type if there is none. */
static char *format_mount(const uint8_t *p, size_t size)
{
        const uint8_t *slash = size > 3 ? memchr(p + 3, '/', size - 3) : NULL;

        if (!slash)
                return NULL;
        if (slash[-1] != ':')
                return g_strndup((const char *)slash, (gsize)(p + size - slash));
        if (slash + 1 < p + size)
                return g_strndup((const char *)slash + 1, (gsize)(p + size - slash - 1));
        return g_strndup((const char *)p + 3, (gsize)(slash - 1 - (p + 3)));
}

GBytes *objects_format(uint32_t kind, const uint8_t *bytes, size_t size)
{
        char *text = NULL;
        size_t n;

        switch (kind) {
        case VA_KIND_CAPABILITY:
                if (size == 3)
                        text = word_of(capability_words, read_hex(bytes + 1, 2));
                break;
        case VA_KIND_SOCKET:
                text = format_socket(bytes, size);
                break;
        case VA_KIND_EGRESS:
        case VA_KIND_INGRESS:
                text = format_address(bytes, size);
                break;
        case VA_KIND_PTRACE:
        case VA_KIND_SIGNAL:
                if (size > 3)
                        return g_bytes_new(bytes + 3, size - 3);
                break;
        case VA_KIND_MOUNT:
                text = format_mount(bytes, size);
                break;
        case VA_KIND_USERNS:
                text = g_strdup("user namespace");
                break;
        case VA_KIND_BPF:
                if (size == 3)
                        text = word_of(bpf_command_words, read_hex(bytes + 1, 2));
                break;
        case VA_KIND_NAMED:
                if (size == 3)
                        text = word_of(named_op_words, read_hex(bytes + 1, 2));
                break;
        case VA_KIND_EGRESS_UNIX:
        case VA_KIND_INGRESS_UNIX:
                if (size > 1 && bytes[1] == '@')
                        return g_bytes_new(bytes + 1, size - 1);
                break;
        default:
                break;
        }
        if (!text)
                return g_bytes_new(bytes, size);
        n = strlen(text);
        return g_bytes_new_take(text, n);
}
