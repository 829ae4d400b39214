#include "finding/write.h"

#include "finding/baseline.h"
#include "finding/json.h"

#include <inttypes.h>

/* The parts of the document around the results are written as text: the writer's state ends with
 * each call. */
static const char sarif_head[] =
    "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\","
    "\"runs\":[{\"tool\":{\"driver\":{\"name\":\"kulla\",\"rules\":["
    "{\"id\":\"kulla.register\",\"shortDescription\":{\"text\":\"Rows of a register were found\"}},"
    "{\"id\":\"kulla.identifier\",\"shortDescription\":"
    "{\"text\":\"Identifiers of persons were found\"}},"
    "{\"id\":\"kulla.not_inspected\",\"shortDescription\":{\"text\":\"Bytes were not inspected\"}}"
    "]}},\"columnKind\":\"unicodeCodePoints\",\"results\":[";

enum kl_rc kl_write_sarif_begin(struct kl_sarif *s, struct kl_buf *out)
{
    s->has_results = false;
    return kl_buf_add_str(out, sarif_head);
}

/* RFC 3986: unreserved characters and '/' stand for themselves. */
static enum kl_rc add_uri(const char *path, struct kl_buf *out)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~/";
    KL_TRY(kl_buf_add_str(out, path[0] == '/' ? "file://" : ""));
    for (const char *p = path; *p != '\0'; p++) {
        if (strchr(plain, *p) != NULL) {
            KL_TRY(kl_buf_add_u8(out, (uint8_t)*p));
        } else {
            KL_TRY(kl_buf_addf(out, "%%%02X", (unsigned)(uint8_t)*p));
        }
    }
    return KL_OK;
}

static const char *level_of(enum kl_verdict v)
{
    switch (v) {
    case KL_VERDICT_BLOCK:
        return "error";
    case KL_VERDICT_HOLD:
    case KL_VERDICT_NOT_INSPECTED:
        return "warning";
    case KL_VERDICT_LOG:
        return "note";
    case KL_VERDICT_PASS:
        break;
    }
    return "none";
}

static enum kl_rc add_message(const struct kl_finding *f, size_t i, struct kl_buf *out)
{
    if (i < f->n_registers) {
        const struct kl_finding_register *r = &f->registers[i];
        KL_TRY(kl_write_count(r->n_rows, out));
        KL_TRY(kl_buf_add_str(out, " rows of "));
        KL_TRY(kl_buf_add_str(out, r->name));
        KL_TRY(kl_buf_add_str(out, " (of "));
        KL_TRY(kl_write_count(r->n_index_rows, out));
        return kl_buf_add_str(out, ")");
    }
    i -= f->n_registers;
    if (i < f->n_identifiers) {
        KL_TRY(kl_write_count(f->identifiers[i].n_distinct, out));
        KL_TRY(kl_buf_add_str(out, " distinct valid identifiers "));
        return kl_buf_add_str(out, f->identifiers[i].type);
    }
    KL_TRY(kl_write_size(f->not_inspected, out));
    KL_TRY(kl_buf_add_str(out, " of "));
    KL_TRY(kl_write_size(f->seen, out));
    return kl_buf_add_str(out, " not inspected");
}

static void write_location(struct kl_json *j, struct kl_span uri)
{
    kl_json_key(j, "locations");
    kl_json_array(j);
    kl_json_object(j);
    kl_json_key(j, "physicalLocation");
    kl_json_object(j);
    kl_json_key(j, "artifactLocation");
    kl_json_object(j);
    kl_json_key(j, "uri");
    kl_json_bytes(j, uri);
    kl_json_end(j);
    kl_json_end(j);
    kl_json_end(j);
    kl_json_end(j);
}

static enum kl_rc write_result(const struct kl_finding *f, size_t i, struct kl_span uri,
                               struct kl_span message, struct kl_buf *out)
{
    struct kl_finding_item item;
    struct kl_json j;
    uint64_t rule = i < f->n_registers ? 0 : i < f->n_registers + f->n_identifiers ? 1 : 2;
    static const char *const rules[] = {"kulla.register", "kulla.identifier",
                                        "kulla.not_inspected"};

    KL_TRY(kl_finding_item(f, i, &item));
    kl_json_init(&j, out);
    kl_json_object(&j);
    kl_json_key(&j, "ruleId");
    kl_json_str(&j, rules[rule]);
    kl_json_key(&j, "ruleIndex");
    kl_json_u64(&j, rule);
    kl_json_key(&j, "level");
    kl_json_str(&j, level_of(f->verdict));
    kl_json_key(&j, "message");
    kl_json_object(&j);
    kl_json_key(&j, "text");
    kl_json_bytes(&j, message);
    kl_json_end(&j);
    write_location(&j, uri);
    kl_json_key(&j, "partialFingerprints");
    kl_json_object(&j);
    kl_json_key(&j, "kullaItem/v1");
    kl_json_hex(&j, kl_span_make(item.fingerprint, sizeof item.fingerprint));
    kl_json_end(&j);
    if (f->in_baseline) {
        kl_json_key(&j, "baselineState");
        kl_json_str(&j, "unchanged");
    }
    kl_json_key(&j, "properties");
    kl_json_object(&j);
    kl_json_key(&j, "verdict");
    kl_json_str(&j, kl_verdict_name(f->verdict));
    kl_json_key(&j, "count");
    kl_json_u64(&j, item.count);
    kl_json_key(&j, "partial");
    kl_json_bool(&j, f->partial);
    kl_json_end(&j);
    kl_json_end(&j);
    return j.rc;
}

/* An item of its own for each reason would say the same bytes twice: the first stands for all. */
static size_t count_results(const struct kl_finding *f)
{
    size_t n = f->n_registers + f->n_identifiers;
    return f->n_gaps > 0 ? n + 1 : n;
}

enum kl_rc kl_write_sarif(struct kl_sarif *s, const struct kl_finding *f, struct kl_buf *out)
{
    struct kl_buf uri;
    struct kl_buf message;
    size_t n = count_results(f);

    kl_buf_init(&uri, 1u << 20);
    kl_buf_init(&message, 4096);
    enum kl_rc rc = add_uri(f->path, &uri);
    for (size_t i = 0; i < n && rc == KL_OK; i++) {
        message.len = 0;
        rc = add_message(f, i, &message);
        if (rc == KL_OK && s->has_results) {
            rc = kl_buf_add_u8(out, ',');
        }
        if (rc == KL_OK) {
            rc = kl_buf_add_u8(out, '\n');
        }
        if (rc == KL_OK) {
            rc = write_result(f, i, kl_buf_span(&uri), kl_buf_span(&message), out);
        }
        s->has_results = true;
    }
    kl_buf_done(&uri);
    kl_buf_done(&message);
    return rc;
}

enum kl_rc kl_write_sarif_end(struct kl_sarif *s, bool complete, struct kl_buf *out)
{
    (void)s;
    return kl_buf_addf(out, "\n],\"invocations\":[{\"executionSuccessful\":%s}]}]}\n",
                       complete ? "true" : "false");
}
