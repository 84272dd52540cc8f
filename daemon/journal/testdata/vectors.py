#!/usr/bin/env python3
"""Makes canonical.json and records.json: the published vectors of the journal's
encoding. It shares no code with the product: Python's json module writes the
strings, its sort compares UTF-16 code units as RFC 8785 section 3.2.3 asks, its
hashlib hashes. Run it in this directory; the tests read what it wrote."""
import hashlib
import json


def jcs(v):
    if isinstance(v, dict):
        keys = sorted(v, key=lambda k: k.encode("utf-16-be"))
        return "{" + ",".join(jcs(k) + ":" + jcs(v[k]) for k in keys) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(jcs, v)) + "]"
    if v is True or v is False or v is None or isinstance(v, (int, str)):
        return json.dumps(v, ensure_ascii=False)
    raise TypeError(type(v))


def sha(s):
    return hashlib.sha256(s.encode()).hexdigest()


texts = [
    # RFC 8785 section 3.2.2, its strings and literals, with integers for numbers
    r'''{ "numbers": [333333333, 4, 2, -0, 9007199254740991, -9007199254740991],
         "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
         "literals": [null, true, false] }''',
    # RFC 8785 section 3.2.3
    r'''{ "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
         "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis" }''',
    # the test files of the RFC's author: structures, weird, unicode, french, arrays
    r'''{ "1": {"f": {"f": "hi", "F": 5}, "\n": 56}, "10": {}, "": "empty", "a": {}, "111": [{"e": "yes", "E": "no"}], "A": {} }''',
    r'''{ "\u20ac": "Euro Sign", "\r": "Carriage Return", "\u000a": "Newline", "1": "One", "\u0080": "Control\u007f",
         "\ud83d\ude02": "Smiley", "\u00f6": "Latin Small Letter O With Diaeresis", "\ufb33": "Hebrew Letter Dalet With Dagesh",
         "</script>": "Browser Challenge" }''',
    r'''{ "Unnormalized Unicode": "A\u030a" }''',
    r'''{ "peach": "This sorting order", "p\u00e9ch\u00e9": "is wrong according to French", "p\u00eache": "but canonicalization MUST", "sin": "ignore locale" }''',
    r'''[ 56, { "d": true, "10": null, "1": [ ] } ]''',
    # ours: every control character, letters of the languages of the screen, nesting
    json.dumps("".join(map(chr, range(0x20)))),
    r'''{"az":"\u018f\u0259\u011e\u011f\u0130\u0131","ar":"\u0642\u0628\u0636","zh":"\u6536\u636e","u2028":"\u2028\u2029"}''',
    "[[[[[{}]]]]]", '""', "0", "-1", "true",
]
canonical = [{"in": t, "out": jcs(json.loads(t))} for t in texts]
for c in canonical:
    c["sha256"] = sha(c["out"])

terminal = "0192c5d4-8a00-7000-8000-0000000000a1"
enrolment = b"enrolment record of the vectors"
prev = hashlib.sha256(enrolment).hexdigest()
bodies = [
    ("terminal.started", None, None, {"version": "1.0.0", "config": "00" * 32, "bundle": ""}),
    ("visit.started", "0192c5d4-8a00-7000-8000-0000000000b1", None, {"bundle": "sha256:ab"}),
    ("note.stacked", "0192c5d4-8a00-7000-8000-0000000000b1", None,
     {"note_id": "n1", "note": {"type": 3, "value": {"minor": 1000, "currency": "AZN"}}, "table_hash": "cd" * 32}),
    ("payment.intent", "0192c5d4-8a00-7000-8000-0000000000b1", "0192c5d4-8a00-7000-8000-0000000000c1",
     {"action": "pay", "service": "\u0259hali.su", "amount": {"minor": 900, "currency": "AZN"},
      "commission": {"minor": 9, "currency": "AZN"}, "received": {"minor": 1000, "currency": "AZN"},
      "reference": "A-1", "body": {"z": [1, 2], "a": "<&>\u2028"}}),
]
records = []
for i, (kind, visit, key, body) in enumerate(bodies):
    e = {"v": 1, "t": terminal, "epoch": 1, "seq": i + 1, "prev": prev, "kind": kind, "wall": 1767225600000 + 1000 * i,
         "mono": 5000 + 1000 * i, "boot": "b00t", "sync": "synced", "body": body}
    if visit:
        e["visit"] = visit
    if key:
        e["key"] = key
    raw = jcs(e)
    prev = sha(raw)
    records.append({"record": e, "canonical": raw, "sha256": prev})

for name, v in [("canonical.json", canonical), ("records.json", {"enrolment": enrolment.decode(), "records": records})]:
    with open(name, "w", encoding="utf-8") as f:
        json.dump(v, f, indent=1, ensure_ascii=True)
        f.write("\n")
