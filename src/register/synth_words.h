/*
 * Word lists of the synthetic nation: common names first (public facts about frequency
 * only), the long tail is combined from stems and endings by synth_names.c.
 * All lists end with NULL and are UTF-8 with no letter beyond ASCII but ë and ç.
 */
#ifndef KL_REGISTER_SYNTH_WORDS_H
#define KL_REGISTER_SYNTH_WORDS_H

#include <stdint.h>

extern const char *const kl_words_male[]; /* given names, commonest first */
extern const char *const kl_words_female[];
extern const char *const kl_words_family[];
extern const char *const kl_words_given_stem[]; /* + ending = a rarer given name */
extern const char *const kl_words_male_end[];
extern const char *const kl_words_female_end[];
extern const char *const kl_words_family_stem[]; /* + ending = a rarer family name */
extern const char *const kl_words_family_end[];

extern const char *const kl_words_street[];
extern const char *const kl_words_colour[];
extern const char *const kl_words_company[]; /* first word of a firm's name */
extern const char *const kl_words_trade[];   /* second word */
extern const char *const kl_words_party[];   /* invented */

struct kl_word_place {
    const char *name;
    const char *plate; /* district letters of the plates until 2011 */
    uint16_t weight;   /* inhabitants, thousands, rounded */
};
extern const struct kl_word_place kl_words_place[]; /* ends with name == NULL */

struct kl_word_job {
    const char *name;
    uint16_t base;  /* monthly, thousands of ALL */
    uint8_t sector; /* 0 public, 1 trade, 2 industry, 3 services */
};
extern const struct kl_word_job kl_words_job[]; /* ends with name == NULL */

struct kl_word_car {
    const char *make;
    const char *model;
    uint16_t weight;
};
extern const struct kl_word_car kl_words_car[]; /* ends with make == NULL */

#endif
