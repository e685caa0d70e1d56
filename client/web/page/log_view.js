// Draws the lines of a buffer. They stand in blocks of a hundred, and only blocks near the visible part are in the document: the others are
// an empty box of the same height. So a hundred thousand lines cost no more than a few hundred, wrapped lines included.
import { h } from './dom.js';
import { lineElement } from './log_line.js';

const BLOCK = 100; // lines
const LINE_HEIGHT = 20; // pixels, of a line that is not wrapped; what a block has really is measured when it is drawn
const NEAR = '800px'; // this far outside the visible part blocks are drawn

export class LogView {
  #buffer;
  #matches = null; // lines that are shown, when only those that match are
  #needle = '';
  #drawn = 0; // lines of the buffer that have a block
  #blocks = [];
  #observer;
  follow = true;

  constructor(buffer, onScrolledAway) {
    this.#buffer = buffer;
    this.body = h('div', { class: 'log-body' });
    this.element = h('div', { class: 'log', tabindex: 0, role: 'log', 'aria-label': 'Output', 'aria-live': 'off' }, this.body);
    this.#observer = new IntersectionObserver((entries) => this.#look(entries), { root: this.element, rootMargin: `${NEAR} 0px` });
    this.element.addEventListener('scroll', () => this.#scrolled(onScrolledAway), { passive: true });
  }

  /** Where the reader scrolls up, following ends; at the end it begins again. */
  #scrolled(onScrolledAway) {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    const up = scrollTop < (this.lastTop ?? 0) - 2;
    const atEnd = scrollHeight - scrollTop - clientHeight < LINE_HEIGHT * 2;
    this.lastTop = scrollTop;
    if (this.follow && up && !atEnd) onScrolledAway(false);
    else if (!this.follow && atEnd && !up) onScrolledAway(true);
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.lastTop = this.element.scrollTop;
  }

  /** New lines of the buffer; `fellOut` of its first ones are gone. */
  appended(fellOut) {
    this.#drawn = Math.max(0, this.#drawn - fellOut);
    const fresh = this.#buffer.lines.slice(this.#drawn);
    this.#drawn = this.#buffer.lines.length;
    this.#addToEnd(this.#matches ? fresh.filter((line) => this.#matchesNeedle(line)) : fresh);
    if (fellOut) this.#dropBefore(this.#buffer.first);
    if (this.follow) this.toEnd();
  }

  /** Everything anew: another filter, earlier lines, cleared. The line at the top of the view stays where it is. */
  redraw() {
    for (const block of this.#blocks) this.#observer.unobserve(block.element);
    this.#blocks = [];
    this.body.replaceChildren();
    this.#drawn = this.#buffer.lines.length;
    this.#addToEnd(this.#matches ? this.#buffer.lines.filter((line) => this.#matchesNeedle(line)) : this.#buffer.lines);
    if (this.follow) this.toEnd();
  }

  /** Marks a text in the lines; with `only` the others are left out. Returns how many lines have it. */
  search(text, only) {
    this.#needle = text.toLowerCase();
    this.#matches = this.#needle && only ? true : null;
    this.redraw();
    return this.#needle ? this.#buffer.lines.filter((line) => this.#matchesNeedle(line)).length : 0;
  }

  #matchesNeedle(line) {
    return line.text.toLowerCase().includes(this.#needle) || line.step.toLowerCase().includes(this.#needle);
  }

  /** Sequence numbers of the lines that match, in their order. */
  found() {
    return this.#needle ? this.#buffer.lines.filter((line) => this.#matchesNeedle(line)).map((line) => line.seq) : [];
  }

  /** Brings the line with this number into view and marks it. */
  show(seq) {
    const block = this.#blocks.find((candidate) => candidate.lines.at(-1).seq >= seq);
    if (!block) return;
    block.element.scrollIntoView({ block: 'center' });
    this.#draw(block);
    this.body.querySelector('.line-here')?.classList.remove('line-here');
    const line = block.element.querySelector(`[data-seq="${seq}"]`);
    line?.classList.add('line-here');
    line?.scrollIntoView({ block: 'center' });
    this.lastTop = this.element.scrollTop;
  }

  #addToEnd(lines) {
    let index = 0;
    const open = this.#blocks.at(-1);
    if (open && open.lines.length < BLOCK) {
      index = Math.min(BLOCK - open.lines.length, lines.length);
      const added = lines.slice(0, index);
      for (const line of added) open.lines.push(line);
      if (open.shown) open.element.append(...added.map((line) => lineElement(line, this.#needle)));
      else this.#keepPlace(open);
    }
    const made = [];
    for (; index < lines.length; index += BLOCK) {
      const block = { lines: lines.slice(index, index + BLOCK), shown: false, element: h('div', { class: 'log-block' }), height: null };
      block.element.block = block;
      this.#keepPlace(block);
      this.#blocks.push(block);
      made.push(block.element);
    }
    this.body.append(...made);
    for (const element of made) this.#observer.observe(element);
    // The last block is where the eyes are: it does not wait for the observer.
    if (made.length) this.#draw(this.#blocks.at(-1));
  }

  #dropBefore(seq) {
    while (this.#blocks.length && this.#blocks[0].lines.at(-1).seq < seq) {
      const block = this.#blocks.shift();
      this.#observer.unobserve(block.element);
      block.element.remove();
    }
  }

  #look(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#draw(target.block);
      else this.#hide(target.block);
    }
    if (this.follow) this.toEnd();
  }

  #draw(block) {
    if (block.shown) return;
    block.shown = true;
    block.element.style.height = '';
    block.element.replaceChildren(...block.lines.map((line) => lineElement(line, this.#needle)));
  }

  #hide(block) {
    if (!block.shown || block.lines.length < BLOCK) return;
    block.height = block.element.offsetHeight;
    block.shown = false;
    block.element.replaceChildren();
    this.#keepPlace(block);
  }

  #keepPlace(block) {
    block.element.style.height = `${block.height ?? block.lines.length * LINE_HEIGHT}px`;
  }

  end() {
    this.#observer.disconnect();
  }
}
