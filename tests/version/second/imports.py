"""
The imports of a module, by a small lexer of its own.

It reads well-formed modules in which: a regular expression does not follow `)` or `}`; an `import()` in a type stands in a `type` statement,
in `declare`, or right after `:`, `<`, `|`, `&` or `typeof`. Syntax errors are found where brackets,
strings or comments do not end, where an `import` or `export` statement is none, and, of early errors
and misplaced words, where `is_faulty` knows them.
"""

import re

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n\r\u2028\u2029]*|/\*[\s\S]*?\*/)
    |(?P<string>"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*')
    |(?P<word>[\w$\#\u0080-\U0010ffff]+)
    |(?P<mark>=>|\.\.\.|\?\.|[^\s\w])""",
    re.X,
)
REGEXP = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
BRACKETS = {"(": ")", "[": "]", "{": "}"}
KEYWORDS = ("return", "typeof", "case", "await", "yield", "default", "in", "of", "void", "do", "else")


class SyntaxFault(Exception):
    pass


class Import:
    """The type is "module" where there is none, and "" where it is computed."""

    def __init__(self, specifier, type_=None, is_dynamic=False):
        self.specifier, self.is_dynamic = specifier, is_dynamic
        self.type = "module" if type_ is None else type_


def unescape(text):
    def one(match):
        code = match[1]
        if code[0] in "\n\r\u2028\u2029":
            return ""
        if code[0] == "x":
            return chr(int(code[1:], 16))
        if code[0] == "u":
            return chr(int(code[1:].strip("{}"), 16))
        return ESCAPES.get(code, code)

    pattern = r"\\(\r\n|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]+\}|[\s\S])"
    plain = re.sub(pattern, one, text)
    # Two escapes may be one character.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


class Lexer:
    """Kind and text of each token; templates are ("template", text), with None where they compute."""

    def __init__(self, text, is_jsx):
        self.text, self.is_jsx, self.has_jsx, self.out = text, is_jsx, False, []
        match = re.match(r"#![^\n]*", text)
        self.code(match.end() if match else 0, None)

    def is_operand(self):
        """Whether the last token ends an operand, so that `/` and `<` are operators."""
        kind, value = self.out[-1] if self.out else ("mark", ";")
        if kind == "mark":
            return value in (")", "]", "}")
        return value not in KEYWORDS

    def code(self, at, closer):
        """Reads up to a closing bracket, or the end; where it ends."""
        text, out = self.text, self.out
        while at < len(text):
            if closer is not None and text[at] == closer:
                out.append(("mark", closer))
                return at + 1
            if text[at] == "`":
                at = self.template(at + 1)
                continue
            if not self.is_operand() and text[at] in "/<":
                match = REGEXP.match(text, at) if text[at + 1:at + 2] not in "/*" else None
                if match:
                    out.append(("regexp", match[0]))
                    at = match.end()
                    continue
                if self.is_jsx and re.match(r"<[\w$>]", text[at:at + 2]):
                    self.has_jsx = True
                    at = self.element(at)
                    out.append(("regexp", "<>"))
                    continue
            match = TOKEN.match(text, at)
            if not match or match[0] in ("'", '"', ")", "]", "}") or text.startswith("/*", at) and match.lastgroup == "mark":
                raise SyntaxFault("a string, comment or bracket that is not closed, or not opened")
            at = match.end()
            if match.lastgroup != "space":
                out.append((match.lastgroup, match[0]))
            if match[0] in BRACKETS:
                at = self.code(at, BRACKETS[match[0]])
        if closer is not None:
            raise SyntaxFault("a bracket is not closed")
        return at

    def template(self, at):
        """From the character after the back quote."""
        start, is_whole = at, True
        while at < len(self.text) and self.text[at] != "`":
            if self.text.startswith("${", at):
                is_whole = False
                self.out.append(("mark", "("))
                at = self.code(at + 2, "}")
                self.out[-1] = ("mark", ")")
            else:
                at += 2 if self.text[at] == "\\" else 1
        if at >= len(self.text):
            raise SyntaxFault("a template does not end")
        self.out.append(("template", unescape(self.text[start:at]) if is_whole else None))
        return at + 1

    def element(self, at):
        """From the `<` of an element or fragment."""
        at = self.tag(at + 1)
        if self.text[at - 2] == "/":
            return at
        while at < len(self.text):
            if self.text.startswith("</", at):
                return self.tag(at + 2)
            if self.text[at] == "<":
                at = self.element(at)
            elif self.text[at] == "{":
                at = self.braces(at)
            else:
                at += 1
        raise SyntaxFault("an element does not end")

    def tag(self, at):
        """The rest of a tag, after its `<` or `</`."""
        while at < len(self.text) and self.text[at] != ">":
            match = re.compile(r"\"[^\"]*\"|'[^']*'").match(self.text, at)
            if match:
                at = match.end()
            elif self.text[at] == "{":
                at = self.braces(at)
            else:
                at += 1
        if at >= len(self.text):
            raise SyntaxFault("a tag does not end")
        return at + 1

    def braces(self, at):
        self.out.append(("mark", "{"))
        return self.code(at + 1, "}")


def is_faulty(found):
    """Whether a statement outside of brackets is one of some that no module can have."""
    level, declared, statement = 0, set(), []
    for kind, value in found + [("mark", ";")]:
        if kind == "mark":
            level += (value in "([{") - (value in ")]}")
        if level or value != ";":
            statement.append((kind, value))
            continue
        words = [value for _, value in statement]
        head, name = (words + ["", ""])[:2]
        if head in ("return", "break", "continue") or head == "const" and words[2:] == []:
            return bool(words)
        if head in ("let", "const", "class"):
            if name in declared or name in ("let", "enum", "await"):
                return True
            declared.add(name)
        if head == "export" and name == "{" and len(words) == 4 and words[2] not in declared:
            return True
        if re.fullmatch(r"\d+", head) and name == "=":
            return True
        statement = []
    return False


def has_module_syntax(text, media):
    """Whether there is an import or export that makes a module; the text is one, or a script."""
    found, level = Lexer(text, media in ("jsx", "tsx")).out, 0
    for at, (kind, value) in enumerate(found):
        level += kind == "mark" and (value in "([{") - (value in ")]}")
        before, after = found[at - 1][1] if at else ";", (found + [("end", "")])[at + 1]
        if level or kind != "word" or value not in ("import", "export") or before in (".", "?.") or after[1] in (":", "=", "(", "."):
            continue
        # What stands up to a string, brace or star, or to the `=` of `import a = b`.
        rest = [word for _, word in found[at + 1:at + 4]]
        is_equals = value == "import" and after[0] == "word" and rest[1:2] == ["="]
        if not is_equals and not (value == "export" and after[1] == "import"):
            return True
    return False


def find_imports(text, media):
    """The imports in the order of the source, and whether there is JSX."""
    lexer = Lexer(text, media in ("jsx", "tsx"))
    found, has_jsx = lexer.out, lexer.has_jsx
    if is_faulty(found):
        raise SyntaxFault("an early error")
    out, at = [], 0
    is_ts = media in ("ts", "tsx")

    def tok(i):
        return found[i] if i < len(found) else ("end", "")

    def literal(i):
        kind, value = tok(i)
        if kind == "string":
            return unescape(value[1:-1])
        return value if kind == "template" else None

    def is_literal(i):
        return tok(i)[0] == "string" or tok(i)[0] == "template" and tok(i)[1] is not None

    def closing(i):
        """The index after the bracket that closes the one at i."""
        level = 0
        while True:
            kind, value = tok(i)
            if kind == "end":
                raise SyntaxFault("a bracket is not closed")
            if kind == "mark":
                level += (value in "([{") - (value in ")]}")
            i += 1
            if level == 0:
                return i

    def properties(i):
        """Keys, each with the index of its value, of an object literal at i; None where one is not plain."""
        end, j, entries = closing(i), i + 1, {}
        while j < end - 1:
            key = literal(j) if tok(j)[0] == "string" else tok(j)[1]
            if tok(j)[0] not in ("string", "word") or tok(j + 1) != ("mark", ":") or key in entries or key == "__proto__":
                return None
            entries[key] = j + 2
            j += 2
            while j < end - 1 and tok(j)[1] != ",":
                j = closing(j) if tok(j)[0] == "mark" and tok(j)[1] in "([{" else j + 1
            j += 1
        return entries

    def attributes(i):
        """The type that the object literal at i asks for, "" where it has another key; False where it computes."""
        entries = properties(i)
        if entries is None or not all(tok(j)[0] == "string" and tok(j + 1)[1] in (",", "}") for j in entries.values()):
            return False
        if not entries:
            return None
        return literal(entries["type"]) if list(entries) == ["type"] else ""

    def options(i):
        """The same of the second argument of a dynamic import."""
        if tok(i)[1] == ")" or tok(i) == ("word", "undefined") and tok(i + 1)[1] in (",", ")"):
            return None
        if tok(i)[1] != "{" or tok(closing(i))[1] not in (",", ")"):
            return False
        entries = properties(i)
        if entries is None or "with" in entries and tok(entries["with"])[1] != "{":
            return False
        if "with" not in entries:
            return None
        j = entries["with"]
        return attributes(j) if tok(closing(j))[1] in (",", "}") else False

    def static(i):
        """A `from` clause, or a plain import, whose specifier is at i."""
        type_ = None
        if tok(i + 1)[1] in ("with", "assert") and tok(i + 2)[1] == "{":
            type_ = attributes(i + 2)
        out.append(Import(literal(i), type_))
        return i + 1

    level = 0
    while at < len(found):
        kind, value = tok(at)
        after = tok(at + 1)
        before = tok(at - 1)[1] if at else ";"
        if kind == "mark":
            level += (value in "([{") - (value in ")]}")
        if is_ts and kind == "word" and value == "declare" and before not in (".", "?.") and after[0] == "word":
            while tok(at)[1] not in ("{", ";", ""):
                at += 1
            at = closing(at) if tok(at)[1] == "{" else at + 1
            continue
        if is_ts and kind == "word" and value == "type" and level == 0 and after[0] == "word" and (
                tok(at + 2)[1] in ("=", "<")) and before in (";", "}", "export", "`"):
            while tok(at)[1] not in (";", ""):
                at = closing(at) if tok(at)[1] in ("{", "(", "[") else at + 1
            continue
        is_name = before in (".", "?.") or after[1] == ":"
        if kind != "word" or value not in ("import", "export") or is_name:
            at += 1
            continue
        if value == "import" and after[1] == ".":
            if tok(at + 2)[1] == "meta" or tok(at + 3)[1] != "(":
                at += 3
                continue
            at += 2
            after = tok(at + 1)
        if value == "import" and after[1] == "(":
            if is_ts and before in (":", "<", "|", "&", "typeof"):
                at += 1
                continue
            specifier, type_ = (literal(at + 2), None) if is_literal(at + 2) else (None, None)
            if specifier is not None and tok(at + 3)[1] not in (",", ")"):
                specifier = None
            if specifier is not None and tok(at + 3)[1] == ",":
                type_ = options(at + 4)
                if type_ is False:
                    specifier, type_ = None, None
            out.append(Import(specifier, type_, True))
            at += 2
            level += 1
            continue
        if value == "import":
            j = at + 1
            if tok(j)[0] == "string":
                at = static(j)
                continue
            is_type = is_ts and tok(j)[1] == "type" and (
                tok(j + 1)[1] in ("{", "*") or tok(j + 1)[0] == "word" and (
                    tok(j + 1)[1] != "from" or tok(j + 2)[1] == "from"))
            while tok(j)[1] not in ("from", "=", ";", "") or tok(j + 1)[0] != "string" and tok(j)[1] == "from":
                j = closing(j) if tok(j)[1] == "{" else j + 1
            if tok(j)[1] == "=":
                at = j + 1
                continue
            if tok(j)[1] != "from":
                raise SyntaxFault("an import that is none")
            at = j + 2 if is_type else static(j + 1)
            continue
        j = at + 1
        is_type = is_ts and tok(j)[1] == "type" and tok(j + 1)[1] in ("{", "*")
        j += is_type
        if tok(j)[1] not in ("{", "*"):
            at += 1
            continue
        if tok(j)[1] == "{":
            j = closing(j)
        else:
            j += 1
            if tok(j)[1] == "as":
                j += 2
        if tok(j)[1] == "from" and tok(j + 1)[0] == "string":
            at = j + 2 if is_type else static(j + 1)
        else:
            at = j
    return out, has_jsx


def wasm_imports(data):
    """The module names that a WebAssembly module imports, each once."""
    if data[:8] != b"\0asm\x01\0\0\0":
        raise SyntaxFault("no wasm")
    at = 8

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def name():
        nonlocal at
        length = number()
        at += length
        return data[at - length:at].decode("utf-8")

    names = []
    while at < len(data):
        section = data[at]
        at += 1
        size = number()
        end = at + size
        if section == 2:
            for _ in range(number()):
                module, _ = name(), name()
                names.append(module)
                kind = data[at]
                at += 1
                if kind == 0:
                    number()
                elif kind == 3:
                    at += 2
                else:
                    at += 1 if kind == 1 else 0
                    if number() & 1:
                        number()
                    number()
        at = end
    return list(dict.fromkeys(names))
