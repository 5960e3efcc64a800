"""Reads bodies as Python back ends do: one JSON array of cases in, the values read of each case out."""
import ast, base64, cgi, email, email.policy, gzip, html, io, json, ntpath, posixpath, quopri, re, sys, unicodedata, zlib
import xml.etree.ElementTree as ET
from urllib.parse import parse_qsl, unquote, unquote_plus

try:
    import yaml
except ImportError:
    yaml = None


def tried(*readers):
    out = []
    for r in readers:
        try:
            out += [v if isinstance(v, str) else v.decode("utf-8", "replace") for v in r()]
        except Exception:
            pass
    return out


def leaves(v):
    if isinstance(v, dict):
        for k, x in v.items():
            yield str(k)
            yield from leaves(x)
    elif isinstance(v, (list, tuple)):
        for x in v:
            yield from leaves(x)
    elif isinstance(v, str):
        yield v


def lines(b):
    return [json.loads(l) for l in b.splitlines() if l.strip()]


def concatenated(b):
    s, at, out = b.decode(), 0, []
    while at < len(s):
        v, at = json.JSONDecoder().raw_decode(s, at)
        out.append(v)
        while at < len(s) and s[at].isspace():
            at += 1
    return out


def as_json(b, c):
    pairs = lambda p: [list(x) for x in p]
    return tried(
        lambda: leaves(json.loads(b)),
        lambda: leaves(json.loads(b, strict=False, object_pairs_hook=pairs)),
        lambda: leaves(json.JSONDecoder().raw_decode(b.decode("utf-8-sig").lstrip())[0]),
        lambda: leaves(lines(b)),
        lambda: leaves(concatenated(b)),
        lambda: leaves(ast.literal_eval(b.decode())),
        lambda: leaves(yaml.safe_load(b.decode())) if len(b) < 4096 else [],  # it is slow
    )


def as_multipart(b, c):
    def field_storage():
        f = cgi.FieldStorage(io.BytesIO(b), environ={
            "REQUEST_METHOD": "POST", "CONTENT_TYPE": c["type"], "CONTENT_LENGTH": str(len(b))})
        for part in f.list:
            yield part.name or ""
            yield part.filename or ""
            yield part.value if part.value is not None else ""

    def mail():
        m = email.message_from_bytes(b"Content-Type: " + c["type"].encode() + b"\r\n\r\n" + b, policy=email.policy.default)
        for part in m.walk():
            yield part.get_param("name", "", header="content-disposition") or ""
            yield part.get_filename() or ""
            if not part.is_multipart():
                p = part.get_payload(decode=True)
                yield p
                charset = part.get_content_charset()
                if charset:
                    yield p.decode(charset)

    def flask():
        from werkzeug.formparser import parse_form_data
        _, form, files = parse_form_data({
            "REQUEST_METHOD": "POST", "CONTENT_TYPE": c["type"], "CONTENT_LENGTH": str(len(b)), "wsgi.input": io.BytesIO(b)})
        for k, v in form.items(multi=True):
            yield k
            yield v
        for k, v in files.items(multi=True):
            yield v.filename or ""

    return tried(field_storage, mail, flask)


def as_xml(b, c):
    def walk():
        for e in ET.fromstring(b).iter():
            yield "".join(e.itertext())
            yield from e.attrib.values()
    return tried(walk)


def pairs(b, sep="&"):
    s = b if isinstance(b, str) else b.decode("latin-1")
    got = parse_qsl(s, keep_blank_values=True, separator=sep)
    got += parse_qsl(s, keep_blank_values=True, separator=sep, encoding="latin-1")
    names = {}
    for k, v in parse_qsl(s, keep_blank_values=True, separator=sep):
        names.setdefault(k, []).append(v)
    return [x for p in got for x in p] + [",".join(v) for v in names.values()]


def as_path(b, c):
    out = []
    p = unquote(c["target"].partition("?")[0])
    for s in (p, unquote(p), re.sub(r";[^/]*", "", p)):
        out += [posixpath.normpath(s), ntpath.normpath(s).replace("\\", "/"), s]
    return out


readers = {
    "json": as_json, "multipart": as_multipart, "xml": as_xml, "path": as_path,
    "form": lambda b, c: tried(lambda: pairs(b)),
    "query": lambda b, c: tried(lambda: pairs(c["target"].partition("?")[2])),
    "semicolon": lambda b, c: tried(lambda: pairs(c["target"].partition("?")[2], ";")),
}
bodies = {
    "gunzip": gzip.decompress, "inflate": zlib.decompress, "rawinflate": lambda b: zlib.decompress(b, -15),
}
values = {
    "unquote": unquote, "unquote_plus": unquote_plus, "html": html.unescape,
    "base64": lambda s: base64.b64decode(s).decode("utf-8", "replace"),
    "base64gunzip": lambda s: gzip.decompress(base64.b64decode(s)).decode(),
    "base64url": lambda s: base64.urlsafe_b64decode(s + "=" * (-len(s) % 4)).decode(),
    "hex": lambda s: bytes.fromhex(s).decode(),
    "qp": lambda s: quopri.decodestring(s).decode(), "nfkc": lambda s: unicodedata.normalize("NFKC", s),
    "json": lambda s: "\n".join(leaves(json.loads(s))), "utf7": lambda s: s.encode().decode("utf-7"),
    "form": lambda s: "\n".join(pairs(s)), "xml": lambda s: "".join(ET.fromstring(s).itertext()),
}


def recoded(b, c):
    for step in c["before"] or []:
        if step.startswith("charset:"):
            b = b.decode(step[8:]).encode()
        else:
            b = bodies[step](b)
    return b


def read(c):
    try:
        b = recoded(base64.b64decode(c["body"]), c)
    except Exception:
        return []
    got = readers.get(c["reader"], lambda b, c: [])(b, c)
    for step in c["after"] or []:
        got = [v for g in got for v in tried(lambda: [values[step](g)])]
    return got


print(json.dumps([any(c["want"] in v for v in read(c)) for c in json.load(sys.stdin)]))
