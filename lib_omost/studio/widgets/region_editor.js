// The plan as boxes: draws props.value, and tells the server the whole plan after every change ('edited').
// Texts only ever go through textContent and form values; colours are checked before they reach a style.
const GRID = 90, SMALLEST = 3, KEPT = 80, PATIENCE_MS = 8000;
const find = selector => element.querySelector(selector);
const stage = find('.re-stage'), list = find('.re-list'), form = find('.re-form'), status = find('.re-status'), lay = find('.re-lay input');
const clamp = (v, low, high) => Math.max(low, Math.min(high, v));
const copy = value => JSON.parse(JSON.stringify(value));
const colour = text => /^#[0-9a-f]{6}$/i.test(text || '') ? text : '#888888';
const EMPTY = {whole: null, regions: [], pending: null, streaming: false, ratio: [7, 9], picture: '', names: {}};
let number = 0, waiting = 0, dirty = false, plan = copy(EMPTY), selected = null, lit = null, drag = null, adding = false, seen = new Set(), past = [], future = [], fresh = 0;

const region = () => plan.regions.find(r => r.id === selected) || null;
const locked = () => plan.streaming;
const state = () => ({whole: plan.whole, regions: plan.regions});
const keep = () => { past.push(JSON.stringify(state())); if (past.length > KEPT) past.shift(); future = []; };
const newId = () => 'c' + Date.now().toString(36) + (fresh++);

function load() {
  const next = {...EMPTY, ...copy(props.value || {})};
  if (next.echo != null) {  // the answer to an edit
    if (next.echo !== waiting) return;
    waiting = 0;
    if (dirty) { post(); return; }
    if (drag) return;  // it must not move what is in the hand
  }
  if (next.streaming && !plan.streaming) seen.clear();
  if (next.fresh) { past = []; future = []; selected = null; }
  plan = next;
  if (!region()) selected = null;
  draw();
}

// One edit is on its way at a time; what changes meanwhile goes as one later edit, so that none is lost or out of order.
function post() {
  dirty = false;
  const mine = waiting = ++number;
  trigger('edited', {number: mine, ...copy(state())});
  setTimeout(() => { if (waiting === mine) { waiting = 0; if (dirty) post(); } }, PATIENCE_MS);
}

function commit() {
  if (waiting) dirty = true; else post();
  draw();
}

function change(act) { if (locked()) return; keep(); act(); commit(); }

// ---- drawing ---------------------------------------------------------------------------------------------------------
function draw() {
  stage.style.setProperty('--ratio', plan.ratio[0] / plan.ratio[1]);
  stage.style.setProperty('--paper', plan.whole ? colour(plan.whole.color) : '#8d939c');
  drawPicture(); drawBoxes(); drawLabels(); drawList(); drawForm(); drawStatus();
  for (const b of element.querySelectorAll('.re-bar button')) b.disabled = locked() || !usable(b.dataset.act);
  find('[data-act=add]').classList.toggle('on', adding);
}

const usable = act => act === 'add' ? true : act === 'undo' ? past.length > 0 : act === 'redo' ? future.length > 0 : !!region();

function drawPicture() {
  let img = stage.querySelector('img');
  find('.re-lay').style.visibility = plan.picture ? 'visible' : 'hidden';
  if (!plan.picture) { if (img) img.remove(); stage.style.setProperty('--tint', .62); return; }
  if (!img) { img = document.createElement('img'); img.alt = ''; stage.prepend(img); }
  if (img.dataset.source !== plan.picture) { img.dataset.source = plan.picture; img.src = plan.picture; }
  img.style.opacity = lay.value / 100;
  stage.style.setProperty('--tint', .62 * (1 - .85 * lay.value / 100));
}

