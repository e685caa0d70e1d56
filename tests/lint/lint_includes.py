"""Who may include whom: the layers, and the one place for each outside library."""
import os
import re

from source import Complaints, files, read

LOOP_AND_BELOW = {"proto/base", "proto/wire", "daemon/core", "daemon/loop", "daemon/logs"}
PORTS = LOOP_AND_BELOW | {"daemon/engine"}
DAEMON = {"daemon/supervise", "daemon/state", "daemon/mirror", "daemon/control", "daemon/systemd"}

# Folder: the folders whose headers it may include beside its own.
ALLOWED = {
    "proto/base": set(),
    "proto/wire": {"proto/base"},
    "daemon/core": {"proto/base", "proto/wire"},
    "daemon/loop": {"proto/base"},
    "daemon/logs": {"proto/base", "proto/wire"},
    "daemon/alert": {"proto/base"},
    "daemon/runner": {"proto/base", "daemon/logs"},
    "daemon/supervise": LOOP_AND_BELOW | {"daemon/runner"},
    "daemon/state": LOOP_AND_BELOW,
    "daemon/mirror": LOOP_AND_BELOW | {"daemon/state"},
    # The engine calls what keeps, runs and mirrors directly: there is one of each. None of them knows the engine.
    "daemon/engine": LOOP_AND_BELOW | {"daemon/supervise", "daemon/state", "daemon/mirror"},
    "daemon/control": PORTS,
    "daemon/systemd": PORTS,
    "daemon/main": PORTS | DAEMON,
    "daemon/worker": {"proto/base", "proto/wire"},
    "client/lib": {"proto/base", "proto/wire"},
    "client/ctl": {"proto/base", "proto/wire", "client/lib"},
    # It serves many at once as the daemon does, by the same loop, talks with the service manager as it does, and its file is read by
    # the reader of the daemon's.
    "client/remote": {"proto/base", "proto/wire", "client/web"},
    "client/web": {"proto/base", "proto/wire", "client/lib", "daemon/loop", "daemon/core", "daemon/systemd"},
}

# Outside header: the folders (or single files) that may include it.
ONLY = {
    "jansson.h": ["proto/wire/jval.c", "proto/wire/json_text.c"],
    "event2/": ["daemon/loop"],
    "event.h": ["daemon/loop"],
    "sqlite3.h": ["daemon/state"],
    "libpq-fe.h": ["daemon/mirror", "daemon/worker"],
    "libpq/": ["daemon/mirror", "daemon/worker"],
    "curl/": ["client/remote", "daemon/alert", "daemon/worker"],
    "systemd/": ["daemon/systemd"],
    "pthread.h": ["proto/base", "daemon/loop", "daemon/state", "daemon/mirror", "daemon/systemd/log_sink.c", "client/web/password.c"],
    "crypt.h": ["client/web/password.c"],
    "sha2.h": ["client/web/secret.c"],
    "zlib.h": ["client/web/assets.c"],
    "cmocka.h": ["tests"],
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def layer_of(path):
    parts = path.split("/")
    return "/".join(parts[:2])


def main():
    complaints = Complaints()
    sources = [path for path in files(".c", ".h") if path.startswith(("proto/", "daemon/", "client/"))]
    headers = {}
    for path in sources:
        if path.endswith(".h"):
            headers.setdefault(os.path.basename(path), []).append(path)
    for layer, reachable in ALLOWED.items():
        check_names(layer, reachable | {layer}, headers, complaints)
    for path in sources:
        check(path, read(path), headers, complaints)
    complaints.finish(f"{len(sources)} files")


def check_names(layer, reachable, headers, complaints):
    for name, paths in headers.items():
        seen = [path for path in paths if layer_of(path) in reachable]
        if len(seen) > 1:
            complaints.add(seen[1], 1, f"{layer} can include two headers named {name} (the other: {seen[0]})")


def check(path, text, headers, complaints):
    if path.endswith(".h") and "#pragma once" not in text:
        complaints.add(path, 1, "a header without #pragma once")
    own = 0
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        kind, name = match.groups()
        if kind == '"':
            own += 1
            check_own(path, line, name, headers, complaints)
        else:
            check_outside(path, line, name, complaints)
    if path.endswith(".h") and own >= 2 and not re.search(r"[;}]", INCLUDE.sub("", text)):
        complaints.add(path, 1, "an umbrella header: it declares nothing and includes others")


def check_own(path, line, name, headers, complaints):
    layer = layer_of(path)
    targets = headers.get(os.path.basename(name), [])
    if not targets or any(layer_of(target) == layer for target in targets):
        return
    allowed = ALLOWED.get(layer, set())
    target = next((target for target in targets if layer_of(target) in allowed), targets[0])
    if layer not in ALLOWED:
        complaints.add(path, line, f"folder {layer} has no row in the table of layers (tests/lint/lint_includes.py)")
    elif layer_of(target) not in allowed:
        complaints.add(path, line, f"{layer} may not include {target}: it may use {', '.join(sorted(allowed)) or 'nobody'}")


def check_outside(path, line, name, complaints):
    for header, places in ONLY.items():
        if (name == header or header.endswith("/") and name.startswith(header)) and not path.startswith(tuple(places)):
            complaints.add(path, line, f"<{name}> is included by {' and '.join(places)} alone")


main()
