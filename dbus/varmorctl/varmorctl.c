/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* varmorctl: arguments in, one verb out. */

#include <errno.h>
#include <getopt.h>
#include <glib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "timestamp.h"
#include "varmorctl.h"

typedef struct Verb {
        const char *name;
        int min_args, max_args;
        int (*run)(const Options *o, char **args);
        const char *options; /* those of the long options that it takes, beside the general ones */
} Verb;

static const Verb verbs[] = {
        {"status", 0, 0, verb_status, " quiet "},
        {"policies", 0, 0, verb_policies, ""},
        {"show", 1, 1, verb_show, ""},
        {"targets", 0, 0, verb_targets, ""},
        {"mode", 1, 2, verb_mode, " persist observe enforce reset duration quiet "},
        {"reload", 0, 0, verb_reload, " quiet "},
        {"check", 1, INT_MAX, verb_check, " quiet "},
        {"rules", 0, 1, verb_rules, ""},
        {"alarms", 0, 0, verb_alarms, " since until policy unit follow lines directory "},
        {"export", 1, 1, verb_export, " format base "},
        {"advise", 1, 1, verb_advise, " model root "},
        {"refine", 1, 1, verb_refine, " since until yes dry-run directory root "},
        {"model list", 0, 0, verb_model_list, " root "},
        {"model show", 1, 1, verb_model_show, " root generalised strictness "},
        {"model diff", 2, 2, verb_model_diff, " root quiet "},
        {"model export", 1, 1, verb_model_export, " root format strictness "},
        {"model import", 1, 1, verb_model_import, " root name force quiet "},
        {"model merge", 2, INT_MAX, verb_model_merge, " root force quiet "},
        {"model profile", 1, 1, verb_model_profile, " root format strictness "},
        {"run", 1, INT_MAX, verb_run, " policy "},
        {"version", 0, 0, verb_version, ""},
};

enum {
        OPTION_JSON = 0x100,
        OPTION_COLOUR,
        OPTION_NO_ASK_PASSWORD,
        OPTION_PERSIST,
        OPTION_OBSERVE,
        OPTION_ENFORCE,
        OPTION_RESET,
        OPTION_DURATION,
        OPTION_UNTIL,
        OPTION_FORMAT,
        OPTION_BASE,
        OPTION_MODEL,
        OPTION_NAME,
        OPTION_ROOT,
        OPTION_STRICTNESS,
        OPTION_FORCE,
        OPTION_GENERALISED,
        OPTION_YES,
        OPTION_DRY_RUN,
        OPTION_VERSION,
};

static const struct option long_options[] = {
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"json", no_argument, NULL, OPTION_JSON},
        {"color", required_argument, NULL, OPTION_COLOUR},
        {"no-ask-password", no_argument, NULL, OPTION_NO_ASK_PASSWORD},
        {"quiet", no_argument, NULL, 'q'},
        {"persist", no_argument, NULL, OPTION_PERSIST},
        {"observe", no_argument, NULL, OPTION_OBSERVE},
        {"enforce", no_argument, NULL, OPTION_ENFORCE},
        {"reset", no_argument, NULL, OPTION_RESET},
        {"duration", required_argument, NULL, OPTION_DURATION},
        {"since", required_argument, NULL, 'S'},
        {"until", required_argument, NULL, OPTION_UNTIL},
        {"policy", required_argument, NULL, 'p'},
        {"unit", required_argument, NULL, 'u'},
        {"follow", no_argument, NULL, 'f'},
        {"lines", required_argument, NULL, 'n'},
        {"directory", required_argument, NULL, 'D'},
        {"format", required_argument, NULL, OPTION_FORMAT},
        {"base", optional_argument, NULL, OPTION_BASE},
        {"model", required_argument, NULL, OPTION_MODEL},
        {"name", required_argument, NULL, OPTION_NAME},
        {"root", required_argument, NULL, OPTION_ROOT},
        {"strictness", required_argument, NULL, OPTION_STRICTNESS},
        {"force", no_argument, NULL, OPTION_FORCE},
        {"generalised", no_argument, NULL, OPTION_GENERALISED},
        {"yes", no_argument, NULL, OPTION_YES},
        {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
        {},
};

