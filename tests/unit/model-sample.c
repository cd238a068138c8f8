/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Random models: see model-sample.h. */

#include "model-sample.h"

#include <sys/socket.h>

static unsigned below(GRand *rand, unsigned n)
{
        return (unsigned)g_rand_int_range(rand, 0, (gint32)n);
}

/* Directories and names of the kinds that generalising knows, and some that it does not. */
static char *random_path(GRand *rand)
{
        static const char *const dirs[] = {"/proc", "/etc", "/var/lib/app", "/tmp", "/usr/lib/x86_64-linux-gnu", "/var/log/app", "/run/user",
                                           "/home", "/srv/{odd}", "/srv/we*rd"};
        static const char *const names[] = {"a", "b,c", "[x]", "back\\slash", "bad\xff\xfe", "\xc3\xa4", "new\nline", "passwd", "lib.so.1.2"};
        GString *s = g_string_new(dirs[below(rand, G_N_ELEMENTS(dirs))]);

        for (unsigned n = below(rand, 4); n > 0; n--)
                switch (below(rand, 7)) {
                case 0:
                        g_string_append_printf(s, "/%u", below(rand, 30000));
                        break;
                case 1:
                        g_string_append_printf(s, "/%08x-%04x-4%03x-8%03x-%08x%04x", g_rand_int(rand), below(rand, 65536), below(rand, 4096),
                                               below(rand, 4096), g_rand_int(rand), below(rand, 65536));
                        break;
                case 2:
                        g_string_append_printf(s, "/app.log.%u.gz", below(rand, 20));
                        break;
                case 3:
                        g_string_append_printf(s, "/tmp.%c%cXk%u%c%c", 'a' + below(rand, 26), 'A' + below(rand, 26), below(rand, 10),
                                               'a' + below(rand, 26), 'A' + below(rand, 26));
                        break;
                case 4:
                        g_string_append_printf(s, "/libfoo.so.%u.%u", below(rand, 5), below(rand, 30));
                        break;
                case 5:
                        g_string_append_printf(s, "/%08x%08x%08x%08x", g_rand_int(rand), g_rand_int(rand), g_rand_int(rand), g_rand_int(rand));
                        break;
                default:
                        g_string_append_printf(s, "/%s", names[below(rand, G_N_ELEMENTS(names))]);
                }
        return g_string_free(s, FALSE);
}

static void random_address(GRand *rand, ModelOp *o)
{
        bool six = below(rand, 2);

        o->family = UINT64_C(1) << (six ? AF_INET6 : AF_INET);
        o->address[0] = six ? 0xfd : 10;
        o->address[six ? 15 : 3] = (uint8_t)below(rand, 40);
        o->port = below(rand, 3) * 443;
}

static void random_syscall(GRand *rand, ModelOp *o)
{
        static const char *const names[] = {"read", "write", "openat", "socket", "clone", "ioctl", "futex"};

        o->object = g_strdup(names[below(rand, G_N_ELEMENTS(names))]);
        if (below(rand, 2)) {
                o->index = below(rand, 2);
                o->mask = 0xff00;
                o->value = below(rand, 4) << 8;
        }
}

ModelOp random_op(GRand *rand)
{
        ModelOp o = {.kind = (ModelKind)below(rand, _MODEL_KIND_MAX), .count = below(rand, 100)};

        /* Files are most of a real model. */
        if (below(rand, 2))
                o.kind = MODEL_FILE;
        switch (o.kind) {
        case MODEL_FILE:
                o.perms = below(rand, PERM_ALL + 1);
                o.owner_perms = o.perms ? below(rand, PERM_ALL + 1) : PERM_READ;
                /* fall through */
        case MODEL_EXEC:
        case MODEL_EGRESS_UNIX:
        case MODEL_INGRESS_UNIX:
                o.object = random_path(rand);
                o.second = o.kind == MODEL_EXEC && below(rand, 2) ? g_strdup("/usr/bin/parent") : NULL;
                break;
        case MODEL_CAPABILITY:
                o.number = UINT64_C(1) << below(rand, 41);
                break;
        case MODEL_SOCKET:
                o.family = UINT64_C(1) << (1 + below(rand, 12));
                o.type = UINT64_C(1) << (1 + below(rand, 5));
                o.protocol = below(rand, 2) ? 1U << below(rand, 3) : 0;
                break;
        case MODEL_EGRESS:
        case MODEL_INGRESS:
                random_address(rand, &o);
                break;
        case MODEL_PTRACE:
        case MODEL_SIGNAL:
                o.object = g_strdup(below(rand, 2) ? "nginx" : "sh");
                o.outside = below(rand, 2);
                o.perms = o.kind == MODEL_PTRACE ? 1 + below(rand, PTRACE_PERM_ALL) : 0;
                o.number = o.kind == MODEL_SIGNAL ? below(rand, 65) : 0;
                break;
        case MODEL_MOUNT:
                o.object = random_path(rand);
                o.second = below(rand, 2) ? g_strdup("tmpfs") : NULL;
                o.flags = 1 + below(rand, 0xffff);
                break;
        case MODEL_BPF:
                o.number = UINT64_C(1) << below(rand, 38);
                break;
        case MODEL_NAMED:
                o.number = UINT64_C(1) << below(rand, _NAMED_MAX);
                break;
        case MODEL_SYSCALL:
                random_syscall(rand, &o);
                break;
        default:
                break;
        }
        return o;
}

void random_op_done(ModelOp *o)
{
        g_free(o->object);
        g_free(o->second);
}

Model *random_model(GRand *rand, unsigned n_max)
{
        Model *m = model_new();

        for (unsigned n = below(rand, n_max + 1); n > 0; n--) {
                ModelOp o = random_op(rand);

                g_assert_cmpstr(model_op_check(&o), ==, NULL);
                g_assert_cmpint(model_add(m, &o), ==, 0);
                random_op_done(&o);
        }
        for (unsigned n = below(rand, 3); n > 0; n--) {
                ModelSource s = {.host = below(rand, 2) ? (char *)"web\xff 1" : NULL, .unit = (char *)"a\\b.service",
                                 .started_usec = below(rand, 3), .ended_usec = 1000, .kinds = below(rand, 2) ? MODEL_KINDS_ALL : 3};

                s.lost[below(rand, _MODEL_KIND_MAX)] = below(rand, 2);
                g_assert_cmpint(model_add_source(m, &s), ==, 0);
        }
        model_seal(m);
        return m;
}
