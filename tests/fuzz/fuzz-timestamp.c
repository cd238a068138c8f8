/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmorctl's points in time: what is understood is a time, and not in need of luck. */

#include <errno.h>
#include <string.h>

#include "../../dbus/varmorctl/timestamp.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const uint64_t nows[] = {0, 1, 951782400ULL * G_USEC_PER_SEC, 1732421442ULL * G_USEC_PER_SEC};
        g_autofree char *text = g_strndup((const char *)data, size);

        for (size_t i = 0; i < G_N_ELEMENTS(nows); i++) {
                uint64_t one = 42, two = 42;
                int r = timestamp_parse(text, nows[i], &one);

                FUZZ_CHECK(r == 0 || r == -EINVAL);
                FUZZ_CHECK(timestamp_parse(text, nows[i], &two) == r && (r < 0 || one == two));
                if (r < 0)
                        FUZZ_CHECK(one == 42);
                if (r == 0 && (*text == '-' || g_str_has_suffix(text, " ago")))
                        FUZZ_CHECK(one <= nows[i]);
        }
        return 0;
}

void fuzz_generate(FuzzEmit emit, void *userdata)
{
        GString *s = g_string_new(NULL);

        for (unsigned i = 0; i < 100000; i++)
                g_string_append_c(s, '9');
        g_string_append(s, "min ago");
        fuzz_emit_string("long-number", s, emit, userdata);
}
