#!/usr/bin/env python3
"""Writes a mailbox whose messages carry the rows of a table: gen_mbox.py TABLE OUT MEGABYTES

By turns: a CSV attachment in base64 (2,000 rows), a body in quoted-printable, a table of HTML in
base64, a message in a message with a zip of a CSV. At the end of the
table it begins anew. Says how many rows were written.
"""
import base64
import io
import quopri
import sys
import zipfile

HEAD = ("From: =?utf-8?Q?Shembull_Zyr=C3=AB?= <shembull@example.invalid>\n"
        "To: dikush@example.invalid\nSubject: =?utf-8?B?TGlzdGEgZSBwdW5vbmrDq3N2ZQ==?=\n"
        "Date: Wed, 22 Dec 2021 09:12:00 +0100\nMessage-ID: <{0}@example.invalid>\n"
        "MIME-Version: 1.0\n")
MIXED = ('Content-Type: multipart/mixed; boundary="k{0}"\n\n--k{0}\n'
         "Content-Type: text/plain; charset=utf-8\n\nPershendetje, lista bashkengjitur.\n--k{0}\n")


def attachment(number, name, data):
    return (MIXED.format(number) +
            f"Content-Type: application/octet-stream\nContent-Disposition: attachment; "
            f"filename={name}\nContent-Transfer-Encoding: base64\n\n" +
            base64.encodebytes(data).decode() + f"--k{number}--\n")


def html(lines):
    rows = "".join("<tr>\n" + "".join(f"<td>{c}</td>\n" for c in line.rstrip("\n").split(",")) +
                   "</tr>\n" for line in lines)
    return "<html><body><table>\n" + rows + "</table></body></html>\n"


def message(number, lines):
    text = "".join(lines)
    head = HEAD.format(number)
    way = number % 4
    if way == 0:
        return head + attachment(number, "lista.csv", text.encode())
    if way == 1:
        return head + ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
                       "quoted-printable\n\n") + quopri.encodestring(text.encode()).decode() + "\n"
    if way == 2:
        return head + ("Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64"
                       "\n\n") + base64.encodebytes(html(lines).encode()).decode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("lista.csv", text)
    inner = HEAD.format(f"{number}a") + attachment(f"{number}a", "lista.zip", packed.getvalue())
    return head + f"Content-Type: multipart/mixed; boundary=j{number}\n\n--j{number}\n" \
        f"Content-Type: message/rfc822\n\n{inner}--j{number}--\n"


def main():
    table, out, size = sys.argv[1], sys.argv[2], int(sys.argv[3]) * 1000000
    with open(table, encoding="utf-8") as f:
        lines = f.readlines()[1:]
    at = number = done = most = 0
    with open(out, "wb") as f:
        while done < size:
            n = (2000, 1000, 300, 2000)[number % 4]
            most, at = max(most, at), at if at < len(lines) else 0
            data = (f"From shembull@example.invalid Wed Dec 22 09:12:{number % 60:02d} 2021\n" +
                    message(number, lines[at:at + n]) + "\n").encode()
            f.write(data)
            at, number, done = at + n, number + 1, done + len(data)
    print(min(max(at, most), len(lines)))


main()
