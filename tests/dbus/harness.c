/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See harness.h. */

#include "harness.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus.h"
#include "fake-manager.h"

#define WAIT_STEPS 500
#define WAIT_STEP_USEC (20U * 1000U)

/* The system bus's own rules, as in system.conf, and varmor's. */
#define BUS_CONFIG                                                                                                    \
        "<busconfig>"                                                                                                 \
        "<type>system</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"                                   \
        "<policy context='default'>"                                                                                  \
        "<allow user='*'/><deny own='*'/><deny send_type='method_call'/>"                                             \
        "<allow send_type='signal'/>"                                                                                 \
        "<allow send_requested_reply='true' send_type='method_return'/>"                                              \
        "<allow send_requested_reply='true' send_type='error'/>"                                                      \
        "<allow receive_type='method_call'/><allow receive_type='method_return'/>"                                    \
        "<allow receive_type='error'/><allow receive_type='signal'/>"                                                 \
        "<allow send_destination='org.freedesktop.DBus'/>"                                                            \
        "</policy>"                                                                                                   \
        "<policy context='default'><allow own='org.freedesktop.PolicyKit1'/>"                                         \
        "<allow send_destination='org.freedesktop.PolicyKit1'/>"                                                      \
        "<allow own='org.freedesktop.systemd1'/><allow send_destination='org.freedesktop.systemd1'/></policy>"        \
        "<include>%s/org.varmor1.conf</include>"                                                                      \
        "</busconfig>"

bool harness_skip(void)
{
        g_autofree char *program = g_find_program_in_path("dbus-daemon");

        if (geteuid() != 0)
                g_test_message("needs root, to act as several users");
        else if (!program)
                g_test_message("needs dbus-daemon");
        return geteuid() != 0 || !program;
}

/* The child of a test ends with it. */
static pid_t fork_child(void)
{
        pid_t parent = getpid(), pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent)
                        _exit(1);
        }
        return pid;
}

static void stop_child(pid_t *pid)
{
        if (*pid <= 0)
                return;

        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
        *pid = 0;
}

static char *bus_socket(const Harness *h)
{
        return g_build_filename(h->directory, "bus", NULL);
}

void harness_start_bus(Harness *h)
{
        g_autofree char *config = g_strdup_printf(BUS_CONFIG, h->directory, g_getenv("VARMOR_DBUS_DIR"));
        g_autofree char *file = g_build_filename(h->directory, "bus.conf", NULL);
        g_autofree char *argument = g_strconcat("--config-file=", file, NULL);
        g_autofree char *socket_path = bus_socket(h);

        g_assert_true(g_file_set_contents(file, config, -1, NULL));
        (void)unlink(socket_path);
        h->bus_pid = fork_child();
        if (h->bus_pid == 0) {
                execlp("dbus-daemon", "dbus-daemon", argument, "--nofork", "--nopidfile", "--nosyslog", NULL);
                _exit(127);
        }
        for (int i = 0; i < WAIT_STEPS && access(socket_path, F_OK) < 0; i++)
                g_usleep(WAIT_STEP_USEC);
}

void harness_stop_bus(Harness *h)
{
        stop_child(&h->bus_pid);
}

Harness *harness_new(void)
{
        Harness *h = g_new0(Harness, 1);

        h->command_fd = -1;
        h->directory = g_dir_make_tmp("varmor-dbus-XXXXXX", NULL);
        g_assert_nonnull(h->directory);
        g_assert_cmpint(chmod(h->directory, 0755), ==, 0);
        h->address = g_strconcat("unix:path=", h->directory, "/bus", NULL);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", h->address, true);
        return h;
}

void harness_stop_daemon(Harness *h)
{
        stop_child(&h->daemon_pid);
        if (h->command_fd >= 0)
                close(h->command_fd);
        h->command_fd = -1;
}

void harness_free(Harness *h)
{
        g_autofree char *file = g_build_filename(h->directory, "bus.conf", NULL), *path = bus_socket(h);

        harness_stop_daemon(h);
        stop_child(&h->polkit_pid);
        stop_child(&h->bus_pid);
        (void)unlink(file);
        (void)unlink(path);
        (void)rmdir(h->directory);
        g_free(h->directory);
        g_free(h->address);
        g_free(h);
}

/* ---- varmord's interface over a fake manager
 * ------------------------------------------------------------------------ */

static int on_command(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
        Manager *m = userdata;
        char line[256];

        ssize_t n = recv(fd, line, sizeof line - 1, 0);
        if (n <= 0)
                return sd_event_exit(sd_event_source_get_event(s), 0);
        line[n] = '\0';

        unsigned answer = 0;
        if (strcmp(line, "reported") == 0)
                answer = fake_manager_reported(m);
        else
                g_assert_true(fake_manager_command(m, line));
        return send(fd, &answer, sizeof answer, 0) < 0 ? -errno : 0;
}

