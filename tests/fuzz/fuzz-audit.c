/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A message of the kernel's audit subsystem -> record -> words and names of policies -> pairs. Its bytes are the kernel's, the
 * names in it whatever somebody has called his files. The same bytes as the end of the kernel's log, too. The corpus is what both
 * kernels wrote in the guest. */

#include <linux/audit.h>
#include <linux/netlink.h>
#include <string.h>

#include "../../enforcers/audit/stream.c"

#include "explain.h"
#include "fuzz.h"
#include "losses.h"
#include "pairs.h"
#include "words.h"

static void check_text(const AuditRecord *r, AuditText t)
{
        FUZZ_CHECK(t.data || t.size == 0);
        if (t.data)
                FUZZ_CHECK(t.data >= r->bytes && t.size <= AUDIT_TEXT_MAX && t.data + t.size <= r->bytes + AUDIT_TEXT_MAX &&
                           !memchr(t.data, '\0', t.size));
}

static void check_record(const AuditRecord *r, uint32_t type)
{
        const AuditText texts[] = {r->comm,    r->verdict,   r->operation, r->info,   r->ns,     r->profile, r->name,    r->target,
                                   r->requested, r->capname, r->family,    r->sock_type, r->peer, r->fstype,  r->srcname, r->flags};

        FUZZ_CHECK(r->type == type && r->pid > 0 && r->pid <= INT32_MAX && r->uid <= UINT32_MAX);
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                check_text(r, texts[i]);
        if (type == AUDIT_SECCOMP)
                FUZZ_CHECK(r->arch >= 0 && r->code >= 0 && r->syscall >= -1);
        else
                FUZZ_CHECK(r->verdict.data);
}

static void check_words(const AuditRecord *r, size_t size)
{
        static const struct va_table nothing = {.n_groups = 2, .default_deny = VA_CLASSES_ALL};
        g_auto(AuditWords) w = {0};
        g_auto(GStrv) binds = audit_bind_names(r);
        EnforcerEvent event = {0};
        bool quiet;

        for (char **b = binds; *b; b++)
                FUZZ_CHECK(**b != '\0' && !strstr(*b, "//"));
        if (audit_words(r, &w) < 0)
                return;
        FUZZ_CHECK(w.operation && w.object && w.table_objects && w.kind < _OP_KIND_MAX && w.action < _ACTION_MAX);
        FUZZ_CHECK(w.requested <= PERM_ALL && w.table_kind < VA_KIND_MAX && w.table_perms <= PERM_ALL);
        FUZZ_CHECK(g_bytes_get_size(w.object) <= size + 16);
        (void)audit_explain(&nothing, NULL, &w, &event, &quiet);
        FUZZ_CHECK(event.rule == -1 && event.action < _ACTION_MAX);
}

typedef struct Delivered {
        uint64_t n;
        uint32_t type;
} Delivered;

static void deliver(const AuditRecord *r, const AuditWho *who, uint64_t count, void *userdata)
{
        Delivered *d = userdata;

        check_record(r, d->type);
        FUZZ_CHECK(count > 0);
        d->n += count;
}