function drawBoxes() {
  const old = new Map([...stage.querySelectorAll('.re-box')].map(n => [n.dataset.id, n]));
  const order = [...plan.regions].sort((a, b) => b.depth - a.depth);
  order.forEach((r, z) => {
    const node = old.get(r.id) || stage.appendChild(makeBox(r.id));
    old.delete(r.id);
    put(node, r.box);
    node.style.zIndex = r.id === selected ? 1000 : z + 1;
    node.classList.toggle('selected', r.id === selected);
    node.classList.toggle('lit', r.id === lit);
    node.querySelector('.tint').style.background = colour(r.color);
  });
  if (plan.pending) {
    const node = old.get('pending') || stage.appendChild(makeBox('pending'));
    old.delete('pending');
    node.classList.add('pending');
    put(node, plan.pending);
  }
  old.forEach(n => n.remove());
  let empty = stage.querySelector('.re-empty');
  const bare = !plan.regions.length && !plan.pending && !drag;
  if (bare && !empty) { empty = document.createElement('div'); empty.className = 're-empty'; stage.appendChild(empty); }
  if (empty) { if (bare) empty.textContent = plan.streaming ? 'Composing the plan…' : 'The plan appears here, box by box. Or draw one: press and drag.'; else empty.remove(); }
}

function put(node, [left, top, right, bottom]) {
  node.style.left = left / GRID * 100 + '%'; node.style.top = top / GRID * 100 + '%';
  node.style.width = (right - left) / GRID * 100 + '%'; node.style.height = (bottom - top) / GRID * 100 + '%';
}

const GRIPS = {nw: [0, 0], n: [50, 0], ne: [100, 0], e: [100, 50], se: [100, 100], s: [50, 100], sw: [0, 100], w: [0, 50]};
function makeBox(id) {
  const node = document.createElement('div');
  node.dataset.id = id;
  node.className = 're-box' + (seen.has(id) ? '' : ' new');
  seen.add(id);
  const tint = document.createElement('div'); tint.className = 'tint'; node.appendChild(tint);
  for (const [grip, [x, y]] of Object.entries(GRIPS)) {
    const dot = document.createElement('i');
    dot.className = 're-grip'; dot.dataset.grip = grip;
    dot.style.left = x + '%'; dot.style.top = y + '%'; dot.style.cursor = grip + '-resize';
    node.appendChild(dot);
  }
  return node;
}

const title = r => r.name || r.description || 'region';

// Labels lie above all boxes and never on one another: each takes the first free place along its box, then below it.
function drawLabels() {
  stage.querySelectorAll('.re-label').forEach(n => n.remove());
  const width = stage.clientWidth, height = stage.clientHeight, taken = [], high = 20, gap = 3;
  if (!width) return;
  const order = [...plan.regions].sort((a, b) => (b.id === selected) - (a.id === selected) || a.depth - b.depth);
  for (const r of order) {
    const node = document.createElement('div');
    node.className = 're-label' + (r.id === selected ? ' selected' : ''); node.dataset.id = r.id; node.textContent = title(r);
    stage.appendChild(node);
    const wide = node.offsetWidth, [left, top, right, bottom] = r.box.map((v, i) => v / GRID * (i % 2 ? height : width));
    const xs = [left + gap, right - wide - gap].map(x => clamp(x, gap, width - wide - gap)), ys = [];
    for (let y = top + gap; y < bottom - high; y += high + gap) ys.push(y);
    for (let y = gap; y < height - high; y += high + gap) ys.push(y);
    const free = (x, y) => taken.every(([a, b, c, d]) => x >= c || x + wide <= a || y >= d || y + high <= b);
    let place = null;
    for (const y of ys) { const x = xs.find(x => free(x, y)); if (x !== undefined) { place = [x, clamp(y, gap, height - high - gap)]; break; } }
    if (!place || !free(...place)) { node.remove(); continue; }  // the list below still has it
    node.style.left = place[0] + 'px'; node.style.top = place[1] + 'px';
    taken.push([place[0], place[1], place[0] + wide, place[1] + high]);
  }
}

function drawList() {
  const order = [...plan.regions].sort((a, b) => a.depth - b.depth);
  while (list.children.length > order.length) list.lastChild.remove();
  order.forEach((r, i) => {
    let row = list.children[i];
    if (!row) {
      row = document.createElement('button'); row.type = 'button';
      for (const part of ['dot', 'name', 'depth']) { const n = document.createElement('span'); n.className = part; row.appendChild(n); }
      list.appendChild(row);
    }
    row.dataset.id = r.id;
    row.classList.toggle('selected', r.id === selected); row.setAttribute('aria-pressed', r.id === selected);
    row.children[0].style.background = colour(r.color); row.children[1].textContent = title(r); row.children[2].textContent = r.depth;
  });
}

