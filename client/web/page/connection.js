// Whether the daemon can be reached. Every request reports here; while it is away the page asks again by itself, and tells all views
// when it is back.

const PULSE = 3000; // milliseconds between two looks whether the daemon is there: a stream that is silent does not tell
const ASK_AGAIN = [500, 1000, 1000, 2000, 2000, 3000]; // milliseconds; the last one for ever

class Connection extends EventTarget {
  state = 'connecting'; // 'ok', 'away'
  message = '';
  since = null;
  #doubting = false;
  #tries = 0;
  #timer = 0;

  /** An answer came. It is no proof that the daemon is back, for the server answers some things by itself. */
  found() {
    if (this.state !== 'away') this.#become('ok', '');
  }

  /** No answer came, and why. */
  lost(message) {
    this.#become('away', message);
    if (!this.#timer) this.#schedule();
  }

  /** Something is unavailable: perhaps the daemon itself. Its status is what it always can tell, so that is asked for. */
  async doubt(message) {
    if (this.state === 'away' || this.#doubting) return;
    this.#doubting = true;
    try {
      const { get } = await import('./api.js');
      await get('status');
    } catch (error) {
      if (error.kind === 'unavailable') this.lost(error.message || message);
    }
    this.#doubting = false;
  }

  /** Goes on looking whether the daemon is there, while somebody sees the page. */
  watch() {
    setInterval(() => {
      if (!document.hidden && this.state !== 'away') this.doubt('');
    }, PULSE);
  }

  #become(state, message) {
    const before = this.state;
    if (state === before && message === this.message) return;
    if (state !== before) this.since = new Date();
    this.state = state;
    this.message = message;
    this.dispatchEvent(new Event('change'));
    if (before === 'away' && state === 'ok') this.dispatchEvent(new Event('back'));
  }

  #schedule() {
    const wait = ASK_AGAIN[Math.min(this.#tries++, ASK_AGAIN.length - 1)];
    this.#timer = setTimeout(() => this.#ask(), wait);
  }

  async #ask() {
    try {
      const { get } = await import('./api.js');
      await get('status');
      this.#back();
    } catch (error) {
      // Whoever refuses us is there.
      if (error.kind === 'away' || error.kind === 'unavailable') this.#schedule();
      else this.#back();
    }
  }

  #back() {
    this.#timer = 0;
    this.#tries = 0;
    this.#become('ok', '');
  }
}

export const connection = new Connection();
