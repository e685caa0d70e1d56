// Batch history: runs by filters, newest first, page by page; rows that open; a chart; export.
import { get } from './api.js';
import { connection } from './connection.js';
import { h, replace, setText, syncList } from './dom.js';
import { empty } from './empty.js';
import { errorBox } from './error_box.js';
import { exportButtons } from './export_runs.js';
import { plural } from './format.js';
import { historyChart } from './history_chart.js';
import { filterForm } from './history_filters.js';
import { RunRow } from './history_row.js';
import { jobs as allJobs } from './jobs_store.js';
import { watchRuns } from './live_events.js';
import { recordsOf } from './records.js';
import { note } from './router.js';

const PAGE = 50;

export function mount(root, route, life) {
  const history = new History(life, route);
  replace(
    root,
    h(
      'div',
      { class: 'row between wrap' },
      h('h1', null, 'Batch history'),
      exportButtons(() => history.query(), life),
    ),
    history.filters.element,
    history.chart,
    history.count,
    history.table,
    history.more,
  );
  history.load();
  watchRuns(life, () => history.refreshSoon());
  life.on(connection, 'back', () => history.load());
  allJobs().then(
    (jobs) => life.over || history.filters.setJobs(jobs),
    () => {},
  );
  return { keys: { '/': () => history.filters.focus() }, update: (next) => history.moveTo(next) };
}

class History {
  runs = [];
  next = null;
  records = new Map();

  constructor(life, route) {
    this.life = life;
    this.filters = filterForm(route.query, () => {
      note(['history'], this.filters.values());
      this.load();
    });
    this.chart = h('div', { class: 'card chart-card', hidden: true });
    this.count = h('p', { class: 'muted small runs-count', role: 'status' });
    this.body = h('div', { class: 'runs' });
    this.table = h('div', { class: 'runs-table', role: 'table', 'aria-label': 'Runs' }, RunRow.head(), this.body);
    this.more = h('div', { class: 'row center' });
  }

  /** The filters as run.list takes them. */
  query() {
    return this.filters.query();
  }

  moveTo(route) {
    this.filters.set(route.query);
    this.load();
  }

  /** The first page anew; what was asked for before and comes later is dropped. `keep`: what was unfolded below it stays. */
  async load(keep = false) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    try {
      const page = await get('runs', { ...this.query(), limit: Math.min(Math.max(PAGE, this.runs.length), 500) }, this.life.signal);
      if (turn !== this.turn || this.life.over) return;
      const oldest = page.runs.at(-1)?.run_number ?? 0;
      const below = keep && page.next ? this.runs.filter((run) => run.run_number < oldest) : [];
      this.runs = page.runs.concat(below);
      if (!below.length) this.next = page.next ?? null;
      this.show();
    } catch (error) {
      if (error.name === 'AbortError' || turn !== this.turn || this.life.over) return;
      if (error.kind === 'away' && this.runs.length) return; // the page says so at its top; what was shown stays
      replace(
        this.more,
        errorBox(error, () => this.load()),
      );
    }
  }

  refreshSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.life.over || this.load(true), 400);
  }

  async loadMore(button) {
    button.disabled = true;
    const turn = this.turn;
    try {
      const page = await get('runs', { ...this.query(), limit: PAGE, before: this.next }, this.life.signal);
      if (turn !== this.turn) return;
      this.runs = this.runs.concat(page.runs);
      this.next = page.next ?? null;
      this.show();
    } catch (error) {
      if (error.name !== 'AbortError')
        replace(
          this.more,
          errorBox(error, () => this.loadMore(button)),
        );
    }
  }

  /** Shows what there is, and the records as soon as they are known. */
  async show() {
    this.draw();
    const { runs } = this;
    try {
      const records = await recordsOf(runs, this.life.signal);
      if (runs !== this.runs || this.life.over) return;
      this.records = records;
      this.draw();
    } catch {
      // The column stays empty; the rest is there.
    }
  }

  draw() {
    syncList(
      this.body,
      this.runs,
      (run) => run.run_id,
      (run) => new RunRow(run, this.life).element,
      (element, run) => element.row.update(run, this.records.get(run.run_id)),
    );
    this.table.hidden = !this.runs.length;
    setText(this.count, this.runs.length ? `${plural(this.runs.length, 'run')}${this.next ? ', and there are more' : ''}` : '');
    historyChart(this.chart, this.runs, this.records);
    if (!this.runs.length) {
      replace(
        this.more,
        this.filters.any()
          ? empty(
              'No run fits these filters.',
              h('button', { class: 'button', type: 'button', onclick: () => this.filters.clear() }, 'Clear the filters'),
            )
          : empty('Nothing has run yet.', h('a', { class: 'button', href: '#/actions' }, 'Start something')),
      );
    } else {
      replace(
        this.more,
        this.next
          ? h('button', { class: 'button', type: 'button', onclick: (event) => this.loadMore(event.currentTarget) }, `Show ${PAGE} more`)
          : null,
      );
    }
  }
}
