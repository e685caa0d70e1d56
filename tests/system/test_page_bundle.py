"""The status page as bundle.py makes it: every module once, names kept apart, and an error for what it does not know."""
import importlib.util
import os
import re

import pytest

from batchtest import paths

SOURCE = os.path.join(paths.SOURCE, "client", "web", "page")
INDEX = '<link rel="stylesheet" href="assets/a.css">\n<script type="module" src="assets/app.js"></script>\n'


@pytest.fixture(scope="module")
def bundle():
    spec = importlib.util.spec_from_file_location("bundle", os.path.join(paths.SOURCE, "client", "web", "bundle", "bundle.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(bundle, tmp_path, **modules):
    """A small page: app, view_overview and what else is given."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir(exist_ok=True)
    target.mkdir(exist_ok=True)
    for name, text in {"index.html": INDEX, "a.css": "a {}\n", "icon.svg": "<svg/>\n", "theme_early.js": "//\n"}.items():
        (source / name).write_text(text)
    for name, text in {"app": "", "view_overview": "", **modules}.items():
        (source / f"{name}.js").write_text(text)
    used = bundle.make(str(source), str(target))
    return {name: (target / name).read_text() for name in os.listdir(target)}, used


def names(text):
    return re.findall(r"^modules\['([\w.]+)'\] = ", text, re.M)


def test_the_page_of_this_tree(bundle, tmp_path):
    used = bundle.make(SOURCE, str(tmp_path))
    assert sorted(used) == sorted(os.listdir(SOURCE)), "every file of the sources is in it"
    first, rest = ((tmp_path / name).read_text() for name in ("first.js", "rest.js"))
    modules = names(first) + names(rest)
    assert sorted(modules) == sorted(name for name in os.listdir(SOURCE) if name.endswith(".js") and name != "theme_early.js")
    assert {"app.js", "view_overview.js", "dom.js"} <= set(names(first)) and {"view_run.js", "live_log.js"} <= set(names(rest))
    index = (tmp_path / "index.html").read_text()
    assert set(re.findall(r'assets/([\w.]+)"', index)) == {"page.css", "first.js", "theme_early.js", "icon.svg"}


def test_names_stay_apart(bundle, tmp_path):
    made, _ = make(bundle, tmp_path, view_overview="import { n } from './one.js';\nconst m = 1;\n", one="const m = 2;\nexport const n = m;\n",
                   app="import { n as other } from './one.js';\nexport async function go() {\n  await import('./far.js');\n  await import('./one.js');\n}\n",
                   far="import { n } from './one.js';\nexport class Far {}\n")
    assert names(made["first.js"]) == ["one.js", "view_overview.js", "app.js"] and names(made["rest.js"]) == ["far.js"]
    for text in ("const { n: other } = modules['one.js'];", "import('./rest.js').then(() => modules['far.js'])", "Promise.resolve(modules['one.js'])",
                 "return { n };"):
        assert text in made["first.js"], made["first.js"]
    assert "import { modules, version } from './first.js';" in made["rest.js"] and "return { Far };" in made["rest.js"]


def test_another_text_is_another_version(bundle, tmp_path):
    version = re.compile(r"version = '(\w+)'")
    one, two = (make(bundle, tmp_path, app=f"// {text}\n")[0] for text in ("one", "two"))
    assert version.search(one["first.js"]).group(1) != version.search(two["first.js"]).group(1)
    assert f"version !== '{version.search(two['first.js']).group(1)}'" in two["rest.js"]


@pytest.mark.parametrize("modules, complaint", [
    ({"app": "import { a } from './a.js';\n", "a": "import { b } from './b.js';\n", "b": "import { a } from './a.js';\n"}, "import each other"),
    ({"app": "import { a } from './a.js';\n", "a": "export const b = 1;\n"}, "app.js: a.js exports no a"),
    ({"app": "import a from './a.js';\n", "a": ""}, "of no form that bundle.py knows"),
    ({"app": "export let a = 1;\n"}, "app.js: export let a = 1;: of no form"),
])
def test_what_it_does_not_know(bundle, tmp_path, modules, complaint):
    with pytest.raises(SystemExit, match=complaint):
        make(bundle, tmp_path, **modules)
