// How long something lives: a view's timers, listeners and requests end with it, and none is forgotten.

export class Life {
  #controller = new AbortController();
  #endings = [];

  get signal() {
    return this.#controller.signal;
  }

  get over() {
    return this.#controller.signal.aborted;
  }

  /** A listener until the end. */
  on(target, type, callback) {
    target.addEventListener(type, callback, { signal: this.signal });
  }

  /** Something to do at the end. */
  atEnd(callback) {
    if (this.over) callback();
    else this.#endings.push(callback);
  }

  /** Calls at once and then every so many milliseconds while the page is seen; the next call waits for the one before. */
  every(milliseconds, callback) {
    let timer = 0;
    const turn = async () => {
      clearTimeout(timer);
      if (this.over) return;
      if (!document.hidden) await callback();
      if (!this.over) {
        clearTimeout(timer);
        timer = setTimeout(turn, milliseconds);
      }
    };
    this.on(document, 'visibilitychange', () => document.hidden || turn());
    this.atEnd(() => clearTimeout(timer));
    turn();
  }

  end() {
    this.#controller.abort();
    for (const ending of this.#endings.splice(0)) ending();
  }
}
