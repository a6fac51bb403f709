// Sentences with an action each. Texts go through textContent only.
// value: {rows: [{text, label, value, off}]}; a press of a row's button tells the server its `value` ('act').
const rows = element.querySelector('.rm-rows');
function draw() {
  const value = {rows: [], ...(props.value || {})}, held = rows.contains(document.activeElement) ? [...rows.querySelectorAll('button')].indexOf(document.activeElement) : -1;
  rows.replaceChildren(...value.rows.map(made));
  if (held >= 0) (rows.querySelectorAll('button')[held] || document.querySelector('#message textarea'))?.focus({preventScroll: true});
}

function made(row) {
  const item = document.createElement('li'), text = document.createElement('span');
  text.textContent = row.text; item.className = row.off ? 'off' : ''; item.append(text);
  if (!row.label) return item;
  const button = document.createElement('button');
  button.type = 'button'; button.textContent = row.label; button.dataset.value = row.value;
  button.setAttribute('aria-label', row.label + ': ' + row.text);
  item.append(button);
  return item;
}

rows.addEventListener('click', e => {
  const value = e.target.dataset.value;
  if (value === undefined) return;
  if (value === 'hand') document.querySelector('.re-stage')?.focus();
  else trigger('act', {value});
});
watch('value', draw);
draw();
