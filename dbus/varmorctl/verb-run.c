/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run: a command under a policy, by all its enforcers. This process becomes the command, through varmor-exec; for the BPF enforcer
 * it must stand in a cgroup that the policy covers. A process by the side has systemd put it there, but only after it has become
 * varmor-exec, which belongs to the set-up and not to what is confined; that waits for it. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attached.h"
#include "bindings.h"
#include "cgroup.h"
#include "client.h"
#include "policy.h"
#include "target.h"
#include "bpf/table.h"

#define HELPER "/usr/lib/varmor/varmor-exec"
#define MOVED_STEPS 500
#define MOVED_STEP_NSEC 10000000L

typedef struct Start {
        const char *policy; /* full name */
        char *slice, *unit;
        pid_t pid;
        int executed, go; /* ends when @pid has become varmor-exec; what that waits for */
} Start;

/* ---- by the side ------------------------------------------------------------------------------------------------------- */

static int append_properties(sd_bus_message *m, const Start *s, const char *command)
{
        g_autofree char *description = g_strdup_printf("%s under policy %s", command, s->policy);
        int r;

        r = sd_bus_message_append(m, "ss", s->unit, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "Description", "s", description, "Slice", "s", s->slice, "PIDs", "au",
                                          1U, (uint32_t)s->pid, "CollectMode", "s", "inactive-or-failed");
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_append(m, "a(sa(sv))", 0U);
}

static int ask_systemd(const Start *s, const char *command, sd_bus_error *error)
{
        g_autoptr(sd_bus) bus = NULL;
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                                   "org.freedesktop.systemd1.Manager", "StartTransientUnit");
        if (r >= 0)
                r = append_properties(m, s, command);
        return r < 0 ? r : sd_bus_call(bus, m, 0, error, NULL);
}

static bool is_moved(const Start *s)
{
        const struct timespec step = {.tv_nsec = MOVED_STEP_NSEC};
        g_autofree char *end = g_strconcat("/", s->unit, NULL);

        for (int i = 0; i < MOVED_STEPS; i++) {
                g_autofree char *path = NULL;

                if (cgroup_of_pid(s->pid, &path) == 0 && g_str_has_suffix(path, end))
                        return true;
                (void)nanosleep(&step, NULL);
        }
        return false;
}

static void put_there(const Start *s, const char *command)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char c;
        int r;

        while (read(s->executed, &c, 1) < 0 && errno == EINTR)
                ;
        r = ask_systemd(s, command, &error);
        if (r < 0)
                fprintf(stderr, "varmorctl: systemd does not make a scope for it: %s\n", error.message ?: g_strerror(-r));
        else if (!is_moved(s))
                fprintf(stderr, "varmorctl: systemd has not put it into %s\n", s->unit);
        else if (write(s->go, "+", 1) != 1)
                fprintf(stderr, "varmorctl: varmor-exec is gone\n");
        sd_bus_error_free(&error);
}

/* A grandchild: the command must not find a child that it has not made. */
static int fork_side(Start *s, int *ends_of_command, const char *command)
{
        pid_t child = fork();

        if (child < 0)
                return -errno;
        if (child == 0) {
                close(ends_of_command[0]);
                close(ends_of_command[1]);
                if (fork() == 0)
                        put_there(s, command);
                _exit(0);
        }
        (void)waitpid(child, NULL, 0);
        return 0;
}

/* ---- the command ------------------------------------------------------------------------------------------------------- */

/* What binds at exec. No file: nothing does. */
static int read_bindings(Bindings **ret)
{
        g_autofree char *data = NULL;
        g_autoptr(GBytes) bytes = NULL;
        gsize size;

        if (!g_file_get_contents(BINDINGS_FILE, &data, &size, NULL))
                return access(BINDINGS_FILE, F_OK) < 0 && errno == ENOENT ? 0 : -EIO;
        bytes = g_bytes_new_take(g_steal_pointer(&data), size);
        return bindings_from_bytes(bytes, ret);
}

/* All that covers the scope binds there, not the policy alone that was asked for. */
static GPtrArray *find_bindings(const Bindings *b, const Start *s)
{
        g_autofree char *dir = slice_to_cgroup(s->slice), *path = g_strconcat(dir ?: "", "/", s->unit, NULL);
        GPtrArray *found = g_ptr_array_new();
        const struct va_cover *cover;
        gsize size = 0;
        const void *table = b && b->targets ? g_bytes_get_data(b->targets, &size) : NULL;

        if (size == 0 || table_validate(table, size, TABLE_TARGETS) < 0)
                return found;
        cover = table_match_cover(table, path);
        for (uint32_t i = 0; cover && i < cover->n; i++)
                if (cover->slot[i] < b->policies->len)
                        g_ptr_array_add(found, b->policies->pdata[cover->slot[i]]);
        return found;
}

static void add_policies(GPtrArray *arguments, const GPtrArray *bindings, bool open)
{
        for (guint i = 0; i < bindings->len; i++) {
                const Binding *b = bindings->pdata[i];

                if (b->fail_open != open)
                        continue;
                if (b->children) {
                        g_ptr_array_add(arguments, g_strdup("--children"));
                        g_ptr_array_add(arguments, g_strdup(b->bind_name));
                }
                if (b->enforcers & 1U << ENFORCER_SECCOMP)
                        g_ptr_array_add(arguments, g_strdup(b->bind_name));
        }
}

/* What AppArmor would give the program by its path goes with it, as the generator has it. */
static void prepend_attached(GString *profile, const char *command)
{
        g_autoptr(Attached) all = attached_new("");
        g_autofree char *path = strchr(command, '/') ? g_canonicalize_filename(command, NULL) : g_find_program_in_path(command);
        const char *its = path ? attached_find(all, path) : NULL;

        if (!its)
                return;
        g_string_prepend(profile, "//&");
        g_string_prepend(profile, its);
}

