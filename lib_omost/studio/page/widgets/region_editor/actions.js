// ---- actions ---------------------------------------------------------------------------------------------------------
const blank = box => ({id: newId(), box, depth: nearest(), color: '#4f8cff', description: 'new region', details: [], tags: '', atmosphere: '', style: '', quality: '', name: '', negative: '', strength: 1, locked: false});
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
  hide: () => toggle(region()),
  vary: () => afterEdits(() => trigger('vary', {id: selected})),
  lock: () => change(() => { const target = region() || plan.whole; target.locked = !target.locked; }),
};

// What is left out of the picture has strength 0; what it had before comes back with it.
const had = new Map();
function toggle(r) {
  if (r.strength) had.set(r.id, r.strength);
  change(() => { r.strength = r.strength ? 0 : had.get(r.id) || 1; });
}

// One place in the order of depth: between the next neighbour and the one after it, or beyond the last.
function step(sign) {
  const r = region(), depths = plan.regions.filter(o => o !== r).map(o => o.depth).sort((a, b) => sign * (a - b));
  const beyond = depths.filter(d => sign * (d - r.depth) >= 0);
  if (!beyond.length) { r.depth = round(sign < 0 ? r.depth * .8 : r.depth * 1.25); return; }
  r.depth = round(beyond.length > 1 && beyond[1] !== beyond[0] ? (beyond[0] + beyond[1]) / 2 : sign < 0 ? beyond[0] * .8 : beyond[0] * 1.25);
}

// A region at another place in the order, which is one of depth: between its new neighbours, or beyond the last.
const between = (before, after) => before == null ? after * .8 : after == null ? before * 1.25 : (before + after) / 2;
function place(id, at) {
  const r = plan.regions.find(o => o.id === id), others = byDepth().filter(o => o !== r);
  if (!r || byDepth().indexOf(r) === at || !others.length) return;
  change(() => { r.depth = round(between(others[at - 1]?.depth, others[at]?.depth)); });
}

function act(name) {
  if (name === 'undo' || name === 'redo') { if (!plan.streaming && !drag && (usable(name) || waiting)) travel(name); }
  else if (!writing() && usable(name)) actions[name]();
}
function select(id) { selected = id; adding = false; draw(); light(id); }
element.addEventListener('click', e => { const b = e.target.closest('[data-act]'); if (b) act(b.dataset.act); });
list.addEventListener('click', e => {
  const button = e.target.closest('button'), id = button?.dataset.id;
  if (!button) return;
  if (button.classList.contains('eye')) toggle(plan.regions.find(r => r.id === id));
  else if (button.classList.contains('lock')) change(() => { const r = plan.regions.find(r => r.id === id); r.locked = !r.locked; });
  else select(id === selected ? null : id);
});
list.addEventListener('keydown', e => { if (e.key !== 'Enter' && e.key !== ' ') keys(e); });

// Below the list stand the texts of the region or the code of the plan.
function showPane(name) {
  element.closest('#plan-column')?.setAttribute('data-pane', name);
  for (const b of element.querySelectorAll('[data-pane]')) b.setAttribute('aria-pressed', b.dataset.pane === name);
}
find('.re-panes').addEventListener('click', e => { if (e.target.dataset.pane) showPane(e.target.dataset.pane); });
document.addEventListener('click', e => { if (e.target instanceof Element && e.target.closest('[data-act=edit_code]')) showPane('code'); }, true);
// Dragged along the list, a region comes nearer or goes farther away; Alt and the arrow keys do the same.
let carried = null;
const rowsOf = () => [...list.querySelectorAll('.row')];
function gapAt(x, y) {
  const rows = rowsOf(), at = rows.findIndex(row => { const q = row.getBoundingClientRect(); return y < q.bottom && x < q.left + q.width / 2; });
  return at < 0 ? rows.length : at;
}
function mark_gap(at) { rowsOf().forEach((row, i, all) => { row.classList.toggle('gap', i === at); row.classList.toggle('gap-after', at === all.length && i === at - 1); }); }
list.addEventListener('dragstart', e => {
  const row = e.target instanceof Element && e.target.closest('.row');
  if (!row || writing()) { e.preventDefault(); return; }
  carried = row.querySelector('.pick').dataset.id; e.dataTransfer.effectAllowed = 'move'; e.dataTransfer.setData('text/plain', row.textContent);
});
list.addEventListener('dragover', e => { if (!carried) return; e.preventDefault(); mark_gap(gapAt(e.clientX, e.clientY)); });
list.addEventListener('drop', e => {
  if (!carried) return;
  e.preventDefault(); e.stopPropagation();
  const gap = gapAt(e.clientX, e.clientY), from = byDepth().findIndex(r => r.id === carried);
  place(carried, gap > from ? gap - 1 : gap);
});
list.addEventListener('dragend', () => { carried = null; mark_gap(-1); });
list.addEventListener('pointerover', e => hover(e.target.closest('button')?.dataset.id || null));
list.addEventListener('pointerleave', () => hover(null));
list.addEventListener('focusin', e => { if (e.target.matches(':focus-visible')) hover(e.target.dataset.id); });
list.addEventListener('focusout', () => hover(null));
