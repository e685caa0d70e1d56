// One run: live while it goes on, and all that is known of it afterwards.
import { get } from './api.js';
import { cancelRun } from './cancel_run.js';
import { children } from './children.js';
import { connection } from './connection.js';
import { diagnosis, needsDiagnosis } from './diagnosis.js';
import { h, replace, setText } from './dom.js';
import { errorBox } from './error_box.js';
import { duration, parameters, percent, title } from './format.js';
import { icon } from './icons.js';
import { LiveLog } from './live_log.js';
import { logTools } from './log_tools.js';
import { progressBar } from './progress.js';
import { link } from './router.js';
import { followRun, isOver, stateOf } from './run_feed.js';
import { attempts, counters, notes, warnings } from './run_parts.js';
import { showRun } from './show_run.js';
import { setStatus } from './status_word.js';
import { retryRun } from './start_run.js';
import { stepsTable } from './steps_table.js';
import { timeline } from './timeline.js';
import { when } from './time_text.js';
import { whyFacts } from './why.js';

const SECOND = 1000;
const MANY = 500; // steps, of which not every change is worth asking for all of them

export function mount(root, route, life) {
  const view = new RunView(root, route.path[1], life);
  view.load();
  return {
    keys: {
      f: () => view.log?.setFollow(!view.log.view.follow),
      p: () => view.log?.setPaused(!view.log.paused),
      '/': () => view.tools?.focusSearch(),
    },
  };
}

class RunView {
  constructor(root, run, life) {
    this.root = root;
    this.run = run;
    this.life = life;
    this.memory = {};
    life.atEnd(() => {
      this.feed?.end();
      this.log?.end();
    });
  }

  async load() {
    try {
      const shown = await showRun(this.run, this.life.signal);
      if (this.life.over) return;
      this.run = String(shown.run.run_number); // the address may have said it otherwise
      this.build(shown);
    } catch (error) {
      if (error.name === 'AbortError' || this.life.over) return;
      replace(
        this.root,
        h('h1', null, `Run ${this.run}`),
        errorBox(error, () => this.load()),
        h('p', null, h('a', { href: '#/history' }, 'All runs')),
      );
      if (error.kind === 'away') connection.addEventListener('back', () => this.life.over || this.load(), { once: true });
    }
  }

  build(shown) {
    const { run } = shown;
    this.shown = shown;
    this.status = h('span');
    this.buttons = h('div', { class: 'row' });
    this.facts = h('dl', { class: 'facts' });
    this.bar = progressBar('Progress of the run');
    this.now = h('p', { class: 'run-now', role: 'status' });
    this.steps = timeline();
    this.what = h('div');
    this.details = h('div', { class: 'stack' });
    this.feedState = h('span', { class: 'muted small feed-state' });
    this.log = new LiveLog(this.run);
    this.tools = logTools(this.run, this.log);
    replace(
      this.root,
      h(
        'div',
        { class: 'row between wrap run-head' },
        h(
          'h1',
          null,
          h('span', null, h('a', { class: 'quiet', href: link(['scripts', run.job]) }, title(run.job)), ` #${run.run_number}`),
          this.status,
        ),
        this.buttons,
      ),
      this.facts,
      this.what,
      h('section', { class: 'card run-progress' }, this.bar.element, this.now, this.steps.element),
      h(
        'section',
        { class: 'card log-card', 'aria-label': 'Output' },
        h('div', { class: 'row between' }, h('h2', null, 'Output'), this.feedState),
        this.tools.element,
        this.log.view.element,
      ),
      this.details,
    );
    if (!isOver(run.status)) this.log.begun();
    this.show(shown);
    this.life.every(SECOND, () => this.tick());
    this.start();
  }

  start() {
    this.feed = followRun(this.run, null, {
      lines: (lines) => this.log.take(lines),
      state: (state) => this.take(state),
      open: () => setText(this.feedState, ''),
      broken: () => setText(this.feedState, 'The connection broke; it goes on by itself.'),
      end: (end) => this.ended(end),
      refused: (error) => replace(this.feedState, errorBox(error)),
    });
  }

  /** A state from the stream: what it has goes over what is known. */
  take(state) {
    const { steps, progress, items, ...rest } = state;
    const { shown } = this;
    const before = shown.run.status;
    const elapsed = this.elapsed();
    for (const name of ['status', 'reason', 'error_message']) if (rest[name] !== undefined) shown.run[name] = rest[name];
    Object.assign(shown, {
      progress: progress ?? shown.progress,
      items: items ?? shown.items,
      // Who joins others that watch is told first what they were told last, which may be a while ago.
      elapsed_seconds: Math.max(rest.elapsed_seconds ?? 0, before === 'running' ? elapsed : 0),
    });
    for (const name of ['current_step', 'current_item', 'step_done', 'step_total', 'status_text']) shown[name] = rest[name] ?? null;
    this.elapsedAt = Date.now();
    let unknown = before !== shown.run.status;
    for (const step of steps ?? []) {
      const known = shown.steps.find((one) => one.step_name === step.step_name && one.item === (step.item ?? ''));
      if (!known || known.status !== step.status || known.attempt !== step.attempt) unknown = true;
      if (known) Object.assign(known, step);
    }
    this.showProgress();
    if (unknown) this.refresh();
  }

  /** What a state does not tell (times of steps, new items, counters) is asked for; once, however many changes there are. */
  async refresh() {
    this.again = true;
    if (this.refreshing) return;
    this.refreshing = true;
    while (this.again && !this.life.over) {
      this.again = false;
      try {
        this.show(await showRun(this.run, this.life.signal));
      } catch {
        // The next state brings it.
      }
      await new Promise((done) => setTimeout(done, this.shown.steps.length > MANY ? 2000 : 300));
    }
    this.refreshing = false;
  }

