// The plan as boxes: draws props.value, and tells the server the whole plan after every change ('edited').
// Texts only ever go through textContent and form values; colours are checked before they reach a style.
// The files of this folder run as one script, in the order that region_editor.py names.
const GRID = 90, SMALLEST = 3, PATIENCE_MS = 8000;
const find = selector => element.querySelector(selector);
const stage = find('.re-stage'), surface = find('.re-surface'), list = find('.re-list'), form = find('.re-form'), status = find('.re-status');
const clamp = (v, low, high) => Math.max(low, Math.min(high, v));
const copy = value => JSON.parse(JSON.stringify(value));
const colour = text => /^#[0-9a-f]{6}$/i.test(text || '') ? text : '#888888';
const EMPTY = {whole: null, regions: [], pending: null, streaming: false, ratio: [7, 9], picture: '', undo: null, redo: null};
let number = 0, waiting = 0, dirty = false, sent = null, plan = copy(EMPTY), selected = null, lit = null, drag = null, adding = false, seen = new Set(), ways = [], travelling = false, fresh = 0, settled = null, loaded = false;

const region = () => plan.regions.find(r => r.id === selected) || null;
const byDepth = () => [...plan.regions].sort((a, b) => a.depth - b.depth);
const writing = () => plan.streaming || travelling;  // no hand may change the plan then
const state = () => ({whole: plan.whole, regions: plan.regions});
const newId = () => 'c' + Date.now().toString(36) + (fresh++);

function load() {
  const next = {...EMPTY, ...copy(props.value || {})};
  if (next.frame && loaded) {  // only the picture below or the shape: what a person is editing stays in their hand
    plan.picture = next.picture; plan.ratio = next.ratio;
    draw();
    return;
  }
  loaded = true;
  if (next.echo != null) {  // the answer to an edit
    if (next.echo !== waiting) return;
    waiting = 0; travelling = false;
    if (dirty) { adopt(next); post(); return; }
    if (!go()) rest();
    if (drag) return;  // it must not move what is in the hand
  }
  if (next.streaming && !plan.streaming) seen.clear();
  const news = (plan.streaming || expected) && !next.streaming;
  if (next.fresh) selected = null;
  plan = next;
  if (!region()) selected = null;
  if (news) { expected = false; paintSoon(); } else if (next.echo == null && !next.streaming) painted = likeness();
  draw();
}

// What the server made of the last edit (texts that follow a description), but for what the hand has changed since.
function adopt(next) {
  const of = (from, id) => from.regions.find(r => r.id === id), trios = [[plan.whole, next.whole, sent.whole], ...plan.regions.map(r => [r, of(next, r.id), of(sent, r.id)])];
  for (const [mine, made, was] of trios) if (mine && made && was) for (const key of Object.keys(made)) if (JSON.stringify(mine[key]) === JSON.stringify(was[key])) mine[key] = made[key];
}

// One edit is on its way at a time; what changes meanwhile goes as one later edit, so that none is lost or out of order.
function post() {
  dirty = false;
  const mine = waiting = ++number;
  sent = copy(state());
  trigger('edited', {number: mine, ...copy(sent)});
  impatient(mine);
}

// The steps are kept by the server, with those of the chat. One begins when the edits before it are in the code.
function travel(way) {
  ways.push(way);
  if (!waiting && !dirty) go();
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
  setTimeout(() => { if (waiting === mine) { waiting = 0; travelling = false; if (dirty) post(); else if (!go()) rest(); } }, PATIENCE_MS);
}

function commit() {
  if (waiting) dirty = true; else post();
  draw();
}

function change(act) { if (writing()) return; act(); plan.undo = plan.undo || ''; commit(); }

// Auto-render: a plan that is finished, and a change of it that shows, is painted when the hand has rested a little.
const REST_MS = 300;
let painted = '', soon = 0, expected = false;  // what was painted or opened last; whether a press elsewhere changes the plan
const likeness = () => JSON.stringify([{...plan.whole, locked: 0}, plan.regions.map(r => ({...r, id: 0, locked: 0, lines: 0, name: 0}))]);
function paintSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => {
    if (waiting || dirty || drag || writing() || !plan.regions.length || likeness() === painted) return;
    painted = likeness();
    if (document.querySelector('#auto input')?.checked) trigger('live', {});
  }, REST_MS);
}

// A press of Render waits until the last edit is in the code, so that what is seen is what is painted.
document.addEventListener('click', e => {
  const button = e.target instanceof Element && e.target.closest('#render');
  if (e.target instanceof Element && e.target.closest('#remarks button, #apply')) expected = true;
  if (!button || !element.isConnected) return;
  if (!waiting && !dirty) { clearTimeout(soon); painted = likeness(); return; }
  e.stopImmediatePropagation(); e.preventDefault();
  settled = () => button.querySelector('button')?.click() ?? button.click();
}, true);
function rest() {
  paintSoon();
  if (!settled) return;
  const go = settled;
  settled = null;
  setTimeout(go, 60);  // by then the code pane has what came with this answer
}
