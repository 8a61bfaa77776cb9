"""The project: config files, import map, workspace, lock."""

import hashlib
import json
import os
import re
from urllib.parse import quote, unquote

from url import parse

EXACT = r"(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?"


class NoHash(Exception):
    pass


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def path_of(url):
    return unquote(parse(url).pathname)


def read_json(url):
    data = read(path_of(url))
    if data is None:
        return None
    text = data.decode("utf-8-sig")
    text = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*[\s\S]*?\*/', lambda m: m[1] or " ", text)
    return json.loads(re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', lambda m: m[1] or "", text))


def package(specifier):
    """Kind, name, range and path of an npm: or jsr: specifier."""
    match = re.fullmatch(r"(npm|jsr):/?((?:@[^/@]+/)?[^/@]+)(?:@([^/]*))?(/[\s\S]*)?", specifier)
    if not match:
        return None
    kind, name, range_, path = match.groups()
    return kind, name, unquote(range_ or ""), "" if path in (None, "/") else path


def satisfies(version, range_):
    """Exact versions, `^`, `~` and `*` only."""
    if range_ in ("", "*"):
        return "-" not in version
    found, wanted = re.fullmatch(EXACT, version), re.fullmatch(r"([~^]?)(\d+)(?:\.(\d+))?(?:\.(\d+))?", range_)
    if not found or not wanted or found[4]:
        return version == range_
    numbers = tuple(int(found[i]) for i in (1, 2, 3))
    given = [int(n) for n in wanted.groups()[1:] if n is not None]
    low = tuple(given + [0] * (3 - len(given)))
    if numbers < low:
        return False
    if wanted[1] == "^":
        kept = next((i for i, n in enumerate(given) if n), len(given) - 1) + 1
    elif wanted[1] == "~":
        kept = min(2, len(given))
    else:
        kept = len(given)
    return numbers[:kept] == low[:kept]


class Folder:
    def __init__(self, url, file, deno, npm):
        self.url, self.file, self.deno, self.npm = url, file, deno, npm

    @property
    def members(self):
        listed = (self.deno or {}).get("workspace")
        if listed is None:
            listed = (self.npm or {}).get("workspaces", [])
        return listed if isinstance(listed, list) else listed.get("members", listed.get("packages", []))


def read_folder(url):
    deno, name = read_json(url + "deno.json"), "deno.json"
    if deno is None:
        deno, name = read_json(url + "deno.jsonc"), "deno.jsonc"
    npm = read_json(url + "package.json")
    if deno is None and npm is None:
        return None
    return Folder(url, url + (name if deno is not None else "package.json"), deno, npm)


def join(specifier, base):
    url = parse(specifier, parse(base))
    return None if url is None else url.href


def folders_of(top, patterns):
    urls = []
    for pattern in patterns:
        plain = pattern.rstrip("/")
        if not plain.endswith("*"):
            urls.append(join(plain + "/", top.url))
            continue
        parent = join(plain.rstrip("*"), top.url)
        names = sorted(e.name for e in os.scandir(path_of(parent)) if e.is_dir())
        urls += [join("./" + name + "/", parent) for name in names]
    found = [read_folder(url) for url in dict.fromkeys(urls)]
    return [folder for folder in found if folder]


def find(root):
    """The config above a root, and the root of its workspace."""
    if not root.startswith("file:"):
        return None, None
    own, npm, url = None, None, join("./", root)
    while own is None:
        folder = read_folder(url)
        if folder and folder.deno is not None:
            own = folder
            own.npm = own.npm or (npm and npm.npm)
        npm = npm or folder
        above = join("../", url)
        if above == url:
            break
        url = above
    own = own or npm
    if own is None or (own.deno or {}).get("workspace") is not None:
        return own, own
    url = own.url
    while join("../", url) != url:
        url = join("../", url)
        folder = read_folder(url)
        if folder and any(m.url == own.url for m in folders_of(folder, folder.members)):
            return own, folder
    return own, own


class ImportMap:
    """The algorithm of the HTML standard."""

    def __init__(self, imports, scopes):
        self.imports = self.sorted(imports)
        self.scopes = sorted(((k, self.sorted(v)) for k, v in scopes.items()), reverse=True)

    @staticmethod
    def sorted(entries):
        return sorted(((k, v) for k, v in entries.items() if k), reverse=True, key=lambda e: e[0].encode("utf-16-be"))

    def resolve(self, specifier, importer):
        """A URL; None where it is bare or blocked."""
        url = as_url(specifier, importer)
        key = url or specifier
        for prefix, entries in self.scopes + [("", self.imports)]:
            if prefix not in ("", importer) and not (prefix.endswith("/") and importer.startswith(prefix)):
                continue
            for known, address in entries:
                if known == key:
                    return address
                is_plain = url is None or re.match(r"(https?|file|wss?|ftp):", url)
                if not (known.endswith("/") and key.startswith(known) and is_plain):
                    continue
                rest = key[len(known):]
                if address is None:
                    return None
                found = join(rest, address)
                if found is None:
                    return address + rest
                return found if found.startswith(address) else None
        return url


def as_url(specifier, base):
    if re.match(r"/|\.\.?/", specifier):
        return join(specifier, base)
    url = parse(specifier)
    return None if url is None else url.href


def with_packages(imports):
    out = {}
    for key, address in imports.items():
        match = re.match(r"(jsr|npm):/?(.+?)/?$", address or "")
        if match and not key.endswith("/"):
            out[key + "/"] = "%s:/%s/" % match.groups()
    return {**out, **imports}


def normal_entries(entries, file):
    return {as_url(k, file) or k: None if v is None else as_url(v, file) for k, v in entries.items()}


def target(value):
    if isinstance(value, str):
        return value
    for condition, nested in (value or {}).items():
        if condition in ("deno", "import", "node", "module-sync", "default"):
            return target(nested)
    return None


class Governing:
    """The compiler options of each module."""

    def __init__(self, top, members):
        self.top, self.members = given_options(top and top.deno), []
        for folder in members:
            if folder.url == top.url:
                continue
            own = given_options(folder.deno)
            is_any = self.top is not None or own is not None
            self.members.append((folder.url, {**(self.top or {}), **(own or {})} if is_any else None))
        self.members.sort(key=lambda entry: -len(entry[0]))
        self.tsconfigs = {}
        if top is not None and None in [self.top] + [options for _, options in self.members]:
            paths = {path_of(folder.url) + "tsconfig.json" for folder in [top] + members}
            for path in sorted(paths, key=lambda p: [part.encode() for part in p.split("/")]):
                self.visit(path, [])
        for options in [self.top, *(o for _, o in self.members), *(c.options for c in self.tsconfigs.values())]:
            check_all(options or {})

    def visit(self, path, above):
        if path in self.tsconfigs or path in above:
            return True
        config = TsConfig.read(path, [])
        if config is None:
            return False
        for reference in config.references:
            target = absolute(reference, os.path.dirname(path))
            if not self.visit(target, above + [path]):
                self.visit(target + "/tsconfig.json", above + [path])
        self.tsconfigs[path] = config
        return True

    def of(self, url, media):
        options = next((o for folder, o in self.members if url.startswith(folder)), self.top)
        if options is None and url.startswith("file:"):
            path = path_of(url)
            options = next((c.options for c in self.tsconfigs.values() if c.includes(path)), None)
        check_types(options or {}, media)
        return options or {}


def given_options(config):
    given = (config or {}).get("compilerOptions")
    if given is not None and not isinstance(given, dict):
        raise NoHash("options that are no object")
    return given


def check_all(options):
    jsx = options.get("jsx", "react")
    if isinstance(jsx, str) and jsx not in ("react", "react-jsx", "react-jsxdev", "precompile", "preserve"):
        raise NoHash("jsx")
    if jsx == "react" and any(options.get(key) is not None for key in ("jsxImportSource", "jsxImportSourceTypes")):
        raise NoHash("a source without a use")


def check_types(options, media):
    def check(keys, is_right):
        for key in keys.split():
            if key in options and not is_right(options[key]):
                raise NoHash(key)

    def is_name(value):
        parts = value.split(".")
        return parts[0] != "this" and all(re.fullmatch(r"[^\W\d][\w$]*|\$[\w$]*", part) for part in parts)

    if media not in ("jsx", "ts", "tsx"):
        return
    check("checkJs emitDecoratorMetadata experimentalDecorators verbatimModuleSyntax", lambda v: isinstance(v, bool))
    check("jsx jsxFactory jsxFragmentFactory", lambda v: isinstance(v, str))
    check("jsxImportSource", lambda v: v is None or isinstance(v, str))
    check("jsxPrecompileSkipElements",
          lambda v: v is None or isinstance(v, list) and all(isinstance(text, str) for text in v))
    if media != "ts":
        check("jsxFactory jsxFragmentFactory", is_name)


def absolute(text, folder):
    return "/" + os.path.normpath(os.path.join(folder, text)).lstrip("/")


def is_below(path, folder):
    return path == folder or path.startswith(folder.rstrip("/") + "/")


class TsConfig:
    @staticmethod
    def read(path, above):
        data = None if path in above else read_json("file://" + quote(path))
        return None if data is None else TsConfig(path, data, above + [path])

    def __init__(self, path, data, above):
        self.folder, self.options = os.path.dirname(path), {}
        self.files = self.include = self.exclude = None
        extended = data.get("extends", [])
        for specifier in [extended] if isinstance(extended, str) else extended:
            base = self.base(specifier, above)
            if base:
                self.options.update(base.options)
                for key in ("files", "include", "exclude"):
                    if getattr(base, key) is not None:
                        setattr(self, key, getattr(base, key))
        self.options.update(given_options(data) or {})
        if "files" in data:
            self.files = [absolute(text, self.folder) for text in data["files"]]
        self.include = self.globs(data, "include", self.include)
        if self.include is None and self.files is not None:
            self.include = []
        self.exclude = self.globs(data, "exclude", self.exclude)
        self.references = [entry["path"] for entry in data.get("references", [])]

    def base(self, specifier, above):
        if specifier.startswith(("./", "../", "/", "file:")):
            return TsConfig.read(path_of(join(specifier, "file://" + quote(self.folder + "/"))), above)
        folder = self.folder
        while "/" in specifier:
            found = TsConfig.read(os.path.join(folder, "node_modules", specifier), above)
            if found or folder == "/":
                return found
            folder = os.path.dirname(folder)
        return None

    def globs(self, data, key, inherited):
        if key not in data:
            return inherited
        patterns = [absolute(text, self.folder) for text in data[key]]
        globs = [p for p in patterns if re.search(r"[*?{}\[\]]", p)]
        if any("**" in part and part != "**" for p in globs for part in p.split("/")):
            return inherited
        return [(p, re.compile(self.expression(p), re.I) if p in globs else None) for p in patterns]

    @staticmethod
    def expression(pattern):
        """Each part with its slash before it; a wildcard never takes a dot at the beginning."""
        parts = pattern.split("/")[1:]
        out = ""
        for i, part in enumerate(parts):
            if part == "**":
                out += r"(?:/[^/.][^/]*)+" if i == len(parts) - 1 else r"(?:/[^/.][^/]*)*"
            else:
                text = "".join({"*": "[^/]*", "?": "[^/]"}.get(c) or re.escape(c) for c in part)
                out += "/" + (r"(?!\.)" if part[0] in "*?" else "") + text
        return out

    def includes(self, path):
        def among(patterns):
            return any(r.fullmatch(path) if r else is_below(path, p) for p, r in patterns or [])

        if self.files and path in self.files:
            return True
        if among(self.exclude):
            return False
        return among(self.include) if self.include is not None else is_below(path, self.folder)


class Project:
    def __init__(self, root, config):
        """`config`: a file's URL, None for none, "nearest"."""
        self.lock, self.packages, self.governing = None, [], Governing(None, [])
        self.common_js = None
        self.map = ImportMap({}, {})
        if config == "nearest":
            own, top = find(root)
        elif config is None:
            own = top = None
        else:
            folder = join("./", config)
            own = top = Folder(folder, config, read_json(config), read_json(folder + "package.json"))
        if own is None:
            return
        deno = top.deno or {}
        members = folders_of(top, top.members)
        if own.url not in [top.url] + [m.url for m in members]:
            members.append(own)
        for folder in [top] + members + folders_of(top, deno.get("links", [])):
            self.add_package(folder)
        self.governing = Governing(top, members)
        if "detect-cjs" in deno.get("unstable", []):
            self.common_js = True
        elif any(folder.npm is not None for folder in [top] + members):
            self.common_js = False
        self.read_map(top, members)
        lock = deno.get("lock", True)
        if lock is not False:
            path = lock if isinstance(lock, str) else lock.get("path") if isinstance(lock, dict) else None
            found = read(path_of(join(path or "deno.lock", top.file)))
            self.lock = None if found is None else Lock(json.loads(found))

    def add_package(self, folder):
        data = folder.deno if folder.deno and "name" in folder.deno else folder.npm
        if not data or "name" not in data:
            return
        exports = data.get("exports", data.get("main", "./index.js" if data is folder.npm else {}))
        exports = {".": exports} if isinstance(exports, str) else exports
        paths = {k.removeprefix("."): target(v) for k, v in exports.items()}
        urls = {k: join(v, folder.url) for k, v in paths.items() if v}
        self.packages.append((data["name"], data.get("version"), urls))

    def read_map(self, top, members):
        deno, file = top.deno or {}, top.file
        imports, scopes = with_packages(deno.get("imports", {})), deno.get("scopes", {})
        if "imports" not in deno and "scopes" not in deno and "importMap" in deno:
            file = join(deno["importMap"], file)
            data = read_json(file)
            imports, scopes = data.get("imports", {}), data.get("scopes", {})
        named = {n + path: url for n, _, urls in self.packages for path, url in urls.items()}
        known = {**named, **normal_entries(imports, file)}
        scoped = {}
        for folder in [top] + members:
            own = (folder.deno or {}).get("imports", {})
            found = {k: v for k, v in self.dependencies(folder).items()
                     if k not in known and k.removesuffix("/") not in own}
            scoped.setdefault(folder.url, {}).update(found)
            if folder is top:
                for scope, entries in scopes.items():
                    scoped.setdefault(join(scope, file), {}).update(normal_entries(entries, file))
            elif folder.deno is not None:
                scoped[folder.url].update(normal_entries(with_packages(own), folder.file))
                for scope, entries in folder.deno.get("scopes", {}).items():
                    entries = normal_entries(entries, folder.file)
                    scoped.setdefault(join(scope, folder.file), {}).update(entries)
        self.map = ImportMap(known, {k: v for k, v in scoped.items() if v})

    @staticmethod
    def dependencies(folder):
        npm, out = folder.npm or {}, {}
        for name, range_ in {**npm.get("devDependencies", {}), **npm.get("dependencies", {})}.items():
            if re.match(r"(npm|jsr):", range_):
                out[name] = range_
            elif not re.match(r"[a-z+]+:", range_):
                out[name] = "npm:%s@%s" % (name, quote(range_, safe="!'()*-._~"))
        return with_packages(out)

    def is_common_js(self, url):
        """Whether a file that is no ES module counts as CommonJS."""
        if self.common_js is None or not url.startswith("file:") or re.search(r"\.m[jt]s/*(?:[?#]|$)", url, re.I):
            return False
        folder, npm = join("./", url), None
        while npm is None:
            npm = read_json(folder + "package.json")
            if npm is None and join("../", folder) == folder:
                break
            folder = join("../", folder)
        type_ = (npm or {}).get("type")
        return type_ == "commonjs" or type_ != "module" and (self.common_js or "/node_modules/" in url)

    def in_workspace(self, specifier):
        parts = package(specifier)
        for name, version, urls in self.packages:
            if parts and name == parts[1] and version and satisfies(version, parts[2]):
                return urls.get(parts[3])
        return None


def short(range_):
    """A range with ^, ~ or x in the form in which Deno writes it into a lock."""
    if range_ in ("", "x", "X", "*"):
        return "*"
    match = re.fullmatch(r"([\^~]?)([0-9]+)(?:\.([0-9]+|[xX*]))?(?:\.([0-9]+|[xX*]))?", range_)
    if match is None:
        return re.sub(r"^\^(0\.[1-9][0-9]*\.[0-9]+-)", r"~\1", range_)
    operator, major, minor, patch = (None if g in ("x", "X", "*") else g for g in match.groups())
    if minor is None:
        return major
    if operator == "^" and major == "0" and minor == "0" and patch is not None:
        return range_
    if operator == "^" and major == "0" and patch not in (None, "0"):
        return "~0.%s.%s" % (minor, patch)
    if patch not in (None, "0") or operator == "" and patch is not None:
        return range_
    if operator == "^" and major != "0":
        return major if minor == "0" else "^%s.%s.0" % (major, minor)
    return "%s.%s" % (major, minor)


def field(text):
    """A text without spaces, as the fields of a manifest are written."""
    data = text.encode("utf-8")
    return "".join(chr(b) if 0x20 < b < 0x7F and b != 0x25 else "%%%02X" % b for b in data)


class Lock:
    def __init__(self, data):
        self.data = data if data.get("version") in ("4", "5") else {}
        self.specifiers = self.data.get("specifiers", {})

    def keys(self, kind, name):
        return [k for k in self.data.get(kind, {}) if k[:k.index("@", 1)] == name]

    def find(self, kind, name, range_):
        """The version and the integrity; None where the lock does not know it."""
        locked = self.version(kind, name, range_)
        locked = range_ if locked is None else locked
        key = name + "@" + locked
        if key not in self.data.get(kind, {}):
            return None
        return locked.partition("_")[0] if kind == "npm" else locked, self.closure(kind, key)

    def version(self, kind, name, range_):
        """What the lock says of a range, as it is or in the form that Deno gives it."""
        for text in (range_ or "*", short(range_)):
            if "%s:%s@%s" % (kind, name, text) in self.specifiers:
                return self.specifiers["%s:%s@%s" % (kind, name, text)]
        return None

    def closure(self, kind, key):
        root, lines, pending, is_whole = kind + ":" + key, {}, [(kind, key)], True
        while pending:
            kind, key = pending.pop()
            if kind + ":" + key in lines:
                continue
            entry = self.data.get(kind, {}).get(key, {})
            is_whole = is_whole and "integrity" in entry
            names = {}
            for below in entry.get("dependencies", []) + entry.get("optionalDependencies", []):
                found = self.below_npm(below) if kind == "npm" else self.below_jsr(below)
                is_whole = is_whole and found is not None
                if found:
                    pending.append(found)
                    name = below[: below.find("@", 1)] if "@" in below[1:] else below
                    names[name if kind == "npm" else below] = found[0] + ":" + found[1]
            words = [kind + ":" + key, str(entry.get("integrity"))]
            words += ["platform"] if "os" in entry or "cpu" in entry else []
            pairs = sorted((field(name), field(to)) for name, to in names.items())
            lines[kind + ":" + key] = " ".join(
                [field(w) for w in words] + [w for pair in pairs for w in pair]) + "\n"
        if not is_whole:
            return "-"
        first = lines.pop(root)
        text = "".join([first] + sorted(lines.values())).encode()
        return "closure-sha256-" + hashlib.sha256(text).hexdigest()

    def below_npm(self, text):
        plain = re.sub(r"^.*?@npm:", "", text)
        if "@" in plain[1:]:
            return "npm", plain
        keys = self.keys("npm", plain)
        return ("npm", keys[0]) if len(keys) == 1 else None

    def below_jsr(self, text):
        kind, name, range_, _ = package(text)
        locked = self.version(kind, name, range_)
        if locked is not None:
            return kind, name + "@" + locked
        keys = self.keys(kind, name)
        return (kind, keys[0]) if range_ == "" and len(keys) == 1 else None
