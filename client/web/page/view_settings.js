// Settings: schedules with pause and resume, alerts, breakers, limits, who may act and who did, and how this browser shows things.
import { get } from './api.js';
import { connection } from './connection.js';
import { h, replace } from './dom.js';
import { filling } from './error_box.js';
import { forgetJobs } from './jobs_store.js';
import { preferencesForm } from './preferences_form.js';
import { recentActions } from './recent_actions.js';
import { scheduleList } from './schedules.js';
import { session } from './session.js';
import { sessionPanel } from './session_panel.js';
import { alertList } from './alerts.js';
import { breakerList } from './breakers.js';
import { limitList } from './limits.js';

const RECENT = 10; // actions

export function mount(root, route, life) {
  const schedules = h('div');
  const alerts = h('div');
  const limits = h('div');
  const breakers = h('div');
  const who = h('div');
  const actions = h('div');
  replace(
    root,
    h('h1', null, 'Settings'),
    section('Schedules', schedules),
    h(
      'div',
      { class: 'grid two' },
      section('Alerts', alerts),
      section('Breakers', breakers),
      section('Limits', limits),
      section('Who may act', who),
      section('Recent actions', actions),
      section('This browser', preferencesForm()),
    ),
  );
  const showSchedules = () =>
    filling(schedules, life, () =>
      scheduleList(life, () => {
        forgetJobs();
        showSchedules();
        showActions();
      }),
    );
  const showWho = () => replace(who, sessionPanel());
  const showAlerts = () => filling(alerts, life, async () => alertList(await get('alerts', null, life.signal), showAlerts));
  const showBreakers = () => filling(breakers, life, async () => breakerList(await get('status', null, life.signal), showBreakers));
  const showActions = () => filling(actions, life, async () => recentActions(await get('audit', { limit: RECENT }, life.signal)));
  const show = () => {
    showSchedules();
    showAlerts();
    showBreakers();
    showActions();
    filling(limits, life, async () => limitList(await get('limits', null, life.signal)));
  };
  life.on(session, 'change', showWho);
  life.on(connection, 'back', show);
  showWho();
  show();
}

function section(heading, body) {
  return h('section', { class: 'card' }, h('h2', null, heading), body);
}
