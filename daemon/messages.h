/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The events that an operator may search for, each with an entry in units/varmor.catalog (a test pairs the two). Each id
 * was drawn once with `systemd-id128 new` and never changes its meaning. */

/* alarms */
#define MESSAGE_VIOLATION "2285ff9a8baf442c8a05bffce035ff9f"       /* a rule of a policy */
#define MESSAGE_BASE_PROTECTION "e2d9133ef5dd40fa9c1c841217aaab78" /* an attempt on varmor itself */
#define MESSAGE_NO_PATH "1d1fdd6dc75647d4b113c8a1cb0e5842"         /* denied, because the path could not be had */
#define MESSAGE_SECOND_NAME "2fbb663e38da4ebeb18b78d4825336f0"     /* denied, because of what it would be called then */

/* what is not as it should be */
#define MESSAGE_ALARMS_LIMITED "0900744f62c34103bb93bcc6baf1eca9"
#define MESSAGE_EVENTS_LOST "3a3d78acbcc6418b8cf8adbe93153a6a"
#define MESSAGE_PROGRAMS_SKIPPED "1c148998bb254be19905f03ae90ee555"
#define MESSAGE_LABELS_LOST "d65a929314104a0a84fad30fc15b223f"
#define MESSAGE_JOURNAL_DROPPED "40344e66874b425691afe530ea7f03c3"
#define MESSAGE_ENFORCER_MISSING "7d1fe7aec9634c5fad5472fb4f9bb446"
#define MESSAGE_POLICY_REFUSED "8d3897edbb8c411f97987578b4e75746"
#define MESSAGE_POLICY_DEGRADED "5eceabae2d8d47a38bc0661419a306dc"
#define MESSAGE_LOAD_FAILED "aab77623511a447ea4e0dfc86ccda022"
#define MESSAGE_CONTAINER_LOOSE "8b6e9f8fc4fb4d5abd6164eec48e22ab" /* not started, or without all of its policy */
#define MESSAGE_FILTER_MISSING "87f21241b7924edeb02d78538c214b39"
#define MESSAGE_RECORDING_LOST "49188a7224c040839f212865779aa557"
#define MESSAGE_RECORDING_DISCARDED "137ae02d88df452eafd7630fd9d898b0"

/* what happened */
#define MESSAGE_RECORDING_STARTED "9849b7ab966b44428f8f471353c06f2c"
#define MESSAGE_MODEL_COMPLETE "8e09ad89c6044eb384d5e475f0554ae9"
#define MESSAGE_POLICY_ACTIVE "ddf3ec99788340a78276a187d21a1a7e"
#define MESSAGE_RESTART_NEEDED "5972e3dc7a0d4894a70e34781eb0562e"
#define MESSAGE_POLICY_REMOVED "8244f38afd7344aba6dae8a01c6185a7"
#define MESSAGE_DISABLED "76806078e5fe4b689413ab173d42e4a0"