static void help(void)
{
        puts("varmorctl [OPTION...] VERB [ARGUMENT...]\n"
             "\n"
             "Verbs:\n"
             "  status                 what is in force, and what is not as it was asked\n"
             "  policies               list the policies\n"
             "  show POLICY            one policy: state, targets, each rule and who enforces it\n"
             "  targets                the cgroups that are covered\n"
             "  mode POLICY [MODE]     show or switch the mode, live\n"
             "      --observe          report violations, block nothing\n"
             "      --enforce          block violations again\n"
             "      --persist          for good, not only until the next boot\n"
             "      --duration=MINUTES how long to record (BehaviorModeling)\n"
             "      --reset            take back what was switched\n"
             "  reload                 read all files again, and wait until they are in force\n"
             "  check FILE...          what is wrong with policy files; needs no running daemon\n"
             "  rules [RULE]           list the named rules, or explain one\n"
             "  alarms                 violations, from the journal\n"
             "   -S --since=TIME       '2026-11-24 04:10', 04:10, today, '30min ago'\n"
             "      --until=TIME\n"
             "   -p --policy=POLICY    of one policy\n"
             "   -u --unit=UNIT        of one unit\n"
             "   -n --lines=N          the last N\n"
             "   -f --follow           wait for more\n"
             "   -D --directory=DIR    read the journal files there\n"
             "  export POLICY          print a policy in the language of others\n"
             "      --format=FORMAT    oci-seccomp, apparmor, systemd\n"
             "      --base[=FILE]      as part of a container engine's seccomp profile\n"
             "  advise UNIT            which named rules it can bear by its model, and a policy of them\n"
             "      --model=NAME       the model of this policy, or a file\n"
             "  refine POLICY          make rules of the alarms of an allow-list, and add what is accepted\n"
             "   -S --since=TIME       of alarms since then; else since the policy is in force\n"
             "      --yes              accept all\n"
             "      --dry-run          print what would be written\n"
             "  model                  list the models of what workloads do\n"
             "  model show MODEL       what one says; MODEL: a policy's name, or a file, as ./FILE\n"
             "      --generalised      as rules, and what was widened for that\n"
             "      --strictness=S     strict, normal, loose: how far\n"
             "  model diff A B         what B has and A has not, and the other way round\n"
             "  model export MODEL     print it\n"
             "      --format=FORMAT    json, varmor\n"
             "  model import FILE      keep it as the model of a policy\n"
             "      --name=POLICY      of this one\n"
             "      --force            in place of the one that is there\n"
             "  model merge OUT A...   unite models\n"
             "  model profile MODEL    print a profile that allows what it says\n"
             "      --format=FORMAT    apparmor, bpf, oci-seccomp, systemd\n"
             "      --root=DIR         models and rules of the system there\n"
             "  run [--] COMMAND...    execute a command under a policy\n"
             "   -p --policy=POLICY    this one\n"
             "  version\n"
             "\n"
             "Options:\n"
             "     --json              for programs\n"
             "  -q --quiet             only the exit status, and errors\n"
             "     --color=WHEN        auto, always, never\n"
             "     --no-ask-password   do not ask for a password\n"
             "  -h --help\n"
             "\n"
             "Exit status: 0 fine; 1 failed; 2 wrong usage; 3 degraded, refused, or errors found;\n"
             "4 varmord cannot be reached; 5 not permitted. See varmorctl(1).");
}

static int parse_number(const char *name, const char *text, uint32_t *ret)
{
        guint64 n;

        if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT32, &n, NULL)) {
                fprintf(stderr, "varmorctl: --%s takes a number from 1, not \"%s\"\n", name, text);
                return -EINVAL;
        }
        *ret = (uint32_t)n;
        return 0;
}

static int parse_time(const char *name, const char *text, uint64_t *ret)
{
        int r = timestamp_parse(text, (uint64_t)g_get_real_time(), ret);
        if (r < 0)
                fprintf(stderr,
                        "varmorctl: --%s: \"%s\" is no time; examples: '2026-11-24 04:10', today, '30min ago'\n", name,
                        text);
        return r;
}

static int parse_colour(const char *text, Options *o)
{
        if (strcmp(text, "always") == 0)
                o->colour = true;
        else if (strcmp(text, "never") == 0)
                o->colour = false;
        else if (strcmp(text, "auto") != 0) {
                fprintf(stderr, "varmorctl: --color takes auto, always or never\n");
                return -EINVAL;
        }
        return 0;
}

/* Options that are kept as they are: texts, and that they were given. */
static const struct {
        int c;
        size_t offset;
} texts[] = {
        {'p', offsetof(Options, policy)},
        {'u', offsetof(Options, unit)},
        {'D', offsetof(Options, directory)},
        {OPTION_FORMAT, offsetof(Options, format)},
        {OPTION_BASE, offsetof(Options, base_file)},
        {OPTION_MODEL, offsetof(Options, model)},
        {OPTION_NAME, offsetof(Options, name)},
        {OPTION_ROOT, offsetof(Options, root)},
        {OPTION_STRICTNESS, offsetof(Options, strictness)},
}, flags[] = {
        {OPTION_JSON, offsetof(Options, json)},
        {'q', offsetof(Options, quiet)},
        {OPTION_PERSIST, offsetof(Options, persist)},
        {OPTION_OBSERVE, offsetof(Options, observe)},
        {OPTION_ENFORCE, offsetof(Options, enforce)},
        {OPTION_RESET, offsetof(Options, reset)},
        {'f', offsetof(Options, follow)},
        {OPTION_BASE, offsetof(Options, base)},
        {OPTION_FORCE, offsetof(Options, force)},
        {OPTION_GENERALISED, offsetof(Options, generalised)},
        {OPTION_YES, offsetof(Options, yes)},
        {OPTION_DRY_RUN, offsetof(Options, dry_run)},
};

