// The frame of the page: which tab is shown, whether the daemon is there, who is logged in. Views are loaded when they are first wanted.
import { connection } from './connection.js';
import { h, replace, setText } from './dom.js';
import { errorBox } from './error_box.js';
import { once } from './kept.js';
import { Life } from './life.js';
import { onPreference } from './preferences.js';
import { go, place } from './router.js';
import { askForLogin, session } from './session.js';
import { bindShortcuts } from './shortcuts.js';
import { bindThemeButton } from './theme.js';
import { keepTimesTrue } from './time_text.js';
import { complain } from './toast.js';

const VIEWS = {
  overview: { title: 'Overview', load: () => import('./view_overview.js') },
  actions: { title: 'Actions', load: () => import('./view_actions.js') },
  history: { title: 'Batch history', load: () => import('./view_history.js') },
  runs: { title: 'Run', tab: 'history', load: () => import('./view_run.js') },
  scripts: { title: 'Scripts', load: () => import('./view_scripts.js') },
  settings: { title: 'Settings', load: () => import('./view_settings.js') },
};

const REST_AFTER = 3000; // milliseconds: when the first view has long been there

const main = document.getElementById('main');
let shown = null; // {name, key, life, view}
let turn = 0;

/** Shows the view of the address. A view that can go to the new place by itself stays; another ends with all that it began. */
async function show(moved) {
  const route = place();
  const name = VIEWS[route.path[0]] ? route.path[0] : 'overview';
  if (name === 'runs' && !route.path[1]) {
    go(['history']);
    return;
  }
  markTab(VIEWS[name].tab ?? name);
  if (moved && shown?.name === name && shown.view?.update) {
    shown.view.update(route);
    return;
  }
  const mine = ++turn;
  shown?.life.end();
  shown = null;
  document.title = `${VIEWS[name].title} · batchd`;
  if (!session.mayRead) {
    askToRead();
    return;
  }
  let module;
  try {
    module = await VIEWS[name].load();
  } catch {
    if (mine === turn)
      replace(main, errorBox(new Error('This part of the page could not be loaded. Reload the page when the server is back.')));
    return;
  }
  if (mine !== turn) return;
  const root = h('div', { class: `view view-${name}` });
  const life = new Life();
  shown = { name, life, view: module.mount(root, route, life) };
  replace(main, root);
  scrollTo(0, 0);
  if (moved) main.focus({ preventScroll: true }); // so that a screen reader begins at the new content
}

function markTab(name) {
  for (const anchor of document.querySelectorAll('[data-tab]')) {
    if (anchor.dataset.tab === name) anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  }
}

/** ReadAccess=login, and nobody is logged in. */
function askToRead() {
  const button = h(
    'button',
    { class: 'button primary', type: 'button', onclick: () => askForLogin('Reading needs the admin password here.') },
    'Log in',
  );
  replace(
    main,
    h(
      'div',
      { class: 'empty' },
      h('h1', null, 'Log in to read'),
      h('p', null, 'This page is open to those who know the admin password.'),
      button,
    ),
  );
}

function showConnection() {
  const state = document.getElementById('link-state');
  const away = document.getElementById('away');
  state.dataset.state = connection.state;
  setText(state.lastElementChild, { ok: 'connected', away: 'away', connecting: 'connecting' }[connection.state]);
  away.hidden = connection.state !== 'away';
  if (connection.state === 'away') {
    replace(
      away,
      h('strong', null, 'batchd is away. '),
      `${connection.message} What is shown may be old; the page goes on by itself as soon as it is back. Runs go on without it.`,
    );
  }
  document.body.classList.toggle('is-away', connection.state === 'away');
}

function bindSession() {
  const button = document.getElementById('session');
  button.addEventListener('click', () => (session.mayAct ? session.logOut().catch(complain) : askForLogin()));
  let read = null;
  session.addEventListener('change', () => {
    button.hidden = !session.offered;
    setText(button, session.mayAct ? 'Log out' : 'Log in');
    button.title = session.mayAct ? `Logged in${session.user ? ` as ${session.user}` : ''}` : '';
    if (read !== null && read !== session.mayRead) {
      show(false);
      showHost();
    }
    read = session.mayRead;
  });
}

/** Whose batchd this is. */
async function showHost() {
  if (!session.mayRead) return;
  try {
    const { host } = await once('status');
    setText(document.getElementById('host'), host);
  } catch {
    // The line at the top of the page says why.
  }
}

async function loadSession() {
  try {
    await session.load();
    return true;
  } catch (error) {
    if (error.kind !== 'away') complain(error);
    return false;
  }
}

/** So that another tab is there at once, and is there although the server may be away by then. */
function loadOtherViews() {
  for (const { load } of Object.values(VIEWS)) load().catch(() => {});
}

async function begin() {
  bindThemeButton(document.getElementById('theme'));
  bindSession();
  bindShortcuts(() => shown?.view?.keys);
  keepTimesTrue();
  connection.addEventListener('change', showConnection);
  connection.addEventListener('back', () => {
    loadSession(); // the server may have been another one meanwhile
    showHost();
  });
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault(); // what follows # in the address is the place, not an element
    main.focus();
  });
  addEventListener('hashchange', () => show(true));
  onPreference((name) => name === 'zone' && show(false));
  showHost();
  await loadSession();
  show(false);
  connection.watch();
  setTimeout(loadOtherViews, REST_AFTER);
}

begin();
