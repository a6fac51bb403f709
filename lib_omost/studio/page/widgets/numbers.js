// A number that will not do is refused where it is typed: it goes to the nearest one that will, and a line below says so.
const shown = value => String(Number(Number(value).toFixed(4)));
function nearestOf(input) {
  const [low, high, step] = [input.min === '' ? -Infinity : Number(input.min), input.max === '' ? Infinity : Number(input.max), Number(input.step) || 0];
  const held = Math.max(low, Math.min(high, Number(input.value))), from = Number.isFinite(low) ? low : 0;
  const fit = input.validity.stepMismatch && step ? from + Math.round((held - from) / step) * step : held;
  return fit > high ? fit - step : fit;
}
function says(input) {
  const range = input.min !== '' && input.max !== '' ? 'from ' + input.min + ' to ' + input.max : input.min !== '' ? 'of ' + input.min + ' or more' : '';
  const steps = Number(input.step) > 1 ? ' in steps of ' + input.step : Number(input.step) === 1 ? ', whole' : '';
  return 'Numbers ' + range + steps + ' will do here.';
}
function tell(input, text) {
  const place = input.closest('label, .block') || input.parentElement;
  let note = place.querySelector('.number-note');
  if (!note) { note = document.createElement('span'); note.className = 'number-note'; note.setAttribute('role', 'alert'); place.append(note); }
  note.textContent = text;
  note.hidden = !text;
}
// Before anybody else hears of it, so that a number that will not do is nowhere but in this field.
document.addEventListener('change', event => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || input.type !== 'number') return;
  if (input.validity.valid) { tell(input, ''); return; }
  if (input.value === '') return;  // some may be empty, and what that means is the server's business
  const wrong = input.value, right = shown(nearestOf(input));
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, right);
  tell(input, wrong + ' will not do. ' + says(input) + ' It is ' + right + ' now.');
  input.dispatchEvent(new Event('input', {bubbles: true}));
}, true);
