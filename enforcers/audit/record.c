/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Record: see record.h. A message is "audit(SECONDS.MILLIS:SERIAL): " and then parts KEY=VALUE with spaces between. A value in
 * quotes is meant as it stands. Whatever comes from outside the kernel is in quotes, or if it has a quote, a space, a control
 * character or a byte beyond ASCII in it, is a row of hexadecimal digits (kernel/audit.c: audit_log_n_untrustedstring()); so
 * nobody can name a file in a way that puts another part into the record.
 *
 * libapparmor would take AppArmor's records apart, too (aalogparse), but not those of seccomp, and with a scanner that keeps
 * its state in globals, allocates as it likes, and was made for logs, not for a daemon that is told things by whom it
 * confines. */

#include "record.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <string.h>

typedef enum PartKind {
        PART_NUMBER,    /* decimal or, after 0x, hexadecimal */
        PART_HEX,       /* hexadecimal without a mark */
        PART_TEXT,      /* as it stands */
        PART_UNTRUSTED, /* in quotes, or in hexadecimal digits */
} PartKind;

typedef struct Part {
        const char *key;
        PartKind kind;
        size_t offset;
} Part;

#define AT(member) offsetof(AuditRecord, member)

static const Part seccomp_parts[] = {
        {"pid", PART_NUMBER, AT(pid)},         {"uid", PART_NUMBER, AT(uid)},   {"comm", PART_UNTRUSTED, AT(comm)},
        {"syscall", PART_NUMBER, AT(syscall)}, {"arch", PART_HEX, AT(arch)},    {"code", PART_NUMBER, AT(code)},
};

/* "fsuid" is the subject's: who is denied a file. */
static const Part apparmor_parts[] = {
        {"pid", PART_NUMBER, AT(pid)},
        {"fsuid", PART_NUMBER, AT(uid)},
        {"comm", PART_UNTRUSTED, AT(comm)},
        {"apparmor", PART_TEXT, AT(verdict)},
        {"operation", PART_TEXT, AT(operation)},
        {"info", PART_TEXT, AT(info)},
        {"namespace", PART_UNTRUSTED, AT(ns)},
        {"profile", PART_UNTRUSTED, AT(profile)},
        {"label", PART_UNTRUSTED, AT(profile)},
        {"name", PART_UNTRUSTED, AT(name)},
        {"target", PART_UNTRUSTED, AT(target)},
        {"requested_mask", PART_TEXT, AT(requested)},
        {"capname", PART_TEXT, AT(capname)},
        {"family", PART_TEXT, AT(family)},
        {"sock_type", PART_TEXT, AT(sock_type)},
        {"protocol", PART_NUMBER, AT(protocol)},
        {"peer", PART_UNTRUSTED, AT(peer)},
        {"fstype", PART_UNTRUSTED, AT(fstype)},
        {"srcname", PART_UNTRUSTED, AT(srcname)},
        {"flags", PART_TEXT, AT(flags)},
};

/* ---- numbers --------------------------------------------------------------------------------------------------------- */

