"""Tests run as an ordinary user: PostgreSQL refuses root, and for root no file is unreadable."""
import os
import pwd

USER = "nobody"


def drop_root(*trees):
    """When this process is root it becomes `nobody` for good. Returns why that is not possible, or None."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam(USER)
    child = os.fork()
    if child == 0:
        become(user)
        os._exit(0 if all(os.access(tree, os.R_OK | os.X_OK) for tree in trees) else 1)
    if os.waitpid(child, 0)[1] != 0:
        return f"user {USER} cannot read {' or '.join(trees)}: run tests/run, or the tests as an ordinary user"
    become(user)
    os.environ.update(HOME="/nonexistent", USER=USER, LOGNAME=USER)
    return None


def become(user):
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