function drawStatus() {
  const r = region(), count = plan.regions.length + (plan.regions.length === 1 ? ' region' : ' regions');
  if (plan.streaming) status.textContent = 'Composing… ' + count;
  else if (adding) status.textContent = 'Draw the new region in the plan';
  else if (r) status.textContent = 'across ' + r.box[0] + '–' + r.box[2] + ', down ' + r.box[1] + '–' + r.box[3] + ' of 90';
  else status.textContent = plan.regions.length ? count + ' · press one to edit it' : '';
}

// ---- the form --------------------------------------------------------------------------------------------------------
const LOCAL = [['description', 'Description', 'wide'], ['name', 'Name'], ['color', 'Colour'], ['depth', 'Distance to viewer'], ['negative', 'Not here (negative)']];
const MORE = {local: [['details', 'Detailed descriptions, one a line', 'wide'], ['tags', 'Tags'], ['atmosphere', 'Atmosphere'], ['style', 'Style'], ['quality', 'Quality']],
  whole: [['details', 'Detailed descriptions, one a line', 'wide']]};
const WHOLE = [['description', 'The whole picture', 'wide'], ['color', 'Background colour'], ['tags', 'Tags']];
let formOf = '';

function drawForm() {
  const target = region() || plan.whole, kind = region() ? 'local' : plan.whole ? 'whole' : '';
  if (formOf !== kind) { buildForm(kind); formOf = kind; }
  if (!target) return;
  for (const input of form.querySelectorAll('[data-key]')) {
    input.disabled = locked();
    if (document.activeElement === input) continue;
    const key = input.dataset.key, value = target[key];
    input.value = key === 'details' ? (value || []).join('\n') : input.type === 'color' ? colour(value) : value ?? '';
  }
}

function buildForm(kind) {
  form.replaceChildren();
  if (!kind) return;
  (kind === 'local' ? LOCAL : WHOLE).forEach(row => form.appendChild(field(...row)));
  const more = document.createElement('details'), head = document.createElement('summary'), body = document.createElement('div');
  head.textContent = 'More texts'; body.className = 'more';
  MORE[kind].forEach(row => body.appendChild(field(...row)));
  more.append(head, body); form.appendChild(more);
}

function field(key, label, wide) {
  const box = document.createElement('label'), caption = document.createElement('span');
  caption.textContent = label; if (wide) box.className = 'wide';
  const input = document.createElement(key === 'details' || key === 'description' ? 'textarea' : 'input');
  input.dataset.key = key;
  if (key === 'details') input.rows = 3; else if (key === 'description') input.rows = 2;
  if (key === 'color') input.type = 'color';
  if (key === 'depth') { input.type = 'number'; input.min = .1; input.step = .5; }
  if (input.type !== 'color' && input.type !== 'number') input.maxLength = 4000;
  input.addEventListener('change', () => edit(key, input));
  box.append(caption, input);
  return box;
}

function edit(key, input) {
  const target = region() || plan.whole;
  if (!target) return;
  let value = input.value;
  if (key === 'details') value = value.split('\n').map(line => line.trim()).filter(Boolean);
  if (key === 'depth') { value = Number(value); if (!(value > 0)) { draw(); return; } }
  change(() => { target[key] = value; });
}

// ---- actions ---------------------------------------------------------------------------------------------------------
const blank = box => ({id: newId(), box, depth: nearest(), color: '#4f8cff', description: 'new region', details: [], tags: '', atmosphere: '', style: '', quality: '', name: '', negative: ''});
const nearest = () => plan.regions.length ? Math.min(...plan.regions.map(r => r.depth)) : 5;
const round = depth => Math.max(.1, Math.round(depth * 100) / 100);

const actions = {
  add: () => { adding = !adding; stage.focus({preventScroll: true}); draw(); },
  remove: () => change(() => { plan.regions = plan.regions.filter(r => r.id !== selected); selected = null; }),
  duplicate: () => change(() => {
    const twin = copy(region()), [left, top, right, bottom] = twin.box, dx = right + 4 > GRID ? -4 : 4, dy = bottom + 4 > GRID ? -4 : 4;
    twin.id = newId(); twin.box = [clamp(left + dx, 0, GRID), clamp(top + dy, 0, GRID), clamp(right + dx, 0, GRID), clamp(bottom + dy, 0, GRID)];
    plan.regions.push(twin); selected = twin.id;
  }),
  nearer: () => change(() => step(-1)),
  farther: () => change(() => step(1)),
  snap: () => change(() => { region().snap = true; }),
  undo: () => travel(past, future),
  redo: () => travel(future, past),
};

