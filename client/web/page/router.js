// Where the page is: in the part of the address behind #, so that every place can be linked and no server needs to know of it.
// #/history?status=failed&job=x, #/runs/42, #/scripts/weekly_update

/** {path: ['runs', '42'], query: URLSearchParams} of the present address. */
export function place() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  return { path: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query ?? '') };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % in an address typed by hand
  }
}

/** href of a place; members of the query that are empty are left out. */
export function link(path, query) {
  const kept = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const text = new URLSearchParams(kept).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

export function go(path, query) {
  location.hash = link(path, query);
}

/** Changes the address without going anywhere: filters are part of it, and each letter typed is no step of Back. */
export function note(path, query) {
  history.replaceState(null, '', link(path, query));
}
