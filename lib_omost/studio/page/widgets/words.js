// The words that a small image model draws, to be pressed into the message, and what it does not know of the message
// that is being typed. Texts go through textContent only. value: {words, unknown: [{word, near}]}
const root = element.querySelector('.wd'), FEW = 12, PAUSE_MS = 350;
let later = 0;
const box = () => document.querySelector('#message textarea');
function write(text) {
  const into = box();
  if (!into || into.disabled) return;
  into.value = text;
  into.dispatchEvent(new Event('input', {bubbles: true}));
  into.focus();
}
function press(text, act) {
  const made = document.createElement('button');
  made.type = 'button'; made.textContent = text;
  made.addEventListener('click', act);
  return made;
}
const article = word => (/^[aeiou]/i.test(word) ? 'an ' : 'a ') + word;
function add(word) {
  const said = (box()?.value || '').replace(/\s+$/, '');
  write(said ? said + (/,$/.test(said) ? ' ' : ', ') + article(word) : article(word));
}
const escaped = word => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const instead = ({word, near}) => write((box()?.value || '').replace(new RegExp('\\b(?:an? )?' + escaped(word) + '\\b', 'i'), found => / /.test(found.slice(0, 3)) ? article(near) : near));

function row(one) {
  const made = document.createElement('li'), word = document.createElement('mark');
  word.textContent = one.word;
  made.append(word, one.near ? ' is new to this image model: it would paint a near thing. ' : ' is new to this image model: it may come out as anything.');
  if (one.near) made.append(press('write “' + one.near + '”', () => instead(one)));
  return made;
}
function draw() {
  const value = {words: [], unknown: [], ...(props.value || {})}, words = root.querySelector('.wd-words');
  root.hidden = !value.words.length;
  root.querySelector('summary').textContent = value.words.length ? `This small image model draws ${value.words.length} things: ${value.words.slice(0, FEW).join(', ')} …` : '';
  if (words.dataset.of !== value.words.join()) { words.dataset.of = value.words.join(); words.replaceChildren(...value.words.map(word => press(word, () => add(word)))); }
  root.querySelector('.wd-unknown').replaceChildren(...(box()?.value.trim() ? value.unknown.map(row) : []));
}
document.addEventListener('input', e => {
  if (!element.isConnected || e.target !== box() || root.hidden) return;
  clearTimeout(later);
  later = setTimeout(() => { if (box()?.value.trim()) trigger('typed', {text: box().value}); else draw(); }, PAUSE_MS);
});
document.addEventListener('keydown', e => { if (e.target === box() && e.key === 'Enter' && !e.shiftKey) { clearTimeout(later); root.querySelector('.wd-unknown').replaceChildren(); } }, true);
watch('value', draw);
draw();
