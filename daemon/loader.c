/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files -> bundle: the child process around bundle_build(), and what comes back from it. See loader.h. */

#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

struct Loader {
        sd_event *event;
        sd_event_source *child;
        sd_event_source *deadline;
        int fd; /* the memfd that the child writes to */
        bool late;
        LoaderDone done;
        void *userdata;
};

/* ---- in the child ---------------------------------------------------------------------------------------------------- */

static void limit(int resource, uint64_t value)
{
        const struct rlimit l = {.rlim_cur = value, .rlim_max = value};

        if (setrlimit(resource, &l) < 0)
                _exit(EXIT_FAILURE);
}

/* Configuration is read whoever owns the directories on the way; nothing else that root may do is needed. */
static void drop_capabilities(void)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

        if (syscall(SYS_capget, &header, data) < 0)
                _exit(EXIT_FAILURE);
        for (size_t i = 0; i < G_N_ELEMENTS(data); i++) {
                data[i].permitted &= i == CAP_TO_INDEX(CAP_DAC_READ_SEARCH) ? CAP_TO_MASK(CAP_DAC_READ_SEARCH) : 0;
                data[i].effective = data[i].permitted;
                data[i].inheritable = 0;
        }
        if (syscall(SYS_capset, &header, data) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                _exit(EXIT_FAILURE);
}

static void child_confine(pid_t parent, const char *name)
{
        int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        sigset_t none;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        (void)prctl(PR_SET_NAME, name);
        if (oom >= 0) {
                (void)!write(oom, "1000", 4);
                close(oom);
        }
        for (int i = 1; i < NSIG; i++)
                (void)signal(i, SIG_DFL);
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);

        limit(RLIMIT_CORE, 0);
        limit(RLIMIT_CPU, LOADER_CPU_SEC);
        limit(RLIMIT_FSIZE, LOADER_BUNDLE_BYTES);
        limit(RLIMIT_NOFILE, 64);
#ifndef HAVE_ASAN
        limit(RLIMIT_AS, LOADER_MEMORY_BYTES);
#endif
        drop_capabilities();
}

/* Nothing of the daemon's stays open but @fd, which becomes descriptor 3. */
static int child_close(int fd)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                _exit(EXIT_FAILURE);
        if (fd >= 0 && fd != 3 && dup2(fd, 3) < 0)
                _exit(EXIT_FAILURE);
        if (close_range(fd < 0 ? 3 : 4, ~0U, 0) < 0)
                _exit(EXIT_FAILURE);
        return fd < 0 ? fd : 3;
}

int loader_child_begin(pid_t parent, const char *name, int keep)
{
        keep = child_close(keep);
        child_confine(parent, name);
        return keep;
}

static void write_all(int fd, const uint8_t *data, size_t size)
{
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        _exit(EXIT_FAILURE);
                data += n;
                size -= (size_t)n;
        }
}

static G_GNUC_NORETURN void child_main(const LoaderJob *job, pid_t parent, int fd)
{
        GVariant *v;
        Bundle *b;

        fd = loader_child_begin(parent, "varmord-load", fd);
        b = bundle_build(job);
        v = bundle_to_variant(b);
        write_all(fd, g_variant_get_data(v), g_variant_get_size(v));
        _exit(EXIT_SUCCESS);
}

/* ---- in the daemon --------------------------------------------------------------------------------------------------- */

static void loader_reset(Loader *l)
{
        l->child = sd_event_source_disable_unref(l->child);
        l->deadline = sd_event_source_disable_unref(l->deadline);
        l->fd = fd_close(l->fd);
        l->late = false;
}

/* Return: 0, -ENODATA, -EFBIG, -EBADMSG, or what the system said. */
static int take_bundle(int fd, Bundle **ret)
{
        g_autoptr(GBytes) bytes = NULL;
        struct stat st;
        void *data;
        int r;

        /* Fails while somebody still holds a writable mapping: then it is not to be trusted. */
        r = RET_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
        if (r < 0)
                return r;
        r = RET_ERRNO(fstat(fd, &st));
        if (r < 0)
                return r;
        if (st.st_size == 0)
                return -ENODATA;
        if (st.st_size < 0 || (uint64_t)st.st_size > LOADER_BUNDLE_BYTES)
                return -EFBIG;
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
                return -errno;
        bytes = g_bytes_new_static(data, (size_t)st.st_size);
        r = bundle_from_bytes(bytes, ret);
        g_clear_pointer(&bytes, g_bytes_unref);
        (void)munmap(data, (size_t)st.st_size);
        return r;
}

static char *why_failed(const siginfo_t *si, bool late)
{
        if (late)
                return g_strdup_printf("reading and compiling the policies took longer than %llu s",
                                       (unsigned long long)(LOADER_DEADLINE_USEC / G_USEC_PER_SEC));
        if (si->si_code == CLD_EXITED)
                return g_strdup_printf("the process that compiles the policies ended with status %i", si->si_status);
        return g_strdup_printf("the process that compiles the policies was ended by signal %i (%s)", si->si_status,
                               strsignal(si->si_status));
}

static int on_child(sd_event_source *s, const siginfo_t *si, void *userdata)
{
        Loader *l = userdata;
        g_autofree char *why = NULL;
        g_autoptr(Bundle) b = NULL;
        LoaderDone done = l->done;
        void *done_userdata = l->userdata;
        int r;

        if (si->si_code != CLD_EXITED || si->si_status != EXIT_SUCCESS)
                why = why_failed(si, l->late);
        else {
                r = take_bundle(l->fd, &b);
                if (r < 0)
                        why = g_strdup_printf("the process that compiles the policies returned what cannot be read: %s",
                                              strerror(-r));
        }
        loader_reset(l);
        done(g_steal_pointer(&b), why, done_userdata);
        return 0;
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata)
{
        Loader *l = userdata;

        l->late = true;
        (void)sd_event_source_send_child_signal(l->child, SIGKILL, NULL, 0);
        return 0;
}

int loader_new(sd_event *event, Loader **ret)
{
        Loader *l = g_new0(Loader, 1);

        l->event = sd_event_ref(event);
        l->fd = -EBADF;
        *ret = l;
        return 0;
}

void loader_free(Loader *l)
{
        if (!l)
                return;
        if (l->child) {
                (void)sd_event_source_set_child_process_own(l->child, 1); /* killed and reaped with its source */
                loader_reset(l);
        }
        sd_event_unref(l->event);
        g_free(l);
}

bool loader_is_busy(const Loader *l)
{
        return l->child != NULL;
}

static int loader_watch(Loader *l, pid_t pid)
{
        int r = sd_event_add_child(l->event, &l->child, pid, WEXITED, on_child, l);

        if (r < 0) {
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                return r;
        }
        r = sd_event_source_set_child_process_own(l->child, 1);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(l->event, &l->deadline, CLOCK_MONOTONIC, LOADER_DEADLINE_USEC, 0, on_deadline,
                                          l);
}

int loader_start(Loader *l, const LoaderJob *job, LoaderDone done, void *userdata)
{
        pid_t pid, self = getpid();
        int r;

        if (l->child)
                return -EBUSY;
        l->fd = RET_ERRNO(memfd_create("varmor-bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        if (l->fd < 0)
                return l->fd;

        pid = fork();
        if (pid == 0)
                child_main(job, self, l->fd);
        if (pid < 0) {
                r = -errno;
                loader_reset(l);
                return r;
        }
        l->done = done;
        l->userdata = userdata;
        r = loader_watch(l, pid);
        if (r < 0)
                loader_reset(l);
        return r;
}
