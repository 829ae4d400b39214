#include "kt.h"

#include "base/progress.h"

static void expect(const struct kl_progress_state *s, size_t cap, const char *want)
{
    char *line = malloc(cap);
    kl_progress_line(s, line, cap);
    KT_STR(line, want);
    free(line);
}

KT_TEST(the_line_says_what_is_known)
{
    struct kl_progress_state s = {.unit = "files", .n_done = 3};
    expect(&s, 80, "3 files");
    s.n_total = 10;
    s.bytes_done = 500000000;
    s.seconds = 2;
    s.has_findings = true;
    s.n_findings = 1;
    expect(&s, 80, "3 of 10 files, 250 MB/s, 1 finding");
    s.bytes_total = 1000000000;
    expect(&s, 80, "3 of 10 files, 250 MB/s, 1 finding, 2 s left");
    s.bytes_total = 200000000000;
    s.n_findings = 2;
    expect(&s, 80, "3 of 10 files, 250 MB/s, 2 findings, 13 min left");
    s.bytes_total = 20000000000000;
    expect(&s, 80, "3 of 10 files, 250 MB/s, 2 findings, 22.2 h left");
}

KT_TEST(the_line_is_cut_to_its_room)
{
    struct kl_progress_state s = {.unit = "files", .n_done = 12345, .seconds = 1};
    expect(&s, 8, "12345 f");
    expect(&s, 1, "");
}

KT_TEST(nothing_is_shown_where_no_terminal_is)
{
    struct kl_progress p;
    FILE *f = tmpfile();
    KT_OK(f != NULL);
    kl_progress_init(&p, fileno(f));
    KT_OK(!p.on);
    kl_progress_show(&p, &(struct kl_progress_state){.unit = "files"});
    kl_progress_clear(&p);
    KT_EQ(fseek(f, 0, SEEK_END), 0);
    KT_EQ(ftell(f), 0);
    (void)fclose(f);
}

KT_MAIN()
