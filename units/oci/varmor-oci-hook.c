/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmor-oci-hook: what a container engine runs before it creates a container. If policies of kind Container are for it, they are
 * in force for its cgroup before that exists, and its configuration asks the runtime for their AppArmor profiles and their system
 * calls. A container that no policy is for passes without anybody being asked. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "messages.h"
#include "policy-load.h"
#include "policy-model.h"
#include "seccomp/oci.h"
#include "spec.h"

/* Longer than varmord lets anybody wait. */
#define CALL_USEC (40U * G_USEC_PER_SEC)
/* A registration whose container has no cgroup after that time is none any more. */
#define STALE_SEC 3600

typedef struct Hook {
        json_object *spec;
        Container *container;
        GPtrArray *matched;   /* of ContainerPolicy, borrowed */
        GHashTable *in_force; /* full name -> mask; NULL: it could not be asked for */
        char *failure;        /* why not */
        LoadResult *loaded;   /* NULL: not yet needed */
} Hook;

/* ---- input and output ---------------------------------------------------------------------------------------------------- */

static char *read_input(size_t *ret_size)
{
        GString *s = g_string_new(NULL);
        char buffer[65536];
        size_t n;

        while (s->len <= SPEC_BYTES_MAX && (n = fread(buffer, 1, sizeof(buffer), stdin)) > 0)
                g_string_append_len(s, buffer, (gssize)n);
        if (ferror(stdin) || s->len > SPEC_BYTES_MAX) {
                g_string_free(s, TRUE);
                return NULL;
        }
        *ret_size = s->len;
        return g_string_free(s, FALSE);
}

static int fail(const char *why)
{
        fprintf(stderr, "varmor-oci-hook: %s\n", why);
        sd_journal_print(LOG_ERR, "%s", why);
        return EXIT_FAILURE;
}

static int print_text(const char *text, size_t size)
{
        return fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0 ? EXIT_SUCCESS
                                                                            : fail("The configuration cannot be handed back");
}

/* What is missing of @p; one entry in the journal, since engines do not show what their hooks print. */
static void tell(const Hook *h, const ContainerPolicy *p, const char *why)
{
        g_autofree char *name = *h->container->name ? g_strdup(h->container->name) : g_strdup(h->container->id);
        g_autofree char *text = g_strdup_printf("Container %s (%s) %s policy %s: %s", name, h->container->id,
                                                p->fail_open ? "is started without all of" : "is not started, it would not be under",
                                                p->full_name, why);

        fprintf(stderr, "varmor-oci-hook: %s\n", text);
        (void)sd_journal_send("MESSAGE=%s", text, "MESSAGE_ID=" MESSAGE_CONTAINER_LOOSE, "PRIORITY=%i", p->fail_open ? LOG_WARNING : LOG_ERR,
                              "VARMOR_POLICY=%s", p->full_name, "VARMOR_CGROUP=%s", h->container->cgroup, "VARMOR_CONTAINER=%s", name,
                              "VARMOR_CONTAINER_ID=%s", h->container->id, NULL);
}

/* ---- which policies -------------------------------------------------------------------------------------------------------- */

/* NULL and 0: there are none. */
static int read_policies(GPtrArray **ret)
{
        g_autoptr(GBytes) bytes = containers_read_file(CONTAINER_POLICIES_FILE, CONTAINER_POLICIES_BYTES_MAX);

        *ret = NULL;
        if (!bytes)
                return errno == ENOENT ? 0 : -errno;
        return container_policies_from_bytes(bytes, ret);
}

static void match(Hook *h, const GPtrArray *policies)
{
        bool anywhere = strcmp(h->container->cgroup, "/?") == 0;

        for (guint i = 0; i < policies->len; i++) {
                ContainerPolicy *p = policies->pdata[i];

                if (container_matches(h->container, &p->target, anywhere ? NULL : p->slice))
                        g_ptr_array_add(h->matched, p);
        }
}

/* ---- varmord ----------------------------------------------------------------------------------------------------------------- */

