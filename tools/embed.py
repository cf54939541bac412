#!/usr/bin/env python3
"""Turns data files into one C table, so that programs run from any directory.

usage: embed.py OUT.c TABLE HEADER FILE...
       embed.py OUT.c TABLE HEADER --folder FOLDER DEPFILE
The second form takes every file of a folder and says so in DEPFILE, so that a new file there is seen
by the next build.
Writes `const struct embed_file TABLE[]` (base/embed.h), ended by a row of zeros.  A file's name in
the table is its base name, preceded by its folder's name for files of folders that hold languages
(ja/report.msg).
"""
import os
import sys


def table_name(path):
    folder = os.path.basename(os.path.dirname(path))
    name = os.path.basename(path)
    return folder + "/" + name if folder in ("ja", "en") else name


def main():
    out, table, header, *paths = sys.argv[1:]
    if paths[0] == "--folder":
        folder, depfile = paths[1:]
        paths = [os.path.join(folder, name) for name in os.listdir(folder) if name[0] != "."]
        with open(depfile, "w") as f:
            f.write("%s: %s\n" % (out, " ".join([folder] + sorted(paths))))
    lines = ["/* Made by tools/embed.py; do not edit. */", '#include "%s"' % header, ""]
    rows = []
    for i, path in enumerate(sorted(paths, key=table_name)):
        data = open(path, "rb").read() + b"\0"
        lines.append("static const unsigned char file_%d[] = {" % i)
        for at in range(0, len(data), 20):
            lines.append("\t" + ",".join(str(b) for b in data[at:at + 20]) + ",")
        lines.append("};")
        rows.append('\t{"%s", (const char *)file_%d, %d},' % (table_name(path), i, len(data) - 1))
    lines += ["", "const struct embed_file %s[] = {" % table] + rows + ["\t{0, 0, 0},", "};", ""]
    with open(out, "w") as f:
        f.write("\n".join(lines))


main()
