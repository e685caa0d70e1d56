"""The status page as its tests have it: as it is shipped, served by batch-web, in a browser."""
import functools
import os
import subprocess

from . import paths
from .web import Web

# BATCHTEST_PAGE: another folder, to try what the tests say of a page that was broken on purpose.
PAGE = os.environ.get("BATCHTEST_PAGE") or os.path.join(paths.BUILD, "client", "web", "bundle")
# What the browser says of answers that the page takes for what they are.
EXPECTED_COMPLAINTS = ("Failed to load resource: the server responded with a status of", "Failed to load resource: net::ERR_")

PASSWORD = "correct horse"


@functools.cache
def password_hash():
    return subprocess.run([paths.BATCH_WEB, "--hash-password"], input=PASSWORD + "\n", capture_output=True, text=True, check=True).stdout


def serve(instance, login=True, **settings):
    """A batch-web with the page, started; with `login` the password PASSWORD lets people act."""
    web = Web(instance, settings={"Page": "yes", "PageDirectory": PAGE, **settings})
    if login:
        with open(web.path("password"), "w", encoding="ascii") as file:
            file.write(password_hash())
        web.settings["PasswordFile"] = web.path("password")
    return web.start()


def address(web, place=""):
    return f"http://127.0.0.1:{web.port}/{place}"


def complaints(browser):
    """What must never be in the console: errors of scripts, violations of the content security policy."""
    return [message for message in browser.console() if not any(expected in message for expected in EXPECTED_COMPLAINTS)]
