/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Model -> AppArmor's language: what stands within the profile of an allow-list. Wider than the model where the language is: it
 * knows no protocols and no addresses, what is locked or linked is not recorded apart from reading and writing, and of mounts only
 * the type is named. User namespaces are left to BPF: older parsers have no word for them, and kernels no mediation without it. */

#include <linux/capability.h>
#include <string.h>

#include "apparmor/aare.h"
#include "model-fold.h"
#include "model-policy.h"
#include "model-varmor.h"
#include "pattern.h"

/* What fold() keeps apart: accesses of anybody, of the owner, and what was executed. */
#define OWNER_SHIFT 8
#define EXECUTED (UINT64_C(1) << 16)

typedef struct Writer {
        const General *g;
        GString *s;
        Diag *diag;
        SourcePos pos;
} Writer;

static void put_head(Writer *w, const char *what, guint n)
{
        g_string_append_printf(w->s, "%s  # %s, %u\n", w->s->len > 0 ? "\n" : "", what, n);
}

static int compare_lines(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lines in order, each once. */
static void put_lines(Writer *w, const char *what, GPtrArray *lines)
{
        const char *last = NULL;

        if (lines->len > 0)
                put_head(w, what, lines->len);
        g_ptr_array_sort(lines, compare_lines);
        for (guint i = 0; i < lines->len; i++) {
                if (g_strcmp0(last, lines->pdata[i]) != 0)
                        g_string_append(w->s, lines->pdata[i]);
                last = lines->pdata[i];
        }
}

/* ---- files ----------------------------------------------------------------------------------------------------------------------- */

static char *file_words(uint64_t perms, bool executed)
{
        return g_strconcat(executed || perms & PERM_EXEC ? "m" : "", executed || perms & PERM_READ ? "r" : "",
                           perms & PERM_WRITE ? "wl" : perms & PERM_APPEND ? "a" : "",
                           perms & (PERM_READ | PERM_WRITE | PERM_APPEND) ? "k" : "", executed ? "ix" : "", NULL);
}

static void put_file(Writer *w, const FoldItem *item)
{
        g_autoptr(GPtrArray) expressions = g_ptr_array_new_with_free_func(g_free);
        uint64_t anybody = item->perms & PERM_ALL, owner = item->perms >> OWNER_SHIFT & PERM_ALL & ~anybody;
        g_autofree char *all = file_words(anybody, item->perms & EXECUTED), *own = file_words(owner, false);

        if (aare_from_pattern(item->pattern, expressions) < 0) {
                g_autofree char *shown = g_strescape(item->pattern, NULL);

                diag_warning(w->diag, &w->pos, "not-a-rule", "AppArmor has no expression for a path that was used: %s", shown);
        }
        for (guint i = 0; i < expressions->len; i++) {
                if (*all)
                        g_string_append_printf(w->s, "  %s %s,\n", (const char *)expressions->pdata[i], all);
                if (*own)
                        g_string_append_printf(w->s, "  owner %s %s,\n", (const char *)expressions->pdata[i], own);
        }
}

static void put_files(Writer *w)
{
        GPtrArray *items = fold_new();
        g_autoptr(GPtrArray) files = NULL;

        for (guint i = 0; i < w->g->ops->len; i++) {
                const GeneralOp *op = w->g->ops->pdata[i];
                uint64_t perms = op->op.perms | op->op.owner_perms << OWNER_SHIFT;

                if (op->op.kind == MODEL_FILE || op->op.kind == MODEL_EXEC)
                        fold_add(items, op->pattern, op->op.kind == MODEL_EXEC ? EXECUTED : perms, op->op.count, op->originals->len);
        }
        files = fold(items);
        if (files->len > 0)
                put_head(w, "files and what is executed", files->len);
        for (guint i = 0; i < files->len; i++)
                put_file(w, files->pdata[i]);
}

/* Memory in huge pages is a file without a name to AppArmor, mapped as "/", and nothing that is recorded. Who asks how large they are
 * is about to map some. */
static void put_huge_pages(Writer *w)
{
        for (guint i = 0; i < w->g->ops->len; i++) {
                const ModelOp *o = &((const GeneralOp *)w->g->ops->pdata[i])->op;

                if (o->kind != MODEL_FILE || !(strcmp(o->object, "/proc/meminfo") == 0 || g_str_has_prefix(o->object, "/sys/kernel/mm/hugepages/")))
                        continue;
                put_head(w, "huge pages", 1);
                g_string_append(w->s, "  owner / rw,\n");
                return;
        }
}

/* ---- capabilities, sockets ------------------------------------------------------------------------------------------------------- */

static void put_capabilities(Writer *w)
{
        uint64_t bits = 0;
        g_autofree char *names = NULL;

        for (guint i = 0; i < w->g->ops->len; i++) {
                const GeneralOp *op = w->g->ops->pdata[i];

                bits |= op->op.kind == MODEL_CAPABILITY ? op->op.number : 0;
        }
        bits &= (UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1;
        if (bits == 0)
                return;
        names = words_format(capability_words, bits, " ");
        put_head(w, "capabilities", (guint)__builtin_popcountll(bits));
        g_string_append_printf(w->s, "  capability %s,\n", names);
}

static const char *word_of(const Word *words, uint64_t bit)
{
        for (const Word *word = words; word->name; word++)
                if (word->bits == bit)
                        return word->name;
        return NULL;
}

static void put_sockets(Writer *w)
{
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < w->g->ops->len; i++) {
                const GeneralOp *op = w->g->ops->pdata[i];
                const char *family, *type;

                if (op->op.kind != MODEL_SOCKET)
                        continue;
                family = word_of(socket_domain_words, op->op.family);
                type = word_of(socket_type_words, op->op.type);
                if (family && type)
                        g_ptr_array_add(lines, g_strdup_printf("  network %s %s,\n", family, type));
                else
                        diag_warning(w->diag, &w->pos, "not-a-rule", "AppArmor has no word for a family or a type of sockets that was used");
        }
        put_lines(w, "sockets", lines);
}

/* ---- other processes --------------------------------------------------------------------------------------------------------------- */

static void put_ptrace(Writer *w)
{
        static const struct {
                uint64_t perm;
                const char *word;
        } words[] = {{PTRACE_PERM_TRACE, "trace"}, {PTRACE_PERM_TRACEBY, "tracedby"}, {PTRACE_PERM_READ, "read"}, {PTRACE_PERM_READBY, "readby"}};
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        uint64_t perms = PTRACE_PERM_TRACEBY | PTRACE_PERM_READBY; /* an allow-list is about what a workload does, not about who looks at it */

        for (guint i = 0; i < w->g->ops->len; i++) {
                const GeneralOp *op = w->g->ops->pdata[i];

                perms |= op->op.kind == MODEL_PTRACE ? op->op.perms : 0;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                if (perms & words[i].perm)
                        g_ptr_array_add(lines, g_strdup_printf("  ptrace (%s),\n", words[i].word));
        put_lines(w, "tracing", lines);
}

static void put_signals(Writer *w)
{
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

        g_ptr_array_add(lines, g_strdup("  signal (receive),\n"));
        for (guint i = 0; i < w->g->ops->len; i++) {
                const GeneralOp *op = w->g->ops->pdata[i];
                g_autofree char *name = NULL;

                if (op->op.kind != MODEL_SIGNAL)
                        continue;
                name = signal_name(op->op.number);
                g_ptr_array_add(lines, g_strdup_printf("  signal (send) set=(%s),\n", name));
        }
        put_lines(w, "signals", lines);
}

/* ---- mounts ------------------------------------------------------------------------------------------------------------------------ */

#define MOUNT_MOVING                                                                                                            \
        (UINT64_C(1) << MOUNT_REMOUNT | UINT64_C(1) << MOUNT_BIND | UINT64_C(1) << MOUNT_RBIND | UINT64_C(1) << MOUNT_MOVE |     \
         UINT64_C(1) << MOUNT_UNBINDABLE | UINT64_C(1) << MOUNT_PRIVATE | UINT64_C(1) << MOUNT_SLAVE |                          \
         UINT64_C(1) << MOUNT_SHARED | UINT64_C(1) << MOUNT_RUNBINDABLE | UINT64_C(1) << MOUNT_RPRIVATE |                       \
         UINT64_C(1) << MOUNT_RSLAVE | UINT64_C(1) << MOUNT_RSHARED)

static void put_mount(const ModelOp *o, GPtrArray *lines)
{
        g_autoptr(GPtrArray) type = g_ptr_array_new_with_free_func(g_free);

        if (o->flags & UINT64_C(1) << MOUNT_UMOUNT) {
                g_ptr_array_add(lines, g_strdup("  umount,\n"));
                return;
        }
        if (o->flags & UINT64_C(1) << MOUNT_MOVE)
                g_ptr_array_add(lines, g_strdup("  pivot_root,\n"));
        if (!(o->flags & MOUNT_MOVING) && o->second) {
                g_autofree char *escaped = pattern_escape(o->second);

                (void)aare_from_words(escaped, type);
        }
        if (type->len == 1)
                g_ptr_array_add(lines, g_strdup_printf("  mount fstype=%s,\n", (const char *)type->pdata[0]));
        else
                g_ptr_array_add(lines, g_strdup("  mount,\n"));
}

static void put_mounts(Writer *w)
{
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < w->g->ops->len; i++) {
                const GeneralOp *op = w->g->ops->pdata[i];

                if (op->op.kind == MODEL_MOUNT)
                        put_mount(&op->op, lines);
        }
        put_lines(w, "mounts", lines);
}

char *model_apparmor(const General *g, Diag *d)
{
        Writer w = {.g = g, .s = g_string_new(NULL), .diag = d, .pos = {.file = g_intern_static_string("model")}};

        put_files(&w);
        put_huge_pages(&w);
        put_capabilities(&w);
        put_sockets(&w);
        put_ptrace(&w);
        put_signals(&w);
        put_mounts(&w);
        /* Nobody but their own brokers looks at these, and they are not recorded: addresses of sockets, and messages on the bus. */
        g_string_append(w.s, "\n  unix,\n  dbus,\n");
        return g_string_free(w.s, FALSE);
}
