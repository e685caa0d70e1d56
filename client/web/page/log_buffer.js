// The lines of a run that the page holds. There is an upper limit, so that a run of millions of lines does not take the browser down; what
// was dropped is counted and can be downloaded.

export const MOST_LINES = 100000;

export class LogBuffer {
  lines = [];
  dropped = 0; // from the beginning, for being too many
  missed = 0; // sequence numbers that never came

  get first() {
    return this.lines[0]?.seq ?? null;
  }

  get last() {
    return this.lines.at(-1)?.seq ?? null;
  }

  /** Lines in their order behind those that are there; returns how many fell out at the beginning. */
  append(lines) {
    if (this.lines.length && lines[0].seq > this.last + 1) this.missed += lines[0].seq - this.last - 1;
    for (const line of lines) this.lines.push(line); // not with spread: the stack has a limit
    const over = this.lines.length - MOST_LINES;
    if (over <= 0) return 0;
    this.lines.splice(0, over);
    this.dropped += over;
    return over;
  }

  /** Earlier lines, asked for by hand. */
  prepend(lines) {
    this.lines = lines.concat(this.lines);
    this.dropped = Math.max(0, this.dropped - lines.length);
  }

  clear() {
    this.lines = [];
    this.dropped = this.missed = 0;
  }
}
