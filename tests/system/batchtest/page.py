"""The status page as its tests have it: the page of this tree, served by batch-web, in a browser."""
import os

from . import paths
from .web import Web

PAGE = os.path.join(paths.SOURCE, "client", "web", "page")
# What the browser says of answers that the page takes for what they are.
EXPECTED_COMPLAINTS = ("Failed to load resource: the server responded with a status of", "Failed to load resource: net::ERR_")

WORDS = ("success", "partial", "failed", "cancelled", "skipped")


def serve(instance, **settings):
    """A batch-web with the page of the source tree, started."""
    return Web(instance, settings={"Page": "yes", "PageDirectory": PAGE, **settings}).start()


def address(web, place=""):
    return f"http://127.0.0.1:{web.port}/{place}"


def complaints(browser):
    """What must never be in the console: errors of scripts, violations of the content security policy."""
    return [message for message in browser.console() if not any(expected in message for expected in EXPECTED_COMPLAINTS)]
