// ---- the picture below the boxes, and how both lie in the window -------------------------------------------------------
// The picture is what the gallery shows as its large one: a preview, the newest, or the one that was chosen there.
const PAD = 10, SLOT = 252, NARROW = matchMedia('(max-width: 759px)');
let peeked = '';  // what is only looked at, among pictures to choose from
const shownPicture = () => document.querySelector('#picture img')?.getAttribute('src') || '';
document.addEventListener('omost-peek', e => { peeked = e.detail; drawPicture(); });
const thumbs = () => [...document.querySelectorAll('#gallery .thumbnail-item')];

function drawPicture() {
  const source = peeked || shownPicture();
  let img = stage.querySelector('img');
  stage.classList.toggle('painted', !!source);
  if (!source) img?.remove();
  else {
    if (!img) { img = document.createElement('img'); img.alt = ''; stage.prepend(img); }
    if (img.getAttribute('src') !== source) img.src = source;
  }
  drawViews();
}

// Which of the thumbnails is large; the newest comes first.
const file = source => (source || '').split('/').pop();
const at = () => thumbs().findIndex(t => file(t.querySelector('img')?.src) === file(shownPicture()));

function drawViews() {
  const all = thumbs(), now = at(), button = name => find('[data-view=' + name + ']');
  button('older').disabled = !all.length || now === all.length - 1;
  button('newer').disabled = !all.length || now <= 0;
  for (const b of element.querySelectorAll('[data-act=vary]')) b.disabled = writing() || !usable('vary');
  button('closer').disabled = zoom >= CLOSEST || surface.classList.contains('narrow'); button('whole_canvas').disabled = zoom === 1;
  button('download').disabled = !shownPicture();
  button('whole').disabled = !plan.whole; button('whole').setAttribute('aria-pressed', !selected && getComputedStyle(form).display !== 'none');
  button('boxes').setAttribute('aria-pressed', !stage.classList.contains('bare'));
}

// How many times as large as fits; what is larger than the window is scrolled.
const CLOSEST = 6;
let zoom = 1;
function zoomTo(next, at = null) {
  const before = stage.getBoundingClientRect(), old = zoom, [x, y] = at || [surface.getBoundingClientRect().left + surface.clientWidth / 2, surface.getBoundingClientRect().top + surface.clientHeight / 2];
  zoom = clamp(next, 1, CLOSEST);
  if (zoom === old) return;
  const [u, v] = [(x - before.left) / before.width, (y - before.top) / before.height];
  draw();
  const after = stage.getBoundingClientRect();
  surface.scrollLeft += after.left + u * after.width - x;
  surface.scrollTop += after.top + v * after.height - y;
  placeForm();
}
surface.addEventListener('wheel', e => { if (e.ctrlKey || e.metaKey) { e.preventDefault(); zoomTo(zoom * Math.exp(-e.deltaY / 300), [e.clientX, e.clientY]); } }, {passive: false});
surface.addEventListener('scroll', () => { if (zoom > 1) placeForm(); });

const views = {
  closer: () => zoomTo(zoom * 1.5),
  away: () => zoomTo(zoom / 1.5),
  whole_canvas: () => zoomTo(1),
  boxes: () => { stage.classList.toggle('bare'); },
  older: () => thumbs()[at() + 1]?.click(),
  newer: () => thumbs()[Math.max(0, at() - 1)]?.click(),
  whole: () => { const open = !selected && getComputedStyle(form).display !== 'none'; surface.classList.toggle('wholly', !open); select(null); },
  download: () => document.querySelector('#picture a[download], #picture [aria-label=Download]')?.click(),
  full: () => document.fullscreenElement ? document.exitFullscreen() : surface.requestFullscreen?.(),
};
function look(name) { if (!find('[data-view=' + name + ']')?.disabled) views[name](); drawViews(); }
element.addEventListener('click', e => { const b = e.target.closest('[data-view]'); if (b) look(b.dataset.view); });
document.addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey || !element.isConnected || (e.target instanceof Element && e.target.closest('input, textarea, [contenteditable=true], select'))) return;
  const name = {b: 'boxes', f: 'full', '+': 'closer', '=': 'closer', '-': 'away', 0: 'whole_canvas', PageDown: 'older', PageUp: 'newer'}[e.key.length === 1 ? e.key.toLowerCase() : e.key];
  if (!name || (e.key.startsWith('Page') && !document.fullscreenElement && document.activeElement !== stage)) return;
  e.preventDefault(); look(name);
});

// The largest stage of this shape that the window has room for; beside it, where there is room, the texts.
function fit() {
  const ratio = plan.ratio[0] / plan.ratio[1], wide = surface.clientWidth, narrow = NARROW.matches;
  surface.classList.toggle('narrow', narrow);
  if (!wide) return;
  if (narrow) { stage.style.width = Math.min(wide, innerHeight * .62 * ratio) + 'px'; stage.style.left = stage.style.top = ''; return; }
  surface.classList.toggle('near', zoom > 1);
  const high = surface.clientHeight, width = Math.floor(zoom * Math.min(wide - 2 * PAD, (high - 2 * PAD) * ratio)), roomy = wide - width >= SLOT + 2 * PAD;
  surface.classList.toggle('roomy', roomy);
  stage.style.width = width + 'px';
  stage.style.left = Math.max(zoom > 1 ? PAD : 0, Math.round(roomy ? Math.max(PAD, (wide - width - SLOT) / 2) : (wide - width) / 2)) + 'px';
  stage.style.top = Math.max(zoom > 1 ? PAD : 0, Math.round((high - width / ratio) / 2)) + 'px';
}

// The texts stand beside the picture at the height of their box, or beside the box where that leaves no room.
function placeForm() {
  const r = region();
  surface.classList.toggle('chosen', !!r);
  if (r) surface.classList.remove('wholly');
  drawViews();
  if (surface.classList.contains('narrow')) { form.style.left = form.style.top = ''; return; }
  const [gone, down] = [surface.scrollLeft, surface.scrollTop], left = stage.offsetLeft - gone, wide = stage.offsetWidth, tall = stage.offsetHeight, across = form.offsetWidth, box = r ? r.box : [0, 0, GRID, GRID];
  const [west, north, east] = [left + box[0] / GRID * wide, stage.offsetTop - down + box[1] / GRID * tall, left + box[2] / GRID * wide], last = surface.clientWidth - across - PAD;
  const beside = east + PAD <= last ? east + PAD : west - PAD - across >= PAD ? west - PAD - across : last;
  form.style.left = (surface.classList.contains('roomy') ? Math.min(last, left + wide + PAD + 2) : clamp(beside, PAD, last)) + gone + 'px';
  form.style.top = Math.max(PAD, Math.min(north, surface.clientHeight - form.offsetHeight - PAD)) + down + 'px';
}

(function mirror() {
  const source = document.querySelector('#picture'), gallery = document.querySelector('#gallery');
  if (!source) { requestAnimationFrame(mirror); return; }
  const again = new MutationObserver(drawPicture);
  again.observe(source.closest('#picture-column') || source, {subtree: true, childList: true, attributes: true, attributeFilter: ['src']});
})();
