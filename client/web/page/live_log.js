// The output of one run: takes lines as they come, holds them back while paused, brings earlier ones when asked.
import { get } from './api.js';
import { h, replace } from './dom.js';
import { number, plural } from './format.js';
import { LogBuffer, MOST_LINES } from './log_buffer.js';
import { LogView } from './log_view.js';
import { complain } from './toast.js';

const PAGE = 500; // lines that run.tail gives at once
const WIDEST_STEP = 26; // characters of the column of the steps

export class LiveLog {
  buffer = new LogBuffer();
  paused = false;
  over = false;
  #held = []; // lines that came while it was paused
  #heldAway = 0; // held lines that were too many
  #listeners = [];

  constructor(run) {
    this.run = encodeURIComponent(run);
    this.view = new LogView(this.buffer, (follow) => this.setFollow(follow));
    this.earlier = h('div', { class: 'log-earlier' });
    this.nothing = h('p', { class: 'log-nothing muted' }, 'No output yet.');
    this.view.element.prepend(this.earlier);
    this.view.element.append(this.nothing);
  }

  get waiting() {
    return this.#held.length + this.#heldAway;
  }

  onChange(callback) {
    this.#listeners.push(callback);
    callback();
  }

  #changed() {
    for (const listener of this.#listeners) listener();
  }

  take(lines) {
    if (!this.paused) {
      this.#append(lines);
      return;
    }
    for (const line of lines) this.#held.push(line);
    const over = this.#held.length - MOST_LINES;
    if (over > 0) {
      this.#held.splice(0, over);
      this.#heldAway += over;
    }
    this.#changed();
  }

  #append(lines) {
    if (!lines.length) return;
    const fresh = this.buffer.last === null ? lines : lines.filter((line) => line.seq > this.buffer.last);
    if (!fresh.length) return;
    this.#makeRoomForSteps(fresh);
    this.view.appended(this.buffer.append(fresh));
    this.#showEnds();
  }

  /** The column of the steps is as wide as the longest name so far. */
  #makeRoomForSteps(lines) {
    const before = this.widest ?? 0;
    this.widest = lines.reduce((widest, { step, item }) => Math.max(widest, step.length + (item ? item.length + 2 : 0)), before);
    if (this.widest > before) this.view.element.style.setProperty('--step-width', `${Math.min(this.widest, WIDEST_STEP)}ch`);
  }

  setPaused(paused) {
    this.paused = paused;
    if (!paused) {
      this.#append(this.#held.splice(0));
      this.#heldAway = 0;
    }
    this.#changed();
  }

  setFollow(follow) {
    this.view.follow = follow;
    if (follow) this.view.toEnd();
    this.#changed();
  }

  /** While it goes on its box has its height from the beginning, so that nothing moves as lines come. */
  begun() {
    this.view.element.classList.add('log-live');
  }

  ended() {
    this.over = true;
    if (this.paused) this.setPaused(false);
    this.#showEnds();
    this.#changed();
  }

  /** What is missing at the beginning and how to get it; that there is nothing at all. */
  #showEnds() {
    const before = (this.buffer.first ?? 1) - 1;
    this.nothing.hidden = this.buffer.last !== null;
    this.nothing.textContent = this.over ? 'The run wrote no output.' : 'No output yet.';
    const room = MOST_LINES - this.buffer.lines.length;
    const many = Math.min(before, room, 20 * PAGE);
    replace(
      this.earlier,
      before > 0 ? h('span', { class: 'muted' }, `${plural(before, 'earlier line')} not shown.`) : null,
      before > 0 && room > 0
        ? h(
            'button',
            { class: 'button small', type: 'button', onclick: (event) => this.loadEarlier(many, event.target) },
            `Show ${many === before ? 'them' : number(many)}`,
          )
        : null,
      before > 0 && room <= 0 ? h('span', { class: 'muted' }, 'That is as much as a page holds; the download has all of it.') : null,
      this.buffer.missed ? h('strong', null, `${plural(this.buffer.missed, 'line')} missed; the download has them.`) : null,
    );
  }

  /** Brings up to so many lines from before the first that is shown. */
  async loadEarlier(count, button) {
    button.disabled = true;
    const first = this.buffer.first;
    const lines = [];
    try {
      let after = Math.max(0, first - 1 - count);
      while (after < first - 1) {
        const page = await get(`runs/${this.run}/lines`, { after });
        if (!page.lines.length) break;
        for (const line of page.lines) if (line.seq < first) lines.push(line);
        after = page.lines.at(-1).seq;
      }
    } catch (error) {
      complain(error);
    }
    if (lines.length) {
      this.setFollow(false);
      this.buffer.prepend(lines);
      this.view.redraw();
      this.view.show(first);
    }
    this.#showEnds();
  }

  end() {
    this.view.end();
  }
}
