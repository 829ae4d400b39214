#include "extract/emit.h"
#include "extract/input.h"
#include "kt.h"

#include "sink_mem.h"

#include <unistd.h>

static struct kl_emit *begin(struct sink_mem *s, uint64_t file_bytes)
{
    struct kl_sink sink = sink_mem_sink(s);
    struct kl_emit *e = NULL;
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    kl_emit_start(e, file_bytes);
    return e;
}

static void end(struct kl_emit *e, struct sink_mem *s)
{
    KT_OK(!s->bad_order);
    kl_emit_free(&e);
    sink_mem_done(s);
}

KT_TEST(a_part_carries_its_text_and_path)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 10);
    KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("a.zip"), 5), KL_OK);
    KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("b/c.txt"), 5), KL_OK);
    KT_EQ(kl_emit_depth(e), 2);
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_OK);
    KT_EQ(kl_emit_text(e, KL_SPAN_LIT("hello\n")), KL_OK);
    KT_EQ(kl_emit_part_end(e), KL_OK);
    kl_emit_leave(e);
    kl_emit_leave(e);
    KT_EQ(kl_emit_finish(e), KL_OK);
    KT_STR(s.log, "B text /a.zip/b/c.txt\nhello\nE\n");
    KT_EQ(s.seen, 10);
    KT_EQ(s.inspected, 10);
    end(e, &s);
}

KT_TEST(odd_bytes_of_names_are_made_visible)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 10);
    KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("\xC3\xAB\xFF\n\xE2\x80\xAE\xED\xA0\x80\xC3"), 0), KL_OK);
    KT_EQ(kl_emit_anomaly(e, "x.y"), KL_OK);
    KT_EQ(kl_emit_anomaly(e, "x.y"), KL_OK);
    kl_emit_leave(e);
    KT_EQ(kl_emit_anomaly(e, "x.y"), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    KT_STR(s.log, "A /\xC3\xAB%FF%0A%E2%80%AE%ED%A0%80%C3 x.y\nA  x.y\n");
    end(e, &s);
}

KT_TEST(a_long_path_is_cut_and_said)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 10);
    static uint8_t name[KL_MAX_PATH_BYTES];
    memset(name, 'n', sizeof name);
    KT_EQ(kl_emit_enter(e, kl_span_make(name, sizeof name - 1), 0), KL_OK);
    KT_OK(s.log == NULL);
    kl_emit_leave(e);
    KT_EQ(kl_emit_enter(e, kl_span_make(name, sizeof name), 0), KL_OK);
    KT_OK(s.log != NULL && strstr(s.log, "path.long") != NULL);
    kl_emit_leave(e);
    end(e, &s);
}

static void all_blocks_joined(size_t line, size_t total)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 10);
    uint8_t *text = malloc(total);
    for (size_t i = 0; i < total; i++) {
        text[i] = i % line == line - 1 ? '\n' : (uint8_t)('a' + i % 23);
    }
    KT_EQ(kl_emit_part_begin(e, KL_PART_TABLE), KL_OK);
    KT_EQ(kl_emit_text(e, kl_span_make(text, total / 3)), KL_OK);
    for (size_t i = total / 3; i < total;) {
        uint8_t *ptr = NULL;
        size_t cap = 0;
        KT_EQ(kl_emit_space(e, 1000, &ptr, &cap), KL_OK);
        KT_OK(cap >= 1000);
        size_t n = total - i < 777 ? total - i : 777;
        memcpy(ptr, text + i, n);
        KT_EQ(kl_emit_commit(e, n), KL_OK);
        i += n;
    }
    KT_EQ(kl_emit_part_end(e), KL_OK);
    size_t head = strlen("B table \n");
    KT_EQ(s.log_len, head + total + 2);
    KT_MEM(s.log + head, text, total);
    free(text);
    end(e, &s);
}

KT_TEST(text_is_cut_into_blocks_without_loss)
{
    all_blocks_joined(50, 1000000);
    all_blocks_joined(300, 1000001);
    all_blocks_joined(40000, 1000002);
    all_blocks_joined(2000000, 1000003);
}

struct cut_sink {
    struct sink_mem mem;
    bool whole_lines;
    bool whole_chars;
};

