#include "cmd/cmd.h"

const char kl_usage_keygen[] =
    "usage: kulla keygen KEYFILE\n"
    "\n"
    "Make a new random key file, readable by its owner only. An existing file is never overwritten.\n"
    "Keep a copy apart from the indexes: without it an index says nothing, with it an index can be\n"
    "asked about single persons.\n";

const char kl_usage_register[] =
    "usage: kulla register build --schema S.yaml --key KEYFILE -o R.kidx [options] INPUT...\n"
    "       kulla register info R.kidx [--format text|json]\n"
    "\n"
    "build: turn a register (CSV, TSV or XLSX files with a header line) into a keyed index. Rows that\n"
    "do not fit the schema are left out, counted and shown.\n"
    "\n"
    "  --schema S.yaml   columns, their types and roles\n"
    "  --key KEYFILE     from kulla keygen\n"
    "  -o, --out R.kidx  the index; replaced only when all went well\n"
    "  --rejects FILE    write every rejected row there: input:line: reason\n"
    "  --format F        text (default) or json\n"
    "\n"
    "info: what an index says of itself; no key is needed.\n";

const char kl_usage_scan[] =
    "usage: kulla scan [--index R.kidx --key KEYFILE]... [options] PATH...|-\n"
    "\n"
    "Look for rows of registers and for identifiers in files, in directories with all below them,\n"
    "and in what comes on stdin (-). Symbolic links are not followed; special files are not opened.\n"
    "\n"
    "  --index R.kidx         an index from kulla register build; may be repeated\n"
    "  --key KEYFILE          its key: one after each --index, or one for all\n"
    "  --packs al,...         look for the identifiers of these jurisdictions as well\n"
    "  --policy P.yaml        thresholds and exceptions (packs/policy/default.yaml shows all)\n"
    "  --fail-on VERDICT      exit with 1 from here on: not_inspected, log (default), hold, block\n"
    "  --jobs N               documents at a time, 1 to 256 (default: one for each processor)\n"
    "  --format F             text (default), json (one object for each document) or sarif\n"
    "  -o, --out FILE         write there, not to stdout\n"
    "  --all                  also show documents that pass (json always does)\n"
    "  --baseline FILE        what stands there and did not grow is known: not shown, not counted\n"
    "  --write-baseline FILE  write all findings of this scan as such a file\n"
    "\n"
    "exit: 0 nothing found; 1 found; 2 wrong use; 3 could not do it, or stopped before the end;\n"
    "4 something was not inspected and nothing else was found.\n";
