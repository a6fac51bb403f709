// The plan as boxes: draws props.value, and tells the server the whole plan after every change ('edited').
// Texts only ever go through textContent and form values; colours are checked before they reach a style.
// The files of this folder run as one script, in the order that region_editor.py names.
const GRID = 90, SMALLEST = 3, PATIENCE_MS = 8000;
const find = selector => element.querySelector(selector);
const stage = find('.re-stage'), surface = find('.re-surface'), list = find('.re-list'), form = find('.re-form'), status = find('.re-status');
const clamp = (v, low, high) => Math.max(low, Math.min(high, v));
const copy = value => JSON.parse(JSON.stringify(value));
const colour = text => /^#[0-9a-f]{6}$/i.test(text || '') ? text : '#888888';
const EMPTY = {whole: null, regions: [], pending: null, streaming: false, ratio: [7, 9], undo: null, redo: null};
let number = 0, waiting = 0, queue = [], sent = null, plan = copy(EMPTY), selected = null, lit = null, drag = null, adding = false, seen = new Set(), ways = [], travelling = false, fresh = 0, settled = null, loaded = false;

const region = () => plan.regions.find(r => r.id === selected) || null;
const byDepth = () => [...plan.regions].sort((a, b) => a.depth - b.depth);
const writing = () => plan.streaming || travelling || ways.length > 0;  // no hand may change the plan then
const state = () => ({whole: plan.whole, regions: plan.regions});
const newId = () => 'c' + Date.now().toString(36) + (fresh++);

function load() {
  const next = {...EMPTY, ...copy(props.value || {})};
  if (next.frame && loaded) {  // only the shape: what a person is editing stays in their hand
    plan.ratio = next.ratio;
    draw();
    return;
  }
  loaded = true;
  if (next.echo != null) {  // the answer to an edit
    if (next.echo !== number) return;
    waiting = 0; travelling = false;
    const held = queue.length || drag;  // what is in the hand must not move, nor what is still to be sent
    if (held) adopt(next);
    onward();
    if (held) return;
  }
  if (next.streaming && !plan.streaming) seen.clear();
  if (next.fresh) selected = null;
  plan = next;
  if (!region()) selected = null;
  if (next.opened) painted = likeness(); else if (!next.streaming) paintSoon();
  draw();
}

// What the server made of the last edit (texts that follow a description), but for what the hand has changed since.
function adopt(next) {
  const of = (from, id) => from.regions.find(r => r.id === id);
  for (const now of [plan, ...queue.map(entry => entry.state)]) {
    const trios = [[now.whole, next.whole, sent.whole], ...now.regions.map(r => [r, of(next, r.id), of(sent, r.id)])];
    for (const [mine, made, was] of trios) if (mine && made && was) for (const key of Object.keys(made)) if (JSON.stringify(mine[key]) === JSON.stringify(was[key])) mine[key] = copy(made[key]);
  }
}

// One edit is on its way at a time; those that come meanwhile wait in their order, each a step that can be undone. Only
// what goes on with the last of them (a key that is held down, one field) is one with it.
function post(now) {
  const mine = waiting = ++number;
  sent = copy(now);
  trigger('edited', {number: mine, ...copy(now)});
  impatient(mine);
}

// What differs between two states: which regions are gone or new, and which fields of which have another value.
function touched(before, after) {
  const of = (from, id) => id ? from.regions.find(r => r.id === id) : from.whole, ids = ['', ...new Set([...before.regions, ...after.regions].map(r => r.id))];
  return ids.map(id => {
    const [was, is] = [of(before, id), of(after, id)];
    if (!was || !is) return !was === !is ? '' : id + (is ? '+' : '-');
    return Object.keys(is).filter(key => JSON.stringify(was[key]) !== JSON.stringify(is[key])).map(key => id + '.' + key).join();
  }).filter(Boolean).join();
}

function onward() {
  if (queue.length) post(queue.shift().state); else if (!go()) rest();
}

// The steps are kept by the server, with those of the chat. One begins when the edits before it are in the code.
function travel(way) {
  ways.push(way);
  if (!waiting) go();
}

function go() {
  const way = ways.shift();
  if (!way) return false;
  const mine = waiting = ++number;
  travelling = true;
  trigger('travel', {number: mine, way});
  impatient(mine);
  return true;
}

function impatient(mine) {
  setTimeout(() => { if (waiting === mine) { waiting = 0; travelling = false; onward(); } }, PATIENCE_MS);
}

function commit() {
  const now = copy(state()), last = queue.at(-1), what = waiting ? touched(last ? last.state : sent || now, now) : '';
  if (!waiting) post(now); else if (last && last.what === what) last.state = now; else queue.push({what, state: now});
  draw();
}

function change(act) { if (writing()) return; act(); plan.undo = plan.undo || ''; commit(); }

// Auto-render: a plan that is finished, and a change of it that shows, is painted when the hand has rested a little.
const REST_MS = 300;
let painted = '', soon = 0;  // what was painted or opened last
const likeness = () => JSON.stringify([{...plan.whole, locked: 0}, plan.regions.map(r => ({...r, id: 0, locked: 0, lines: 0, name: 0}))]);
function paintSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => {
    if (waiting || drag || writing() || !plan.regions.length || likeness() === painted) return;
    if (!document.querySelector('#auto input')?.checked) return;
    painted = likeness();
    trigger('live', {});
  }, REST_MS);
}

// A press of Render waits until the last edit is in the code, so that what is seen is what is painted.
document.addEventListener('click', e => {
  const button = e.target instanceof Element && e.target.closest('#render');
  if (!button || !element.isConnected) return;
  if (!waiting) { clearTimeout(soon); painted = likeness(); return; }
  e.stopImmediatePropagation(); e.preventDefault();
  settled = () => button.querySelector('button')?.click() ?? button.click();
}, true);
document.addEventListener('change', e => { if (e.target instanceof Element && e.target.closest('#auto')) { painted = ''; paintSoon(); } });
function afterEdits(act) { if (waiting) settled = act; else act(); }
function rest() {
  paintSoon();
  if (!settled) return;
  const go = settled;
  settled = null;
  setTimeout(go, 60);  // by then the code pane has what came with this answer
}
