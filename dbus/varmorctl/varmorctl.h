/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* varmorctl: the command line. Each verb gathers one JSON value from the bus or the journal, and either prints it as
 * it is (--json) or renders it for a person: both say the same by construction. Verbs return an ExitCode, or a
 * negative errno that main() reports. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

/* Documented in varmorctl(1): scripts rely on them. */
typedef enum ExitCode {
        EXIT_FINE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_NOT_AS_ASKED = 3, /* something is degraded, refused, or has errors */
        EXIT_NO_DAEMON = 4,
        EXIT_NOT_PERMITTED = 5,
} ExitCode;

typedef struct Options {
        bool json;
        bool colour;
        bool ask_password;
        bool persist;
        bool observe;
        bool enforce;
        bool reset;
        bool follow;
        bool quiet;
        uint32_t duration_min; /* 0: not given */
        uint64_t since_usec;   /* CLOCK_REALTIME; 0: not given */
        uint64_t until_usec;   /* CLOCK_REALTIME; 0: not given */
        uint32_t lines;        /* 0: all */
        const char *policy;    /* borrowed from argv */
        const char *unit;
        const char *format;    /* of export */
        const char *name;      /* of model import */
        const char *root;      /* of model: what stands for "/"; NULL: itself */
        const char *strictness;
        bool force;
        bool generalised;
        bool yes;
        bool dry_run;
        bool base;             /* onto another profile: */
        const char *base_file; /* NULL: the engine's own */
        const char *model;     /* of advise: a policy's name, or a file */
        const char *directory; /* of the journal; NULL: this host's */
} Options;

int verb_status(const Options *o, char **args);
int verb_policies(const Options *o, char **args);
int verb_show(const Options *o, char **args);
int verb_targets(const Options *o, char **args);
int verb_mode(const Options *o, char **args);
int verb_reload(const Options *o, char **args);
int verb_check(const Options *o, char **args);
int verb_rules(const Options *o, char **args);
int verb_advise(const Options *o, char **args);
int verb_refine(const Options *o, char **args);
int verb_alarms(const Options *o, char **args);
int verb_export(const Options *o, char **args);
int verb_model_list(const Options *o, char **args);
int verb_model_show(const Options *o, char **args);
int verb_model_diff(const Options *o, char **args);
int verb_model_export(const Options *o, char **args);
int verb_model_import(const Options *o, char **args);
int verb_model_merge(const Options *o, char **args);
int verb_model_profile(const Options *o, char **args);
int verb_run(const Options *o, char **args);
int verb_version(const Options *o, char **args);
