"""Where in a TOML text each key stands, so that a problem with a value can name its line.

tomllib gives values without positions, and no well-kept library adds them; this walks a text that tomllib has
already accepted, so it only has to find keys, never to judge syntax. No values leave this room.
"""

from __future__ import annotations

import tomllib

Path = tuple[str | int, ...]
"""A place in a document: table names, keys, and positions (from 0) in arrays."""

_SPACE = " \t\r\n"
_VALUE_ENDS = ",]}#\n"


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and array element of a valid TOML document."""
    return _Walk(text).run()


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of the nearest place that has one: the path itself, or what it lies in; 1 for the document."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}
        self._counted = (0, 1)

    def run(self) -> dict[Path, int]:
        table: Path = ()
        self.skip_space()
        while self.at < len(self.text):
            if self.text.startswith("[[", self.at):
                table = self.header(2, repeated=True)
            elif self.peek() == "[":
                table = self.header(1, repeated=False)
            else:
                self.pair(table)
            self.skip_space()
        return self.lines

    def header(self, brackets: int, *, repeated: bool) -> Path:
        line = self.line()
        self.at += brackets
        names = self.key()
        self.at += brackets
        path: Path = ()
        for name in names[:-1]:
            path = self.inside((*path, name))
        path += (names[-1],)
        if repeated:
            index = self.counts.get(path, 0)
            self.counts[path] = index + 1
            self.lines.setdefault(path, line)
            path += (index,)
        else:
            path = self.inside(path)
        self.lines[path] = line
        return path

    def inside(self, path: Path) -> Path:
        """A name that holds an array of tables means the last of them."""
        return (*path, self.counts[path] - 1) if path in self.counts else path

    def pair(self, table: Path) -> None:
        line = self.line()
        path = table + tuple(self.key())
        for length in range(len(table) + 1, len(path) + 1):
            self.lines.setdefault(path[:length], line)
        self.at += 1  # the equals sign
        self.value(path)

    def key(self) -> list[str]:
        """A dotted key, up to what follows it."""
        names = []
        while True:
            self.skip_blank()
            start = self.at
            if self.peek() in "\"'":
                self.string()
                names.append(str(tomllib.loads(f"k = {self.text[start : self.at]}")["k"]))
            else:
                while self.peek() not in ".=] \t":
                    self.at += 1
                names.append(self.text[start : self.at])
            self.skip_blank()
            if self.peek() != ".":
                return names
            self.at += 1

    def value(self, path: Path) -> None:
        self.skip_blank()
        if self.peek() in "\"'":
            self.string()
        elif self.peek() == "[":
            self.array(path)
        elif self.peek() == "{":
            self.inline_table(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in _VALUE_ENDS:
                self.at += 1

    def array(self, path: Path) -> None:
        self.at += 1
        index = 0
        self.skip_space()
        while self.peek() != "]":
            self.lines[(*path, index)] = self.line()
            self.value((*path, index))
            index += 1
            self.skip_space()
            if self.peek() == ",":
                self.at += 1
                self.skip_space()
        self.at += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        self.skip_space()
        while self.peek() != "}":
            self.pair(path)
            self.skip_space()
            if self.peek() == ",":
                self.at += 1
                self.skip_space()
        self.at += 1

    def string(self) -> None:
        quote = self.peek()
        if self.text.startswith(quote * 3, self.at):
            self.multiline_string(quote)
            return
        self.at += 1
        while self.peek() != quote:
            self.at += 2 if self.peek() == "\\" and quote == '"' else 1
        self.at += 1

    def multiline_string(self, quote: str) -> None:
        self.at += 3
        while not self.text.startswith(quote * 3, self.at):
            self.at += 2 if self.peek() == "\\" and quote == '"' else 1
        # Up to two quotes may stand right before the closing three.
        self.at += 3
        for _ in range(2):
            self.at += self.peek() == quote

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else "\0"

    def skip_blank(self) -> None:
        while self.peek() in " \t":
            self.at += 1

    def skip_space(self) -> None:
        """Blanks, line ends and comments."""
        while self.at < len(self.text) and (self.text[self.at] in _SPACE or self.text[self.at] == "#"):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                self.at += 1

    def line(self) -> int:
        """The line of the place reached, counted on from the last time, as places only grow."""
        place, line = self._counted
        self._counted = (self.at, line + self.text.count("\n", place, self.at))
        return self._counted[1]