static enum kl_rc cut_event(void *ctx, const struct kl_event *ev)
{
    struct cut_sink *c = ctx;
    if (ev->kind == KL_EVENT_BLOCK) {
        c->whole_lines &= ev->text.ptr[ev->text.len - 1] == '\n';
        c->whole_chars &= (ev->text.ptr[0] & 0xC0) != 0x80;
    }
    return sink_mem_event(&c->mem, ev);
}

static uint8_t *cut_block(void *ctx)
{
    return sink_mem_block(&((struct cut_sink *)ctx)->mem);
}

static struct cut_sink cut_run(const char *piece, unsigned n)
{
    struct cut_sink c = {.whole_lines = true, .whole_chars = true};
    struct kl_sink sink = {&c, cut_block, cut_event};
    struct kl_emit *e = NULL;
    KT_EQ(kl_emit_new(&sink, &e), KL_OK);
    kl_emit_start(e, 1);
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_OK);
    for (unsigned i = 0; i < n; i++) {
        KT_EQ(kl_emit_text(e, kl_span_str(piece)), KL_OK);
    }
    KT_EQ(kl_emit_part_end(e), KL_OK);
    kl_emit_free(&e);
    KT_OK(!c.mem.bad_order && c.mem.n_blocks > 1);
    sink_mem_done(&c.mem);
    return c;
}

KT_TEST(blocks_end_at_line_ends_or_whole_characters)
{
    KT_OK(cut_run("a line of some words\n", 40000).whole_lines);
    KT_OK(cut_run("\xE2\x82\xAC", 400000).whole_chars);
    KT_OK(cut_run("\xF0\x9F\x82\xAC", 400000).whole_chars);
    KT_OK(cut_run("\xC3\xAB", 400001).whole_chars);
}

KT_TEST(nesting_is_limited)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 10);
    for (unsigned i = 0; i < KL_MAX_NESTING; i++) {
        KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("x"), 0), KL_OK);
    }
    KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("x"), 0), KL_E_LIMIT);
    KT_OK(s.log != NULL && strstr(s.log, "limit.nesting") != NULL);
    end(e, &s);
}

KT_TEST(the_budgets_are_limited)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 100);
    for (unsigned i = 0; i < KL_MAX_MEMBERS; i++) {
        KT_EQ(kl_emit_charge_member(e), KL_OK);
    }
    KT_EQ(kl_emit_charge_member(e), KL_E_LIMIT);
    KT_EQ(kl_emit_charge_expanded(e, 100 * KL_MAX_RATIO), KL_OK);
    KT_EQ(kl_emit_charge_expanded(e, 1), KL_E_LIMIT);
    KT_STR(s.log, "A  limit.members\nA  limit.ratio\n");
    kl_emit_start(e, 1ull << 40);
    KT_EQ(kl_emit_charge_expanded(e, KL_MAX_EXPANDED), KL_OK);
    KT_EQ(kl_emit_charge_expanded(e, 1), KL_E_LIMIT);
    KT_OK(strstr(s.log, "limit.expanded") != NULL);
    end(e, &s);
}

KT_TEST(losses_are_scaled_to_the_bytes_of_the_file)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 1000);
    KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("half"), 100), KL_OK);
    KT_EQ(kl_emit_charge_expanded(e, 400), KL_OK);
    KT_EQ(kl_emit_not_inspected(e, KL_REASON_LIMIT, 200), KL_OK);
    kl_emit_leave(e);
    KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("enc"), 70), KL_OK);
    KT_EQ(kl_emit_not_inspected(e, KL_REASON_ENCRYPTED, 70), KL_OK);
    kl_emit_leave(e);
    KT_EQ(kl_emit_not_inspected(e, KL_REASON_FORMAT, 5), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    KT_EQ(s.not_inspected, 125);
    KT_EQ(s.inspected, 875);
    KT_STR(s.log, "N /half limit 200\nN /enc encrypted 70\nN  format 5\n");
    end(e, &s);
}

KT_TEST(losses_never_exceed_the_file)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 1000);
    KT_EQ(kl_emit_not_inspected(e, KL_REASON_FORMAT, UINT64_MAX), KL_OK);
    KT_EQ(kl_emit_not_inspected(e, KL_REASON_FORMAT, UINT64_MAX), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    KT_EQ(s.not_inspected, 1000);
    end(e, &s);
}

