#include "base/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void kl_progress_init(struct kl_progress *p, int fd)
{
    const char *term = getenv("TERM");
    *p = (struct kl_progress){.fd = fd};
    p->on = isatty(fd) == 1 && term != NULL && strcmp(term, "dumb") != 0;
}

__attribute__((format(printf, 4, 5))) static void add(char *out, size_t cap, size_t *at,
                                                      const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(out + *at, cap - *at, fmt, ap);
    va_end(ap);
    if (n > 0) {
        *at = (size_t)n < cap - *at ? *at + (size_t)n : cap - 1;
    }
}

static void add_left(const struct kl_progress_state *s, char *out, size_t cap, size_t *at)
{
    if (s->bytes_total <= s->bytes_done || s->bytes_done == 0 || s->seconds < 1) {
        return;
    }
    double left = (double)(s->bytes_total - s->bytes_done) * s->seconds / (double)s->bytes_done;
    if (left < 100) {
        add(out, cap, at, ", %.0f s left", left + 0.5);
    } else if (left < 6000) {
        add(out, cap, at, ", %.0f min left", left / 60);
    } else {
        add(out, cap, at, ", %.1f h left", left / 3600);
    }
}

void kl_progress_line(const struct kl_progress_state *s, char *out, size_t cap)
{
    size_t at = 0;
    add(out, cap, &at, "%" PRIu64, s->n_done);
    if (s->n_total >= s->n_done && s->n_total > 0) {
        add(out, cap, &at, " of %" PRIu64, s->n_total);
    }
    add(out, cap, &at, " %s", s->unit);
    if (s->seconds > 0) {
        add(out, cap, &at, ", %.0f MB/s", (double)s->bytes_done / 1e6 / s->seconds);
    }
    if (s->has_findings) {
        add(out, cap, &at, ", %" PRIu64 " finding%s", s->n_findings, s->n_findings == 1 ? "" : "s");
    }
    add_left(s, out, cap, &at);
}

static void write_all(int fd, const char *text)
{
    /* A terminal that went away is no reason to stop the work. */
    ssize_t n = write(fd, text, strlen(text));
    (void)n;
}

void kl_progress_show(struct kl_progress *p, const struct kl_progress_state *s)
{
    char line[96];
    char text[112];

    if (p->on) {
        kl_progress_line(s, line, 79); /* one row of the narrowest terminal in use */
        (void)snprintf(text, sizeof text, "\r\x1b[K%s", line);
        write_all(p->fd, text);
        p->shown = true;
    }
}

void kl_progress_clear(struct kl_progress *p)
{
    if (p->shown) {
        write_all(p->fd, "\r\x1b[K");
        p->shown = false;
    }
}
