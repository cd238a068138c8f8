/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Model: what a workload was seen to do, as a set of op instances, each there once with how often it was seen, and where that
 * knowledge comes from. Recordings add to it, files hold it (model-json.h), generalise.h widens it, and model-policy.h makes
 * rules of it. Knows no kernel, clock or file. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "op.h"

#define MODEL_OPS_MAX 65536U               /* of all kinds together */
#define MODEL_SOURCES_MAX 1024U            /* recordings that were merged into one model */
#define MODEL_TEXT_BYTES_MAX 4095U         /* one text: a path is the longest */
#define MODEL_TEXTS_BYTES_MAX (10U << 20)  /* all texts of all ops: whatever is in them, a file holds them, five times as long */
#define MODEL_COUNT_MAX INT64_MAX          /* JSON libraries agree about no more; counts stay there when they reach it */

typedef enum ModelKind {
        MODEL_EXEC,         /* @object was executed by @second */
        MODEL_FILE,         /* @object was used with @perms, and with @owner_perms by its owner */
        MODEL_CAPABILITY,   /* @number: 1 << CAP_*; it was asked for and had */
        MODEL_SOCKET,       /* of @family, @type, @protocol was created */
        MODEL_EGRESS,       /* connect or send to @address, @port */
        MODEL_INGRESS,      /* bind or listen on @address, @port; port 0: the kernel chose one */
        MODEL_EGRESS_UNIX,  /* connect or send to @object: a path, or "@name" */
        MODEL_INGRESS_UNIX, /* the same for bind */
        MODEL_PTRACE,       /* @perms with a process that calls itself @object, @outside of the cgroups of the recording or not */
        MODEL_SIGNAL,       /* the same for the signal @number */
        MODEL_MOUNT,        /* @object was mounted (umount: it is the mount point) as @second with the MountWord bits @flags */
        MODEL_BPF,          /* @number: 1 << enum bpf_cmd */
        MODEL_USERNS,
        MODEL_NAMED,        /* @number: 1 << NamedOp */
        MODEL_SYSCALL,      /* @object: its name; if @mask is not 0, argument @index had @value under it */
        _MODEL_KIND_MAX,
        _MODEL_KIND_INVALID = -22,
} ModelKind;

#define MODEL_KINDS_ALL ((1U << _MODEL_KIND_MAX) - 1)

const char *model_kind_to_string(ModelKind k); /* "exec", "egress-unix", ... */
ModelKind model_kind_from_string(const char *s);

/* Members that a kind does not name are zero. Texts are bytes without NUL: a path may hold anything. */
typedef struct ModelOp {
        ModelKind kind;
        char *object, *second;
        uint64_t number;   /* one bit (capability, command, named op), or the number of a signal */
        uint64_t family;   /* 1 << AF_*; AF 63: one that is not known */
        uint64_t type;     /* 1 << SOCK_* */
        uint64_t protocol; /* one SocketProtocol; 0: another */
        uint64_t port;
        uint64_t outside;  /* 0, 1 */
        uint64_t flags;
        uint64_t index, mask, value;
        uint8_t address[16]; /* network order, @family says which; IPv4 in the first four, the others zero */
        /* From here on: not part of what makes two ops the same. */
        uint64_t perms, owner_perms;
        uint64_t count;
} ModelOp;

/* ---- the members by kind: what compares, reads and writes them goes by this ------------------------------------------------ */

typedef enum ModelType {
        MODEL_TEXT,    /* char * */
        MODEL_NUMBER,  /* at most @max */
        MODEL_BOOL,
        MODEL_WORD,    /* one bit, by its word in @words; without one its number */
        MODEL_WORDS,   /* any bits */
        MODEL_ADDRESS, /* @address of @family */
} ModelType;

typedef struct ModelField {
        const char *name; /* in files; NULL: the end */
        ModelType type;
        size_t offset;
        bool optional; /* zero (or NULL) is a value; else it is a mistake */
        bool merged;   /* the bits of equal ops are joined */
        uint64_t max;  /* of a number; of a word, the highest bit (0: 63) */
        const Word *words;
} ModelField;

/** model_fields() - of ops of kind @k; ends with a NULL name. */
const ModelField *model_fields(ModelKind k);

ModelOp *model_op_dup(const ModelOp *o);
void model_op_free(ModelOp *o);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ModelOp, model_op_free)

/** model_op_compare() - by what makes ops the same, in the order in which models keep them. */
int model_op_compare(const ModelOp *a, const ModelOp *b);

/** model_op_check() - Return: NULL; or why @o cannot be: static, the end of a sentence. */
const char *model_op_check(const ModelOp *o);

/* ---- where it comes from --------------------------------------------------------------------------------------------------- */

/* One recording. Texts may be NULL: not known. */
typedef struct ModelSource {
        char *host, *unit, *policy, *kernel, *arch;
        uint64_t started_usec, ended_usec; /* CLOCK_REALTIME; 0: not known */
        uint32_t kinds;                    /* 1 << ModelKind that were looked for */
        uint64_t lost[_MODEL_KIND_MAX];    /* instances that were seen and could not be kept */
} ModelSource;

#define MODEL_SOURCE_TEXTS 5

/** model_source_text() - the text @i, below MODEL_SOURCE_TEXTS, of @s, and its name in files. */
char **model_source_text(ModelSource *s, unsigned i, const char **ret_name);

ModelSource *model_source_dup(const ModelSource *s);
void model_source_free(ModelSource *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ModelSource, model_source_free)
int model_source_compare(const ModelSource *a, const ModelSource *b);

/* ---- models ------------------------------------------------------------------------------------------------------------------ */

typedef struct Model {
        GPtrArray *ops;     /* of ModelOp, owned, all different; in order once sealed */
        GPtrArray *sources; /* of ModelSource, owned, the same */
        GHashTable *by_key; /* op -> itself */
        size_t text_bytes;
        bool sealed;
} Model;

Model *model_new(void);
void model_free(Model *m);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_free)

/** model_add() - put a copy of @o in. If it is there already, accesses are joined and the counts added.
 * Return: 0; -EINVAL: model_op_check(); -E2BIG: the model is full: the caller counts @o as lost. */
int model_add(Model *m, const ModelOp *o);

/** model_add_source() - Return: 0; -EINVAL: a text or a number is out of bounds; -E2BIG. */
int model_add_source(Model *m, const ModelSource *s);

/** model_seal() - put all in order, after the last addition; adding again unseals. */
void model_seal(Model *m);

/** model_find() - the op that is the same as @o; NULL. Borrowed. */
const ModelOp *model_find(const Model *m, const ModelOp *o);

/** model_merge() - the union of both, sealed. Ops that are in both have all accesses of either and the higher of the counts, so
 * that merging is associative, commutative and idempotent: the same recording counts once, whatever way it comes.
 * Return: 0; -E2BIG: the union is more than a model holds. */
int model_merge(const Model *a, const Model *b, Model **ret);

/** model_equal() - the same in every respect. Both sealed. */
bool model_equal(const Model *a, const Model *b);

/** model_lost() - how many of kind @k were lost, over all sources. */
uint64_t model_lost(const Model *m, ModelKind k);

/** model_is_complete() - is there a source, did each look for every kind, and was nothing lost? */
bool model_is_complete(const Model *m);

/* How two models differ. */
typedef void (*ModelDiffFunc)(const ModelOp *before, const ModelOp *after, void *userdata);

/** model_diff() - call @func in order for each op that is in one only (the other is NULL), or has other accesses. Counts do not
 * matter. Both sealed. */
void model_diff(const Model *before, const Model *after, ModelDiffFunc func, void *userdata);
