/* A folder with an index, its key and a leak, for the tests of libkulla. */
#ifndef KL_TESTS_LIBKULLA_FILES_H
#define KL_TESTS_LIBKULLA_FILES_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "extract/wire.h"
#include "kulla/inspect.h"
#include "os/cage.h"
#include "os/channel.h"
#include "small_register.h"

#define INDEX_ROWS 500u
#define LEAK_ROWS 200u
#define CHANNEL_FD 3 /* of a role; os/role.h does not go with match/index.h */

static char folder[] = "/tmp/kulla-lib-XXXXXX";
static char index_path[64];
static char key_path[64];
static const struct kl_inspect_index good_index = {index_path, key_path};

static inline const char *in_folder(const char *name)
{
    static char path[4][64];
    static unsigned n;
    char *p = path[n++ % 4];

    (void)snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static inline const char *write_file(const char *name, const void *bytes, size_t len, unsigned mode)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "we");

    if (f == NULL || fwrite(bytes, 1, len, f) != len || fchmod(fileno(f), (mode_t)mode) != 0 ||
        fclose(f) != 0) {
        abort();
    }
    return path;
}

/* A key file whose secret is small_secret with another first byte. */
static inline const char *write_key(const char *name, uint8_t first, unsigned mode)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t secret[32];
    char text[128];
    struct kl_key *key = NULL;

    memcpy(secret, small_secret, sizeof secret);
    secret[0] = first;
    if (kl_key_from_bytes(secret, &key) != KL_OK) {
        abort();
    }
    /* base64 of FIRST 02 03 04 and 28 zeros */
    int n = snprintf(text, sizeof text, "kulla-key-1\nid %s\nsecret %c%cIDBA%s=\n",
                     kl_key_id_get(key), digits[first >> 2], digits[(first & 3) << 4],
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    kl_key_free(&key);
    return write_file(name, text, (size_t)n, mode);
}

static inline void remove_folder(void)
{
    DIR *d = opendir(folder);

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    (void)rmdir(folder);
}

static inline void make_folder(void)
{
    if (mkdtemp(folder) == NULL) {
        abort();
    }
    (void)atexit(remove_folder);
    (void)snprintf(index_path, sizeof index_path, "%s/small.kidx", folder);
    (void)snprintf(key_path, sizeof key_path, "%s", write_key("small.key", small_secret[0], 0600));
    if (small_index_write(index_path, INDEX_ROWS, false, NULL) != KL_OK) {
        abort();
    }
}

/* LEAK_ROWS persons of the register as CSV; the caller frees it. */
static inline char *leak_text(size_t *out_len)
{
    size_t cap = LEAK_ROWS * 256;
    char *text = malloc(cap);
    size_t len = 0;

    if (text == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < LEAK_ROWS; i++) {
        small_row r;
        small_person(1, i, r);
        len += (size_t)snprintf(text + len, cap - len, "%s,%s,%s,%s,%s,%s,%s\n", r[NID], r[GIVEN],
                                r[FAMILY], r[BIRTH], r[EMPLOYER], r[PHONE], r[SALARY]);
    }
    *out_len = len;
    return text;
}

/* As the worker of version 0.0.9 would. */
static inline int greet_as_another_version(void)
{
    const struct kl_span version = KL_SPAN_LIT("0.0.9");

    kl_ignore(kl_channel_send(CHANNEL_FD, KL_WIRE_READY, 0, KL_CAGE_WHOLE, version, -1, true),
              "the parent finds out");
    (void)pause();
    return 0;
}

#endif
