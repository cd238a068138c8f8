/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words: every enum and every table reads what it writes; suggestions find the word that was meant. */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "alarm.h"
#include "diag.h"
#include "op.h"
#include "policy.h"

#define ROUND_TRIP(type, prefix, max)                                                                                   \
        do {                                                                                                            \
                for (int i = 0; i < (int)(max); i++) {                                                                  \
                        const char *s = prefix##_to_string((type)i);                                                    \
                        g_assert_nonnull(s);                                                                            \
                        g_assert_cmpint(prefix##_from_string(s), ==, i);                                                \
                }                                                                                                       \
                g_assert_null(prefix##_to_string((type)(max)));                                                         \
                g_assert_null(prefix##_to_string((type)-EINVAL));                                                       \
                g_assert_cmpint(prefix##_from_string("no such word"), ==, -EINVAL);                                     \
                g_assert_cmpint(prefix##_from_string(NULL), ==, -EINVAL);                                               \
        } while (0)

static void test_enums(void)
{
        ROUND_TRIP(OpKind, op_kind, _OP_KIND_MAX);
        ROUND_TRIP(Mode, mode, _MODE_MAX);
        ROUND_TRIP(EnforcerKind, enforcer_kind, _ENFORCER_KIND_MAX);
        ROUND_TRIP(Action, action, _ACTION_MAX);
        ROUND_TRIP(TargetKind, target_kind, _TARGET_KIND_MAX);
        ROUND_TRIP(SelectorOperator, selector_operator, _SELECTOR_OPERATOR_MAX);
        ROUND_TRIP(RuleOrigin, rule_origin, _RULE_ORIGIN_MAX);
        ROUND_TRIP(ProfileType, profile_type, _PROFILE_TYPE_MAX);
        ROUND_TRIP(SyscallAction, syscall_action, _SYSCALL_ACTION_MAX);
        ROUND_TRIP(SyscallCompare, syscall_compare, _SYSCALL_COMPARE_MAX);
        ROUND_TRIP(SyscallArch, syscall_arch, _SYSCALL_ARCH_MAX);
        ROUND_TRIP(DiagSeverity, diag_severity, _DIAG_SEVERITY_MAX);

        for (int i = 0; i < _REASON_MAX; i++)
                g_assert_nonnull(event_reason_to_string((EventReason)i));
        g_assert_null(event_reason_to_string(_REASON_MAX));
}

static void test_enforcer_mask(void)
{
        static const char *const refused[] = {"", "BPFAppArmor", "AppArmorAppArmor", "BPF ", "AppArmor,BPF", "LSM", "BPFX"};

        for (unsigned mask = 1; mask < 1U << _ENFORCER_KIND_MAX; mask++) {
                g_autofree char *s = enforcer_mask_to_string(mask), *upper = g_ascii_strup(s, -1);

                g_assert_cmpint(enforcer_mask_from_string(s), ==, mask);
                g_assert_cmpint(enforcer_mask_from_string(upper), ==, mask);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
                g_assert_cmpint(enforcer_mask_from_string(refused[i]), ==, -EINVAL);
        g_assert_cmpint(enforcer_mask_from_string(NULL), ==, -EINVAL);
}

static void test_tables(void)
{
        const Word *const tables[] = {file_perm_words, capability_words, socket_domain_words, socket_type_words,
                                      socket_protocol_words, ptrace_perm_words, mount_flag_words, bpf_command_words,
                                      op_class_words};

        for (size_t t = 0; t < G_N_ELEMENTS(tables); t++)
                for (const Word *w = tables[t]; w->name; w++) {
                        g_autofree char *s = words_format(tables[t], w->bits, ",");

                        g_assert_cmpuint(words_find(tables[t], w->name), ==, w->bits);
                        g_assert_cmpuint(w->bits, !=, 0);
                        g_assert_null(strchr(s, ','));
                        g_assert_cmpuint(words_find(tables[t], s), ==, w->bits);
                }

        /* Every flag of a mount and every capability up to the last has a word of its own. */
        for (int i = 0; i < _MOUNT_WORD_MAX; i++) {
                g_autofree char *s = words_format(mount_flag_words, UINT64_C(1) << i, ",");

                g_assert_cmpuint(words_find(mount_flag_words, s), ==, UINT64_C(1) << i);
        }
        for (int i = 0; i <= 40; i++) {
                g_autofree char *s = words_format(capability_words, UINT64_C(1) << i, ",");

                g_assert_cmpuint(words_find(capability_words, s), ==, UINT64_C(1) << i);
        }

        g_assert_cmpuint(words_find(mount_flag_words, "R"), ==, UINT64_C(1) << MOUNT_RBIND);
        g_assert_cmpuint(words_find(mount_flag_words, "r"), ==, UINT64_C(1) << MOUNT_RO);
        g_assert_cmpuint(words_find(file_perm_words, "WRITE"), ==, PERM_WRITE);
        g_assert_cmpuint(words_find(file_perm_words, "rw"), ==, 0);
}

static void test_format(void)
{
        g_autofree char *rw = words_format(file_perm_words, PERM_READ | PERM_WRITE, " ");
        g_autofree char *none = words_format(file_perm_words, 0, " ");
        g_autofree char *odd = words_format(file_perm_words, PERM_READ | 1 << 10, " ");

        g_assert_cmpstr(rw, ==, "read write");
        g_assert_cmpstr(none, ==, "");
        g_assert_cmpstr(odd, ==, "read 0x400");
}

static void test_suggest(void)
{
        static const char *const words[] = {"disable-shell", "disable-wget", "disable-write-etc", "mode", "target", NULL};

        g_assert_cmpstr(diag_suggest("disable-shel", words), ==, "disable-shell");
        g_assert_cmpstr(diag_suggest("DISABLE_SHELL", words), ==, "disable-shell");
        g_assert_cmpstr(diag_suggest("tagret", words), ==, "target");
        g_assert_cmpstr(diag_suggest("mdoe", words), ==, "mode");
        g_assert_cmpstr(diag_suggest("disable-wegt", words), ==, "disable-wget");
        g_assert_null(diag_suggest("frobnicate", words));
        g_assert_null(diag_suggest("", words));
        g_assert_null(diag_suggest("x", words));
}

static void test_diag(void)
{
        g_autoptr(Diag) a = diag_new(), b = diag_new();
        SourcePos pos = {g_intern_string("f.yaml"), 3, 7};
        g_autofree char *first = NULL;

        diag_error(a, &pos, "bad-type", "found %s", "x\n\x1b[31m\xff");
        diag_warning(a, NULL, "w", "careful");
        diag_error(NULL, &pos, "bad-type", "dropped");
        for (unsigned i = 0; i < DIAG_MESSAGES_MAX; i++)
                diag_error(b, &pos, "many", "n %u", i);
        diag_move(b, a);
        g_assert_cmpuint(a->messages->len, ==, 0);
        g_assert_cmpuint(a->n_errors, ==, 0);
        g_assert_cmpuint(b->n_errors, ==, DIAG_MESSAGES_MAX + 1);
        g_assert_cmpuint(b->n_warnings, ==, 1);
        g_assert_cmpuint(b->n_dropped, ==, 2);
        diag_move(a, b);
        g_assert_cmpuint(a->n_errors, ==, DIAG_MESSAGES_MAX + 1);
        g_assert_cmpuint(a->n_warnings, ==, 1);

        diag_error(b, &pos, "bad-type", "found %s", "x\n\x1b[31m\xff");
        first = diag_message_format(b->messages->pdata[0]);
        g_assert_cmpstr(first, ==, "f.yaml:3:7: error: found x??[31m\357\277\275 [bad-type]");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/words/enums", test_enums);
        g_test_add_func("/words/enforcer-mask", test_enforcer_mask);
        g_test_add_func("/words/tables", test_tables);
        g_test_add_func("/words/format", test_format);
        g_test_add_func("/words/suggest", test_suggest);
        g_test_add_func("/words/diag", test_diag);
        return g_test_run();
}
