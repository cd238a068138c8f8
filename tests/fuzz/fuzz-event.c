/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A record of the ring buffer -> event -> alarm -> journal entry. The daemon's own code is taken in whole, since what is looked
 * for is behind a static function. */

#include "../../enforcers/bpf/events.c"

#include "fuzz.h"
#include "journal.h"

typedef struct Record {
        const uint8_t *data;
        size_t size;
        unsigned n_seen;
} Record;

static bool inside(const Record *r, const uint8_t *part, size_t n)
{
        return n == 0 || (part >= r->data && n <= r->size && part <= r->data + r->size - n);
}

static void on_event(const EnforcerEvent *v, void *userdata)
{
        Record *r = userdata;
        g_autoptr(Alarm) a = g_new0(Alarm, 1);
        g_autoptr(JournalEntry) e = NULL;
        g_autofree char *message = NULL;

        r->n_seen++;
        FUZZ_CHECK(v->policy && v->operation && v->rule >= -1);
        FUZZ_CHECK(event_reason_to_string(v->reason) && action_to_string(v->action));
        FUZZ_CHECK(v->object_size <= r->size + 64); /* in words it may be a little longer */
        FUZZ_CHECK(inside(r, v->object2, v->object2_size));
        FUZZ_CHECK(strnlen(v->comm, sizeof(v->comm)) < sizeof(v->comm));

        a->policy = g_strdup(v->policy);
        a->enforcers = 1U << v->enforcer;
        a->action = v->action;
        a->reason = v->reason;
        a->rule = g_strdup("files[0]");
        a->operation = g_strdup(v->operation);
        a->kind = v->kind;
        a->requested = v->requested;
        a->object = g_bytes_new(v->object, v->object_size);
        a->object2 = v->object2 ? g_bytes_new(v->object2, v->object2_size) : NULL;
        a->cgroup = g_strdup("");
        a->unit = g_strdup("");
        memcpy(a->comm, v->comm, sizeof(a->comm));
        a->count = 1;
        message = alarm_dup_message(a);
        FUZZ_CHECK(g_utf8_validate(message, -1, NULL));
        for (const char *c = message; *c; c++)
                FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
        e = journal_entry_from_alarm(a);
        FUZZ_CHECK(e->bytes->len <= JOURNAL_ENTRY_BYTES_MAX);
}

