#!/bin/sh
# check_links.sh BINARY: no library of a licence or a record that we do not link (ADR 0001, ADR 0005).
set -eu
libs=$(ldd "$1" | awk '{print $1}')
if echo "$libs" | grep -E 'poppler|nids|mailutils|libpst|mupdf|readline'; then
    echo "links: the libraries above are executed in a cage, never linked"
    exit 1
fi
echo "links: good"
