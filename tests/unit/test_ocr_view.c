#include "match/ocr_view.h"

#include <stdio.h>
#include <stdlib.h>

#include "kt.h"

static char view[4096];

static const char *view_of(const char *text)
{
    size_t len = strlen(text);
    uint8_t *copy = malloc(len + 1);
    uint8_t *out = malloc(kl_ocr_view_max(len) + 1);

    memcpy(copy, text, len);
    size_t n = kl_ocr_view(kl_span_make(copy, len), out);
    KT_OK(n <= kl_ocr_view_max(len) && n < sizeof view);
    memcpy(view, out, n);
    view[n] = '\0';
    free(copy);
    free(out);
    return view;
}

KT_TEST(text_without_confusions_stays)
{
    KT_STR(view_of(""), "");
    KT_STR(view_of("Agim Hoxha, Tirane 0691234567\n"), "Agim Hoxha, Tirane 0691234567\n");
    KT_STR(view_of("A70915340R llir Zollinaj 1907-09-15"), "A70915340R llir Zollinaj 1907-09-15");
    KT_STR(view_of("përshëndetje informacion SOLIDOSTIL"), "përshëndetje informacion SOLIDOSTIL");
}

KT_TEST(a_number_of_identity_is_read_as_its_check_letter_says)
{
    /* T01007207J with its J as a bracket; T with a 7 in front and O as a zero behind. */
    KT_OK(strstr(view_of("T01007207) Mira"), "\tT01007207J") != NULL);
    KT_OK(strstr(view_of("x 7O1OO72O7) Mira"), "\tT01007207J") != NULL);
    KT_OK(strstr(view_of("(A7O91534OR)"), "\tA70915340R") == NULL); /* brackets: not ten */
    KT_OK(strstr(view_of("A7O91534OR,"), "\tA70915340R") != NULL);
    KT_OK(strstr(view_of("A7091534OR\tx"), "\tA70915340R\tx") != NULL);
}

KT_TEST(letters_in_numbers_become_digits)
{
    KT_STR(view_of("O69l23456?"), "O69l23456?\t0691234567");
    KT_STR(view_of("+3556912345S7"), "+3556912345S7\t+355691234557");
    KT_STR(view_of("SOLIDOS"), "SOLIDOS");
}

KT_TEST(no_view_is_longer_than_said)
{
    static const char chars[] = "0123456789OIlJ)|S5B8T7ATZ ,\n+/";
    uint32_t seed = 7;
    for (unsigned round = 0; round < 3000; round++) {
        char text[200];
        size_t n = 0;
        seed = seed * 1664525u + 1013904223u;
        size_t want = (seed >> 8) % sizeof text;
        for (; n < want; n++) {
            seed = seed * 1664525u + 1013904223u;
            text[n] = chars[(seed >> 16) % (sizeof chars - 1)];
        }
        uint8_t *copy = malloc(n > 0 ? n : 1);
        uint8_t *out = malloc(kl_ocr_view_max(n) > 0 ? kl_ocr_view_max(n) : 1);
        memcpy(copy, text, n);
        size_t len = kl_ocr_view(kl_span_make(copy, n), out);
        KT_OK(len >= n && len <= kl_ocr_view_max(n));
        free(copy);
        free(out);
    }
}

KT_MAIN()