  tick() {
    if (isOver(this.shown.run.status) || !this.shown.run.started_at) return;
    this.showProgress();
    for (const cell of this.details.querySelectorAll('[data-elapsed]'))
      setText(cell, duration(Number(cell.dataset.elapsed) + (Date.now() - this.detailsAt) / 1000));
  }

  show(shown) {
    this.shown = shown;
    this.elapsedAt = Date.now();
    this.showProgress();
    this.showFacts();
    this.showButtons();
    this.showDetails();
  }

  /** Seconds that it has taken so far. */
  elapsed() {
    return (this.shown.elapsed_seconds ?? 0) + (this.elapsedAt ? (Date.now() - this.elapsedAt) / 1000 : 0);
  }

  showProgress() {
    const { shown } = this;
    const { run, progress } = shown;
    const over = isOver(run.status);
    setStatus(this.status, run.status, run.reason);
    const elapsed = run.duration_seconds ?? this.elapsed();
    const counts = progress?.total ? `${progress.completed}/${progress.total} steps` : '';
    this.bar.set(
      over && run.status !== 'failed' && run.status !== 'cancelled' ? 100 : (progress?.percent ?? 0),
      run.status,
      [percent(over && (run.status === 'success' || run.status === 'partial') ? 100 : (progress?.percent ?? 0)), counts, duration(elapsed)]
        .filter(Boolean)
        .join(' · '),
    );
    const what = [
      shown.current_step && title(shown.current_step),
      shown.current_item,
      shown.step_total ? `${shown.step_done}/${shown.step_total}` : '',
      shown.status_text,
    ];
    setText(this.now, over ? '' : what.filter(Boolean).join(' · ') || (run.status === 'queued' ? 'Waits for its turn.' : ''));
    this.now.hidden = over;
    // The daemon's clock and the browser's may differ: time goes on from what the daemon said.
    this.steps.update(run, shown.steps, shown.items, run.started_at ? Date.parse(run.started_at) + elapsed * 1000 : undefined);
    document.title = `${over ? run.status : percent(progress?.percent ?? 0)} · ${run.job} #${run.run_number} · batchd`;
  }

  showFacts() {
    const { run } = this.shown;
    const fact = (name, ...value) =>
      value.flat().some(Boolean) ? h('div', { class: 'fact' }, h('dt', null, name), h('dd', null, value)) : null;
    replace(
      this.facts,
      fact('Mode', run.batch_mode),
      fact('Parameters', parameters(run.parameters)),
      fact('Triggered', run.triggered_by, run.triggered_by_user ? ` by ${run.triggered_by_user}` : ''),
      fact('Started', run.started_at ? when(run.started_at) : ''),
      fact('Ended', run.completed_at ? when(run.completed_at) : ''),
      run.due_at ? fact('Due', when(run.due_at)) : null,
      run.retry_of ? fact('Retry of', h('a', { href: link(['runs', String(run.retry_of)]) }, String(run.retry_of).slice(0, 8))) : null,
      run.parent_run_id ? fact('Part of', h('a', { href: link(['runs', run.parent_run_id]) }, run.parent_run_id.slice(0, 8))) : null,
      fact('Id', h('code', null, run.run_id)),
    );
  }

  showButtons() {
    const { run } = this.shown;
    const over = isOver(run.status);
    const key = over ? run.status : 'running';
    if (this.buttons.dataset.key === key) return;
    this.buttons.dataset.key = key;
    replace(
      this.buttons,
      over
        ? h('button', { class: 'button', type: 'button', onclick: () => retryRun(this.run) }, icon('retry'), 'Retry')
        : h('button', { class: 'button danger', type: 'button', onclick: () => cancelRun(this.shown.run) }, icon('stop'), 'Cancel'),
    );
  }

  showDetails() {
    const { shown } = this;
    this.detailsAt = Date.now();
    replace(
      this.details,
      shown.steps.length // a backfill has runs instead
        ? h(
            'section',
            { class: 'card' },
            h('h2', null, 'Steps'),
            stepsTable(shown, isOver(shown.run.status) ? (step) => retryRun(this.run, step) : null, this.memory),
            attempts(shown),
          )
        : null,
      children(shown),
      [counters(shown.run.metrics), warnings(shown.run.warnings), notes(shown.run.notes)].some(Boolean)
        ? h('section', { class: 'card stack' }, counters(shown.run.metrics), warnings(shown.run.warnings), notes(shown.run.notes))
        : null,
    );
    if (shown.run.status === 'queued') this.showWaiting();
    else if (this.waiting) {
      this.waiting = false;
      replace(this.what);
    }
    if (isOver(shown.run.status) && needsDiagnosis(shown.run) && !this.diagnosed) {
      this.diagnosed = true;
      diagnosis(shown, this.life.signal).then(
        (section) => this.life.over || replace(this.what, section),
        () => (this.diagnosed = false),
      );
    }
  }

  /** What a queued run waits for. */
  async showWaiting() {
    this.waiting = true;
    try {
      const why = await get(`runs/${this.run}/why`, null, this.life.signal);
      if (this.life.over || !this.waiting) return;
      const facts = whyFacts(why);
      replace(
        this.what,
        facts ? h('section', { class: 'diagnosis', 'aria-label': 'Why it waits' }, h('h2', null, 'Why it waits'), facts) : null,
      );
    } catch {
      // The status says that it waits.
    }
  }

  async ended(end) {
    this.log.ended();
    setText(this.feedState, '');
    this.take(stateOf({ run: { ...end }, steps: [], progress: this.shown.progress }));
    await this.refresh();
  }
}
