/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* owner: has a name on the system bus, for as long as it lives.
 *
 *   owner NAME */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

int main(int argc, char **argv) {
        sd_bus *bus = NULL;
        int r = argc == 2 ? sd_bus_open_system(&bus) : -EINVAL;

        if (r >= 0)
                r = sd_bus_request_name(bus, argv[1], 0);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        fprintf(stderr, "owner: %s\n", strerror(-r));
        return 1;
}
