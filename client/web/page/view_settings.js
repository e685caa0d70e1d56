// Settings: schedules with pause and resume, alerts, limits, who may act, and how this browser shows things.
import { get } from './api.js';
import { connection } from './connection.js';
import { h, replace } from './dom.js';
import { empty } from './empty.js';
import { filling } from './error_box.js';
import { forgetJobs } from './jobs_store.js';
import { preferencesForm } from './preferences_form.js';
import { scheduleList } from './schedules.js';
import { session } from './session.js';
import { sessionPanel } from './session_panel.js';
import { alertList, limitList } from './alerts_limits.js';

export function mount(root, route, life) {
  const schedules = h('div');
  const alerts = h('div');
  const limits = h('div');
  const who = h('div');
  replace(
    root,
    h('h1', null, 'Settings'),
    section('Schedules', schedules),
    h(
      'div',
      { class: 'grid two' },
      section('Alerts', alerts),
      section('Limits', limits),
      section('Who may act', who),
      section('This browser', preferencesForm()),
    ),
  );
  const showSchedules = () =>
    filling(schedules, life, () =>
      scheduleList(life, () => {
        forgetJobs();
        showSchedules();
      }),
    );
  const showWho = () => replace(who, sessionPanel());
  const show = () => {
    showSchedules();
    filling(alerts, life, () => optional('alerts', alertList, 'This daemon has no alerts.', life));
    filling(limits, life, () => optional('limits', limitList, 'This daemon has no limits.', life));
  };
  life.on(session, 'change', showWho);
  life.on(connection, 'back', show);
  showWho();
  show();
}

function section(heading, body) {
  return h('section', { class: 'card' }, h('h2', null, heading), body);
}

/** What a daemon may not know yet is nothing that is wrong. */
async function optional(path, list, without, life) {
  try {
    return list(await get(path, null, life.signal));
  } catch (error) {
    if (error.status === 404 || error.status === 501) return empty(without);
    throw error;
  }
}
