/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers: which policies are for which, what varmord and the hook write for each other, and what the hook reads from a
 * runtime's configuration and an engine's storage. */

#include <errno.h>
#include <string.h>

#include "containers.h"
#include "oci/spec.h"
#include "tree.h"

#define ID "d5efa8d1720aaea6ea4bdd02bc421aa1b536d8a8c0b23c635aace730d2472b19"
#define OTHER "0a32b24c267b69176ceef4032e4321a6c3452defeaf80a923d8470f8576810aa"
#define IMAGE "2e7fd08736cbdc6e5715a85d21b7fb311a7fa93afe55857584de583b58e9eca8"

static Container *new_container(const char *name, const char *image, const char *label, const char *value)
{
        Container *c = container_new(ID, "/machine.slice/libpod-" ID ".scope");

        g_free(c->name);
        c->name = g_strdup(name);
        g_free(c->image);
        c->image = g_strdup(image);
        if (label)
                g_hash_table_insert(c->labels, g_strdup(label), g_strdup(value));
        return c;
}

/* ---- matching ------------------------------------------------------------------------------------------------------------ */

static void test_name(void)
{
        static const struct {
                const char *pattern, *name;
                bool matches;
        } cases[] = {
                {"web", "web", true},        {"web", "web2", false},      {"web*", "web2", true},
                {"*", "anything", true},     {"web-[0-9]", "web-3", true}, {"web-[0-9]", "web-x", false},
                {"{a,b*}", "a", true},       {"{a,b*}", "bcd", true},     {"{a,b*}", "c", false},
                {"w?b", "web", true},        {"web", "", false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const TargetSpec t = {.kind = TARGET_CONTAINER, .name = (char *)cases[i].pattern};
                g_autoptr(Container) c = new_container(cases[i].name, "", NULL, NULL);

                g_test_message("%s %s", cases[i].pattern, cases[i].name);
                g_assert_cmpint(container_matches(c, &t, NULL), ==, cases[i].matches);
                g_assert_cmpint(container_matches(c, &t, "machine.slice"), ==, cases[i].matches);
                g_assert_false(container_matches(c, &t, "mach.slice"));
                g_assert_false(container_matches(c, &t, "system.slice"));
        }
}

static void test_other_kind(void)
{
        const TargetSpec t = {.kind = TARGET_SCOPE, .name = (char *)"*"};
        g_autoptr(Container) c = new_container("web", "", NULL, NULL);

        g_assert_false(container_matches(c, &t, NULL));
}

static bool selects(const char *key, SelectorOperator op, const char *values, const Container *c)
{
        g_auto(GStrv) list = g_strsplit(values, " ", -1);
        SelectorTerm term = {.key = (char *)key, .op = op, .values = list};
        g_autoptr(GPtrArray) selector = g_ptr_array_new();
        const TargetSpec t = {.kind = TARGET_CONTAINER, .selector = selector};

        g_ptr_array_add(selector, &term);
        return container_matches(c, &t, NULL);
}

static void test_selector(void)
{
        g_autoptr(Container) c = new_container("web", "docker.io:443/library/nginx:1.25", "tier", "front");
        g_autoptr(Container) bare = new_container("", "", NULL, NULL);

        g_assert_true(selects("Name", SELECTOR_IN, "db web", c));
        g_assert_false(selects("Name", SELECTOR_IN, "db", c));
        g_assert_false(selects("Name", SELECTOR_NOT_IN, "db web", c));
        g_assert_true(selects("Image", SELECTOR_IN, "docker.io:443/library/nginx:1.25", c));
        g_assert_true(selects("Image", SELECTOR_IN, "docker.io:443/library/nginx", c));
        g_assert_false(selects("Image", SELECTOR_IN, "docker.io", c));
        g_assert_false(selects("Image", SELECTOR_NOT_IN, "docker.io:443/library/nginx", c));
        g_assert_true(selects("tier", SELECTOR_IN, "front", c));
        g_assert_true(selects("tier", SELECTOR_NOT_IN, "back", c));
        g_assert_true(selects("tier", SELECTOR_EXISTS, "", c));
        g_assert_true(selects("other", SELECTOR_NOT_IN, "x", c));
        g_assert_true(selects("other", SELECTOR_DOES_NOT_EXIST, "", c));
        g_assert_false(selects("other", SELECTOR_IN, "x", c));
        g_assert_false(selects("Image", SELECTOR_EXISTS, "", bare));
        g_assert_true(selects("Name", SELECTOR_DOES_NOT_EXIST, "", bare));
        g_assert_true(selects("Image", SELECTOR_NOT_IN, "x", bare));
}

/* ---- files ------------------------------------------------------------------------------------------------------------------ */

static void test_registration(void)
{
        g_autoptr(Container) c = new_container("web", "image", "tier", "front"), again = NULL;
        const TargetSpec t = {.kind = TARGET_CONTAINER, .name = (char *)"web"}, none = {.kind = TARGET_CONTAINER, .name = (char *)"x"};
        g_autofree char *root = tree_new(), *path = g_strconcat(root, CONTAINERS_DIR "/" ID, NULL);
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(GPtrArray) loaded = NULL;
        g_auto(GStrv) selected = NULL, nothing = NULL;

        g_hash_table_insert(c->bound, g_strdup("web"), GUINT_TO_POINTER(5));
        bytes = container_to_bytes(c);
        g_assert_cmpint(container_from_bytes(bytes, &again), ==, 0);
        g_assert_cmpstr(again->cgroup, ==, c->cgroup);
        g_assert_cmpstr(again->name, ==, "web");
        g_assert_cmpstr(again->image, ==, "image");
        g_assert_cmpstr(g_hash_table_lookup(again->labels, "tier"), ==, "front");

        tree_write(root, CONTAINERS_DIR "/" ID, "");
        tree_write(root, CONTAINERS_DIR "/" OTHER, "damaged");
        tree_write(root, CONTAINERS_DIR "/.half", "");
        g_assert_cmpint(containers_write_file(path, bytes), ==, 0);
        loaded = containers_load(root);
        g_assert_cmpuint(loaded->len, ==, 1);
        selected = containers_select(loaded, &t, NULL);
        nothing = containers_select(loaded, &none, NULL);
        g_assert_cmpuint(g_strv_length(selected), ==, 1);
        g_assert_cmpstr(selected[0], ==, c->cgroup);
        g_assert_cmpuint(g_strv_length(nothing), ==, 0);

        g_assert_cmpuint(containers_bound(loaded, c->cgroup, "web"), ==, 5);
        g_assert_cmpuint(containers_bound(loaded, "/machine.slice/libpod-" ID ".scope/container", "web"), ==, 5);
        g_assert_cmpuint(containers_bound(loaded, "/machine.slice/libpod-" ID ".scope2", "web"), ==, 0);
        g_assert_cmpuint(containers_bound(loaded, c->cgroup, "db"), ==, 0);

        /* What others could write is none. */
        tree_chmod(root, CONTAINERS_DIR "/" ID, 0666);
        g_assert_null(containers_read_file(path, CONTAINER_BYTES_MAX));
        tree_chmod(root, CONTAINERS_DIR "/" ID, 0644);
        g_assert_null(containers_read_file(path, 8));
        tree_free(g_steal_pointer(&root));
}

static void test_bad_registration(void)
{
        static const char *const cgroups[] = {"", "/", "a", "/a/../b", "/a//b", "/./a", "/a/"};
        static const char *const ids[] = {"", "-a", "a/b", "..", "a b"};

        for (size_t i = 0; i < G_N_ELEMENTS(cgroups); i++) {
                g_autoptr(Container) c = container_new(ID, cgroups[i]), again = NULL;
                g_autoptr(GBytes) bytes = container_to_bytes(c);

                g_assert_cmpint(container_from_bytes(bytes, &again), ==, -EBADMSG);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                g_assert_false(container_id_is_valid(ids[i]));
        g_assert_true(container_id_is_valid(ID));
}

static void test_policies(void)
{
        g_autoptr(GPtrArray) policies = g_ptr_array_new_with_free_func((GDestroyNotify)container_policy_free), again = NULL;
        g_autoptr(Container) c = new_container("web", "", "tier", "front");
        ContainerPolicy *named = g_new0(ContainerPolicy, 1), *selecting = g_new0(ContainerPolicy, 1);
        SelectorTerm *t = g_new0(SelectorTerm, 1);
        g_autoptr(GBytes) bytes = NULL;
        const ContainerPolicy *p;

        *named = (ContainerPolicy){.full_name = g_strdup("a"), .target = {.kind = TARGET_CONTAINER, .name = g_strdup("w*")}, .enforcers = 2};
        *t = (SelectorTerm){.key = g_strdup("tier"), .op = SELECTOR_IN, .values = g_strsplit("front", " ", -1)};
        *selecting = (ContainerPolicy){
                .full_name = g_strdup("machine.slice/b"),
                .slice = g_strdup("machine.slice"),
                .target = {.kind = TARGET_CONTAINER, .selector = g_ptr_array_new_with_free_func((GDestroyNotify)selector_term_free)},
                .enforcers = 7,
                .fail_open = true,
        };
        g_ptr_array_add(selecting->target.selector, t);
        g_ptr_array_add(policies, named);
        g_ptr_array_add(policies, selecting);
        bytes = container_policies_to_bytes(policies);
        g_assert_cmpint(container_policies_from_bytes(bytes, &again), ==, 0);
        g_assert_cmpuint(again->len, ==, 2);
        p = again->pdata[0];
        g_assert_cmpstr(p->full_name, ==, "a");
        g_assert_null(p->slice);
        g_assert_false(p->fail_open);
        g_assert_true(container_matches(c, &p->target, p->slice));
        p = again->pdata[1];
        g_assert_cmpstr(p->slice, ==, "machine.slice");
        g_assert_cmpuint(p->enforcers, ==, 7);
        g_assert_true(p->fail_open);
        g_assert_true(container_matches(c, &p->target, p->slice));
}

/* ---- what an engine says ---------------------------------------------------------------------------------------------------- */

static void test_cgroups(void)
{
        static const struct {
                const char *spec, *id, *cgroup;
        } cases[] = {
                {"{\"linux\": {\"cgroupsPath\": \"machine.slice:libpod:" ID "\"}}", ID, "/machine.slice/libpod-" ID ".scope"},
                {"{\"linux\": {\"cgroupsPath\": \"a-b.slice:libpod:" ID "\"}}", ID, "/a.slice/a-b.slice/libpod-" ID ".scope"},
                {"{\"linux\": {\"cgroupsPath\": \"/libpod_parent/libpod-" ID "\"}}", ID, "/libpod_parent/libpod-" ID},
                {"{\"linux\": {\"cgroupsPath\": \"/system.slice/x.service/libpod-payload-" ID "\"}}", ID,
                 "/system.slice/x.service/libpod-payload-" ID},
                {"{\"linux\": {\"cgroupsPath\": \"/own\"}, \"mounts\": [{\"source\": \"proc\"}, {\"source\": "
                 "\"/run/containers/storage/overlay-containers/" ID "/userdata/hosts\"}]}",
                 ID, "/own"},
                {"{\"linux\": {\"cgroupsPath\": \"/own\"}}", NULL, "/own"},
                {"{\"linux\": {\"cgroupsPath\": \"/own/../other/" ID "\"}}", NULL, "/?"},
                {"{\"linux\": {\"cgroupsPath\": \":libpod:" ID "\"}}", NULL, "/?"},
                {"{\"linux\": {\"cgroupsPath\": \"user.service:libpod:" ID "\"}}", NULL, "/?"},
                {"{\"linux\": {\"cgroupsPath\": \"relative/" ID "\"}}", NULL, "/?"},
                {"{\"linux\": {\"cgroupsPath\": 1}}", NULL, "/?"},
                {"{\"linux\": []}", NULL, "/?"},
                {"{}", NULL, "/?"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                json_object *spec = json_tokener_parse(cases[i].spec);
                g_autoptr(Container) c = NULL;
                const char *why;
                int r = spec_container(spec, &c, &why);

                g_test_message("%s", cases[i].spec);
                g_assert_cmpstr(c->cgroup, ==, cases[i].cgroup);
                g_assert_cmpint(r, ==, cases[i].id ? 0 : -EBADMSG);
                g_assert_true((why == NULL) == (r == 0));
                if (cases[i].id)
                        g_assert_cmpstr(c->id, ==, cases[i].id);
                json_object_put(spec);
        }
}

static void test_storage(void)
{
        g_autofree char *root = tree_new(), *encoded = g_base64_encode((const guchar *)"sha256:" IMAGE, 71);
        g_autofree char *config = g_strconcat("/srv/storage/overlay-images/" IMAGE "/=", encoded, NULL);
        json_object *spec = json_tokener_parse("{\"linux\": {\"cgroupsPath\": \"machine.slice:libpod:" ID "\"}, \"annotations\": {\"own\": \"1\", "
                                               "\"shape\": \"round\"}, \"root\": {\"path\": \"/srv/storage/overlay/x/merged\"}}");
        g_autoptr(Container) c = NULL, unknown = NULL;
        const char *why;

        tree_write(root, "/srv/storage/overlay-containers/containers.json",
                   "[{\"id\": \"" OTHER "\", \"names\": [\"other\"]}, 1, {\"id\": \"" ID "\", \"names\": [\"web\"], \"image\": \"" IMAGE
                   "\", \"metadata\": \"{\\\"image-name\\\": \\\"localhost/case:latest\\\", \\\"name\\\": \\\"web\\\"}\"}]");
        tree_write(root, config, "{\"config\": {\"Labels\": {\"tier\": \"gold\", \"shape\": \"square\", \"n\": 1}}}");
        g_assert_cmpint(spec_container(spec, &c, &why), ==, 0);
        spec_read_storage(spec, c, root);
        g_assert_cmpstr(c->name, ==, "web");
        g_assert_cmpstr(c->image, ==, "localhost/case:latest");
        g_assert_cmpstr(g_hash_table_lookup(c->labels, "tier"), ==, "gold");
        g_assert_cmpstr(g_hash_table_lookup(c->labels, "shape"), ==, "round"); /* the container's own */
        g_assert_cmpstr(g_hash_table_lookup(c->labels, "own"), ==, "1");

        tree_write(root, "/srv/storage/overlay-containers/containers.json", "{");
        g_assert_cmpint(spec_container(spec, &unknown, &why), ==, 0);
        spec_read_storage(spec, unknown, root);
        g_assert_cmpstr(unknown->name, ==, "");
        json_object_put(spec);
        tree_free(g_steal_pointer(&root));
}

static void test_changes(void)
{
        json_object *spec = json_tokener_parse("{\"process\": {\"apparmorProfile\": \"engine\", \"args\": [\"true\"]}}");
        json_object *bare = json_tokener_parse("{\"process\": {\"apparmorProfile\": \"unconfined\"}}");

        spec_add_apparmor(spec, "varmor.a");
        spec_add_apparmor(spec, "varmor.b");
        g_assert_null(spec_seccomp(spec));
        spec_set_seccomp(spec, json_tokener_parse("{\"defaultAction\": \"SCMP_ACT_ALLOW\"}"));
        g_assert_nonnull(spec_seccomp(spec));
        g_assert_cmpstr(json_object_to_json_string_ext(spec, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), ==,
                        "{\"process\":{\"apparmorProfile\":\"engine//&varmor.a//&varmor.b\",\"args\":[\"true\"]},"
                        "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}}}");
        spec_add_apparmor(bare, "varmor.a");
        g_assert_cmpstr(json_object_to_json_string_ext(bare, JSON_C_TO_STRING_PLAIN), ==, "{\"process\":{\"apparmorProfile\":\"varmor.a\"}}");
        json_object_put(spec);
        json_object_put(bare);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/containers/name", test_name);
        g_test_add_func("/containers/other-kind", test_other_kind);
        g_test_add_func("/containers/selector", test_selector);
        g_test_add_func("/containers/registration", test_registration);
        g_test_add_func("/containers/bad-registration", test_bad_registration);
        g_test_add_func("/containers/policies", test_policies);
        g_test_add_func("/containers/cgroups", test_cgroups);
        g_test_add_func("/containers/storage", test_storage);
        g_test_add_func("/containers/changes", test_changes);
        return g_test_run();
}
