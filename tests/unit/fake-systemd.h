/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* FakeSystemd: the private socket of a PID 1 of the test's own, for one client at a time. */

#include <glib.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct FakeSystemd {
        char *root;    /* a tree of the test's own */
        char *address; /* D-Bus address of the socket in it */
        sd_event *event;
        sd_event_source *listen;
        int fd;
        sd_bus *bus;   /* to the client that connected last */
        unsigned n_connected;
        sd_bus_message_handler_t on_message;
        void *userdata;
} FakeSystemd;

/** fake_systemd_init() - @on_message: what answers calls. */
void fake_systemd_init(FakeSystemd *s, sd_bus_message_handler_t on_message, void *userdata);
void fake_systemd_done(FakeSystemd *s);
