#include <nettle/base64.h>
#include <nettle/blowfish.h>
#include <nettle/cbc.h>
#include <nettle/cfb.h>
#include <nettle/pbkdf2.h>

#include "extract/odf_lock.h"

#include "locked_run.h"

/* How a package is locked; what is NULL or 0 is left out of the manifest. */
struct how {
    bool blowfish;
    const struct nettle_hash *start;
    const char *start_name;
    const struct nettle_hash *check;
    const char *check_name;
    const char *cipher_name;
    unsigned key_bytes;
    unsigned rounds;
    const char *claim_rounds; /* NULL: the true ones */
};

#define URI "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"

static const struct how hows[] = {
    /* ODF 1.2 and later, as LibreOffice writes it */
    {false, &nettle_sha256, "http://www.w3.org/2000/09/xmldsig#sha256", &nettle_sha256,
     URI "#sha256-1k", "http://www.w3.org/2001/04/xmlenc#aes256-cbc", 32, 1000, NULL},
    {false, &nettle_sha256, "http://www.w3.org/2000/09/xmldsig#sha256", &nettle_sha1,
     URI "#sha1-1k", "http://www.w3.org/2001/04/xmlenc#aes128-cbc", 16, 7, NULL},
    /* before it */
    {true, &nettle_sha1, NULL, &nettle_sha1, "SHA1/1K", "Blowfish CFB", 16, 1024, NULL},
};
#define N_HOWS 3u

static const uint8_t salt[16] = "saltsaltsaltsal";
static const uint8_t iv[16] = "initialinitiali";

static void base64(char *out, const uint8_t *ptr, size_t len)
{
    base64_encode_raw(out, len, ptr);
    out[BASE64_ENCODE_RAW_LENGTH(len)] = '\0';
}

/* Deflated without head, filled up, enciphered. */
static struct zm_bytes encipher(const struct how *h, const char *password, const char *text,
                                char digest[static 64])
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    struct zm_bytes b = {0};
    uint8_t start[64];
    uint8_t key[32];
    uint64_t ctx[640];
    uint8_t last[16];
    b.cap = strlen(text) + 128;
    b.ptr = malloc(b.cap);
    b.len = libdeflate_deflate_compress(c, text, strlen(text), b.ptr, b.cap - 32);
    libdeflate_free_compressor(c);
    h->check->init(ctx);
    h->check->update(ctx, b.len < 1024 ? b.len : 1024, b.ptr);
    h->check->digest(ctx, h->check->digest_size, start);
    base64(digest, start, h->check->digest_size);
    h->start->init(ctx);
    h->start->update(ctx, strlen(password), (const uint8_t *)password);
    h->start->digest(ctx, h->start->digest_size, start);
    nettle_pbkdf2_hmac_sha1(h->start->digest_size, start, h->rounds, 16, salt, h->key_bytes, key);
    memcpy(last, iv, 16);
    if (h->blowfish) {
        struct blowfish_ctx bf;
        (void)blowfish_set_key(&bf, h->key_bytes, key);
        cfb_encrypt(&bf, (nettle_cipher_func *)blowfish_encrypt, 8, last, b.len, b.ptr, b.ptr);
    } else {
        const struct nettle_cipher *aes = h->key_bytes == 16 ? &nettle_aes128 : &nettle_aes256;
        uint8_t pad = (uint8_t)(16 - b.len % 16);
        memset(b.ptr + b.len, 0, pad);
        b.len += pad;
        b.ptr[b.len - 1] = pad;
        aes->set_encrypt_key(ctx, key);
        cbc_encrypt(ctx, aes->encrypt, 16, last, b.len, b.ptr, b.ptr);
    }
    return b;
}

static void entry(char *out, size_t cap, const char *name, const struct how *h, size_t size,
                  const char *digest)
{
    char salt64[32];
    char iv64[32];
    char start[200] = "";
    char rounds[32];
    base64(salt64, salt, 16);
    base64(iv64, iv, h->blowfish ? 8 : 16);
    (void)snprintf(rounds, sizeof rounds, "%u", h->rounds);
    if (h->start_name != NULL) {
        (void)snprintf(start, sizeof start,
                       "<m:start-key-generation m:start-key-generation-name=\"%s\" "
                       "m:key-size=\"%u\"/>",
                       h->start_name, h->start->digest_size);
    }
    (void)snprintf(out, cap,
                   "<m:manifest><m:file-entry m:full-path=\"%s\" m:size=\"%zu\">"
                   "<m:encryption-data m:checksum-type=\"%s\" m:checksum=\"%s\">"
                   "<m:algorithm m:algorithm-name=\"%s\" m:initialisation-vector=\"%s\"/>%s"
                   "<m:key-derivation m:key-derivation-name=\"PBKDF2\" m:key-size=\"%u\" "
                   "m:iteration-count=\"%s\" m:salt=\"%s\"/></m:encryption-data></m:file-entry>"
                   "</m:manifest>",
                   name, size, h->check_name, digest, h->cipher_name, iv64, start, h->key_bytes,
                   h->claim_rounds != NULL ? h->claim_rounds : rounds, salt64);
}

