#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold docs/ring.md against the code, both ways.

usage: check-document.py SOURCE_ROOT COMPILER...

Structs: every member of every struct in ring.h and blob.h stands in its table,
and the compiler agrees to each offset and size. Values: the same for each
enumerator. Barriers: each letter in a comment of the code, "(A)", has a row that
names the file; each row's files have its letters, its functions are there.
"""

import pathlib
import re
import subprocess
import sys

HEADERS = ["ring.h", "blob.h"]
errors = []


def error(text):
    errors.append(text)


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def structs_in(text):
    """{struct: [member]} of a header, in order."""
    found = {}
    for name, body in re.findall(r"^struct (\w+) \{(.*?)^\}", text, re.S | re.M):
        members = []
        for declaration in body.split(";"):
            match = re.search(r"(\w+)\s*(\[[^\]]*\])?\s*$", declaration)
            if match:
                members.append(match.group(1))
        found[name] = members
    return found


def enumerators_in(text):
    names = []
    for body in re.findall(r"^enum \w+ \{(.*?)^\}", text, re.S | re.M):
        names += re.findall(r"(\w+)\s*=", body)
    return names


def rows(section):
    """Cells of each table row, without the heads and rulers."""
    for line in section.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def sections(document):
    """{heading: text}."""
    parts = re.split(r"^#+ (.*)$", document, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def check_structs(document, header_text):
    asserts = []
    structs = structs_in(header_text)
    for name, members in structs.items():
        section = document.get("struct " + name)
        if section is None:
            error(f"struct {name} is not in the document")
            continue
        table = [r for r in rows(section) if len(r) == 4 and r[0].isdigit()]
        if [r[2].strip("`") for r in table] != members:
            error(f"struct {name}: the document's members are not its own")
        end = 0
        for offset, size, member, _ in table:
            member = member.strip("`")
            if int(offset) != end:
                error(f"struct {name}: a hole before {member}")
            end = int(offset) + int(size)
            asserts.append(f"offsetof(struct {name}, {member}) == {offset}")
            if int(size):
                asserts.append(
                    f"sizeof(((struct {name} *)0)->{member}) == {size}")
        asserts.append(f"sizeof(struct {name}) == {end}")
    for heading in document:
        if heading.startswith("struct ") and heading[7:] not in structs:
            error(f"{heading} is in no header")
    return asserts


def check_values(document, header_text):
    table = {r[0].strip("`"): r[1] for r in rows(document["Values"])
             if r[0].startswith("`")}
    names = enumerators_in(header_text)
    for name in set(names) ^ set(table):
        error(f"{name} is in only one of header and document")
    return [f"{name} == {table[name]}" for name in names if name in table]


def compile_asserts(root, compiler, asserts):
    source = "".join(f"#include <trackway/{h}>\n" for h in HEADERS)
    for text in asserts:
        source += f'_Static_assert({text}, "document: {text}");\n'
    result = subprocess.run(
        compiler + ["-std=gnu11", f"-I{root}/include", "-fsyntax-only",
                    "-x", "c", "-"],
        input=source, text=True, capture_output=True, check=False)
    for line in result.stderr.splitlines():
        if "error" in line:
            error(line)
    if result.returncode and not errors:
        error("the compiler failed")


def letters_in_code(root):
    """{(letter, file)} of the barriers that comments name."""
    found = set()
    files = [*root.glob("include/**/*.h"), *root.glob("src/**/*.[ch]")]
    for path in files:
        text = path.read_text(encoding="utf-8")
        for comment in re.findall(r"/\*.*?\*/", text, re.S):
            for letter in re.findall(r"\(([A-Z])\)", comment):
                found.add((letter, str(path.relative_to(root))))
    return found


def check_functions(root, row, files):
    code = "".join((root / f).read_text(encoding="utf-8") for f in files)
    for function in re.findall(r"`(\w+)\(\)`", " ".join(row)):
        if not re.search(rf"\b{function}\(", code):
            error(f"barrier {row[0]}: no {function}() in its files")


def check_barriers(root, document):
    code = letters_in_code(root)
    table = set()
    for row in rows(document["Barriers"]):
        if not re.fullmatch(r"[A-Z](, [A-Z])*", row[0]):
            continue
        letters = row[0].split(", ")
        files = re.findall(r"`([^`]+)`", row[1])
        missing = [f for f in files if not (root / f).exists()]
        if missing:
            error(f"barrier {row[0]}: no file {missing[0]}")
            continue
        for name in files:
            if not any((letter, name) in code for letter in letters):
                error(f"barrier {row[0]}: {name} has none of it")
        for letter in letters:
            if not any((letter, name) in code for name in files):
                error(f"barrier {letter}: not in the code")
        table |= {(letter, name) for letter in letters for name in files}
        check_functions(root, row, files)
    if not table:
        error("no table of barriers")
    for letter, name in sorted(code - table):
        error(f"barrier {letter} in {name}: not in the document")


def check_testpoints(document, root):
    header = (root / "src/ring/ring-write.h").read_text(encoding="utf-8")
    in_code = set(re.findall(r"\bTW_AT_\w+", header)) - {"TW_AT_COUNT"}
    in_document = set(re.findall(r"`(TW_AT_\w+)`", document["Crashes"]))
    for name in in_code ^ in_document:
        error(f"{name} is in only one of header and document")


def main():
    root = pathlib.Path(sys.argv[1])
    document = sections(
        (root / "docs/ring.md").read_text(encoding="utf-8"))
    header_text = "".join(
        strip_comments((root / "include/trackway" / h).read_text(
            encoding="utf-8")) for h in HEADERS)
    asserts = check_structs(document, header_text)
    asserts += check_values(document, header_text)
    if len(asserts) < 100:
        error("too few tables were found")
    compile_asserts(root, sys.argv[2:], asserts)
    check_barriers(root, document)
    check_testpoints(document, root)
    for text in errors:
        print("docs/ring.md:", text)
    return 1 if errors else 0


sys.exit(main())
