// The sessions by day, and the open one in the page's address. Texts go through textContent only.
// value: {open, refused, sessions: [{id, name, said, updated, pictures, picture, ground, boxes: [{box, color}]}]}
const SVG = 'http://www.w3.org/2000/svg', root = element.querySelector('.ss'), search = root.querySelector('.ss-search'), days = root.querySelector('.ss-days');
let unfolded = null, mode = '', arrived = false, travelling = false;

const now = () => ({open: '', sessions: [], ...(props.value || {})});
const tell = (event, id, more = {}) => trigger(event, {id, open: now().open, ...more});
function node(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
function press(text, act, className = '') {
  const made = node('button', className, text);
  made.type = 'button';
  made.addEventListener('click', act);
  return made;
}

// ---- the list --------------------------------------------------------------------------------------------------------
const midnight = date => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
function dayOf(seconds) {
  const date = new Date(seconds * 1000), ago = Math.round((midnight(new Date()) - midnight(date)) / 864e5);
  if (ago <= 1) return ago < 1 ? 'Today' : 'Yesterday';
  const year = date.getFullYear() === new Date().getFullYear() ? {} : {year: 'numeric'};
  return date.toLocaleDateString('en-GB', ago < 7 ? {weekday: 'long'} : {day: 'numeric', month: 'long', ...year});
}
const clock = seconds => new Date(seconds * 1000).toLocaleTimeString('en-GB', {hour: '2-digit', minute: '2-digit'});

function draw() {
  const {open, sessions} = now(), wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean), held = document.activeElement?.closest?.('.ss-one')?.dataset.id;
  const found = sessions.filter(one => wanted.every(word => (one.name + ' ' + one.said).toLowerCase().includes(word)));
  days.replaceChildren();
  let list = null, day = '';
  for (const one of found) {
    if (dayOf(one.updated) !== day) {
      day = dayOf(one.updated);
      list = node('ul');
      list.setAttribute('aria-label', day);
      days.append(node('div', 'ss-day', day), list);
    }
    list.append(entry(one, one.id === open));
  }
  root.querySelector('.ss-none').hidden = found.length > 0 || !sessions.length;
  if (held && !days.contains(document.activeElement)) focusIn(held);
}
const focusIn = id => [...days.querySelectorAll('.ss-one')].find(li => li.dataset.id === id)?.querySelector('.ss-menu input, .ss-menu button, .ss-open')?.focus({preventScroll: true});

function entry(one, open) {
  const made = node('li', 'ss-one' + (open ? ' open' : '')), button = press('', () => pick(one.id), 'ss-open'), words = node('span'), count = one.pictures === 1 ? ' · 1 picture' : one.pictures ? ` · ${one.pictures} pictures` : '';
  made.dataset.id = one.id;
  words.append(node('span', 'ss-name', one.name), node('span', 'ss-when', clock(one.updated) + count));
  button.append(face(one), words);
  button.title = one.said || one.name;
  if (open) button.setAttribute('aria-current', 'page');
  const more = press('…', () => unfold(one.id, unfolded === one.id ? '' : 'menu'), 'ss-more');
  more.setAttribute('aria-label', 'More for ' + one.name);
  more.setAttribute('aria-expanded', String(unfolded === one.id));
  made.append(button, more);
  if (unfolded === one.id) made.append(menus[mode](one));
  return made;
}

function face(one) {
  const made = node('span', 'ss-face');
  if (one.picture) {
    const img = node('img');
    img.src = one.picture; img.alt = ''; img.loading = 'lazy';
    made.append(img);
  } else if (one.boxes) made.append(drawing(one));
  return made;
}
const color = text => /^#[0-9a-f]{6}$/i.test(text) ? text : '#808080';
function drawing(one) {
  const made = shape('svg', {viewBox: '0 0 90 90', preserveAspectRatio: 'none', 'aria-hidden': 'true'});
  made.append(shape('rect', {width: 90, height: 90, fill: color(one.ground)}));
  for (const {box, color: fill} of one.boxes) {
    const [left, top, right, bottom] = box.map(Number);
    made.append(shape('rect', {x: left, y: top, width: right - left, height: bottom - top, rx: 2, fill: color(fill), 'fill-opacity': .82, stroke: '#fff', 'stroke-width': 1.5}));
  }
  return made;
}
function shape(name, values) {
  const made = document.createElementNS(SVG, name);
  for (const key in values) made.setAttribute(key, values[key]);
  return made;
}

// ---- "…" of one of them ------------------------------------------------------------------------------------------------
function unfold(id, next) {
  unfolded = next ? id : null; mode = next;
  draw();
  const li = [...days.querySelectorAll('.ss-one')].find(one => one.dataset.id === id), input = li?.querySelector('.ss-menu input');
  (input || li?.querySelector('.ss-menu button') || li?.querySelector('.ss-more'))?.focus();
  input?.select();
}
const fold = id => unfold(id, '');
const menus = {
  menu: one => box([press('Rename', () => unfold(one.id, 'rename')), press('Export', () => { tell('export', one.id); fold(one.id); }), press('Delete…', () => unfold(one.id, 'remove'))]),
  rename: one => {
    const input = node('input'), save = () => { tell('rename', one.id, {name: input.value}); fold(one.id); };
    input.value = one.name; input.maxLength = 60;
    input.setAttribute('aria-label', 'Name of this session');
    input.addEventListener('keydown', e => { if (e.key === 'Enter') { e.preventDefault(); save(); } });
    return box([input, press('Save', save), press('Cancel', () => fold(one.id))]);
  },
  remove: one => {
    const held = one.pictures === 1 ? 'its chat and its 1 picture' : one.pictures ? `its chat and its ${one.pictures} pictures` : 'its chat';
    const sure = press('Delete', () => { unfolded = null; tell('remove', one.id); }, 'ss-gone');
    return box([node('p', '', `${one.name}, ${held} will be gone for good.`), press('Keep it', () => fold(one.id)), sure]);
  },
};
function box(parts) {
  const made = node('div', 'ss-menu');
  made.append(...parts);
  return made;
}
root.addEventListener('keydown', e => { if (e.key === 'Escape' && unfolded) { e.stopPropagation(); fold(unfolded); } });
search.addEventListener('input', draw);

// ---- the address -------------------------------------------------------------------------------------------------------
const named = () => new URL(location).searchParams.get('session') || '';
function pick(id) {
  if (innerWidth < 760) root.closest('.sidebar')?.querySelector('.toggle-button')?.click();
  if (id !== now().open) tell('pick', id);
}
// A session that was opened here is a step of the browser's; the first one, and one that Back led to, are there already.
function address() {
  const {open} = now();
  if (!open) return;
  if (named() !== open) {
    const to = new URL(location);
    to.searchParams.set('session', open);
    history[arrived && !travelling ? 'pushState' : 'replaceState'](history.state, '', to);
  }
  arrived = true; travelling = false;
}
addEventListener('popstate', () => { if (element.isConnected && named() && named() !== now().open) { travelling = true; tell('pick', named()); } });

watch('value', () => { address(); draw(); });
address(); draw();