static void lock_up(struct zm *z, const struct how *h, const char *name, const char *text)
{
    char manifest[2048];
    char digest[64];
    struct zm_bytes b = encipher(h, "Tirana2024", text, digest);
    memset(z, 0, sizeof *z);
    entry(manifest, sizeof manifest, name, h, strlen(text), digest);
    zm_add(z, "META-INF/manifest.xml", manifest);
    zm_add_opts(z, name, b.ptr, b.len, (struct zm_opts){.stored = true});
    zm_end(z, "");
    free(b.ptr);
}

/* A document of many paragraphs, so that it has more than one piece of ciphertext. */
static char *content(void)
{
    size_t cap = 400000;
    char *s = malloc(cap);
    size_t n = (size_t)snprintf(s, cap,
                                "<office:document-content xmlns:office=\"urn:oasis:names:tc:"
                                "opendocument:xmlns:office:1.0\">");
    for (uint32_t i = 0; i < 3000; i++) {
        n += (size_t)snprintf(s + n, cap - n, "<text:p>row %u %08x</text:p>", i, i * 2654435761u);
    }
    (void)snprintf(s + n, cap - n, "<text:p>A00000001B Agim</text:p></office:document-content>");
    return s;
}

static void run(struct sink_mem *s, const struct zm *z, const char *given, const char *words)
{
    memset(s, 0, sizeof *s);
    locked_run(s, &z->out, given, words);
}

KT_TEST(a_password_that_was_given_opens_a_document)
{
    char *text = content();
    for (unsigned i = 0; i < N_HOWS; i++) {
        struct sink_mem s;
        struct zm z;
        lock_up(&z, &hows[i], "content.xml", text);
        run(&s, &z, "nope Tirana2024", NULL);
        KT_OK(locked_has(&s, "A  encrypted.opened\n"));
        KT_OK(locked_has(&s, "\nA00000001B Agim\n") && locked_has(&s, "row 0 00000000\n"));
        KT_OK(!locked_has(&s, "zip.") && !locked_has(&s, "<text"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        zm_done(&z);
    }
    free(text);
}

KT_TEST(what_is_no_part_of_a_document_is_read_by_its_content)
{
    for (unsigned i = 0; i < N_HOWS; i++) {
        struct sink_mem s;
        struct zm z;
        lock_up(&z, &hows[i], "Pictures/x.csv", "nid;emri\nA00000001B;Agim Prove\n");
        run(&s, &z, NULL, "word Tirana2024");
        KT_OK(locked_has(&s, "B text /Pictures/x.csv\nnid;emri\nA00000001B;Agim Prove\nE\n"));
        KT_EQ(s.not_inspected, 0);
        sink_mem_done(&s);
        zm_done(&z);
    }
}

KT_TEST(without_the_password_a_document_is_encrypted_with_its_bytes)
{
    char *text = content();
    for (unsigned i = 0; i < N_HOWS; i++) {
        struct sink_mem s;
        struct zm z;
        lock_up(&z, &hows[i], "content.xml", text);
        run(&s, &z, "tirana2024 Tirana2025", "Tirana 2024");
        KT_OK(locked_has(&s, "N /content.xml encrypted ") && !locked_has(&s, "opened"));
        KT_OK(s.not_inspected > 1000);
        sink_mem_done(&s);
        zm_done(&z);
    }
    free(text);
}

KT_TEST(rounds_beyond_the_limit_are_not_begun)
{
    static const char *const claims[] = {"200000000", "4294967295", "99999999999999999999"};
    for (unsigned i = 0; i < 3; i++) {
        struct how h = hows[0];
        struct sink_mem s;
        struct zm z;
        h.claim_rounds = claims[i];
        lock_up(&z, &h, "x.csv", "A00000001B");
        run(&s, &z, "Tirana2024", NULL);
        KT_OK(locked_has(&s, "N /x.csv encrypted ") && locked_has(&s, "limit.passwords"));
        sink_mem_done(&s);
        zm_done(&z);
    }
}

KT_TEST(what_is_not_known_is_encrypted)
{
    struct how h[5] = {hows[0], hows[0], hows[0], hows[0], hows[0]};
    h[0].cipher_name = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
    h[1].check_name = "MD5";
    h[2].start_name = "urn:other";
    h[3].claim_rounds = "none";
    h[4].blowfish = true; /* an initial block of the wrong length */
    for (unsigned i = 0; i < 5; i++) {
        struct sink_mem s;
        struct zm z;
        lock_up(&z, &h[i], "x.csv", "A00000001B");
        run(&s, &z, "Tirana2024", NULL);
        KT_OK(locked_has(&s, "N /x.csv encrypted "));
        sink_mem_done(&s);
        zm_done(&z);
    }
}

KT_TEST(documents_cut_and_flipped_keep_the_accounting)
{
    for (unsigned i = 1; i < N_HOWS; i++) {
        struct zm z;
        struct how h = hows[i];
        h.rounds = 2;
        lock_up(&z, &h, "x.csv", "nid;emri\nA00000001B;Agim Prove\n");
        for (size_t at = 0; at < z.out.len; at++) {
            struct zm_bytes cut = {z.out.ptr, at + 1, at + 1};
            struct sink_mem s = {0};
            struct sink_mem c = {0};
            z.out.ptr[at] ^= 0xFF;
            locked_run(&s, &z.out, "Tirana2024", NULL);
            z.out.ptr[at] ^= 0xFF;
            locked_run(&c, &cut, "Tirana2024", NULL);
            sink_mem_done(&s);
            sink_mem_done(&c);
        }
        zm_done(&z);
    }
}

KT_MAIN()
