// ---- drawing ---------------------------------------------------------------------------------------------------------
function draw() {
  stage.style.setProperty('--ratio', plan.ratio[0] / plan.ratio[1]);
  if (plan.whole) stage.style.setProperty('--paper', colour(plan.whole.color)); else stage.style.removeProperty('--paper');
  stage.classList.toggle('adding', adding); stage.classList.toggle('moving', !!drag?.moved);
  fit(); drawPicture(); drawBoxes(); drawLabels(); drawList(); drawForm(); placeForm(); drawStatus();
  for (const b of element.querySelectorAll('[data-act]')) b.disabled = (/^[ur]..?do$/.test(b.dataset.act) ? plan.streaming : writing()) || !usable(b.dataset.act);
  find('[data-act=add]').classList.toggle('on', adding);
  drawSteps();
}

const usable = act => act === 'add' ? true : act === 'vary' ? !!region() && !!shownPicture() && region().strength > 0 : act === 'undo' || act === 'redo' ? plan[act] != null : act === 'lock' ? !!(region() || plan.whole) : !!region();

function drawSteps() {
  for (const [act, word, key] of [['undo', 'Undo', 'Ctrl+Z'], ['redo', 'Redo', 'Ctrl+Shift+Z']]) find('[data-act=' + act + ']').title = word + (plan[act] ? ': ' + plan[act] : '') + ' (' + key + ')';
}

// An open or a closed lock. What is locked, no reply changes.
const SHACKLE = {true: 'M5 7V5a3 3 0 0 1 6 0v2', false: 'M5 7V4.5a3 3 0 0 1 5.8-1'};
function drawLock(button, target, what) {
  const shut = !!target?.locked;
  if (!button.firstChild) {
    const make = name => document.createElementNS('http://www.w3.org/2000/svg', name), svg = button.appendChild(make('svg')), body = svg.appendChild(make('rect'));
    svg.setAttribute('viewBox', '0 0 16 16'); svg.setAttribute('aria-hidden', 'true'); svg.appendChild(make('path'));
    for (const [key, value] of Object.entries({x: 3.5, y: 7, width: 9, height: 6.5, rx: 1.2})) body.setAttribute(key, value);
  }
  button.querySelector('path').setAttribute('d', SHACKLE[shut]);
  button.setAttribute('aria-pressed', shut);
  button.setAttribute('aria-label', 'Lock ' + what);
  button.title = shut ? 'Locked: no reply changes this. Press to unlock (L)' : 'Lock: no reply may change this (L)';
}


// An open or a closed eye. What is left out is in the plan, and not in the picture.
const LIDS = {true: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8', false: 'M1.5 7s2.5 4 6.5 4 6.5-4 6.5-4M8 11v2.5M4 10.2 2.8 12.3M12 10.2l1.2 2.1'};
function drawEye(button, target, what) {
  const open = !target || target.strength > 0;
  if (!button.firstChild) {
    const make = name => document.createElementNS('http://www.w3.org/2000/svg', name), svg = button.appendChild(make('svg')), pupil = make('circle');
    svg.setAttribute('viewBox', '0 0 16 16'); svg.setAttribute('aria-hidden', 'true'); svg.append(make('path'), pupil);
    for (const [key, value] of Object.entries({cx: 8, cy: 8, r: 2})) pupil.setAttribute(key, value);
  }
  button.querySelector('path').setAttribute('d', LIDS[open]);
  button.querySelector('circle').style.display = open ? '' : 'none';
  button.setAttribute('aria-pressed', !open);
  button.setAttribute('aria-label', 'Leave ' + what + ' out of the picture');
  button.title = open ? 'Painted. Press to leave it out of the picture (H)' : 'Left out of the picture. Press to have it painted (H)';
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
    node.classList.toggle('out', r.strength === 0);
    node.querySelector('.tint').style.background = colour(r.color);
  });
  if (plan.pending) {
    const node = old.get('pending') || stage.appendChild(makeBox('pending'));
    old.delete('pending');
    node.classList.add('pending');
    put(node, plan.pending);
  }
  old.forEach(n => n.remove());
  const empty = find('.re-empty');
  empty.hidden = plan.regions.length > 0 || !!plan.pending || !!drag;
  empty.querySelector('p').textContent = plan.streaming ? 'Composing the plan…' : COARSE ? 'The plan appears here, box by box. Or press Add and draw one.' : 'The plan appears here, box by box. Or draw one: press and drag.';
}
const COARSE = matchMedia('(pointer: coarse)').matches;

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

