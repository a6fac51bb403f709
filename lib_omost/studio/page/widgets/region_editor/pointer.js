// ---- pointer ---------------------------------------------------------------------------------------------------------
const cell = e => { const q = stage.getBoundingClientRect(); return [(e.clientX - q.left) / q.width * GRID, (e.clientY - q.top) / q.height * GRID]; };

stage.addEventListener('pointerdown', e => {
  if (writing() || e.button || drag) return;
  stage.focus({preventScroll: true});
  const hit = adding ? null : e.target.closest('.re-box, .re-label'), at = cell(e);
  if (hit && e.altKey) { select(under(at)); return; }
  const earlier = selected, again = hit && hit.dataset.id === earlier && !hit.classList.contains('re-label') && !e.target.dataset.grip;
  selected = hit ? hit.dataset.id : null;
  drag = {at, earlier, again, grip: e.target.dataset.grip || '', before: JSON.stringify(state()), start: region() ? [...region().box] : null, moved: false, drawn: !hit};
  stage.setPointerCapture(e.pointerId);
  draw(); light(selected);
});

// The next box below the selected one under the pointer; from the last one back to the first.
function under([x, y]) {
  const pile = byDepth().filter(({box: [l, t, r, b]}) => x >= l && x < r && y >= t && y < b);
  return pile.length ? pile[(pile.findIndex(r => r.id === selected) + 1) % pile.length].id : null;
}

stage.addEventListener('pointermove', e => {
  if (!drag) { hover(e.target.closest('.re-box, .re-label')?.dataset.id || null); return; }
  const at = cell(e), dx = Math.round(at[0] - drag.at[0]), dy = Math.round(at[1] - drag.at[1]);
  if (!drag.moved && !dx && !dy) return;
  drag.moved = true;
  if (drag.drawn && e.pointerType === 'touch' && !adding) return;  // there a finger scrolls the page
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
  const {moved, drawn, again, at} = drag, box = plan.pending;
  drag = null; plan.pending = null;
  if (drawn && box && box[2] - box[0] >= SMALLEST && box[3] - box[1] >= SMALLEST) {
    const made = blank(box);
    plan.regions.push(made); selected = made.id; adding = false;
  } else if (drawn || !moved) { if (again && !moved) select(under(at) || selected); else draw(); paintSoon(); return; }
  plan.undo = plan.undo || '';
  commit();
  if (drawn) { const first = form.querySelector('[data-key=description]'); if (first) { first.focus(); first.select(); } }
}
stage.addEventListener('pointerup', drop);
stage.addEventListener('pointercancel', () => { if (drag) { Object.assign(plan, JSON.parse(drag.before)); selected = drag.earlier; drag = null; plan.pending = null; draw(); light(selected); } });
stage.addEventListener('pointerleave', () => hover(null));
