// Before the first paint, and therefore no module: a theme that was chosen must not flash in the other colours.
(function () {
  try {
    var theme = localStorage.getItem('batchd.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch (error) {
    // Storage is forbidden: the system's preference holds.
  }
})();