static int parse_option(int c, Options *o)
{
        bool known = false;

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                if (texts[i].c == c) {
                        *(const char **)((char *)o + texts[i].offset) = optarg;
                        known = true;
                }
        for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
                if (flags[i].c == c) {
                        *(bool *)((char *)o + flags[i].offset) = true;
                        known = true;
                }
        if (known)
                return 0;
        switch (c) {
        case OPTION_COLOUR:
                return parse_colour(optarg, o);
        case OPTION_NO_ASK_PASSWORD:
                o->ask_password = false;
                return 0;
        case OPTION_DURATION:
                return parse_number("duration", optarg, &o->duration_min);
        case 'S':
                return parse_time("since", optarg, &o->since_usec);
        case OPTION_UNTIL:
                return parse_time("until", optarg, &o->until_usec);
        case 'n':
                return parse_number("lines", optarg, &o->lines);
        default:
                return -EINVAL; /* getopt has complained */
        }
}

/* "model" stands before a verb of its own. To be freed. @ret_n: of how many words. */
static char *verb_name(char **words, int *ret_n)
{
        bool model = *words && strcmp(*words, "model") == 0;

        *ret_n = !*words ? 0 : model && words[1] ? 2 : 1;
        if (!*words)
                return g_strdup("status");
        return model ? g_strdup_printf("model %s", words[1] ?: "list") : g_strdup(*words);
}

static const Verb *find_verb(const char *name)
{
        for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
                if (strcmp(verbs[i].name, name) == 0)
                        return &verbs[i];
        return NULL;
}

/* An option that the verb does not know would be silently without effect. */
static int check_usage(const Verb *verb, int n_args, const bool *used)
{
        for (const struct option *l = long_options; l->name; l++) {
                g_autofree char *word = g_strconcat(" ", l->name, " ", NULL);

                if (used[l->val] && !strstr(" json color no-ask-password ", word) && !strstr(verb->options, word)) {
                        fprintf(stderr, "varmorctl: %s takes no --%s\n", verb->name, l->name);
                        return -EINVAL;
                }
        }
        if (n_args < verb->min_args || n_args > verb->max_args) {
                fprintf(stderr, "varmorctl: %s takes %s arguments (see --help)\n", verb->name,
                        n_args < verb->min_args ? "more" : "fewer");
                return -EINVAL;
        }
        if (used[OPTION_OBSERVE] && used[OPTION_ENFORCE]) {
                fprintf(stderr, "varmorctl: --observe and --enforce contradict each other\n");
                return -EINVAL;
        }
        return 0;
}

int main(int argc, char **argv)
{
        const char *no_colour = getenv("NO_COLOR");
        Options o = {
                .colour =
                        isatty(STDOUT_FILENO) && (!no_colour || !*no_colour) && g_strcmp0(getenv("TERM"), "dumb") != 0,
                .ask_password = true,
        };
        bool used[OPTION_VERSION + 1] = {false};
        int c;

        setlocale(LC_ALL, "");
        while ((c = getopt_long(argc, argv, "hqS:p:u:fn:D:", long_options, NULL)) >= 0) {
                if (c == 'h') {
                        help();
                        return EXIT_FINE;
                }
                if (c == OPTION_VERSION)
                        return verb_version(&o, NULL);
                if (parse_option(c, &o) < 0)
                        return EXIT_USAGE;
                used[c] = true;
        }

        int n_words = 0;
        g_autofree char *name = verb_name(argv + optind, &n_words);
        const Verb *verb = find_verb(name);
        if (!verb) {
                fprintf(stderr, "varmorctl: there is no verb \"%s\" (see --help)\n", name);
                return EXIT_USAGE;
        }
        char **args = argv + optind + n_words;
        if (check_usage(verb, (int)g_strv_length(args), used) < 0)
                return EXIT_USAGE;

        int r = verb->run(&o, args);
        if (r < 0) {
                fprintf(stderr, "varmorctl: %s\n", g_strerror(-r));
                return EXIT_FAILED;
        }
        return fflush(stdout) == 0 ? r : EXIT_FAILED;
}
