/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Switching modes: options in, one manager_set_mode() out. */

#include <errno.h>

#include "set-mode.h"

static int read_flag(sd_bus_message *m, bool *ret)
{
        int value;

        int r = sd_bus_message_read(m, "v", "b", &value);
        if (r >= 0)
                *ret = value;
        return r;
}

static int read_option(sd_bus_message *m, const char *key, SetModeOptions *o, sd_bus_error *error)
{
        bool observe;
        int r;

        if (g_str_equal(key, "persist"))
                r = read_flag(m, &o->persist);
        else if (g_str_equal(key, "duration"))
                r = sd_bus_message_read(m, "v", "u", &o->duration_min);
        else if (g_str_equal(key, "observe")) {
                r = read_flag(m, &observe);
                if (r >= 0) {
                        o->allow_violations = observe;
                        o->audit_violations = observe ? 1 : -1;
                }
        } else
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                         "There is no option \"%s\"; there are persist, observe and duration", key);
        if (r == -ENXIO)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Option \"%s\" must be of type %s", key,
                                         g_str_equal(key, "duration") ? "u" : "b");
        return r;
}

static int read_options(sd_bus_message *m, SetModeOptions *o, sd_bus_error *error)
{
        const char *key;

        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(m, 's', &key);
                if (r >= 0)
                        r = read_option(m, key, o, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

static void act_set_mode(Request *q)
{
        int r = manager_set_mode(q->manager, q->policy, q->mode, &q->options, request_done, q);
        if (r < 0)
                request_reply_errno(q, r);
}

int set_mode_call(Bus *b, sd_bus_message *m, const char *policy, Mode mode, uint32_t duration_min, sd_bus_error *error)
{
        SetModeOptions options = {.audit_violations = -1, .allow_violations = -1, .duration_min = duration_min};

        int r = read_options(m, &options, error);
        if (r < 0)
                return r;
        if (mode == MODE_DEFENSE_IN_DEPTH)
                options.audit_violations = -1; /* there each violation is reported */
        if (duration_min > 0 && options.duration_min != duration_min)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "The duration is given twice");
        if (options.duration_min > 0 && mode != MODE_BEHAVIOR_MODELING)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "Only BehaviorModeling has a duration");
        if (options.duration_min == 0 && mode == MODE_BEHAVIOR_MODELING)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "BehaviorModeling needs a duration, in minutes");
        if (!manager_find_policy(b->manager, policy))
                return sd_bus_error_setf(error, VARMOR_ERROR_NO_SUCH_POLICY, "There is no policy called \"%s\"",
                                         policy);

        Request *q = request_new(b, m, VARMOR_ACTION_SET_MODE, act_set_mode);
        q->policy = g_strdup(policy);
        q->mode = mode;
        q->options = options;
        return request_authorize(q, error);
}

const char *policy_mode_word(const PolicyEntry *e)
{
        const BundlePolicy *p = policy_bundle(e);

        return p && p->mode >= 0 && p->mode < _MODE_MAX ? mode_to_string(p->mode) : "";
}
