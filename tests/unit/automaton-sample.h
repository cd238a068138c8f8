/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A small automaton of random patterns, and what the reference matcher says of the same patterns. */

#include "automaton.h"
#include "glob-reference.h"

#define SAMPLE_STARTS 2
#define SAMPLE_OWNERS_MAX 32U /* bits of the mask */

typedef struct Sample {
        GArray *patterns; /* of AutomatonPattern */
        struct va_table *table;
        uint32_t start[SAMPLE_STARTS];
} Sample;

/** accept_mask() - an AutomatonAccept. The record of a set of owners: their mask, and the start.
 * @userdata: an unsigned, counts the calls. */
int accept_mask(uint32_t start, const uint32_t *owners, size_t n, AutomatonRecord *ret, void *userdata);

/** sample_init(), sample_add(), sample_build() - the patterns one by one (@text is taken over), then their table. */
void sample_init(Sample *s);
void sample_add(Sample *s, char *text, uint32_t owner, uint32_t start, bool except);
void sample_build(Sample *s);
void sample_done(Sample *s);

/** sample_make() - all of that, with up to ten random patterns, some of them exceptions. */
void sample_make(Sample *s, GRand *rand);

/** sample_pattern() - the text of any of the patterns. Borrowed. */
const char *sample_pattern(const Sample *s, GRand *rand);

/** sample_mask() - the owners that an accept word of accept_mask() stands for. */
uint32_t sample_mask(const Sample *s, uint32_t accept_word);

/** sample_reference_mask() - the same as the reference matcher sees it. */
uint32_t sample_reference_mask(const Sample *s, unsigned start, const uint8_t *path, size_t n);

/** sample_report() - the patterns and the path, readable, as test messages. */
void sample_report(const Sample *s, const uint8_t *path, size_t n);

/** is_long_run() - by VARMOR_TEST_LONG=1, or -m slow. */
bool is_long_run(void);

/** n_cases() - VARMOR_CASES, else a million in long runs, else @usual. */
unsigned n_cases(unsigned usual);
