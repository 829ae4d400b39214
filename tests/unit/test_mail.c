#include "extract/mail.h"
#include "extract/words.h"
#include "kt.h"

#include "doc_run.h"
#include "zip_make.h"

#define HEAD "From: a@example.invalid\r\nTo: b@example.invalid\r\nSubject: lista\r\n"
#define MIX "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"xx\"\r\n\r\n"

KT_TEST(headers_and_body_of_a_plain_message_are_read)
{
    struct sink_mem s;
    doc_run_str(&s, HEAD "\r\nA12345678K Agim\r\nlast");
    KT_STR(s.log, "B text \nFrom: a@example.invalid\nTo: b@example.invalid\nSubject: lista\nE\n"
                  "B text /1\nA12345678K Agim\r\nlastE\n");
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(a_text_that_begins_like_one_is_read_whole)
{
    struct sink_mem s;
    doc_run_str(&s, "Subject: lista\nA12345678K Agim\n");
    KT_STR(s.log, "B text \nSubject: lista\nA12345678K Agim\nE\n");
    sink_mem_done(&s);
    KT_OK(!kl_mail_is_message(KL_SPAN_LIT("To: do\nbuy milk\n")));
    KT_OK(!kl_mail_is_message(KL_SPAN_LIT("Date: today\nFrom: me\nbuy milk\n")));
    KT_OK(!kl_mail_is_mbox(KL_SPAN_LIT("From here\non: it is\n")));
    KT_OK(kl_mail_is_message(KL_SPAN_LIT("1234\nReceived: by\n x\nDate: today\n\nx")));
}

KT_TEST(parts_are_numbered_and_named)
{
    struct sink_mem s;
    doc_run_str(&s,
                HEAD MIX "before\r\n--xx\r\n\r\none\r\n--xx\r\n"
                         "Content-Type: multipart/alternative; boundary=yy\r\n\r\n"
                         "--yy\r\nContent-Type: text/plain\r\n\r\ntwo a\r\n"
                         "--yy\r\nContent-Type: text/plain; name=b.txt\r\n\r\ntwo b\r\n--yy--\r\n"
                         "--xx\r\nContent-Disposition: attachment; filename=\"paga e re.csv\"\r\n"
                         "Content-Transfer-Encoding: base64\r\n\r\nQTEyMzQ1Njc4SztBZ2lt\r\n"
                         "--xx--\r\nafter\r\n");
    KT_OK(doc_has(&s, "B text /preamble\nbeforeE\n"));
    KT_OK(doc_has(&s, "B text /1\noneE\n"));
    KT_OK(doc_has(&s, "B text /2.1\ntwo aE\n"));
    KT_OK(doc_has(&s, "B text /2.2/b.txt\ntwo bE\n"));
    KT_OK(doc_has(&s, "B text /3/paga e re.csv\nA12345678K;AgimE\n"));
    KT_OK(doc_has(&s, "B text /epilogue\nafter\r\nE\n"));
    KT_OK(doc_has(&s, "paga e re.csv\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(words_in_other_sets_are_decoded)
{
    struct sink_mem s;
    doc_run_str(
        &s, "From: =?iso-8859-1?Q?Besa_=C7ela?= <x@example.invalid>\n"
            "To: =?utf-8?B?w4c=?= =?utf-8?B?YW5p?=\n"
            "Subject: =?koi8-r?B?0NLJ18XU?= and =?windows-1250?q?Gj=EBrgj?=\n =?nope?x?bad?= x\n"
            "X-Note: =?utf-16be?B?AEEAQg==?= =?utf-7?Q?+AOs-x?=\n"
            "Received: x\n\nbody");
    /* Cyrillic among them: the text is given in its folded view. */
    KT_OK(doc_has(&s, "From: Besa Cela <x@example.invalid>\n"));
    KT_OK(doc_has(&s, "To: Cani\n"));
    KT_OK(doc_has(&s, "Subject: privet and Gjergj =?nope?x?bad?= x\n"));
    KT_OK(doc_has(&s, "X-Note: ABex\n"));
    sink_mem_done(&s);
}

/* Outlook writes little-endian and names only "utf-16". */
KT_TEST(the_byte_order_of_utf_16_is_told_by_its_letters)
{
    struct sink_mem s;
    doc_run_str(&s,
                "Subject: =?utf-16?B?QQBCAA==?= x =?utf-16?B?AEMARA==?=\n"
                "Content-Type: text/plain; charset=utf-16\n"
                "Content-Transfer-Encoding: base64\n\nQQAxADIAMwA0ADUANgA3ADgASwA7AEEAZwBpAG0A\n");
    KT_OK(doc_has(&s, "Subject: AB x CD\n"));
    KT_OK(doc_has(&s, "B text /1\nA12345678K;AgimE\n"));
    sink_mem_done(&s);
    doc_run_str(&s, HEAD "Content-Type: text/plain; charset=utf-16\n"
                         "Content-Transfer-Encoding: base64\n\nBBYAQQAxADIAMwA0ADUANgA3ADgASw==\n");
    KT_OK(doc_has(&s, "A12345678KE\n"));
    sink_mem_done(&s);
}

KT_TEST(names_in_pieces_and_other_sets_are_put_together)
{
    struct sink_mem s;
    doc_run_str(&s, HEAD MIX
                "--xx\nContent-Disposition: attachment;\n filename*1*=%8Br.csv;\n"
                " filename*0*=utf-8''pag%C3\n\na\n"
                "--xx\nContent-Type: text/plain; name*0=\"li\"; name*1=\"sta.txt\"\n\nb\n"
                "--xx\nContent-Type: text/plain; name*=iso-8859-1'sq'%EBmb.txt\n\nc\n"
                "--xx\nContent-Type: text/plain; name=\"=?utf-8?Q?=C3=ABrr=2Etxt?=\"\n\nd\n"
                "--xx\nContent-Type: text/plain; name=\"a\\\"b;c.txt\" ; charset=utf-8\n\ne\n"
                "--xx--\n");
    KT_OK(doc_has(&s, "B text /1/pagËr.csv\naE\n"));
    KT_OK(doc_has(&s, "B text /2/lista.txt\nbE\n"));
    KT_OK(doc_has(&s, "B text /3/ëmb.txt\ncE\n"));
    KT_OK(doc_has(&s, "B text /4/ërr.txt\ndE\n"));
    KT_OK(doc_has(&s, "B text /5/a\"b;c.txt\neE\n"));
    sink_mem_done(&s);
}

KT_TEST(quoted_printable_is_undone)
{
    struct sink_mem s;
    doc_run_str(&s, HEAD "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                         "Gj=C3=ABrgj;=\r\n500 =20\t \r\n=3D=zz=4\r\nend=");
    KT_OK(doc_has(&s, "B text /1\nGjërgj;500  \r\n==zz=4\r\nendE\n"));
    sink_mem_done(&s);
}

KT_TEST(damaged_base64_goes_on_behind_the_damage)
{
    struct sink_mem s;
    /* Three lines of 40 letters; the second lost three of them. */
    doc_run_str(&s, HEAD "Content-Transfer-Encoding: base64\n\n"
                         "QTExMTExMTExSztBZ2ltIEhveGhhOzUwMDAwCkEy\n"
                         "MjIyMjIyMktLO0JlcwMSBUb3B1bGxpOzYwMDAw\n"
                         "CkEzMzMzMzMzM0s7Q2VsYSBEdXNoa3U7NzAwMDAK\n");
    KT_OK(doc_has(&s, "A11111111K;Agim Hoxha;50000"));
    KT_OK(doc_has(&s, "A33333333K;Cela Dushku;70000"));
    KT_OK(doc_has(&s, "A /1 mail.coding\n"));
    KT_OK(doc_has(&s, "/1/raw\n"));
    sink_mem_done(&s);
}

KT_TEST(text_that_claims_to_be_base64_is_read_as_it_stands)
{
    struct sink_mem s;
    doc_run_str(&s,
                HEAD "Content-Transfer-Encoding: base64\n\nA12345678K Agim Hoxha\nsecond line\n");
    KT_OK(doc_has(&s, "A12345678K Agim Hoxha\nsecond line\n"));
    sink_mem_done(&s);
    doc_run_str(&s,
                HEAD "Content-Transfer-Encoding: base64\n\nA12345678K\nB12345678K\nC12345678K\n");
    KT_OK(doc_has(&s, "A12345678K\nB12345678K\nC12345678K\n"));
    sink_mem_done(&s);
}

KT_TEST(sets_are_honoured_where_the_text_does_not_know_better)
{
    struct sink_mem s;
    doc_run_str(&s,
                HEAD "Content-Type: text/plain; charset=\"windows-1251\"\n\n\xC0\xE3\xE8\xEC 1");
    KT_OK(doc_has(&s, "B text /1\nAgim 1E\n"));
    sink_mem_done(&s);
    doc_run_str(&s, HEAD "Content-Type: text/plain; charset=windows-1251\n\nGj\xC3\xABrgj 1");
    KT_OK(doc_has(&s, "Gjërgj 1"));
    sink_mem_done(&s);
    doc_run_str(&s, HEAD "Content-Type: text/plain; charset=utf-7\n\nGj+AOs-rgj +- A+ADEAMgAz-K");
    KT_OK(doc_has(&s, "Gjërgj + A123K"));
    sink_mem_done(&s);
    doc_run_str(&s, HEAD "Content-Type: text/plain; charset=ibm037\n"
                         "Content-Transfer-Encoding: base64\n\nwfHy8/T19vf40g==\n");
    KT_OK(doc_has(&s, "A12345678K"));
    sink_mem_done(&s);
    doc_run_str(&s, HEAD "Content-Type: text/plain; charset=gb2312\n\nA12345678K");
    KT_OK(doc_has(&s, "A12345678K"));
    sink_mem_done(&s);
}

KT_TEST(flowed_lines_are_joined)
{
    struct sink_mem s;
    doc_run_str(&s,
                HEAD "Content-Type: text/plain; format=flowed\r\n\r\n"
                     "A12345678K;Agim \r\nHoxha;50000\r\n From\r\n> q \r\n>>r\r\n-- \r\nsign\r\n");
    KT_OK(doc_has(&s, "/1\nA12345678K;Agim Hoxha;50000\nFrom\n> q r\n-- \nsign\nE\n"));
    sink_mem_done(&s);
    doc_run_str(&s, HEAD "Content-Type: text/plain; format=flowed; delsp=yes\n\nA1234 \n5678K\n");
    KT_OK(doc_has(&s, "/1\nA12345678K\nE\n"));
    sink_mem_done(&s);
}

KT_TEST(a_message_in_a_message_is_read_to_the_bottom)
{
    struct sink_mem s;
    doc_run_str(&s, HEAD MIX "--xx\r\nContent-Type: message/rfc822\r\n\r\n" HEAD
                             "Content-Type: multipart/mixed; boundary=yy\r\n\r\n--yy\r\n"
                             "Content-Type: message/rfc822; name=\"deep.eml\"\r\n"
                             "Content-Transfer-Encoding: base64\r\n\r\n"
                             "RnJvbTogYQ0KVG86IGINClN1YmplY3Q6IGRlZXANCg0KQTEyMzQ1Njc4Sw0K\r\n"
                             "--yy--\r\n--xx--\r\n");
    KT_OK(doc_has(&s, "B text /1/1/deep.eml/1\nA12345678K\r\nE\n"));
    sink_mem_done(&s);
}

/* n messages, each the body of the one before. */
static void run_nested(struct sink_mem *s, unsigned n)
{
    struct kl_buf b = doc_buf();
    doc_add_many(&b, n, HEAD "\r\n");
    DOC_ADD(&b, "A12345678K");
    doc_run_buf(s, &b);
}

KT_TEST(nesting_ends_at_32_levels)
{
    struct sink_mem s;
    run_nested(&s, 32);
    KT_OK(doc_has(&s, "A12345678K"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
    run_nested(&s, 33);
    KT_OK(strstr(s.log, "A12345678K") == NULL);
    KT_OK(doc_has(&s, "limit.nesting"));
    KT_EQ(s.not_inspected, 10);
    sink_mem_done(&s);
}

/* n multiparts in each other around a part. */
static void run_multiparts(struct sink_mem *s, unsigned n)
{
    struct kl_buf b = doc_buf();
    DOC_ADD(&b, HEAD);
    for (unsigned i = 0; i < n; i++) {
        DOC_ADD(&b, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i, i);
    }
    DOC_ADD(&b, "\nA12345678K\n");
    doc_run_buf(s, &b);
}

KT_TEST(multiparts_nest_32_deep_and_no_more)
{
    struct sink_mem s;
    run_multiparts(&s, 32);
    KT_OK(
        doc_has(&s, "1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1\nA12345678K"));
    KT_OK(strstr(s.log, "mail.depth") == NULL);
    sink_mem_done(&s);
    run_multiparts(&s, 33);
    KT_OK(doc_has(&s, "mail.depth"));
    KT_OK(doc_has(&s, "--b32\n\nA12345678K"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(boundaries_that_lack_or_lie_are_found)
{
    struct sink_mem s;
    doc_run_str(&s, HEAD "Content-Type: multipart/mixed\n\nhello\n--zz\nContent-Type: text/plain;"
                         " name=a.txt\n\nA12345678K\n--zz--\n");
    KT_OK(doc_has(&s, "B text /1/a.txt\nA12345678KE\n"));
    KT_OK(doc_has(&s, "mail.boundary"));
    sink_mem_done(&s);
    doc_run_str(&s, HEAD MIX "--zz\nContent-Type: text/plain; name=a.txt\n\nA12345678K\n--zz--\n");
    KT_OK(doc_has(&s, "B text /1/a.txt\nA12345678KE\n"));
    sink_mem_done(&s);
    /* Two types: the parts of both are seen. */
    doc_run_str(&s,
                HEAD "Content-Type: multipart/mixed; boundary=xx\n"
                     "Content-Type: multipart/mixed; boundary=yy\n\n--yy\n\none\n--xx\n\ntwo\n");
    KT_OK(doc_has(&s, "B text /1\noneE\n") && doc_has(&s, "B text /2\ntwo\nE\n"));
    KT_OK(doc_has(&s, "mail.twice"));
    sink_mem_done(&s);
    /* A boundary that begins another, one with blanks behind it, one again after the end. */
    doc_run_str(&s, HEAD "Content-Type: multipart/mixed; boundary=xx\n\n--xx  \n\n--xxx\none\n"
                         "--xx--\n\n--xx\n\ntwo\n");
    KT_OK(doc_has(&s, "B text /1\n--xxx\noneE\n") && doc_has(&s, "B text /2\ntwo\nE\n"));
    sink_mem_done(&s);
}

KT_TEST(headers_without_an_empty_line_behind_them_are_headers)
{
    struct sink_mem s;
    doc_run_str(&s,
                HEAD MIX "--xx\nContent-Type: text/plain; name=a.txt\nA12345678K Agim\n--xx--\n");
    KT_OK(doc_has(&s, "B text /1/a.txt\nA12345678K AgimE\n"));
    KT_OK(doc_has(&s, "mail.header"));
    sink_mem_done(&s);
}

KT_TEST(an_mbox_is_read_message_by_message)
{
    struct sink_mem s;
    doc_run_str(&s,
                "From a@example.invalid Wed Dec 22 09:12:00 2021\n" HEAD "\nfirst\n>From the\n\n"
                "From x\nFrom b Wed Dec 22 09:12:00 2021\n" HEAD MIX
                "--xx\nContent-Type: text/plain; name=a.txt\n\nA12345678K\n--xx--\n\n"
                "From c Wed Dec 22 09:12:00 2021\n" HEAD "\nthird\n");
    KT_OK(doc_has(&s, "B text /1/1\nfirst\nFrom the\n\nFrom x\nE\n"));
    KT_OK(doc_has(&s, "B text /2/1/a.txt\nA12345678KE\n"));
    KT_OK(doc_has(&s, "B text /3/1\nthird\nE\n"));
    KT_EQ(s.not_inspected, 0);
    sink_mem_done(&s);
}

KT_TEST(an_mbox_that_says_how_long_its_messages_are_is_believed_when_it_is_true)
{
    struct sink_mem s;
    doc_run_str(&s, "From a Wed Dec 22 09:12:00 2021\n" HEAD "Content-Length: 48\n\n"
                    "one\n\nFrom b Wed Dec 22 09:12:00 2021\nTo: two\n12\n"
                    "From c Wed Dec 22 09:12:00 2021\n" HEAD "\nthree\n");
    KT_OK(doc_has(&s, "B text /1/1\none\n\nFrom b Wed Dec 22 09:12:00 2021\nTo: two\n12\nE\n"));
    KT_OK(doc_has(&s, "B text /2/1\nthree\nE\n"));
    sink_mem_done(&s);
    doc_run_str(&s, "From a Wed Dec 22 09:12:00 2021\n" HEAD "Content-Length: 9999\n\n"
                    "one\n\nFrom b Wed Dec 22 09:12:00 2021\n" HEAD "\ntwo\n");
    KT_OK(doc_has(&s, "B text /2/1\ntwo\nE\n"));
    sink_mem_done(&s);
}

KT_TEST(files_in_the_text_are_read)
{
    struct sink_mem s;
    doc_run_str(&s, HEAD "\nhello\nbegin 644 paga.csv\n"
                         "&03$R,S0U\n#-C<X\n`\nend\nbye\nbegin 644 no such thing\n");
    KT_OK(doc_has(&s, "B text /1\nhello\nE\n"));
    KT_OK(doc_has(&s, "B text /1/paga.csv\nA12345678E\n"));
    KT_OK(doc_has(&s, "B text /1\nbye\nbegin 644 no such thing\nE\n"));
    sink_mem_done(&s);
    doc_run_str(&s, HEAD
                "\nhello\n=ybegin line=128 size=9 name=a b.txt\nk[\\]^_`ab\n=yend size=9\nbye\n");
    KT_OK(doc_has(&s, "B text /1/a b.txt\nA12345678E\n"));
    KT_OK(doc_has(&s, "B text /1\nbye\nE\n"));
    sink_mem_done(&s);
}

KT_TEST(what_is_encrypted_is_said)
{
    struct sink_mem s;
    doc_run_str(&s, HEAD "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n"
                         "Content-Transfer-Encoding: base64\n\nMIIBAAAA\n");
    KT_OK(doc_has(&s, "N /1 encrypted 6\n"));
    KT_EQ(s.not_inspected, 9);
    sink_mem_done(&s);
}

KT_TEST(a_zip_in_a_mail_is_opened_and_scaled_to_its_raw_bytes)
{
    struct zm z = {0};
    struct sink_mem s = {0};
    struct zm_bytes mail = {0};
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    zm_add(&z, "lista.txt", "A12345678K Agim");
    zm_add_opts(&z, "secret", "0123456789", 10,
                (struct zm_opts){.stored = true, .encrypted = true});
    zm_end(&z, "");
    const char head[] = HEAD MIX "--xx\nContent-Type: application/zip; name=paga.zip\n"
                                 "Content-Transfer-Encoding: base64\n\n";
    zm_put(&mail, head, sizeof head - 1);
    for (size_t i = 0; i < z.out.len; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++) {
            v = v << 8 | (i + k < z.out.len ? z.out.ptr[i + k] : 0u);
        }
        for (unsigned k = 0; k < 4; k++) {
            char c = i + k > z.out.len ? '=' : digits[v >> (18 - 6 * k) & 63];
            zm_put(&mail, &c, 1);
        }
        zm_put(&mail, "\n", (i / 3) % 19 == 18 ? 1 : 0);
    }
    zm_put(&mail, "\n--xx--\n", 8);
    doc_run(&s, mail.ptr, mail.len);
    KT_OK(doc_has(&s, "B text /1/paga.zip/lista.txt\nA12345678K AgimE\n"));
    KT_OK(doc_has(&s, "N /1/paga.zip/secret encrypted 10\n"));
    KT_OK(s.not_inspected >= 13 && s.not_inspected <= 16);
    sink_mem_done(&s);
    zm_done(&z);
    free(mail.ptr);
}

KT_TEST(every_truncation_keeps_what_is_there)
{
    static const char mail[] =
        HEAD MIX "before\r\n--xx\r\nContent-Type: text/plain\r\n\r\nA11111111K\r\n--xx\r\n"
                 "Content-Disposition: attachment; filename*0*=utf-8''a%C3%AB; filename*1=.csv\r\n"
                 "Content-Transfer-Encoding: base64\r\n\r\nQTIyMjIyMjIySw==\r\n--xx--\r\nafter\r\n";
    for (size_t len = 0; len < sizeof mail; len++) {
        struct sink_mem s = {0};
        doc_run(&s, mail, len);
        KT_EQ(s.not_inspected, 0);
        const char *first = strstr(mail, "A11111111K");
        if (len >= (size_t)(first - mail) + 10) {
            KT_OK(doc_has(&s, "A11111111K"));
        }
        sink_mem_done(&s);
    }
}

/* A message with one header of n bytes. */
static void run_long_header(struct sink_mem *s, unsigned n)
{
    struct kl_buf b = doc_buf();
    DOC_ADD(&b, HEAD "X-Long: ");
    doc_add_many(&b, n, "x");
    DOC_ADD(&b, " A12345678K\r\nContent-Transfer-Encoding: base64\r\n\r\nQTExMTExMTExSw==\r\n");
    doc_run_buf(s, &b);
}

KT_TEST(a_header_longer_than_64_KiB_is_read_and_the_next_one_counts)
{
    struct sink_mem s;
    run_long_header(&s, 65000);
    KT_OK(strstr(s.log, "mail.header") == NULL);
    KT_OK(doc_has(&s, " A12345678K\n") && doc_has(&s, "/1\nA11111111K"));
    sink_mem_done(&s);
    run_long_header(&s, 70000);
    KT_OK(doc_has(&s, "mail.header"));
    KT_OK(doc_has(&s, " A12345678K\n") && doc_has(&s, "/1\nA11111111K"));
    sink_mem_done(&s);
}

KT_TEST(a_boundary_of_1000_bytes_is_one_and_a_longer_one_is_none)
{
    for (unsigned n = 1000; n < 1002; n++) {
        struct sink_mem s;
        struct kl_buf b = doc_buf();
        DOC_ADD(&b, HEAD "Content-Type: multipart/mixed; boundary=\"");
        doc_add_many(&b, n, "b");
        DOC_ADD(&b, "\"\n\n--");
        doc_add_many(&b, n, "b");
        DOC_ADD(&b, "\n\nA12345678K\n");
        doc_run_buf(&s, &b);
        KT_OK(doc_has(&s, "A12345678K"));
        KT_EQ(strstr(s.log, "B text /1\nA12345678K") != NULL, n == 1000);
        sink_mem_done(&s);
    }
}

KT_TEST(lines_of_any_length_pass)
{
    struct sink_mem s;
    struct kl_buf b = doc_buf();
    DOC_ADD(&b, HEAD "Content-Transfer-Encoding: quoted-printable\n\n");
    doc_add_many(&b, 100000, "=41x");
    DOC_ADD(&b, "=4BEND");
    doc_run_buf(&s, &b);
    KT_OK(doc_has(&s, "AxAxAxKEND"));
    KT_OK(strstr(s.log, "=4") == NULL);
    sink_mem_done(&s);
}

/* ---- words ---- */

struct words {
    char all[1000];
};

static enum kl_rc keep(void *ctx, struct kl_span word)
{
    struct words *w = ctx;
    snprintf(w->all + strlen(w->all), sizeof w->all - strlen(w->all), "%.*s|", (int)word.len,
             (const char *)word.ptr);
    return KL_OK;
}

static void words_are(const char *text, const char *want)
{
    struct words w = {""};
    KT_EQ(kl_words_find(kl_span_str(text), keep, &w), KL_OK);
    KT_STR(w.all, want);
}

/* One part more than is taken apart: what it holds is read with the rest, as it stands. */
KT_TEST(a_message_of_too_many_parts_is_read_to_its_end)
{
    for (unsigned more = 0; more < 2; more++) {
        struct kl_buf b = doc_buf();
        struct sink_mem s;
        DOC_ADD(&b, HEAD "Content-Type: multipart/mixed; boundary=b\n\n");
        doc_add_many(&b, KL_MAX_MAIL_PARTS - 1 + more, "--b\n\nx\n");
        DOC_ADD(&b, "--b\n\nA12345678K\n--b--\n");
        doc_run_buf(&s, &b);
        KT_EQ(doc_has(&s, "limit.parts"), more == 1);
        KT_EQ(doc_has(&s, "rest"), more == 1);
        KT_OK(doc_has(&s, "A12345678K"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
    }
}

KT_TEST(words_that_may_be_passwords_are_noted)
{
    words_are("The password is Tirana-secret now.", "Tirana-secret|");
    words_are("Fjalëkalimi: kaltrina", "kaltrina|");
    words_are("pw:abcd", "abcd|");
    words_are("Pershendetje, 123456 dhe ab12 dhe abc123.", "123456|abc123|abc123.|");
    words_are("nothing of the kind here", "");
}

KT_TEST(a_long_text_gives_only_what_stands_near_a_hint)
{
    char text[5000];
    memset(text, ' ', sizeof text);
    memcpy(text, "abc123 pass: secret!", 20);
    struct words w = {""};
    KT_EQ(kl_words_find(kl_span_make(text, 4097), keep, &w), KL_OK);
    KT_STR(w.all, "secret!|");
    w.all[0] = 0;
    KT_EQ(kl_words_find(kl_span_make(text, 4096), keep, &w), KL_OK);
    KT_STR(w.all, "abc123|secret!|");
}

KT_MAIN()