// One place in the order of depth: between the next neighbour and the one after it, or beyond the last.
function step(sign) {
  const r = region(), depths = plan.regions.filter(o => o !== r).map(o => o.depth).sort((a, b) => sign * (a - b));
  const beyond = depths.filter(d => sign * (d - r.depth) >= 0);
  if (!beyond.length) { r.depth = round(sign < 0 ? r.depth * .8 : r.depth * 1.25); return; }
  r.depth = round(beyond.length > 1 && beyond[1] !== beyond[0] ? (beyond[0] + beyond[1]) / 2 : sign < 0 ? beyond[0] * .8 : beyond[0] * 1.25);
}

function travel(from, to) {
  if (locked() || !from.length) return;
  to.push(JSON.stringify(state()));
  Object.assign(plan, JSON.parse(from.pop()));
  if (!region()) selected = null;
  commit();
}

function act(name) { if (!locked() && usable(name)) actions[name](); }
function select(id) { selected = id; adding = false; draw(); light(id); }
element.querySelector('.re-bar').addEventListener('click', e => { const b = e.target.closest('button'); if (b) act(b.dataset.act); });
list.addEventListener('click', e => { const row = e.target.closest('button'); if (row) select(row.dataset.id === selected ? null : row.dataset.id); });
list.addEventListener('keydown', e => { if (e.key !== 'Enter' && e.key !== ' ') keys(e); });
lay.addEventListener('input', drawPicture);

// ---- pointer ---------------------------------------------------------------------------------------------------------
const cell = e => { const q = stage.getBoundingClientRect(); return [(e.clientX - q.left) / q.width * GRID, (e.clientY - q.top) / q.height * GRID]; };

stage.addEventListener('pointerdown', e => {
  if (locked() || e.button) return;
  stage.focus({preventScroll: true});
  const hit = adding ? null : e.target.closest('.re-box, .re-label'), at = cell(e);
  if (hit && e.altKey) { select(under(at)); return; }
  selected = hit ? hit.dataset.id : null;
  drag = {at, grip: e.target.dataset.grip || '', before: JSON.stringify(state()), start: region() ? [...region().box] : null, moved: false, drawn: !hit};
  stage.setPointerCapture(e.pointerId);
  draw(); light(selected);
});

// Alt+click walks down through the boxes under the pointer.
function under([x, y]) {
  const pile = [...plan.regions].sort((a, b) => a.depth - b.depth).filter(({box: [l, t, r, b]}) => x >= l && x < r && y >= t && y < b);
  return pile.length ? pile[(pile.findIndex(r => r.id === selected) + 1) % pile.length].id : null;
}

stage.addEventListener('pointermove', e => {
  if (!drag) { hover(e.target.closest('.re-box, .re-label')?.dataset.id || null); return; }
  const at = cell(e), dx = Math.round(at[0] - drag.at[0]), dy = Math.round(at[1] - drag.at[1]);
  if (!drag.moved && !dx && !dy) return;
  drag.moved = true;
  if (drag.drawn) drawNew(at); else region().box = drag.grip ? resized(drag.start, drag.grip, dx, dy) : shifted(drag.start, dx, dy);
  draw();
});

function drawNew([x, y]) {
  const xs = [drag.at[0], x].map(v => clamp(Math.round(v), 0, GRID)).sort((a, b) => a - b), ys = [drag.at[1], y].map(v => clamp(Math.round(v), 0, GRID)).sort((a, b) => a - b);
  plan.pending = [xs[0], ys[0], xs[1], ys[1]];
}
const shifted = ([l, t, r, b], dx, dy) => { dx = clamp(dx, -l, GRID - r); dy = clamp(dy, -t, GRID - b); return [l + dx, t + dy, r + dx, b + dy]; };
function resized([l, t, r, b], grip, dx, dy) {
  if (grip.includes('w')) l = clamp(l + dx, 0, r - SMALLEST); if (grip.includes('e')) r = clamp(r + dx, l + SMALLEST, GRID);
  if (grip.includes('n')) t = clamp(t + dy, 0, b - SMALLEST); if (grip.includes('s')) b = clamp(b + dy, t + SMALLEST, GRID);
  return [l, t, r, b];
}

