// ---- the form --------------------------------------------------------------------------------------------------------
const FIELDS = {
  local: [['description', 'What is here'], ['color', 'Colour']],
  whole: [['description', 'The whole picture'], ['color', 'Background colour']],
};
const MORE = {
  local: [['name', 'Name'], ['negative', 'Not here (negative)'], ['depth', 'Distance', 'half', 'How far from the viewer: smaller is nearer'],
    ['strength', 'Strength', 'half', '1 is as the model was trained; 2 doubles the weight of these words, 0 leaves the region out'],
    ['details', 'Detailed descriptions, one a line'], ['tags', 'Tags'], ['atmosphere', 'Atmosphere'], ['style', 'Style'], ['quality', 'Quality']],
  whole: [['tags', 'Tags'], ['details', 'Detailed descriptions, one a line']],
};
const NUMBERS = {depth: {min: .1, step: 'any', reads: v => v > 0}, strength: {min: 0, max: 4, step: 'any', reads: v => v >= 0 && v <= 4}};
let formOf = '';

function drawForm() {
  const target = region() || plan.whole, kind = region() ? 'local' : plan.whole ? 'whole' : '';
  if (formOf !== kind) { buildForm(kind); formOf = kind; }
  if (!target) return;
  const lock = form.querySelector('.lock'), eye = form.querySelector('.eye');
  if (eye) { drawEye(eye, target, 'this region'); eye.lastChild.textContent = target.strength ? 'Painted' : 'Left out'; }
  drawLock(lock, target, kind === 'local' ? 'this region' : 'the whole picture\'s text');
  lock.lastChild.textContent = kind === 'local' ? target.locked ? 'Locked' : 'Lock' : target.locked ? 'Locked: replies leave it alone' : 'Lock these texts';
  for (const button of form.querySelectorAll('[data-near]')) { button.disabled = writing(); button.setAttribute('aria-pressed', nearnessOf(target.depth) === button.dataset.near); }
  for (const input of form.querySelectorAll('[data-key]')) {
    input.disabled = writing();
    if (document.activeElement === input && input.type !== 'color') continue;
    const key = input.dataset.key, value = target[key];
    input.value = key === 'details' ? (value || []).join('\n') : input.type === 'color' ? colour(value) : value ?? '';
    if (input.type === 'color') input.nextElementSibling.textContent = input.value;
  }
}

function buildForm(kind) {
  form.replaceChildren();
  if (!kind) return;
  const lock = document.createElement('button');
  lock.type = 'button'; lock.className = 'lock'; lock.dataset.act = 'lock';
  drawLock(lock, null, ''); lock.append(document.createElement('span'));
  const head = document.createElement('div');
  head.className = 're-heads'; head.append(lock); form.append(head);
  if (kind === 'local') {
    const eye = document.createElement('button');
    eye.type = 'button'; eye.className = 'eye'; eye.dataset.act = 'hide';
    drawEye(eye, null, ''); eye.append(document.createElement('span')); head.prepend(eye);
  }
  FIELDS[kind].forEach(row => form.appendChild(field(...row)));
  if (kind === 'local') form.append(nearness(), variations());
  const more = document.createElement('details'), label = document.createElement('summary'), body = document.createElement('div');
  label.textContent = 'More'; body.className = 'more';
  MORE[kind].forEach(row => body.appendChild(field(...row)));
  more.open = opened; more.addEventListener('toggle', () => { opened = more.open; placeForm(); });
  more.append(label, body); form.appendChild(more);
}
let opened = false;  // once more was wanted, it is there for the next region too

// Three places of depth; the number itself is among what is more.
const NEAR = {Near: 2, Middle: 5, Far: 10};
const nearnessOf = depth => depth < 3.5 ? 'Near' : depth <= 7 ? 'Middle' : 'Far';
function nearness() {
  const group = document.createElement('div');
  group.className = 're-near'; group.setAttribute('role', 'group'); group.setAttribute('aria-label', 'How far away');
  for (const [name, depth] of Object.entries(NEAR)) {
    const button = document.createElement('button');
    button.type = 'button'; button.textContent = button.dataset.near = name;
    button.addEventListener('click', () => { if (region() && nearnessOf(region().depth) !== name) change(() => { region().depth = depth; }); });
    group.append(button);
  }
  return group;
}

// Four pictures that differ in this region alone.
function variations() {
  const button = document.createElement('button');
  button.type = 'button'; button.className = 'vary'; button.dataset.act = 'vary';
  button.textContent = '4 variations'; button.title = 'Paints this region four times, the rest of the picture kept; choose one (V)';
  return button;
}

function field(key, label, place = '', help = '') {
  const box = document.createElement('label'), caption = document.createElement('span');
  caption.textContent = label; box.className = place; box.title = help;
  const input = document.createElement(key === 'details' || key === 'description' ? 'textarea' : 'input');
  input.dataset.key = key;
  if (key === 'details') input.rows = 3; else if (key === 'description') input.rows = 1;
  if (key in NUMBERS) { const {min, max = '', step} = NUMBERS[key]; Object.assign(input, {type: 'number', min, max, step}); }
  input.addEventListener('change', () => edit(key, input));
  box.append(caption, key === 'color' ? swatch(input) : input);
  if (key !== 'color' && !(key in NUMBERS)) input.maxLength = 4000;
  return box;
}

function swatch(input) {
  const pair = document.createElement('span'), code = document.createElement('span');
  pair.className = 'pair'; code.className = 'code'; input.type = 'color';
  input.addEventListener('input', () => { code.textContent = input.value; });
  pair.append(input, code);
  return pair;
}

function edit(key, input) {
  const target = region() || plan.whole;
  if (!target) return;
  let value = input.value;
  if (key === 'details') value = value.split('\n').map(line => line.trim()).filter(Boolean);
  if (key in NUMBERS) { value = Number(value); if (input.value === '' || !NUMBERS[key].reads(value)) { input.value = target[key]; return; } }
  change(() => { target[key] = value; });
}
