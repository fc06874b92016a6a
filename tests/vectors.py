#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads proto/vectors with nothing but what their README says: each message is what its JSON says,
and the JSON makes these very bytes. Prints how many there were."""
import glob, json, sys
import msgpack

def entries(path):
    entry = ""
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith(" "):
            entry += " " + line.lstrip(" ")
            continue
        if entry:
            yield entry.split(": ", 1)
        entry = "" if line.startswith("#") else line
    if entry:
        yield entry.split(": ", 1)

def bytes_of(text):
    words = [word.partition("*") for word in text.replace("{", "").replace("}", "").split()]
    return b"".join(bytes.fromhex(byte) * int(count or 1) for byte, _, count in words)

def main(folder):
    count = 0
    for path in sorted(glob.glob(folder + "/*.txt")):
        meaning = None
        for key, text in entries(path):
            if key == "hex" and meaning != "-":
                assert msgpack.unpackb(bytes_of(text)) == json.loads(meaning), (path, meaning)
                assert msgpack.packb(json.loads(meaning)) == bytes_of(text), (path, meaning)
                count += 1
            meaning = text
    print(count)

main(sys.argv[1])
