"""A real Chromium, driven headless by chromedriver: pages as people see and use them."""
import contextlib
import json
import os
import shutil
import tempfile

from . import paths
from .wait import until

try:
    from selenium import webdriver
    from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    webdriver = Keys = None

PROGRAMS = ("chromium", "chromedriver")
# No network but loopback, no sandbox of its own (an ordinary user in a container may not make one), nothing that phones home.
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
             "--window-size=1280,900", "--lang=en-US")


def why_not():
    """Why there is no browser on this machine, or None."""
    if webdriver is None:
        return "python3-selenium is not installed"
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    return f"{' and '.join(missing)} is not installed (packages chromium, chromium-driver)" if missing else None


class Browser:
    """What a person does with the page. Clicks are counted."""

    def __init__(self, trace=None):
        """`trace`: categories of Chromium's trace, for trace_events()."""
        self.folder = tempfile.mkdtemp(prefix="bt-web-", dir="/tmp")
        self.downloads = os.path.join(self.folder, "downloads")
        options = Options()
        options.binary_location = shutil.which("chromium")
        for argument in (*ARGUMENTS, f"--user-data-dir={self.folder}/profile"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", **({"performance": "ALL"} if trace else {})})
        if trace:
            options.add_experimental_option("perfLoggingPrefs", {"traceCategories": trace})
        environment = {**os.environ, "HOME": self.folder, "XDG_CONFIG_HOME": self.folder, "XDG_CACHE_HOME": self.folder}
        try:
            self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver"), env=environment), options=options)
        except Exception:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self.driver.set_page_load_timeout(paths.patience())
        self.base = None
        self.clicks = 0
        self.allow_downloads()

    def allow_downloads(self):
        os.makedirs(self.downloads, exist_ok=True)
        self.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=self.downloads)

    def cdp(self, method, **params):
        return self.driver.execute_cdp_cmd(method, params)

    def quit(self):
        with contextlib.suppress(Exception):
            self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Going places

    def open(self, base, place=""):
        """The page as somebody finds it who was never here; then clicks are counted from 0."""
        self.base = base
        self.driver.get("about:blank")
        self.cdp("Storage.clearDataForOrigin", origin=base.split("/", 3)[0] + "//" + base.split("/", 3)[2], storageTypes="all")
        self.driver.get(base + place)
        self.clicks = 0
        return self

    def go(self, place):
        """Another place of the page, as from a link that somebody sent."""
        self.driver.execute_script("location.hash = arguments[0]", place)

    @property
    def place(self):
        return self.script("return location.hash")

    def size(self, width, height=900):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)

    def prefers(self, theme):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    # Looking

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def find(self, css, seconds=60):
        """The first such element that is seen."""
        def look():
            with contextlib.suppress(StaleElementReferenceException):
                return next((element for element in self.all(css) if element.is_displayed()), None)
            return None

        return until(look, lambda: f"{css} is shown\n{self.text()}\n{self.console()}", seconds)

    def text(self, css="body"):
        """What is written there, as it is seen."""
        with contextlib.suppress(NoSuchElementException, StaleElementReferenceException):
            return self.driver.find_element(By.CSS_SELECTOR, css).text
        return ""

    def until_text(self, wanted, css="body", seconds=60):
        until(lambda: wanted in self.text(css), lambda: f"'{wanted}' is in {css}\n{self.text()}\n{self.console()}", seconds)

    def until_gone(self, css, seconds=60):
        until(lambda: not self.sees(css), lambda: f"{css} is gone\n{self.text()}", seconds)

    def sees(self, css):
        return self.script("return [...document.querySelectorAll(arguments[0])].some((element) => element.checkVisibility())", css)

    # Doing

    def click(self, css, text=None):
        """A click with the mouse on the first such element, one with this text when it is given."""
        def clicked():
            # What is drawn anew between the look and the click is looked for again.
            with contextlib.suppress(StaleElementReferenceException):
                for one in self.all(css):
                    if one.is_displayed() and one.is_enabled() and (text is None or text == one.text.strip()):
                        self.script("arguments[0].scrollIntoView({block: 'center'})", one)
                        one.click()
                        return True
            return False

        until(clicked, lambda: f"{css} {text or ''} can be clicked\n{self.text()}\n{self.console()}")
        self.clicks += 1

    def log_in(self, password):
        """Answers the dialog that asks for the password. What it costs is no click of an action's."""
        self.type("#password", password)
        self.press(Keys.ENTER)

    def choose(self, css, value):
        """Chooses an option of a select as soon as it is offered, or a date, as a person does."""
        self.find(css)
        until(lambda: self.script("const {options} = document.querySelector(arguments[0]);"
                                  " return !options || [...options].some((one) => one.value === arguments[1])", css, value), f"{css} offers {value}")
        self.script("const field = document.querySelector(arguments[0]); field.value = arguments[1];"
                    " field.dispatchEvent(new Event('change', {bubbles: true}))", css, value)

    def type(self, css, text):
        element = self.find(css)
        element.clear()
        element.send_keys(text)

    def attribute(self, css, name):
        """An attribute of the first such element that is seen."""
        def look():
            with contextlib.suppress(StaleElementReferenceException):
                return next(((element.get_attribute(name),) for element in self.all(css) if element.is_displayed()), None)
            return None

        return until(look, lambda: f"{css} is shown\n{self.text()}")[0]

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def downloaded(self, name, seconds=60):
        """The bytes of a file that the page gave to save."""
        path = os.path.join(self.downloads, name)
        # The name is taken at once, and the content comes under another one.
        until(lambda: os.path.exists(path) and os.path.getsize(path) and not os.path.exists(path + ".crdownload"), lambda: f"{name} was saved; there is {os.listdir(self.downloads)}", seconds)
        with open(path, "rb") as file:
            content = file.read()
        os.unlink(path)
        return content

    def trace_events(self):
        """What Chromium's trace holds since the last look."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [message["params"] for message in messages if message["method"] == "Tracing.dataCollected"]

    def console(self):
        """What the browser complained of since the last look: errors of scripts, and of the content security policy."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
