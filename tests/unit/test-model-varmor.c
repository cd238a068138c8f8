/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* vArmor's ArmorProfileModel: what is written is read again, and objects as its versions write them. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "model-json.h"
#include "model-sample.h"
#include "model-varmor.h"

static const GeneraliseOptions strict = {0};

static Model *import(const char *text, guint n_warnings)
{
        g_autoptr(Diag) d = diag_new();
        Model *m = NULL;

        g_assert_cmpint(model_from_varmor(text, strlen(text), "test", &m, d), ==, 0);
        for (guint i = 0; i < d->messages->len; i++) {
                g_autofree char *line = diag_message_format(d->messages->pdata[i]);

                g_test_message("%s", line);
        }
        if (n_warnings != G_MAXUINT)
                g_assert_cmpuint(d->messages->len, ==, n_warnings);
        g_assert_false(model_is_complete(m));
        return m;
}

static bool has(const Model *m, ModelOp o)
{
        const ModelOp *found = model_find(m, &o);

        return found && (o.perms & ~found->perms) == 0 && (o.owner_perms & ~found->owner_perms) == 0;
}

static void test_new_version(void)
{
        static const char text[] =
                "{\"kind\": \"ArmorProfileModel\", \"metadata\": {\"name\": \"web\"}, \"data\": {\"dynamicResult\": {"
                "\"apparmor\": {\"profiles\": [\"p\"], \"executions\": [\"/bin/sh\"], \"files\": ["
                "{\"path\": \"/tmp/**\", \"permissions\": [\"r\", \"w\"], \"oldPath\": \"/tmp/x\", \"owner\": true},"
                "{\"path\": \"/etc/\", \"permissions\": [\"r\"]}, {\"path\": \"/lib/**\", \"permissions\": [\"m\"]}],"
                "\"capabilities\": [\"net_admin\"], \"signals\": [{\"peer\": \"p\", \"permissions\": [\"send\"], \"signals\": [\"term\", \"exists\"]}]},"
                "\"bpf\": {\"capabilities\": [\"CAP_CHOWN\"], \"files\": [{\"path\": \"/a\", \"permissions\": [\"read\", \"create\"]}],"
                "\"network\": {\"sockets\": [{\"domain\": \"AF_INET\", \"type\": \"SOCK_STREAM\", \"protocol\": \"6\"}],"
                "\"egresses\": [{\"ip\": \"10.0.0.1\", \"ports\": [80, 443]}]},"
                "\"ptraces\": [{\"permissions\": [\"trace\"], \"external\": true}],"
                "\"mounts\": [{\"path\": \"/x\", \"type\": \"tmpfs\", \"flags\": [\"rw\"]}]},"
                "\"seccomp\": {\"syscalls\": [\"read\", \"write\"]}}}}";
        g_autoptr(Model) m = import(text, 2);
        const uint64_t inet = UINT64_C(1) << AF_INET;

        g_assert_true(has(m, (ModelOp){.kind = MODEL_EXEC, .object = (char *)"/bin/sh"}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_FILE, .object = (char *)"/tmp/x", .owner_perms = PERM_READ | PERM_WRITE}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_FILE, .object = (char *)"/etc", .perms = PERM_READ}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_FILE, .object = (char *)"/a", .perms = PERM_READ | PERM_WRITE}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_CAPABILITY, .number = 1U << 12}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_CAPABILITY, .number = 1U << 0}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_SIGNAL, .object = (char *)"p", .number = 15}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_SIGNAL, .object = (char *)"p"}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_SOCKET, .family = inet, .type = 1U << SOCK_STREAM, .protocol = PROTOCOL_TCP}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_EGRESS, .family = inet, .address = {10, 0, 0, 1}, .port = 443}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_PTRACE, .object = (char *)"unknown", .outside = 1, .perms = PTRACE_PERM_TRACE}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_MOUNT, .object = (char *)"/x", .second = (char *)"tmpfs", .flags = UINT64_C(1) << MOUNT_RW}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_SYSCALL, .object = (char *)"write"}));
        g_assert_cmpuint(model_lost(m, MODEL_FILE), ==, 2);
        g_assert_cmpstr(((const ModelSource *)m->sources->pdata[0])->policy, ==, "web");
}