// Labels never lie on one another, nor, where there is room, on a thing: each takes the first free place right above its box,
// below it, then in it, along its edges. What covers half of the picture is no thing.
function drawLabels() {
  stage.querySelectorAll('.re-label').forEach(n => n.remove());
  const width = stage.clientWidth, height = stage.clientHeight, taken = [], high = 20, gap = 3;
  if (!width) return;
  const order = [...plan.regions].sort((a, b) => (b.id === selected) - (a.id === selected) || a.depth - b.depth);
  for (const r of order) {
    const node = document.createElement('div');
    node.className = 're-label' + (r.id === selected ? ' selected' : ''); node.dataset.id = r.id; node.textContent = title(r);
    const depth = document.createElement('small'); depth.textContent = r.depth; node.appendChild(depth);
    stage.appendChild(node);
    const wide = node.offsetWidth, [left, top, right, bottom] = r.box.map((v, i) => v / GRID * (i % 2 ? height : width));
    const xs = [left + gap, right - wide - gap].map(x => clamp(x, gap, width - wide - gap)), ys = [top - high - gap, bottom + gap].filter(y => y >= gap && y <= height - high - gap);
    for (let y = top + gap; y < bottom - high; y += high + gap) ys.push(y);
    for (let y = gap; y < height - high; y += high + gap) ys.push(y);
    const free = (x, y) => taken.every(([a, b, c, d]) => x >= c || x + wide <= a || y >= d || y + high <= b);
    const over = (x, y, o) => { const [l, t, r, b] = o.box.map((v, i) => v / GRID * (i % 2 ? height : width)); return x < r && x + wide > l && y < b && y + high > t; };
    const things = plan.regions.filter(o => (o.box[2] - o.box[0]) * (o.box[3] - o.box[1]) * 2 < GRID * GRID), clear = [(x, y) => !things.some(o => over(x, y, o)), (x, y) => !things.some(o => o !== r && over(x, y, o)), () => true];
    let place = null;
    for (const wish of clear) for (const y of place ? [] : ys) { const x = xs.find(x => free(x, y) && wish(x, y)); if (x !== undefined) { place = [x, clamp(y, gap, height - high - gap)]; break; } }
    if (!place || !free(...place)) { node.remove(); continue; }  // the list below still has it
    node.style.left = place[0] + 'px'; node.style.top = place[1] + 'px';
    taken.push([place[0], place[1], place[0] + wide, place[1] + high]);
  }
}

function drawList() {
  const order = byDepth();
  while (list.children.length > order.length) list.lastChild.remove();
  order.forEach((r, i) => {
    let row = list.children[i];
    if (!row) row = list.appendChild(makeRow());
    const [pick, eye, lock] = row.children;
    pick.dataset.id = eye.dataset.id = lock.dataset.id = r.id;
    row.classList.toggle('out', r.strength === 0);
    pick.classList.toggle('selected', r.id === selected); pick.classList.toggle('lit', r.id === lit); pick.setAttribute('aria-pressed', r.id === selected);
    pick.children[0].style.background = colour(r.color); pick.children[1].textContent = title(r); pick.children[2].textContent = r.depth;
    drawLock(lock, r, title(r)); drawEye(eye, r, title(r));
  });
}

function makeRow() {
  const row = document.createElement('span'), pick = document.createElement('button'), eye = document.createElement('button'), lock = document.createElement('button');
  row.className = 'row'; row.draggable = true; pick.className = 'pick'; eye.className = 'eye'; lock.className = 'lock';
  pick.type = eye.type = lock.type = 'button'; pick.title = 'Its name, and how far away it is. Drag it along the list, or press Alt and an arrow key, to bring it nearer or farther';
  for (const part of ['dot', 'name', 'depth']) { const n = document.createElement('span'); n.className = part; pick.appendChild(n); }
  row.append(pick, eye, lock);
  return row;
}

function drawStatus() {
  const r = region(), count = plan.regions.length + (plan.regions.length === 1 ? ' region' : ' regions');
  if (plan.streaming) status.textContent = 'Composing… ' + count;
  else if (adding) status.textContent = 'Draw the new region in the plan, or press Enter';
  else if (r) status.textContent = 'across ' + r.box[0] + '–' + r.box[2] + ', down ' + r.box[1] + '–' + r.box[3] + piled(r);
  else status.textContent = plan.regions.length ? count + ' · press one to edit it' : '';
}

// Boxes that lie one on the other are reached by pressing the same place again.
function piled(r) {
  const [l, t, right, b] = r.box, others = plan.regions.filter(o => o !== r && o.box[0] < right && o.box[2] > l && o.box[1] < b && o.box[3] > t);
  return others.length ? ' · press again for the one below' : '';
}