static int read_answer(sd_bus_message *m, GHashTable *in_force)
{
        const char *name;
        uint32_t mask;
        int r = sd_bus_message_enter_container(m, 'a', "(su)");

        while (r >= 0 && (r = sd_bus_message_read(m, "(su)", &name, &mask)) > 0)
                g_hash_table_replace(in_force, g_strdup(name), GUINT_TO_POINTER(mask));
        return r;
}

static void ask(Hook *h)
{
        __attribute__((cleanup(sd_bus_flush_close_unrefp))) sd_bus *bus = NULL;
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *call = NULL, *answer = NULL;
        __attribute__((cleanup(sd_bus_error_free))) sd_bus_error error = SD_BUS_ERROR_NULL;
        g_autoptr(GHashTable) in_force = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        int r = sd_bus_open_system(&bus);

        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &call, "org.varmor1", "/org/varmor1", "org.varmor1.Manager", "AwaitCover");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", h->container->cgroup);
        if (r >= 0)
                r = sd_bus_call(bus, call, CALL_USEC, &error, &answer);
        if (r >= 0)
                r = read_answer(answer, in_force);
        if (r < 0)
                h->failure = g_strdup_printf("varmord does not say that it is in force: %s", error.message ?: strerror(-r));
        else
                h->in_force = g_steal_pointer(&in_force);
}

/* ---- registrations ------------------------------------------------------------------------------------------------------------ */

static void forget(const char *id)
{
        g_autofree char *path = g_strconcat(CONTAINERS_DIR "/", id, NULL);

        if (container_id_is_valid(id))
                (void)unlink(path);
}

/* Whose end nobody told. */
static void forget_stale(void)
{
        g_autoptr(GPtrArray) all = containers_load(NULL);

        for (guint i = 0; i < all->len; i++) {
                const Container *c = all->pdata[i];
                g_autofree char *file = g_strconcat(CONTAINERS_DIR "/", c->id, NULL), *dir = g_strconcat("/sys/fs/cgroup", c->cgroup, NULL);
                struct stat st;

                if (access(dir, F_OK) < 0 && errno == ENOENT && stat(file, &st) >= 0 && st.st_mtime + STALE_SEC < time(NULL))
                        forget(c->id);
        }
}

/* ---- one policy ------------------------------------------------------------------------------------------------------------------ */

static const Policy *find_policy(Hook *h, const char *full_name)
{
        if (!h->loaded) {
                g_auto(PolicyModels) models = {0};
                LoadParams params = {.model = policy_models_fill, .model_userdata = &models};

                for (int k = 0; k < _ENFORCER_KIND_MAX; k++)
                        params.can[k] = (EnforcerAbility){.kinds = UINT32_MAX, .modes = UINT32_MAX};
                h->loaded = policy_load_all(&params);
        }
        for (guint i = 0; i < h->loaded->policies->len; i++) {
                const LoadedPolicy *l = h->loaded->policies->pdata[i];

                if (g_strcmp0(l->full_name, full_name) == 0)
                        return l->policy;
        }
        return NULL;
}

static int add_seccomp(Hook *h, const ContainerPolicy *p, const char **ret_why)
{
        const Policy *policy = find_policy(h, p->full_name);
        g_autoptr(Diag) d = diag_new();
        json_object *profile;
        SeccompHost host = seccomp_host();

        if (!policy) {
                *ret_why = "its files have errors, and its system calls cannot be read from them";
                return -EBADMSG;
        }
        if (oci_seccomp(policy, &host, spec_seccomp(h->spec), &profile, d) < 0) {
                *ret_why = "its system calls cannot be worked into the profile of the engine";
                return -EBADMSG;
        }
        spec_set_seccomp(h->spec, profile);
        return 0;
}

