#include "os/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* timeout(1) and some shells send a signal to us and to our group at once: that is one request. */
#define ONE_REQUEST_MS 250

static volatile sig_atomic_t stop_asked;
static atomic_llong asked_at_ms; /* 0: not yet; lock-free, so a handler may use it */

static void on_stop(int sig)
{
    struct timespec now = {0};
    long long none = 0;

    stop_asked = 1;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* async-signal-safe by POSIX */
    long long now_ms = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
    if (!atomic_compare_exchange_strong(&asked_at_ms, &none, now_ms) &&
        now_ms - none > ONE_REQUEST_MS) {
        (void)signal(sig, SIG_DFL);
        (void)raise(sig); /* comes when this handler ends */
    }
}

enum kl_rc kl_stop_install(struct kl_err *err)
{
    static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction sa = {.sa_handler = on_stop}; /* no SA_RESTART: a wait for input shall end */

    (void)sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < sizeof SIGNALS / sizeof SIGNALS[0]; i++) {
        struct sigaction old;
        if (sigaction(SIGNALS[i], NULL, &old) != 0) {
            return kl_fail_errno(err, "a signal handler could not be read");
        }
        /* nohup and background shells ignore on purpose. */
        if (old.sa_handler != SIG_IGN && sigaction(SIGNALS[i], &sa, NULL) != 0) {
            return kl_fail_errno(err, "a signal handler could not be set");
        }
    }
    return KL_OK;
}

bool kl_stop_is_asked(void)
{
    return stop_asked != 0;
}

void kl_stop_set(bool asked)
{
    stop_asked = asked ? 1 : 0;
    if (!asked) {
        atomic_store(&asked_at_ms, 0);
    }
}
