/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See stopping.h. */

#include "stopping.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define SYSTEMD_ADDRESS "unix:path=/run/systemd/private"
#define HOST_STATE_USEC (2 * G_USEC_PER_SEC)

bool host_is_stopping(const char *address)
{
        __attribute__((cleanup(sd_bus_flush_close_unrefp))) sd_bus *bus = NULL;
        char *state = NULL;
        bool stopping;
        int r = sd_bus_new(&bus);

        if (r >= 0)
                r = sd_bus_set_address(bus, address ?: SYSTEMD_ADDRESS);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, HOST_STATE_USEC);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_get_property_string(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                               "SystemState", NULL, &state);
        stopping = r >= 0 && strcmp(state, "stopping") == 0;
        free(state);
        return stopping;
}
