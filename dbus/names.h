/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every name by which varmor is known on the bus, for the daemon and for varmorctl. */

#define VARMOR_BUS_NAME "org.varmor1"
#define VARMOR_MANAGER_PATH "/org/varmor1"
#define VARMOR_POLICY_PREFIX "/org/varmor1/policy"
#define VARMOR_MANAGER "org.varmor1.Manager"
#define VARMOR_POLICY "org.varmor1.Policy"

#define VARMOR_ERROR_NO_SUCH_POLICY "org.varmor1.Error.NoSuchPolicy"
#define VARMOR_ERROR_NO_SUCH_RULE "org.varmor1.Error.NoSuchRule"
#define VARMOR_ERROR_REFUSED "org.varmor1.Error.Refused"
#define VARMOR_ERROR_NOT_ENFORCEABLE "org.varmor1.Error.NotEnforceable"
#define VARMOR_ERROR_NOT_COMPLETE "org.varmor1.Error.NotComplete"
#define VARMOR_ERROR_CONFINED "org.varmor1.Error.Confined"
#define VARMOR_ERROR_DISABLED "org.varmor1.Error.Disabled"
#define VARMOR_ERROR_LOAD_FAILED "org.varmor1.Error.LoadFailed"

#define VARMOR_ACTION_SET_MODE "org.varmor1.set-mode"
#define VARMOR_ACTION_RELOAD "org.varmor1.reload"
#define VARMOR_ACTION_CHECK "org.varmor1.check"
#define VARMOR_ACTION_READ_RULES "org.varmor1.read-rules"