/* Return: whether the command may start without it. */
static bool join_profiles(const GPtrArray *bindings, const char *command, GString *to)
{
        bool open = true;

        for (guint i = 0; i < bindings->len; i++) {
                const Binding *b = bindings->pdata[i];

                if (!(b->enforcers & 1U << ENFORCER_APPARMOR))
                        continue;
                g_string_append_printf(to, "%svarmor.%s", to->len > 0 ? "//&" : "", b->bind_name);
                open &= b->fail_open;
        }
        if (to->len > 0)
                prepend_attached(to, command);
        return open;
}

static void add_profile(GPtrArray *arguments, const GString *profile)
{
        if (profile->len == 0)
                return;
        g_ptr_array_add(arguments, g_strdup("--apparmor"));
        g_ptr_array_add(arguments, g_strdup(profile->str));
}

static char **helper_arguments(const GPtrArray *bindings, int wait_fd, char **command)
{
        GPtrArray *a = g_ptr_array_new();
        g_autoptr(GString) profile = g_string_new(NULL);
        const bool open = join_profiles(bindings, *command, profile), relative = **command != '/' && strchr(*command, '/');
        const char *path = getenv("PATH");

        g_ptr_array_add(a, g_strdup(HELPER));
        g_ptr_array_add(a, g_strdup("--wait"));
        g_ptr_array_add(a, g_strdup_printf("%d", wait_fd));
        if (path) {
                g_ptr_array_add(a, g_strdup("--search"));
                g_ptr_array_add(a, g_strdup(path));
        }
        if (relative)
                g_ptr_array_add(a, g_strdup("-@"));
        if (!open)
                add_profile(a, profile);
        add_policies(a, bindings, false);
        g_ptr_array_add(a, g_strdup("--open"));
        if (open)
                add_profile(a, profile);
        add_policies(a, bindings, true);
        g_ptr_array_add(a, g_strdup("--"));
        if (relative)
                g_ptr_array_add(a, g_canonicalize_filename(*command, NULL));
        for (; *command; command++)
                g_ptr_array_add(a, g_strdup(*command));
        g_ptr_array_add(a, NULL);
        return (char **)g_ptr_array_free(a, FALSE);
}

static int become(Start *s, const GPtrArray *bindings, char **command)
{
        g_auto(GStrv) arguments = NULL;
        int executed[2], go[2], r;

        if (pipe2(executed, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
                return -errno;
        s->pid = getpid();
        s->executed = executed[0];
        s->go = go[1];
        r = fork_side(s, (int[]){executed[1], go[0]}, *command);
        if (r < 0)
                return r;
        close(executed[0]);
        close(go[1]);
        if (fcntl(go[0], F_SETFD, 0) < 0)
                return -errno;
        arguments = helper_arguments(bindings, go[0], command);
        (void)execv(HELPER, arguments);
        fprintf(stderr, "varmorctl: cannot execute %s: %s\n", HELPER, g_strerror(errno));
        return EXIT_FAILED;
}

/* ---- the policy -------------------------------------------------------------------------------------------------------- */

/* Is it in force as it was asked for? */
static int check_policy(const Options *o, char **ret_name)
{
        static const char *const good[] = {"active", "modeling", "completed", "restart-needed"};
        g_autoptr(sd_bus) bus = NULL;
        g_autofree char *path = NULL;
        g_autoptr(JsonObject) properties = NULL;
        int code;

        code = client_connect(o, &bus);
        if (code == EXIT_FINE)
                code = client_policy_path(bus, o->policy, &path);
        if (code == EXIT_FINE)
                code = client_properties(bus, path, VARMOR_POLICY, &properties);
        if (code != EXIT_FINE)
                return code;
        for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
                if (strcmp(json_string(properties, "state"), good[i]) == 0) {
                        *ret_name = g_strdup(json_string(properties, "name"));
                        return EXIT_FINE;
                }
        fprintf(stderr, "varmorctl: policy %s is %s, nothing is started: %s\n", o->policy, json_string(properties, "state"),
                json_string(properties, "state_reason"));
        return EXIT_NOT_AS_ASKED;
}

int verb_run(const Options *o, char **args)
{
        g_autofree char *name = NULL, *bind_name = NULL, *which = NULL, *slice = NULL, *unit = NULL;
        g_autoptr(Bindings) bindings = NULL;
        g_autoptr(GPtrArray) found = NULL;
        uint32_t number = 0;
        Start s = {0};
        int code, r;

        if (!o->policy) {
                fprintf(stderr, "varmorctl: run needs --policy (see --help)\n");
                return EXIT_USAGE;
        }
        if (geteuid() != 0) {
                fprintf(stderr, "varmorctl: only root may start something in a scope of the system\n");
                return EXIT_NOT_PERMITTED;
        }
        code = check_policy(o, &name);
        if (code != EXIT_FINE)
                return code;
        r = read_bindings(&bindings);
        if (r < 0) {
                fprintf(stderr, "varmorctl: cannot read %s: %s\n", BINDINGS_FILE, g_strerror(-r));
                return EXIT_FAILED;
        }
        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -EIO;
        bind_name = policy_bind_name(name);
        which = g_strdup_printf("%08x", number);
        slice = bindings_run_slice(name);
        unit = bindings_run_unit(bind_name, which);
        s = (Start){.policy = name, .slice = slice, .unit = unit};
        found = find_bindings(bindings, &s);
        return become(&s, found, args);
}