static int run_daemon(int fd)
{
        sd_event *event;
        Bus *bus;

        g_assert_cmpint(sd_event_new(&event), >=, 0);
        Manager *m = fake_manager_new(event);
        g_assert_cmpint(bus_new(m, event, &bus), >=, 0);
        g_assert_cmpint(sd_event_add_io(event, NULL, fd, 1 /* EPOLLIN */, on_command, m), >=, 0);
        int r = sd_event_loop(event);
        bus_free(bus);
        return r;
}

void harness_start_daemon(Harness *h)
{
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
        h->daemon_pid = fork_child();
        if (h->daemon_pid == 0) {
                close(fds[0]);
                _exit(run_daemon(fds[1]) < 0);
        }
        close(fds[1]);
        h->command_fd = fds[0];
}

unsigned harness_command(Harness *h, const char *line)
{
        unsigned answer;

        g_assert_cmpint(send(h->command_fd, line, strlen(line), 0), >, 0);
        g_assert_cmpint(recv(h->command_fd, &answer, sizeof answer, 0), ==, sizeof answer);
        return answer;
}

/* ---- polkit
 * ----------------------------------------------------------------------------------------------------------- */

static int method_check(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *kind, *key, *name, *action;
        sd_bus_creds *creds = NULL;
        uid_t uid;

        g_assert_cmpint(sd_bus_message_enter_container(m, 'r', "sa{sv}"), >, 0);
        g_assert_cmpint(sd_bus_message_read(m, "sa{sv}", &kind, 1, &key, "s", &name), >, 0);
        g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
        g_assert_cmpint(sd_bus_message_read(m, "s", &action), >, 0);
        g_assert_true(g_str_has_prefix(action, "org.varmor1."));
        if (sd_bus_get_name_creds(sd_bus_message_get_bus(m), name, SD_BUS_CREDS_EUID, &creds) < 0)
                return -ESRCH;
        g_assert_cmpint(sd_bus_creds_get_euid(creds, &uid), >=, 0);
        sd_bus_creds_unref(creds);
        if (uid == UID_UNANSWERED)
                return 1;
        return sd_bus_reply_method_return(m, "(bba{ss})", uid == UID_GRANTED, uid == UID_CHALLENGED, 0);
}

static const sd_bus_vtable polkit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", method_check, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

void harness_start_polkit(Harness *h)
{
        h->polkit_pid = fork_child();
        if (h->polkit_pid == 0) {
                g_autoptr(sd_bus) bus = harness_connect(h);

                g_assert_cmpint(sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
                                                         "org.freedesktop.PolicyKit1.Authority", polkit_vtable, NULL),
                                >=, 0);
                g_assert_cmpint(sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0), >=, 0);
                while (sd_bus_process(bus, NULL) >= 0)
                        (void)sd_bus_wait(bus, UINT64_MAX);
                _exit(0);
        }
        harness_wait_name(h, "org.freedesktop.PolicyKit1");
}

/* ---- clients
 * ----------------------------------------------------------------------------------------------------------- */

static int try_connect(Harness *h, sd_bus **ret)
{
        g_autoptr(sd_bus) bus = NULL;

        int r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, h->address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_get_unique_name(bus, &(const char *){NULL});
        if (r >= 0)
                *ret = g_steal_pointer(&bus);
        return r;
}

sd_bus *harness_connect(Harness *h)
{
        sd_bus *bus = NULL;

        for (int i = 0; i < WAIT_STEPS && try_connect(h, &bus) < 0; i++)
                g_usleep(WAIT_STEP_USEC);
        g_assert_nonnull(bus);
        return bus;
}

void harness_wait_name(Harness *h, const char *name)
{
        g_autoptr(sd_bus) bus = harness_connect(h);
        int owned = 0;

        for (int i = 0; i < WAIT_STEPS && !owned; i++) {
                g_autoptr(sd_bus_message) reply = NULL;

                g_assert_cmpint(sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                                   "org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s", name),
                                >=, 0);
                g_assert_cmpint(sd_bus_message_read(reply, "b", &owned), >, 0);
                if (!owned)
                        g_usleep(WAIT_STEP_USEC);
        }
        g_assert_true(owned);
}

static void become(uid_t uid, gid_t gid)
{
        g_assert_cmpint(setgroups(gid ? 1 : 0, &gid), ==, 0);
        g_assert_cmpint(setresgid(UID_NOBODY, UID_NOBODY, UID_NOBODY), ==, 0);
        g_assert_cmpint(setresuid(uid, uid, uid), ==, 0);
}

char *harness_run_as(Harness *h, uid_t uid, gid_t gid, HarnessFunc f, const void *argument)
{
        char text[4096];
        int fds[2], status;
        ssize_t n, size = 0;

        g_assert_cmpint(pipe(fds), ==, 0);
        pid_t pid = fork_child();
        if (pid == 0) {
                if (uid != 0)
                        become(uid, gid);
                g_autoptr(sd_bus) bus = harness_connect(h);
                g_autofree char *result = f(bus, argument);
                _exit(write(fds[1], result, strlen(result)) < 0);
        }
        close(fds[1]);
        while ((n = read(fds[0], text + size, sizeof text - 1 - size)) > 0)
                size += n;
        close(fds[0]);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        text[size] = '\0';
        return g_strdup(text);
}
