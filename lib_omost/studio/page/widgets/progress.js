// A bar and one line of text over the canvas: how far a render is. What needs no second look fades when it is over.
const LINGER_MS = 4000, SHORT = 28;
let fading = 0;
function draw() {
  const {text = '', figures = '', share = 0} = props.value || {}, percent = Math.round(100 * Math.max(0, Math.min(1, share)));
  const bar = element.querySelector('.pg');
  element.querySelector('.pg-text').textContent = text;
  element.querySelector('.pg-figures').textContent = figures;
  element.querySelector('.pg-fill').style.width = percent + '%';
  element.querySelector('.pg-track').setAttribute('aria-valuenow', percent);
  clearTimeout(fading);
  bar.classList.remove('over');
  if (/done|stopped/.test(text) && text.length < SHORT) fading = setTimeout(() => bar.classList.add('over'), LINGER_MS);
}
watch('value', draw);
draw();
