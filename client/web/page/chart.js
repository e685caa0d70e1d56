// Durations and records of runs over time, as plain SVG: a bar a run, coloured by its status, and the records as a line above them.
import { h, svg } from './dom.js';
import { dateTime, duration, number } from './format.js';
import { link } from './router.js';

const WIDTH = 1000;
const HEIGHT = 150;
const FLOOR = 128; // where the bars stand
const ROOF = 10;

/** `runs`, oldest first, those that have ended; `recordsOf(run)` a number or null. */
export function runChart(runs, recordsOf) {
  const longest = Math.max(...runs.map((run) => run.duration_seconds ?? 0), 0.001);
  const records = runs.map(recordsOf);
  const most = Math.max(...records.map((value) => value ?? 0), 1);
  const slot = WIDTH / runs.length;
  const x = (index) => slot * (index + 0.5);
  const y = (value, top) => FLOOR - (value / top) * (FLOOR - ROOF);
  const picture = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'chart', preserveAspectRatio: 'none', role: 'img', 'aria-label': spoken(runs, longest) },
    [0.5, 1].map((part) => svg('line', { x1: 0, x2: WIDTH, y1: y(part, 1), y2: y(part, 1), class: 'chart-grid' })),
    svg('line', { x1: 0, x2: WIDTH, y1: FLOOR, y2: FLOOR, class: 'chart-axis' }),
    runs.map((run, index) => bar(run, records[index], slot * index, slot, y(run.duration_seconds ?? 0, longest))),
    records.some((value) => value !== null)
      ? svg('polyline', {
          class: 'chart-line',
          points: records
            .map((value, index) => (value === null ? null : `${x(index)},${y(value, most)}`))
            .filter(Boolean)
            .join(' '),
        })
      : null,
  );
  return h(
    'figure',
    { class: 'chart-figure' },
    h(
      'figcaption',
      null,
      h('span', { class: 'key key-bar' }, `Duration, up to ${duration(longest)}`),
      records.some((value) => value !== null) ? h('span', { class: 'key key-line' }, `Records, up to ${number(most)}`) : null,
    ),
    picture,
    h(
      'div',
      { class: 'chart-ends muted' },
      h('span', null, dateTime(runs[0].started_at)),
      h('span', null, dateTime(runs.at(-1).started_at)),
    ),
  );
}

function bar(run, records, left, slot, top) {
  const width = Math.max(Math.min(slot * 0.7, 28), 1);
  const words = [
    `#${run.run_number} ${run.job}${run.batch_mode ? ` ${run.batch_mode}` : ''}: ${run.status}`,
    dateTime(run.started_at),
    duration(run.duration_seconds),
    records === null ? '' : `${number(records)} records`,
  ];
  // The whole slot can be pointed at, however short the run was.
  return svg(
    'a',
    { href: link(['runs', String(run.run_number)]), class: 'chart-run' },
    svg('title', null, words.filter(Boolean).join('\n')),
    svg('rect', { x: left, y: 0, width: slot, height: FLOOR, class: 'chart-slot' }),
    svg('rect', {
      x: left + (slot - width) / 2,
      y: Math.min(top, FLOOR - 2),
      width,
      height: Math.max(FLOOR - top, 2),
      class: `chart-bar bar-${run.status}`,
    }),
  );
}

function spoken(runs, longest) {
  const failed = runs.filter((run) => run.status === 'failed').length;
  return `Durations of ${runs.length} runs, the longest ${duration(longest)}, ${failed} failed. The table below has the figures.`;
}