/* Return: the mask of what the container will be under. */
static uint32_t add_policy(Hook *h, const ContainerPolicy *p, const char **ret_why)
{
        uint32_t got = h->in_force ? GPOINTER_TO_UINT(g_hash_table_lookup(h->in_force, p->full_name)) & p->enforcers : 0;

        *ret_why = h->failure ?: "varmord does not have it in force for the container's cgroup";
        if (got & 1U << ENFORCER_APPARMOR) {
                g_autofree char *name = policy_bind_name(p->full_name), *profile = g_strconcat("varmor.", name, NULL);

                spec_add_apparmor(h->spec, profile);
        }
        if (got & 1U << ENFORCER_SECCOMP && add_seccomp(h, p, ret_why) < 0)
                got &= ~(1U << ENFORCER_SECCOMP);
        return got;
}

/* ---- stages -------------------------------------------------------------------------------------------------------------------------- */

static int confine(Hook *h)
{
        bool refused = false;

        forget_stale();
        if (!h->failure) {
                int r = container_write(h->container);

                if (r < 0)
                        h->failure = g_strdup_printf("the container cannot be registered: %s", strerror(-r));
                else
                        ask(h);
        }
        for (guint i = 0; i < h->matched->len; i++) {
                const ContainerPolicy *p = h->matched->pdata[i];
                const char *why;
                uint32_t got = add_policy(h, p, &why);

                if (got != p->enforcers) {
                        tell(h, p, why);
                        refused |= !p->fail_open;
                }
                g_hash_table_replace(h->container->bound, g_strdup(p->full_name), GUINT_TO_POINTER(got));
        }
        if (refused) {
                forget(h->container->id);
                return -EPERM;
        }
        (void)container_write(h->container); /* what varmord shows as running without it otherwise, has it all the same */
        return 0;
}

static void hook_done(Hook *h)
{
        json_object_put(h->spec);
        container_free(h->container);
        g_clear_pointer(&h->matched, g_ptr_array_unref);
        g_clear_pointer(&h->in_force, g_hash_table_unref);
        g_free(h->failure);
        load_result_free(h->loaded);
}

static int print_spec(const Hook *h)
{
        size_t size;
        const char *text = json_object_to_json_string_length(h->spec, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

        return print_text(text, size);
}

static int precreate(void)
{
        size_t size = 0;
        g_autofree char *text = read_input(&size);
        __attribute__((cleanup(hook_done))) Hook h = {.matched = g_ptr_array_new()};
        g_autoptr(GPtrArray) policies = NULL;
        const char *why;
        int r;

        if (!text)
                return fail("The container's configuration cannot be read");
        /* Engines of other users have other containers, which no policy of kind Container is for. */
        if (geteuid() != 0)
                return print_text(text, size);
        r = read_policies(&policies);
        if (r < 0)
                return fail("Which policies are for containers cannot be read from " CONTAINER_POLICIES_FILE);
        if (!policies)
                return print_text(text, size);

        h.spec = json_tokener_parse(text);
        if (!json_object_is_type(h.spec, json_type_object))
                return fail("The container's configuration is no JSON");
        if (spec_container(h.spec, &h.container, &why) < 0)
                h.failure = g_strdup(why);
        spec_read_storage(h.spec, h.container, "");
        match(&h, policies);
        if (h.matched->len == 0)
                return print_text(text, size);
        return confine(&h) < 0 ? EXIT_FAILURE : print_spec(&h);
}

/* The container is gone. Its cgroup is no target any more from the next load on. */
static int poststop(void)
{
        size_t size;
        g_autofree char *text = read_input(&size);
        json_object *state = text ? json_tokener_parse(text) : NULL, *id;

        if (json_object_is_type(state, json_type_object) && json_object_object_get_ex(state, "id", &id) &&
            json_object_is_type(id, json_type_string))
                forget(json_object_get_string(id));
        json_object_put(state);
        return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
        if (argc == 2 && strcmp(argv[1], "precreate") == 0)
                return precreate();
        if (argc == 2 && strcmp(argv[1], "poststop") == 0)
                return poststop();
        fputs("varmor-oci-hook precreate|poststop\n\nRun by container engines; see varmor-oci-hook(8).\n", stderr);
        return 2;
}
