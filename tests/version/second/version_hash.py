"""
A second implementation of `version_hash`, from the rules of docs/version-hash.md alone.

Reads a list of graphs as JSON from the standard input, and prints a list of their manifests; what
has none is an object with the `error`. A graph has an `entry` (a URL), a `config` (a URL, null or
"nearest"), `live` (URLs), and `remote`: what each URL is answered with, as an object with a
`redirect`, or with a `file` (a path) or `body` (base64) and a `contentType`.
"""

import base64
import hashlib
import json
import os
import re
import stat
import sys
from urllib.parse import unquote_to_bytes

from imports import Import, SyntaxFault, find_imports, has_module_syntax, wasm_imports
from project import NoHash, Project, package, path_of
from url import parse

EXTENSIONS = {"js": "js", "mjs": "js", "ts": "ts", "mts": "ts", "jsx": "jsx", "tsx": "tsx",
              "json": "json", "wasm": "wasm"}
REFINED = {
    "js": "application/javascript text/javascript application/ecmascript text/ecmascript "
          "application/x-javascript application/node",
    "jsx": "text/jscript",
    "ts": "application/typescript text/typescript application/x-typescript video/mp2t "
          "video/vnd.dlna.mpeg-tts",
}
PLAIN = {"text/jsx": "jsx", "text/tsx": "tsx", "application/wasm": "wasm",
         "application/json": "json", "text/json": "json"}
LATIN = ("ascii", "us-ascii", "iso-8859-1", "iso8859-1", "latin1", "l1", "windows-1252", "cp1252")
JSX_OPTIONS = {"jsx": "react", "jsxFactory": "React.createElement", "jsxFragmentFactory": "React.Fragment",
               "jsxImportSource": "react"}
TS_OPTIONS = {"emitDecoratorMetadata": "false", "experimentalDecorators": "false", "verbatimModuleSyntax": "false"}
HOST = "@continuum/continuum"


class Broken(Exception):
    pass


def word(text):
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise NoHash("a lone surrogate")
    return "".join(chr(b) if 0x20 < b < 0x7F and b != 0x25 else "%%%02X" % b for b in data)


def is_relative(text):
    return text.startswith(("./", "../"))


def label_of(url, root):
    if url.scheme not in ("file", "http", "https") or (url.scheme, url.host) != (root.scheme, root.host):
        return url.normal()
    return path_between(root.path[:-1], url)


def path_between(folder, url):
    shared = 0
    while shared < min(len(folder), len(url.path) - 1) and folder[shared] == url.path[shared]:
        shared += 1
    ups = len(folder) - shared
    return ("../" * ups or "./") + "/".join(url.path[shared:]) + url.rest


def resolve_label(label, specifier):
    """What a plainly relative import leads to, by labels alone."""
    if not is_relative(specifier):
        return None
    if not is_relative(label):
        found = parse(specifier, parse(label))
        return found and found.normal()
    depth = len(re.findall(r"(?:\.|%2e)\s*(?:\.|%2e)", label + " " + specifier, re.I)) + 1
    above = ["\ue000nameless"] * depth
    root = parse("http://label/" + "/".join(above) + "/root")
    found = parse(specifier, parse(label, root))
    return path_between(root.path[:-1], found)


def media_type(url, type_, content_type):
    if type_ in ("text", "bytes"):
        return type_
    if type_ == "json":
        return "json" if media_type(url, "module", content_type) == "json" else None
    name = re.search(r"([^/]*)/*$", url.pathname)[1]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    is_declaration = extension in ("ts", "mts", "cts") and ".d." in name[:-len(extension)]
    essence = None if content_type is None else content_type.partition(";")[0].strip().lower()
    if essence is None or url.scheme != "data" and essence in ("text/plain", "application/octet-stream"):
        if is_declaration or url.scheme == "file" and "." not in name:
            return "ts"
        return EXTENSIONS.get(extension)
    for media, types in REFINED.items():
        if essence in types.split(" "):
            if is_declaration:
                return "ts"
            if extension in ("jsx", "tsx"):
                return extension
            if extension == "mts":
                return "js" if media == "js" else "ts"
            return {"mjs": "js", "cjs": None, "cts": None}.get(extension, media)
    return PLAIN.get(essence) or ("json" if essence.endswith("+json") else None)


def text_of(media, data, content_type):
    """The text; a Broken where Deno would read another."""
    if media in ("wasm", "bytes", "text"):
        return ""
    is_wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = data.decode("utf-16" if is_wide else "utf-8-sig", "replace")
    for parameter in (content_type or "").split(";")[1:]:
        if parameter.strip().startswith("charset="):
            charset = parameter.strip()[8:].lower()
            if charset in ("utf-8", "utf8"):
                break
            # Of the Encoding Standard, this knows one charset; the others are refused.
            if is_wide or charset not in LATIN or data.decode("cp1252", "replace") != data.decode("utf-8", "replace"):
                raise Broken("charset")
            break
    return text


