// One run of the history: a row, and what it opens to.
import { diagnosis, needsDiagnosis } from './diagnosis.js';
import { h, replace, setText } from './dom.js';
import { errorBox } from './error_box.js';
import { duration, number, parameters, title } from './format.js';
import { icon } from './icons.js';
import { lastOutput } from './last_output.js';
import { link } from './router.js';
import { isOver } from './run_feed.js';
import { attempts, counters, notes, warnings } from './run_parts.js';
import { showRun } from './show_run.js';
import { setStatus } from './status_word.js';
import { retryRun } from './start_run.js';
import { stepsTable } from './steps_table.js';
import { when } from './time_text.js';

let rows = 0;

export class RunRow {
  constructor(run, life) {
    const id = `row-${++rows}`;
    this.life = life;
    this.run = run;
    this.status = h('span');
    this.took = h('span');
    this.started = h('span');
    this.records = h('span');
    this.panel = h('div', { class: 'run-panel', id, hidden: true });
    this.toggle = h(
      'button',
      {
        class: 'icon-button',
        type: 'button',
        'aria-expanded': 'false',
        'aria-controls': id,
        'aria-label': `Details of run ${run.run_number}`,
      },
      icon('chevron'),
    );
    const cell = (name, ...content) => h('div', { role: 'cell', class: `cell cell-${name}` }, content);
    const row = h(
      'div',
      { class: 'run-row', role: 'row' },
      cell('open', this.toggle),
      cell('number', h('a', { href: link(['runs', String(run.run_number)]) }, `#${run.run_number}`)),
      cell(
        'job',
        h('strong', null, title(run.job)),
        run.batch_mode ? h('span', { class: 'muted' }, ` ${title(run.batch_mode).toLowerCase()}`) : null,
        h('span', { class: 'muted small block' }, parameters(run.parameters)),
      ),
      cell('status', this.status),
      cell('started', this.started),
      cell('took', this.took),
      cell('records', this.records),
      cell('trigger', run.triggered_by, run.triggered_by_user ? h('span', { class: 'muted small block' }, run.triggered_by_user) : null),
    );
    // Anywhere on the row opens it; the button is there for the keyboard.
    row.addEventListener('click', (event) => event.target.closest('a') || getSelection().toString() || this.setOpen(this.panel.hidden));
    this.element = h('div', { class: 'run-item' }, row, this.panel);
    this.element.row = this;
  }

  static head() {
    const names = {
      open: '',
      number: 'Run',
      job: 'Job',
      status: 'Status',
      started: 'Started',
      took: 'Took',
      records: 'Records',
      trigger: 'Trigger',
    };
    return h(
      'div',
      { class: 'run-row run-head-row', role: 'row' },
      Object.entries(names).map(([name, label]) =>
        h('div', { role: 'columnheader', class: `cell cell-${name}` }, label || h('span', { class: 'off-screen' }, 'Open')),
      ),
    );
  }

  /** `records`: of its steps in all; undefined where none told any. */
  update(run, records) {
    const changed = run.version !== this.run.version || run.status !== this.run.status;
    this.run = run;
    setStatus(this.status, run.status, run.reason);
    setText(this.took, duration(run.duration_seconds));
    setText(this.records, number(records));
    if (this.startedAt !== (run.started_at ?? run.created_at)) {
      this.startedAt = run.started_at ?? run.created_at;
      replace(this.started, when(this.startedAt));
    }
    if (changed && !this.panel.hidden) this.fill();
  }

  setOpen(open) {
    this.panel.hidden = !open;
    this.toggle.setAttribute('aria-expanded', String(open));
    this.element.classList.toggle('open', open);
    if (open) this.fill();
  }

  async fill() {
    if (!this.panel.firstChild) replace(this.panel, h('p', { class: 'muted' }, 'Loading…'));
    try {
      const shown = await showRun(this.run.run_number, this.life.signal);
      const over = isOver(shown.run.status);
      const [why, output] = await Promise.all([
        over && needsDiagnosis(shown.run) ? diagnosis(shown, this.life.signal) : null,
        lastOutput(shown.run, this.life.signal),
      ]);
      replace(
        this.panel,
        why,
        h('section', null, h('h3', null, 'Steps'), stepsTable(shown, over ? (step) => retryRun(this.run.run_number, step) : null)),
        attempts(shown),
        counters(shown.run.metrics),
        warnings(shown.run.warnings),
        notes(shown.run.notes),
        output,
        h(
          'div',
          { class: 'row' },
          h('a', { class: 'button small', href: link(['runs', String(this.run.run_number)]) }, over ? 'Open the run' : 'Watch'),
          over && !why
            ? h('button', { class: 'button small', type: 'button', onclick: () => retryRun(this.run.run_number) }, icon('retry'), 'Retry')
            : null,
        ),
      );
    } catch (error) {
      if (error.name !== 'AbortError')
        replace(
          this.panel,
          errorBox(error, () => this.fill()),
        );
    }
  }
}
