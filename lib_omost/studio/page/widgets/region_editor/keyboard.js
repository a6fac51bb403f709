// ---- keyboard --------------------------------------------------------------------------------------------------------
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
function keys(e) {
  const r = region(), command = e.ctrlKey || e.metaKey, key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  const by = ARROWS[e.key];
  if (by && r && e.altKey) { e.preventDefault(); const at = byDepth().indexOf(r) + (by[0] + by[1]); if (at >= 0 && at < plan.regions.length) place(r.id, at); return; }
  if (by && r) { e.preventDefault(); change(() => { r.box = e.shiftKey ? resized(r.box, 'se', ...by) : shifted(r.box, ...by); }); return; }
  const name = command ? {d: 'duplicate'}[key]
    : {Delete: 'remove', Backspace: 'remove', a: 'add', s: 'snap', l: 'lock', h: 'hide', v: 'vary', ']': 'nearer', '[': 'farther'}[key];
  if (name) { e.preventDefault(); act(name); return; }
  if (!command && (key === 'n' || key === 'p')) {
    const order = byDepth(), now = order.findIndex(o => o.id === selected);
    if (order.length) select(order[(now + (key === 'n' ? 1 : order.length - (now < 0 ? 0 : 1))) % order.length].id);
  } else if (key === 'Escape' && (adding || selected)) { e.stopPropagation(); select(null); }
  else if (e.key === 'Enter' && adding) change(() => { const made = blank([30, 30, 60, 60]); plan.regions.push(made); selected = made.id; adding = false; });
}
stage.addEventListener('keydown', keys);