static void test_old_version(void)
{
        static const char text[] = "{\"data\": {\"dynamicResult\": {\"appArmor\": {\"networks\": [{\"family\": \"inet\", \"sockType\": \"dgram\", "
                                   "\"protocol\": \"udp\"}, {\"family\": \"what\"}], \"unhandled\": [\"x\"]}, \"seccomp\": {\"syscall\": [\"read\"]}}}}";
        g_autoptr(Model) m = import(text, 2);

        g_assert_true(has(m, (ModelOp){.kind = MODEL_SYSCALL, .object = (char *)"read"}));
        g_assert_true(has(m, (ModelOp){.kind = MODEL_SOCKET, .family = UINT64_C(1) << AF_INET, .type = 1U << SOCK_DGRAM, .protocol = PROTOCOL_UDP}));
        g_assert_cmpuint(model_lost(m, MODEL_SOCKET), ==, 1);
}

static void test_refused(void)
{
        static const char *const bad[] = {"", "{", "[]", "{}", "{\"data\": {}}", "{\"data\": {\"dynamicResult\": 3}}"};

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(Diag) d = diag_new();
                g_autoptr(Model) m = NULL;

                g_assert_cmpint(model_from_varmor(bad[i], strlen(bad[i]), "test", &m, d), ==, -EBADMSG);
                g_assert_cmpuint(d->n_errors, ==, 1);
                g_assert_null(m);
        }
}

/* What was written as it was seen comes back. */
static bool comes_back(const ModelOp *o)
{
        if (o->kind == MODEL_FILE || o->kind == MODEL_EXEC)
                return g_utf8_validate(o->object, -1, NULL) && !strpbrk(o->object, "*?[]{},\\^");
        if (o->kind == MODEL_SOCKET)
                return model_word(socket_domain_words, o->family) && model_word(socket_type_words, o->type);
        return o->kind == MODEL_EGRESS;
}

static void test_round_trip(void)
{
        g_autoptr(GeneraliseRules) none = g_new0(GeneraliseRules, 1);
        unsigned n = 0;

        none->rules = g_ptr_array_new();
        for (unsigned i = 0; i < 100; i++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(i);
                g_autoptr(Model) m = random_model(rand, 60), back = NULL;
                g_autoptr(General) g = generalise(m, none, &strict);
                const VarmorModel about = {.name = "web", .space = "default", .apparmor = "  capability chown,\n", .seccomp = "{}"};
                g_autofree char *text = model_to_varmor(g, &about), *again = model_to_varmor(g, &about);

                g_assert_cmpstr(text, ==, again);
                back = import(text, G_MAXUINT);
                for (guint k = 0; k < m->ops->len; k++) {
                        const ModelOp *o = m->ops->pdata[k];
                        ModelOp want = *o;

                        if (!comes_back(o))
                                continue;
                        /* Whose access it was, the format tells only where it is the owner's alone; BPF's list does not tell. */
                        want.perms |= want.owner_perms;
                        want.owner_perms = 0;
                        want.second = NULL;
                        if (!has(back, want))
                                g_error("case %u: %s %s did not come back:\n%s", i, model_kind_to_string(o->kind), o->object ?: "", text);
                        n++;
                }
        }
        g_assert_cmpuint(n, >, 500);
}

static void test_signals(void)
{
        for (unsigned i = 0; i <= 64; i++) {
                g_autofree char *name = signal_name(i);

                g_assert_cmpint(signal_number(name), ==, i);
        }
        g_assert_cmpint(signal_number("rtmin+33"), ==, -1);
        g_assert_cmpint(signal_number("x"), ==, -1);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/model-varmor/new-version", test_new_version);
        g_test_add_func("/model-varmor/old-version", test_old_version);
        g_test_add_func("/model-varmor/refused", test_refused);
        g_test_add_func("/model-varmor/round-trip", test_round_trip);
        g_test_add_func("/model-varmor/signals", test_signals);
        return g_test_run();
}