function drop() {
  if (!drag) return;
  const {moved, drawn, before} = drag, box = plan.pending;
  drag = null; plan.pending = null;
  if (drawn && box && box[2] - box[0] >= SMALLEST && box[3] - box[1] >= SMALLEST) {
    const made = blank(box);
    plan.regions.push(made); selected = made.id; adding = false;
  } else if (drawn || !moved) { draw(); return; }
  past.push(before); future = [];
  commit();
  if (drawn) { const first = form.querySelector('[data-key=description]'); if (first) { first.focus(); first.select(); } }
}
stage.addEventListener('pointerup', drop);
stage.addEventListener('pointercancel', () => { if (drag) { Object.assign(plan, JSON.parse(drag.before)); drag = null; plan.pending = null; draw(); } });
stage.addEventListener('pointerleave', () => hover(null));

// ---- keyboard --------------------------------------------------------------------------------------------------------
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
function keys(e) {
  const r = region(), command = e.ctrlKey || e.metaKey, key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  const by = ARROWS[e.key];
  if (by && r) { e.preventDefault(); change(() => { r.box = e.shiftKey ? resized(r.box, 'se', ...by) : shifted(r.box, ...by); }); return; }
  const name = command ? {z: e.shiftKey ? 'redo' : 'undo', y: 'redo', d: 'duplicate'}[key]
    : {Delete: 'remove', Backspace: 'remove', a: 'add', s: 'snap', ']': 'nearer', '[': 'farther'}[key];
  if (name) { e.preventDefault(); act(name); return; }
  if (!command && (key === 'n' || key === 'p')) {
    const order = [...plan.regions].sort((a, b) => a.depth - b.depth), now = order.findIndex(o => o.id === selected);
    if (order.length) select(order[(now + (key === 'n' ? 1 : order.length - (now < 0 ? 0 : 1))) % order.length].id);
  } else if (key === 'Escape' && (adding || selected)) { e.stopPropagation(); select(null); }
  else if (e.key === 'Enter' && adding) change(() => { const made = blank([30, 30, 60, 60]); plan.regions.push(made); selected = made.id; adding = false; });
}
stage.addEventListener('keydown', keys);

// ---- the code beside it: a hovered region lights its lines, a hovered line its region ------------------------------------
const codeLines = () => {
  const pane = document.querySelector('#code .cm-editor');
  if (!pane) return [];
  const numbers = [...pane.querySelectorAll('.cm-lineNumbers .cm-gutterElement')].filter(n => n.style.visibility !== 'hidden' && n.style.height !== '0px').map(n => [Number(n.textContent), n.getBoundingClientRect().top]);
  return [...pane.querySelectorAll('.cm-line')].map(line => {
    const top = line.getBoundingClientRect().top, at = numbers.find(([, y]) => Math.abs(y - top) < 8);
    return [at ? at[0] : 0, line];
  });
};
function light(id) {
  if (!window.Highlight || !CSS.highlights) return;
  const r = plan.regions.find(r => r.id === id);
  if (!r || !r.lines) { CSS.highlights.delete('omost-region'); return; }
  const marks = codeLines().filter(([n]) => n >= r.lines[0] && n <= r.lines[1]).map(([, line]) => { const range = new Range(); range.selectNodeContents(line); return range; });
  CSS.highlights.set('omost-region', new Highlight(...marks));
}
function hover(id) { if (id === lit || drag) return; lit = id; drawBoxes(); light(id || selected); }
document.addEventListener('mousemove', e => {
  const line = e.target instanceof Element && e.target.closest('#code .cm-line');
  if (!line) { if (fromCode) { fromCode = false; hover(null); } return; }
  const at = codeLines().find(([, node]) => node === line), r = at && plan.regions.find(r => r.lines && at[0] >= r.lines[0] && at[0] <= r.lines[1]);
  fromCode = true; hover(r ? r.id : null);
});
let fromCode = false;

new ResizeObserver(() => drawLabels()).observe(stage);
watch('value', load);
load();
