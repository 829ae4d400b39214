#include "os/bus.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    bool installed;
    uintptr_t page_bytes;
    volatile uintptr_t from;
    volatile uintptr_t to;
    volatile sig_atomic_t lost;
} bus;

static void on_bus(int sig, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;

    (void)sig;
    (void)context;
    if (at < bus.from || at >= bus.to) {
        __builtin_trap();
    }
    at &= ~(bus.page_bytes - 1);
    bus.lost = 1;
    /* mmap is one system call in glibc: safe here, and the cage allows private memory. */
    if (mmap((void *)at, bus.to - at, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
        MAP_FAILED) {
        __builtin_trap();
    }
}

enum kl_rc kl_bus_install(void)
{
    struct sigaction sa = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};

    (void)sigemptyset(&sa.sa_mask);
    bus.page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    bus.installed = sigaction(SIGBUS, &sa, NULL) == 0;
    return bus.installed ? KL_OK : KL_E_IO;
}

bool kl_bus_is_installed(void)
{
    return bus.installed;
}

void kl_bus_watch(void *ptr, size_t len)
{
    uintptr_t from = (uintptr_t)ptr;

    bus.from = from;
    bus.to = ptr != NULL ? (from + len + bus.page_bytes - 1) & ~(bus.page_bytes - 1) : from;
    bus.lost = 0;
}

bool kl_bus_is_lost(void)
{
    return bus.lost != 0;
}
