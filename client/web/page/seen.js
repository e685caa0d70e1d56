// Streams only while somebody looks: a browser opens six connections to a server at most, and the tabs in the background would take them.

const GRACE = 10000; // milliseconds that a hidden page keeps its stream, for who just looks away

/** Calls start(signal) when the page is seen, and ends its signal when it has been hidden for a while or the life ends. */
export function whileSeen(life, start) {
  let running = null;
  let timer = 0;
  const stop = () => {
    running?.abort();
    running = null;
  };
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(stop, GRACE);
    } else if (!running) {
      running = new AbortController();
      start(running.signal);
    }
  };
  life.on(document, 'visibilitychange', look);
  // A page that was left may be kept by the browser for Back, with its connections.
  life.on(globalThis, 'pagehide', stop);
  life.on(globalThis, 'pageshow', look);
  life.atEnd(() => {
    clearTimeout(timer);
    stop();
  });
  look();
}