static void check_type(const uint8_t *data, size_t size, uint32_t type)
{
        size_t text_size = 0;
        const char *text = audit_message_text(data, size, type, &text_size);
        Delivered d = {.type = type};
        g_autoptr(AuditPairs) p = audit_pairs_new(type, deliver, &d);
        g_autofree AuditRecord *r = g_malloc(sizeof(*r));
        int result;

        if (!text)
                return;
        FUZZ_CHECK(text_size < size && (const uint8_t *)text + text_size == data + size);
        result = audit_record_parse(r, type, text, text_size);
        FUZZ_CHECK(result == 0 || result == -EBADMSG);
        audit_pairs_record(p, text, text_size, 1);
        audit_pairs_record(p, text, text_size, 2);
        audit_pairs_watched(p, false, 3);
        audit_pairs_expire(p, UINT_MAX, 4);
        FUZZ_CHECK(d.n == 0 || d.n == 2);
        FUZZ_CHECK(result == 0 || d.n == 0);
        if (result < 0)
                return;
        check_record(r, type);
        if (type == AUDIT_AVC)
                check_words(r, text_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AuditLosses losses = {.known = true};

        check_type(data, size, AUDIT_AVC);
        check_type(data, size, AUDIT_SECCOMP);
        audit_losses_scan(&losses, (const char *)data, size);
        FUZZ_CHECK(losses.count == losses.last);
        return 0;
}

static GString *message(uint32_t type, const char *text)
{
        struct nlmsghdr header = {.nlmsg_type = (uint16_t)type, .nlmsg_len = (uint32_t)strlen(text)};
        GString *s = g_string_new_len((const char *)&header, sizeof(header));

        return g_string_append(s, text);
}

/* Cut anywhere, and with each byte changed to what means something. */
static void spoil(const GString *s)
{
        static const char bytes[] = {'\0', ' ', '"', '=', '/', '0', 'F', '-', '\\', '\x7f', '\xff', ':', ')', '&'};

        for (gsize n = 0; n <= s->len; n++) {
                g_autofree uint8_t *cut = g_memdup2(s->str, n);

                (void)LLVMFuzzerTestOneInput(cut, n);
        }
        for (gsize i = 0; i < s->len; i++)
                for (size_t b = 0; b < sizeof(bytes); b++) {
                        g_autofree uint8_t *copy = g_memdup2(s->str, s->len);

                        copy[i] = (uint8_t)bytes[b];
                        (void)LLVMFuzzerTestOneInput(copy, s->len);
                }
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        static const struct {
                const char *name;
                uint32_t type;
                const char *text;
        } inputs[] = {
                {"apparmor-hex", AUDIT_AVC,
                 "audit(1795563883.628:116): apparmor=\"DENIED\" operation=\"open\" class=\"file\" profile=\"varmor.web//t1\" "
                 "name=2F746D702F73656372657420782279 pid=223 comm=636174 requested_mask=\"r\" denied_mask=\"r\" fsuid=0 ouid=0"},
                {"apparmor-stack", AUDIT_AVC,
                 "audit(1.001:1): apparmor=\"DENIED\" operation=\"mount\" class=\"mount\" info=\"failed perms check\" error=-13 "
                 "label=\"varmor.a//&varmor.b//&own\" name=\"/mnt/\" pid=1 comm=\"x\" fstype=\"tmpfs\" srcname=\"tmpfs\" flags=\"ro, bind\""},
                {"seccomp", AUDIT_SECCOMP,
                 "audit(1795563886.536:143): auid=4294967295 uid=0 gid=0 ses=4294967295 subj=varmor.web pid=252 comm=\"filter\" "
                 "exe=\"/usr/bin/filter\" sig=0 arch=c000003e syscall=41 compat=0 ip=0x439dd9 code=0x50000"},
        };
        GString *s;

        for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
                s = message(inputs[i].type, inputs[i].text);
                spoil(s);
                fuzz_emit_string(inputs[i].name, s, emit, userdata);
        }
        s = message(AUDIT_AVC, "audit(1.001:1): apparmor=\"DENIED\" operation=\"open\" profile=\"varmor.web\" pid=1 comm=\"x\" name=");
        while (s->len < MESSAGE_MAX)
                g_string_append(s, "2F");
        fuzz_emit_string("longest", s, emit, userdata);
        s = message(AUDIT_AVC, "audit(1.001:1): apparmor=\"DENIED\" operation=\"open\" pid=1 profile=\"");
        while (s->len < MESSAGE_MAX - 16)
                g_string_append(s, "varmor.a//&");
        g_string_append_c(s, '"');
        fuzz_emit_string("many-profiles", s, emit, userdata);
        s = g_string_new(NULL);
        while (s->len < (1U << 20))
                g_string_append_printf(s, "<4>[ 12.0] audit: audit_lost=%" G_GSIZE_FORMAT " audit_rate_limit=0\n", s->len);
        fuzz_emit_string("log", s, emit, userdata);
}
