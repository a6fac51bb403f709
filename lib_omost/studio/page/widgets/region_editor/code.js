// ---- the code beside it: a hovered region lights its lines, a hovered line its region ------------------------------------
let inCode = false, watched = null, shining = null;
const pane = () => document.querySelector('#code .cm-editor');

// The lines that the code pane has in the page now, with their numbers: it keeps only those near what is seen of it.
function codeLines() {
  if (!pane()) return [];
  const numbers = [...pane().querySelectorAll('.cm-lineNumbers .cm-gutterElement')].filter(n => n.style.visibility !== 'hidden' && n.style.height !== '0px').map(n => [Number(n.textContent), n.getBoundingClientRect().top]);
  return [...pane().querySelectorAll('.cm-line')].map(line => {
    const top = line.getBoundingClientRect().top, at = numbers.find(([, y]) => Math.abs(y - top) < 8);
    return [at ? at[0] : 0, line];
  });
}

function light(id) {
  const r = plan.regions.find(r => r.id === id);
  shining = r && r.lines || null;
  if (shining && !inCode) uncover(shining);
  mark();
}

function mark() {
  if (!window.Highlight || !CSS.highlights) return;
  if (!shining) { CSS.highlights.delete('omost-region'); return; }
  const ranges = codeLines().filter(([n]) => n >= shining[0] && n <= shining[1]).map(([, line]) => { const range = new Range(); range.selectNodeContents(line); return range; });
  CSS.highlights.set('omost-region', new Highlight(...ranges));
  const content = pane()?.querySelector('.cm-content');
  if (content && content !== watched) { watched = content; new MutationObserver(() => { if (shining) mark(); }).observe(content, {childList: true}); }
}

// Scrolls the code pane, and nothing else, so that the first of the lines is seen.
function uncover([first, last]) {
  const scroller = pane()?.querySelector('.cm-scroller'), line = scroller?.querySelector('.cm-line');
  if (!line) return;
  const high = line.offsetHeight, top = (first - 1) * high;
  if (top < scroller.scrollTop || last * high > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = Math.max(0, top - high);
}

function hover(id) { if (id === lit || drag) return; lit = id; drawBoxes(); drawList(); light(id || selected); }

const regionAt = line => { const at = codeLines().find(([, node]) => node === line); return at && plan.regions.find(r => r.lines && at[0] >= r.lines[0] && at[0] <= r.lines[1]) || null; };
function fromCode(line) {
  if (!line && !inCode) return;
  inCode = !!line;
  hover(line ? regionAt(line)?.id || null : null);
}
document.addEventListener('mousemove', e => { if (e.target instanceof Element) fromCode(e.target.closest('#code .cm-line')); });
document.addEventListener('keyup', e => { if (e.target instanceof Element && e.target.closest('#code')) fromCode(getSelection().anchorNode?.parentElement?.closest('.cm-line')); });

new ResizeObserver(() => { fit(); drawLabels(); placeForm(); }).observe(surface);
watch('value', load);
load();