static int digit_of(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A number of at least one digit, up to 10^15; -1: there is none. */
static int64_t read_number(const char **p, const char *end, int base)
{
        const char *begin = *p;
        int64_t n = 0;

        for (; *p < end && n < INT64_C(1000000000000000); (*p)++) {
                int d = digit_of(**p);

                if (d < 0 || d >= base)
                        break;
                n = n * base + d;
        }
        return *p > begin ? n : -1;
}

static int parse_number(AuditText value, PartKind kind, int64_t *ret)
{
        const char *p = value.data, *end = p + value.size;
        bool negative = kind == PART_NUMBER && p < end && *p == '-';
        int base = kind == PART_HEX ? 16 : 10;
        int64_t n;

        if (negative)
                p++;
        if (base == 10 && end - p > 2 && p[0] == '0' && p[1] == 'x') {
                base = 16;
                p += 2;
        }
        n = read_number(&p, end, base);
        if (n < 0 || p < end)
                return -EBADMSG;
        *ret = negative ? -n : n;
        return 0;
}

/* ---- parts ------------------------------------------------------------------------------------------------------------ */

typedef struct Reader {
        AuditRecord *record;
        const char *p, *end;
        size_t used; /* of record->bytes */
} Reader;

/* Copies @value, decoded if @hex. Each byte of the message is copied once at most, so that there is room. */
static AuditText keep(Reader *r, AuditText value, bool hex)
{
        char *to = r->record->bytes + r->used;
        AuditText kept = {.data = to, .size = hex ? value.size / 2 : value.size};

        for (size_t i = 0; i < kept.size; i++) {
                if (hex)
                        to[i] = (char)(digit_of(value.data[2 * i]) << 4 | digit_of(value.data[2 * i + 1]));
                else
                        to[i] = value.data[i];
        }
        /* No name has a NUL in it. The kernel ends an abstract socket's there. */
        kept.size = strnlen(to, kept.size);
        r->used += kept.size;
        return kept;
}

static bool is_hex(AuditText t)
{
        for (size_t i = 0; i < t.size; i++)
                if (digit_of(t.data[i]) < 0)
                        return false;
        return t.size > 0 && t.size % 2 == 0;
}

/* The first of a kind counts. */
static int store(Reader *r, const Part *part, AuditText value, bool quoted)
{
        void *member = (char *)r->record + part->offset;
        AuditText *text = member;

        switch (part->kind) {
        case PART_NUMBER:
        case PART_HEX:
                return *(int64_t *)member == -1 ? parse_number(value, part->kind, member) : 0;
        default:
                if (!text->data)
                        *text = keep(r, value, part->kind == PART_UNTRUSTED && !quoted && is_hex(value));
                return 0;
        }
}

static const Part *find_part(const Part *parts, size_t n, AuditText key)
{
        for (size_t i = 0; i < n; i++)
                if (audit_text_is(key, parts[i].key))
                        return parts + i;
        return NULL;
}

/* One KEY=VALUE, or a word that is none. */
static int read_part(Reader *r, const Part *parts, size_t n_parts)
{
        AuditText key = {.data = r->p}, value;
        const Part *part;
        bool quoted;

        while (r->p < r->end && *r->p != ' ' && *r->p != '=')
                r->p++;
        key.size = (size_t)(r->p - key.data);
        if (r->p == r->end || *r->p == ' ')
                return 0;
        r->p++;
        quoted = r->p < r->end && *r->p == '"';
        if (quoted)
                r->p++;
        value.data = r->p;
        while (r->p < r->end && *r->p != (quoted ? '"' : ' '))
                r->p++;
        if (quoted && r->p == r->end)
                return -EBADMSG; /* it has been cut */
        value.size = (size_t)(r->p - value.data);
        if (quoted)
                r->p++;
        part = find_part(parts, n_parts, key);
        return part ? store(r, part, value, quoted) : 0;
}

/* "audit(1700000000.123:45): " */
static int read_head(Reader *r)
{
        static const char head[] = "audit(";
        int64_t sec, msec, serial;

        if ((size_t)(r->end - r->p) < sizeof(head) - 1 || memcmp(r->p, head, sizeof(head) - 1) != 0)
                return -EBADMSG;
        r->p += sizeof(head) - 1;
        sec = read_number(&r->p, r->end, 10);
        if (sec < 0 || sec > UINT32_MAX || r->p == r->end || *r->p++ != '.')
                return -EBADMSG;
        msec = read_number(&r->p, r->end, 10);
        if (msec < 0 || msec > 999 || r->p == r->end || *r->p++ != ':')
                return -EBADMSG;
        serial = read_number(&r->p, r->end, 10);
        if (serial < 0 || serial > UINT32_MAX || r->end - r->p < 2 || r->p[0] != ')' || r->p[1] != ':')
                return -EBADMSG;
        r->p += 2;
        r->record->time_usec = (uint64_t)sec * 1000000U + (uint64_t)msec * 1000U;
        r->record->serial = (uint32_t)serial;
        return 0;
}

static int check(const AuditRecord *r)
{
        if (r->pid <= 0 || r->pid > INT32_MAX)
                return -EBADMSG;
        if (r->uid > UINT32_MAX)
                return -EBADMSG;
        if (r->type == AUDIT_AVC)
                return r->verdict.data ? 0 : -EBADMSG;
        return r->syscall >= -1 && r->syscall <= UINT32_MAX && r->arch >= 0 && r->arch <= UINT32_MAX && r->code >= 0 &&
                               r->code <= UINT32_MAX
                       ? 0
                       : -EBADMSG;
}

int audit_record_parse(AuditRecord *ret, uint32_t type, const void *text, size_t size)
{
        const Part *parts = type == AUDIT_AVC ? apparmor_parts : seccomp_parts;
        size_t n = type == AUDIT_AVC ? sizeof(apparmor_parts) / sizeof(Part) : sizeof(seccomp_parts) / sizeof(Part);
        Reader r = {.record = ret, .p = text};
        int result;

        if ((type != AUDIT_AVC && type != AUDIT_SECCOMP) || size > AUDIT_TEXT_MAX || size == 0)
                return -EBADMSG;
        memset(ret, 0, offsetof(AuditRecord, bytes));
        ret->type = type;
        ret->pid = ret->uid = ret->syscall = ret->arch = ret->code = ret->protocol = -1;
        r.end = r.p + strnlen(text, size); /* it may or may not end with a NUL */
        result = read_head(&r);
        while (result >= 0 && r.p < r.end) {
                if (*r.p == ' ')
                        r.p++;
                else
                        result = read_part(&r, parts, n);
        }
        return result < 0 ? result : check(ret);
}

bool audit_text_is(AuditText t, const char *s)
{
        return t.data && t.size == strlen(s) && memcmp(t.data, s, t.size) == 0;
}
