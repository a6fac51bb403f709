// ---- the form --------------------------------------------------------------------------------------------------------
const FIELDS = {
  local: [['description', 'Description', 'wide'], ['name', 'Name'], ['negative', 'Not here (negative)'], ['color', 'Colour', 'third'], ['depth', 'Distance', 'third', 'How far from the viewer: smaller is nearer'],
    ['strength', 'Strength', 'third', '1 is as the model was trained; 2 doubles the weight of these words, 0 leaves the region out']],
  whole: [['description', 'The whole picture', 'wide'], ['tags', 'Tags'], ['color', 'Background colour']],
};
const MORE = {
  local: [['details', 'Detailed descriptions, one a line', 'wide'], ['tags', 'Tags'], ['atmosphere', 'Atmosphere'], ['style', 'Style'], ['quality', 'Quality']],
  whole: [['details', 'Detailed descriptions, one a line', 'wide']],
};
const NUMBERS = {depth: {min: .1, step: .5, reads: v => v > 0}, strength: {min: 0, max: 4, step: .1, reads: v => v >= 0 && v <= 4}};
let formOf = '';

function drawForm() {
  const target = region() || plan.whole, kind = region() ? 'local' : plan.whole ? 'whole' : '';
  if (formOf !== kind) { buildForm(kind); formOf = kind; }
  if (!target) return;
  const lock = form.querySelector('.lock');
  drawLock(lock, target, kind === 'local' ? 'this region' : 'the whole picture\'s text');
  lock.lastChild.textContent = target.locked ? 'Locked: replies leave it alone' : kind === 'local' ? 'Lock this region' : 'Lock these texts';
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
  drawLock(lock, null, ''); lock.append(document.createElement('span')); form.append(lock);
  FIELDS[kind].forEach(row => form.appendChild(field(...row)));
  const more = document.createElement('details'), head = document.createElement('summary'), body = document.createElement('div');
  head.textContent = 'More texts'; body.className = 'more';
  MORE[kind].forEach(row => body.appendChild(field(...row)));
  more.append(head, body); form.appendChild(more);
}

function field(key, label, place = '', help = '') {
  const box = document.createElement('label'), caption = document.createElement('span');
  caption.textContent = label; box.className = place; box.title = help;
  const input = document.createElement(key === 'details' || key === 'description' ? 'textarea' : 'input');
  input.dataset.key = key;
  if (key === 'details') input.rows = 3; else if (key === 'description') input.rows = 2;
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