static void on_origin(const AuditOrigin *o, void *userdata)
{
        Record *r = userdata;
        unsigned n = 0;

        r->n_seen++;
        FUZZ_CHECK(o->type == AUDIT_SECCOMP || o->type == AUDIT_AVC);
        FUZZ_CHECK(strnlen(o->comm, sizeof(o->comm)) < sizeof(o->comm));
        while (o->policies[n])
                FUZZ_CHECK(*o->policies[n] != '\0' && ++n <= VA_COVER_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct va_slot slots[VA_POLICIES_MAX] = {[1] = {.used = 1, .generation = 7, .name = "web"}};
        Record record = {.data = data, .size = size};
        const EnforcerEnv env = {.on_event = on_event, .on_origin = on_origin, .userdata = &record};
        g_autoptr(GHashTable) repeats = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
        Enforcer e = {.env = &env, .slots = slots, .dispatch_left = 2, .repeats = repeats};
        int r;

        if ((uintptr_t)data % _Alignof(struct va_event) != 0)
                return 0;
        r = on_sample(&e, (void *)data, size);
        FUZZ_CHECK(r == 0 && record.n_seen <= 1);
        FUZZ_CHECK(size >= sizeof(struct va_event) || record.n_seen == 0);
        r = on_sample(&e, (void *)data, size);
        FUZZ_CHECK(r == -EAGAIN);
        FUZZ_CHECK(g_hash_table_size(repeats) <= 1);
        return 0;
}

/* An object of each kind, whole, cut, and with each of its bytes changed. */
static void generate_objects(FuzzEmit emit, void *userdata)
{
        static const struct {
                const char *name, *object;
                uint8_t kind;
        } objects[] = {
                {"capability", "/0c", VA_KIND_CAPABILITY},
                {"socket", "/02/1/t", VA_KIND_SOCKET},
                {"address-4", "/4/a9fea9fe/0050/-", VA_KIND_EGRESS},
                {"address-6", "/6/fd000ec2000000000000000000000254/0050/h", VA_KIND_INGRESS},
                {"ptrace", "/o/comm", VA_KIND_PTRACE},
                {"mount", "/0/proc:/proc", VA_KIND_MOUNT},
                {"bpf", "/05", VA_KIND_BPF},
                {"unix", "/@name", VA_KIND_EGRESS_UNIX},
                {"operation", "/02", VA_KIND_NAMED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(objects); i++) {
                size_t n = strlen(objects[i].object);
                struct va_event v = {.slot = 1, .generation = 7, .op = VA_OP_OPEN, .kind = objects[i].kind, .requested = 1};
                g_autoptr(GString) s = g_string_new(NULL);

                for (size_t cut = 0; cut <= n; cut++)
                        for (unsigned b = 0; b < 256; b++) {
                                v.size = (uint16_t)cut;
                                g_string_truncate(s, 0);
                                g_string_append_len(s, (const char *)&v, sizeof(v));
                                g_string_append(s, objects[i].object);
                                if (cut > 0)
                                        s->str[sizeof(v) + cut - 1] = (char)b;
                                (void)LLVMFuzzerTestOneInput((const uint8_t *)s->str, sizeof(v) + cut);
                        }
                v.size = (uint16_t)n;
                g_string_truncate(s, 0);
                g_string_append_len(s, (const char *)&v, sizeof(v));
                g_string_append(s, objects[i].object);
                fuzz_emit_string(objects[i].name, g_steal_pointer(&s), emit, userdata);
        }
}

/* Who made a record, whole, cut, and with each of its bytes changed. */
static void generate_origins(FuzzEmit emit, void *userdata)
{
        const struct va_call call = {.nr = 41, .arch = 0xc000003e, .code = 0x50001, .args = {2, 3},
                                     .cover = {.n = VA_COVER_MAX, .slot = {1, 1, 0, UINT16_MAX, VA_POLICIES_MAX}}};

        for (uint8_t op = VA_OP_SECCOMP; op <= VA_OP_APPARMOR; op++) {
                struct va_event v = {.op = op, .size = sizeof(call), .comm = "a comm of 16 byt"};
                g_autoptr(GString) s = g_string_new(NULL);

                g_string_append_len(s, (const char *)&v, sizeof(v));
                g_string_append_len(s, (const char *)&call, sizeof(call));
                for (gsize n = sizeof(v); n < s->len; n++) {
                        g_autofree uint8_t *cut = g_memdup2(s->str, n);

                        ((struct va_event *)cut)->size = (uint16_t)(n - sizeof(v));
                        (void)LLVMFuzzerTestOneInput(cut, n);
                }
                for (gsize i = 0; i < s->len; i++)
                        for (unsigned b = 0; b < 256; b++) {
                                g_autofree uint8_t *copy = g_memdup2(s->str, s->len);

                                copy[i] = (uint8_t)b;
                                (void)LLVMFuzzerTestOneInput(copy, s->len);
                        }
                fuzz_emit_string(op == VA_OP_SECCOMP ? "origin-seccomp" : "origin-apparmor", g_steal_pointer(&s), emit, userdata);
        }
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        static const char paths[] = "/srv/secret/srv/\n\xff";
        struct va_event v = {.slot = 1, .generation = 7, .op = VA_OP_RENAME, .reason = VA_REASON_RULE, .requested = VA_READ,
                             .size = 11, .size2 = 7, .comm = "a comm of 16 byt"};
        GString *s = g_string_new_len((const char *)&v, sizeof(v)), *big;

        g_string_append(s, paths);
        for (gsize n = 0; n < s->len; n++) {
                g_autofree uint8_t *cut = g_memdup2(s->str, n);

                (void)LLVMFuzzerTestOneInput(cut, n);
        }
        for (gsize i = 0; i < sizeof(v); i++)
                for (unsigned b = 0; b < 256; b++) {
                        g_autofree uint8_t *copy = g_memdup2(s->str, s->len);

                        copy[i] = (uint8_t)b;
                        (void)LLVMFuzzerTestOneInput(copy, s->len);
                }
        fuzz_emit_string("rename", s, emit, userdata);

        generate_objects(emit, userdata);
        generate_origins(emit, userdata);

        v.size = v.size2 = UINT16_MAX;
        big = g_string_new_len((const char *)&v, sizeof(v));
        for (unsigned i = 0; i < 2 * UINT16_MAX; i++)
                g_string_append_c(big, (char)i);
        fuzz_emit_string("longest", big, emit, userdata);
}
