/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records: each object that a program can name, and what it is as an op; and what cannot be one. */

#include <string.h>
#include <sys/socket.h>

#include "bpf/record.h"
#include "policy.h"
#include "seccomp/syscalls.h"

/* A record with its texts behind it. */
static struct va_record *record_new(struct va_record head, const char *object, const char *program, size_t *ret_size)
{
        size_t n = strlen(object), m = program ? strlen(program) : 0;
        struct va_record *v = g_malloc0(sizeof(*v) + n + m);

        *v = head;
        v->size = (uint16_t)n;
        v->program = (uint16_t)m;
        memcpy(v + 1, object, n);
        if (m > 0)
                memcpy((char *)(v + 1) + n, program, m);
        *ret_size = sizeof(*v) + n + m;
        return v;
}

#define BIT(n) (UINT64_C(1) << (n))

static const struct {
        const char *object;
        struct va_record head;
        ModelOp op;
} samples[] = {
        {"/etc/passwd", {.kind = VA_KIND_FILE, .requested = VA_READ}, {.kind = MODEL_FILE, .object = (char *)"/etc/passwd", .perms = PERM_READ}},
        {"/home/a b",
         {.kind = VA_KIND_FILE, .requested = VA_READ | VA_APPEND, .owner = 1},
         {.kind = MODEL_FILE, .object = (char *)"/home/a b", .owner_perms = PERM_READ | PERM_APPEND}},
        {"/0c", {.kind = VA_KIND_CAPABILITY, .requested = 1}, {.kind = MODEL_CAPABILITY, .number = BIT(12)}},
        {"/02/1/t",
         {.kind = VA_KIND_SOCKET, .requested = 1},
         {.kind = MODEL_SOCKET, .family = BIT(AF_INET), .type = BIT(SOCK_STREAM), .protocol = PROTOCOL_TCP}},
        {"/3f/f/o", {.kind = VA_KIND_SOCKET, .requested = 1}, {.kind = MODEL_SOCKET, .family = BIT(63), .type = BIT(15)}},
        {"/4/7f000001/0050/h",
         {.kind = VA_KIND_EGRESS, .requested = 1},
         {.kind = MODEL_EGRESS, .family = BIT(AF_INET), .address = {127, 0, 0, 1}, .port = 80}},
        {"/6/fd000000000000000000000000000001/ffff/-",
         {.kind = VA_KIND_INGRESS, .requested = 1},
         {.kind = MODEL_INGRESS, .family = BIT(AF_INET6), .address = {0xfd, [15] = 1}, .port = 65535}},
        {"/run/a.sock", {.kind = VA_KIND_EGRESS_UNIX, .requested = 1}, {.kind = MODEL_EGRESS_UNIX, .object = (char *)"/run/a.sock"}},
        {"/@name", {.kind = VA_KIND_INGRESS_UNIX, .requested = 1}, {.kind = MODEL_INGRESS_UNIX, .object = (char *)"@name"}},
        {"/i/gdb",
         {.kind = VA_KIND_PTRACE, .requested = VA_PTRACE_TRACE},
         {.kind = MODEL_PTRACE, .object = (char *)"gdb", .perms = PTRACE_PERM_TRACE}},
        {"/o/a/b", {.kind = VA_KIND_SIGNAL, .requested = 1, .words = 15}, {.kind = MODEL_SIGNAL, .object = (char *)"a/b", .outside = 1, .number = 15}},
        {"/o/", {.kind = VA_KIND_SIGNAL, .requested = 1, .words = 9}, {.kind = MODEL_SIGNAL, .object = (char *)"?", .outside = 1, .number = 9}},
        {"/0/tmpfs/none",
         {.kind = VA_KIND_MOUNT, .requested = 1, .words = BIT(VA_MOUNT_RW) | BIT(VA_MOUNT_NOSUID)},
         {.kind = MODEL_MOUNT, .object = (char *)"none", .second = (char *)"tmpfs", .flags = BIT(VA_MOUNT_RW) | BIT(VA_MOUNT_NOSUID)}},
        {"/0/none//srv/x/y",
         {.kind = VA_KIND_MOUNT, .requested = 1, .words = BIT(VA_MOUNT_BIND)},
         {.kind = MODEL_MOUNT, .object = (char *)"/srv/x/y", .second = (char *)"none", .flags = BIT(VA_MOUNT_BIND)}},
        {"/user", {.kind = VA_KIND_USERNS, .requested = 1}, {.kind = MODEL_USERNS}},
        {"/05", {.kind = VA_KIND_BPF, .requested = 1}, {.kind = MODEL_BPF, .number = BIT(5)}},
        {"/02", {.kind = VA_KIND_NAMED, .requested = 1}, {.kind = MODEL_NAMED, .number = BIT(2)}},
#if defined(__x86_64__)
        {"",
         {.kind = VA_RECORD_CALL, .requested = 41, .words = AF_UNIX},
         {.kind = MODEL_SYSCALL, .object = (char *)"socket", .mask = UINT32_MAX, .value = AF_UNIX}},
        {"",
         {.kind = VA_RECORD_CALL, .requested = 16, .words = 0x5401},
         {.kind = MODEL_SYSCALL, .object = (char *)"ioctl", .index = 1, .mask = 0xff00, .value = 0x5400}},
#endif
};

