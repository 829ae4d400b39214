#include "kt.h"

#include "cfb_make.h"
#include "doc_run.h"

struct tn {
    uint8_t b[8192];
    size_t n;
};

static void put(struct tn *t, const void *ptr, size_t len)
{
    memcpy(t->b + t->n, ptr, len);
    t->n += len;
}

static void put_le(struct tn *t, uint64_t v, unsigned n)
{
    cm_le(t->b + t->n, v, n);
    t->n += n;
}

static void attribute(struct tn *t, unsigned level, uint32_t id, const void *ptr, size_t len)
{
    put_le(t, level, 1);
    put_le(t, id, 4);
    put_le(t, len, 4);
    put(t, ptr, len);
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += ((const uint8_t *)ptr)[i];
    }
    put_le(t, sum & 0xFFFF, 2);
}

/* A property with one value that has a length. */
static void prop(struct tn *t, unsigned type, unsigned id, const void *ptr, size_t len)
{
    put_le(t, type, 2);
    put_le(t, id, 2);
    put_le(t, 1, 4);
    put_le(t, len, 4);
    put(t, ptr, len);
    put_le(t, 0, (unsigned)((4 - len % 4) % 4));
}

static void begin(struct tn *t)
{
    memset(t, 0, sizeof *t);
    put_le(t, 0x223E9F78, 4);
    put_le(t, 1, 2);
}

static void message(struct tn *t)
{
    struct tn p = {.n = 0};
    begin(t);
    attribute(t, 1, 0x00018004, "lista", 6);
    put_le(&p, 4, 4);
    put_le(&p, 3, 2); /* a number */
    put_le(&p, 0x0017, 2);
    put_le(&p, 1, 4);
    prop(&p, 0x1F, 0x1000, "A\0001\0002\0003\0004\0005\0006\0007\0008\0K\0\0", 22);
    put_le(&p, 0x1E, 2); /* a named one */
    put_le(&p, 0x8001, 2);
    put(&p, "0123456789012345", 16);
    put_le(&p, 1, 4);
    put_le(&p, 5, 4);
    put(&p, "n\0a\0\0\0\0", 8);
    put_le(&p, 1, 4);
    put_le(&p, 5, 4);
    put(&p, "Agim\0\0\0\0", 8);
    prop(&p, 0x102, 0x1013, "<html>A11<b>1111</b>11K", 23);
    attribute(t, 1, 0x00069003, p.b, p.n);
    attribute(t, 2, 0x00069002, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0", 14);
    attribute(t, 2, 0x00018010, "PAGA~1.CSV", 11);
    attribute(t, 2, 0x0006800F, "A22222222K;Besa", 15);
    p.n = 0;
    put_le(&p, 1, 4);
    prop(&p, 0x1E, 0x3707, "paga e re.csv", 14);
    attribute(t, 2, 0x00069005, p.b, p.n);
}

KT_TEST(a_message_and_its_attachments_are_read)
{
    struct tn t;
    struct sink_mem s;
    message(&t);
    doc_run(&s, t.b, t.n);
    KT_OK(doc_has(&s, "Subject: lista\n"));
    KT_OK(doc_has(&s, "B text /body\nA12345678K"));
    KT_OK(doc_has(&s, "8001: Agim\n"));
    KT_OK(doc_has(&s, "A11111111K"));
    KT_OK(doc_has(&s, "B text /1/paga e re.csv\nA22222222K;BesaE\n"));
    KT_EQ(s.not_inspected, 0);
    KT_OK(strstr(s.log, "tnef.") == NULL);
    sink_mem_done(&s);
}

KT_TEST(a_message_in_an_attachment_is_read)
{
    struct tn t;
    struct tn in;
    struct tn p = {.n = 0};
    struct sink_mem s;
    message(&in);
    begin(&t);
    attribute(&t, 2, 0x00069002, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0", 14);
    put_le(&p, 1, 4);
    put_le(&p, 0x0D, 2);
    put_le(&p, 0x3701, 2);
    put_le(&p, 1, 4);
    put_le(&p, 16 + in.n, 4);
    put(&p, "0123456789012345", 16);
    put(&p, in.b, in.n);
    attribute(&t, 2, 0x00069005, p.b, p.n);
    doc_run(&s, t.b, t.n);
    KT_OK(doc_has(&s, "B text /1/1/paga e re.csv\nA22222222K;BesaE\n"));
    sink_mem_done(&s);
}

KT_TEST(every_truncation_is_accounted_for_and_said)
{
    struct tn t;
    message(&t);
    for (size_t len = 4; len < t.n; len++) {
        struct sink_mem s;
        doc_run(&s, t.b, len);
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
    }
}

KT_TEST(lengths_that_lie_are_said)
{
    struct tn t;
    struct sink_mem s;
    message(&t);
    t.b[11] = 0xFF; /* the subject: longer than the file */
    t.b[12] = 0xFF;
    doc_run(&s, t.b, t.n);
    KT_OK(doc_has(&s, "tnef.cut") && doc_has(&s, "A22222222K;Besa"));
    sink_mem_done(&s);
    begin(&t);
    attribute(&t, 1, 0x00069003, "\377\377\377\377\36\0\0\20\377\377\377\377", 12);
    doc_run(&s, t.b, t.n);
    KT_OK(doc_has(&s, "tnef.property"));
    sink_mem_done(&s);
}

KT_MAIN()
