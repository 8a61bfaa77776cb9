"""As much of the WHATWG URL standard as labels need: ASCII hosts, no IPv4 numbers."""

import re

SPECIAL = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21", "file": ""}
PATH = ' "#<>?`{}'
QUERY = ' "#<>\''
FRAGMENT = ' "<>`'


class Url:
    def __init__(self, scheme, auth, host, path, query, fragment):
        self.scheme, self.auth, self.host, self.path = scheme, auth, host, path
        self.query, self.fragment = query, fragment  # None where there is none

    @property
    def rest(self):
        query = "" if self.query is None else "?" + self.query
        return query + ("" if self.fragment is None else "#" + self.fragment)

    @property
    def is_opaque(self):
        return isinstance(self.path, str)

    @property
    def pathname(self):
        return self.path if self.is_opaque else "/" + "/".join(self.path)

    @property
    def href(self):
        return self.normal(self.auth + "@" if self.auth else "")

    def normal(self, auth=""):
        """Without user name and password."""
        before = "" if self.host is None else "//" + auth + self.host
        return self.scheme + ":" + before + self.pathname + self.rest


def encode(text, reserved):
    out = []
    for char in text:
        if "\x1f" < char < "\x7f" and char not in reserved:
            out.append(char)
        else:
            out += ["%%%02X" % byte for byte in char.encode("utf-8")]
    return "".join(out)


def segments(path, base):
    out = list(base)
    parts = path.split("/")
    for index, part in enumerate(parts):
        plain = part.lower().replace("%2e", ".")
        is_last = index == len(parts) - 1
        if plain == "..":
            if out:
                out.pop()
            if is_last:
                out.append("")
        elif plain == ".":
            if is_last:
                out.append("")
        else:
            out.append(encode(part, PATH))
    return out


def parse(text, base=None):
    """A Url; None where the text is none."""
    text = re.sub(r"[\t\n\r]", "", text.strip("".join(map(chr, range(0x21)))))
    text, hash_, fragment = text.partition("#")
    fragment = encode(fragment, FRAGMENT) if hash_ else None
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    scheme = match[1].lower() if match else None
    if scheme is None:
        if base is None or base.is_opaque and (text or not hash_):
            return None
        if base.is_opaque:
            return Url(base.scheme, base.auth, base.host, base.path, base.query, fragment)
        return relative(text, base, fragment)
    text = text[match.end():]
    if scheme not in SPECIAL:
        if text.startswith("/"):
            return None if text.startswith("//") else rooted(scheme, text, fragment)
        path, mark, query = text.partition("?")
        return Url(scheme, "", None, encode(path, ""), encode(query, ' "#<>') if mark else None, fragment)
    if base and base.scheme == scheme and not re.match(r"[/\\]", text):
        return relative(text, base, fragment)
    path, mark, query = text.partition("?")
    path = path.replace("\\", "/")
    query = encode(query, QUERY) if mark else None
    if scheme == "file":
        host, path = ("", path)
        if path.startswith("//"):
            host, _, path = path[2:].partition("/")
        host = "" if host.lower() == "localhost" else host.lower()
        return Url(scheme, "", host, segments(path.removeprefix("/"), []), query, fragment)
    authority, _, path = path.lstrip("/").partition("/")
    return with_authority(scheme, authority, path, query, fragment)


def rooted(scheme, text, fragment):
    path, mark, query = text.partition("?")
    query = encode(query, ' "#<>') if mark else None
    return Url(scheme, "", None, segments(path[1:], []), query, fragment)


def with_authority(scheme, authority, path, query, fragment):
    auth, at, host = authority.rpartition("@")
    match = re.fullmatch(r"([a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::(\d*))?", host.lower())
    if not match:
        return None
    port = match[2] and str(int(match[2]))
    host = match[1] if not port or port == SPECIAL[scheme] else match[1] + ":" + port
    return Url(scheme, auth if at else "", host, segments(path, []), query, fragment)


def relative(text, base, fragment):
    path, mark, query = text.partition("?")
    path = path.replace("\\", "/")
    if mark:
        query = encode(query, QUERY)
    elif path == "":
        query = base.query
    else:
        query = None
    if path.startswith("//"):
        if base.scheme == "file":
            return parse("file:" + text)
        authority, _, path = path[2:].partition("/")
        return with_authority(base.scheme, authority, path, query, fragment)
    if path == "":
        found = base.path
    elif path.startswith("/"):
        found = segments(path[1:], [])
    else:
        found = segments(path, base.path[:-1])
    return Url(base.scheme, base.auth, base.host, found, query, fragment)