KT_TEST(what_is_told_is_confirmed_one_block_late)
{
    struct sink_mem s = {.quiet = true};
    struct kl_emit *e = begin(&s, 10 * KL_BLOCK_BYTES);
    static char line[KL_BLOCK_BYTES / 4];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_OK);
    for (uint64_t at = 0; at < 8 * KL_BLOCK_BYTES; at += sizeof line) {
        uint8_t *ptr = NULL;
        size_t cap = 0;
        kl_emit_confirm_to(e, at);
        KT_EQ(kl_emit_space(e, sizeof line, &ptr, &cap), KL_OK);
        memcpy(ptr, line, sizeof line);
        KT_EQ(kl_emit_commit(e, sizeof line), KL_OK);
        /* All that is confirmed was sent, and but for a block all that was sent is confirmed. */
        KT_OK(s.confirmed <= s.text_bytes && s.text_bytes <= s.confirmed + KL_BLOCK_BYTES);
    }
    KT_OK(s.confirmed >= 6 * KL_BLOCK_BYTES);
    KT_EQ(kl_emit_part_end(e), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    end(e, &s);
}

KT_TEST(members_are_confirmed_at_the_top_only)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 100);
    KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("a"), 60), KL_OK);
    kl_emit_confirm(e, 30);
    kl_emit_confirm_to(e, 30);
    kl_emit_leave(e);
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_OK);
    KT_EQ(s.confirmed, 0);
    KT_EQ(kl_emit_part_end(e), KL_OK);
    kl_emit_confirm(e, 60);
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_OK);
    KT_EQ(s.confirmed, 60);
    KT_EQ(kl_emit_part_end(e), KL_OK);
    kl_emit_confirm(e, 60); /* never more than there is */
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_OK);
    KT_EQ(s.confirmed, 100);
    KT_EQ(kl_emit_part_end(e), KL_OK);
    KT_EQ(kl_emit_finish(e), KL_OK);
    end(e, &s);
}

KT_TEST(a_part_left_open_fails_all_that_follows)
{
    struct sink_mem s = {0};
    struct kl_emit *e = begin(&s, 10);
    KT_EQ(kl_emit_enter(e, KL_SPAN_LIT("a"), 5), KL_OK);
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_OK);
    kl_emit_leave(e);
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_E_NOMEM);
    KT_EQ(kl_emit_finish(e), KL_E_NOMEM);
    KT_OK(!s.done);
    end(e, &s);
}

KT_TEST(a_lost_reader_is_returned_from_then_on)
{
    struct sink_mem s = {.fail_after = 2};
    struct kl_emit *e = begin(&s, 1000);
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_OK);
    KT_EQ(kl_emit_anomaly(e, "a.b"), KL_OK);
    KT_EQ(kl_emit_text(e, KL_SPAN_LIT("text")), KL_OK);
    KT_EQ(kl_emit_part_end(e), KL_E_IO);
    KT_EQ(kl_emit_part_begin(e, KL_PART_TEXT), KL_E_IO);
    end(e, &s);
}

KT_TEST(inputs_read_short_only_at_their_end)
{
    uint8_t buf[8];
    size_t n = 9;
    struct kl_input m = kl_input_mem(KL_SPAN_LIT("0123456789"));
    KT_EQ(kl_input_read(&m, 8, buf, 8, &n), KL_OK);
    KT_EQ(n, 2);
    KT_EQ(kl_input_read(&m, UINT64_MAX, buf, 8, &n), KL_OK);
    KT_EQ(n, 0);
    FILE *f = tmpfile();
    KT_OK(f != NULL && fwrite("0123456789", 1, 10, f) == 10 && fflush(f) == 0);
    struct kl_input d = kl_input_fd(fileno(f), 10);
    KT_EQ(kl_input_read(&d, 3, buf, 8, &n), KL_OK);
    KT_EQ(n, 7);
    KT_MEM(buf, "3456789", 7);
    KT_EQ(kl_input_read(&d, UINT64_MAX - 3, buf, 8, &n), KL_OK);
    KT_EQ(n, 0);
    fclose(f);
    d.fd = 1000000;
    KT_EQ(kl_input_read(&d, 0, buf, 8, &n), KL_E_IO);
}

KT_TEST(every_reason_has_a_name)
{
    for (int r = KL_REASON_NONE; r <= KL_REASON_STOPPED; r++) {
        KT_OK(strcmp(kl_reason_name((enum kl_reason)r), "unknown") != 0);
    }
    KT_STR(kl_reason_name(KL_REASON_ENCRYPTED), "encrypted");
}

KT_MAIN()
