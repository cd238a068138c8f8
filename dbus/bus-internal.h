/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the bus interface share. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "autoptr.h"
#include "bus.h"
#include "names.h"

struct Bus {
        Manager *manager;
        sd_event *event;
        sd_bus *bus;              /* NULL: between two connections */
        sd_event_source *connect; /* fires when it is time to connect again */
        sd_event_source *status;  /* fires when the manager's properties are to be announced */
        ManagerListener listener;
        GHashTable *requests; /* of Request: not authorised yet; owned */
        size_t request_bytes;
        unsigned n_at_polkit;
        bool signals_dropped; /* since the queue was short last */
};

/* One vtable each, with everything that belongs to it. */
int bus_manager_add(Bus *b);
int bus_policy_add(Bus *b);

/** rules_method_list(), rules_method_get() - handlers of methods of the manager's. */
int rules_method_list(sd_bus_message *m, void *userdata, sd_bus_error *error);
int rules_method_get(sd_bus_message *m, void *userdata, sd_bus_error *error);

/** policy_object_path() - to be freed; NULL when memory runs out. */
char *policy_object_path(const char *full_name);
/** policy_bundle() - what to show of @e: the version in force, else the one that failed; may be NULL. Borrowed. */
const BundlePolicy *policy_bundle(const PolicyEntry *e);

/** append_text() - @s as a string argument; bytes that are not UTF-8 as \xHH. NULL is "". */
int append_text(sd_bus_message *m, const char *s);
int append_texts(sd_bus_message *m, const char *const *strv);
/** append_entry() - one entry of an a{sv} whose value is a string. */
int append_entry(sd_bus_message *m, const char *key, const char *value);
/** append_diag() - a(ssuuss), or with @with_file unset a(suuss). @d may be NULL. */
int append_diag(sd_bus_message *m, const Diag *d, bool with_file);

/** append_targets() - a(ssas), or with @with_policies unset a(ss). */
int append_targets(sd_bus_message *m, const GPtrArray *targets, bool with_policies);
