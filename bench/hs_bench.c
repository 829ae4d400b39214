/*
 * hs_bench: Hyperscan beside kulla; built by bench/run where libhs is, never installed.
 *   hs_bench regex|literal PATTERNS INPUT
 * One pattern a line. Block mode, 64 KiB blocks, no start of match (its fastest way). Prints JSON:
 * seconds to compile, CPU seconds of the scan alone, matches, database bytes.
 */
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <fcntl.h>

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int count(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                 void *total)
{
    (void)id, (void)from, (void)to, (void)flags;
    ++*(unsigned long long *)total;
    return 0;
}

static char *map_file(const char *name, size_t *len)
{
    struct stat st;
    int fd = open(name, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        perror(name);
        exit(2);
    }
    *len = (size_t)st.st_size;
    char *p = mmap(NULL, *len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED) {
        perror(name);
        exit(2);
    }
    return p;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: hs_bench regex|literal PATTERNS INPUT\n");
        return 2;
    }
    size_t plen, len, n = 0, db_size = 0;
    char *pats = map_file(argv[2], &plen);
    char *text = map_file(argv[3], &len);
    size_t most = 1;
    for (size_t i = 0; i < plen; i++) {
        most += pats[i] == '\n';
    }
    const char **list = calloc(most, sizeof *list);
    size_t *lens = calloc(most, sizeof *lens);
    unsigned *flags = calloc(most, sizeof *flags), *ids = calloc(most, sizeof *ids);
    for (char *p = pats, *nl; p < pats + plen && (nl = memchr(p, '\n', plen - (size_t)(p - pats)));
         p = nl + 1) {
        *nl = 0;
        lens[n] = (size_t)(nl - p);
        ids[n] = (unsigned)n;
        list[n++] = p;
    }
    hs_database_t *db = NULL;
    hs_compile_error_t *err = NULL;
    hs_scratch_t *scratch = NULL;
    double t0 = cpu_now();
    hs_error_t rc =
        strcmp(argv[1], "literal") == 0
            ? hs_compile_lit_multi(list, flags, ids, lens, (unsigned)n, HS_MODE_BLOCK, NULL, &db,
                                   &err)
            : hs_compile_multi(list, flags, ids, (unsigned)n, HS_MODE_BLOCK, NULL, &db, &err);
    if (rc != HS_SUCCESS || hs_alloc_scratch(db, &scratch) != HS_SUCCESS) {
        fprintf(stderr, "hs_bench: %s\n", err ? err->message : "no scratch");
        return 1;
    }
    double t1 = cpu_now();
    unsigned long long matches = 0;
    for (size_t at = 0; at < len; at += 65536) {
        size_t part = len - at < 65536 ? len - at : 65536;
        hs_scan(db, text + at, (unsigned)part, 0, scratch, count, &matches);
    }
    double t2 = cpu_now();
    hs_database_size(db, &db_size);
    printf("{\"compile\":%.4f,\"scan\":%.4f,\"matches\":%llu,\"database\":%zu}\n", t1 - t0, t2 - t1,
           matches, db_size);
    return 0;
}
