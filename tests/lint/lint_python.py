"""Python: everything compiles, and nothing is imported in vain."""
import ast

from source import Complaints, files, read


def is_python(path):
    return path.endswith(".py") or "." not in path.rsplit("/", 1)[-1] and read(path).startswith("#!/usr/bin/python3")


def main():
    complaints = Complaints()
    checked = [path for path in files() if "/corpus/" not in path and is_python(path)]
    for path in checked:
        text = read(path)
        try:
            tree = ast.parse(text, path)
            compile(text, path, "exec")
        except SyntaxError as error:
            complaints.add(path, error.lineno or 1, error.msg)
            continue
        check_imports(path, tree, complaints)
    complaints.finish(f"{len(checked)} files")


def check_imports(path, tree, complaints):
    if path.endswith("__init__.py"):
        return
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {element.value for node in ast.walk(tree) if isinstance(node, ast.Assign)
             for target in node.targets if isinstance(target, ast.Name) and target.id == "__all__"
             for element in getattr(node.value, "elts", []) if isinstance(element, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__":
            for alias in node.names:
                name = (alias.asname or alias.name).split(".")[0]
                if name not in used:
                    complaints.add(path, node.lineno, f"{name} is imported and not used")


main()
