/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See fake-systemd.h. */

#include "fake-systemd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tree.h"

static int on_connect(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        FakeSystemd *s = userdata;
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        const sd_id128_t id = SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10);

        g_assert_cmpint(client, >=, 0);
        s->n_connected++;
        sd_bus_close_unref(s->bus);
        g_assert_cmpint(sd_bus_new(&s->bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(s->bus, client, client), >=, 0);
        g_assert_cmpint(sd_bus_set_server(s->bus, 1, id), >=, 0);
        g_assert_cmpint(sd_bus_add_filter(s->bus, NULL, s->on_message, s->userdata), >=, 0);
        g_assert_cmpint(sd_bus_start(s->bus), >=, 0);
        g_assert_cmpint(sd_bus_attach_event(s->bus, s->event, 0), >=, 0);
        return 0;
}

void fake_systemd_init(FakeSystemd *s, sd_bus_message_handler_t on_message, void *userdata)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_autofree char *path = NULL;

        *s = (FakeSystemd){.root = tree_new(), .on_message = on_message, .userdata = userdata};
        path = g_build_filename(s->root, "private", NULL);
        s->address = g_strconcat("unix:path=", path, NULL);
        g_assert_cmpint(sd_event_new(&s->event), >=, 0);
        s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
        g_assert_cmpint(bind(s->fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
        g_assert_cmpint(listen(s->fd, 10), ==, 0);
        g_assert_cmpint(sd_event_add_io(s->event, &s->listen, s->fd, EPOLLIN, on_connect, s), >=, 0);
}

void fake_systemd_done(FakeSystemd *s)
{
        sd_bus_close_unref(s->bus);
        sd_event_source_disable_unref(s->listen);
        sd_event_unref(s->event);
        (void)close(s->fd);
        tree_free(s->root);
        g_free(s->address);
}
