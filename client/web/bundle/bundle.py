"""Makes the status page as it is shipped out of its sources: what the first view needs in one file, all other views in a second one that is
fetched when one of them is wanted, the style sheets in one. A browser asks six times then, not fifty.

    bundle.py SOURCE TARGET DEPFILE: the folder with index.html and its modules, the folder to write to, and the file that tells ninja what
    was read

A bundle holds its modules as they were written, each in a function of its own, so that a name may mean different things in two of them.
The sources are a page that works by itself, too: what is done here changes when things are fetched, and nothing else. Of the language it
knows what the modules use: `import {a, b as c} from './x.js'`, `import('./x.js')`, and `export` before a function, a class or a const.
Anything else is an error that names it."""
import os
import re
import sys
import zlib

ENTRY = "app.js"
FIRST_VIEW = "view_overview.js"
FIRST, REST, STYLE = "first.js", "rest.js", "page.css"
UNCHANGED = ("theme_early.js", "icon.svg")

IMPORT = re.compile(r"^import \{([^}]*)\} from '\./([\w.]+)';\n", re.M)
LATER = re.compile(r"\bimport\('\./([\w.]+)'\)")
EXPORT = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.M)
STATEMENT = re.compile(r"^(?:import|export)\b.*", re.M)
STYLES = re.compile(r"(?: *<link rel=\"stylesheet\" href=\"assets/[\w.]+\">\n)+")
STYLE_NAME = re.compile(r"href=\"assets/([\w.]+)\"")


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def names_of(imported):
    """[(name, what it is called here or '')] of a match of IMPORT."""
    return re.findall(r"(\w+)(?: as (\w+))?", imported.group(1))


class Module:
    def __init__(self, folder, name):
        self.name, self.text = name, read(folder, name)
        self.imports = [(match.group(2), names_of(match)) for match in IMPORT.finditer(self.text)]
        self.later = LATER.findall(self.text)
        self.exports = [match.group(2) for match in EXPORT.finditer(self.text)]
        unknown = STATEMENT.search(EXPORT.sub("", IMPORT.sub("", self.text)))
        if unknown:
            raise SystemExit(f"{name}: {unknown.group(0)}: of no form that bundle.py knows")

    def wrapped(self, bundle):
        """The module as a function; `bundle` has the names of the modules that are there when it runs."""
        def imported(match):
            names = (f"{name}: {alias}" if alias else name for name, alias in names_of(match))
            return f"const {{ {', '.join(names)} }} = modules['{match.group(2)}'];\n"

        def later(match):
            there = f"modules['{match.group(1)}']"
            return f"Promise.resolve({there})" if match.group(1) in bundle else f"import('./{REST}').then(() => {there})"

        text = LATER.sub(later, EXPORT.sub(r"\1 \2", IMPORT.sub(imported, self.text)))
        return f"modules['{self.name}'] = (() => {{\n{text}return {{ {', '.join(self.exports)} }};\n}})();\n"


class Sources:
    """The modules of a folder, each read when it is first asked for."""

    def __init__(self, folder):
        self.folder, self.modules = folder, {}

    def module(self, name):
        if name not in self.modules:
            self.modules[name] = Module(self.folder, name)
        return self.modules[name]

    def add(self, name, order, above=()):
        """Puts a module behind all that it imports, once."""
        if name in above:
            raise SystemExit(f"{' -> '.join((*above, name))}: modules that import each other; one of them can use import() when it needs it")
        if name in order:
            return
        for target, names in self.module(name).imports:
            self.add(target, order, (*above, name))
            for wanted, _ in names:
                if wanted not in self.module(target).exports:
                    raise SystemExit(f"{name}: {target} exports no {wanted}")
        order.append(name)

    def bundles(self):
        """Names of the modules of the first bundle and of the second, in the order in which they run."""
        first = []
        for name in (FIRST_VIEW, ENTRY):
            self.add(name, first)
        both = list(first)
        for name in both:  # grows meanwhile
            for target in self.module(name).later:
                self.add(target, both)
        return first, both[len(first):]


def make(source, target):
    sources = Sources(source)
    first, rest = sources.bundles()
    texts = {name: module.text for name, module in sorted(sources.modules.items())}
    version = f"{zlib.crc32(''.join(texts.values()).encode()):08x}"
    write(target, FIRST, f"// Made by bundle.py of the modules that it names.\nexport const version = '{version}';\nexport const modules = {{}};\n"
          + "".join(sources.module(name).wrapped(first) for name in first))
    # A page that was opened before an upgrade must not go on with modules of after it.
    write(target, REST, f"// Made by bundle.py of the modules that it names.\nimport {{ modules, version }} from './{FIRST}';\n"
          f"if (version !== '{version}') throw new Error('The page has another version than its server.');\n"
          + "".join(sources.module(name).wrapped(first + rest) for name in rest))
    index = read(source, "index.html")
    sheets = STYLES.search(index).group(0)
    write(target, STYLE, "".join(read(source, name) for name in STYLE_NAME.findall(sheets)))
    index = index.replace(sheets, f'  <link rel="stylesheet" href="assets/{STYLE}">\n').replace(f"assets/{ENTRY}", f"assets/{FIRST}")
    write(target, "index.html", index)
    for name in UNCHANGED:
        write(target, name, read(source, name))
    return ["index.html", *STYLE_NAME.findall(sheets), *UNCHANGED, *texts]


def main(source, target, depfile):
    used = make(source, target)
    with open(depfile, "w", encoding="utf-8") as file:
        file.write(f"index.html: {' '.join(os.path.join(source, name) for name in used)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
