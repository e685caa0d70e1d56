// What one person prefers on one machine: kept in the browser, and nowhere else.

const PREFIX = 'batchd.';
const changes = new EventTarget();

export function preference(name, otherwise) {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise; // storage is forbidden
  }
}

export function prefer(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // It holds for this page then.
  }
  changes.dispatchEvent(new CustomEvent('change', { detail: name }));
}

/** Calls back with the name of every preference that changes. */
export function onPreference(callback) {
  changes.addEventListener('change', (event) => callback(event.detail));
}