def jsx_source(text, options):
    """What JSX imports; None where its runtime is classic."""
    leading = re.match(r"(?:#![^\n]*)?(?:\s+|//[^\n]*|/\*[\s\S]*?\*/)*", text)[0]
    comments = "\n".join(re.findall(r"//[^\n]*|(/\*[\s\S]*?\*/)", leading))

    def pragma(name):
        match = re.search(r"^[\s/*]*@" + name + r"[ \t]+([^\s*]+)", comments, re.M)
        return match and match[1]

    jsx, source = options.get("jsx", "react"), pragma("jsxImportSource")
    is_automatic = source or jsx in ("react-jsx", "react-jsxdev", "precompile")
    runtime = pragma("jsxRuntime") or ("automatic" if is_automatic else "classic")
    if runtime != "automatic":
        return None
    source = source or options.get("jsxImportSource", "react")
    return source + ("/jsx-dev-runtime" if jsx == "react-jsxdev" else "/jsx-runtime")


def written_options(given, defaults):
    out = {}
    for key, usual in defaults.items():
        value = given.get(key)
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            if text != usual:
                out[key] = text
    return out


class Module:
    def __init__(self, url, media, data):
        self.url, self.media, self.data = url, media, data
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.imports, self.broken = [], False


class Graph:
    def __init__(self, given):
        self.entry = given["entry"]
        self.remote = given.get("remote")
        self.live = {parse(url).normal() for url in given.get("live", [])}
        self.project = Project(self.entry, given.get("config"))
        self.answers, self.modules = {}, {}

    def fetch(self, url):
        """The URL that answers, its bytes and content type."""
        if url.scheme == "data":
            match = re.fullmatch(r"data:([^,]*?)(;\s*base64)?,([\s\S]*?)(#.*)?", url.href)
            if not match:
                raise NoHash("a data: URL that is none")
            body = unquote_to_bytes(match[3])
            mime = match[1].strip()
            return url, base64.b64decode(body) if match[2] else body, \
                mime if "/" in mime else "text/plain;charset=US-ASCII"
        if self.remote is None:
            path = path_of(url.href)
            try:
                if not stat.S_ISREG(os.stat(path).st_mode):
                    raise Broken("no regular file")
                with open(path, "rb") as file:
                    return url, file.read(), None
            except (FileNotFoundError, NotADirectoryError):
                raise Broken("no such file")
        href = url.normal()
        for _ in range(11):
            answer = self.remote.get(href)
            if answer is None:
                raise Broken("not found")
            if "redirect" in answer:
                href = answer["redirect"]
                continue
            if "body" in answer:
                data = base64.b64decode(answer["body"])
            else:
                with open(answer["file"], "rb") as file:
                    data = file.read()
            return parse(href), data, answer.get("contentType")
        raise NoHash("too many redirects")

    def load(self, url, type_):
        """Reads a module, and all below it."""
        pending = [(url, type_)]
        while pending:
            url, type_ = pending.pop()
            key = (type_, url.normal())
            if key in self.answers:
                continue
            self.answers[key] = None
            try:
                final, data, content_type = self.fetch(url)
                final = parse(final.normal())
                known = self.modules.get((type_, final.href))
                if known:
                    self.answers[key] = known
                    continue
                media = media_type(final, type_, content_type)
                if type_ == "module" and final.scheme == "file" and re.search(r"\.c[jt]s/*$", final.pathname, re.I) and media is None:
                    raise NoHash("CommonJS that Deno executes")
                if media is None:
                    raise Broken("no media type")
                text = text_of(media, data, content_type)
            except Broken:
                continue
            module = Module(final, media, data)
            self.answers[key] = self.answers[(type_, final.href)] = self.modules[(type_, final.href)] = module
            try:
                self.scan(module, text, type_)
            except (SyntaxFault, ValueError):
                module.broken, module.imports = True, []
            if media in ("js", "jsx", "ts", "tsx") and self.project.is_common_js(final.href):
                if module.broken or not has_module_syntax(text, media):
                    raise NoHash("CommonJS that Deno executes")
            for found in module.imports:
                if found.target[0] == "module":
                    pending.append((found.target[1], found.type))

    def scan(self, module, text, type_):
        if module.media == "json":
            json.loads(text, parse_constant=self.no_constant)
            if type_ == "module":
                raise SyntaxFault("JSON without an attribute")
            return
        if module.media == "wasm":
            found = [Import(name) for name in wasm_imports(module.data)]
        elif module.media in ("text", "bytes"):
            return
        else:
            options = self.project.governing.of(module.url.href, module.media)
            found, has_jsx = find_imports(text, module.media)
            if has_jsx and options.get("jsx") in ("precompile", "preserve"):
                raise NoHash("JSX that is not compiled")
            source = jsx_source(text, written_options(options, JSX_OPTIONS)) if has_jsx else None
            found += [Import(source)] if source else []
        for one in found:
            one.target = self.resolve(one, module.url)
        module.imports = found

    @staticmethod
    def no_constant(name):
        raise ValueError(name)

    def host(self, specifier):
        parts = package(specifier)
        if parts:
            if parts[1] not in (HOST, "@jsr/continuum__continuum"):
                return False
            path = parts[3]
        elif specifier == HOST or specifier.startswith(HOST + "/"):
            path = specifier[len(HOST):]
        elif specifier.startswith("https://jsr.io/" + HOST + "/"):
            inner = re.sub(r"^[^/]*/", "", re.sub(r"[?#].*", "", specifier)[len("https://jsr.io/" + HOST + "/"):])
            path = "/workflow" if inner == "src/workflow/mod.ts" else ""
        else:
            return False
        if path != "/workflow":
            raise NoHash("the engine")
        return True

    def resolve(self, found, importer):
        """As (kind, what)."""
        specifier = found.specifier
        if specifier is None:
            return "computed", None
        if specifier == "":
            return "missing", None
        if self.host(specifier):
            return "host", None
        mapped = self.project.map.resolve(specifier, importer.href)
        if mapped is None:
            return "missing", None
        if self.host(mapped):
            return "host", None
        if mapped.startswith("node:"):
            return "external", (mapped, "-")
        if re.match(r"(npm|jsr):", mapped):
            url = self.project.in_workspace(mapped)
            if url is None:
                return self.external(mapped)
            mapped = url
        url = parse(mapped)
        if url.normal() in self.live:
            return "live", url
        if url.scheme not in ("file", "http", "https", "data"):
            return "missing", None
        if url.scheme == "file" and importer.scheme != "file":
            raise NoHash("a file below what is none")
        if found.type not in ("module", "json", "text", "bytes"):
            return "missing", None
        return "module", url

    def external(self, mapped):
        parts = package(mapped)
        if parts is None:
            return "missing", None
        kind, name, range_, path = parts
        locked = self.project.lock and self.project.lock.find(kind, name, range_)
        version, integrity = locked or (range_, "-")
        return "external", ("%s:%s%s%s" % (kind, name, "@" + version if version else "", path), integrity)

    def module_of(self, found):
        return self.answers.get((found.type, found.target[1].normal()))

    def is_missing(self, found):
        if found.target[0] != "module":
            return found.target[0] == "missing"
        module = self.module_of(found)
        return module is None or module.broken

    def manifest(self):
        url = parse(self.entry)
        self.load(url, "module")
        has_changed = True
        while has_changed:
            has_changed = False
            for module in self.modules.values():
                if not module.broken and any(not i.is_dynamic and self.is_missing(i) for i in module.imports):
                    module.broken = has_changed = True
        root = self.answers[("module", url.normal())]
        if root is None or root.broken:
            raise NoHash("the root can't be loaded")
        return self.write(root)

    def write(self, root):
        lines, seen, pending = set(), {root}, [root]
        while pending:
            module = pending.pop()
            label = label_of(module.url, root.url)
            lines.add("member %s %s %s" % (module.sha256, module.media, word(label)))
            edges = {}
            for found in module.imports:
                kind, what = found.target
                if kind == "computed" or found.specifier == "":
                    continue
                name = recorded(found.specifier)
                if self.is_missing(found):
                    edges.setdefault(name, ("missing", ""))
                    continue
                if kind == "module":
                    target = self.module_of(found)
                    edges[name] = ("member", label_of(target.url, root.url))
                    if target not in seen:
                        seen.add(target)
                        pending.append(target)
                elif kind == "live":
                    edges[name] = ("live", label_of(what, root.url))
                    lines.add("live " + word(edges[name][1]))
                elif kind == "external":
                    edges[name] = ("external", what[0])
                    lines.add("external %s %s" % (word(what[0]), what[1]))
                else:
                    edges[name] = (kind, "")
            for name, (kind, what) in edges.items():
                if kind == "member" and resolve_label(label, name) == what:
                    continue
                target = kind if kind in ("host", "missing") else kind + ":" + what
                lines.add("edge %s %s %s" % (word(label), word(name), word(target)))
        for kinds, defaults in (({"jsx", "tsx"}, JSX_OPTIONS), ({"ts", "tsx"}, TS_OPTIONS)):
            concerned = [m for m in seen if m.media in kinds]
            given = [written_options(self.project.governing.of(m.url.href, m.media), defaults) for m in concerned]
            for key in defaults:
                if len({options.get(key) for options in given}) == 1:
                    if key in given[0]:
                        lines.add("option %s %s" % (word(key), word(given[0][key])))
                    continue
                for module, options in zip(concerned, given):
                    if key in options:
                        label = word(label_of(module.url, root.url))
                        lines.add("option %s %s %s" % (word(key), word(options[key]), label))
        live = {line.split(" ")[1] for line in lines if line.startswith("live ")}
        if live & {line.split(" ")[3] for line in lines if line.startswith("member ")}:
            raise NoHash("a label that is live and a member")
        head = ["continuum-manifest 1", "entry " + word(label_of(root.url, root.url))]
        return "\n".join(head + sorted(lines) + [""])


def recorded(specifier):
    if re.match(r"\s*https?:", specifier, re.I):
        url = parse(specifier)
        if url and url.auth:
            return url.normal()
    return specifier


def main():
    out = []
    for given in json.load(sys.stdin):
        try:
            out.append(Graph(given).manifest())
        except NoHash as error:
            out.append({"error": str(error)})
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main()
