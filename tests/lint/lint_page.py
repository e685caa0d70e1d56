"""The status page: every file that is named exists and none is left over; nothing that the content security policy forbids or that could
read data as markup; where Node is installed, that every module can be parsed."""
import os
import re
import shutil
import subprocess

from source import Complaints, ROOT, files, line_of, read

FOLDER = "client/web/page/"
IMPORT = re.compile(r"""(?:\bfrom\s+|\bimport\s*\(?\s*)['"]([^'"]+)['"]""")
ASSET = re.compile(r"""(?:src|href)="(assets/[^"]+)\"""")
FORBIDDEN = [
    (re.compile(r"\.(?:innerHTML|outerHTML)\b|insertAdjacentHTML|document\.write\b|\bDOMParser\b|createContextualFragment"),
     "text reaches the page as text: dom.js"),
    (re.compile(r"\beval\s*\(|new Function\b|setTimeout\(\s*['\"]"), "the content security policy forbids it"),
    (re.compile(r"setAttribute\(\s*['\"]style"), "the content security policy forbids it: use element.style"),
    (re.compile(r"""['"(](?:https?:)?//(?!www\.w3\.org/)[a-z]"""), "the page takes nothing from elsewhere"),
    (re.compile(r"""(?:fetch|new URL|href:|src:)\(?\s*['"`]/"""), "addresses are relative: the page may live below a prefix"),
    (re.compile(r"\bconsole\.|\bdebugger\b"), "left over from trying something out"),
]
MARKUP = [
    (re.compile(r"<style|\sstyle="), "no inline style"),
    (re.compile(r"\son[a-z]+="), "no inline script"),
    (re.compile(r"<script(?![^>]*\ssrc=)"), "no inline script"),
    (re.compile(r"""(?:src|href)="/"""), "addresses are relative: the page may live below a prefix"),
]
WIDEST = 180


def check_names(names, complaints):
    """Follows the names from index.html on."""
    reached, todo = set(), ["index.html"]
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        text = read(FOLDER + name)
        for match in (ASSET if name.endswith(".html") else IMPORT).finditer(text):
            target = match.group(1).removeprefix("assets/").removeprefix("./")
            if target in names:
                todo.append(target)
            else:
                complaints.add(FOLDER + name, line_of(text, match.start()), f"there is no {target}")
    for name in sorted(names - reached):
        complaints.add(FOLDER + name, 1, "nothing uses it")


def check_text(name, complaints):
    text = read(FOLDER + name)
    for pattern, why in MARKUP if name.endswith(".html") else FORBIDDEN if name.endswith(".js") else []:
        for match in pattern.finditer(text):
            complaints.add(FOLDER + name, line_of(text, match.start()), f"{match.group(0).strip()}: {why}")
    if name.endswith(".js"):
        if not text.startswith("// "):
            complaints.add(FOLDER + name, 1, "begins without saying what it is for")
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > WIDEST:
                complaints.add(FOLDER + name, number, f"{len(line)} characters")
    if "@import" in text or "url(" in text:
        complaints.add(FOLDER + name, 1, "style sheets take nothing from elsewhere")


# Parses every module in one process, runs none, and prints those that cannot be parsed.
PARSER = """
const vm = require('vm'), fs = require('fs');
for (const path of process.argv.slice(1)) {
  try {
    new vm.SourceTextModule(fs.readFileSync(path, 'utf8'));
  } catch {
    console.log(path);
  }
}
"""


def check_syntax(names, complaints):
    node = shutil.which("node")
    if not node:
        return
    modules = [os.path.join(ROOT, FOLDER, name) for name in sorted(names) if name.endswith(".js")]
    result = subprocess.run([node, "--experimental-vm-modules", "--no-warnings", "-e", PARSER, *modules], capture_output=True, text=True, check=True)
    for path in result.stdout.splitlines():
        with open(path, "rb") as file:
            said = subprocess.run([node, "--input-type=module", "--check"], stdin=file, capture_output=True, text=True, check=False).stderr
        line = re.match(r"[^\n]*:(\d+)\n", said)
        complaints.add(os.path.relpath(path, ROOT), int(line.group(1)) if line else 1, re.search(r"\w*Error: .*|$", said).group(0))


def main():
    complaints = Complaints()
    names = {path.removeprefix(FOLDER) for path in files() if path.startswith(FOLDER)}
    check_names(names, complaints)
    for name in sorted(names):
        check_text(name, complaints)
    check_syntax(names, complaints)
    complaints.finish(f"{len(names)} files")


main()
