// Sets the remembered theme before the first paint; without one the system decides.
(function () {
  try {
    var theme = localStorage.getItem('tally.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch (_) {
    // Storage may be forbidden: the system theme is then right.
  }
})();
