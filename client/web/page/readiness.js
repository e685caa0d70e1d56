// How complete the data of a week is: four bars with their figures.
import { post } from './api.js';
import { h } from './dom.js';
import { duration, number, title } from './format.js';
import { link } from './router.js';
import { acting } from './session.js';
import { ago } from './time_text.js';
import { complain } from './toast.js';
import { go } from './router.js';

export function readinessCard(week) {
  return h(
    'div',
    { class: 'readiness' },
    h(
      'p',
      { class: 'week' },
      h('strong', null, `Week ${week.week}`),
      ` of ${week.season_year}, ${week.season_type === 'post' ? 'post-season' : 'regular season'}`,
    ),
    bar(
      'Schedule',
      week.schedule_complete ? 100 : week.games_count ? 50 : 0,
      week.schedule_complete ? 'success' : 'partial',
      `${number(week.games_count)} games`,
      week.schedule_complete ? 'complete' : 'not complete',
    ),
    bar(
      'Game logs',
      week.game_logs_available ? 100 : 0,
      week.game_logs_available ? 'success' : 'pending',
      `${number(week.game_logs_count)} lines`,
      week.game_logs_available ? 'stored' : 'not yet',
    ),
    oddsBar(week),
    bar(
      'Predictions',
      week.prediction_completeness_pct ?? 0,
      week.predictions_available ? ((week.prediction_completeness_pct ?? 0) >= 95 ? 'success' : 'partial') : 'pending',
      `${number(week.predictions_count)} of ${number(week.expected_predictions_count)}`,
      week.prediction_completeness_pct === null || week.prediction_completeness_pct === undefined
        ? 'none yet'
        : `${number(Math.round(week.prediction_completeness_pct * 10) / 10)} %`,
    ),
    h(
      'p',
      { class: 'muted small' },
      'Data is ',
      week.data_age_hours === null || week.data_age_hours === undefined ? 'of unknown age' : `${duration(week.data_age_hours * 3600)} old`,
      week.last_run_number
        ? [', last touched by ', h('a', { href: link(['runs', String(week.last_run_number)]) }, `run ${week.last_run_number}`)]
        : null,
      ', counted ',
      ago(week.updated_at),
      '.',
    ),
  );
}

function oddsBar(week) {
  const count = `${number(week.odds_count)} prices`;
  if (week.odds_fetch_failed)
    return bar('Odds', week.odds_count ? 100 : 0, 'failed', count, week.odds_count ? 'fetch failed: old prices stay' : 'fetch failed');
  if (!week.odds_fetch_attempted) return bar('Odds', 0, 'pending', count, 'not fetched yet');
  return bar(
    'Odds',
    week.odds_available ? 100 : 0,
    week.odds_available ? 'success' : 'partial',
    count,
    week.odds_available ? 'fetched' : 'none offered',
  );
}

function bar(name, value, status, count, word) {
  const fill = h('div', { class: 'progress-fill' });
  fill.style.transform = `scaleX(${Math.min(Math.max(value, 0), 100) / 100})`;
  return h(
    'div',
    { class: 'ready-row' },
    h('span', { class: 'ready-name' }, name),
    h(
      'div',
      {
        class: `progress progress-${status}`,
        role: 'progressbar',
        'aria-label': name,
        'aria-valuemin': 0,
        'aria-valuemax': 100,
        'aria-valuenow': Math.round(value),
        'aria-valuetext': `${count}, ${word}`,
      },
      fill,
    ),
    h('span', { class: 'ready-count figure' }, count),
    h('span', { class: `ready-word word-${status}` }, title(word)),
  );
}

/** Counts a week anew, and goes to the run that does. */
export async function refreshReadiness(week) {
  try {
    const started = await acting(() =>
      post('readiness/refresh', week ? { season: week.season_year, week: week.week, season_type: week.season_type } : {}),
    );
    if (started) go(['runs', String(started.run_number)]);
  } catch (error) {
    complain(error);
  }
}
