#include "os/signals.h"

#include <signal.h>

static volatile sig_atomic_t stop_asked;

static void on_stop(int sig)
{
    (void)sig;
    stop_asked = 1;
}

enum kl_rc kl_stop_install(struct kl_err *err)
{
    static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};
    /* No SA_RESTART: a wait for input shall end. SA_RESETHAND: the second one is not ours. */
    struct sigaction sa = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};

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
}