static void test_each(void)
{
        for (unsigned i = 0; i < G_N_ELEMENTS(samples); i++) {
                size_t size;
                g_autofree struct va_record *v = record_new(samples[i].head, samples[i].object, NULL, &size);
                const ModelOp *want = &samples[i].op;
                RecordOps ops;

                g_test_message("%s", samples[i].object);
                g_assert_true(record_ops(v, size, &ops));
                g_assert_cmpuint(ops.n, ==, 1);
                g_assert_cmpint(model_op_compare(&ops.op[0], want), ==, 0);
                g_assert_cmphex(ops.op[0].perms, ==, want->perms);
                g_assert_cmphex(ops.op[0].owner_perms, ==, want->owner_perms);
                g_assert_cmpuint(ops.op[0].count, ==, 1);
                g_assert_null(model_op_check(&ops.op[0]));
                record_ops_clear(&ops);
                /* One byte is missing. */
                if (v->size > 0)
                        g_assert_false(record_ops(v, size - 1, &ops));
        }
}

static void test_exec(void)
{
        const struct va_record head = {.kind = VA_KIND_FILE, .op = VA_OP_EXEC, .requested = VA_EXEC};
        size_t size;
        g_autofree struct va_record *v = record_new(head, "/usr/bin/ls", "/usr/bin/bash", &size), *orphan = NULL;
        RecordOps ops;

        g_assert_true(record_ops(v, size, &ops));
        g_assert_cmpuint(ops.n, ==, 2);
        g_assert_cmpint(ops.op[0].kind, ==, MODEL_FILE);
        g_assert_cmphex(ops.op[0].perms, ==, PERM_EXEC);
        g_assert_cmpint(ops.op[1].kind, ==, MODEL_EXEC);
        g_assert_cmpstr(ops.op[1].object, ==, "/usr/bin/ls");
        g_assert_cmpstr(ops.op[1].second, ==, "/usr/bin/bash");
        record_ops_clear(&ops);
        g_assert_false(record_ops(v, size - 1, &ops));

        /* The program that executes has no path. */
        orphan = record_new(head, "/usr/bin/ls", NULL, &size);
        g_assert_true(record_ops(orphan, size, &ops));
        g_assert_cmpuint(ops.n, ==, 2);
        g_assert_null(ops.op[1].second);
        record_ops_clear(&ops);
}

/* What is known already is no op, and no loss. */
static void test_device(void)
{
        const struct va_record head = {.kind = VA_KIND_MOUNT, .requested = 1, .words = BIT(VA_MOUNT_DEVICE)};
        size_t size;
        g_autofree struct va_record *v = record_new(head, "/c/ext4//dev/vda", NULL, &size);
        RecordOps ops;

        g_assert_true(record_ops(v, size, &ops));
        g_assert_cmpuint(ops.n, ==, 0);
}

/* A filter must know each call by the name that it is recorded by, also those that are newer than libseccomp. */
static void test_calls(void)
{
        g_autofree char *old = record_call((uint32_t)syscall_number(syscall_native(), "openat"));
        g_autofree char *newer = record_call(457), *future = record_call(511);

        g_assert_cmpstr(old, ==, "openat");
        g_assert_cmpstr(newer, ==, "statmount");
        g_assert_cmpstr(future, ==, "511");
        for (uint32_t nr = 451; nr <= 462; nr++) {
                g_autofree char *name = record_call(nr);

                g_assert_true(syscall_is_known(name));
        }
}

static void test_nonsense(void)
{
        static const struct {
                uint8_t kind;
                const char *object;
        } nonsense[] = {
                {VA_KIND_CAPABILITY, "/0"},        {VA_KIND_CAPABILITY, "/0cx"},     {VA_KIND_CAPABILITY, "/ff"},
                {VA_KIND_SOCKET, "/02/1"},         {VA_KIND_SOCKET, "/02/1/tt"},     {VA_KIND_SOCKET, "/ff/1/t"},
                {VA_KIND_EGRESS, "/4/7f0001/00"},  {VA_KIND_EGRESS, "/5/00000000/0000/-"}, {VA_KIND_INGRESS, ""},
                {VA_KIND_PTRACE, "/"},             {VA_KIND_SIGNAL, "i/x"},          {VA_KIND_MOUNT, "/0/tmpfs"},
                {VA_KIND_MOUNT, ""},               {VA_KIND_DEVICE, "/dev/block/8:1"}, {VA_KIND_NAMED, "02"},
                {VA_RECORD_CALL, ""},              {VA_RECORD_MAX, "/x"},            {255, "/x"},
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(nonsense); i++) {
                size_t size;
                g_autofree struct va_record *v =
                        record_new((struct va_record){.kind = nonsense[i].kind, .requested = 1}, nonsense[i].object, NULL, &size);
                RecordOps ops;

                g_test_message("%u %s", nonsense[i].kind, nonsense[i].object);
                g_assert_false(record_ops(v, size, &ops));
                g_assert_cmpuint(ops.n, ==, 0);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/record/each", test_each);
        g_test_add_func("/record/exec", test_exec);
        g_test_add_func("/record/device", test_device);
        g_test_add_func("/record/calls", test_calls);
        g_test_add_func("/record/nonsense", test_nonsense);
        return g_test_run();
}
